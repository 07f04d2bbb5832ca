"""What a sync did, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import orjson

from airflow_dynsync.engine.statistics import RuleCount
from airflow_dynsync.sync.errors import SyncError


@dataclass(frozen=True, slots=True)
class SyncReport:
    """A finished sync; it holds no attribute value.

    Attributes:
        source_table: name of the table that was read.
        destination_table: name of the table that was written.
        destination_region: region of the destination.
        read_by: ``scan``, ``query`` or ``statement``.
        items_examined: items that DynamoDB looked at; a statement does not tell more than it returns.
        items_read: items read from the source.
        items_written: items written to the destination.
        items_written_before: items that an interrupted run, which this one continued, had written; all other
            counts are of this run alone.
        items_resubmitted: items that DynamoDB left unprocessed and that were sent again.
        segments: segments that were read, earlier attempts included; 1 unless it was a scan.
        first_segment: the number of the first of them.
        total_segments: in how many segments the table is read, by all workers.
        read_units: read capacity units that DynamoDB counted, as far as it tells.
        write_units: write capacity units, likewise, indexes included.
        seconds: from the first read to the last confirmed write; of several workers, those of the slowest.
        corpus_version: of the word lists that names and places come from; another one gives other pseudonyms.
        rules: counts by path, rule and outcome.
    """

    source_table: str
    destination_table: str
    destination_region: str
    read_by: Literal["scan", "query", "statement"]
    items_examined: int
    items_read: int
    items_written: int
    items_written_before: int
    items_resubmitted: int
    segments: int
    first_segment: int
    total_segments: int
    read_units: float
    write_units: float
    seconds: float
    corpus_version: str
    rules: tuple[RuleCount, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        plain: dict[str, Any] = orjson.loads(orjson.dumps(self))
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Return the report that `as_dict` wrote."""
        return cls(**{**plain, "rules": tuple(RuleCount(**row) for row in plain["rules"])})

    def __str__(self) -> str:
        rate = self.items_written / self.seconds if self.seconds else 0.0
        return (
            f"{self.items_written:,} of {self.items_read:,} items of {self.source_table} written to"
            f" {self.destination_table} in {self.seconds:,.1f} s ({rate:,.0f} items/s)"
        )


def combined(reports: Sequence[SyncReport]) -> SyncReport:
    """Add up the reports of the workers that shared a table.

    Raises:
        SyncError: they are not those of one table, a segment is missing or was moved twice, or not all that was
            read was written.
    """
    if not reports:
        raise SyncError("no worker has left a report; run the workers again")
    in_order = sorted(reports, key=lambda report: report.first_segment)
    first, expected = in_order[0], 0
    for report in in_order:
        if _shared(report) != _shared(first):
            raise SyncError(
                f"{report.source_table}: segment {report.first_segment} was moved with other tables, word lists or"
                f" segments than segment {first.first_segment}; share the work out again and run all workers"
            )
        if report.first_segment != expected:
            raise SyncError(
                f"{report.source_table}: expected a report that begins with segment {expected} of"
                f" {report.total_segments}, got one that begins with {report.first_segment}; run all workers again"
            )
        if report.items_read != report.items_written:
            raise SyncError(
                f"{report.source_table}: the worker of segment {report.first_segment} read {report.items_read:,}"
                f" items and wrote {report.items_written:,}; run it again"
            )
        expected += report.segments
    if expected != first.total_segments:
        raise SyncError(
            f"{first.source_table}: the reports end with segment {expected - 1} of {first.total_segments}; run all"
            " workers again"
        )
    return replace(
        first,
        items_examined=sum(report.items_examined for report in reports),
        items_read=sum(report.items_read for report in reports),
        items_written=sum(report.items_written for report in reports),
        items_written_before=sum(report.items_written_before for report in reports),
        items_resubmitted=sum(report.items_resubmitted for report in reports),
        segments=expected,
        read_units=sum(report.read_units for report in reports),
        write_units=sum(report.write_units for report in reports),
        seconds=max(report.seconds for report in reports),
        rules=_added_up(in_order),
    )


def _shared(report: SyncReport) -> tuple[Any, ...]:
    """Return what the reports of one table have in common."""
    return (
        report.source_table,
        report.destination_table,
        report.destination_region,
        report.read_by,
        report.total_segments,
        report.corpus_version,
    )


def _added_up(reports: Sequence[SyncReport]) -> tuple[RuleCount, ...]:
    counts: Counter[RuleCount] = Counter()
    for report in reports:
        for row in report.rules:
            counts[replace(row, count=0)] += row.count
    order = {row.rule: place for place, row in reversed([*enumerate(counts)])}
    in_order = sorted(counts, key=lambda row: order[row.rule])
    return tuple(replace(row, count=counts[row]) for row in in_order)
