"""Pacing by consumed capacity: threads simulated on a clock of their own, against a service that counts units."""

import itertools
import math
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_dynsync.dynamodb.capacity import BURST_SECONDS, CALL_SECONDS, Pacer, read_units
from airflow_dynsync.dynamodb.errors import StoppedError
from airflow_dynsync.dynamodb.limits import Budget
from airflow_dynsync.dynamodb.sizes import item_bytes
from tests.rates import rate, windows
from tests.unit.simulated_table import Service, Worker


def caller(
    service: Service,
    pacer: Pacer,
    units_of: Callable[[float], float],
    chance: random.Random,
    *,
    most: int = 1000,
) -> Worker:
    """A thread that calls again and again: it wakes late, its calls take a while, throttling makes it wait."""
    while True:
        amount = pacer.page_size(most) or 0
        slot = pacer.enqueue(amount)
        while (seconds := pacer.seconds_until(slot)) > 0:
            yield -min(seconds, 0.1) - chance.uniform(0, 0.01)
        yield chance.uniform(0, 0.015)
        units = units_of(amount)
        taken = service.take(units)
        yield chance.uniform(0, 0.015)
        service.woken = True
        if taken:
            pacer.settle(slot, {"Items": [], "ScannedCount": amount, "ConsumedCapacity": {"CapacityUnits": units}})
        else:
            pacer.throttled(slot)
            yield chance.uniform(0, 0.05)


def scan_page(chance: random.Random, item_bytes: Callable[[], float]) -> Callable[[float], float]:
    """What a page of so many items costs: at most 1 MB, rounded up."""
    sizes = [0.0, *itertools.accumulate(item_bytes() for _ in range(20_000))]

    def units(amount: float) -> float:
        first = chance.randrange(len(sizes) - 1000)
        return read_units(min(2**20, int(sizes[first + int(amount)] - sizes[first])))

    return units


SIZES: dict[str, Callable[[random.Random], Callable[[], float]]] = {
    "equal": lambda chance: lambda: 1200,
    "tiny": lambda chance: lambda: 60,
    "mixed": lambda chance: lambda: chance.choice([100, 300, 1000, 3000, 10_000]),
    "skewed": lambda chance: lambda: min(4e4, 200 * chance.paretovariate(1.3)),
}


@pytest.mark.parametrize("threads", [1, 4, 16])
@pytest.mark.parametrize("sizes", SIZES)
def test_reads_consume_the_limit_within_5_percent_over_any_ten_seconds(threads: int, sizes: str) -> None:
    limit = 300.0
    chance = random.Random(f"{threads} {sizes}")
    service = Service()
    pacer = Pacer(Budget(limit), first_cost=50, clock=lambda: service.now)
    page = scan_page(chance, SIZES[sizes](chance))

    service.run([caller(service, pacer, page, chance) for _ in range(threads)], 60)

    sums = windows(service.used, 0, 60)
    assert len(sums) > 500
    assert min(sums) >= 9.5 * limit
    assert max(sums) <= 10.5 * limit


def test_reads_consume_the_limit_within_5_percent_while_items_grow_hundredfold() -> None:
    limit = 20_000.0
    chance = random.Random(1)
    service = Service()
    pacer = Pacer(Budget(limit), first_cost=50, clock=lambda: service.now)
    workers = [
        caller(service, pacer, lambda amount: read_units(int(min(2**20, amount * 100 * 1.1**service.now))), chance)
        for _ in range(16)
    ]
    service.run(workers, 20)  # small items: as fast as the threads can
    service.run(workers, 30)

    sums = windows(service.used, 30, 50)
    assert min(sums) >= 9.5 * limit
    assert max(sums) <= 10.5 * limit


@pytest.mark.parametrize("indexes", [0, 2])
def test_writes_consume_the_limit_within_5_percent_over_any_ten_seconds(indexes: int) -> None:
    limit = 200.0
    chance = random.Random(indexes)
    service = Service()
    pacer = Pacer(Budget(limit), first_cost=1.0 + indexes, clock=lambda: service.now)

    def batch_units(amount: float) -> float:
        return sum(1 + sum(chance.random() < 0.7 for _ in range(indexes)) for _ in range(int(amount)))

    service.run([caller(service, pacer, batch_units, chance, most=25) for _ in range(8)], 60)

    sums = windows(service.used, 0, 60)
    assert min(sums) >= 9.5 * limit
    assert max(sums) <= 10.5 * limit


def test_limit_when_nobody_read_for_a_while_leaves_a_quarter_of_a_second_to_catch_up() -> None:
    limit = 1000.0
    chance = random.Random(3)
    service = Service()
    pacer = Pacer(Budget(limit), first_cost=50, clock=lambda: service.now)
    workers = [caller(service, pacer, scan_page(chance, lambda: 1200), chance) for _ in range(4)]
    service.run(workers, 20)
    service.now += 100

    service.run(workers, 20)

    most = limit * (1 + BURST_SECONDS + 2 * CALL_SECONDS)
    assert max(windows(service.used, 120, 140, 1.0)) <= most


def test_threads_when_they_share_a_limit_get_equal_parts() -> None:
    chance = random.Random(4)
    service = Service()
    pacer = Pacer(Budget(1000), first_cost=50, clock=lambda: service.now)
    page = scan_page(chance, lambda: 1200)
    calls = dict.fromkeys(range(8), 0)

    def counting(number: int) -> Callable[[float], float]:
        def units(amount: float) -> float:
            calls[number] += 1
            return page(amount)

        return units

    service.run([caller(service, pacer, counting(number), chance) for number in calls], 60)

    assert min(calls.values()) > 50
    assert max(calls.values()) - min(calls.values()) <= 1


@pytest.mark.parametrize(("limit", "threads"), [(1000.0, 1), (1000.0, 8), (math.inf, 8)])
def test_throttling_when_it_begins_is_given_way_to_within_a_second_and_forgotten_when_it_ends(
    limit: float, threads: int
) -> None:
    chance = random.Random(5)
    service = Service(capacity=2500)
    pacer = Pacer(Budget(limit), first_cost=50, clock=lambda: service.now)
    workers = [caller(service, pacer, scan_page(chance, lambda: 1200), chance) for _ in range(threads)]
    service.run(workers, 60)
    before = rate(service.used, 20, 60)
    assert before > 0.8 * min(limit, 2500)

    service.capacity = 300
    service.run(workers, 60)

    (begun, *_) = [at for at in service.throttled_at if at >= 60]
    after = [rate(service.asked, begun + second, begun + second + 5) for second in range(1, 50, 5)]
    assert max(after) <= 1.1 * 300
    assert rate(service.used, begun + 1, 120) > 0.75 * 300
    refused = [at for at in service.throttled_at if at > begun + 1]
    assert len(refused) < 0.05 * len([at for at, _ in service.asked if at > begun + 1])

    service.capacity = 2500
    service.run(workers, 100)
    assert rate(service.used, 180, 220) > 0.95 * before


def test_throttling_of_calls_under_way_together_lowers_the_rate_once() -> None:
    pacer = Pacer(Budget(1000), clock=lambda: 0.0)
    slots = [pacer.enqueue(0) for _ in range(8)]
    assert [pacer.seconds_until(slot) for slot in slots] == [0.0] * 8

    for slot in slots:
        pacer.throttled(slot)

    assert pacer.rate == 500


def test_unprocessed_items_lower_the_rate() -> None:
    service = Service()
    pacer = Pacer(Budget(1000), clock=lambda: service.now)
    slot = pacer.enqueue(10)
    assert pacer.seconds_until(slot) == 0
    service.now = 0.5

    left = {"T": [{"PutRequest": {"Item": {"Id": {"S": str(number)}}}} for number in range(5)]}
    pacer.settle(slot, {"UnprocessedItems": left, "ConsumedCapacity": [{"TableName": "T", "CapacityUnits": 5.0}]})

    assert pacer.rate < 100  # half of what was consumed in the last second
    assert pacer.call_amount == pytest.approx(pacer.rate * CALL_SECONDS)


def test_rate_when_throttled_is_where_it_was_after_ten_seconds_and_at_the_limit_soon_after() -> None:
    service = Service()
    pacer = Pacer(Budget(1000), clock=lambda: service.now)
    slot = pacer.enqueue(0)
    pacer.seconds_until(slot)
    pacer.throttled(slot)

    def rate_at(now: float) -> float:
        service.now = now
        return pacer.rate

    assert [rate_at(now) for now in (0, 5, 10, 20)] == [500, 937.5, 1000, 1000]


def test_pacer_without_a_limit_never_waits_and_leaves_pages_as_they_are() -> None:
    pacer = Pacer()
    stop = threading.Event()

    for _ in range(1000):
        pacer.settle(pacer.reserve(1000, stop), {"Items": [], "ConsumedCapacity": {"CapacityUnits": 128.0}})

    assert (pacer.page_size(1000), pacer.page_size(None), pacer.call_amount) == (1000, None, math.inf)


def test_cost_when_unknown_is_the_worst_until_one_page_is_read() -> None:
    pacer = Pacer(Budget(100), first_cost=50, clock=lambda: 0.0)

    assert pacer.page_size(1000) == 1
    slot = pacer.enqueue(1)
    assert (pacer.seconds_until(slot), slot.units) == (0, 50)
    pacer.settle(slot, {"Items": [], "ScannedCount": 1, "ConsumedCapacity": {"CapacityUnits": 0.5}})

    assert pacer.page_size(1000) == 20
    assert pacer.page_size(7) == 7


def test_cost_is_not_learned_from_a_page_that_is_said_to_cost_nothing() -> None:
    pacer = Pacer(Budget(100), first_cost=50, clock=lambda: 0.0)
    slot = pacer.enqueue(1)
    assert pacer.seconds_until(slot) == 0

    pacer.settle(slot, {"Items": [], "ScannedCount": 1})

    assert pacer.page_size(1000) == 1


@pytest.mark.parametrize(("consistent", "units"), [(False, 1.5), (True, 3.0)])
def test_read_when_the_service_does_not_tell_is_estimated_from_its_items(consistent: bool, units: float) -> None:
    pacer = Pacer(Budget(10), first_cost=0, consistent_read=consistent, clock=lambda: 0.0)
    first, second = pacer.enqueue(2), pacer.enqueue(2)
    assert pacer.seconds_until(first) == 0

    pacer.settle(first, {"Items": [{"a": {"S": "x" * 4095}}, {"a": {"S": "x" * 4096}}], "NextToken": "t"})

    assert pacer.seconds_until(second) == pytest.approx(units / 10)


def test_write_when_the_service_does_not_tell_is_taken_for_what_was_expected() -> None:
    pacer = Pacer(Budget(10), first_cost=3, clock=lambda: 0.0)
    first, second = pacer.enqueue(5), pacer.enqueue(5)
    assert pacer.seconds_until(first) == 0

    pacer.settle(first, {"UnprocessedItems": {}})

    assert pacer.seconds_until(second) == pytest.approx(1.5)


def test_waiting_thread_when_stopped_leaves_and_those_behind_it_move_up() -> None:
    pacer = Pacer(Budget(0.001), first_cost=1)
    stop, go_on = threading.Event(), threading.Event()
    pacer.reserve(1, go_on)
    with ThreadPoolExecutor(2) as threads:
        stopped = threads.submit(pacer.reserve, 1_000_000, stop)
        stop.set()
        with pytest.raises(StoppedError):
            stopped.result()
        behind = pacer.enqueue(1)
        assert pacer.seconds_until(behind) <= 1000
        go_on.set()


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"Id": {"S": "abc"}}, 5),
        ({"ä": {"S": "€"}}, 5),
        ({"n": {"N": "0"}}, 2),
        ({"n": {"N": "-123.45"}}, 5),
        ({"n": {"N": "1000000"}}, 3),
        ({"b": {"B": "AAE="}}, 3),
        ({"b": {"BOOL": True}, "z": {"NULL": True}}, 4),
        ({"m": {"M": {"k": {"S": "v"}, "l": {"L": [{"S": "x"}, {"S": "y"}]}}}}, 1 + 5 + 2 + 1 + 5 + 2),
        ({"e": {"L": []}, "f": {"M": {}}}, 8),
        ({"s": {"SS": ["a", "bc"]}, "t": {"NS": ["1", "22"]}, "u": {"BS": ["AAE=", "AA=="]}}, 4 + 5 + 4),
    ],
)
def test_item_bytes_counts_names_values_and_the_overhead_of_documents(item: Any, size: int) -> None:
    assert item_bytes(item) == size
