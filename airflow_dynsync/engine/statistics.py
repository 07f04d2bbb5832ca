"""What a plan did: counts by path, rule and outcome. Never a value."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import orjson

from airflow_dynsync.engine.compiler import Rule
from airflow_dynsync.engine.paths import format_path

MAX_ROWS: Final = 1000
"""Rows before the attributes that a default meets for the first time are counted together."""

_OTHER_ATTRIBUTES: Final = -1

Occurrence = tuple[Rule, str | int | None, str]
"""A rule, for a default the top-level attribute that it met, and the outcome."""


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule had one outcome at one path.

    Attributes:
        path: the rule's path as written, such as ``Payload -> card`` for one inside a value; for defaults, the
            top-level attribute, or inside a value ``Payload -> (unmapped)``.
        rule: where the rule is written, such as ``mappings.Email`` or ``unmapped``.
        transformer: its name.
        outcome: ``transformed``, ``generated`` (missing before), ``kept`` (passed through), ``kept_null``,
            ``kept_empty``, ``dropped``, ``mismatch_passthrough``, ``mismatch_null``, ``mismatch_drop``,
            ``set_emptied``, or what the transformer itself counts, such as ``found EMAIL_ADDRESS``.
        count: how many attribute values; or how often, of what a transformer counts.
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
        plain: dict[str, Any] = orjson.loads(orjson.dumps(self))
        return plain


class Tally:
    """Collects counts from several threads, a chunk at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items = 0
        self._counts: Counter[Occurrence] = Counter()

    def add(self, items: int, counts: Counter[Occurrence]) -> None:
        """Add one chunk's counts."""
        with self._lock:
            self._items += items
            for occurrence, count in counts.items():
                rule, attribute, outcome = occurrence
                if attribute is None or occurrence in self._counts or len(self._counts) < MAX_ROWS:
                    self._counts[occurrence] += count
                else:
                    self._counts[rule, _OTHER_ATTRIBUTES, outcome] += count

    def snapshot(self) -> Statistics:
        """Return the counts so far."""
        with self._lock:
            items, counts = self._items, self._counts.copy()
        rows = [
            (rule.order, RuleCount(_path(rule, attribute), rule.place, rule.definition.name, outcome, count))
            for (rule, attribute, outcome), count in counts.items()
        ]
        rows.sort(key=lambda row: (row[0], row[1].path, row[1].outcome))
        return Statistics(items, tuple(row for _, row in rows))


def _path(rule: Rule, attribute: str | int | None) -> str:
    if attribute is None:
        return rule.written
    return "(other attributes)" if attribute == _OTHER_ATTRIBUTES else format_path((attribute,))
