"""Sums of what calls consumed over windows of time."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

Call = tuple[float, float]
"""When a call was answered, and the units that it consumed."""


def windows(calls: Sequence[Call], start: float, end: float, length: float = 10.0) -> list[float]:
    """The units consumed in every window of `length` seconds that begins or ends with a call."""
    times = [at for at, _ in calls]
    sums = [0.0, *accumulate(units for _, units in calls)]
    starts = [start, *(edge for at in times for edge in (at, at + 1e-9, at - length, at - length + 1e-9))]
    return [
        sums[bisect_left(times, at + length)] - sums[bisect_left(times, at)]
        for at in starts
        if start <= at <= end - length
    ]


def rate(calls: Sequence[Call], start: float, end: float) -> float:
    """The units per second between two moments."""
    return sum(units for at, units in calls if start <= at < end) / (end - start)
