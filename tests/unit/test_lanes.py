"""As many threads work at once as keep the processor busy."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from airflow_dynsync.sync.lanes import Lanes, now

MOST = 3


class Clock:
    """Seconds that go by when the test says so."""

    def __init__(self) -> None:
        self._now = 0.0, 0.0

    def __call__(self) -> tuple[float, float]:
        return self._now

    def advance(self, seconds: float, *, busy: float) -> None:
        now, spent = self._now
        self._now = now + seconds, spent + seconds * busy


@pytest.mark.parametrize(
    ("shares", "open_after"),
    [
        ([], 1),
        ([1.0], 1),
        ([0.95], 1),
        ([0.3], 2),
        ([0.3, 0.95], 2),
        ([0.3] * 9, MOST),
        ([0.3] * 9 + [1.0], MOST - 1),
        ([0.3] * 9 + [1.1] * 9, 1),
    ],
)
def test_a_lane_opens_where_the_processor_is_idle_and_closes_where_it_is_busy(
    shares: list[float], open_after: int
) -> None:
    clock = Clock()
    lanes = Lanes(MOST, threading.Event(), clock)

    with lanes.lane():
        for share in shares:
            clock.advance(0.2, busy=share)
            lanes.between()

    assert lanes.open == open_after


def test_a_look_when_it_comes_too_early_changes_nothing() -> None:
    clock = Clock()
    lanes = Lanes(MOST, threading.Event(), clock)

    with lanes.lane():
        for _ in range(4):
            clock.advance(0.02, busy=0.0)
            lanes.between()

    assert lanes.open == 1


def test_who_waits_for_a_lane_gets_it_when_the_processor_is_idle_though_nobody_is_done() -> None:
    clock = Clock()
    lanes = Lanes(MOST, threading.Event(), clock)
    all_in = threading.Barrier(MOST + 1)

    def work() -> None:
        with lanes.lane():
            all_in.wait(30)

    with ThreadPoolExecutor(MOST) as threads:
        tasks = [threads.submit(work) for _ in range(MOST)]
        while all_in.n_waiting < MOST and not all_in.broken:
            clock.advance(0.01, busy=0.0)  # each look of a waiting thread finds an idle processor
            time.sleep(0.001)
        all_in.wait(30)
        for task in tasks:
            task.result()


def test_no_more_work_at_once_than_lanes_are_open() -> None:
    lanes = Lanes(MOST, threading.Event(), Clock())
    at_work, most_at_work, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal at_work, most_at_work
        with lanes.lane():
            for _ in range(20):
                with lock:
                    at_work += 1
                    most_at_work = max(most_at_work, at_work)
                with lock:
                    at_work -= 1
                lanes.between()

    with ThreadPoolExecutor(MOST) as threads:
        for task in [threads.submit(work) for _ in range(MOST)]:
            task.result(30)

    assert most_at_work == 1


def test_who_has_a_lane_too_many_waits_until_another_is_done() -> None:
    clock = Clock()
    lanes = Lanes(2, threading.Event(), clock)
    too_many, done = threading.Event(), threading.Event()

    def work() -> None:
        with lanes.lane():
            clock.advance(0.2, busy=1.0)
            too_many.set()
            lanes.between()
            done.set()

    with ThreadPoolExecutor(1) as threads, ExitStack() as held:
        held.enter_context(lanes.lane())
        clock.advance(0.2, busy=0.0)
        lanes.between()
        task = threads.submit(work)
        assert too_many.wait(30)
        assert not done.wait(0.3)
        held.close()
        task.result(30)


def test_all_go_on_when_they_shall_stop() -> None:
    stop = threading.Event()
    lanes = Lanes(MOST, stop, Clock())

    def work() -> bool:
        with lanes.lane():
            return stop.is_set()

    with lanes.lane(), ThreadPoolExecutor(MOST) as threads:
        tasks = [threads.submit(work) for _ in range(MOST)]
        stop.set()
        assert all(task.result(30) for task in tasks)


def test_a_thread_that_wants_a_processor_counts_and_one_that_waits_does_not() -> None:
    def spin(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass

    def wanted(work: Callable[[float], None]) -> float:
        with ThreadPoolExecutor(1) as threads:
            threads.submit(work, 0).result()
            _, before = now()
            threads.submit(work, 0.2).result()
            return now()[1] - before

    assert wanted(spin) > 3 * wanted(time.sleep)
