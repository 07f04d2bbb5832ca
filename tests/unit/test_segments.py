"""How a table is shared out to several workers, what they share, and when their reports make one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.dynamodb.tables import Index, KeyAttribute, TableDescription, Throughput
from airflow_dynsync.dynamodb.where import plan_selection
from airflow_dynsync.engine import Mapping, compile_plan
from airflow_dynsync.engine.statistics import RuleCount
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.estimate import estimate_job
from airflow_dynsync.sync.job import SyncJob
from airflow_dynsync.sync.preparation import Preparation
from airflow_dynsync.sync.report import SyncReport, combined
from airflow_dynsync.sync.segments import parse_segments, share_out, written

KEYS = (KeyAttribute("Id", "S"),)
TABLE = TableDescription(
    name="Users",
    arn="arn:aws:dynamodb:us-east-1:111122223333:table/Users",
    table_id="one",
    status="ACTIVE",
    item_count=1_000_000,
    size_bytes=1_024_000_000,
    keys=KEYS,
    indexes=(Index("by-email", "global", "ACTIVE", KEYS, provisioned=Throughput(100, 50)),),
    billing_mode="PROVISIONED",
    account_id="111122223333",
    region="us-east-1",
    provisioned=Throughput(1000, 400),
)


@given(total=st.integers(1, 2000), workers=st.integers(1, 100))
def test_segments_shared_out_are_each_ones_and_spread_evenly(total: int, workers: int) -> None:
    shares = share_out(total, min(workers, total))
    assert [segment for share in shares for segment in share] == list(range(total))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [parse_segments(written(share)) for share in shares] == shares


@pytest.mark.parametrize("text", ["", "-", "3-", "-3", "5-4", "a-b", "1-2-3", "1.5", " 1", "1, 2", "٣"])
def test_segments_in_another_form_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the first and the last of them, as in 0-7"):
        parse_segments(text)


def preparation(job: SyncJob, total_segments: int = 16) -> Preparation:
    plan = compile_plan(job.mapping, key_attributes=("Id",), secret=b"a secret for these tests")
    return Preparation(job, TABLE, TABLE, plan, plan_selection(None, KEYS), total_segments)


@pytest.mark.parametrize(
    ("read_limit", "write_limit", "reads", "writes"),
    [("50%", "10%", 500, 40), (300, 200, 300, 200), (None, None, 500, 200)],
)
def test_workers_use_together_what_one_would_use_alone(
    read_limit: float | str | None, write_limit: float | str | None, reads: float, writes: float
) -> None:
    job = SyncJob("Users", "Stage", Mapping.parse({}), read_limit=read_limit, write_limit=write_limit)
    for workers, total_segments in ((1, 16), (4, 16), (4, 3), (4, 1)):
        prepared = preparation(replace(job, workers=workers), total_segments)
        sharing = len(share_out(total_segments, prepared.workers))
        assert prepared.read_pacer().budget.units_per_second * sharing == pytest.approx(reads)
        assert prepared.write_pacer().budget.units_per_second * sharing == pytest.approx(writes)


def test_the_estimate_of_several_workers_is_shorter_where_the_client_sets_the_pace() -> None:
    job = SyncJob("Users", "Stage", Mapping.parse({}), read_limit=100_000, write_limit=100_000)
    alone, four = (estimate_job(preparation(replace(job, workers=workers))) for workers in (1, 4))
    assert four.client_seconds == alone.client_seconds / 4
    assert (four.read_seconds, four.write_seconds) == (alone.read_seconds, alone.write_seconds)


def report(first: int, segments: int, **changes: object) -> SyncReport:
    whole = SyncReport(
        source_table="Users",
        destination_table="Stage",
        destination_region="eu-west-1",
        read_by="scan",
        items_examined=10,
        items_read=10,
        items_written=10,
        items_written_before=1,
        items_resubmitted=2,
        segments=segments,
        first_segment=first,
        total_segments=8,
        read_units=1.5,
        write_units=20.0,
        seconds=float(first + 1),
        corpus_version="1",
        rules=(RuleCount("Email", "mappings.Email", "transform_email", "transformed", 10),),
    )
    return replace(whole, **changes)


def test_reports_of_all_segments_add_up_in_whatever_order_they_come() -> None:
    other = RuleCount("Name", "unmapped", "transform_string", "transformed", 3)
    null = RuleCount("Email", "mappings.Email", "transform_email", "kept_null", 1)
    first, second, third = report(0, 4), report(4, 3), report(7, 1)
    second = replace(second, rules=(*second.rules, other))
    third = replace(third, rules=(null,))
    whole = combined([third, first, second])
    assert (whole.first_segment, whole.segments, whole.total_segments) == (0, 8, 8)
    assert (whole.items_read, whole.items_written, whole.items_written_before) == (30, 30, 3)
    assert (whole.items_examined, whole.items_resubmitted) == (30, 6)
    assert (whole.read_units, whole.write_units, whole.seconds) == (4.5, 60.0, 8.0)
    assert whole.rules == (replace(first.rules[0], count=20), null, other)


@pytest.mark.parametrize(
    ("reports", "message"),
    [
        ([], "no worker has left a report"),
        ([report(0, 4)], "the reports end with segment 3 of 8"),
        ([report(4, 4)], "expected a report that begins with segment 0 of 8, got one that begins with 4"),
        ([report(0, 4), report(5, 3)], "expected a report that begins with segment 4 of 8, got .* with 5"),
        ([report(0, 4), report(3, 5)], "expected a report that begins with segment 4 of 8, got .* with 3"),
        ([report(0, 4), report(0, 4), report(4, 4)], "begins with segment 4 of 8, got one that begins with 0"),
        ([report(0, 4), report(4, 4, total_segments=16)], "segment 4 was moved with other tables"),
        ([report(0, 4), report(4, 4, destination_table="Other")], "segment 4 was moved with other tables"),
        ([report(0, 4), report(4, 4, items_written=9)], "of segment 4 read 10 items and wrote 9; run it again"),
    ],
)
def test_reports_that_are_not_those_of_every_segment_once_are_refused(
    reports: list[SyncReport], message: str
) -> None:
    with pytest.raises(SyncError, match=message):
        combined(reports)
