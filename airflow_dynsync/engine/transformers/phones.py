"""Phone numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter
from typing import Final, Self

from pydantic import Field, model_validator

from airflow_dynsync.engine.definitions import Definition, Example, Parameters, Scalar, Uniqueness
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.transformers.primitives import LONGEST_STRING
from airflow_dynsync.engine.transformers.scramble import DIGITS, scramble
from airflow_dynsync.engine.values import EVERY_TYPE_BUT_SETS, MAX_DIGITS, WrongFormError

LONGEST_NUMBER: Final = 15
"""Digits of an international number, country code included (ITU-T E.164, section 6)."""

UNASSIGNED_COUNTRY: Final = "999"
"""A country code that ITU-T's list of assigned codes does not have."""

AREA_CODES: Final = tuple(
    f"{first}{second}{third}"
    for first in DIGITS[2:]
    for second in DIGITS[:9]
    for third in DIGITS
    if second != third
)
"""Those of geographic form (NANPA): from 2 on, no 9 in the middle, and not two equal digits at the end."""

_US_DIGITS: Final = 10
_LOCAL_DIGITS: Final = 7
_E164: Final = re.compile(rf"\+[0-9]{{{_LOCAL_DIGITS},{LONGEST_NUMBER}}}")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_DIGITS: Final = re.compile(r"(\d+)")
_TO_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")

_LONGEST_FORM: Final = 32
"""Characters of a number whose form is remembered: a table holds few forms, again and again."""


Draw = Callable[[int, Stream], str]
"""``(count, stream)``: draws a number of so many digits."""


def _safe_number(count: int, stream: Stream) -> str:
    """Return a number as written in the US, which is nobody's.

    With 7, 10 or 11 digits it is one in 555-0100 to 555-0199, which are reserved for fiction (North
    American Numbering Plan Administrator, "555 Line Numbers"); with fewer than 7 it is no subscriber's.
    """
    if count < _LOCAL_DIGITS:
        return stream.text(DIGITS, count)
    if count == _LOCAL_DIGITS:
        return f"55501{stream.text(DIGITS, 2)}"
    if count == _US_DIGITS:
        return f"{stream.choice(AREA_CODES)}55501{stream.text(DIGITS, 2)}"
    return _safe_international(count, stream)


def _safe_international(count: int, stream: Stream) -> str:
    """Return a number with its country code, that of the US or one that is not assigned, which is nobody's."""
    if count == _US_DIGITS + 1:
        return f"1{_safe_number(_US_DIGITS, stream)}"
    return (UNASSIGNED_COUNTRY + stream.text(DIGITS, count))[:count]


def _realistic_number(count: int, stream: Stream) -> str:
    """Return a number that does not begin with 0; one of 10 digits is of the form of those in the US."""
    if count == _US_DIGITS:
        return stream.choice(AREA_CODES) + stream.choice(DIGITS[2:]) + stream.text(DIGITS, 6)
    return stream.choice(DIGITS[1:]) + stream.text(DIGITS, count - 1)


def _realistic_international(count: int, stream: Stream) -> str:
    """Return a number with a country code at random; with that of the US, one of the form of those there."""
    country = stream.choice(DIGITS[1:])
    us = country == "1" and count == _US_DIGITS + 1
    return country + (_realistic_number(_US_DIGITS, stream) if us else stream.text(DIGITS, count - 1))


class GenerateInt64PhoneNumber(Parameters):
    """Parameters of generate_int64_phone_number."""

    realistic: bool = Field(
        default=False,
        description="Draw a number that may be somebody's; otherwise one that is nobody's: in the US 555-0100 to"
        " 555-0199, elsewhere with the country code 999.",
    )


class GenerateStringPhoneNumber(GenerateInt64PhoneNumber):
    """Parameters of generate_string_phone_number."""

    min: int = Field(default=9, ge=1, le=LONGEST_NUMBER, description="The least number of digits.")
    max: int = Field(default=15, ge=1, le=LONGEST_NUMBER, description="The largest number of digits.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is above max")
        return self


class GenerateE164PhoneNumber(GenerateStringPhoneNumber):
    """Parameters of generate_e164_phone_number."""

    min: int = Field(default=9, ge=7, le=LONGEST_NUMBER, description="The least number of digits behind the +.")
    max: int = Field(default=15, ge=7, le=LONGEST_NUMBER, description="The largest number of digits behind the +.")


class TransformInt64PhoneNumber(GenerateInt64PhoneNumber):
    """Parameters of transform_int64_phone_number."""

    preserve_length: bool = Field(default=False, description="Give the result as many digits as the value.")


class TransformPhoneNumber(GenerateInt64PhoneNumber):
    """Parameters of transform_phone_number."""

    preserve_length: bool = Field(
        default=False,
        description="Give the result as many digits as the value and keep what stands between them, whatever"
        " max_length says; letters become other letters.",
    )
    max_length: int = Field(
        default=100,
        ge=_US_DIGITS,
        le=LONGEST_STRING,
        description="The most characters that a result may have; without preserve_length it has 10.",
    )


class TransformE164PhoneNumber(GenerateInt64PhoneNumber):
    """Parameters of transform_e164_phone_number."""

    preserve_length: bool = Field(
        default=False, description="Give the result as many digits as the value, whatever max_length says."
    )
    max_length: int = Field(
        default=LONGEST_NUMBER + 1,
        ge=_US_DIGITS + 2,
        le=LONGEST_STRING,
        description="The most characters that a result may have; it has 12 without preserve_length.",
    )


def _numbers(parameters: GenerateInt64PhoneNumber) -> Draw:
    return _realistic_number if parameters.realistic else _safe_number


def _international(parameters: GenerateInt64PhoneNumber) -> Draw:
    return _realistic_international if parameters.realistic else _safe_international


def _generate_int64(parameters: GenerateInt64PhoneNumber) -> Scalar:
    draw = _numbers(parameters)
    return lambda _value, stream: int(draw(_US_DIGITS, stream))


def _lengths(parameters: GenerateStringPhoneNumber, *preferred: int) -> Sequence[int]:
    """Return the counts of digits to draw from: where numbers are to be nobody's, those of the US if allowed."""
    allowed = range(parameters.min, parameters.max + 1)
    us = [count for count in preferred if count in allowed]
    return us[:1] if us and not parameters.realistic else allowed


def _generate_string(parameters: GenerateStringPhoneNumber) -> Scalar:
    draw, lengths = _numbers(parameters), _lengths(parameters, _US_DIGITS, _US_DIGITS + 1)
    return lambda _value, stream: draw(stream.choice(lengths), stream)


def _generate_e164(parameters: GenerateE164PhoneNumber) -> Scalar:
    draw, lengths = _international(parameters), _lengths(parameters, _US_DIGITS + 1)
    return lambda _value, stream: f"+{draw(stream.choice(lengths), stream)}"


def _transform_int64(parameters: TransformInt64PhoneNumber) -> Scalar:
    draw, preserve_length = _numbers(parameters), parameters.preserve_length

    def transform(value: Decimal, stream: Stream) -> int:
        if value < 0 or value != value.to_integral_value() or value.adjusted() >= MAX_DIGITS:
            raise WrongFormError(
                f"a phone number was expected, which is whole, not negative and of at most {MAX_DIGITS} digits;"
                " use transform_character_scramble for other numbers"
            )
        return int(first_not_zero(value.adjusted() + 1 if preserve_length else _US_DIGITS, stream))

    def first_not_zero(count: int, stream: Stream) -> str:
        digits = draw(count, stream)
        return stream.choice(DIGITS[1:]) + digits[1:] if digits[0] == "0" else digits

    return transform


def _transform_string(parameters: TransformPhoneNumber) -> Scalar:
    draw, preserve_length = _numbers(parameters), parameters.preserve_length
    form_of = lru_cache(maxsize=1024)(_form)

    def transform(value: str, stream: Stream) -> str:
        if not preserve_length:
            return draw(_US_DIGITS, stream)
        if len(value) <= _LONGEST_FORM and value.isascii():
            form = form_of(value.encode().translate(_TO_ZERO))
            if form is not None:
                count, text, cut = form
                return text % cut(draw(count, stream))
        pieces = _DIGITS.split(value)
        count = sum(map(len, pieces[1::2]))
        if not count:
            raise WrongFormError(
                "a phone number was expected, and a value without a digit came; leave preserve_length out to"
                " replace such values too"
            )
        if _LETTERS.search(value):
            pieces[::2] = [_LETTERS.sub(lambda match: scramble(match[0], stream), piece) for piece in pieces[::2]]
        digits = draw(count, stream)
        used = 0
        for index in range(1, len(pieces), 2):
            length = len(pieces[index])
            pieces[index] = digits[used : used + length]
            used += length
        return "".join(pieces)

    return transform


def _form(zeros: bytes) -> tuple[int, str, Callable[[str], object]] | None:
    """Return how many digits a number has, its text with %s for each run of them, and what cuts others into runs.

    None where a number has letters, which are drawn too, or no digit.
    """
    number = zeros.decode()
    pieces = _DIGITS.split(number)
    if len(pieces) == 1 or _LETTERS.search(number):
        return None
    ends = [*accumulate(map(len, pieces[1::2]))]
    text = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
    return ends[-1], text, itemgetter(*map(slice, [0, *ends], ends))


def _transform_e164(parameters: TransformE164PhoneNumber) -> Scalar:
    draw, preserve_length = _international(parameters), parameters.preserve_length

    def transform(value: str, stream: Stream) -> str:
        if not _E164.fullmatch(value):
            raise WrongFormError(
                f"a phone number of the form of E.164, a + and {_LOCAL_DIGITS} to {LONGEST_NUMBER} digits,"
                " was expected; use transform_phone_number for other forms"
            )
        return f"+{draw(len(value) - 1 if preserve_length else _US_DIGITS + 1, stream)}"

    return transform


DEFINITIONS: Final = (
    Definition(
        name="generate_int64_phone_number",
        summary="Draws a US phone number of 10 digits, as a number",
        parameters=GenerateInt64PhoneNumber,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"N"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example(Decimal(4155550100), Decimal(9305550160)),
        scalar=_generate_int64,
    ),
    Definition(
        name="generate_string_phone_number",
        summary="Draws a phone number, a US one where the wanted number of digits allows it",
        parameters=GenerateStringPhoneNumber,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("415-555-0100", "8545550147"),
        scalar=_generate_string,
    ),
    Definition(
        name="generate_e164_phone_number",
        summary="Draws an international phone number, a US one where the wanted number of digits allows it",
        parameters=GenerateE164PhoneNumber,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("+14155550100", "+19745550132"),
        scalar=_generate_e164,
    ),
    Definition(
        name="transform_phone_number",
        summary="Replaces a phone number by another, with or without its form",
        parameters=TransformPhoneNumber,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        example=Example("(415) 392-7000", "(409) 555-0143", {"preserve_length": True}),
        scalar=_transform_string,
    ),
    Definition(
        name="transform_e164_phone_number",
        summary="Replaces an international phone number, such as +14155550100, by another",
        parameters=TransformE164PhoneNumber,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        example=Example("+493022732152", "+999235115760", {"preserve_length": True}),
        scalar=_transform_e164,
    ),
    Definition(
        name="transform_int64_phone_number",
        summary="Replaces a phone number that is kept as a number by another",
        parameters=TransformInt64PhoneNumber,
        accepts=frozenset({"N"}),
        returns=frozenset({"N"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        example=Example(Decimal(4153927000), Decimal(4515550175)),
        scalar=_transform_int64,
    ),
)
