"""Which original values are searched for in what is written, and when an occurrence is more than chance.

A value is compared by its letters and digits alone, folded (`disguises.fold`). It is searched for where these
tell it from others: at least 5 where there is a letter, one of a script without spaces counting twice; at least 6
digits otherwise, zeros at either end not counted; at least 3 different ones; and it is no placeholder such as
"unknown". One of fewer than 8, or of fewer than 10 digits, must stand there as a whole: no letter or digit beside
a word, no digit beside digits, where zeros that pad a number do not count.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NoBase64Error
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from airflow_dynsync.engine.recognizers.scripts import UNSPACED
from airflow_dynsync.engine.values import ELEMENT_OF_SET, WireValue
from airflow_dynsync.sync.disguises import compact, json_texts, occurrences

_FEWEST_BYTES: Final = 8
_FEWEST_DIFFERENT: Final = 3
_PLACEHOLDERS: Final = frozenset(
    (
        *("anonymous", "default", "deleted", "empty", "false", "missing", "none", "notavailable"),
        *("other", "redacted", "removed", "string", "undefined", "unknown", "unspecified"),
    )
)
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_DIGITS: Final = re.compile(r"[0-9]+")
_DATE: Final = re.compile(r"\d{4}[-/.]?\d\d[-/.]?\d\d|\d\d?[-/.]\d\d?[-/.]\d{4}")
_PHONE: Final = re.compile(r"\+?[\d\s()./-]+")
_PHONE_DIGITS: Final = range(10, 16)
_NATIONAL_DIGITS: Final = 9
_PARTS: Final = re.compile(r"[#|]")
_WORDS: Final = re.compile(r"\w\s+\w")


@dataclass(frozen=True, slots=True)
class Search:
    """From how many letters and digits on a value is searched for.

    Attributes:
        letters: of one that has a letter.
        digits: of one that has none.
        letters_anywhere: from here on also inside a longer word.
        digits_anywhere: from here on also inside a longer number.
    """

    letters: int = 5
    digits: int = 6
    letters_anywhere: int = 8
    digits_anywhere: int = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value that is searched for.

    Attributes:
        letters: its letters and digits, folded.
        packed: the same, in UTF-8.
        text: as it is in the source.
        anywhere: it may be part of a longer word or number.
        is_decimal: zeros may follow.
    """

    letters: str
    packed: bytes
    text: str
    anywhere: bool
    is_decimal: bool = False

    @property
    def is_telling(self) -> bool:
        """Nothing else reads like it by chance.

        An @; 9 digits; 8 letters and digits mixed, or in several words; but no date, of which there are few.
        """
        if _DATE.fullmatch(self.text):
            return False
        if _DIGITS.fullmatch(self.letters):
            return len(self.letters) >= 9
        mixed = any(map(str.isdigit, self.letters)) or _WORDS.search(self.text) is not None
        return "@" in self.text or (mixed and len(self.letters) >= 8)

    def is_in(self, text: str) -> bool:
        """Tell whether it stands in a text."""
        return any(
            self.anywhere or self._stands_alone(before, behind)
            for before, behind in occurrences(self.letters, text)
        )

    def _stands_alone(self, before: str, behind: str) -> bool:
        if _DIGITS.fullmatch(self.letters):
            before = before.rstrip("0")
            behind = behind.lstrip("0") if self.is_decimal else behind
            return not (before[-1:].isdigit() or behind[:1].isdigit())
        return not (before[-1:].isalnum() or behind[:1].isalnum()) or _UNSPACED.match(self.letters) is not None


def is_worth_a_look(value: WireValue) -> bool:
    """Tell whether anything of a value may be searched for, at little cost."""
    for kind, payload in value.items():
        if kind in ("S", "N"):
            return len(payload) >= _FEWEST_DIFFERENT
    return "BOOL" not in value and "NULL" not in value


def wanted_in(value: WireValue, search: Search) -> Iterator[Wanted]:
    """Yield what is searched for of a source value: itself, or what it holds, and the parts of a composite."""
    for kind, payload in scalars_in(value):
        if kind == "S":
            inner = json_texts(payload)
            for text in inner or [payload]:
                yield from _of_text(text, search)
        elif kind == "N":
            yield from _of_number(payload, search)
        elif kind == "B":
            yield from _of_binary(payload, search)


def scalars_in(value: WireValue) -> Iterator[tuple[str, Any]]:
    """Yield type letter and payload of a value, or of all that it holds; map keys are strings."""
    for kind, payload in value.items():
        if kind == "M":
            for name, member in payload.items():
                yield "S", name
                yield from scalars_in(member)
        elif kind == "L":
            for element in payload:
                yield from scalars_in(element)
        elif kind in ELEMENT_OF_SET:
            for element in payload:
                yield ELEMENT_OF_SET[kind], element
        else:
            yield kind, payload


def _of_text(text: str, search: Search) -> Iterator[Wanted]:
    whole = _wanted(text, search)
    if whole is None:
        return
    yield whole
    if "#" in text or "|" in text:
        for part in map(str.strip, _PARTS.split(text)):
            wanted = _wanted(part, search)
            if wanted is not None and wanted.is_telling:
                yield wanted
    elif len(whole.letters) in _PHONE_DIGITS and _PHONE.fullmatch(text):
        # A trunk prefix or another country code, or none, may stand before it elsewhere.
        national = whole.letters[-_NATIONAL_DIGITS:]
        if national[0] != "0":
            yield Wanted(national, national.encode(), text, anywhere=True)


def _of_number(payload: str, search: Search) -> Iterator[Wanted]:
    if len(payload) < search.digits:
        return
    if "E" in payload or "e" in payload:
        payload = format(Decimal(payload), "f")
    digits = compact(payload).lstrip(b"0").decode()
    if wanted := _wanted(digits, search):
        yield Wanted(wanted.letters, wanted.packed, digits, wanted.anywhere, is_decimal="." in payload)


def _of_binary(payload: str, search: Search) -> Iterator[Wanted]:
    try:
        raw = b64decode(payload)
    except (NoBase64Error, ValueError):
        return
    if len(raw) >= _FEWEST_BYTES:
        for text in (payload.rstrip("="), raw.hex()):
            letters = compact(text)
            yield Wanted(letters.decode(), letters, text, anywhere=True)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    if text.isprintable():
        yield from _of_text(text, search)


def _wanted(text: str, search: Search) -> Wanted | None:
    if len(text) < _FEWEST_DIFFERENT:
        return None
    packed = compact(text)
    if packed.isdigit():
        if len(packed.strip(b"0")) < search.digits:
            return None
        anywhere = len(packed) >= search.digits_anywhere
        letters = packed.decode()
    else:
        letters = packed.decode("utf-8", "surrogatepass")
        weight = len(letters)
        if not text.isascii():
            weight += len(_UNSPACED.findall(letters))
        if weight < search.letters or letters in _PLACEHOLDERS:
            return None
        anywhere = weight >= search.letters_anywhere
    return None if len(set(letters)) < _FEWEST_DIFFERENT else Wanted(letters, packed, text, anywhere)
