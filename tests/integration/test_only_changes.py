"""A night on which 2 % of the source changed: its writes, counted on the wire, and the table that it leaves."""

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from airflow_dynsync.dynamodb.writer import delete_items, write_items
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.job import SyncJob, WriteMode, run_sync
from tests.tables import by_key, read_all

ITEMS = 2_000
CHANGED = ITEMS // 50
MOST_WRITES = ITEMS * 25 // 1000
TRIED = Counter({"DeleteRequest": 1})
"""Of an absent key, by preflight."""
KEYS = {"Id": "S", "At": "N"}

RULES: dict[str, Any] = {"Email": "transform_email", "Name": "transform_full_name", "Tags": "transform_string"}
KEYS_PASS = {"mappings": RULES, "unmapped": "passthrough"}
KEYS_MAPPED = {"mappings": RULES | {"Id": "transform_hash"}, "unmapped": "passthrough"}
MAPPINGS = pytest.mark.parametrize("mapping", [KEYS_PASS, KEYS_MAPPED], ids=["keys pass", "keys mapped"])

Fill = Callable[..., str]


def item(number: int, name: str = "Person") -> dict[str, Any]:
    return {
        "Id": {"S": f"user-{number % 1000}"},
        "At": {"N": str(number)},
        "Email": {"S": f"p{number}@corp.test"},
        "Name": {"S": f"{name} Number {number}"},
        "Tags": {"SS": [f"tag-{number}", "common"]},
        "Price": {"N": f"{number}.50"},
        "Nested": {"M": {"list": {"L": [{"NULL": True}, {"B": "AAE="}]}}},
    }


def key(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in KEYS}


@pytest.fixture
def writes(destination: Any) -> Counter[str]:
    """The puts and deletes that DynamoDB was asked for at the destination."""
    counted: Counter[str] = Counter()

    def count(request: Any, **_: Any) -> None:
        (requests,) = orjson.loads(bytes(request.body))["RequestItems"].values()
        counted.update(kind for each in requests for kind in each)

    destination.meta.events.register("before-send.dynamodb.BatchWriteItem", count)
    return counted


def job(source_table: str, table: str, mapping: dict[str, Any], mode: WriteMode, *, only_changes: bool) -> SyncJob:
    return SyncJob(
        source_table,
        table,
        Mapping.parse(mapping),
        secret=b"a secret for these tests",
        write_mode=mode,
        write_only_changes=only_changes,
        verify="all",
    )


@MAPPINGS
def test_of_a_source_that_changed_by_2_percent_at_most_2_and_a_half_are_written(
    fill: Fill, source: Any, destination: Any, writes: Counter[str], mapping: dict[str, Any]
) -> None:
    source_table = fill(source, KEYS, map(item, range(ITEMS)))
    table, rewritten = fill(destination, KEYS, []), fill(destination, KEYS, [])
    run_sync(job(source_table, table, mapping, "upsert", only_changes=True), source, destination)
    assert writes == TRIED + Counter({"PutRequest": ITEMS})

    changed = [item(number, "Changed") for number in range(0, ITEMS, 50)]
    assert len(changed) == CHANGED
    write_items(source, source_table, changed, key_names=list(KEYS))
    writes.clear()
    report = run_sync(job(source_table, table, mapping, "upsert", only_changes=True), source, destination)
    told = Counter(writes)
    assert told == TRIED + Counter({"PutRequest": CHANGED})
    assert told.total() <= MOST_WRITES
    assert (report.items_read, report.items_written) == (ITEMS, CHANGED)

    full = run_sync(job(source_table, rewritten, mapping, "upsert", only_changes=False), source, destination)
    assert full.items_written == ITEMS
    assert by_key(read_all(destination, table), *KEYS) == by_key(read_all(destination, rewritten), *KEYS)
    assert report.capacity is not None
    sys.stdout.write(
        f"{ITEMS:,} items, {CHANGED} changed: {told.total()} writes ({told.total() / ITEMS:.1%}),"
        f" {report.write_units:,.0f} write units for {full.write_units:,.0f} of a full rewrite, and"
        f" {report.capacity.compare_units:,.1f} read units to compare\n"
    )


@MAPPINGS
@pytest.mark.parametrize("only_changes", [False, True])
def test_of_a_source_that_lost_2_percent_a_mirror_deletes_just_those(
    fill: Fill, source: Any, destination: Any, writes: Counter[str], mapping: dict[str, Any], only_changes: bool
) -> None:
    source_table = fill(source, KEYS, map(item, range(ITEMS)))
    table, rewritten = fill(destination, KEYS, []), fill(destination, KEYS, [])
    mirror = job(source_table, table, mapping, "mirror", only_changes=only_changes)
    run_sync(mirror, source, destination)
    delete_items(source, source_table, [key(item(number)) for number in range(0, ITEMS, 50)])
    writes.clear()
    report = run_sync(mirror, source, destination)
    puts = 0 if only_changes else ITEMS - CHANGED
    assert writes == TRIED + Counter({"PutRequest": puts, "DeleteRequest": CHANGED})
    assert report.items_deleted == CHANGED
    assert report.verification is not None
    assert (report.verification.beyond, report.verification.missing) == (0, 0)
    run_sync(job(source_table, rewritten, mapping, "upsert", only_changes=False), source, destination)
    held = by_key(read_all(destination, table), *KEYS)
    assert held == by_key(read_all(destination, rewritten), *KEYS)
    assert len(held) == ITEMS - CHANGED
