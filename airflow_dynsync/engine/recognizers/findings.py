"""What a recognizer finds in a text, and which of several findings at one place is kept."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import NamedTuple


class Finding(NamedTuple):
    """A stretch of a text that is personal data.

    Attributes:
        entity: its kind, such as ``EMAIL_ADDRESS``.
        start: the position of its first character.
        end: the position behind its last.
        score: from 0 to 1, how certain that is.
    """

    entity: str
    start: int
    end: int
    score: float


def resolve(
    candidates: Iterable[Finding], text: str = "", divisible: Collection[str] = frozenset()
) -> list[Finding]:
    """Return findings that do not overlap, in the order of the text: the best score wins, then the longest.

    Args:
        candidates: in any order.
        text: that they were found in; needed where there are divisible ones.
        divisible: kinds, such as names, of which what is left beside a better finding is still a finding.
    """
    ranked = sorted(
        candidates, key=lambda found: (-found.score, found.start - found.end, found.start, found.entity)
    )
    if len(ranked) < 2:
        return ranked
    taken: list[Finding] = []
    for found in ranked:
        first = bisect_left(taken, found.start, key=lambda other: other.end - 1)
        last = bisect_left(taken, found.end, key=lambda other: other.start)
        if first == last:
            taken.insert(first, found)
        elif found.entity in divisible:
            taken[first:last] = sorted([*taken[first:last], *_rest(found, taken[first:last], text)], key=_start)
    return taken


def _start(found: Finding) -> int:
    return found.start


def _rest(found: Finding, better: list[Finding], text: str) -> list[Finding]:
    """Return what lies between better findings, as far as there is a letter or a digit in it."""
    edges = [found.start, *(edge for other in better for edge in (other.start, other.end)), found.end]
    rest = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        piece = text[start:end] if start < end else ""
        if any(map(str.isalnum, piece)):
            begin = start + len(piece) - len(piece.lstrip())
            rest.append(found._replace(start=begin, end=begin + len(piece.strip())))
    return rest
