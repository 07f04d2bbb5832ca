"""A destination's contents are replaced by a complete new copy: on DynamoDB Local, tags on ministack."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from airflow_dynsync.dynamodb.creation_options import CreationOptions
from airflow_dynsync.dynamodb.errors import AccessDeniedError, InvalidRequestError, StoppedError
from airflow_dynsync.dynamodb.policies import read_policy, write_policy
from airflow_dynsync.dynamodb.side_tables import TAG, create_side_table, delete_table, side_table_name
from airflow_dynsync.dynamodb.writer import delete_items, write_items
from airflow_dynsync.engine import Mapping, TransformError
from airflow_dynsync.sync.checkpoint import FileStore
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.job import SyncJob, run_sync
from airflow_dynsync.sync.mirror import TooManyDeletesError
from airflow_dynsync.sync.preflight import PreflightError
from airflow_dynsync.sync.report import SyncReport
from airflow_dynsync.sync.verification import VerificationFailedError
from local.accounts import set_up_accounts, table_arn
from local.dynamodb import AccessKey, Server
from tests.tables import by_key, read_all, wire_client

SECRET = b"a secret for these tests"
KEY = {"Id": "S"}
MAPPING: dict[str, Any] = {"mappings": {"Mail": "transform_email"}, "unmapped": "passthrough"}

Fill = Callable[..., str]
Items = list[dict[str, Any]]


@pytest.fixture
def source(dynamodb_local: Server) -> Any:
    return wire_client(dynamodb_local, AccessKey("replacedFrom"))


@pytest.fixture
def destination(dynamodb_local: Server) -> Iterator[Any]:
    client = wire_client(dynamodb_local, AccessKey("replacedIn"))
    yield client
    for name in client.list_tables()["TableNames"]:
        if name.endswith(".dynsync-new"):
            client.delete_table(TableName=name)


def people(*numbers: int) -> Items:
    return [{"Id": {"S": f"user-{number}"}, "Mail": {"S": f"p{number}@corp.test"}} for number in numbers]


def job(source_table: str, destination_table: str, **options: Any) -> SyncJob:
    mapping = Mapping.parse(options.pop("mapping", MAPPING))
    options = {"secret": SECRET, "write_mode": "replace", "page_size": 50, "total_segments": 2} | options
    return SyncJob(source_table, destination_table, mapping, **options)


def tables(client: Any) -> list[str]:
    names: list[str] = client.list_tables()["TableNames"]
    return names


def contents(client: Any, table_name: str) -> dict[str, dict[str, Any]]:
    return by_key(read_all(client, table_name), "Id")


def expected(source: Any, destination: Any, create_table: Callable[..., str], table: str, **options: Any) -> Any:
    """Return what a full rewrite into an empty table gives."""
    empty = create_table(destination, KEY)
    run_sync(job(table, empty, write_mode="upsert", **options), source, destination)
    return contents(destination, empty)


@contextmanager
def cut(
    client: Any, operation: str, table: str, at: int, code: str = "AccessDeniedException", part: str = ""
) -> Iterator[None]:
    """Let the n-th call of an operation on a table, with a part in it, be refused for good, and those after it."""
    calls: list[bytes] = []

    def refuse(request: Any, **_: Any) -> AWSResponse | None:
        if b'"%s"' % table.encode() in request.body and part.encode() in request.body:
            calls.append(request.body)
        if len(calls) < at:
            return None
        response = AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, None)
        response._content = b'{"__type": "com.amazon#%s", "message": "cut"}' % code.encode()
        return response

    client.meta.events.register(f"before-send.dynamodb.{operation}", refuse)
    yield
    client.meta.events.unregister(f"before-send.dynamodb.{operation}", refuse)
    assert len(calls) >= at


def test_the_result_is_that_of_a_full_rewrite_into_an_empty_table(
    fill: Fill, create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    table, target = fill(source, KEY, people(*range(400))), fill(destination, KEY, people(*range(380, 420)))
    report = run_sync(job(table, target), source, destination)
    assert contents(destination, target) == expected(source, destination, create_table, table)
    assert side_table_name(target) not in tables(destination)
    assert (report.items_read, report.items_written, report.items_deleted) == (400, 400, 20)
    assert (report.destination_table, report.complete) == (target, True)
    swap = report.replacement
    assert swap is not None
    assert (swap.side_table, swap.items_copied) == (side_table_name(target), 400)
    assert report.write_units == swap.copy_write_units + swap.swap_write_units == 400 + 420
    assert swap.verification is not None
    assert report.verification is not None
    assert (swap.verification.items_checked, report.verification.items_checked) == (400, 400)
    assert (
        f"{target} has the contents of a new copy of {table}, 400 items: 400 written, 0 unchanged, 20 others"
        in str(report)
    )


def test_a_second_replacement_writes_to_the_destination_what_changed_and_no_more(
    fill: Fill, create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    table, target = fill(source, KEY, people(*range(400))), fill(destination, KEY, [])
    run_sync(job(table, target), source, destination)
    write_items(source, table, [{**item, "New": {"BOOL": True}} for item in people(*range(8))], key_names=["Id"])
    delete_items(source, table, [{"Id": item["Id"]} for item in people(*range(390, 400))])
    report = run_sync(job(table, target), source, destination)
    assert (report.items_written, report.items_deleted) == (8, 10)
    assert report.capacity is not None
    assert report.capacity.writes_saved == 382
    assert report.replacement is not None
    assert report.replacement.swap_write_units == 18
    assert contents(destination, target) == expected(source, destination, create_table, table)


def test_an_item_that_both_contents_have_is_never_missing_and_none_goes_before_all_are_there(
    fill: Fill, source: Any, destination: Any
) -> None:
    table, target = fill(source, KEY, people(*range(200))), fill(destination, KEY, people(*range(100, 300)))
    reader = wire_client(Server("dynamodb-local", destination.meta.endpoint_url), AccessKey("replacedIn"))
    seen: list[tuple[int, int]] = []

    def look(**_: Any) -> None:
        held = {int(item["Id"]["S"].removeprefix("user-")) for item in read_all(reader, target)}
        seen.append((len(held & {*range(200)}), len(held & {*range(200, 300)})))
        assert {*range(100, 200)} <= held

    destination.meta.events.register("after-call.dynamodb.BatchWriteItem", look)
    run_sync(job(table, target), source, destination)
    assert seen[0] == (100, 100)  # while the copy is made
    assert (200, 100) in seen  # all new ones are there, and none of the old ones is gone
    assert [new for new, old in seen if old < 100] == [200] * sum(old < 100 for _, old in seen)
    assert seen[-1] == (200, 0)


@pytest.mark.parametrize("kept", [True, False], ids=["continued", "begun anew"])
def test_a_run_that_fails_while_it_copies_leaves_the_destination_as_it_was_and_the_next_one_completes_it(
    fill: Fill,
    create_table: Callable[..., str],
    source: Any,
    destination: Any,
    tmp_path: Path,
    kept: bool,
) -> None:
    table, target = fill(source, KEY, people(*range(700))), fill(destination, KEY, people(*range(680, 720)))
    side, work = side_table_name(target), job(table, target, total_segments=1)
    before, checkpoints = contents(destination, target), FileStore(tmp_path / "checkpoint") if kept else None
    with cut(destination, "BatchWriteItem", side, 25), pytest.raises(AccessDeniedError, match="cut"):
        run_sync(work, source, destination, checkpoints=checkpoints)
    assert contents(destination, target) == before
    assert contents(destination, side)
    write_items(destination, side, people(9999), key_names=["Id"])  # by which a table made anew is told
    notices: list[str] = []
    report = run_sync(work, source, destination, checkpoints=checkpoints, on_notice=notices.append)
    assert any("it is continued" in notice for notice in notices) is kept
    assert ("user-9999" in str(read_all(destination, target))) is kept
    assert (report.items_read < 700) is kept
    assert report.replacement is not None
    assert report.replacement.items_copied >= 700
    after = contents(destination, target)
    after.pop(repr([{"S": "user-9999"}]), None)
    assert after == expected(source, destination, create_table, table)
    assert side not in tables(destination)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("part", "at"), [("Put", 1), ("Put", 4), ("Scan", 4), ("Delete", 4)])
@pytest.mark.parametrize("kept", [True, False], ids=["continued", "begun anew"])
def test_a_run_that_fails_while_it_swaps_leaves_whole_items_and_the_next_one_completes_it(
    fill: Fill,
    create_table: Callable[..., str],
    source: Any,
    destination: Any,
    tmp_path: Path,
    part: str,
    at: int,
    kept: bool,
) -> None:
    table, target = fill(source, KEY, people(*range(200))), fill(destination, KEY, people(*range(150, 250)))
    side, work = side_table_name(target), job(table, target)
    old, new = contents(destination, target), expected(source, destination, create_table, table)
    checkpoints = FileStore(tmp_path / "checkpoint") if kept else None
    operation = "Scan" if part == "Scan" else "BatchWriteItem"
    refused = cut(destination, operation, target, at, part="" if part == "Scan" else f"{part}Request")
    with refused, pytest.raises(AccessDeniedError, match="cut"):
        run_sync(work, source, destination, checkpoints=checkpoints)
    between = contents(destination, target)
    assert all(item in (old.get(key), new.get(key)) for key, item in between.items())
    assert old.keys() & new.keys() <= between.keys()
    assert contents(destination, side) == new
    assert between.keys() >= new.keys() or part != "Delete"
    report = run_sync(work, source, destination, checkpoints=checkpoints)
    assert report.items_read == (0 if kept else 200)
    assert report.replacement is not None
    assert report.replacement.items_copied == 200
    # What was under way when the run was cut may have come after `between` was read.
    assert report.items_written <= sum(between.get(key) != item for key, item in new.items())
    assert report.items_deleted <= len(between.keys() - new.keys())
    assert (report.items_written, report.items_deleted < 50) == (0, True) or part != "Delete"
    assert contents(destination, target) == new
    assert side not in tables(destination)
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_stopped_ends_and_the_next_one_completes_it(
    fill: Fill, create_table: Callable[..., str], source: Any, destination: Any, tmp_path: Path
) -> None:
    table, target = fill(source, KEY, people(*range(200))), fill(destination, KEY, [])
    stop, store = threading.Event(), FileStore(tmp_path / "checkpoint")

    def halt(request: Any, **_: Any) -> None:
        if b'"%s"' % target.encode() in request.body:
            stop.set()

    destination.meta.events.register("before-send.dynamodb.BatchWriteItem", halt)
    with pytest.raises(StoppedError):
        run_sync(job(table, target), source, destination, checkpoints=store, stop=stop)
    destination.meta.events.unregister("before-send.dynamodb.BatchWriteItem", halt)
    run_sync(job(table, target), source, destination, checkpoints=store)
    assert contents(destination, target) == expected(source, destination, create_table, table)


def test_a_copy_that_was_not_verified_is_not_swapped_in(
    fill: Fill, source: Any, destination: Any, tmp_path: Path
) -> None:
    table, target = fill(source, KEY, people(*range(100))), fill(destination, KEY, people(1000))
    side, work, store = side_table_name(target), job(table, target), FileStore(tmp_path / "checkpoint")
    with cut(source, "BatchGetItem", table, 3, "ValidationException"), pytest.raises(InvalidRequestError):
        run_sync(work, source, destination, checkpoints=store)
    assert len(read_all(destination, side)) == 100
    assert read_all(destination, target) == people(1000)
    notices: list[str] = []
    report = run_sync(work, source, destination, checkpoints=store, on_notice=notices.append)
    assert any("but not verified, so this run starts over" in notice for notice in notices)
    assert report.verification is not None
    assert (report.items_read, report.verification.items_checked) == (100, 100)
    assert len(read_all(destination, target)) == 100


def test_a_copy_that_fails_its_verification_leaves_the_destination_as_it_was(
    fill: Fill, source: Any, destination: Any, tmp_path: Path
) -> None:
    table, target = fill(source, KEY, people(*range(100))), fill(destination, KEY, people(1000))
    side, work, store = side_table_name(target), job(table, target), FileStore(tmp_path / "checkpoint")
    spoiler = wire_client(Server("dynamodb-local", destination.meta.endpoint_url), AccessKey("replacedIn"))
    pending = [1]

    def spoil(request: Any, **_: Any) -> None:
        if b'"%s"' % side.encode() in request.body and len(read_all(spoiler, side)) == 100 and pending:
            pending.pop()
            delete_items(spoiler, side, [{"Id": {"S": "user-5"}}])

    destination.meta.events.register("before-send.dynamodb.BatchGetItem", spoil)
    reports: list[SyncReport] = []
    with pytest.raises(VerificationFailedError, match="1 are missing"):
        run_sync(work, source, destination, checkpoints=store, on_report=reports.append)
    assert [(report.outcome, report.destination_table) for report in reports] == [("failed", side)]
    assert read_all(destination, target) == people(1000)
    assert run_sync(work, source, destination, checkpoints=store).items_read == 100
    assert len(read_all(destination, target)) == 100


def test_a_destination_that_is_not_what_the_copy_is_fails_the_run(
    fill: Fill, source: Any, destination: Any
) -> None:
    table, target = fill(source, KEY, people(*range(100))), fill(destination, KEY, [])
    spoiler = wire_client(Server("dynamodb-local", destination.meta.endpoint_url), AccessKey("replacedIn"))
    pending = [1]

    def spoil(request: Any, **_: Any) -> None:
        if b'"%s"' % target.encode() in request.body and len(read_all(spoiler, target)) == 100 and pending:
            pending.pop()
            delete_items(spoiler, target, [{"Id": {"S": "user-5"}}])

    destination.meta.events.register("before-send.dynamodb.BatchGetItem", spoil)
    reports: list[SyncReport] = []
    with pytest.raises(VerificationFailedError, match="1 are missing") as told:
        run_sync(job(table, target), source, destination, on_report=reports.append)
    assert reports == [told.value.report]
    assert (reports[0].outcome, reports[0].destination_table, reports[0].complete) == ("failed", target, False)
    assert reports[0].replacement is not None
    assert run_sync(job(table, target), source, destination).items_written == 1
    assert side_table_name(target) not in tables(destination)


def test_an_item_that_an_index_of_the_destination_refuses_ends_the_run_before_the_swap(
    fill: Fill, source: Any, destination: Any
) -> None:
    index = {
        "AttributeDefinitions": [{"AttributeName": "Mail", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-mail",
                "KeySchema": [{"AttributeName": "Mail", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    }
    bad = {"Id": {"S": "user-700"}, "Mail": {"N": "7"}}
    table = fill(source, KEY, [*people(*range(300)), bad])
    target = fill(destination, KEY, people(1000), **index)
    with pytest.raises(InvalidRequestError, match="another type than the index key"):
        run_sync(job(table, target, mapping={"unmapped": "passthrough"}), source, destination)
    assert read_all(destination, target) == people(1000)


def test_a_rule_that_fails_leaves_the_destination_as_it_was(fill: Fill, source: Any, destination: Any) -> None:
    table = fill(source, KEY, [*people(1, 2, 3), {"Id": {"S": "user-4"}, "Mail": {"N": "4"}}])
    target = fill(destination, KEY, people(1000))
    with pytest.raises(TransformError):
        run_sync(job(table, target), source, destination)
    assert read_all(destination, target) == people(1000)


def test_an_empty_copy_replaces_nothing_unless_all_may_be_deleted(
    fill: Fill, source: Any, destination: Any, tmp_path: Path
) -> None:
    table, target = fill(source, KEY, people(1)), fill(destination, KEY, people(1000))
    work, store = job(table, target, where="Mail = 'nobody'"), FileStore(tmp_path / "checkpoint")
    with pytest.raises(TooManyDeletesError, match="set max_delete_fraction to 1"):
        run_sync(work, source, destination, checkpoints=store)
    assert read_all(destination, target) == people(1000)
    assert side_table_name(target) not in tables(destination)
    assert not list(tmp_path.iterdir())
    report = run_sync(replace(work, max_delete_fraction=1.0), source, destination, checkpoints=store)
    assert (report.items_deleted, read_all(destination, target)) == (1, [])
    assert run_sync(work, source, destination).items_deleted == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"write_only_changes": True}, "leave write_only_changes out"),
        ({"segments": range(1)}, "replace needs a single task"),
        ({"workers": 2}, "replace needs a single task"),
    ],
)
def test_what_makes_no_sense_with_a_replacement_is_refused_before_a_table_is_made(
    fill: Fill, source: Any, destination: Any, options: dict[str, Any], told: str
) -> None:
    table, target = fill(source, KEY, people(1)), fill(destination, KEY, people(2))
    with pytest.raises(SyncError, match=told):
        run_sync(job(table, target, **options), source, destination)
    assert side_table_name(target) not in tables(destination)


def test_without_a_secret_that_stays_contents_are_replaced_too(fill: Fill, source: Any, destination: Any) -> None:
    table, target = fill(source, KEY, people(*range(60))), fill(destination, KEY, people(1000))
    report = run_sync(job(table, target, secret=None), source, destination)
    assert (report.items_written, report.items_deleted) == (60, 1)
    held = read_all(destination, target)
    assert not {item["Mail"]["S"] for item in held} & {item["Mail"]["S"] for item in people(*range(60))}


class _FullDisk(FileStore):
    def save(self, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_checkpoint_that_cannot_be_saved_does_not_end_the_run(
    fill: Fill, source: Any, destination: Any, tmp_path: Path
) -> None:
    table, target = fill(source, KEY, people(*range(60))), fill(destination, KEY, people(1000))
    (tmp_path / "checkpoint").write_text('{"format":"dynsync checkpoint 1"}')
    report = run_sync(job(table, target), source, destination, checkpoints=_FullDisk(tmp_path / "checkpoint"))
    assert (report.items_written, report.items_deleted) == (60, 1)


def test_a_file_that_is_no_checkpoint_is_not_removed(
    fill: Fill, source: Any, destination: Any, tmp_path: Path
) -> None:
    table, target = fill(source, KEY, people(1)), fill(destination, KEY, people(2))
    (tmp_path / "letter").write_text("Dear")
    with pytest.raises(SyncError, match="is no checkpoint"):
        run_sync(job(table, target), source, destination, checkpoints=FileStore(tmp_path / "letter"))
    assert (tmp_path / "letter").read_text() == "Dear"


def test_a_destination_that_does_not_exist_is_created_and_gets_its_contents(
    fill: Fill, source: Any, destination: Any
) -> None:
    table = fill(source, KEY, people(*range(60)))
    target = f"{table}-made"
    run_sync(job(table, target, create_destination=CreationOptions()), source, destination)
    assert tables(destination).count(side_table_name(target)) == 0
    assert len(read_all(destination, target)) == 60
    delete_table(destination, target, wait=True)


def test_a_table_with_the_name_of_the_side_table_that_is_not_ours_is_refused(
    create_table: Callable[..., str], fill: Fill, ministack_server: Server
) -> None:
    client = wire_client(ministack_server, AccessKey("000000000123"))
    table, target = fill(client, KEY, people(1)), fill(client, KEY, people(2))
    side = side_table_name(target)
    for tags in ([], [{"Key": TAG, "Value": "another"}]):
        client.create_table(
            TableName=side,
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=tags,
        )
        write_items(client, side, people(3), key_names=["Id"])
        with pytest.raises(PreflightError, match="but not its tag") as told:
            run_sync(job(table, target), client, client)
        assert [finding.code for finding in told.value.findings] == ["side_table_is_foreign"]
        assert read_all(client, side) == people(3)
        client.delete_table(TableName=side)
    create_side_table(client, target)  # of a run that was interrupted
    run_sync(job(table, target), client, client)
    assert len(read_all(client, target)) == 1
    assert side not in tables(client)


@pytest.mark.parametrize("replaces", [True, False])
def test_the_policy_that_is_printed_suffices_and_without_it_nothing_is_written(
    create_table: Callable[..., str], ministack_server: Server, replaces: bool
) -> None:
    home, *others = (f"{5 + replaces}{number:011d}" for number in range(3))
    production, staging = (wire_client(ministack_server, AccessKey(number)) for number in others)
    table, target = create_table(production, KEY), create_table(staging, KEY)
    write_items(production, table, people(*range(60)), key_names=["Id"])
    write_items(staging, target, people(*range(50, 70)), key_names=["Id"])
    source_arn, target_arn = map(table_arn, [ministack_server] * 2, others, (table, target))
    made = set_up_accounts(
        ministack_server,
        table,
        target,
        read_policy=read_policy(source_arn),
        write_policy=write_policy(target_arn, replaces=replaces),
        account_ids=(home, others[0], others[1]),
    )
    clients = []
    for role in (made.reader, made.writer):
        sts: Any = ministack_server.client("sts", made.key)
        told = sts.assume_role(RoleArn=role.arn, RoleSessionName="test", ExternalId=role.external_id)
        given = told["Credentials"]
        key = AccessKey(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        clients.append(wire_client(ministack_server, key))
    if replaces:
        report = run_sync(job(table, target), *clients)
        assert (report.items_written, report.items_deleted) == (60, 10)
        assert report.verification is not None
        assert side_table_name(target) not in tables(staging)
    else:
        with pytest.raises(AccessDeniedError, match=r"dynsync-new.*dynamodb:DescribeTable"):
            run_sync(job(table, target), *clients)
        assert len(read_all(staging, target)) == 20


def test_a_source_with_the_name_of_the_side_table_is_refused(fill: Fill, destination: Any) -> None:
    target = fill(destination, KEY, people(2))
    side = create_side_table(destination, target).name
    write_items(destination, side, people(3), key_names=["Id"])
    with pytest.raises(PreflightError, match="and is the source"):
        run_sync(job(side, target), destination, destination)
    assert read_all(destination, side) == people(3)
