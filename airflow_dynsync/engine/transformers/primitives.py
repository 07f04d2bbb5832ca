"""Generators of plain booleans, numbers, strings and UUIDs."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from math import log2
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
from airflow_dynsync.engine.values import EVERY_TYPE_BUT_SETS, MAX_DIGITS, MIN_EXPONENT

ALPHANUMERIC: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
LONGEST_STRING: Final = 400 * 1024
"""An item, names included, has at most 400 KB (Amazon DynamoDB Developer Guide, "Quotas")."""

_LARGEST_INTEGER: Final = 10**MAX_DIGITS - 1
_EXACT: Final = Context(prec=1000)

Integer = Annotated[int, Field(ge=-_LARGEST_INTEGER, le=_LARGEST_INTEGER)]
Bound = Annotated[Number, Field(ge=-Decimal("9.99E+125"), le=Decimal("9.99E+125"))]


class GenerateInt64(Parameters):
    """Parameters of generate_int64."""

    min: Integer = Field(default=1, description="The lowest result, before its sign is drawn.")
    max: Integer = Field(default=10000, description="The highest result, before its sign is drawn.")
    randomize_sign: bool = Field(default=False, description="Turn the sign of half of the results.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is above max")
        return self


def _generate_int64(parameters: GenerateInt64) -> Scalar:
    low, span, randomize_sign = parameters.min, parameters.max - parameters.min + 1, parameters.randomize_sign

    def generate(_value: Any, stream: Stream) -> int:
        number = low + stream.below(span)
        return -number if randomize_sign and stream.chance() else number

    return generate


class GenerateFloat64(Parameters):
    """Parameters of generate_float64."""

    min: Bound = Field(default=Decimal(1), description="The lowest result, before its sign is drawn.")
    max: Bound = Field(default=Decimal(10000), description="The highest result, before its sign is drawn.")
    precision: int = Field(
        default=6, ge=1, le=MAX_DIGITS, description="The most significant digits of a result: 42.9812 has 6."
    )
    randomize_sign: bool = Field(default=False, description="Turn the sign of half of the results.")

    @model_validator(mode="after")
    def _something_between(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is above max")
        low, high = _representable(self)
        if low > high:
            raise ValueError(f"no number of {self.precision} digits lies between min and max; raise precision")
        return self


def _representable(parameters: GenerateFloat64) -> tuple[Decimal, Decimal]:
    """Return the lowest and the highest number of the range that has the wanted precision."""
    precision = parameters.precision
    return (
        Context(prec=precision, rounding=ROUND_CEILING).plus(parameters.min),
        Context(prec=precision, rounding=ROUND_FLOOR).plus(parameters.max),
    )


def _generate_float64(parameters: GenerateFloat64) -> Scalar:
    low, high = _representable(parameters)
    steps = 1 << 192
    step = _EXACT.divide(_EXACT.subtract(high, low), Decimal(steps))
    rounded = Context(prec=parameters.precision, rounding=ROUND_HALF_EVEN).plus
    randomize_sign = parameters.randomize_sign
    smallest = Decimal(1).scaleb(MIN_EXPONENT)

    def generate(_value: Any, stream: Stream) -> Decimal:
        number = rounded(_EXACT.fma(step, stream.below(steps + 1), low))
        if number.copy_abs() < smallest:
            number = Decimal(0)
        return number.copy_negate() if randomize_sign and stream.chance() else number

    return generate


class GenerateString(Parameters):
    """Parameters of generate_string."""

    min: int = Field(default=1, ge=1, le=LONGEST_STRING, description="The least number of characters.")
    max: int = Field(default=100, ge=1, le=LONGEST_STRING, description="The largest number of characters.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is above max")
        return self


def _generate_string(parameters: GenerateString) -> Scalar:
    low, span = parameters.min, parameters.max - parameters.min + 1

    def generate(_value: Any, stream: Stream) -> str:
        return stream.text(ALPHANUMERIC, low + stream.below(span))

    return generate


class GenerateUuid(Parameters):
    """Parameters of generate_uuid."""

    include_hyphens: bool = Field(default=True, description="Write it with hyphens, in 36 characters, not 32.")


def uuid4_digits(stream: Stream) -> str:
    """Return the 32 hexadecimal digits of a version 4 UUID (RFC 9562, section 5.4)."""
    drawn = bytearray(stream.bytes(16))
    drawn[6] = drawn[6] & 0x0F | 0x40
    drawn[8] = drawn[8] & 0x3F | 0x80
    return drawn.hex()


def _generate_uuid(parameters: GenerateUuid) -> Scalar:
    if not parameters.include_hyphens:
        return lambda _value, stream: uuid4_digits(stream)

    def generate(_value: Any, stream: Stream) -> str:
        digits = uuid4_digits(stream)
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    return generate


DEFINITIONS: Final = (
    Definition(
        name="generate_bool",
        summary="Draws true or false",
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"BOOL"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example(value=True, result=True),
        scalar=lambda _parameters: lambda _value, stream: stream.chance(),
    ),
    Definition(
        name="generate_int64",
        summary="Draws an integer between two bounds",
        parameters=GenerateInt64,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"N"}),
        uniqueness=lambda parameters: uniqueness_of_random(log2(parameters.max - parameters.min + 1)),
        reads_input=False,
        example=Example(Decimal(37), Decimal("72"), {"min": 18, "max": 99}),
        scalar=_generate_int64,
    ),
    Definition(
        name="generate_float64",
        summary="Draws a decimal number between two bounds",
        parameters=GenerateFloat64,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"N"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example(Decimal("37.5"), Decimal("11.4607"), {"min": 1, "max": 100}),
        scalar=_generate_float64,
    ),
    Definition(
        name="generate_string",
        summary="Draws a string of letters and digits",
        parameters=GenerateString,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=lambda parameters: uniqueness_of_random(parameters.min * log2(len(ALPHANUMERIC))),
        reads_input=False,
        example=Example("red", "cIftWOoo8j", {"min": 8, "max": 12}),
        scalar=_generate_string,
    ),
    Definition(
        name="generate_uuid",
        summary="Draws a version 4 UUID",
        parameters=GenerateUuid,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.NOT_GUARANTEED,
        reads_input=False,
        example=Example("4711", "e857479f-4c42-41ab-b1d2-3be4d67c9375"),
        scalar=_generate_uuid,
    ),
)
