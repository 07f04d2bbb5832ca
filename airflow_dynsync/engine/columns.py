"""Column transformers that work value by value, and choose themselves what their draws depend on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_dynsync.engine.definitions import Chunk, Column, Drop, Place
from airflow_dynsync.engine.errors import TransformError
from airflow_dynsync.engine.lifting import ScalarStep
from airflow_dynsync.engine.values import DECODE, ValueRefusedError, WireItem, WireValue, to_wire


def value_by_value(
    function: Callable[[Any, WireItem], Any], place: str, accepts: frozenset[str] = frozenset({"S"})
) -> ScalarStep:
    """Return the step that gives each value, as Python, and its source item to a function.

    Args:
        function: ``(value, item) -> value``; it refuses a value with ``ValueRefusedError``.
        place: the rule, such as ``mappings.Email``; errors name it.
        accepts: the types of the values that may be transformed alone.
    """

    def alone(value: WireValue, chunk: Chunk, row: int, _trail: Place, _key: str | int) -> WireValue | None:
        ((kind, payload),) = value.items()
        if kind not in accepts or not payload:
            return None
        return to_wire(function(DECODE[kind](payload), chunk.items[row]))

    def step(column: Column) -> list[WireValue | Drop]:
        results: list[WireValue | Drop] = []
        for row, value in zip(column.rows, column.values, strict=True):
            ((kind, payload),) = value.items()
            try:
                results.append(to_wire(function(DECODE[kind](payload), column.chunk.items[row])))
            except ValueRefusedError as error:
                raise error.at(place, row) from None
            except Exception as error:  # noqa: BLE001 - its message may hold the value
                raise TransformError(place, f"failed with {type(error).__name__}", row=row) from None
        return results

    return ScalarStep(step, alone)
