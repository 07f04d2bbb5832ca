"""What the plots of a report show, as numbers: shares of outcomes by path, and rates over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from airflow_dynsync.engine.statistics import RuleCount
from airflow_dynsync.sync.report.course import Moment

OUTCOMES: Final = {
    "transformed": "replaced",
    "generated": "generated",
    "dropped": "removed",
    "mismatch_drop": "removed",
    "mismatch_null": "removed",
    "set_emptied": "removed",
    "kept": "kept",
    "mismatch_passthrough": "kept",
    "kept_null": "empty",
    "kept_empty": "empty",
}
"""What became of values, by the outcome that is counted; other outcomes count what a transformer met inside."""

KINDS: Final = ("replaced", "generated", "removed", "kept", "empty")

_SPANS: Final = 48
"""Spans of time that a plot divides a run into."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What became of the values at one path, by one rule.

    Attributes:
        path: as the report has it.
        transformer: of the rule; "" where several rules are added up.
        counts: values by kind, in the order of `KINDS`; none is 0.
        total: all of them.
        segments: kind, and where it begins and how wide it is in percent.
    """

    path: str
    transformer: str
    counts: dict[str, int]
    total: int
    segments: tuple[tuple[str, float, float], ...]


def bars(rules: Iterable[RuleCount]) -> list[Bar]:
    """Return a bar for each path and transformer, in the order of the rules."""
    counted: dict[tuple[str, str], dict[str, int]] = {}
    for row in rules:
        if kind := OUTCOMES.get(row.outcome):
            counts = counted.setdefault((row.path, row.transformer), {})
            counts[kind] = counts.get(kind, 0) + row.count
    return [_bar(path, transformer, counts) for (path, transformer), counts in counted.items()]


def _bar(path: str, transformer: str, counted: dict[str, int]) -> Bar:
    counts = {kind: counted[kind] for kind in KINDS if counted.get(kind)}
    total = sum(counts.values())
    segments, begin = [], 0.0
    for kind, count in counts.items():
        width = 100 * count / total
        segments.append((kind, round(begin, 3), round(width, 3)))
        begin += width
    return Bar(path, transformer, counts, total, tuple(segments))


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot: its name and a rate for each span of time."""

    name: str
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Rates over time, to be drawn into a box of 100 by 100 units whose origin is at the top left.

    Attributes:
        name: an identifier within the page.
        title: what is shown.
        unit: of the rates.
        seconds: how long the run took; the spans of time are equal parts of it.
        curves: the lines.
        limit: a rate that was not to be exceeded.
        ceiling: the rate at the top of the box.
    """

    name: str
    title: str
    unit: str
    seconds: float
    curves: tuple[Curve, ...]
    limit: float | None
    ceiling: float

    @property
    def limit_height(self) -> float | None:
        """Where the limit is drawn; None without one."""
        return None if self.limit is None else self._height(self.limit)

    @property
    def marks(self) -> list[tuple[float, float]]:
        """Round rates for the scale, and where they are drawn."""
        return [(rate, self._height(rate)) for rate in _round_numbers(self.ceiling)]

    @property
    def times(self) -> list[tuple[float, float]]:
        """Round numbers of seconds for the scale, and where they are drawn."""
        return [(time, 100 * time / self.seconds) for time in _round_numbers(self.seconds)]

    def points(self, curve: Curve) -> str:
        """Return the points of a line, each at the middle of its span, level at both ends."""
        width = 100 / len(curve.rates)
        heights = [self._height(rate) for rate in curve.rates]
        middles = [(number + 0.5) * width for number in range(len(heights))]
        placed = [(0.0, heights[0]), *zip(middles, heights, strict=True), (100.0, heights[-1])]
        return " ".join(f"{x:.2f},{y:.2f}" for x, y in placed)

    def rows(self) -> list[tuple[float, tuple[float, ...]]]:
        """Return for each twelfth of the run when it began, and the mean rates, as a table of the plot."""
        starts = range(0, _SPANS, _SPANS // 12)
        return [
            (
                self.seconds * start / _SPANS,
                tuple(
                    math.fsum(curve.rates[start : start + _SPANS // 12]) / (_SPANS // 12) for curve in self.curves
                ),
            )
            for start in starts
        ]

    def _height(self, rate: float) -> float:
        return round(100 - 100 * rate / self.ceiling, 2)


def plots(timeline: Sequence[Moment], read_limit: float | None, write_limit: float | None) -> list[Plot]:
    """Return the plots of a timeline: throughput, and capacity against the limit; none of a moment alone."""
    if len(timeline) < 2 or timeline[-1].seconds <= timeline[0].seconds:
        return []

    def curve(name: str, count: Callable[[Moment], float]) -> Curve:
        return Curve(name, rates([(moment.seconds, count(moment)) for moment in timeline]))

    read, written = curve("read", lambda at: at.items_read), curve("written", lambda at: at.items_written)
    drawn: list[tuple[str, str, str, tuple[Curve, ...], float | None]] = [
        ("throughput", "Throughput", "items per second", (read, written), None)
    ]
    for direction, limit, units in (
        ("read", read_limit, curve("read units", lambda at: at.read_units)),
        ("write", write_limit, curve("write units", lambda at: at.write_units)),
    ):
        if any(units.rates) or limit is not None:
            name, title = f"{direction}-capacity", f"{direction.capitalize()} capacity"
            drawn.append((name, title, "units per second", (units,), limit))
    seconds = timeline[-1].seconds - timeline[0].seconds
    return [
        Plot(name, title, unit, seconds, curves, limit, _ceiling(curves, limit))
        for name, title, unit, curves, limit in drawn
    ]


def rates(counts: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Return how fast a count grew in each of some equal spans of time.

    Args:
        counts: seconds and the count so far, at least two of them, the last after the first; in between the count
            is taken to grow evenly.
    """
    began, span = counts[0][0], (counts[-1][0] - counts[0][0]) / _SPANS
    grown = [_count_at(counts, began + span * number) for number in range(_SPANS + 1)]
    return tuple((after - before) / span for before, after in pairwise(grown))


def _count_at(counts: Sequence[tuple[float, float]], second: float) -> float:
    for (earlier, before), (later, after) in pairwise(counts):
        if second <= later and later > earlier:
            return before + (after - before) * (second - earlier) / (later - earlier)
    return counts[-1][1]


def _ceiling(curves: Iterable[Curve], limit: float | None) -> float:
    return 1.08 * max(*(rate for curve in curves for rate in curve.rates), limit or 0.0, 1e-9)


def _round_numbers(most: float) -> list[float]:
    """Return 0 and three to six round numbers that are evenly apart, up to a greatest one."""
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.75)
    return [number * step for number in range(math.floor(most / step) + 1)]
