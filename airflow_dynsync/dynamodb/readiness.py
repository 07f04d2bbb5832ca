"""When a table counts as ready for those who wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.tables import TableDescription

# TableStatus of the type TableDescription in the Amazon DynamoDB API Reference.
_STATUSES = (
    "ACTIVE",
    "ARCHIVED",
    "ARCHIVING",
    "CREATING",
    "DELETING",
    "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
    "REPLICATION_NOT_AUTHORIZED",
    "UPDATING",
)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a table has to be.

    Args:
        target_status: the table's status.
        indexes_active: whether all its indexes must be ACTIVE, which takes longer than the table itself.
        min_item_count: least number of items, by DynamoDB's own count, which it renews about every six hours.

    Raises:
        ValueError: DynamoDB knows no such status, or the number is negative.
    """

    target_status: str = "ACTIVE"
    indexes_active: bool = True
    min_item_count: int | None = None

    def __post_init__(self) -> None:
        if self.target_status not in _STATUSES:
            raise ValueError(f"target_status must be one of {', '.join(_STATUSES)}, not {self.target_status!r}")
        if self.min_item_count is not None and self.min_item_count < 0:
            raise ValueError(f"min_item_count must be 0 or more, not {self.min_item_count}")

    def unmet(self, table: TableDescription | None) -> tuple[str, ...]:
        """Return what the table (None where it does not exist) still lacks, in words; empty where it is ready."""
        if table is None:
            return ("the table does not exist yet",)
        lacks = []
        if table.status != self.target_status:
            lacks.append(f"the table is {table.status}, not {self.target_status}")
        if self.indexes_active:
            lacks += [
                f"its index {index.name} is {index.status}" for index in table.indexes if index.status != "ACTIVE"
            ]
        if self.min_item_count is not None and table.item_count < self.min_item_count:
            lacks.append(
                f"DynamoDB counts {table.item_count} items of {self.min_item_count}, about every six hours"
            )
        return tuple(lacks)
