"""Transformers of single values, lifted to columns: the stream of each value, the limits of what it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from airflow_dynsync.engine.definitions import Chunk, Column, Drop, Place, Scalar
from airflow_dynsync.engine.errors import TransformError
from airflow_dynsync.engine.keyed import Keyed
from airflow_dynsync.engine.values import DECODE, ValueRefusedError, WireValue, number_text, to_wire

REDRAWS: Final = 8
"""How often a transformed value that came out as it went in is drawn again."""

REMEMBERED: Final = 1024
"""Results that a rule keeps by value and type: a table holds few names, cities and ages, again and again."""

LONGEST_REMEMBERED: Final = 64
"""Characters of a value that is kept with its result."""

Alone = Callable[[WireValue, Chunk, int, Place, str | int], WireValue | Drop | None]
"""``(value, chunk, row, trail, key)`` -> what becomes of one value, or None where the rule's step has to decide.

It raises whatever the transformer raises: then too the step decides, and says what is wrong.
"""


Transform = Callable[[Any], WireValue | Drop]
"""``payload`` -> what becomes of a value of one type."""


class OfValue(NamedTuple):
    """What becomes of the values of one type, other than "", by themselves.

    Attributes:
        remembered: results by payload; `transform` adds to them.
        transform: gives any other result.
    """

    remembered: dict[str, WireValue | Drop]
    transform: Transform


_ENCODE: Final[dict[type, Callable[[Any], WireValue | Drop]]] = {
    str: lambda text: {"S": text},
    Decimal: lambda number: {"N": number_text(number)},
    int: lambda number: {"N": number_text(number)},
    Drop: lambda drop: drop,
}
"""What most transformers return, in wire form without further ado."""

_OF_NO_TYPE: Final[Mapping[str, OfValue]] = MappingProxyType({})

_UNDRAWN: Final = Keyed(b"").stream(b"")
"""The stream of a transformer that draws nothing."""


class ScalarStep:
    """The step of a transformer that works on single values.

    Attributes:
        alone: does the same to one value; sets, NULL, "" and what the transformer does not accept are left to the
            step.
        of_value: the same by type, where nothing but the value counts.
    """

    __slots__ = ("_apply", "alone", "of_value")

    def __init__(
        self,
        apply: Callable[[Column], list[WireValue | Drop]],
        alone: Alone,
        of_value: Mapping[str, OfValue] = _OF_NO_TYPE,
    ) -> None:
        self._apply = apply
        self.alone = alone
        self.of_value = of_value

    def __call__(self, column: Column) -> list[WireValue | Drop]:
        """Return a result for each of the column's values."""
        return self._apply(column)


def lift_transform(
    function: Scalar, keyed: Keyed | None, place: str, name: str, *, accepts: frozenset[str], redraw: bool
) -> ScalarStep:
    """Return the step that applies ``function`` to each value, with the stream that belongs to the value.

    Args:
        function: of one value.
        keyed: that of the realm; None where nothing is drawn.
        place: the rule; errors name it.
        name: of the transformer; likewise.
        accepts: the types of the values that may be transformed alone.
        redraw: draw again where a value came out as it went in.
    """
    stream = keyed.stream if keyed else None

    def lifted(kind: str) -> OfValue:
        decode = None if kind == "S" else DECODE[kind]
        is_text = kind in ("S", "N", "B")
        remembered: dict[str, WireValue | Drop] = {}

        def transform(payload: Any) -> WireValue | Drop:
            before = payload if decode is None else decode(payload)
            drawn = _UNDRAWN if stream is None else stream((payload if is_text else str(payload)).encode())
            after = function(before, drawn)
            if redraw and after == before:
                for _ in range(REDRAWS):
                    after = function(before, drawn)
                    if after != before:
                        break
            result: WireValue | Drop = (
                {"S": after} if type(after) is str else _ENCODE.get(type(after), to_wire)(after)
            )
            if is_text and len(remembered) < REMEMBERED and 0 < len(payload) <= LONGEST_REMEMBERED:
                remembered[payload] = result
            return result

        return OfValue(remembered, transform)

    of_every_type = {kind: lifted(kind) for kind in DECODE}
    of_value: dict[str, OfValue] = {kind: of_every_type[kind] for kind in ("S", "N", "B") if kind in accepts}

    def alone(
        value: WireValue, _chunk: Chunk, _row: int, _trail: Place, _key: str | int
    ) -> WireValue | Drop | None:
        (kind,) = value
        payload = value[kind]
        if kind not in of_value or not payload:
            return None
        remembered, transform = of_value[kind]
        result = remembered.get(payload)
        return transform(payload) if result is None else result

    def step(column: Column) -> list[WireValue | Drop]:
        results = []
        row = None
        try:
            for row, value in zip(column.rows, column.values, strict=True):
                result = alone(value, column.chunk, row, (), "")
                if result is None:
                    ((kind, payload),) = value.items()
                    result = of_every_type[kind].transform(payload)
                results.append(result)
        except ValueRefusedError as error:
            raise error.at(place, row) from None
        except Exception as error:  # noqa: BLE001 - its message may hold the value
            raise unexpected(place, name, error, row) from None
        return results

    return ScalarStep(step, alone, of_value)


def lift_generate(function: Scalar, keyed: Keyed, place: str, name: str, *, accepts: frozenset[str]) -> ScalarStep:
    """Return the step that draws a value for each place, from the stream of the item and the place.

    The parameters are those of `lift_transform`.
    """
    stream = keyed.stream

    def alone(value: WireValue, chunk: Chunk, row: int, trail: Place, key: str | int) -> WireValue | Drop | None:
        (kind,) = value
        if kind not in accepts or kind == "NULL" or value[kind] == "":
            return None
        result = function(None, stream(chunk.identity_at(row, (*trail, key))))
        return _ENCODE.get(type(result), to_wire)(result)

    def step(column: Column) -> list[WireValue | Drop]:
        identities = column.identities()
        try:
            results = [function(None, stream(identity)) for identity in identities]
            return [_ENCODE.get(type(result), to_wire)(result) for result in results]
        except ValueRefusedError as error:
            raise error.at(place) from None
        except Exception as error:  # noqa: BLE001 - its message may hold the value
            raise unexpected(place, name, error, None) from None

    return ScalarStep(step, alone)


def unexpected(place: str, name: str, error: Exception, row: int | None) -> TransformError:
    """Return the error of a transformer that broke; it tells the cause's class alone: messages may hold values."""
    return TransformError(place, f"{name} failed with {type(error).__name__}", row=row)
