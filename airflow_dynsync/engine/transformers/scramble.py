"""Character by character: letters stay letters, digits stay digits, in any script."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache
from operator import add, mod
from struct import Struct
from typing import Final
from unicodedata import category, decimal, ucd_3_2_0

from pydantic import Field

from airflow_dynsync.engine.definitions import Definition, Example, Parameters, Regex, Scalar, Uniqueness
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.values import MAX_DIGITS

SPECIALS: Final = "!$%&*+=?^~"
"""None that separates the parts of keys, dates or addresses: a scrambled part cannot look like two."""

LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
UPPER: Final = LOWER.upper()
DIGITS: Final = "0123456789"

_ENOUGH: Final = 8
"""With fewer letters of a script to choose from, Latin ones are taken."""

_LARGE_SCRIPTS: Final = {"CJK": range(0x4E00, 0x8E00), "HANGUL": range(0xAC00, 0xCC00)}
"""Of their letters a power of two: the 16 bits drawn for each character are even over no other large number."""

_PAGE: Final = 128


@cache
def _letters_of_script(points: range, kind: str, script: str, is_lower: bool) -> str:
    """Return the characters of one category and script, such as Cyrillic capitals, among some code points.

    They are those of Unicode 3.2, which every Python carries: the same whichever later version Python knows.
    """
    return "".join(
        char
        for char in map(chr, points)
        if category(char) == kind
        and ucd_3_2_0.name(char, "").split(" ")[0] == script
        and char.islower() is is_lower
    )


def _alternatives(char: str) -> str:
    """Return the characters that may stand for this one."""
    kind = category(char)
    if kind == "Nd":
        zero = ord(char) - decimal(char)
        return "".join(map(chr, range(zero, zero + 10)))
    if kind[0] == "N":
        return DIGITS
    if kind[0] not in "LM":
        return SPECIALS
    if script := ucd_3_2_0.name(char, "").split(" ")[0]:
        page = ord(char) // _PAGE * _PAGE
        points = _LARGE_SCRIPTS.get(script, range(page, page + _PAGE))
        letters = _letters_of_script(points, kind, script, char.islower())
        if len(letters) >= _ENOUGH:
            return letters
    return UPPER if char.isupper() or char.istitle() else LOWER


@cache
def _twice(text: str) -> str:
    return text * 2


class _Choices(dict[str, tuple[str, int, int]]):
    """For a character, the text that holds its alternatives, where they begin there, and how many they are."""

    def __missing__(self, char: str) -> tuple[str, int, int]:
        choices = (char, 0, 1)
        if not char.isspace():
            alternatives = _alternatives(char)
            position = alternatives.find(char)
            # Written twice, the others follow each character in a row.
            choices = (_twice(alternatives), position + 1, len(alternatives) - (position >= 0))
        self[char] = choices
        return choices


_choices_of: Final = _Choices().__getitem__

_BUT_ZERO: Final = 0x80
"""Set in the byte of a digit that may not become 0."""


def _ascii_tables() -> tuple[bytes, bytes, bytes]:
    """Return the alternatives of all ASCII characters, where those of each begin there, and how many they are."""
    choices = {code: _choices_of(chr(code)) for code in range(128)}
    for digit in DIGITS:
        choices[ord(digit) | _BUT_ZERO] = (DIGITS[1:] * 2, int(digit), 8 if int(digit) else 9)
    texts = "".join(dict.fromkeys(text for text, _, _ in choices.values()))
    starts, counts = bytearray(256), bytearray(256)
    for code, (text, start, count) in choices.items():
        starts[code], counts[code] = texts.index(text) + start, count
    return texts.encode().ljust(256), bytes(starts), bytes(counts)


_ASCII, _STARTS, _COUNTS = _ascii_tables()


@lru_cache(maxsize=256)
def _numbers_in(count: int) -> Callable[[bytes], tuple[int, ...]]:
    """Return the function that reads so many numbers of 16 bits."""
    return Struct(f">{count}H").unpack


def _scramble_ascii(text: bytes | bytearray, stream: Stream) -> str:
    count = len(text)
    draws = _numbers_in(count)(stream.bytes(2 * count))
    drawn = map(add, text.translate(_STARTS), map(mod, draws, text.translate(_COUNTS)))
    return bytes(drawn).translate(_ASCII).decode()


def scramble(text: str, stream: Stream) -> str:
    """Return other characters of the same classes in place of all but white space."""
    if text.isascii():
        return _scramble_ascii(text.encode(), stream)
    count = len(text)
    draws = _numbers_in(count)(stream.bytes(2 * count))
    choices = map(_choices_of, text)
    return "".join(
        [
            alternatives[start + draw % others]
            for (alternatives, start, others), draw in zip(choices, draws, strict=True)
        ]
    )


def scramble_number(number: Decimal, stream: Stream) -> Decimal | int:
    """Return a number with other digits: the same sign, places before and after the point, leading zeros.

    Of a number with more than 38 digits, the rest stay as they are: DynamoDB has zeros there.
    """
    text = str(number)
    whole, point, decimals = text.partition(".")
    digits = whole + decimals
    if digits.isdigit() and digits[0] != "0" and len(digits) <= MAX_DIGITS:
        drawn = _scramble_digits(digits, stream, ends=bool(point))
        return Decimal(f"{drawn[: len(whole)]}.{drawn[len(whole) :]}") if point else int(drawn)
    mantissa, letter, exponent = text.partition("E")
    written = mantissa.lstrip("-0.") or "0"
    before = mantissa[: len(mantissa) - len(written)]
    whole, point, decimals = written.partition(".")
    digits = whole + decimals
    ends = len(mantissa.partition(".")[2]) > int(exponent or 0)
    drawn = _scramble_digits(digits[:MAX_DIGITS], stream, ends=ends) + digits[MAX_DIGITS:]
    return Decimal(f"{before}{drawn[: len(whole)]}{point}{drawn[len(whole) :]}{letter}{exponent}")


def _scramble_digits(digits: str, stream: Stream, *, ends: bool = False) -> str:
    """Return other digits, of which the first, and the last where a number ``ends`` with it, is not 0."""
    marked = bytearray(digits.encode())
    marked[0] |= _BUT_ZERO
    if ends:
        marked[-1] |= _BUT_ZERO
    return _scramble_ascii(marked, stream)


class TransformCharacterScramble(Parameters):
    """Parameters of transform_character_scramble."""

    user_provided_regex: Regex | None = Field(
        default=None,
        description="Change only what this regular expression matches in a string, or everything where it matches"
        " nothing.",
    )


def _transform_character_scramble(parameters: TransformCharacterScramble) -> Scalar:
    pattern = parameters.user_provided_regex

    def transform(value: str | Decimal, stream: Stream) -> str | Decimal | int:
        if isinstance(value, Decimal):
            return scramble_number(value, stream)
        if pattern is None or not any(match[0] for match in pattern.finditer(value)):
            return scramble(value, stream)
        return pattern.sub(lambda match: scramble(match[0], stream), value)

    return transform


DEFINITIONS: Final = (
    Definition(
        name="transform_character_scramble",
        summary="Replaces each letter by one of the same case and script, each digit by a digit, each other"
        " character but white space by one of !$%&*+=?^~; a number keeps its sign and its digits' places",
        parameters=TransformCharacterScramble,
        accepts=frozenset({"S", "N"}),
        returns=None,
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        example=Example("Żaneta-Zoë, 14 Мая", "Şnenpm%Mqð* 01 Џющ"),
        scalar=_transform_character_scramble,
    ),
)
