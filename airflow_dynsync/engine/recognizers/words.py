"""Given words, found in a text as whole words, whatever their case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from airflow_dynsync.engine.recognizers.findings import Finding
from airflow_dynsync.engine.recognizers.scripts import WORD


def words(entity: str, listed: Iterable[str]) -> Callable[[str], Iterator[Finding]]:
    """Return the recognizer of a list of words or phrases.

    Args:
        entity: the kind that they are found as.
        listed: not empty, none of them empty.
    """
    longest_first = sorted(set(listed), key=lambda word: (-len(word), word))
    pattern = re.compile("|".join(map(_whole, longest_first)), re.IGNORECASE)

    def recognize(text: str) -> Iterator[Finding]:
        for match in pattern.finditer(text):
            yield Finding(entity, match.start(), match.end(), 1.0)

    return recognize


def _whole(word: str) -> str:
    """Return a pattern that lets no letter of a spaced script continue the word at either end."""
    before = f"(?<!{WORD})" if re.match(WORD, word) else ""
    after = f"(?!{WORD})" if re.match(WORD, word[-1]) else ""
    return f"{before}{re.escape(word)}{after}"
