"""Verification of a run, between tables of DynamoDB Local: what a difference is, and what is none."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from airflow_dynsync.dynamodb.lookup import get_items
from airflow_dynsync.dynamodb.writer import write_items
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.job import SyncJob, run_sync
from airflow_dynsync.sync.verification import MOST_SAMPLED, VerificationFailedError, VerifyMode
from tests.tables import looks_up, read_all

Fill = Callable[..., str]

MODES = pytest.mark.parametrize("mode", ["sample", "all"])
MAPPING = {
    "mappings": {"Id": "transform_hash", "Email": "transform_email", "Price": "transform_character_scramble"},
    "unmapped": "passthrough",
}
TAMPERED = {"S": "marked-value"}


def items(count: int) -> list[dict[str, Any]]:
    return [
        {
            "Id": {"S": f"u{number}"},
            "Email": {"S": f"p{number}@corp.test"},
            "Price": {"N": f"{number}.25"},
            "Tags": {"SS": ["one", "two"]},
            "Rank": {"N": str(number)},
        }
        for number in range(count)
    ]


def job(source_table: str, destination_table: str, mapping: dict[str, Any] = MAPPING, **options: Any) -> SyncJob:
    options.setdefault("secret", b"a secret for these tests")
    return SyncJob(source_table, destination_table, Mapping.parse(mapping), **options)


def put(client: Any, table_name: str, *changed: dict[str, Any]) -> None:
    write_items(client, table_name, changed, key_names=("Id",))


def before_verification(client: Any, action: Callable[[], object]) -> None:
    """Do something once all is written, before the first item is read back from the destination."""
    pending = [action]

    def act(request: Any, **_: Any) -> None:
        if pending and looks_up(request):
            pending.pop()()

    client.meta.events.register("before-send.dynamodb.BatchGetItem", act)


def before_second_pass(client: Any, action: Callable[[], object]) -> None:
    """Do something before a table that is one page long is read for the second time, but for its first items."""
    scans: list[None] = []

    def act(**_: Any) -> None:
        scans.append(None)
        if len(scans) == 3:
            action()

    client.meta.events.register("before-send.dynamodb.Scan", act)


@MODES
def test_an_equal_destination_passes(fill: Fill, source: Any, destination: Any, mode: VerifyMode) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, items(250)), fill(destination, {"Id": "S"}, [])
    report = run_sync(
        job(source_table, destination_table, verify=mode, total_segments=4, page_size=40), source, destination
    )
    verified = report.verification
    assert verified is not None
    assert (verified.mode, verified.items_checked, verified.source_changed) == (mode, 250, 0)
    assert (verified.different, verified.missing, verified.paths, verified.passed) == (0, 0, (), True)
    assert 250 * 0.5 < verified.read_units < report.read_units
    assert report.items_read == 250
    assert sum(row.count for row in report.rules if row.path == "Email") == 250


def test_off_reads_nothing_back(fill: Fill, source: Any, destination: Any) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, items(5)), fill(destination, {"Id": "S"}, [])
    for client in (source, destination):
        before_verification(client, lambda: pytest.fail("an item was looked up"))
    assert run_sync(job(source_table, destination_table, verify="off"), source, destination).verification is None


def test_a_sample_of_a_large_table_is_bounded(fill: Fill, source: Any, destination: Any) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, items(2600)), fill(destination, {"Id": "S"}, [])
    report = run_sync(job(source_table, destination_table), source, destination)
    assert report.verification is not None
    assert MOST_SAMPLED / 4 < report.verification.items_checked <= MOST_SAMPLED


def test_without_a_secret_that_stays_the_run_is_verified_with_its_own(
    fill: Fill, source: Any, destination: Any
) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, items(20)), fill(destination, {"Id": "S"}, [])
    mapping = {"mappings": {}, "unmapped": "anonymize"}
    report = run_sync(job(source_table, destination_table, mapping, secret=None), source, destination)
    assert report.verification is not None
    assert (report.verification.items_checked, report.verification.passed) == (20, True)


@pytest.mark.parametrize("mapping_of_rest", ["passthrough", "drop"])
@MODES
def test_where_and_the_attributes_that_are_read_are_those_of_the_run(
    fill: Fill, source: Any, destination: Any, mode: VerifyMode, mapping_of_rest: str
) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, items(60)), fill(destination, {"Id": "S"}, [])
    mapping = {"mappings": {"Email": "transform_email"}, "unmapped": mapping_of_rest}
    report = run_sync(
        job(source_table, destination_table, mapping, where="Rank < 25", verify=mode), source, destination
    )
    assert report.verification is not None
    assert (report.verification.items_checked, report.verification.source_changed) == (25, 0)
    assert report.verification.passed


@MODES
def test_a_tampered_destination_fails_with_counts_and_attributes_and_no_value(
    fill: Fill, source: Any, destination: Any, mode: VerifyMode
) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, items(250)), fill(destination, {"Id": "S"}, [])

    def tamper() -> None:
        held = read_all(destination, destination_table)
        put(destination, destination_table, {**held[0], "Email": TAMPERED}, {**held[1], "New": TAMPERED})
        for item in held[2:5]:
            destination.delete_item(TableName=destination_table, Key={"Id": item["Id"]})

    before_verification(source if mode == "sample" else destination, tamper)
    with pytest.raises(VerificationFailedError, match=destination_table) as caught:
        run_sync(job(source_table, destination_table, verify=mode, total_segments=1), source, destination)
    report = caught.value.report
    verified = report.verification
    assert verified is not None
    assert (verified.items_checked, verified.different, verified.missing) == (250, 2, 3)
    assert (verified.paths, verified.passed, verified.source_changed) == (("Email", "New"), False, 0)
    assert report.items_written == 250
    told = f"{caught.value} {report} {report.as_dict()}"
    assert "marked-value" not in told
    assert "corp.test" not in told


@MODES
def test_what_changed_in_the_source_after_it_was_read_is_no_failure(
    fill: Fill, source: Any, destination: Any, mode: VerifyMode
) -> None:
    given = items(250)
    source_table, destination_table = fill(source, {"Id": "S"}, given), fill(destination, {"Id": "S"}, [])

    def change() -> None:
        changed = [{**item, "Email": {"NULL": True}} for item in given[:7]]
        put(source, source_table, *changed, {**given[0], "Id": {"S": "came later"}})
        for item in given[7:10]:
            source.delete_item(TableName=source_table, Key={"Id": item["Id"]})

    (before_second_pass if mode == "all" else before_verification)(source, change)
    report = run_sync(job(source_table, destination_table, verify=mode, total_segments=1), source, destination)
    verified = report.verification
    assert verified is not None
    assert verified.passed
    assert verified.items_checked == 240
    assert verified.source_changed == (10 if mode == "sample" else 8)  # a second pass does not meet what is gone


def test_an_item_that_changes_between_the_two_looks_is_no_failure(
    fill: Fill, source: Any, destination: Any
) -> None:
    given = items(50)
    source_table, destination_table = fill(source, {"Id": "S"}, given), fill(destination, {"Id": "S"}, [])

    def tamper() -> None:
        held = read_all(destination, destination_table)
        put(destination, destination_table, *({**item, "Email": TAMPERED} for item in held))
        put(source, source_table, *({**item, "Email": {"S": "new@corp.test"}} for item in given))

    before_verification(destination, tamper)
    report = run_sync(job(source_table, destination_table), source, destination)
    assert report.verification is not None
    assert report.verification.passed
    assert (report.verification.items_checked, report.verification.source_changed) == (0, 50)
    assert get_items(source, source_table, [{"Id": {"S": "u0"}}])[0]["Email"] == {"S": "new@corp.test"}


@MODES
def test_of_a_mirror_nothing_is_beyond_the_source(
    fill: Fill, source: Any, destination: Any, mode: VerifyMode
) -> None:
    given = items(60)
    source_table, destination_table = fill(source, {"Id": "S"}, given), fill(destination, {"Id": "S"}, [])
    mirror = job(source_table, destination_table, verify=mode, write_mode="mirror")
    run_sync(mirror, source, destination)
    source.delete_item(TableName=source_table, Key={"Id": given[0]["Id"]})
    report = run_sync(mirror, source, destination)
    assert report.items_deleted == 1
    assert report.verification is not None
    assert (report.verification.beyond, report.verification.missing, report.verification.passed) == (0, 0, True)
    report = run_sync(job(source_table, destination_table, verify=mode), source, destination)
    assert report.verification is not None
    assert report.verification.beyond is None


def test_what_comes_to_a_mirror_from_elsewhere_after_deleting_fails(
    fill: Fill, source: Any, destination: Any
) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, items(60)), fill(destination, {"Id": "S"}, [])
    extra = [{"Id": {"S": f"marked-value {number}"}} for number in range(3)]
    before_verification(destination, lambda: put(destination, destination_table, *extra))
    mirror = job(source_table, destination_table, verify="all", write_mode="mirror")
    with pytest.raises(VerificationFailedError, match="3 are there that the source does not have") as caught:
        run_sync(mirror, source, destination)
    verified = caught.value.report.verification
    assert verified is not None
    assert (verified.beyond, verified.different, verified.missing, verified.passed) == (3, 0, 0, False)
    assert "marked-value" not in f"{caught.value} {caught.value.report}"


def test_all_that_a_mirror_lacks_is_counted_where_only_a_sample_is_read_back(
    fill: Fill, source: Any, destination: Any
) -> None:
    given = items(MOST_SAMPLED + 500)
    source_table, destination_table = fill(source, {"Id": "S"}, given), fill(destination, {"Id": "S"}, [])
    keeping = {"mappings": {"Email": "transform_email"}, "unmapped": "passthrough"}
    lost: list[Any] = []
    destination.meta.events.register("before-send.dynamodb.BatchWriteItem", lambda **_: lost.extend(given[:40]))

    def lose(**_: Any) -> None:
        while lost:
            destination.delete_item(TableName=destination_table, Key={"Id": lost.pop()["Id"]})

    destination.meta.events.register("before-send.dynamodb.Scan", lose)
    with pytest.raises(VerificationFailedError, match="40 are missing") as caught:
        run_sync(job(source_table, destination_table, keeping, write_mode="mirror"), source, destination)
    verified = caught.value.report.verification
    assert verified is not None
    assert verified.items_checked <= MOST_SAMPLED
    assert (verified.beyond, verified.missing) == (0, 40)


@pytest.mark.parametrize(
    ("mode", "side"), [("sample", "source"), ("sample", "destination"), ("all", "destination")]
)
def test_where_items_may_not_be_looked_up_the_run_says_so_and_succeeds(
    fill: Fill, source: Any, destination: Any, mode: VerifyMode, side: str
) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, items(5)), fill(destination, {"Id": "S"}, [])

    def deny(request: Any, **_: Any) -> AWSResponse:
        body = b'{"__type": "com.amazonaws.dynamodb.v20120810#AccessDeniedException", "message": "User: a is not'
        body += b' authorized to perform: dynamodb:BatchGetItem"}'
        response = AWSResponse(request.url, 400, {"Content-Type": "application/x-amz-json-1.0"}, None)
        response._content = body
        return response

    {"source": source, "destination": destination}[side].meta.events.register(
        "before-send.dynamodb.BatchGetItem", deny
    )
    notices: list[str] = []
    report = run_sync(
        job(source_table, destination_table, verify=mode), source, destination, on_notice=notices.append
    )
    assert (report.items_written, report.verification) == (5, None)
    assert any(notice.startswith("Not verified") and "dynamodb:BatchGetItem" in notice for notice in notices)
