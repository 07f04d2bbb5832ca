"""The parts of a report, each of which a run fills in where it did what the part tells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "error"]


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
class PreflightFinding:
    """What was found before the first write.

    Attributes:
        code: for programs, such as ``key_schema_differs``.
        severity: of an error, the run ended before the first write.
        place: table or rule.
        message: what was found.
        remedy: what to do about it.
        acknowledged: whether the mapping names the code as known.
    """

    code: str
    severity: Severity
    place: str
    message: str
    remedy: str
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class PathTypes:
    """The types that were seen at a path of the source.

    Attributes:
        path: attribute names, with ``[*]`` for list elements and ``*`` for map keys that are data.
        types: how many values of each; letters as DynamoDB writes them.
        looks_like: what recognizers found in the first few strings, such as ``EMAIL_ADDRESS``.
    """

    path: str
    types: dict[str, int]
    looks_like: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypesSeen:
    """The paths and types of the source, which the next run compares with its own.

    Attributes:
        version: of this part's form.
        items: items that were looked at.
        complete: False where there are more names than are kept.
        paths: each path once.
    """

    version: int
    items: int
    complete: bool
    paths: tuple[PathTypes, ...]


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """A path or type that is new, or gone.

    Attributes:
        severity: ``error`` where something new looks personal and is not hidden by a rule.
        kind: ``new_path``, ``new_type`` or ``vanished``.
        path: as in ``types``.
        types: those that are new, or gone.
        personal: why it looks personal: ``name``, or what recognizers found in values.
        hidden: whether a rule or a default changes or removes it.
    """

    severity: Severity
    kind: str
    path: str
    types: tuple[str, ...]
    personal: tuple[str, ...]
    hidden: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed in the source's paths and types.

    Attributes:
        compared_with: the id of the run compared with; None where there was none.
        items_examined: items whose paths were looked at.
        found: how many findings there are; the list may hold fewer.
        findings: the gravest first.
    """

    compared_with: str | None
    items_examined: int
    found: int
    findings: tuple[DriftFinding, ...]


@dataclass(frozen=True, slots=True)
class ExposureFinding:
    """A place of written items where the original of a mapped attribute still stood.

    Attributes:
        severity: by how telling the values are.
        kind: what it stood in, such as ``key``, ``text`` or ``map key``; ``unchanged`` at its own place.
        rule: that was to hide it, such as ``mappings.Email``.
        path: of the original.
        seen_at: where it was seen.
        count: how often.
        values: how many different values; counting ends at 17.
    """

    severity: Severity
    kind: str
    rule: str
    path: str
    seen_at: str
    count: int
    values: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """The search of written items for original values.

    Attributes:
        mode: ``sample``, ``all`` or ``off``.
        items_checked: items that were searched.
        unlisted: occurrences that no finding tells of, because there were too many.
        found: how many findings there are; the list may hold fewer.
        findings: the gravest first.
    """

    mode: Literal["sample", "all", "off"]
    items_checked: int
    unlisted: int
    found: int
    findings: tuple[ExposureFinding, ...]


@dataclass(frozen=True, slots=True)
class Collisions:
    """The watch over items that would get one destination key.

    Attributes:
        method: ``not_needed`` where no rule can make two keys one, else how it was watched for.
        keys_watched: how many keys.
        found: how many of them were another item's; any end the run.
    """

    method: str
    keys_watched: int
    found: int


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
class Verification:
    """What was read back from the destination and compared with what the plan gives.

    Attributes:
        mode: ``sample`` or ``all``.
        items_checked: items that were read back.
        different: those that are not what the plan gives now.
        missing: those that the destination does not have; of a mirror by a count of all its keys, if that is more.
        beyond: items of the destination that the source does not have, by all keys in mode ``all``, else by those
            that deleting left; None where it is no mirror.
        paths: top-level attributes that differed; the list may end early.
        passed: whether all is as it should be.
        source_changed: items that were changed or deleted in the source after they were read, or came to it, and
            were not compared.
        read_units: read capacity units of both tables that it took.
    """

    mode: Literal["sample", "all"]
    items_checked: int
    different: int
    missing: int
    beyond: int | None
    paths: tuple[str, ...]
    passed: bool
    source_changed: int = 0
    read_units: float = 0.0


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


@dataclass(frozen=True, slots=True)
class Combinations:
    """How rare combinations of the quasi-identifiers' values are; an absent attribute counts as a value.

    Attributes:
        items: items that were looked at.
        distinct: different combinations.
        smallest: k, the number of items that share the rarest combination; 0 without items.
        alone: combinations that one item has to itself (k = 1).
        below_five: combinations of fewer than five items, those of one included.
        exact: False where there were too many to keep: then ``distinct``, ``alone`` and ``below_five`` are scaled
            up from a sample of combinations, whose own counts are exact, and ``smallest`` is an upper bound.
        standard_error: of ``distinct``, as a share of it; 0.0 where exact.
    """

    items: int
    distinct: int
    smallest: int
    alone: int
    below_five: int
    exact: bool
    standard_error: float


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """How many different values an attribute has.

    Attributes:
        items: that have the attribute.
        distinct: its different values, estimated by a HyperLogLog sketch.
    """

    items: int
    distinct: int

    @property
    def share(self) -> float:
        """Different values per item, at most 1.0: near 1.0 an attribute tells single items apart."""
        return min(1.0, self.distinct / self.items) if self.items else 0.0


@dataclass(frozen=True, slots=True)
class AttributeUniqueness:
    """The uniqueness of a top-level attribute.

    Attributes:
        name: of the attribute.
        before: in the source.
        after: in what was written.
    """

    name: str
    before: Uniqueness
    after: Uniqueness


@dataclass(frozen=True, slots=True)
class Risk:
    """How far quasi-identifiers single out items, before and after.

    Attributes:
        quasi_identifiers: the paths that were combined, as written.
        before: their combinations in the source.
        after: their combinations in what was written.
        attributes: the uniqueness of top-level attributes, in the order they were met first.
        attributes_left_out: how many more there were; counting ends at as many as are kept.
        standard_error: of each ``distinct`` in ``attributes``, as a share of it.
    """

    quasi_identifiers: tuple[str, ...]
    before: Combinations
    after: Combinations
    attributes: tuple[AttributeUniqueness, ...]
    attributes_left_out: int
    standard_error: float
