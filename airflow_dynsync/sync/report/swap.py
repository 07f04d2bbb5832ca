"""One report from those of a new copy and of its being brought over into the destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_dynsync.sync.report.course import Capacity, Phase, Replacement, Retries

if TYPE_CHECKING:
    from airflow_dynsync.sync.estimate import Estimate
    from airflow_dynsync.sync.report.document import SyncReport


def swapped_report(
    copied: SyncReport, swapped: SyncReport, estimate: Estimate, phases: Sequence[Phase]
) -> SyncReport:
    """Return the report of a run that replaced a destination's contents.

    What was found about the source and its items is that of the copy; what was written, and whether it succeeded,
    is that of the swap; capacity and time are those of both.

    Args:
        copied: of the run from the source to the side table.
        swapped: of the run from the side table to the destination.
        estimate: made before both.
        phases: the parts of the run before both.
    """
    swap = Phase("swap", round(sum(phase.seconds for phase in swapped.phases or ()), 3))
    return replace(
        copied,
        destination_table=swapped.destination_table,
        complete=swapped.complete,
        incomplete_because=swapped.incomplete_because,
        outcome=swapped.outcome,
        error=swapped.error,
        items_written=swapped.items_written,
        items_resubmitted=copied.items_resubmitted + swapped.items_resubmitted,
        items_deleted=swapped.items_deleted,
        read_units=copied.read_units + swapped.read_units,
        write_units=copied.write_units + swapped.write_units,
        seconds=round(copied.seconds + swapped.seconds, 3),
        run=copied.run and swapped.run and replace(copied.run, ended=swapped.run.ended),
        capacity=_capacity(copied.capacity, swapped.capacity, estimate),
        retries=_retries(copied.retries, swapped.retries),
        phases=(*phases, *(copied.phases or ()), swap),
        replacement=_replacement(copied, swapped),
    )


def _replacement(copied: SyncReport, swapped: SyncReport) -> Replacement:
    copy, swap = copied.capacity, swapped.capacity
    return Replacement(
        side_table=copied.destination_table,
        items_copied=copied.items_written + copied.items_written_before,
        copy_write_units=copied.write_units,
        copy_write_dollars=copy.write_dollars if copy else None,
        swap_read_units=swapped.read_units + (swap.compare_units if swap else 0.0),
        swap_write_units=swapped.write_units,
        swap_write_dollars=swap.write_dollars if swap else None,
        swap_seconds=swapped.seconds,
        verification=swapped.verification,
    )


def _capacity(copy: Capacity | None, swap: Capacity | None, estimate: Estimate) -> Capacity | None:
    if copy is None or swap is None:
        return None
    return replace(
        copy,
        write_limit=swap.write_limit,
        read_units_estimated=estimate.all_read_units,
        write_units_estimated=estimate.write_units,
        read_dollars=_plus(copy.read_dollars, swap.read_dollars),
        write_dollars=_plus(copy.write_dollars, swap.write_dollars),
        read_dollars_estimated=estimate.all_read_dollars,
        write_dollars_estimated=estimate.write_dollars,
        writes_saved=swap.writes_saved,
        compare_units=swap.compare_units,
        dollars_saved=swap.dollars_saved,
    )


def _retries(copy: Retries | None, swap: Retries | None) -> Retries | None:
    if copy is None or swap is None:
        return copy or swap
    return Retries(copy.throttled + swap.throttled, copy.transient + swap.transient, copy.seconds + swap.seconds)


def _plus(one: float | None, other: float | None) -> float | None:
    """Add up what is paid for by the request."""
    return other if one is None else one + (other or 0.0)
