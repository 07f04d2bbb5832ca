"""Throttling of a whole table and of one hot partition, told apart: batches simulated on a clock of their own."""

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from airflow_dynsync.dynamodb.calls import Backoff
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.limits import Budget
from airflow_dynsync.dynamodb.writer import MAX_ITEMS
from tests.rates import rate, windows
from tests.unit.simulated_table import Service, Worker

Refuses = Callable[[int], bool]
"""Tells whether a put into the hot partition is refused, by how often it was before."""


class Writers:
    """Threads that put items of one unit, one of 25 into a hot partition, and those left unprocessed again."""

    def __init__(self, capacity: float | None, limit: float, refuses: Refuses, seed: int) -> None:
        self.service = Service(capacity)
        self.pacer = Pacer(Budget(limit), clock=lambda: self.service.now)
        self.refuses = refuses
        self.refused = 0
        self._chance = random.Random(seed)
        self._numbers = itertools.count()
        self._before: dict[str, int] = {}

    def start(self, threads: int) -> list[Worker]:
        return [self._write() for _ in range(threads)]

    def _write(self) -> Worker:
        pacer, chance = self.pacer, self._chance
        while True:
            size = max(1, int(min(MAX_ITEMS, pacer.call_amount)))
            puts = [{"PutRequest": {"Item": {"Id": {"S": str(next(self._numbers))}}}} for _ in range(size)]
            attempt = 0
            while puts:
                slot = pacer.enqueue(len(puts))
                while (seconds := pacer.seconds_until(slot)) > 0:
                    yield -min(seconds, 0.1) - chance.uniform(0, 0.01)
                yield chance.uniform(0.005, 0.015)
                left = [put for put in puts if not self._taken(put["PutRequest"]["Item"]["Id"]["S"])]
                self.service.woken = True
                if len(left) == len(puts):
                    pacer.throttled(slot)
                else:
                    attempt = 0
                    told: dict[str, Any] = {"CapacityUnits": float(len(puts) - len(left))}
                    pacer.settle(slot, {"UnprocessedItems": {"T": left}, "ConsumedCapacity": [told]})
                if left:
                    yield chance.uniform(0, min(Backoff().cap_seconds, Backoff().base_seconds * 2**attempt))
                    attempt += 1
                puts = left

    def _taken(self, number: str) -> bool:
        if int(number) % 25 == 0 and self.refuses(before := self._before.get(number, 0)):
            self._before[number] = before + 1
            self.service.asked.append((self.service.now, 1))
            taken = False
        else:
            taken = self.service.take(1)
        self.refused += not taken
        return taken


def never(_: int) -> bool:
    return False


def at_first(before: int) -> bool:
    return before == 0


def twice(before: int) -> bool:
    return before < 2


@pytest.mark.parametrize("refuses", [at_first, twice], ids=["at first", "twice"])
@pytest.mark.parametrize("limit", [10.0, 100.0, 1000.0])
def test_hot_partition_when_it_leaves_one_put_of_25_unprocessed_costs_none_of_the_rate(
    limit: float, refuses: Refuses
) -> None:
    writers = Writers(None, limit, refuses, seed=1)

    writers.service.run(writers.start(16), 120)

    assert writers.refused > 0.03 * limit * 120
    sums = windows(writers.service.used, 10, 120)
    assert min(sums) >= 9.5 * limit
    assert max(sums) <= 10.5 * limit


def test_hot_partition_when_there_is_no_limit_makes_none() -> None:
    writers = Writers(None, math.inf, at_first, seed=2)

    writers.service.run(writers.start(16), 30)

    assert writers.refused > 1000
    assert writers.pacer.rate == math.inf


@pytest.mark.parametrize("limit", [1000.0, math.inf])
def test_hot_partition_when_it_has_a_rate_of_its_own_is_written_at_that_rate(limit: float) -> None:
    writers = Writers(None, limit, never, seed=3)
    partition = Service(capacity=10)

    def refuses(_: int) -> bool:
        partition.now = writers.service.now
        return not partition.take(1)

    writers.refuses = refuses
    writers.service.run(writers.start(16), 120)

    assert writers.refused > 1000
    # The others are 24 of 25, and wait for it in the same batches.
    assert rate(writers.service.used, 10, 120) > 0.9 * 25 * 10


@pytest.mark.parametrize("refuses", [never, at_first], ids=["alone", "and a hot partition"])
@pytest.mark.parametrize("limit", [1000.0, math.inf])
def test_table_when_it_takes_half_of_what_is_asked_gets_about_what_it_takes(
    limit: float, refuses: Refuses
) -> None:
    writers = Writers(500, limit, refuses, seed=4)
    service = writers.service

    service.run(writers.start(16), 120)

    assert rate(service.used, 1, 120) > 0.8 * 500
    assert max(windows(service.asked, 1, 120, 5.0)) <= 1.15 * 500 * 5
    assert writers.refused < 0.08 * len(service.asked)


@pytest.mark.parametrize("refuses", [never, at_first], ids=["alone", "and a hot partition"])
@pytest.mark.parametrize(("limit", "capacity"), [(1000.0, 500.0), (2000.0, 300.0), (math.inf, 500.0)])
def test_table_when_it_takes_less_than_before_is_given_way_to_within_a_second(
    limit: float, capacity: float, refuses: Refuses
) -> None:
    writers = Writers(None, limit, refuses, seed=5)
    service, threads = writers.service, writers.start(16)
    service.run(threads, 5)
    service.capacity = capacity

    service.run(threads, 60)

    begun = next(at for at in service.throttled_at if at >= 5)
    assert rate(service.asked, 2, begun) > 0.9 * min(limit, 5000)
    for second in range(1, 55):
        assert rate(service.asked, begun + second, begun + second + 5) <= 1.15 * capacity
    assert rate(service.used, begun + 1, 65) > 0.8 * capacity
