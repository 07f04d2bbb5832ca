"""Numbers moved within a range around themselves, in exact decimals."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from math import log2
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from airflow_dynsync.engine.definitions import (
    Definition,
    Example,
    Number,
    Parameters,
    Scalar,
    Uniqueness,
    uniqueness_of_random,
)
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.values import MAX_DIGITS, MAX_EXPONENT, MIN_EXPONENT

_EXACT: Final = Context(prec=400)
"""Wide enough for the sum of DynamoDB's largest and smallest number."""

_LARGEST: Final = Decimal((0, (9,) * MAX_DIGITS, MAX_EXPONENT - MAX_DIGITS + 1))


def _around(below: Decimal, above: Decimal, precision: int, finest: Callable[[Decimal], int]) -> Scalar:
    """Return a transformer that draws from ``value - below`` to ``value + above``, never the value itself.

    Results are multiples of ``10 ** finest(value)``, of a higher power of ten where they would otherwise have more
    than ``precision`` significant digits. Where the range holds no other such number, the next one on either side
    is taken.
    """

    def transform(value: Decimal, stream: Stream) -> Decimal:
        low = max(_EXACT.subtract(value, below), _LARGEST.copy_negate())
        high = min(_EXACT.add(value, above), _LARGEST)
        exponent = max(finest(value), max(low.adjusted(), high.adjusted()) - precision + 1, MIN_EXPONENT)
        position = _EXACT.scaleb(value, -exponent)
        up, down = _ceiling(position), _floor(position)
        first, last = _ceiling(_EXACT.scaleb(low, -exponent)), _floor(_EXACT.scaleb(high, -exponent))
        on_grid = up == down
        if last - first < on_grid:
            limit = _floor(_EXACT.scaleb(_LARGEST, -exponent))
            first, last = max(up - 1, -limit), min(down + 1, limit)
        drawn = first + stream.below(last - first + 1 - on_grid)
        return _EXACT.scaleb(Decimal(drawn + (on_grid and drawn >= down)), exponent)

    return transform


def _ceiling(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_CEILING))


def _floor(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_FLOOR))


class TransformInt64(Parameters):
    """Parameters of transform_int64."""

    randomization_range_min: Annotated[int, Field(ge=0, lt=10**MAX_DIGITS)] = Field(
        default=1, description="How far below the value the result may lie."
    )
    randomization_range_max: Annotated[int, Field(ge=0, lt=10**MAX_DIGITS)] = Field(
        default=10000, description="How far above the value the result may lie."
    )

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        if not self.randomization_range_min + self.randomization_range_max:
            raise ValueError("randomization_range_min and randomization_range_max are both 0; raise one of them")
        return self


def _transform_int64(parameters: TransformInt64) -> Scalar:
    below, above = Decimal(parameters.randomization_range_min), Decimal(parameters.randomization_range_max)
    return _around(below, above, MAX_DIGITS, lambda _value: 0)


class TransformFloat64(Parameters):
    """Parameters of transform_float64."""

    randomization_range_min: Annotated[Number, Field(ge=0, le=_LARGEST)] = Field(
        default=Decimal(1), description="How far below the value the result may lie."
    )
    randomization_range_max: Annotated[Number, Field(ge=0, le=_LARGEST)] = Field(
        default=Decimal(10000), description="How far above the value the result may lie."
    )
    precision: int = Field(
        default=MAX_DIGITS, ge=1, le=MAX_DIGITS, description="The most significant digits of a result."
    )
    scale: int | None = Field(
        default=None,
        ge=0,
        le=-MIN_EXPONENT,
        description="The most decimals of a result; by default as many as the value or the range has.",
    )

    @model_validator(mode="after")
    def _leave_room(self) -> Self:
        if not self.randomization_range_min + self.randomization_range_max:
            raise ValueError("randomization_range_min and randomization_range_max are both 0; raise one of them")
        return self


def _transform_float64(parameters: TransformFloat64) -> Scalar:
    below, above, scale = parameters.randomization_range_min, parameters.randomization_range_max, parameters.scale
    if scale is not None:
        return _around(below, above, parameters.precision, lambda _value: -scale)
    finest = min(0, _exponent(below), _exponent(above))
    return _around(below, above, parameters.precision, lambda value: min(finest, _exponent(value)))


def _exponent(number: Decimal) -> int:
    return int(number.as_tuple().exponent)


def _uniqueness(parameters: TransformInt64 | TransformFloat64) -> Uniqueness:
    """Return the class by the width of the range: ranges overlap, so it is never one to one."""
    bits = log2(parameters.randomization_range_min + parameters.randomization_range_max + 1)
    if isinstance(parameters, TransformFloat64):
        bits = min(bits, parameters.precision * log2(10))
    return uniqueness_of_random(min(bits, 127))


DEFINITIONS: Final = (
    Definition(
        name="transform_int64",
        summary="Replaces a number by a whole one from a range around it",
        parameters=TransformInt64,
        accepts=frozenset({"N"}),
        returns=frozenset({"N"}),
        uniqueness=_uniqueness,
        reads_input=True,
        example=Example(Decimal(32), Decimal("27"), {"randomization_range_min": 5, "randomization_range_max": 5}),
        scalar=_transform_int64,
    ),
    Definition(
        name="transform_float64",
        summary="Replaces a number by a decimal one from a range around it",
        parameters=TransformFloat64,
        accepts=frozenset({"N"}),
        returns=frozenset({"N"}),
        uniqueness=_uniqueness,
        reads_input=True,
        example=Example(
            Decimal("49.90"),
            Decimal("49.07"),
            {"randomization_range_min": 10, "randomization_range_max": 10, "scale": 2},
        ),
        scalar=_transform_float64,
    ),
)
