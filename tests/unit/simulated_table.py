"""Threads and a table that are simulated on a clock of their own."""

import heapq
import itertools
from collections.abc import Iterator

Worker = Iterator[float]


class Service:
    """A table's partition: has `capacity` units per second, saves up a tenth of a second's, throttles the rest."""

    def __init__(self, capacity: float | None = None) -> None:
        self.now = 0.0
        self.capacity = capacity
        self.used: list[tuple[float, float]] = []
        self.asked: list[tuple[float, float]] = []
        self.throttled_at: list[float] = []
        self.woken = False
        self._saved = 0.0
        self._saved_at = 0.0

    def take(self, units: float) -> bool:
        self.asked.append((self.now, units))
        if self.capacity is not None:
            most = self.capacity / 10
            self._saved = min(most, self._saved + self.capacity * (self.now - self._saved_at))
            self._saved_at = self.now
            if self._saved <= 0:
                self.throttled_at.append(self.now)
                return False
            self._saved -= units
        self.used.append((self.now, units))
        return True

    def run(self, workers: list[Worker], seconds: float) -> None:
        """Let workers go on: each yields how long it sleeps, or as a negative number how long unless woken."""
        order = itertools.count()
        turns = {worker: next(order) for worker in workers}
        waiting = [(self.now, turn, worker) for worker, turn in turns.items()]
        wakeable: set[Worker] = set()
        end = self.now + seconds

        def sleep(worker: Worker, seconds: float) -> None:
            turns[worker] = next(order)
            heapq.heappush(waiting, (self.now + seconds, turns[worker], worker))

        while waiting and waiting[0][0] < end:
            self.now, turn, worker = heapq.heappop(waiting)
            if turns[worker] != turn:
                continue
            wakeable.discard(worker)
            delay = next(worker)
            sleep(worker, abs(delay))
            if delay < 0:
                wakeable.add(worker)
            if self.woken:
                self.woken = False
                for other in sorted(wakeable, key=turns.__getitem__):
                    sleep(other, 0.0005)
                wakeable.clear()
        self.now = end
