"""Drawn texts that have at most max_length characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from airflow_dynsync.engine.keyed import Stream

DRAWS: Final = 16


def up_to(max_length: int, texts: Sequence[str]) -> Sequence[str]:
    """Return the texts that have at most so many characters; where none has, all are cut."""
    return [text for text in texts if len(text) <= max_length] or sorted({text[:max_length] for text in texts})


def redrawn_up_to(max_length: int, draw: Callable[[Stream], str], stream: Stream) -> str:
    """Return the first of 16 drawn texts that has at most so many characters; where none has, the last is cut."""
    text = ""
    for _ in range(DRAWS):
        text = draw(stream)
        if len(text) <= max_length:
            return text
    return text[:max_length].rstrip(" ,-")
