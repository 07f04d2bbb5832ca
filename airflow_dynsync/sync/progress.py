"""How far a sync is."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from airflow_dynsync.sync.report.course import Moment

_MOST_MOMENTS: Final = 200
_FIRST_INTERVAL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment in a sync.

    Attributes:
        items_read: items read from the source so far.
        items_transformed: items that went through the plan.
        items_written: items that the destination has taken.
        items_expected: the source's own count, which DynamoDB renews every six hours; None with a where.
        seconds: since the start.
        items_unchanged: items that are not written, because the destination holds them just so.
    """

    items_read: int
    items_transformed: int
    items_written: int
    items_expected: int | None
    seconds: float
    items_unchanged: int = 0

    @property
    def items_done(self) -> int:
        """Items that are written, or need not be."""
        return self.items_written + self.items_unchanged

    @property
    def items_per_second(self) -> float:
        """Items done per second since the start."""
        return self.items_done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the rate so far; None where there is nothing to estimate from."""
        if not self.items_expected or not self.items_done:
            return None
        return max(0.0, (self.items_expected - self.items_done) / self.items_per_second)

    def __str__(self) -> str:
        expected = f" of about {self.items_expected:,}" if self.items_expected else ""
        left = self.seconds_left
        estimate = "" if left is None else f", about {_duration(left)} left"
        unchanged = f", {self.items_unchanged:,} unchanged" if self.items_unchanged else ""
        return (
            f"{self.items_read:,}{expected} items read, {self.items_transformed:,} transformed,"
            f" {self.items_written:,} written{unchanged}, {self.items_per_second:,.0f} items/s{estimate}"
        )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Counters:
    """What the threads of a sync count together."""

    def __init__(self, items_expected: int | None) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._items_expected = items_expected
        self.items_read = 0
        self.items_read_by_segment: Counter[int] = Counter()
        self.items_examined = 0
        self.items_transformed = 0
        self.items_written = 0
        self.items_unchanged = 0
        self.items_resubmitted = 0
        self.read_units = 0.0
        self.write_units = 0.0
        self.compare_units = 0.0
        self._moments = [Moment(0.0, 0, 0, 0.0, 0.0)]
        self._interval = _FIRST_INTERVAL_SECONDS

    def add_read(self, items: int, examined: int | None, units: float | None, segment: int | None = None) -> None:
        """Count a page that was read, and the items that DynamoDB examined for it; None: no more than those."""
        with self._lock:
            self.items_read += items
            if segment is not None:
                self.items_read_by_segment[segment] += items
            self.items_examined += items if examined is None else examined
            self.read_units += units or 0.0
            self._sample()

    def add_transformed(self, items: int) -> None:
        """Count a page that went through the plan."""
        with self._lock:
            self.items_transformed += items

    def add_written(self, items: int, resubmitted: int, units: float) -> None:
        """Count what a writer wrote."""
        with self._lock:
            self.items_written += items
            self.items_resubmitted += resubmitted
            self.write_units += units
            self._sample()

    def add_unchanged(self, items: int) -> None:
        """Count items that the destination holds just so, and that are not written."""
        with self._lock:
            self.items_unchanged += items

    def add_compared(self, units: float) -> None:
        """Count what reading the destination consumed."""
        with self._lock:
            self.compare_units += units

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def progress(self) -> Progress:
        """Return the moment."""
        with self._lock:
            return Progress(
                self.items_read,
                self.items_transformed,
                self.items_written,
                self._items_expected,
                self.seconds,
                self.items_unchanged,
            )

    def timeline(self) -> tuple[Moment, ...]:
        """Return moments from the start until now, about evenly apart, at most some 200 of them."""
        with self._lock:
            return (*self._moments, self._moment(self.seconds))

    def _sample(self) -> None:
        """Keep the moment if it is time to; when there are too many, keep every other one from then on."""
        now = self.seconds
        if now < self._moments[-1].seconds + self._interval:
            return
        self._moments.append(self._moment(now))
        if len(self._moments) >= _MOST_MOMENTS:
            self._moments = self._moments[::2]
            self._interval *= 2

    def _moment(self, seconds: float) -> Moment:
        return Moment(round(seconds, 3), self.items_read, self.items_written, self.read_units, self.write_units)
