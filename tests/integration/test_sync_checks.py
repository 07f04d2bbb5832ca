"""What a sync finds in what it moves, and how it writes changes alone and deletes: on DynamoDB Local."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_dynsync.dynamodb.writer import delete_items, write_items
from airflow_dynsync.sync.checks import ExposureMode
from airflow_dynsync.sync.drift import SchemaDriftError
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.exposure import ExposureFoundError
from airflow_dynsync.sync.job import run_sync
from airflow_dynsync.sync.mirror import TooManyDeletesError
from airflow_dynsync.sync.report import combined
from tests.jobs import KEEP, job
from tests.tables import by_key, read_all

Fill = Callable[..., str]

LEAKING = [
    {
        "Id": {"S": str(number)},
        "Email": {"S": f"mary.jones{number}@corp.test"},
        "Notes": {"S": f"wrote from mary.jones{number}@corp.test"},
    }
    for number in range(30)
]


@pytest.mark.parametrize("mode", ["all", "off"])
def test_what_is_hidden_and_stands_elsewhere_is_told(
    fill: Fill, source: Any, destination: Any, mode: ExposureMode
) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, LEAKING), fill(destination, {"Id": "S"}, [])
    mapping = {"mappings": {"Email": "transform_email"}, "unmapped": "passthrough"}
    warnings: list[str] = []
    report = run_sync(
        job(source_table, destination_table, mapping, exposure_check=mode),
        source,
        destination,
        on_warning=warnings.append,
    )
    if mode == "off":
        assert (report.exposure, warnings) == (None, [])
    else:
        assert report.exposure is not None
        assert report.exposure.items_checked == 30
        ((finding),) = report.exposure.findings
        assert (finding.path, finding.seen_at, finding.count) == ("Email", "Notes", 30)
        assert warnings == ["Exposure: Email: hidden by mappings.Email, seen 30 times at Notes (text)"]


def test_a_leak_may_stop_the_run_before_it_is_written(fill: Fill, source: Any, destination: Any) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, LEAKING), fill(destination, {"Id": "S"}, [])
    mapping = {"mappings": {"Email": "transform_email"}, "unmapped": "passthrough"}
    leaking = job(source_table, destination_table, mapping, exposure_check="all", on_exposure="fail")
    with pytest.raises(ExposureFoundError, match="Email"):
        run_sync(leaking, source, destination)
    assert read_all(destination, destination_table) == []


def test_what_is_new_in_the_source_is_told_or_stops_the_run(fill: Fill, source: Any, destination: Any) -> None:
    items: list[dict[str, Any]] = [{"Id": {"S": str(number)}, "Plan": {"S": "gold"}} for number in range(300)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    strict = job(source_table, destination_table, drift="fail")
    first = run_sync(strict, source, destination)
    assert run_sync(strict, source, destination, before=first).drift is not None
    items[7]["ContactEmail"] = {"S": "mary@corp.test"}
    write_items(source, source_table, [items[7]], key_names=["Id"])
    with pytest.raises(SchemaDriftError, match="ContactEmail"):
        run_sync(strict, source, destination, before=first)
    report = run_sync(job(source_table, destination_table), source, destination)
    assert report.drift is not None
    assert report.drift.compared_with is None


def test_what_only_a_sample_had_not_seen_is_told_and_stops_the_run_from_then_on(
    fill: Fill, source: Any, destination: Any
) -> None:
    items: list[dict[str, Any]] = [{"Id": {"S": str(number)}, "Plan": {"S": "gold"}} for number in range(300)]
    items[7]["Rare"] = {"S": "once"}
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    sample = run_sync(job(source_table, destination_table), source, destination)
    assert sample.types is not None
    assert 0 < sample.types.items < 300
    strict = job(source_table, destination_table, drift="fail")
    told = run_sync(strict, source, destination, before=sample)
    assert told.drift is not None
    assert [finding.path for finding in told.drift.findings] == ["Rare"]
    accepted = run_sync(job(source_table, destination_table), source, destination, before=told)
    assert accepted.types is not None
    assert accepted.types.items == 300
    items[8]["Rarer"] = {"S": "once"}
    write_items(source, source_table, [items[8]], key_names=["Id"])
    with pytest.raises(SchemaDriftError, match="Rarer"):
        run_sync(strict, source, destination, before=accepted)


@pytest.mark.parametrize("mapping", [KEEP, {"mappings": {"Id": "transform_hash"}, "unmapped": "anonymize"}])
def test_only_changes_are_written(fill: Fill, source: Any, destination: Any, mapping: dict[str, Any]) -> None:
    items = [
        {"Id": {"S": f"user-{number}"}, "Tags": {"SS": ["b", "a", "c"]}, "Name": {"S": f"Mary {number}"}}
        for number in range(1500)
    ]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    work = job(source_table, destination_table, mapping, write_only_changes=True, page_size=200)
    assert run_sync(work, source, destination).items_written == 1500
    changed = [{**item, "Name": {"S": "Ann"}} for item in items[::50]]
    write_items(source, source_table, [*changed, {"Id": {"S": "new"}}], key_names=["Id"])
    report = run_sync(work, source, destination)
    after = read_all(destination, destination_table)
    assert (report.items_read, report.items_written) == (1501, 31)
    assert report.capacity is not None
    assert report.capacity.writes_saved == 1470
    assert report.capacity.compare_units > 0
    assert f"31 of 1,501 items of {source_table} written to {destination_table}, 1,470 unchanged in" in str(report)
    run_sync(job(source_table, destination_table, mapping), source, destination)
    assert by_key(read_all(destination, destination_table), "Id") == by_key(after, "Id")


def test_items_are_counted_by_segment_whether_they_had_to_be_written_or_not(
    fill: Fill, source: Any, destination: Any
) -> None:
    items = [{"Id": {"S": f"user-{number}"}} for number in range(300)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    work = job(source_table, destination_table, total_segments=5, write_only_changes=True)
    first, second = (run_sync(work, source, destination) for _ in range(2))
    assert (first.items_written, second.items_written) == (300, 0)
    assert first.by_segment == second.by_segment is not None
    assert [count.segment for count in first.by_segment] == [0, 1, 2, 3, 4]
    assert all(count.items_read == count.items_confirmed > 0 for count in first.by_segment)
    assert sum(count.items_read for count in first.by_segment) == 300
    halves = [run_sync(replace(work, segments=half), source, destination) for half in (range(3, 5), range(3))]
    assert combined(halves).by_segment == first.by_segment


def test_only_changes_needs_a_secret_that_stays(fill: Fill, source: Any, destination: Any) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, LEAKING), fill(destination, {"Id": "S"}, [])
    with pytest.raises(SyncError, match="give one that stays"):
        run_sync(job(source_table, destination_table, secret=None, write_only_changes=True), source, destination)


@pytest.mark.parametrize("mapping", [KEEP, {"mappings": {"Id": "transform_hash"}, "unmapped": "passthrough"}])
def test_a_mirror_deletes_what_the_source_no_longer_has(
    fill: Fill, source: Any, destination: Any, mapping: dict[str, Any]
) -> None:
    items = [{"Id": {"S": f"user-{number}"}, "Number": {"N": str(number)}} for number in range(400)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    mirror = job(source_table, destination_table, mapping, write_mode="mirror", page_size=100)
    assert run_sync(mirror, source, destination).items_deleted == 0
    delete_items(source, source_table, [{"Id": item["Id"]} for item in items[:8]])
    report = run_sync(mirror, source, destination)
    assert (report.items_written, report.items_deleted) == (392, 8)
    assert "8 others deleted" in str(report)
    kept = {item["Number"]["N"] for item in read_all(destination, destination_table)}
    assert kept == {str(number) for number in range(8, 400)}


def test_a_mirror_that_would_delete_too_much_deletes_nothing(fill: Fill, source: Any, destination: Any) -> None:
    items = [{"Id": {"S": f"user-{number}"}, "Kind": {"S": "ab"[number % 2]}} for number in range(60)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, items)
    half = job(source_table, destination_table, write_mode="mirror", where="Kind = 'a'")
    with pytest.raises(TooManyDeletesError, match=r"30 of 60 items .* max_delete_fraction \(0.1\)"):
        run_sync(half, source, destination)
    assert len(read_all(destination, destination_table)) == 60
    assert run_sync(replace(half, max_delete_fraction=0.5), source, destination).items_deleted == 30
    assert {item["Kind"]["S"] for item in read_all(destination, destination_table)} == {"a"}
