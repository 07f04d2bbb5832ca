"""Numbers moved within a range around themselves, in exact decimals."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from functools import lru_cache
from math import ceil, floor, log2
from typing import Annotated, Any, Final, Self

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
_LOWEST: Final = _LARGEST.copy_negate()


def _around(
    reach: Callable[[Decimal], tuple[Decimal, Decimal]],
    precision: int,
    finest: Callable[[Decimal], int],
    least: Decimal = _LOWEST,
    most: Decimal = _LARGEST,
) -> Scalar:
    """Return a transformer that draws from so far below to so far above a value as ``reach`` says, never itself.

    Results are multiples of ``10 ** finest(value)``, of a higher power of ten where they would otherwise have more
    than ``precision`` significant digits. Where the range holds no other such number, the next one on either side
    is taken. A value that is not from ``least`` to ``most`` counts as the nearer of them.
    """

    def transform(value: Decimal, stream: Stream) -> Decimal:
        value = min(max(value, least), most)
        below, above = reach(value)
        low, high = max(_EXACT.subtract(value, below), least), min(_EXACT.add(value, above), most)
        exponent = max(finest(value), max(low.adjusted(), high.adjusted()) - precision + 1, MIN_EXPONENT)
        position = _EXACT.scaleb(value, -exponent)
        up, down = ceil(position), floor(position)
        first, last = ceil(_EXACT.scaleb(low, -exponent)), floor(_EXACT.scaleb(high, -exponent))
        on_grid = up == down
        if last - first < on_grid:
            first = max(up - 1, ceil(_EXACT.scaleb(least, -exponent)))
            last = min(down + 1, floor(_EXACT.scaleb(most, -exponent)))
            if last - first < on_grid:
                return value
        drawn = first + stream.below(last - first + 1 - on_grid)
        return _EXACT.scaleb(Decimal(drawn + (on_grid and drawn >= down)), exponent)

    return transform


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
    below, above = parameters.randomization_range_min, parameters.randomization_range_max
    reach = Decimal(below), Decimal(above)
    around = _around(lambda _value: reach, MAX_DIGITS, lambda _value: 0)
    largest = 10**MAX_DIGITS - max(below, above)

    def transform(value: Decimal, stream: Stream) -> Any:
        number = int(value)
        if number != value or abs(number) >= largest:
            return around(value, stream)
        drawn = number - below + stream.below(below + above)
        return drawn + 1 if drawn >= number else drawn

    return transform


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
    reach, scale = (parameters.randomization_range_min, parameters.randomization_range_max), parameters.scale
    of_reach = min(0, *map(_exponent, reach))

    def finest(value: Decimal) -> int:
        return min(of_reach, _exponent(value)) if scale is None else -scale

    around = _around(lambda _value: reach, parameters.precision, finest)

    @lru_cache(maxsize=256)
    def in_units(exponent: int) -> tuple[int, int, int]:
        """Return the reach in units of ``10 ** exponent``, and from how many on a value has to go `around`."""
        exact = [_EXACT.scaleb(number, -exponent) for number in reach]
        below, above = map(int, exact)
        is_exact = [below, above] == exact and exponent >= MIN_EXPONENT
        return below, above, 10**parameters.precision - max(below, above) if is_exact else 0

    def transform(value: Decimal, stream: Stream) -> Any:
        exponent = finest(value)
        exact = _EXACT.scaleb(value, -exponent)
        number = int(exact)
        below, above, limit = in_units(exponent)
        if number != exact or abs(number) >= limit:
            return around(value, stream)
        drawn = number - below + stream.below(below + above)
        return _EXACT.scaleb(Decimal(drawn + (drawn >= number)), exponent)

    return transform


def _exponent(number: Decimal) -> int:
    return int(number.as_tuple().exponent)


class TransformNumberNoise(Parameters):
    """Parameters of transform_number_noise."""

    ratio: Annotated[Number, Field(gt=0, le=1000)] | None = Field(
        default=None, description="How far from the value the result may lie, as a part of it: 0.1 is 10 %."
    )
    range: Annotated[Number, Field(gt=0, le=_LARGEST)] | None = Field(
        default=None, description="How far from the value the result may lie, where no ratio is given."
    )
    bounds: list[Annotated[Number, Field(ge=_LOWEST, le=_LARGEST)] | None] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="The least and the largest result, as in [0, 100]; null for none. A value beyond is first"
        " moved to the nearer of them.",
    )
    decimals: int | None = Field(
        default=None,
        ge=0,
        le=-MIN_EXPONENT,
        description="The most decimals of a result; by default as many as the value, the range or the bounds"
        " have.",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.ratio is None) == (self.range is None):
            raise ValueError("give either ratio or range")
        least, most = _bounds(self)
        finest = min(0, _exponent(least), _exponent(most)) if self.decimals is None else -self.decimals
        if ceil(_EXACT.scaleb(least, -finest)) >= floor(_EXACT.scaleb(most, -finest)):
            raise ValueError("bounds holds no two numbers of so many decimals; give the least and the largest")
        return self


def _bounds(parameters: TransformNumberNoise) -> tuple[Decimal, Decimal]:
    least, most = parameters.bounds or (None, None)
    return _LOWEST if least is None else least, _LARGEST if most is None else most


def _transform_number_noise(parameters: TransformNumberNoise) -> Scalar:
    ratio, decimals = parameters.ratio, parameters.decimals
    reach = parameters.range or Decimal(0)
    exponents = [
        _exponent(number) for number in (parameters.range, *(parameters.bounds or ())) if number is not None
    ]

    def around(value: Decimal) -> tuple[Decimal, Decimal]:
        distance = reach if ratio is None else _EXACT.multiply(value.copy_abs(), ratio)
        return distance, distance

    def finest(value: Decimal) -> int:
        return min(0, *exponents, _exponent(value)) if decimals is None else -decimals

    return _around(around, MAX_DIGITS, finest, *_bounds(parameters))


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
    Definition(
        name="transform_number_noise",
        summary="Adds noise to a number, within a ratio or a range and within bounds; never none",
        parameters=TransformNumberNoise,
        accepts=frozenset({"N"}),
        returns=frozenset({"N"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        example=Example(Decimal("52300"), Decimal("50616"), {"ratio": 0.1, "bounds": [0, None]}),
        scalar=_transform_number_noise,
    ),
)
