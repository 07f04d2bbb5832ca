"""How many different things there were, and how rare they are, in bounded memory; from uniform 64-bit digests."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

from airflow_dynsync.sync.report.found import Combinations

PRECISION: Final = 12
REGISTERS: Final = 1 << PRECISION
STANDARD_ERROR: Final = 1.04 / math.sqrt(REGISTERS)
"""Of an estimate by a `HyperLogLog`, as a share of the true number: 1.6 %."""

_DIGEST_BITS: Final = 64
_RANKS: Final = _DIGEST_BITS - PRECISION + 1
_ALPHA: Final = 1 / (2 * math.log(2))


class HyperLogLog:
    """Estimates how many different digests it was given, from 4 KB.

    The sketch is that of Flajolet, Fusy, Gandouet and Meunier ("HyperLogLog: the analysis of a near-optimal
    cardinality estimation algorithm", AofA 2007). The estimator is Ertl's improved one ("New cardinality
    estimation algorithms for HyperLogLog sketches", 2017, algorithm 6), which needs no corrections for few or many
    values.
    """

    __slots__ = ("_registers",)

    def __init__(self) -> None:
        self._registers = bytearray(REGISTERS)

    def add(self, digests: Iterable[int]) -> None:
        """Take in digests."""
        registers = self._registers
        for digest in digests:
            register = digest & (REGISTERS - 1)
            rank = _RANKS - (digest >> PRECISION).bit_length()
            if rank > registers[register]:
                registers[register] = rank

    def estimate(self) -> float:
        """Return how many different digests there were."""
        counts = Counter(self._registers)
        z = REGISTERS * _tau(1 - counts[_RANKS] / REGISTERS)
        for rank in range(_RANKS - 1, 0, -1):
            z = (z + counts[rank]) / 2
        z += REGISTERS * _sigma(counts[0] / REGISTERS)
        return _ALPHA * REGISTERS * REGISTERS / z


def _sigma(x: float) -> float:
    """Return x + the sum of x^(2^k) * 2^(k-1) over all k from 1 on."""
    if x == 1.0:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        before = z
        x *= x
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    """Return (1 - x - the sum of (1 - x^(2^-k))^2 * 2^-k over all k from 1 on) / 3."""
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        before = z
        x = math.sqrt(x)
        y /= 2
        z -= (1 - x) ** 2 * y
    return z / 3


class RarityCounter:
    """Counts how often each digest comes: all of them up to a bound, beyond it those of a sample of the digests.

    The sample is Gibbons' ("Distinct sampling for highly-accurate answers to distinct values queries and event
    reports", VLDB 2001): it holds the digests below a threshold, which is halved whenever they become too many.
    Whatever is below the threshold in the end was so from the start, so its counts are exact.

    Args:
        bound: how many different digests are kept at most; each takes about 100 bytes.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._counts: Counter[int] = Counter()
        self._items = 0
        self._halvings = 0

    def add(self, digests: Iterable[int]) -> None:
        """Take in digests."""
        threshold = self._threshold
        for digest in digests:
            self._items += 1
            if digest < threshold:
                self._counts[digest] += 1
                if len(self._counts) > self._bound:
                    threshold = self._halve()

    @property
    def _threshold(self) -> int:
        return 1 << (_DIGEST_BITS - self._halvings)

    def _halve(self) -> int:
        self._halvings += 1
        threshold = self._threshold
        self._counts = Counter({digest: count for digest, count in self._counts.items() if digest < threshold})
        return threshold

    def combinations(self) -> Combinations:
        """Return what was found so far, each digest being that of a combination."""
        scale = 1 << self._halvings
        counts = self._counts.values()
        return Combinations(
            items=self._items,
            distinct=len(counts) * scale,
            smallest=min(counts, default=0),
            alone=sum(count == 1 for count in counts) * scale,
            below_five=sum(count < 5 for count in counts) * scale,
            exact=scale == 1,
            standard_error=math.sqrt((1 - 1 / scale) / max(1, len(counts))),
        )
