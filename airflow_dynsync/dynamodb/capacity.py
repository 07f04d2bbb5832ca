"""Capacity: calls of all threads paced by the ConsumedCapacity that comes back, giving way to throttling.

Each call takes a slot in one queue: it may begin once the budget has grown past what was promised to the slots
before it. A slot is promised what a call of its size is expected to cost, from what recent calls did; what the
call really consumed is told afterwards and moves all later slots. So nothing has to be known beforehand, no
thread overtakes another, and over any span of time the units consumed differ from the limit's only by what may
be saved up (`BURST_SECONDS`) and by one call (`CALL_SECONDS`): at most 3.5 % of ten seconds, where an item is
small beside a tenth of a second's units. An item that costs more is read or written by itself, and paid off.

Throttling is answered with a multiplicative decrease, and its end with a slow increase: the law by which those who
share what none of them sees come to equal parts (AIMD: Chiu and Jain, "Analysis of the Increase and Decrease
Algorithms for Congestion Avoidance in Computer Networks", 1989), here with the increase of CUBIC (RFC 9438). It
holds where throttling eases as the pace drops. That of a hot partition does not: it leaves a put of each batch
unprocessed at any pace, and would drive the rate to its floor. So not one refusal lowers the rate, but their share
in what was asked lately. Up to `TOLERATED_SHARE` what was refused waits by itself, its units go to others, and the
rate stays.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from airflow_dynsync.dynamodb.errors import StoppedError
from airflow_dynsync.dynamodb.limits import Budget, CapacityLimit, read_budget, write_budget
from airflow_dynsync.dynamodb.sizes import item_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_dynsync.dynamodb.tables import TableDescription

BURST_SECONDS = 0.25
"""How much unused budget is kept, so that a thread that wakes late loses nothing."""

CALL_SECONDS = 0.1
"""What one call may cost, in seconds of the budget; pages and batches are made that small."""

YIELD = 0.5
"""What is left of the rate when DynamoDB throttles: others are throttled as well, and halving ends it soonest."""

YIELD_INTERVAL_SECONDS = 0.1
"""Throttled calls that began within this time of the last decrease tell nothing new about the lowered rate."""

TOLERATED_SHARE = 0.1
"""How much of what was asked in the last moment may be throttled with no decrease: a hot partition's part."""

RECOVERY_SECONDS = 10.0
"""Until a lowered rate is back where it was throttled."""

PARTITION_UNITS = 1000.0
"""What stands for the limit where there is none and nothing was measured: what one partition can write."""

LEAST_SHARE = 0.01
"""The least that throttling leaves of the limit: enough to notice when it is over."""

_MEASURE_SECONDS = 1.0  # of the average that the rate in use is measured with
_SHORTEST_SECONDS = 0.01  # that a rate in use is told from
_SHARE_SECONDS = 0.3  # of the average that the throttled share is measured with
_DEVIATIONS = 2.5  # by which the share must exceed what is tolerated: few calls say little about it
_LOOK_SECONDS = 0.1  # between looks at the queue: the rate may have risen, or all shall stop
_MEMORY = 0.7  # of the costs learned, kept at each call: the last three calls make up two thirds
_TOLERANCE = 1e-6  # units; below it a difference is one of floating point
_LARGEST_ITEM_BYTES = 400 * 1024


@dataclass(slots=True)
class Slot:
    """A call's place in the queue.

    `mark` is what was promised before it, `units` what it is expected to consume; `amount` is the size of the
    call: the items that a read may examine, or the kilobytes that a write brings, each item's rounded up.
    """

    mark: float
    units: float
    amount: float
    begun: float = -math.inf


class Pacer:
    """Paces the calls of any number of threads to one table, in one direction.

    Without a limit nothing waits until DynamoDB throttles more than a few of many. Then, as with a limit, the rate
    is halved at once and grows back as that of CUBIC does (RFC 9438, which botocore's adaptive retry mode follows
    too): fast at first, slowly around the rate that was too much, then faster again, up to the limit.

    Args:
        budget: how many units per second, and what counts.
        first_cost: units that a call is expected to consume per item read or kilobyte written, until one has
            been made. Too much costs no more than a slow first call; too little lets all threads overshoot.
        consistent_read: how reads are estimated where the service does not tell.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        budget: Budget | None = None,
        *,
        first_cost: float = 1.0,
        consistent_read: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget or Budget()
        self._limit = self.budget.units_per_second
        self._first_cost = first_cost
        self._consistent_read = consistent_read
        self.clock = clock
        self._changed = threading.Condition()
        self._granted = 0.0  # units that the budget has grown to
        self._promised = 0.0  # units of all slots
        self._taken = 0.0  # units of the slots whose calls have begun
        self._granted_at = self._measured_at = clock()
        self._begun_at: float | None = None
        self._recent_units = 0.0
        self._recent_asked = self._recent_refused = 0.0  # amounts
        self._learned_units = 0.0
        self._learned_amount = 0.0
        self._least = LEAST_SHARE * (PARTITION_UNITS if math.isinf(self._limit) else self._limit)
        self._reference = math.inf  # the rate that was too much
        self._yielded_at = -math.inf
        self.progressed_at = -math.inf
        """When a call succeeded last, as `clock` tells it."""

    @property
    def detail(self) -> str:
        """What ReturnConsumedCapacity has to ask for."""
        return "INDEXES" if self.budget.index_factors else "TOTAL"

    @property
    def rate(self) -> float:
        """Units per second that are allowed now; infinite for no limit."""
        with self._changed:
            return self._rate(self.clock())

    @property
    def call_amount(self) -> float:
        """How large the next call may be: items of a read, kilobytes of a write; infinite for no limit."""
        with self._changed:
            return CALL_SECONDS * self._rate(self.clock()) / self._cost

    def page_size(self, most: int | None) -> int | None:
        """Return the Limit of the next page, at most `most`; None for none."""
        amount = self.call_amount
        if math.isinf(amount):
            return most
        return max(1, min(int(amount), most or int(amount)))

    def reserve(self, amount: float, stop: threading.Event) -> Slot:
        """Wait for the turn of a call of this size; raises `StoppedError` soon after `stop` is set."""
        slot = self.enqueue(amount)
        self.wait(slot, stop)
        return slot

    def wait(self, slot: Slot, stop: threading.Event) -> None:
        """Wait for the turn of a slot, which is left if `stop` is set or something else ends the wait."""
        try:
            while (seconds := self.seconds_until(slot)) > 0:
                with self._changed:
                    self._changed.wait(min(seconds, _LOOK_SECONDS))
                if stop.is_set():
                    raise StoppedError("stopped as asked, before all was done: run it again to finish")
        except BaseException:
            self.leave(slot)
            raise

    def enqueue(self, amount: float) -> Slot:
        """Take the next place in the queue."""
        with self._changed:
            now = self._grant()
            if self._begun_at is None:
                self._begun_at = now
            slot = Slot(self._promised, amount * self._cost, amount)
            self._promised += slot.units
            return slot

    def seconds_until(self, slot: Slot) -> float:
        """Return 0.0 and let the call begin if it is its turn, else how long that takes at the present rate."""
        with self._changed:
            now = self._grant()
            missing = slot.mark - self._granted
            if missing > _TOLERANCE:
                return missing / self._rate(now)
            slot.begun = now
            self._taken += slot.units
            return 0.0

    def settle(self, slot: Slot, answer: Mapping[str, Any]) -> None:
        """Account for a call that was answered.

        Where the service does not tell what was consumed, a read is estimated from the bytes of its items, in
        units of 4 KB (half as much unless consistent), and a write is taken for what was expected.
        """
        refused = _unprocessed_amount(slot, answer)
        units = self._consumed(slot, answer)
        with self._changed:
            now = self._grant()
            examined = None if refused else _examined(slot, answer)
            if examined and units:
                self._learned_units = self._learned_units * _MEMORY + units
                self._learned_amount = self._learned_amount * _MEMORY + examined
            if refused < _weight(slot):
                self.progressed_at = now
            self._account(slot, units, refused, now)

    def throttled(self, slot: Slot) -> None:
        """Account for a call that was throttled."""
        with self._changed:
            self._account(slot, 0.0, _weight(slot), self._grant())

    def _account(self, slot: Slot, units: float, refused: float, now: float) -> None:
        """Note what a call consumed, and give way if too much of what was asked lately was refused."""
        age = now - self._measured_at
        self._measured_at = now
        self._recent_units = self._recent_units * math.exp(-age / _MEASURE_SECONDS) + units
        faded = math.exp(-age / _SHARE_SECONDS)
        news = slot.begun >= self._yielded_at + YIELD_INTERVAL_SECONDS
        self._recent_asked = self._recent_asked * faded + _weight(slot)
        self._recent_refused = self._recent_refused * faded + (refused if news else 0.0)
        tolerated = TOLERATED_SHARE * self._recent_asked
        # As refusals that have nothing to do with each other are spread (Poisson).
        too_much = self._recent_refused >= tolerated + _DEVIATIONS * math.sqrt(tolerated)
        # Where all is scarce a throttled call has had its turn: nobody uses at once what it did not.
        had_its_turn = refused > 0 and (too_much or not news)
        self._granted -= max(0.0, units - slot.units) if had_its_turn else units - slot.units
        if refused > 0 and news and too_much:
            self._reference = max(min(self._rate(now), self._measured(now)), self._least / YIELD)
            self._yielded_at = now
            self._recent_asked *= YIELD
            self._recent_refused = 0.0
        self._changed.notify_all()

    def leave(self, slot: Slot) -> None:
        """Let those behind a slot move up that is left before its turn."""
        with self._changed:
            self._taken += slot.units
            self._granted += slot.units
            self._changed.notify_all()

    @property
    def _cost(self) -> float:
        if not self._learned_amount:
            return self._first_cost
        return self._learned_units / self._learned_amount

    def _grant(self) -> float:
        """Let the budget grow until now."""
        now = self.clock()
        rate = self._rate(now)
        if math.isinf(rate):
            self._granted = self._promised
        else:
            grown = self._granted + rate * (now - self._granted_at)
            self._granted = min(grown, self._taken + BURST_SECONDS * rate)
        self._granted_at = now
        return now

    def _rate(self, now: float) -> float:
        if math.isinf(self._reference):
            return self._limit
        progress = (now - self._yielded_at) / RECOVERY_SECONDS - 1
        return min(self._limit, self._reference * (1 + (1 - YIELD) * progress**3))

    def _measured(self, now: float) -> float:
        """Return the units per second of the last second or so."""
        if not self._recent_units or self._begun_at is None:
            return PARTITION_UNITS
        age = max(now - self._begun_at, _SHORTEST_SECONDS)
        return self._recent_units / (_MEASURE_SECONDS * -math.expm1(-age / _MEASURE_SECONDS))

    def _consumed(self, slot: Slot, answer: Mapping[str, Any]) -> float:
        told = answer.get("ConsumedCapacity")
        if told:
            return sum(map(self.budget.spent, [told] if isinstance(told, dict) else told))
        if "Items" in answer:
            return read_units(sum(map(item_bytes, answer["Items"])), consistent=self._consistent_read)
        return slot.units


def read_pacer(
    limit: CapacityLimit | None,
    table: TableDescription,
    *,
    index_name: str | None = None,
    consistent_read: bool = False,
    workers: int = 1,
) -> Pacer:
    """Return the pacer of the reads of a table or of one of its indexes, for one of several workers.

    Raises ValueError as `read_budget` does.
    """
    budget = read_budget(limit, table, index_name).share(workers)
    return Pacer(
        budget,
        first_cost=read_units(_LARGEST_ITEM_BYTES, consistent=consistent_read),
        consistent_read=consistent_read,
    )


def write_pacer(limit: CapacityLimit | None, table: TableDescription, *, workers: int = 1) -> Pacer:
    """Return the pacer of the writes to a table, for one of several workers; raises as `write_budget` does."""
    return Pacer(write_budget(limit, table).share(workers), first_cost=1.0 + len(table.indexes))


def read_units(size_bytes: int, *, consistent: bool = False) -> float:
    """Return the units that reading this many bytes at once costs: one for each 4 KB if consistent, else half."""
    return math.ceil(size_bytes / 4096) * (1.0 if consistent else 0.5)


def write_amount(size_bytes: int) -> int:
    """Return the units that writing an item of this many bytes costs, without indexes: one for each KB begun."""
    return max(1, math.ceil(size_bytes / 1024))


def _examined(slot: Slot, answer: Mapping[str, Any]) -> float | None:
    """Return the size that the call turned out to have; None where that is unknown.

    A statement does not tell how many items it examined: the Limit, unless it came to the end.
    """
    if "ScannedCount" in answer:
        return float(answer["ScannedCount"])
    if "Items" in answer and not answer.get("NextToken"):
        return None
    return slot.amount


def _weight(slot: Slot) -> float:
    """Return what a call counts among others; one whose size is not known counts as one item."""
    return max(1.0, slot.amount)


def _unprocessed_amount(slot: Slot, answer: Mapping[str, Any]) -> float:
    """Return the kilobytes that a write left unprocessed, each item's rounded up."""
    requests = (request for left in answer.get("UnprocessedItems", {}).values() for request in left)
    amounts = [write_amount(len(orjson.dumps(each))) for request in requests for each in request.values()]
    return min(_weight(slot), sum(amounts))
