"""What a sync did, as one document: JSON with a version, and a short form of it for XCom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Final, Literal, Self

import orjson
from pydantic import TypeAdapter, ValidationError

from airflow_dynsync.engine.statistics import RuleCount
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.report.course import (
    Capacity,
    DeadLetters,
    MappingInForce,
    Moment,
    Phase,
    Replacement,
    Retries,
    Run,
    SegmentCount,
)
from airflow_dynsync.sync.report.found import (
    Collisions,
    Drift,
    Exposure,
    PreflightFinding,
    Risk,
    TypesSeen,
    Verification,
)

SCHEMA_VERSION: Final = 1
"""Raised when a field is renamed, removed or means something else; new fields do not raise it."""

SHORT_ROWS: Final = 50
"""Rows of each list that the short form keeps."""

_SHORT_TEXT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """A finished sync; it holds no attribute value.

    A part that is null was not asked for, or not done.

    Attributes:
        schema_version: of this document.
        source_table: name of the table that was read.
        source_region: region of the source.
        destination_table: name of the table that was written.
        destination_region: region of the destination.
        complete: whether everything that was read was written, and every check that was asked for passed.
        incomplete_because: why not, in a sentence.
        outcome: ``failed`` where an error ended the run after it had begun to move items; then the report tells
            what was done until then.
        error: the class of that error, whose sentence is ``incomplete_because``.
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
        by_segment: the items of each segment, of 1,000 of them at most.
        rules: counts by path, rule and outcome.
        items_deleted: items of the destination that the source did not have; 0 unless it is a mirror, or replaced.
        run: when, and with which version.
        mapping: the rules in force.
        preflight: what was found before the first write.
        types: the types seen at each path of the source.
        drift: paths and types that an earlier run did not see.
        exposure: original values that were found in written items.
        collisions: the watch over keys that might become one.
        capacity: limits and dollars, estimated and actual.
        retries: calls that were made again.
        phases: how long each part took, in order.
        timeline: at most some 200 moments of the move.
        verification: what was read back and compared.
        replacement: how the contents were swapped, where all of them were replaced; then ``items_written`` counts
            what differed, and capacity is that of the copy and the swap together.
        dead_letters: items that were put aside.
        risk: re-identification risk before and after.
        shortened: whether this is the short form, which leaves out types and timeline, ends long lists early,
            and adds up the counts of rules beyond the first by outcome.
    """

    schema_version: int = SCHEMA_VERSION
    source_table: str
    source_region: str = ""
    destination_table: str
    destination_region: str
    complete: bool = True
    incomplete_because: str | None = None
    outcome: Literal["succeeded", "failed"] = "succeeded"
    error: str | None = None
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
    by_segment: tuple[SegmentCount, ...] | None = None
    items_deleted: int = 0
    run: Run | None = None
    mapping: MappingInForce | None = None
    preflight: tuple[PreflightFinding, ...] | None = None
    types: TypesSeen | None = None
    drift: Drift | None = None
    exposure: Exposure | None = None
    collisions: Collisions | None = None
    capacity: Capacity | None = None
    retries: Retries | None = None
    phases: tuple[Phase, ...] | None = None
    timeline: tuple[Moment, ...] | None = None
    verification: Verification | None = None
    replacement: Replacement | None = None
    dead_letters: DeadLetters | None = None
    risk: Risk | None = None
    shortened: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        plain: dict[str, Any] = orjson.loads(orjson.dumps(self))
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Return the report that `as_dict` wrote, in this version or an earlier one.

        Raises:
            SyncError: it is no report, or one of a later schema version.
        """
        version = plain.get("schema_version", SCHEMA_VERSION)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise SyncError(
                f"the report's schema_version is none up to {SCHEMA_VERSION}; read it with a newer airflow-dynsync"
            )
        try:
            report: Self = _adapter().validate_python(plain)
        except ValidationError as error:
            place = ".".join(str(step) for step in error.errors(include_input=False)[0]["loc"])
            raise SyncError(
                f"{place or 'the report'}: is not what a report of schema version {SCHEMA_VERSION} has there;"
                " give a file that a sync wrote"
            ) from None
        return report

    def as_json(self) -> str:
        """Return the report as the text of a JSON file."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the report in a JSON text.

        Raises:
            SyncError: it is no JSON, or as `from_dict` does.
        """
        try:
            plain = orjson.loads(text)
        except orjson.JSONDecodeError:
            plain = None
        if not isinstance(plain, dict):
            raise SyncError("the report: is no JSON object; give a file that a sync wrote")
        return cls.from_dict(plain)

    def short(self) -> Self:
        """Return the report in a size that does not grow with the table's paths: for XCom.

        Its counts add up to those of the whole report. Reports that are short can be combined.
        """
        shortened = {
            field.name: _short(getattr(self, field.name))
            for field in fields(self)
            if field.name not in ("rules", "types", "timeline")
        }
        return type(self)(
            **(shortened | {"shortened": True}), rules=tuple(_short(row) for row in _add_up_beyond(self.rules))
        )

    def __str__(self) -> str:
        if self.replacement is not None:
            return self._replaced(self.replacement)
        saved = self.capacity.writes_saved if self.capacity else 0
        rate = (self.items_written + saved) / self.seconds if self.seconds else 0.0
        unchanged = f", {saved:,} unchanged" if saved else ""
        deleted = f", {self.items_deleted:,} others deleted" if self.items_deleted else ""
        aside = f", {self.dead_letters.count:,} put aside" if self.dead_letters and self.dead_letters.count else ""
        return (
            f"{self.items_written:,} of {self.items_read:,} items of {self.source_table} written to"
            f" {self.destination_table}{unchanged}{deleted}{aside} in {self.seconds:,.1f} s ({rate:,.0f} items/s)"
        )

    def _replaced(self, replacement: Replacement) -> str:
        saved = self.capacity.writes_saved if self.capacity else 0
        return (
            f"{self.destination_table} has the contents of a new copy of {self.source_table},"
            f" {replacement.items_copied:,} items: {self.items_written:,} written, {saved:,} unchanged,"
            f" {self.items_deleted:,} others deleted, in {self.seconds:,.1f} s,"
            f" {replacement.swap_seconds:,.1f} s of them for the swap"
        )


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(SyncReport)


def _add_up_beyond(rules: tuple[RuleCount, ...]) -> Iterable[RuleCount]:
    if len(rules) <= SHORT_ROWS:
        return rules
    beyond: Counter[str] = Counter()
    for row in rules[SHORT_ROWS:]:
        beyond[row.outcome] += row.count
    told = beyond.most_common(SHORT_ROWS - 1)
    rows = [RuleCount("(other paths)", "", "", outcome, count) for outcome, count in told]
    if untold := beyond.total() - sum(count for _, count in told):
        rows.append(RuleCount("(other paths)", "", "", "(other outcomes)", untold))
    return (*rules[:SHORT_ROWS], *rows)


def _short(part: Any) -> Any:
    """Return a part with its lists and texts cut to a bound."""
    if isinstance(part, str):
        return part if len(part) <= _SHORT_TEXT else f"{part[: _SHORT_TEXT - 1]}…"
    if isinstance(part, tuple):
        return tuple(map(_short, part[:SHORT_ROWS]))
    if hasattr(part, "__dataclass_fields__"):
        return replace(part, **{field.name: _short(getattr(part, field.name)) for field in fields(part)})
    return part
