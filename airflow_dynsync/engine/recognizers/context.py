"""Words before a number that say what it is."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

REACH: Final = 40
"""How many characters before a number are looked at."""

_BREAK: Final = re.compile(r"[\d\n]")
_WORD: Final = re.compile(r"[^\W\d_]+")


def near(text: str, start: int, words: Collection[str], phrases: Collection[str] = ()) -> bool:
    """Tell whether a word or phrase stands before a position, with neither digit nor line break in between.

    Args:
        text: that holds the number.
        start: where the number begins.
        words: whole words, in lower case.
        phrases: anything else, in lower case, found in the middle of words too.
    """
    before = _BREAK.split(text[max(0, start - REACH) : start].lower())[-1]
    return any(phrase in before for phrase in phrases) or any(word in words for word in _WORD.findall(before))
