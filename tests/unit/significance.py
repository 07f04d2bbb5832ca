"""How improbable a count is, should chance alone have been at work."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from math import exp, lgamma, log, log1p
from zlib import crc32

SIGNIFICANCE = 1e-6
"""Secrets of the tests are fixed, so a test that holds once holds always; chance would fail one in a million."""

BUCKETS = 4


def chi_square_tail(statistic: float, freedom: int) -> float:
    """Return the probability that chi-square of so many degrees of freedom is at least ``statistic``.

    It is the regularized incomplete gamma function Q(freedom / 2, statistic / 2): by its series or its continued
    fraction (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.4.19, 6.5.29 and 6.5.31).
    """
    a, x = freedom / 2, statistic / 2
    if x <= 0:
        return 1.0
    scale = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        denominator = a
        while term > total * 1e-15:
            denominator += 1
            term *= x / denominator
            total += term
        return 1 - scale * total
    # Lentz's way to evaluate a continued fraction.
    b = x + 1 - a
    c, d = 1e300, 1 / b
    result = d
    for step in range(1, 10_000):
        numerator = -step * (step - a)
        b += 2
        d = 1 / (numerator * d + b)
        c = b + numerator / c
        result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return scale * result


def binomial_tail(successes: int, trials: int, probability: float) -> float:
    """Return the probability of at least so many successes."""
    if successes <= 0 or probability >= 1:
        return 1.0
    if probability <= 0:
        return 0.0
    return sum(
        exp(
            lgamma(trials + 1)
            - lgamma(count + 1)
            - lgamma(trials - count + 1)
            + count * log(probability)
            + (trials - count) * log1p(-probability)
        )
        for count in range(successes, trials + 1)
    )


def unevenness(outcomes: Sequence[Hashable], weights: Mapping[Hashable, float]) -> float:
    """Return how probable it is that outcomes in proportion to ``weights`` are spread as unevenly as these."""
    counts, total = Counter(outcomes), sum(weights.values())
    assert counts.keys() <= weights.keys()
    expected = {outcome: len(outcomes) * weight / total for outcome, weight in weights.items()}
    assert min(expected.values()) >= 5, "too few for as many outcomes; describe the form in drawn_parts"
    statistic = sum((counts[outcome] - mean) ** 2 / mean for outcome, mean in expected.items())
    return chi_square_tail(statistic, len(expected) - 1)


def dependence(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Return how probable it is that independent outcomes go together as much, in hashed buckets."""
    left, right = ([crc32(repr(outcome).encode()) % BUCKETS for outcome in side] for side in (one, other))
    rows, columns, cells = Counter(left), Counter(right), Counter(zip(left, right, strict=True))
    statistic = 0.0
    for row, in_row in rows.items():
        for column, in_column in columns.items():
            mean = in_row * in_column / len(left)
            statistic += (cells[row, column] - mean) ** 2 / mean
    freedom = (len(rows) - 1) * (len(columns) - 1)
    return chi_square_tail(statistic, freedom) if freedom else 1.0


def agreement(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Return how probable it is that independent outcomes are equal as often as these."""
    counts = Counter(other)
    chance = sum(count * counts[outcome] for outcome, count in Counter(one).items()) / len(one) ** 2
    equal = sum(first == second for first, second in zip(one, other, strict=True))
    return binomial_tail(equal, len(one), chance)
