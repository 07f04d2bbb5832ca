"""The parts of a report that tell what was done, under which rules, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from airflow_dynsync.sync.report.found import Verification

MOST_SEGMENTS: Final = 1000
"""Segments whose items are told one by one."""


@dataclass(frozen=True, slots=True)
class Run:
    """When and with what the sync ran.

    Attributes:
        id: drawn at random for this run.
        started: ISO 8601 in UTC, as are all times.
        ended: when the last write was confirmed and the checks were done.
        package_version: of airflow-dynsync.
    """

    id: str
    started: str
    ended: str
    package_version: str


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """A rule as it was compiled.

    Attributes:
        path: as written; for defaults, ``(unmapped)``.
        rule: where it is written, such as ``mappings.Email``.
        transformer: its name.
        uniqueness: whether different values stay different: ``preserved``, ``not_guaranteed`` or ``lossy``.
        on_key: whether it acts on an attribute of the primary key.
    """

    path: str
    rule: str
    transformer: str
    uniqueness: str
    on_key: bool


@dataclass(frozen=True, slots=True)
class MappingInForce:
    """What the mapping asked for.

    Attributes:
        fingerprint: BLAKE2b-128 over mappings, unmapped and presets in canonical form, without a key: the same
            mapping has the same one everywhere. The condition is left out, as it may hold a value.
        unmapped: the policy for leaves that no rule covers, or ``by type``.
        selective: whether a condition selected what was read.
        secret_stays: whether the next run gives the same pseudonyms; False where a secret was drawn for this one.
        rules: in the order they are written.
        secret_fingerprint: BLAKE2b-128 keyed by the secret: runs with the same secret have the same one. None
            where a secret was drawn for this run, or an earlier version wrote the report.
    """

    fingerprint: str
    unmapped: str
    selective: bool
    secret_stays: bool
    rules: tuple[RuleInForce, ...]
    secret_fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Capacity:
    """Capacity and money; the units consumed stand at the top of the report.

    Attributes:
        read_limit: units per second; None without a limit.
        write_limit: likewise, indexes included.
        read_units_estimated: before the run, from DescribeTable; None where it was not estimated.
        write_units_estimated: likewise, an upper bound.
        read_price: US dollars for a million read request units on demand.
        write_price: likewise of writes.
        read_dollars: for the units consumed; None where the source is provisioned and paid for by the hour.
        write_dollars: likewise.
        read_dollars_estimated: before the run.
        write_dollars_estimated: likewise, an upper bound.
        writes_saved: items that were not written because the destination had them already.
        compare_units: read capacity units that looking at the destination took.
        dollars_saved: what writing them would have cost, at the units of those that were written or 1 unit each,
            less what looking took; None where nothing was compared, or the destination is provisioned.
    """

    read_limit: float | None
    write_limit: float | None
    read_units_estimated: float | None
    write_units_estimated: float | None
    read_price: float
    write_price: float
    read_dollars: float | None
    write_dollars: float | None
    read_dollars_estimated: float | None
    write_dollars_estimated: float | None
    writes_saved: int = 0
    compare_units: float = 0.0
    dollars_saved: float | None = None


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """The items of a segment.

    Attributes:
        segment: its number.
        items_read: by this run.
        items_confirmed: that are at the destination, written or found there just so; those that an interrupted run
            had written, which this one continued, included.
    """

    segment: int
    items_read: int
    items_confirmed: int


@dataclass(frozen=True, slots=True)
class Retries:
    """Calls that were made again; items that were sent again are counted at the top of the report.

    Attributes:
        throttled: calls that DynamoDB throttled.
        transient: calls that failed for a passing reason, such as a broken connection.
        seconds: spent waiting before they were made again, by all threads together.
    """

    throttled: int
    transient: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the run.

    Attributes:
        name: such as ``prepare``, ``move`` or ``verify``.
        seconds: how long it took.
    """

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Moment:
    """Counts from the start of the move until a moment of it.

    Attributes:
        seconds: since the start.
        items_read: so far.
        items_written: so far.
        read_units: so far.
        write_units: so far.
    """

    seconds: float
    items_read: int
    items_written: int
    read_units: float
    write_units: float


@dataclass(frozen=True, slots=True)
class DeadLetterReason:
    """Why items were put aside.

    Attributes:
        rule: that failed on them, such as ``mappings.Email``; None where DynamoDB refused what the rules gave.
        reason: in a sentence.
        count: how many items.
    """

    rule: str | None
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Replacement:
    """How the destination's contents were swapped for a complete new copy.

    Attributes:
        side_table: the table that the copy was made in, deleted since.
        items_copied: items written to it, those of an interrupted run that this one continued included.
        copy_write_units: write capacity units of the side table, its indexes included.
        copy_write_dollars: for them; the side table is on demand.
        swap_read_units: read capacity units that comparing it with the destination took, of both tables.
        swap_write_units: write capacity units of the destination: of what differed, and what was deleted.
        swap_write_dollars: for them; None where the destination is provisioned.
        swap_seconds: from the first read of the copy to the last write: in that time the destination held old and
            new items.
        verification: of the destination against the copy; that at the top of the report is of the copy.
    """

    side_table: str
    items_copied: int
    copy_write_units: float
    copy_write_dollars: float | None
    swap_read_units: float
    swap_write_units: float
    swap_write_dollars: float | None
    swap_seconds: float
    verification: Verification | None = None


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Items that were put aside because they could not be transformed or written.

    Attributes:
        count: how many.
        path: the file or object-store path that they are kept at; of several workers, that of the first.
        count_before: those among them that only the interrupted run met, which this one continued.
        items: ``encrypted`` where the items themselves are kept, too; else ``none``.
        reasons: the most frequent first.
    """

    count: int
    path: str | None
    count_before: int = 0
    items: Literal["none", "encrypted"] = "none"
    reasons: tuple[DeadLetterReason, ...] = ()

    @property
    def count_now(self) -> int:
        """Those that this run met."""
        return self.count - self.count_before
