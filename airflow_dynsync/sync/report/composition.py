"""The report of a run that moved all its items: everything that a prepared job and its counters tell."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from airflow_dynsync.dynamodb.errors import DynamoDBError
from airflow_dynsync.dynamodb.limits import parse_limit, read_budget, write_budget
from airflow_dynsync.engine import MappingError, TransformError
from airflow_dynsync.engine.corpora import CORPUS_VERSION
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.estimate import READ_PRICE, WRITE_PRICE, Estimate
from airflow_dynsync.sync.fingerprint import mapping_fingerprint, secret_fingerprint
from airflow_dynsync.sync.report.course import (
    MOST_SEGMENTS,
    Capacity,
    MappingInForce,
    RuleInForce,
    SegmentCount,
)
from airflow_dynsync.sync.report.document import SyncReport

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.tables import TableDescription
    from airflow_dynsync.sync.checkpoint import Checkpoint
    from airflow_dynsync.sync.preparation import Preparation
    from airflow_dynsync.sync.progress import Counters
    from airflow_dynsync.sync.report.clock import RunClock


def report_of(
    prepared: Preparation,
    counters: Counters,
    clock: RunClock,
    *,
    source_region: str,
    destination_region: str,
    checkpoint: Checkpoint,
    estimate: Estimate | None,
) -> SyncReport:
    """Return the report of a run that ends now.

    The parts that other modules find out are added with `dataclasses.replace`.

    Args:
        prepared: what was done.
        counters: what was counted meanwhile.
        clock: what was measured.
        source_region: region of the source's client.
        destination_region: likewise.
        checkpoint: of the run, and of the interrupted one that it continued.
        estimate: made before the run; None where whoever shared the segments out made it.
    """
    return SyncReport(
        source_table=prepared.source.name,
        source_region=source_region,
        destination_table=prepared.destination.name,
        destination_region=destination_region,
        read_by=prepared.selection.way,
        items_examined=counters.items_examined,
        items_read=counters.items_read,
        items_written=counters.items_written,
        items_written_before=checkpoint.items_written_before,
        items_resubmitted=counters.items_resubmitted,
        segments=len(prepared.segments),
        first_segment=prepared.segments[0],
        total_segments=prepared.total_segments,
        read_units=counters.read_units,
        write_units=counters.write_units,
        seconds=round(counters.seconds, 3),
        corpus_version=CORPUS_VERSION,
        rules=prepared.plan.statistics.counts,
        by_segment=_by_segment(counters, checkpoint),
        run=clock.run(),
        mapping=_mapping_in_force(prepared),
        capacity=_capacity(prepared, counters, estimate),
        phases=clock.phases,
        timeline=counters.timeline(),
    )


def failed_report(report: SyncReport, error: BaseException) -> SyncReport:
    """Return the report of a run that an error ended; only errors of our own are sure to hold no value."""
    told = isinstance(error, SyncError | MappingError | TransformError | DynamoDBError)
    return replace(
        report,
        complete=False,
        incomplete_because=str(error) if told else "an error that is none of airflow-dynsync's; see the log",
        outcome="failed",
        error=type(error).__name__,
    )


def _by_segment(counters: Counters, checkpoint: Checkpoint) -> tuple[SegmentCount, ...]:
    confirmed = islice(checkpoint.items_written_by_segment.items(), MOST_SEGMENTS)
    read = counters.items_read_by_segment
    return tuple(SegmentCount(segment, read[segment], items) for segment, items in confirmed)


def _mapping_in_force(prepared: Preparation) -> MappingInForce:
    job = prepared.job
    unmapped = job.mapping.unmapped
    return MappingInForce(
        fingerprint=mapping_fingerprint(job.mapping),
        unmapped=unmapped if isinstance(unmapped, str) else "by type",
        selective=job.where is not None,
        secret_stays=job.secret is not None,
        rules=tuple(
            RuleInForce(rule.written, rule.place, rule.definition.name, rule.uniqueness.value, rule.is_key)
            for rule in prepared.plan.rules
        ),
        secret_fingerprint=None if job.secret is None else secret_fingerprint(job.secret),
    )


def _capacity(prepared: Preparation, counters: Counters, estimate: Estimate | None) -> Capacity:
    job = prepared.job
    read_limit = read_budget(parse_limit(job.read_limit), prepared.source).share(prepared.workers)
    write_limit = write_budget(parse_limit(job.write_limit), prepared.destination).share(prepared.workers)
    return Capacity(
        read_limit=_finite(read_limit.units_per_second),
        write_limit=_finite(write_limit.units_per_second),
        read_units_estimated=estimate.all_read_units if estimate else None,
        write_units_estimated=estimate.write_units if estimate else None,
        read_price=READ_PRICE,
        write_price=WRITE_PRICE,
        read_dollars=_dollars(prepared.source, counters.read_units, READ_PRICE),
        write_dollars=_dollars(prepared.destination, counters.write_units, WRITE_PRICE),
        read_dollars_estimated=estimate.all_read_dollars if estimate else None,
        write_dollars_estimated=estimate.write_dollars if estimate else None,
        writes_saved=counters.items_unchanged,
        compare_units=counters.compare_units,
        dollars_saved=_saved(prepared.destination, counters) if job.write_only_changes else None,
    )


def _saved(table: TableDescription, counters: Counters) -> float | None:
    units_each = counters.write_units / counters.items_written if counters.items_written else 1.0
    saved = _dollars(table, counters.items_unchanged * units_each, WRITE_PRICE)
    spent = _dollars(table, counters.compare_units, READ_PRICE)
    return None if saved is None or spent is None else saved - spent


def _finite(units: float) -> float | None:
    return None if math.isinf(units) else units


def _dollars(table: TableDescription, units: float, price: float) -> float | None:
    """Return the price of request units; None for a table that is paid for by the hour."""
    return None if table.billing_mode == "PROVISIONED" else units * price / 1_000_000
