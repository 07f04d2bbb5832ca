"""What a sync did, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from airflow_dynsync.engine.statistics import RuleCount


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
        segments: segments that were read; 1 unless it was a scan.
        read_units: read capacity units that DynamoDB counted, as far as it tells.
        write_units: write capacity units, likewise, indexes included.
        seconds: from the first read to the last confirmed write.
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
    read_units: float
    write_units: float
    seconds: float
    corpus_version: str
    rules: tuple[RuleCount, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        plain: dict[str, Any] = orjson.loads(orjson.dumps(self))
        return plain

    def __str__(self) -> str:
        rate = self.items_written / self.seconds if self.seconds else 0.0
        return (
            f"{self.items_written:,} of {self.items_read:,} items of {self.source_table} written to"
            f" {self.destination_table} in {self.seconds:,.1f} s ({rate:,.0f} items/s)"
        )
