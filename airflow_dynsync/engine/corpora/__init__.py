"""The word lists that names and places are drawn from: plain text files, one entry a line, by locale.

``build.py`` makes them; ``NOTICE`` names their origin. A list is read when the first transformer needs it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, Literal

CORPUS_VERSION: Final = "1"
"""Changes whenever a list does: other lists give other pseudonyms for the same secret."""

Locale = Literal["en", "de", "fr", "es", "it", "ja", "pt_BR"]
WordList = Literal["first_names", "last_names", "cities", "companies", "countries", "country_codes", "streets"]
Table = Literal["places", "states"]


@cache
def words(name: WordList, locale: Locale) -> tuple[str, ...]:
    """Return a word list, in the order of its file."""
    return tuple(_lines(name, locale))


@cache
def rows(name: Table, locale: Locale) -> tuple[tuple[str, ...], ...]:
    """Return a list whose entries have several fields, in the order of its file.

    places: city, state, lowest and highest postal code; states: abbreviation and name.
    """
    return tuple(tuple(line.split("\t")) for line in _lines(name, locale))


def _lines(name: str, locale: Locale) -> list[str]:
    return (Path(__file__).parent / locale / f"{name}.txt").read_text(encoding="utf-8").splitlines()
