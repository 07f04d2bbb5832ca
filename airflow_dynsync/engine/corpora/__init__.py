"""The word lists that generated names are drawn from: plain text files, one word a line, by locale.

``build.py`` makes them; ``NOTICE`` names their origin. A list is read when the first transformer needs it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, Literal

CORPUS_VERSION: Final = "1"
"""Changes whenever a list does: other lists give other pseudonyms for the same secret."""

Locale = Literal["en"]
WordList = Literal["first_names", "last_names"]


@cache
def words(name: WordList, locale: Locale) -> tuple[str, ...]:
    """Return a word list, in the order of its file."""
    text = (Path(__file__).parent / locale / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
