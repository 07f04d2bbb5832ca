"""How many threads work at once: as few as keep the processor busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_THREADS: Final = Path("/proc/self/task")
_LOOK_SECONDS: Final = 0.1
_IDLE_SHARE: Final = 0.9
_BUSY_SHARE: Final = 0.98


def now() -> tuple[float, float]:
    """Return the seconds of a clock, and those that this process has had a processor so far or waited for one."""
    return time.monotonic(), _busy_seconds() if _THREADS.with_name("schedstat").exists() else time.process_time()


def _busy_seconds() -> float:
    """Return how long the threads of this process ran or were ready to run, while others had the processors.

    Whoever shares a processor leaves nothing of it idle; more threads would not get more of it. See "Scheduler
    Statistics" in the documentation of Linux.
    """
    nanoseconds = 0
    for thread in _THREADS.iterdir():
        with suppress(OSError):  # it has ended meanwhile, or may not be looked at: nothing that ends a run
            ran, waited, *_ = (thread / "schedstat").read_bytes().split()
            nanoseconds += int(ran) + int(waited)
    return nanoseconds / 1e9


class Lanes:
    """Lets some of several threads work, as many as it takes.

    Python runs one thread at a time. While some wait for DynamoDB, others have to work. But where each has
    something to compute, one gets as much done as several, which take turns from one another and lose what they
    had in the processor's caches each time. So there is one lane at first, another as soon as this process leaves
    a part of a processor idle, and one less where it leaves nothing.

    Args:
        most: lanes there may be.
        stop: set to let everybody go on, to the place where they stop.
        now: the seconds that went by, and those that this process had a processor or waited for one.
    """

    def __init__(self, most: int, stop: threading.Event, now: Callable[[], tuple[float, float]] = now) -> None:
        self._most = most
        self._stop = stop
        self._now = now
        self._open = 1
        self._taken = 0
        self._changed = threading.Condition()
        self._looked_at = now()

    @property
    def open(self) -> int:
        """How many threads may work now."""
        return self._open

    @property
    def taken(self) -> int:
        """How many threads work now."""
        return self._taken

    @contextmanager
    def lane(self) -> Iterator[None]:
        """Wait for a lane and hold it."""
        self._take()
        try:
            yield
        finally:
            self._leave()

    def between(self) -> None:
        """Give up one's lane where there are too many, and wait for another."""
        self._look()
        if self._taken > self._open:
            self._leave()
            self._take()

    def _take(self) -> None:
        with self._changed:
            while self._taken >= self._open and not self._stop.is_set():
                self._changed.wait(_LOOK_SECONDS)
                self._look()
            self._taken += 1

    def _leave(self) -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify()

    def _look(self) -> None:
        """Open or close a lane, by the share of a processor that this process wanted since the last look."""
        with self._changed:
            now, spent = looked_at = self._now()
            before, spent_before = self._looked_at
            if now - before < _LOOK_SECONDS:
                return
            self._looked_at = looked_at
            share = (spent - spent_before) / (now - before)
            if share < _IDLE_SHARE:
                self._open = min(self._open + 1, self._most)
                self._changed.notify()
            elif share > _BUSY_SHARE:
                self._open = max(1, self._open - 1)
