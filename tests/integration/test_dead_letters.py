"""Items that cannot be transformed or written are put aside, and the run goes on; on DynamoDB Local."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_dynsync.dynamodb.errors import StoppedError
from airflow_dynsync.engine import Mapping, TransformError
from airflow_dynsync.sync.checkpoint import FileStore
from airflow_dynsync.sync.dead_letters import (
    DeadLetterFile,
    Sealing,
    TooManyItemErrorsError,
    parse_dead_letters,
)
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.job import SyncJob, run_sync
from airflow_dynsync.sync.report import SyncReport
from airflow_dynsync.sync.report.course import DeadLetterReason
from local.dynamodb import AccessKey, Server
from tests.tables import by_key, read_all, wire_client

SECRET = b"a secret for these tests"
KEY = {"Id": "S"}
MAPPING: dict[str, Any] = {
    "mappings": {
        "Mail": "transform_email",
        "Long": {"transformer": "constant", "value": "x" * 410_000},
    },
    "unmapped": "passthrough",
}
"""Fails on a Mail that is a number, and makes an item with Long larger than DynamoDB takes."""

Fill = Callable[..., str]


@pytest.fixture
def client(dynamodb_local: Server) -> Any:
    return wire_client(dynamodb_local, AccessKey("one"))


def good(number: int) -> dict[str, Any]:
    return {"Id": {"S": f"u{number}"}, "Mail": {"S": f"p{number}@corp.test"}}


UNTRANSFORMABLE = {"Id": {"S": "marked-number"}, "Mail": {"N": "4711"}}
TOO_LARGE = {"Id": {"S": "marked-large"}, "Mail": {"S": "large@corp.test"}, "Long": {"S": "short"}}


def job(source: str, destination: str, mapping: dict[str, Any] = MAPPING, **options: Any) -> SyncJob:
    options = {"secret": SECRET, "on_item_error": "dead_letter", "verify": "all"} | options
    return SyncJob(source, destination, Mapping.parse(mapping), **options)


def digest(item: dict[str, Any]) -> str:
    return Sealing(SECRET, ("Id",)).digest(item)


def test_what_cannot_be_transformed_or_written_is_put_aside_and_all_else_is_written(
    fill: Fill, client: Any, tmp_path: Path
) -> None:
    items = [good(number) for number in range(700)]
    source = fill(client, KEY, [*items, UNTRANSFORMABLE, TOO_LARGE])
    destination = fill(client, KEY, [])
    file = tmp_path / "letters.jsonl"
    warnings: list[str] = []
    reports: list[SyncReport] = []

    report = run_sync(
        job(source, destination),
        client,
        client,
        dead_letters=DeadLetterFile(file),
        on_warning=warnings.append,
        on_report=reports.append,
    )

    written = by_key(read_all(client, destination), "Id")
    assert written.keys() == by_key(items, "Id").keys()
    assert (report.items_read, report.items_written) == (702, 700)
    assert (report.outcome, report.complete) == ("succeeded", False)
    assert report.incomplete_because == f"2 items could not be transformed or written, listed in {file}"
    assert report.dead_letters is not None
    assert (report.dead_letters.count, report.dead_letters.count_before) == (2, 0)
    too_large = (
        f"BatchWriteItem on table {destination!r} was refused: an item is larger than 400 KB, DynamoDB's limit"
    )
    met = "transform_email takes S, and met a number (N); set on_type_mismatch (passthrough, null, drop)"
    assert set(report.dead_letters.reasons) == {
        DeadLetterReason("mappings.Mail", met, 1),
        DeadLetterReason(None, too_large, 1),
    }
    assert reports == [report]
    assert report.verification is not None
    assert report.verification.passed
    assert (report.verification.items_checked, report.verification.source_changed) == (700, 0)
    (warning,) = [warning for warning in warnings if warning.startswith("Dead letters: 2 items could not be")]
    assert f"1 x mappings.Mail: {met}" in warning

    key_names, letters = parse_dead_letters(file.read_text())
    assert key_names == ("Id",)
    assert {letter.key: letter.rule for letter in letters} == {
        digest(UNTRANSFORMABLE): "mappings.Mail",
        digest(TOO_LARGE): None,
    }
    assert [letter.item for letter in letters] == [None, None]
    for value in ("4711", "marked-", "corp.test"):
        assert value not in f"{file.read_text()} {report.as_json()} {warnings}"
    assert file.stat().st_mode & 0o077 == 0


def test_a_run_that_puts_nothing_aside_is_complete_and_begins_the_file_anew(
    fill: Fill, client: Any, tmp_path: Path
) -> None:
    source, destination = fill(client, KEY, [UNTRANSFORMABLE]), fill(client, KEY, [])
    file = DeadLetterFile(tmp_path / "letters.jsonl")
    assert not run_sync(job(source, destination), client, client, dead_letters=file).complete
    client.put_item(TableName=source, Item=good(1) | {"Id": UNTRANSFORMABLE["Id"]})
    report = run_sync(job(source, destination), client, client, dead_letters=file)
    assert (report.complete, report.incomplete_because) == (True, None)
    assert report.dead_letters is not None
    assert report.dead_letters.count == 0
    assert parse_dead_letters((tmp_path / "letters.jsonl").read_text()) == (("Id",), [])


def test_an_encrypted_item_is_opened_by_the_secret_alone(fill: Fill, client: Any, tmp_path: Path) -> None:
    source, destination = fill(client, KEY, [UNTRANSFORMABLE, TOO_LARGE]), fill(client, KEY, [])
    file = tmp_path / "letters.jsonl"
    encrypting = job(source, destination, dead_letter_items="encrypted")
    report = run_sync(encrypting, client, client, dead_letters=DeadLetterFile(file))
    assert report.dead_letters is not None
    assert report.dead_letters.items == "encrypted"
    _, letters = parse_dead_letters(file.read_text())
    opened = [Sealing(SECRET, ("Id",)).open(letter) for letter in letters]
    assert by_key([item for item in opened if item], "Id") == by_key([UNTRANSFORMABLE, TOO_LARGE], "Id")
    assert "4711" not in file.read_text()
    with pytest.raises(SyncError, match="give the secret of the run that put it aside"):
        Sealing(b"another secret of 16+ bytes", ("Id",)).open(letters[0])
    with pytest.raises(SyncError, match="cannot be decrypted"):
        Sealing(SECRET, ("Id",)).open(replace(letters[0], key=letters[1].key))


@pytest.mark.parametrize("bad", [UNTRANSFORMABLE, TOO_LARGE], ids=["untransformable", "too large"])
def test_one_item_more_than_is_allowed_ends_the_run_with_its_reasons_and_a_report(
    fill: Fill, client: Any, tmp_path: Path, bad: dict[str, Any]
) -> None:
    source = fill(client, KEY, [bad | {"Id": {"S": f"b{number}"}} for number in range(4)])
    destination = fill(client, KEY, [])
    file = tmp_path / "letters.jsonl"
    reports: list[SyncReport] = []
    with pytest.raises(
        TooManyItemErrorsError, match=r"more than max_item_errors \(3\) items .*: 4 x .*; correct the rules"
    ) as caught:
        run_sync(
            job(source, destination, max_item_errors=3),
            client,
            client,
            dead_letters=DeadLetterFile(file),
            on_report=reports.append,
        )
    (report,) = reports
    assert (report.outcome, report.complete, report.error) == ("failed", False, "TooManyItemErrorsError")
    assert report.incomplete_because == str(caught.value)
    assert len(parse_dead_letters(file.read_text())[1]) == 4


def test_without_dead_letters_such_an_item_ends_the_run_and_a_report_tells_what_was_done(
    fill: Fill, client: Any
) -> None:
    source, destination = fill(client, KEY, [UNTRANSFORMABLE]), fill(client, KEY, [])
    reports: list[SyncReport] = []
    with pytest.raises(TransformError) as caught:
        run_sync(job(source, destination, on_item_error="fail"), client, client, on_report=reports.append)
    (report,) = reports
    assert (report.outcome, report.error) == ("failed", "TransformError")
    assert report.incomplete_because == str(caught.value)
    assert report.dead_letters is None
    assert SyncReport.from_json(report.as_json()) == report


@pytest.mark.parametrize(
    ("options", "file", "message"),
    [
        ({}, None, "give dead_letters, a path"),
        ({"secret": None, "dead_letter_items": "encrypted"}, "letters", "give one that stays, or keep none"),
        ({}, "missing/letters", "does not exist; make it"),
        ({}, "other", "the file is no dead-letter file and would be overwritten"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_the_first_write(
    fill: Fill, client: Any, tmp_path: Path, options: dict[str, Any], file: str | None, message: str
) -> None:
    (tmp_path / "other").write_text("a diary")
    source, destination = fill(client, KEY, [good(1)]), fill(client, KEY, [])
    place = None if file is None else DeadLetterFile(tmp_path / file)
    with pytest.raises(SyncError, match=message):
        run_sync(job(source, destination, **options), client, client, dead_letters=place)
    assert read_all(client, destination) == []


HASHED = {"mappings": MAPPING["mappings"] | {"Id": "transform_hash"}, "unmapped": "passthrough"}


@pytest.mark.parametrize("mapping", [MAPPING, HASHED], ids=["keys pass through", "keys are mapped"])
def test_a_mirror_keeps_the_old_versions_of_what_is_put_aside(
    fill: Fill, client: Any, tmp_path: Path, mapping: dict[str, Any]
) -> None:
    bad = [UNTRANSFORMABLE, TOO_LARGE]
    before = [item["Id"] for item in bad] + [{"S": "gone"}]
    source = fill(client, KEY, [{"Id": key, "Old": {"S": "yes"}} for key in before] + [good(1)])
    destination = fill(client, KEY, [])
    file = DeadLetterFile(tmp_path / "letters.jsonl")
    mirror = job(source, destination, mapping, write_mode="mirror", max_delete_fraction=0.5)
    assert run_sync(mirror, client, client, dead_letters=file).complete
    for item in bad:
        client.put_item(TableName=source, Item=item)
    client.delete_item(TableName=source, Key={"Id": {"S": "gone"}})

    report = run_sync(mirror, client, client, dead_letters=file)

    assert (report.items_written, report.items_deleted) == (1, 1)
    assert sorted("Old" in item for item in read_all(client, destination)) == [False, True, True]


def test_a_mirror_deletes_nothing_where_the_key_of_what_is_put_aside_is_not_known(
    fill: Fill, client: Any, tmp_path: Path
) -> None:
    script = "if (typeof input.Mail === 'number') throw new Error('x'); return value + '-copy';"
    mapping = {
        "mappings": {"Id": {"transformer": "transform_javascript", "code": script}},
        "unmapped": "passthrough",
    }
    source, destination = fill(client, KEY, [UNTRANSFORMABLE, good(1)]), fill(client, KEY, [good(7)])
    warnings: list[str] = []
    mirror = job(source, destination, mapping, write_mode="mirror", max_delete_fraction=1.0)
    report = run_sync(
        mirror,
        client,
        client,
        dead_letters=DeadLetterFile(tmp_path / "letters.jsonl"),
        on_warning=warnings.append,
    )
    assert report.dead_letters is not None
    assert (report.dead_letters.count, report.items_deleted) == (1, 0)
    assert {item["Id"]["S"] for item in read_all(client, destination)} == {"u7", "u1-copy"}
    assert [warning for warning in warnings if warning.startswith("Nothing was deleted")]


def test_only_changes_are_written_beside_what_is_put_aside(fill: Fill, client: Any, tmp_path: Path) -> None:
    items = [good(number) for number in range(200)]
    source = fill(client, KEY, [*items, UNTRANSFORMABLE, TOO_LARGE])
    destination = fill(client, KEY, [])
    changes = job(source, destination, write_only_changes=True)
    file = DeadLetterFile(tmp_path / "letters.jsonl")
    assert run_sync(changes, client, client, dead_letters=file).items_written == 200
    report = run_sync(changes, client, client, dead_letters=file)
    assert report.capacity is not None
    assert report.dead_letters is not None
    assert (report.items_written, report.capacity.writes_saved, report.dead_letters.count) == (0, 200, 2)


def test_a_key_that_may_not_be_looked_up_is_put_aside_where_only_changes_are_written(
    fill: Fill, client: Any, tmp_path: Path
) -> None:
    mapping = {
        "mappings": {"Id": {"transformer": "transform_javascript", "code": "return value.repeat(300);"}},
        "unmapped": "passthrough",
    }
    long = {"Id": {"S": "marked-long"}}
    source, destination = fill(client, KEY, [{"Id": {"S": "a"}}, long]), fill(client, KEY, [])
    changes = job(source, destination, mapping, write_only_changes=True)
    report = run_sync(changes, client, client, dead_letters=DeadLetterFile(tmp_path / "letters.jsonl"))
    assert [item["Id"]["S"] for item in read_all(client, destination)] == ["a" * 300]
    assert report.dead_letters is not None
    (reason,) = report.dead_letters.reasons
    assert (reason.rule, reason.count) == (None, 1)


def test_a_continued_run_reports_what_the_interrupted_one_put_aside(
    fill: Fill, client: Any, tmp_path: Path
) -> None:
    bad = [UNTRANSFORMABLE | {"Id": {"S": f"bad-{number}"}} for number in range(40)]
    source = fill(client, KEY, [*(good(number) for number in range(2000)), *bad])
    destination = fill(client, KEY, [])
    checkpoints, file = FileStore(tmp_path / "checkpoint"), tmp_path / "letters.jsonl"
    resumable = job(source, destination, total_segments=1, page_size=100, verify="off")
    stop = threading.Event()

    def interrupt(progress: Any) -> None:
        if progress.items_written >= 500:
            stop.set()

    with pytest.raises(StoppedError):
        run_sync(
            resumable,
            client,
            client,
            checkpoints=checkpoints,
            dead_letters=DeadLetterFile(file),
            on_progress=interrupt,
            progress_seconds=0.001,
            stop=stop,
        )
    before = parse_dead_letters(file.read_text())[1]
    assert 0 < len(before) < 40

    report = run_sync(resumable, client, client, checkpoints=checkpoints, dead_letters=DeadLetterFile(file))

    letters = parse_dead_letters(file.read_text())[1]
    assert sorted(letter.key for letter in letters) == sorted(map(digest, bad))
    assert report.dead_letters is not None
    assert report.dead_letters.count == 40
    assert 0 < report.dead_letters.count_before <= len(before)
    put_aside = report.dead_letters.count - report.dead_letters.count_before
    assert report.items_written_before > 0
    assert report.items_written + put_aside == report.items_read
    assert report.items_written + report.items_written_before == 2000
    assert len(read_all(client, destination)) == 2000
    assert [json.loads(line)["rule"] for line in file.read_text().splitlines()[1:]] == ["mappings.Mail"] * 40
