"""What a plan did: counts by path, rule and outcome. Never a value."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

MAX_PATHS = 1000
"""Paths counted one by one; the attributes of tables with more distinct names are counted together."""


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule had one outcome at one path.

    Attributes:
        path: the rule's path as written; for defaults, the top-level attribute.
        rule: where the rule is written, such as ``mappings.Email`` or ``unmapped``.
        transformer: its name.
        outcome: ``transformed``, ``generated`` (missing before), ``kept`` (passed through), ``kept_null``,
            ``kept_empty``, ``dropped``, ``mismatch_passthrough``, ``mismatch_null``, ``mismatch_drop``, or
            ``set_emptied``.
        count: how many attribute values.
    """

    path: str
    rule: str
    transformer: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts over everything that a plan was applied to.

    Attributes:
        items: how many items.
        counts: a row by path, rule and outcome, in the order of the rules.
    """

    items: int
    counts: tuple[RuleCount, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain JSON values."""
        return asdict(self)


Label = tuple[str, str, str, str]
"""Path, rule, transformer, outcome."""


class Tally:
    """Collects counts from several threads, a chunk at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items = 0
        self._counts: Counter[Label] = Counter()

    def add(self, items: int, counts: Counter[Label]) -> None:
        """Add one chunk's counts."""
        with self._lock:
            self._items += items
            for label, count in counts.items():
                if label not in self._counts and len(self._counts) >= MAX_PATHS:
                    label = ("(other attributes)", *label[1:])  # noqa: PLW2901 - the row it is counted in
                self._counts[label] += count

    def snapshot(self) -> Statistics:
        """Return the counts so far."""
        with self._lock:
            rows = tuple(RuleCount(*label, count) for label, count in self._counts.items())
            return Statistics(self._items, rows)
