"""What a capacity limit, as people write it, means for a table: units per second of the table and its indexes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_dynsync.dynamodb.tables import Index, TableDescription

PROVISIONED_SHARE = 0.5
"""How much of a provisioned table is used where no limit is given: half is left to the others."""


@dataclass(frozen=True, slots=True)
class CapacityLimit:
    """A limit: `amount` capacity units per second, or percent of the table's own throughput."""

    amount: float
    unit: Literal["units", "percent"]

    def __str__(self) -> str:
        return f"{self.amount:g} %" if self.unit == "percent" else f"{self.amount:g} units/s"


def parse_limit(written: float | str | None, name: str = "capacity limit") -> CapacityLimit | None:
    """Read a limit as people write it: `500` or `"500"` (units per second), `"50%"` (of the table's own).

    Args:
        written: None or blank text for the default.
        name: the parameter that it comes from, for the error.

    Returns None for the default. Raises ValueError if it is neither, or not above 0, or above 100 %.
    """
    if written is None or written == "":
        return None
    text = str(written).strip()
    percent = text.endswith("%")
    try:
        amount = math.nan if isinstance(written, bool) else float(text.removesuffix("%"))
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf or (percent and amount > 100):
        raise ValueError(
            f"{name}: expected capacity units per second, as in 500, or a percentage of the table's own, as in "
            f"'50%', above 0 and at most 100 %; got {written!r}"
        )
    return CapacityLimit(amount, "percent" if percent else "units")


@dataclass(frozen=True, slots=True)
class Budget:
    """How many capacity units may be used in a second, and what counts against it.

    Attributes:
        units_per_second: infinite for no limit.
        index_factors: by global index that has a throughput of its own, what one of its units weighs in units
            of the table. Empty: all units, those of indexes included, are added up.
    """

    units_per_second: float = math.inf
    index_factors: Mapping[str, float] = field(default_factory=dict)

    def share(self, parts: int) -> Budget:
        """Return one of several equal parts, as for workers that run side by side."""
        return replace(self, units_per_second=self.units_per_second / parts)

    def spent(self, consumed: Mapping[str, Any]) -> float:
        """Return what a `ConsumedCapacity` takes from this budget.

        Where indexes have a throughput of their own, that is what is scarcest: the table's units (those of
        local indexes among them) or the weighed ones of an index, whichever are more.
        """
        total = float(consumed["CapacityUnits"])
        if not self.index_factors:
            return total
        indexes = {
            name: each["CapacityUnits"] for name, each in consumed.get("GlobalSecondaryIndexes", {}).items()
        }
        weighed = [units * self.index_factors.get(name, 1.0) for name, units in indexes.items()]
        return float(max([total - sum(indexes.values()), *weighed]))


def read_budget(limit: CapacityLimit | None, table: TableDescription, index_name: str | None = None) -> Budget:
    """Return what may be read from a table, or from one of its indexes.

    Without a limit: half of the provisioned throughput, or no limit on demand. Percent are those of the
    provisioned throughput, or of the warm throughput on demand; a global index has its own of both.

    Raises ValueError if percent are asked for and the table does not tell what they are of.
    """
    source: TableDescription | Index = table
    for index in table.indexes:
        if index.name == index_name and index.kind == "global":
            source = index
    return Budget(_units_per_second(limit, table, source, "read"))


def write_budget(limit: CapacityLimit | None, table: TableDescription) -> Budget:
    """Return what may be written to a table, index writes included; the parameters are those of `read_budget`.

    A limit in units per second is for the sum of what the table and its indexes consume. A percentage (or the
    default of a provisioned table) holds for the table and for each global index by itself: DynamoDB throttles
    the table's writes as soon as one index is exhausted, so the one that is nearest to its share sets the pace.
    """
    units = _units_per_second(limit, table, table, "write")
    if math.isinf(units) or (limit is not None and limit.unit == "units"):
        return Budget(units)
    factors = {
        index.name: units / _units_per_second(limit, table, index, "write", missing=units)
        for index in table.indexes
        if index.kind == "global"
    }
    return Budget(units, factors)


def _units_per_second(
    limit: CapacityLimit | None,
    table: TableDescription,
    part: TableDescription | Index,
    direction: Literal["read", "write"],
    missing: float | None = None,
) -> float:
    if limit is not None and limit.unit == "units":
        return limit.amount
    provisioned = table.billing_mode == "PROVISIONED"
    throughput = part.provisioned if provisioned else part.warm
    if limit is None and (not provisioned or throughput is None):
        return missing or math.inf
    if throughput is None:
        if missing is not None:
            return missing
        raise ValueError(
            f"table {table.name!r} does not tell the throughput that {limit} would be of: "
            "give the limit in capacity units per second"
        )
    units = throughput.read_units if direction == "read" else throughput.write_units
    return units * (PROVISIONED_SHARE if limit is None else limit.amount / 100)
