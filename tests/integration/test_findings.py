"""Every finding of preflight is provoked and tells its remedy; an error lets nothing be written."""

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.config import Config
from botocore.credentials import Credentials

from airflow_dynsync.cli import main
from airflow_dynsync.dynamodb.calls import Backoff
from airflow_dynsync.dynamodb.client import create_client
from airflow_dynsync.dynamodb.errors import DynamoDBError
from airflow_dynsync.dynamodb.side_tables import side_table_name
from airflow_dynsync.dynamodb.writer import write_items
from airflow_dynsync.sync.findings import ERRORS, WARNINGS
from airflow_dynsync.sync.job import CONNECTIONS, SyncJob, run_sync
from airflow_dynsync.sync.preflight import PreflightError
from local.accounts import allow, create_user
from local.dynamodb import AccessKey, Server
from tests.faults import Plan, fault_proxy
from tests.tables import read_all, wire_client
from tests.world import ANOTHER, BY_EMAIL, ITEMS, KEY, STREAM, UNITS, Fill, World


@pytest.fixture
def world(two_dynamodb_locals: tuple[Server, Server], fill: Fill, request: pytest.FixtureRequest) -> World:
    source, destination = (wire_client(server, AccessKey("findings")) for server in two_dynamodb_locals)
    return World(fill, source, destination, lambda: request.getfixturevalue("ministack_server"))


def another_key_attribute(world: World) -> SyncJob:
    return world.job(key_attributes=("Email",))


def another_key_schema(world: World) -> SyncJob:
    return world.job(tables=(world.fill(world.source, KEY, ITEMS), world.fill(world.destination, {"Id": "N"}, [])))


def a_number_as_key_that_becomes_text(world: World) -> SyncJob:
    tables = (world.fill(client, {"Id": "N"}, []) for client in (world.source, world.destination))
    return world.job({"Id": "transform_hash"}, tables=(next(tables), next(tables)))


def an_index_key_that_becomes_a_number(world: World) -> SyncJob:
    return world.job({"Email": "generate_int64"}, source=BY_EMAIL, destination=BY_EMAIL)


def a_destination_that_may_not_be_written(world: World) -> SyncJob:
    return world.restricted(read=["Scan", "BatchGetItem"], write=["BatchGetItem", "PutItem", "DeleteItem"])


def a_source_with_the_name_of_the_side_table(world: World) -> SyncJob:
    table = world.fill(world.destination, KEY, ITEMS)
    name = side_table_name(table)
    world.source = world.destination
    world.destination.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return world.job(tables=(name, table), write_mode="replace")


def one_table_on_both_sides(world: World) -> SyncJob:
    table = world.fill(world.source, KEY, ITEMS)
    world.destination = world.source
    return world.job(tables=(table, table))


def a_table_that_is_being_created(world: World) -> SyncJob:
    world.describe(TableStatus="CREATING")
    return world.job()


def other_word_lists(world: World) -> SyncJob:
    job = world.job()
    world.after(job, corpus_version="another")
    return job


def keys_of_another_secret(world: World) -> SyncJob:
    job = world.job({"Id": "transform_hash"})
    world.run(job)
    return dataclasses.replace(job, secret=ANOTHER)


def an_index_key_that_is_dropped(world: World) -> SyncJob:
    return world.job({"Email": "drop"}, source=BY_EMAIL, destination=BY_EMAIL)


def an_index_key_that_may_become_null(world: World) -> SyncJob:
    rule = {"transformer": "transform_email", "invalid_email_action": "null"}
    return world.job({"Email": rule}, source=BY_EMAIL, destination=BY_EMAIL)


def an_index_of_the_destination_alone(world: World) -> SyncJob:
    return world.job(destination=BY_EMAIL)


def a_text_that_is_doubled(world: World) -> SyncJob:
    job = world.job({"Text": {"transformer": "transform_regex_replace", "pattern": "x", "replacement": "yy"}})
    item = {"Id": {"S": "large"}, "Text": {"S": "x" * 195_000}}
    write_items(world.source, job.source_table, [item], key_names=["Id"])
    return job


def a_limit_above_what_is_provisioned(world: World) -> SyncJob:
    provisioned = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS}
    return world.job(destination=provisioned, write_limit=1_000)


def another_mapping(world: World) -> SyncJob:
    job = world.job({"Email": "transform_email"})
    world.after(job)
    return world.job({"Email": "transform_hash"}, tables=(job.source_table, job.destination_table))


def a_global_table(world: World) -> SyncJob:
    world.describe(Replicas=[{"RegionName": "ap-south-1"}])
    return world.job()


def another_secret(world: World) -> SyncJob:
    job = world.job()
    world.after(job)
    return dataclasses.replace(job, secret=ANOTHER)


def a_stream(world: World) -> SyncJob:
    return world.job(destination=STREAM)


def a_time_to_live_that_a_rule_changes(world: World) -> SyncJob:
    job = world.job({"Ends": "transform_character_scramble"}, verify="off")
    world.expire(job, "Ends")
    return job


def items_whose_time_is_past(world: World) -> SyncJob:
    job = world.job(verify="off")
    ended = {"Id": {"S": "ended"}, "Ends": {"N": str(int(time.time()) - 86_400)}}
    write_items(world.source, job.source_table, [ended], key_names=["Id"])
    world.expire(job, "Ends")
    return job


def a_time_to_live_of_the_destination_alone(world: World) -> SyncJob:
    job = world.job()
    world.expire(job, "Ends")
    return job


def a_destination_that_may_not_be_looked_up(world: World) -> SyncJob:
    return world.restricted(read=["Scan", "BatchGetItem"], write=["BatchWriteItem"])


PROVOCATIONS: dict[str, Callable[[World], SyncJob]] = {
    "corpus_changed": other_word_lists,
    "destination_has_other_keys": keys_of_another_secret,
    "index_key_dropped": an_index_key_that_is_dropped,
    "index_key_may_not_fit": an_index_key_that_may_become_null,
    "index_key_type_differs": an_index_key_that_becomes_a_number,
    "index_key_unchecked": an_index_of_the_destination_alone,
    "item_near_size_limit": a_text_that_is_doubled,
    "key_attributes_differ": another_key_attribute,
    "key_schema_differs": another_key_schema,
    "key_type_differs": a_number_as_key_that_becomes_text,
    "limit_above_throughput": a_limit_above_what_is_provisioned,
    "mapping_changed": another_mapping,
    "permission_missing": a_destination_that_may_not_be_written,
    "replicas_of_destination": a_global_table,
    "secret_changed": another_secret,
    "side_table_is_foreign": a_source_with_the_name_of_the_side_table,
    "source_is_destination": one_table_on_both_sides,
    "stream_on_destination": a_stream,
    "table_not_active": a_table_that_is_being_created,
    "ttl_attribute_changed": a_time_to_live_that_a_rule_changes,
    "ttl_items_expired": items_whose_time_is_past,
    "ttl_only_on_destination": a_time_to_live_of_the_destination_alone,
    "verification_not_allowed": a_destination_that_may_not_be_looked_up,
}


def test_every_finding_has_a_provocation() -> None:
    assert PROVOCATIONS.keys() == {*ERRORS, *WARNINGS}


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_an_error_when_provoked_names_place_and_remedy_and_nothing_is_written(code: str, world: World) -> None:
    job = PROVOCATIONS[code](world)
    written: list[bytes] = []

    def note(request: Any, **_: Any) -> None:
        if b"PutRequest" in request.body:
            written.append(request.body)

    world.destination.meta.events.register("before-send.dynamodb.BatchWriteItem", note)
    with pytest.raises(PreflightError) as refused:
        world.run(job)
    (finding,) = refused.value.findings
    assert (finding.code, finding.severity) == (code, "error")
    assert finding.place
    assert len(finding.remedy.split()) > 3
    assert finding.remedy in str(refused.value)
    assert written == []


@pytest.mark.parametrize("code", sorted(WARNINGS))
def test_a_warning_when_provoked_is_told_with_its_remedy_unless_it_is_acknowledged(
    code: str, world: World
) -> None:
    job = PROVOCATIONS[code](world)
    told: list[str] = []
    report = world.run(job, told)
    assert report.preflight is not None
    (row,) = [row for row in report.preflight if row.code == code]
    assert (row.severity, row.acknowledged) == ("warning", False)
    assert row.place
    assert len(row.remedy.split()) > 3
    (line,) = [line for line in told if line.startswith(f"Preflight, {code}: ")]
    assert row.remedy in line


READS = {"verify": "off", "exposure_check": "off"}
ALL_READS = ["Scan", "Query", "PartiQLSelect", "ExecuteStatement", "BatchGetItem"]


@pytest.mark.parametrize(
    ("access", "read", "write", "options", "missing"),
    [
        ("read", [], ["BatchWriteItem"], {}, "Scan"),
        ("read", ["Scan"], ["BatchWriteItem"], {"where": "Id = '1'"}, "Query"),
        (
            "read",
            ["Scan"],
            ["BatchWriteItem"],
            {"where": "size(Email) > 3 OR begins_with(Id, 1)"},
            "PartiQLSelect",
        ),
        ("write", ALL_READS, [], {}, "BatchWriteItem"),
        ("write", ALL_READS, ["BatchWriteItem"], {"write_mode": "mirror"}, "Scan"),
        ("write", ALL_READS, ["BatchWriteItem", "BatchGetItem"], {"write_only_changes": True}, "Scan"),
        ("write", ALL_READS, ["BatchWriteItem", "Scan"], {"write_only_changes": True}, "BatchGetItem"),
    ],
)
def test_what_a_job_needs_and_a_table_denies_is_named_with_the_table_s_arn(
    access: str, read: list[str], write: list[str], options: dict[str, Any], missing: str, world: World
) -> None:
    job = world.restricted(read=read, write=write, **READS, **options)
    table = job.source_table if access == "read" else job.destination_table
    account = {"read": "8", "write": "9"}[access] * 12
    arn = f"arn:aws:dynamodb:{world.source.meta.region_name}:{account}:table/{table}"
    with pytest.raises(PreflightError) as refused:
        world.run(job)
    (finding,) = refused.value.findings
    assert (finding.code, finding.place) == ("permission_missing", table)
    assert f"needs dynamodb:{missing} on {arn}" in finding.message
    assert f"`dynsync policy {access} --table-arn {arn}`" in finding.remedy


def test_what_a_job_does_not_need_may_be_denied(world: World) -> None:
    job = world.restricted(read=["Scan"], write=["BatchWriteItem"], **READS)
    assert world.run(job).preflight == ()


def test_everything_that_is_missing_is_told_at_once(world: World) -> None:
    job = world.restricted(read=[], write=[], write_only_changes=True, write_mode="mirror")
    with pytest.raises(PreflightError) as refused:
        world.run(job)
    told = [(finding.code, finding.place) for finding in refused.value.findings]
    assert told == [
        ("permission_missing", job.source_table),
        *[("permission_missing", job.destination_table)] * 3,
        ("verification_not_allowed", job.source_table),
    ]


@pytest.mark.parametrize("keys", [{"Id": "S"}, {"Id": "N", "At": "B"}, {"Id": "B", "At": "N"}])
def test_trying_permissions_is_answered_and_changes_nothing(
    keys: dict[str, str], world: World, fill: Fill
) -> None:
    values = {"S": "1", "N": "1", "B": "AQ=="}
    held = [{name: {kind: values[kind]} for name, kind in keys.items()}]
    tables = fill(world.source, keys, []), fill(world.destination, keys, held, **STREAM)
    job = world.job(tables=tables, write_mode="mirror", max_delete_fraction=0.0, write_only_changes=True)
    before = read_all(world.destination, job.destination_table)
    answers: Counter[tuple[str, int]] = Counter()

    def note(http_response: Any, model: Any, **_: Any) -> None:
        answers[model.name, http_response.status_code] += 1

    for client in (world.source, world.destination):
        client.meta.events.register("after-call.dynamodb.*", note)
    with pytest.raises(Exception, match="are not in the source"):
        world.run(job)
    assert answers["BatchWriteItem", 200] == 1
    assert answers["BatchGetItem", 200] == 2
    assert {status for _, status in answers} == {200}
    assert read_all(world.destination, job.destination_table) == before


def test_the_command_tries_what_a_write_mode_needs(
    world: World,
    ministack_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = "7" * 12
    root = wire_client(ministack_server, AccessKey(account))
    tables = world.fill(root, KEY, ITEMS), world.fill(root, KEY, [])
    actions = [f"dynamodb:{action}" for action in ("DescribeTable", "BatchGetItem", "BatchWriteItem")]
    policy = allow(actions, ["*"])
    policy["Statement"] += allow(["dynamodb:Scan"], [f"arn:aws:dynamodb:*:*:table/{tables[0]}"])["Statement"]
    key = create_user(ministack_server, account, "preflight", policy)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key.secret_access_key)
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("mappings: {}\nunmapped: passthrough\n")
    command = ["preflight", str(mapping), "--source-table", tables[0], "--destination-table", tables[1], "--json"]
    for side in ("source", "destination"):
        command += [f"--{side}-region", ministack_server.region]
        command += [f"--{side}-endpoint-url", ministack_server.endpoint_url]
    assert (main(command), *capsys.readouterr()) == (0, "[]\n", "")
    assert main([*command, "--write-mode", "mirror"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["code"], row["place"]) == ("permission_missing", tables[1])
    assert "write_mode mirror needs dynamodb:Scan on " in row["message"]


def other_keys(world: World, job: SyncJob) -> bool:
    report = world.run(job)
    assert report.preflight is not None
    return "destination_has_other_keys" in [row.code for row in report.preflight]


def test_keys_of_another_secret_are_found_by_the_last_report_where_no_item_may_be_looked_up(world: World) -> None:
    job = world.job({"Id": "transform_hash"})
    world.after(job)

    def deny(**_: Any) -> None:
        raise DynamoDBError("denied")

    world.destination.meta.events.register("before-send.dynamodb.BatchGetItem", deny)
    another = dataclasses.replace(job, secret=ANOTHER, verify="off")
    assert other_keys(world, another)


@pytest.mark.parametrize("with_report", [True, False])
def test_keys_of_the_same_secret_are_no_finding(with_report: bool, world: World) -> None:
    job = world.job({"Id": "transform_hash"})
    if with_report:
        world.after(job)
    else:
        world.run(job)
    assert not other_keys(world, job)


def test_a_destination_that_an_interrupted_run_began_to_fill_has_no_other_keys(world: World) -> None:
    many = [{"Id": {"S": f"user-{number}"}} for number in range(400)]
    tables = world.fill(world.source, KEY, many), world.fill(world.destination, KEY, [])
    job = world.job({"Id": "transform_hash"}, tables=tables)
    first = world.source.scan(TableName=tables[0], Limit=120)["Items"]
    beginning = world.fill(world.source, KEY, first)
    world.run(dataclasses.replace(job, source_table=beginning))
    assert not other_keys(world, job)


def test_a_part_of_the_table_that_a_where_selected_is_no_finding_where_it_is_selected_again(world: World) -> None:
    job = world.job({"Id": "transform_hash"}, where="begins_with(Email, 'p3')")
    world.run(job)
    assert not other_keys(world, job)


def test_a_few_items_of_a_destination_s_own_are_no_finding(world: World) -> None:
    job = world.job({"Id": "transform_hash"})
    own = {"Id": {"S": "a test account"}}
    write_items(world.destination, job.destination_table, [own], key_names=["Id"])
    assert not other_keys(world, job)


def test_a_mirror_that_is_allowed_to_delete_all_heals_other_keys(world: World) -> None:
    job = keys_of_another_secret(world)
    assert other_keys(world, dataclasses.replace(job, write_mode="mirror", max_delete_fraction=1.0))
    assert len(read_all(world.destination, job.destination_table)) == len(ITEMS)


def test_a_value_that_a_rule_refuses_leaves_preflight_to_tell_what_it_can(world: World) -> None:
    rule = {"transformer": "transform_regex_replace", "pattern": "x", "replacement": "yy"}
    job = world.job({"Text": rule}, where="attribute_exists(Text)")
    large = [{"Id": {"S": "large"}, "Text": {"S": "x" * 195_000}}, {"Id": {"S": "odd"}, "Text": {"BOOL": True}}]
    write_items(world.source, job.source_table, large, key_names=["Id"])
    told: list[str] = []
    with pytest.raises(Exception, match=r"mappings\.Text"):
        world.run(job, told)
    assert [line.partition(":")[0] for line in told] == ["Preflight, item_near_size_limit"]


def test_items_that_are_large_and_do_not_grow_are_no_finding(world: World) -> None:
    job = world.job({"Email": "transform_email"})
    large = {"Id": {"S": "large"}, "Text": {"S": "x" * 400_000}}
    write_items(world.source, job.source_table, [large], key_names=["Id"])
    assert world.run(job).preflight == ()


def test_what_expired_more_than_five_years_ago_is_not_deleted_and_no_finding(world: World) -> None:
    job = world.job(acknowledge=("ttl_only_on_destination",))
    ended = {"Id": {"S": "ended"}, "Ends": {"N": "1000000000"}}
    write_items(world.source, job.source_table, [ended], key_names=["Id"])
    world.expire(job, "Ends")
    told: list[str] = []
    world.run(job, told)
    assert told == []


HOURS = Backoff(base_seconds=3600, cap_seconds=3600, patience_seconds=7200)


def at_call(number: int, operation: str, fault: str) -> Plan:
    """A plan by which the call of this number, from 1, of an operation meets a fault."""
    calls: Counter[str] = Counter()

    def plan(asked: str, body: bytes, times: int) -> tuple[str | None, Random]:
        if asked == "BatchGetItem" and b"dynsync-preflight-" in body:
            return None, Random()
        calls[asked] += 1
        return (fault if asked == operation and calls[asked] == number else None), Random()

    return plan


@pytest.mark.parametrize(
    ("side", "number", "operation", "code"),
    [
        pytest.param(0, 1, "DescribeTable", "AccessDeniedException", id="describing the source"),
        pytest.param(1, 1, "DescribeTable", "ResourceNotFoundException", id="describing the destination"),
        pytest.param(1, 1, "BatchWriteItem", "AccessDeniedException", id="trying to write"),
        pytest.param(0, 1, "Scan", "AccessDeniedException", id="reading the first items"),
        pytest.param(0, 1, "Scan", "ValidationException", id="reading the first items, refused"),
        pytest.param(1, 1, "BatchGetItem", "ValidationException", id="comparing"),
        pytest.param(1, 2, "Scan", "ResourceNotFoundException", id="deleting"),
        pytest.param(0, 1, "BatchGetItem", "ResourceNotFoundException", id="verifying"),
    ],
)
def test_a_fatal_answer_in_any_phase_ends_the_run_within_two_seconds(
    side: int,
    number: int,
    operation: str,
    code: str,
    two_dynamodb_locals: tuple[Server, Server],
    world: World,
) -> None:
    job = world.job(
        {"Email": "transform_email"}, where="begins_with(Id, '1')", write_mode="mirror", write_only_changes=True
    )
    server = two_dynamodb_locals[side]
    with fault_proxy(server.endpoint_url, at_call(number, operation, code)) as proxy:
        client = create_client(
            credentials=Credentials("findings", "secret"),
            region_name=server.region,
            endpoint_url=proxy.endpoint_url,
            config=Config(retries={"total_max_attempts": 1}),
            max_connections=CONNECTIONS,
        )
        clients = (client, world.destination) if side == 0 else (world.source, client)
        with pytest.raises((DynamoDBError, PreflightError)):
            run_sync(job, *clients, backoff=HOURS)
        ended = time.monotonic()
    assert ended - proxy.answered_at[code] < 2
