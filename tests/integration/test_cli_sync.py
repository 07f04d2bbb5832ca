"""`dynsync sync`, `dynsync estimate` and `dynsync preview` against DynamoDB Local."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_dynsync.cli import main
from airflow_dynsync.sync.report import SyncReport
from local.dynamodb import Server
from tests.tables import before_first_lookup, by_key, read_all, wire_client

Fill = Callable[..., str]


@pytest.fixture
def servers(two_dynamodb_locals: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch) -> tuple[Server, Server]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "cli")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("DYNSYNC_SECRET", "a secret for these tests")
    return two_dynamodb_locals


@pytest.fixture
def clients(servers: tuple[Server, Server]) -> tuple[Any, Any]:
    from local.dynamodb import AccessKey

    return wire_client(servers[0], AccessKey("cli")), wire_client(servers[1], AccessKey("cli"))


def side(name: str, server: Server) -> list[str]:
    return [f"--{name}-region", server.region, f"--{name}-endpoint-url", server.endpoint_url]


@pytest.fixture
def mapping(tmp_path: Path) -> str:
    file = tmp_path / "mapping.yaml"
    file.write_text("mappings: {Email: transform_email}\nunmapped: passthrough\n")
    return str(file)


@pytest.mark.parametrize("client", [[], ["--client", "botocore"]], ids=["wire", "botocore"])
def test_sync_copies_and_reports_as_json(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    capsys: pytest.CaptureFixture[str],
    client: list[str],
) -> None:
    items = [{"Id": {"S": str(n)}, "Email": {"S": f"p{n}@corp.test"}, "N": {"N": str(n)}} for n in range(130)]
    source, destination = fill(clients[0], {"Id": "S"}, items), fill(clients[1], {"Id": "S"}, [])
    command = ["sync", mapping, "--source-table", source, "--destination-table", destination, "--json"]
    assert main([*command, *client, *side("source", servers[0]), *side("destination", servers[1])]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert (report["items_read"], report["items_written"]) == (130, 130)
    assert "corp.test" not in printed.out + printed.err
    after = by_key(read_all(clients[1], destination), "Id")
    assert all(after[repr([item["Id"]])]["N"] == item["N"] for item in items)
    assert all(after[repr([item["Id"]])]["Email"] != item["Email"] for item in items)


def test_sync_shows_counts_by_path_to_a_person(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [{"Id": {"S": "1"}, "Email": {"S": "marked-value@corp.test"}}]
    source, destination = fill(clients[0], {"Id": "S"}, items), fill(clients[1], {"Id": "S"}, [])
    command = ["sync", mapping, "--source-table", source, "--destination-table", destination]
    assert main([*command, *side("source", servers[0]), *side("destination", servers[1])]) == 0
    printed = capsys.readouterr().out
    assert "transform_email" in printed
    assert "marked-value" not in printed


def test_estimate_tells_the_cost_and_warns_and_writes_nothing(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [{"Id": {"S": str(n)}, "Email": {"S": f"p{n}@corp.test"}} for n in range(100, 200)]
    source, destination = fill(clients[0], {"Id": "S"}, items), fill(clients[1], {"Id": "S"}, [])
    command = ["estimate", mapping, "--source-table", source, "--destination-table", destination]
    limits = ["--write-limit", "0.5", "--price-write", "10000", "--execution-timeout", "60"]
    sides = [*side("source", servers[0]), *side("destination", servers[1])]

    assert main([*command, *limits, *sides]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{source} -> {destination}: 100 items, ")
    assert "at most 102 write units ($1.02); 0:03:24, set by the write limit" in printed.out
    assert "Verification of a sample, after the last write: 100 read units ($0.00)" in printed.out
    assert "is stopped after 0:01:00; raise execution_timeout" in printed.err

    assert main([*command, "--where", "Id = '111'", "--json", *sides]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert (plain["items"], plain["selective"], plain["write_units"]) == (100, True, 102)

    assert main([*command, "--read-limit", "50%", *sides]) == 1
    assert "give the limit in capacity units per second" in capsys.readouterr().err
    assert read_all(clients[1], destination) == []


def test_preview_prints_values_side_by_side(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = fill(clients[0], {"Id": "S"}, [{"Id": {"S": "1"}, "Email": {"S": "ada@corp.test"}}])
    assert main(["preview", mapping, "--source-table", source, "-n", "1", *side("source", servers[0])]) == 0
    printed = capsys.readouterr().out
    assert "ada@corp.test" in printed
    assert "@example." in printed


def test_a_missing_table_is_one_line(
    servers: tuple[Server, Server], mapping: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["preview", mapping, "--source-table", "no-such-table", *side("source", servers[0])]
    assert main(command) == 1
    printed = capsys.readouterr().err
    assert "no-such-table" in printed
    assert printed.count("\n") == 1


def test_sync_of_segments_moves_those_and_several_commands_move_all(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [{"Id": {"S": str(n)}, "Email": {"S": f"p{n}@corp.test"}} for n in range(200)]
    source, destination = fill(clients[0], {"Id": "S"}, items), fill(clients[1], {"Id": "S"}, [])
    command = ["sync", mapping, "--source-table", source, "--destination-table", destination, "--json"]
    command += [*side("source", servers[0]), *side("destination", servers[1]), "--total-segments", "16"]
    written = 0
    for segments in ("0-7", "8-15"):
        assert main([*command, "--segments", segments, "--workers", "2"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["segments"] == 8
        assert 0 < report["items_written"] < 200
        written += report["items_written"]
        assert len(read_all(clients[1], destination)) == written
    assert written == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--segments", "7-0", "--total-segments", "16"], "--segments: segments are written as the first and the"),
        (["--segments", "8-16", "--total-segments", "16"], "segments: 8-16 are not among the 16"),
        (["--segments", "0-7"], "give total_segments, the same to every worker"),
    ],
)
def test_sync_refuses_segments_that_do_not_fit(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    source, destination = fill(clients[0], {"Id": "S"}, []), fill(clients[1], {"Id": "S"}, [])
    command = ["sync", mapping, "--source-table", source, "--destination-table", destination, *options]
    command += [*side("source", servers[0]), *side("destination", servers[1])]
    assert main(command) == 1
    assert message in capsys.readouterr().err


def test_sync_of_segments_without_a_secret_is_refused(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DYNSYNC_SECRET")
    source, destination = fill(clients[0], {"Id": "S"}, []), fill(clients[1], {"Id": "S"}, [])
    command = ["sync", mapping, "--source-table", source, "--destination-table", destination]
    command += ["--segments", "0-7", "--total-segments", "16"]
    assert main([*command, *side("source", servers[0]), *side("destination", servers[1])]) == 1
    assert "several workers need one secret" in capsys.readouterr().err


def test_sync_writes_its_report_where_it_is_told(
    servers: tuple[Server, Server], clients: tuple[Any, Any], fill: Fill, mapping: str, tmp_path: Path
) -> None:
    items = [{"Id": {"S": str(n)}, "Email": {"S": f"p{n}@corp.test"}} for n in range(130)]
    source, destination = fill(clients[0], {"Id": "S"}, items), fill(clients[1], {"Id": "S"}, [])
    command = ["sync", mapping, "--source-table", source, "--destination-table", destination]
    sides = [*side("source", servers[0]), *side("destination", servers[1])]
    assert main([*command, *sides, "--report", str(tmp_path / "run.html")]) == 0
    text = (tmp_path / "run.json").read_text()
    report = SyncReport.from_json(text)
    assert (report.items_read, report.source_table, report.source_region) == (130, source, servers[0].region)
    assert report.run is not None
    assert report.run.started < report.run.ended
    assert report.mapping is not None
    assert (report.mapping.unmapped, report.mapping.selective, report.mapping.secret_stays) == (
        "passthrough",
        False,
        True,
    )
    assert [(rule.path, rule.transformer) for rule in report.mapping.rules] == [("Email", "transform_email")]
    assert report.phases is not None
    assert [phase.name for phase in report.phases] == ["prepare", "move", "verify"]
    assert report.timeline is not None
    assert report.timeline[-1].items_written == 130
    assert report.capacity is not None
    assert report.capacity.write_dollars == pytest.approx(report.write_units * 0.625 / 1_000_000)
    page = (tmp_path / "run.html").read_text()
    assert "130" in page
    assert "corp.test" not in text + page


def test_a_run_says_that_it_finds_no_earlier_report_and_keeps_a_copy_of_its_own(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [{"Id": {"S": "1"}, "Email": {"S": "p@corp.test"}}]
    source, destination = fill(clients[0], {"Id": "S"}, items), fill(clients[1], {"Id": "S"}, [])
    command = ["sync", mapping, "--source-table", source, "--destination-table", destination]
    command += [*side("source", servers[0]), *side("destination", servers[1]), "--drift", "fail"]
    for day, says_so in (("monday", True), ("tuesday", False)):
        copy = str(tmp_path / day)
        assert main([*command, "--report", str(tmp_path / "run"), "--report-copy", copy]) == 0
        assert ("There is no report of an earlier run" in capsys.readouterr().err) is says_so
    first, second = (SyncReport.from_json((tmp_path / f"{day}.json").read_text()) for day in ("monday", "tuesday"))
    assert SyncReport.from_json((tmp_path / "run.json").read_text()) == second
    assert first.run is not None
    assert first.drift is not None
    assert second.drift is not None
    assert (first.drift.compared_with, second.drift.compared_with) == (None, first.run.id)


def test_a_destination_that_lacks_an_item_fails_after_the_report_is_written(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = [{"Id": {"S": str(n)}, "Email": {"S": f"p{n}@corp.test"}} for n in range(30)]
    source, destination = fill(clients[0], {"Id": "S"}, items), fill(clients[1], {"Id": "S"}, [])
    before_first_lookup(monkeypatch, lambda: clients[1].delete_item(TableName=destination, Key={"Id": {"S": "7"}}))
    command = ["sync", mapping, "--source-table", source, "--destination-table", destination, "--verify", "all"]
    sides = [*side("source", servers[0]), *side("destination", servers[1])]
    assert main([*command, *sides, "--report", str(tmp_path / "run")]) == 1
    assert "of 30 items that were read back, 0 differ" in " ".join(capsys.readouterr().err.split())
    verified = SyncReport.from_json((tmp_path / "run.failed.json").read_text()).verification
    assert verified is not None
    assert (verified.mode, verified.missing, verified.passed) == ("all", 1, False)


def test_items_that_are_put_aside_are_listed_and_by_choice_decrypted(
    servers: tuple[Server, Server],
    clients: tuple[Any, Any],
    fill: Fill,
    mapping: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = {"Id": {"S": "bad"}, "Email": {"N": "4711"}}
    items = [bad, {"Id": {"S": "good"}, "Email": {"S": "p@corp.test"}}]
    source, destination = fill(clients[0], {"Id": "S"}, items), fill(clients[1], {"Id": "S"}, [])
    command = ["sync", mapping, "--source-table", source, "--destination-table", destination]
    sides = [*side("source", servers[0]), *side("destination", servers[1])]
    letters, report = str(tmp_path / "letters.jsonl"), str(tmp_path / "run")
    aside = ["--on-item-error", "dead_letter", "--dead-letters", letters]

    assert main([*command, *sides, *aside, "--dead-letter-items", "encrypted", "--report", report]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "Warning: Dead letters: 1 item could not be transformed or written" in told
    assert not SyncReport.from_json((tmp_path / "run.json").read_text()).complete

    assert main(["dead-letters", letters]) == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert "Items put aside: 1" in listed
    assert "mappings.Email" in listed
    assert "4711" not in listed
    assert main(["dead-letters", letters, "--decrypt", "--key", '{"Id": {"S": "bad"}}']) == 0
    assert json.loads(capsys.readouterr().out)["item"] == bad
    assert main(["dead-letters", letters, "--key", '{"Id": {"S": "good"}}']) == 0
    assert "Items put aside: 0" in capsys.readouterr().out
    for wrong, said in (
        ([letters, "--key", "bad"], "--key: a JSON object with Id was expected"),
        ([mapping], "a dead-letter file of this version was expected"),
        ([str(tmp_path / "missing")], "cannot be read"),
    ):
        assert main(["dead-letters", *wrong]) == 1
        assert said in " ".join(capsys.readouterr().err.split())

    assert main([*command, *sides, *aside, "--max-item-errors", "0", "--report", report]) == 1
    assert "more than max_item_errors (0)" in " ".join(capsys.readouterr().err.split())
    failed = SyncReport.from_json((tmp_path / "run.failed.json").read_text())
    assert (failed.outcome, failed.error) == ("failed", "TooManyItemErrorsError")
    assert SyncReport.from_json((tmp_path / "run.json").read_text()).outcome == "succeeded"
