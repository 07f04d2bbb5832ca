"""What a sync is expected to cost, by figures that were worked out by hand."""

import dataclasses
import json
from typing import Any, Literal

import pytest

from airflow_dynsync.dynamodb.limits import parse_limit
from airflow_dynsync.dynamodb.tables import Index, KeyAttribute, TableDescription, Throughput
from airflow_dynsync.dynamodb.where import plan_selection
from airflow_dynsync.engine import Mapping, compile_plan
from airflow_dynsync.sync.estimate import estimate, estimate_job
from airflow_dynsync.sync.job import SyncJob
from airflow_dynsync.sync.preparation import Preparation

# One million items of 1,024 bytes: 976.5625 MB, 250,000 times 4 KB, in 1,000 pages.
SOURCE = TableDescription(
    name="Users",
    arn="arn:aws:dynamodb:us-east-1:111122223333:table/Users",
    table_id="one",
    status="ACTIVE",
    item_count=1_000_000,
    size_bytes=1_024_000_000,
    keys=(KeyAttribute("Id", "S"),),
    indexes=(),
    billing_mode="PAY_PER_REQUEST",
    account_id="111122223333",
    region="us-east-1",
)
STAGING = dataclasses.replace(SOURCE, name="Staging", item_count=0, size_bytes=0)
EMAIL = (KeyAttribute("Email", "S"),)


def test_estimate_of_a_whole_table_is_as_by_hand() -> None:
    result = estimate(SOURCE, STAGING)

    assert (result.items, result.bytes, result.selective) == (1_000_000, 1_024_000_000, False)
    assert result.read_units == 125_000 + 1001 * 0.5  # half a unit for 4 KB; a page and the last are rounded up
    assert result.write_units == 2_000_000  # at most: a KB of each item, and one more begun
    assert result.read_dollars == pytest.approx(125_500.5 * 0.125e-6)
    assert result.write_dollars == 1.25
    assert (result.read_seconds, result.write_seconds) == (0, 0)
    assert result.client_seconds == result.seconds == 200


def test_estimate_of_consistent_reads_and_many_segments_counts_them() -> None:
    result = estimate(SOURCE, STAGING, consistent_read=True, total_segments=8, page_size=500)

    assert result.read_units == 250_000 + 2008


def test_estimate_of_verification_of_a_sample_counts_each_item_on_both_sides() -> None:
    result = estimate(SOURCE, STAGING, consistent_read=True, read_limit=parse_limit(100), verify="sample")

    assert result.verify_units == 1000 * 1 + 1000 * 0.5  # an item of 1 KB is rounded up to 4
    assert result.verify_dollars == pytest.approx(1500 * 0.125e-6)
    assert result.verify_seconds == 10  # the limit is of the source
    without = estimate(SOURCE, STAGING, consistent_read=True, read_limit=parse_limit(100))
    assert result.seconds == without.seconds + 10
    assert (result.read_units, result.all_read_units) == (without.read_units, without.read_units + 1500)
    assert str(result) == str(without)
    assert without.verification is None
    assert result.verification == (
        "Verification of a sample, after the last write: 1,500 read units ($0.00), 0:00:10 at the read limit"
    )


def test_estimate_of_verification_of_all_reads_the_source_again_and_looks_each_item_up() -> None:
    staging = dataclasses.replace(STAGING, billing_mode="PROVISIONED", provisioned=Throughput(5, 5))
    result = estimate(SOURCE, staging, selective=True, verify="all")

    assert result.verify_units == 125_500.5 + 1_000_000 * 0.5
    assert result.verify_dollars == pytest.approx(125_500.5 * 0.125e-6)
    assert str(result.verification).startswith(
        "Verification of all items, after the last write: at most 625,500 read"
    )
    provisioned = dataclasses.replace(SOURCE, billing_mode="PROVISIONED", provisioned=Throughput(100, 5))
    assert estimate(provisioned, staging, verify="all").verify_dollars is None
    assert (
        estimate(dataclasses.replace(SOURCE, item_count=0, size_bytes=0), staging, verify="all").verify_units == 0
    )


def test_estimate_of_index_writes_takes_the_source_s_index_or_the_whole_table() -> None:
    sparse = Index("by-email", "global", "ACTIVE", EMAIL, item_count=1000, size_bytes=102_400)
    source = dataclasses.replace(SOURCE, indexes=(sparse,))
    new = Index("by-name", "local", "ACTIVE", EMAIL, item_count=0, size_bytes=0)
    staging = dataclasses.replace(STAGING, indexes=(dataclasses.replace(sparse, item_count=0, size_bytes=0), new))

    assert estimate(source, staging).write_units == 2_000_000 + 1100 + 2_000_000


def test_estimate_at_limits_takes_as_long_as_the_slower_side() -> None:
    result = estimate(SOURCE, STAGING, read_limit=parse_limit(125.5005), write_limit=parse_limit(1000), workers=4)

    assert (result.read_seconds, result.write_seconds) == (pytest.approx(1000), 2000)
    assert result.client_seconds == 50
    assert result.seconds == 2000


def test_estimate_of_provisioned_tables_costs_nothing_more_and_takes_half_their_throughput() -> None:
    index = Index("by-email", "global", "ACTIVE", EMAIL, provisioned=Throughput(10, 100))
    source = dataclasses.replace(SOURCE, billing_mode="PROVISIONED", provisioned=Throughput(502.002, 5))
    staging = dataclasses.replace(
        STAGING, billing_mode="PROVISIONED", provisioned=Throughput(5, 1000), indexes=(index,)
    )

    result = estimate(source, staging)

    assert (result.read_dollars, result.write_dollars) == (None, None)
    assert result.read_seconds == pytest.approx(500)
    assert result.write_units == 4_000_000
    assert result.write_seconds == 2_000_000 / 50  # the index is narrower than its table


def test_estimate_of_a_replacement_counts_the_copy_and_the_swap() -> None:
    provisioned = dataclasses.replace(STAGING, billing_mode="PROVISIONED", provisioned=Throughput(5, 1000))
    mapping = Mapping.parse({"unmapped": "passthrough"})

    def job(write_mode: Literal["mirror", "replace"], **limits: Any) -> Preparation:
        work = SyncJob("Users", "Staging", mapping, write_mode=write_mode, **limits)
        plan = compile_plan(mapping, key_attributes=("Id",))
        return Preparation(work, SOURCE, provisioned, plan, plan_selection(None, SOURCE.keys), 1)

    once, twice = estimate_job(job("mirror")), estimate_job(job("replace"))
    # The copy is read once and the destination three times, with strong consistency.
    assert twice.read_units == once.read_units + 4 * 2 * once.read_units
    assert twice.read_dollars == pytest.approx(twice.read_units * 0.125e-6)
    assert (twice.write_units, twice.write_dollars) == (4_000_000, 1.25)  # the copy is on demand
    assert (twice.write_seconds, twice.client_seconds) == (once.write_seconds, 2 * once.client_seconds)
    assert estimate_job(job("replace", write_limit=1000)).write_seconds == 4000
    assert estimate_job(job("replace", write_limit="100%")).write_seconds == 2000


def test_estimate_at_other_prices_and_client_rates_follows_them() -> None:
    result = estimate(SOURCE, STAGING, read_price=1, write_price=2, client_rate=10_000)

    assert result.read_dollars == pytest.approx(0.1255005)
    assert (result.write_dollars, result.client_seconds) == (4, 100)


def test_estimate_in_words_tells_units_dollars_time_and_what_sets_it() -> None:
    limited = estimate(SOURCE, STAGING, write_limit=parse_limit(1000))

    assert str(limited) == (
        "Users -> Staging: 1,000,000 items, 1.0 GB; 125,500 read units ($0.02), at most 2,000,000 write units"
        " ($1.25); 0:33:20, set by the write limit"
    )
    assert "at most 1,000,000 items" in str(estimate(SOURCE, STAGING, selective=True))
    provisioned = dataclasses.replace(STAGING, billing_mode="PROVISIONED")
    assert "at most 2,000,000 write units (provisioned); 0:03:20, set by the client" in str(
        estimate(SOURCE, provisioned)
    )


def test_estimate_as_json_is_plain() -> None:
    plain = json.loads(json.dumps(estimate(SOURCE, STAGING).as_dict()))

    assert (plain["source_table"], plain["write_units"], plain["seconds"]) == ("Users", 2_000_000, 200)


def test_warning_comes_where_the_task_would_be_stopped_before_the_end() -> None:
    limited = estimate(SOURCE, STAGING, write_limit=parse_limit(1000))

    assert limited.warning(None) is None
    assert limited.warning(2000) is None
    assert limited.warning(1800) == (
        "Users: the sync is expected to take 0:33:20 and is stopped after 0:30:00; raise execution_timeout, raise"
        " the write limit, or share the work out to several tasks"
    )
    assert "use a faster machine" in (estimate(SOURCE, STAGING).warning(60) or "")


def test_empty_table_costs_next_to_nothing() -> None:
    result = estimate(dataclasses.replace(SOURCE, item_count=0, size_bytes=0), STAGING)

    assert (result.read_units, result.write_units, result.seconds) == (0.5, 0, 0)
