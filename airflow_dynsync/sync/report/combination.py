"""One report from those of the workers that shared a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from airflow_dynsync.engine.statistics import RuleCount
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.report.course import (
    MOST_SEGMENTS,
    Capacity,
    DeadLetterReason,
    DeadLetters,
    Phase,
    Run,
    SegmentCount,
)
from airflow_dynsync.sync.report.document import SyncReport
from airflow_dynsync.sync.report.found import (
    Drift,
    Exposure,
    ExposureFinding,
    PathTypes,
    TypesSeen,
    Verification,
)
from airflow_dynsync.sync.report.parts import put_aside_in_words

PartT = TypeVar("PartT")


def combined(reports: Sequence[SyncReport]) -> SyncReport:
    """Add up the reports of the workers that shared a table.

    What cannot be told from parts is left out: the timeline, and the risk, since a combination may be rare in each
    part and not in the whole.

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
        saved = report.capacity.writes_saved if report.capacity else 0
        aside = report.dead_letters.count_now if report.dead_letters else 0
        if report.items_read != report.items_written + saved + aside:
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
    letters: DeadLetters | None = _merged(in_order, "dead_letters", _dead_letters)
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
        complete=all(report.complete for report in reports),
        incomplete_because=put_aside_in_words(letters)
        if letters is not None and letters.count
        else next((report.incomplete_because for report in in_order if not report.complete), None),
        run=_merged(in_order, "run", _run),
        types=_merged(in_order, "types", _types),
        drift=_merged(in_order, "drift", _drift),
        exposure=_merged(in_order, "exposure", _exposure),
        by_segment=_merged(in_order, "by_segment", _by_segment),
        collisions=_merged(in_order, "collisions", _sum),
        capacity=_merged(in_order, "capacity", _capacity),
        retries=_merged(in_order, "retries", _sum),
        phases=_merged(in_order, "phases", _phases),
        timeline=None,
        verification=_merged(in_order, "verification", _verification),
        dead_letters=letters,
        risk=None,
        shortened=any(report.shortened for report in reports),
    )


def _merged(reports: Sequence[SyncReport], name: str, merge: Callable[[Sequence[Any]], Any]) -> Any:
    """Return one part from those that the workers filled in; None if none did."""
    parts = [part for report in reports if (part := getattr(report, name)) is not None]
    return merge(parts) if parts else None


def _sum(parts: Sequence[PartT]) -> PartT:
    """Return the first part with all its numbers added up to those of the others."""
    sums = {}
    for field in fields(parts[0]):  # type: ignore[arg-type]
        numbers = [number for part in parts if _is_number(number := getattr(part, field.name))]
        if numbers:
            sums[field.name] = sum(numbers)
    return replace(parts[0], **sums)  # type: ignore[type-var]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _run(parts: Sequence[Run]) -> Run:
    return replace(parts[0], started=min(part.started for part in parts), ended=max(part.ended for part in parts))


def _by_segment(parts: Sequence[tuple[SegmentCount, ...]]) -> tuple[SegmentCount, ...]:
    return tuple(count for part in parts for count in part)[:MOST_SEGMENTS]


def _types(parts: Sequence[TypesSeen]) -> TypesSeen:
    counts: dict[str, Counter[str]] = {}
    looks: dict[str, set[str]] = {}
    for part in parts:
        for row in part.paths:
            counts.setdefault(row.path, Counter()).update(row.types)
            looks.setdefault(row.path, set()).update(row.looks_like)
    paths = tuple(PathTypes(path, dict(types), tuple(sorted(looks[path]))) for path, types in counts.items())
    complete = all(part.complete for part in parts)
    return TypesSeen(parts[0].version, sum(part.items for part in parts), complete, paths)


def _drift(parts: Sequence[Drift]) -> Drift:
    findings = {(finding.kind, finding.path): finding for part in parts for finding in part.findings}
    found = max(len(findings), *(part.found for part in parts))
    return replace(_sum(parts), found=found, findings=tuple(findings.values()))


def _exposure(parts: Sequence[Exposure]) -> Exposure:
    merged: dict[tuple[str, ...], ExposureFinding] = {}
    for finding in (finding for part in parts for finding in part.findings):
        place = finding.kind, finding.rule, finding.path, finding.seen_at
        known = merged.get(place, replace(finding, count=0))
        merged[place] = replace(
            known,
            severity="error" if "error" in (known.severity, finding.severity) else finding.severity,
            count=known.count + finding.count,
            values=max(known.values, finding.values),
        )
    found = max(len(merged), *(part.found for part in parts))
    return replace(_sum(parts), found=found, findings=tuple(merged.values()))


def _capacity(parts: Sequence[Capacity]) -> Capacity:
    first = parts[0]
    return replace(_sum(parts), read_price=first.read_price, write_price=first.write_price)


def _phases(parts: Sequence[tuple[Phase, ...]]) -> tuple[Phase, ...]:
    longest: dict[str, float] = {}
    for part in parts:
        for phase in part:
            longest[phase.name] = max(longest.get(phase.name, 0.0), phase.seconds)
    return tuple(Phase(name, seconds) for name, seconds in longest.items())


def _verification(parts: Sequence[Verification]) -> Verification:
    paths = dict.fromkeys(path for part in parts for path in part.paths)
    return replace(_sum(parts), paths=tuple(paths), passed=all(part.passed for part in parts))


def _dead_letters(parts: Sequence[DeadLetters]) -> DeadLetters:
    counts: Counter[tuple[str | None, str]] = Counter()
    for reason in (reason for part in parts for reason in part.reasons):
        counts[reason.rule, reason.reason] += reason.count
    reasons = tuple(DeadLetterReason(*place, count) for place, count in counts.most_common())
    return replace(_sum(parts), reasons=reasons)


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
