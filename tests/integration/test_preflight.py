"""Preflight against DynamoDB Local: in a sync, and as a command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from airflow_dynsync.cli import main
from airflow_dynsync.engine import Mapping, MappingError
from airflow_dynsync.sync.job import SyncJob, run_sync
from airflow_dynsync.sync.preflight import PreflightError
from local.dynamodb import AccessKey, Server
from tests.tables import read_all, wire_client

SECRET = b"a secret for these tests"
ITEMS = [{"Id": {"S": str(n)}, "Email": {"S": f"p{n}@corp.test"}} for n in range(20)]
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}
BY_EMAIL: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "Email", "AttributeType": "S"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-email",
            "KeySchema": [{"AttributeName": "Email", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}

Fill = Callable[..., str]


@pytest.fixture
def servers(two_dynamodb_locals: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch) -> tuple[Server, Server]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "preflight")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("DYNSYNC_SECRET", SECRET.decode())
    return two_dynamodb_locals


@pytest.fixture
def source(servers: tuple[Server, Server]) -> Any:
    return wire_client(servers[0], AccessKey("preflight"))


@pytest.fixture
def destination(servers: tuple[Server, Server]) -> Any:
    return wire_client(servers[1], AccessKey("preflight"))


def job(source_table: str, destination_table: str, email: str = "transform_email", **options: Any) -> SyncJob:
    mapping = Mapping.parse({"mappings": {"Email": email}, "unmapped": "passthrough"})
    return SyncJob(source_table, destination_table, mapping, secret=SECRET, **options)


def expire(client: Any, table: str, attribute: str) -> None:
    client.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute}
    )


def test_warnings_are_told_and_in_the_report_and_stop_nothing(fill: Fill, source: Any, destination: Any) -> None:
    tables = fill(source, {"Id": "S"}, ITEMS), fill(destination, {"Id": "S"}, [], **STREAM, **BY_EMAIL)
    expire(destination, tables[1], "Email")
    told: list[str] = []
    report = run_sync(job(*tables), source, destination, on_warning=told.append)
    assert len(read_all(destination, tables[1])) == 20
    codes = ["ttl_attribute_changed", "stream_on_destination"]
    assert report.preflight is not None
    assert [(row.code, row.severity, row.acknowledged) for row in report.preflight] == [
        (code, "warning", False) for code in codes
    ]
    assert [line.split(": ")[0] for line in told] == [f"Preflight, {code}" for code in codes]
    assert "map Email to passthrough" in told[0]


def test_an_acknowledged_warning_is_in_the_report_alone(fill: Fill, source: Any, destination: Any) -> None:
    tables = fill(source, {"Id": "S"}, ITEMS), fill(destination, {"Id": "S"}, [], **STREAM)
    told: list[str] = []
    known = job(*tables, acknowledge=("stream_on_destination",))
    report = run_sync(known, source, destination, on_warning=told.append)
    assert told == []
    assert report.preflight is not None
    assert [(row.code, row.acknowledged) for row in report.preflight] == [("stream_on_destination", True)]


def test_an_unknown_code_ends_the_sync_before_the_first_write(fill: Fill, source: Any, destination: Any) -> None:
    tables = fill(source, {"Id": "S"}, ITEMS), fill(destination, {"Id": "S"}, [])
    with pytest.raises(MappingError, match=r"acknowledge\[0\]"):
        run_sync(job(*tables, acknowledge=("streams",)), source, destination)
    assert read_all(destination, tables[1]) == []


def test_an_index_key_that_gets_another_type_ends_the_sync_before_the_first_write(
    fill: Fill, source: Any, destination: Any
) -> None:
    tables = fill(source, {"Id": "S"}, ITEMS, **BY_EMAIL), fill(destination, {"Id": "S"}, [], **BY_EMAIL)
    with pytest.raises(PreflightError, match=r"index by-email.*choose a transformer") as refused:
        run_sync(job(*tables, email="generate_int64"), source, destination)
    assert [finding.code for finding in refused.value.findings] == ["index_key_type_differs"]
    assert read_all(destination, tables[1]) == []


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnknownOperationException", "InternalServerError"])
def test_a_time_to_live_that_is_not_told_is_no_failure(
    code: str, fill: Fill, source: Any, destination: Any
) -> None:
    tables = fill(source, {"Id": "S"}, ITEMS), fill(destination, {"Id": "S"}, [])
    asked: list[str] = []

    def refuse(request: Any, **_: Any) -> AWSResponse:
        asked.append(code)
        answer = AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, None)
        answer._content = json.dumps({"__type": f"com.amazon#{code}", "message": "no"}).encode()
        return answer

    destination.meta.events.register("before-send.dynamodb.DescribeTimeToLive", refuse)
    report = run_sync(job(*tables), source, destination)
    assert asked
    assert (report.items_written, report.preflight) == (20, ())


def test_another_mapping_than_in_the_last_run_is_told(fill: Fill, source: Any, destination: Any) -> None:
    tables = fill(source, {"Id": "S"}, ITEMS), fill(destination, {"Id": "S"}, [])
    first = run_sync(job(*tables), source, destination)
    again = run_sync(job(*tables), source, destination, before=first)
    other = run_sync(job(*tables, email="transform_hash"), source, destination, before=first)
    assert again.preflight == ()
    assert other.preflight is not None
    assert [row.code for row in other.preflight] == ["mapping_changed"]


@pytest.fixture
def preflight(
    servers: tuple[Server, Server], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """`preflight(source, destination, rules, *options)` returns the exit code and what is printed."""

    def run(source: str, destination: str, rules: str, *options: str) -> tuple[int, str]:
        file = tmp_path / "mapping.yaml"
        file.write_text(f"tables: {{{source}: {{unmapped: passthrough, {rules}}}}}")
        command = ["preflight", str(file), "--source-table", source, "--destination-table", destination, *options]
        for name, server in zip(("source", "destination"), servers, strict=True):
            command += [f"--{name}-region", server.region, f"--{name}-endpoint-url", server.endpoint_url]
        return main(command), capsys.readouterr().out

    return run


def test_the_command_tells_what_is_found_and_writes_nothing(
    fill: Fill, source: Any, destination: Any, preflight: Callable[..., tuple[int, str]]
) -> None:
    tables = fill(source, {"Id": "S"}, ITEMS), fill(destination, {"Id": "S"}, [], **STREAM)
    expire(destination, tables[1], "Ends")
    code, printed = preflight(*tables, "acknowledge: [ttl_only_on_destination]")
    assert code == 0
    lines = printed.splitlines()
    assert lines[0].startswith("warning ttl_only_on_destination (acknowledged): ")
    assert lines[1].startswith("warning stream_on_destination: ")
    assert "detach its consumers" in lines[1]
    assert read_all(destination, tables[1]) == []


def test_the_command_when_an_error_is_found_returns_1_and_its_json_tells_the_remedy(
    fill: Fill, source: Any, destination: Any, preflight: Callable[..., tuple[int, str]]
) -> None:
    tables = fill(source, {"Id": "S"}, ITEMS), fill(destination, {"Id": "N"}, [])
    code, printed = preflight(*tables, "mappings: {}", "--json")
    assert code == 1
    (row,) = json.loads(printed)
    assert (row["code"], row["severity"], row["acknowledged"]) == ("key_schema_differs", "error", False)
    assert row["remedy"]


def test_the_command_when_nothing_is_found_says_so(
    fill: Fill, source: Any, destination: Any, preflight: Callable[..., tuple[int, str]]
) -> None:
    tables = fill(source, {"Id": "S"}, ITEMS), fill(destination, {"Id": "S"}, [])
    assert preflight(*tables, "mappings: {}", "--json") == (0, "[]\n")
    assert preflight(*tables, "mappings: {}") == (0, "Nothing was found against the tables or the mapping.\n")


def test_the_command_compares_with_the_last_run_and_the_limits_with_the_tables(
    fill: Fill, source: Any, destination: Any, tmp_path: Path, preflight: Callable[..., tuple[int, str]]
) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    provisioned = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}
    tables = fill(source, {"Id": "S"}, ITEMS), fill(destination, {"Id": "S"}, [], **provisioned)
    last = run_sync(job(*tables, write_limit=5000), source, destination)
    (tmp_path / "last.json").write_text(last.as_json())
    options = ["--json", "--report", str(tmp_path / "last"), "--write-limit", "10"]
    code, printed = preflight(*tables, "mappings: {}", *options)
    assert code == 0
    assert [row["code"] for row in json.loads(printed)] == ["limit_above_throughput", "mapping_changed"]


def test_the_sync_command_creates_a_destination_where_it_is_told_to(
    servers: tuple[Server, Server], fill: Fill, source: Any, destination: Any, tmp_path: Path
) -> None:
    table = fill(source, {"Id": "S"}, ITEMS, **BY_EMAIL)
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("mappings: {Email: transform_email}\nunmapped: passthrough\n")
    command = ["sync", str(mapping), "--source-table", table, "--json"]
    for name, server in zip(("source", "destination"), servers, strict=True):
        command += [f"--{name}-region", server.region, f"--{name}-endpoint-url", server.endpoint_url]
    assert main(command) == 1
    try:
        assert main([*command, "--create-destination"]) == 0
        assert len(read_all(destination, table)) == 20
    finally:
        destination.delete_table(TableName=table)
