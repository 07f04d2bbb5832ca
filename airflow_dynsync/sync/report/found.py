"""The parts of a report that tell what the checks found; each is there where its check was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["info", "warning", "error"]


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
            were not compared; in mode ``all`` also those that an interrupted run moved, which this one continued.
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
