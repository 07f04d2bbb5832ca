"""transform_number_noise."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.values import to_python

SECRET = b"a secret of the tests"
NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent)),
    st.integers(0, 1),
    st.integers(1, 10**38 - 1),
    st.integers(-130, 88),
).filter(lambda number: -130 <= number.adjusted() <= 125)


def apply(*values: Decimal | str, **parameters: Any) -> list[Decimal]:
    plan = compile_plan(
        {"mappings": {"V": {"transformer": "transform_number_noise", **parameters}}}, secret=SECRET
    )
    return [to_python(item["V"]) for item in plan.apply([{"V": {"N": str(value)}} for value in values])]


@given(NUMBERS)
@example(Decimal("9" * 38))
@example(Decimal("-9.9E+125"))
@example(Decimal("1E-130"))
def test_a_result_can_be_stored_and_is_another_number(value: Decimal) -> None:
    assert apply(value, ratio=0.1) != [value]
    assert apply(value, range=5) != [value]


def test_results_lie_within_the_ratio_on_both_sides() -> None:
    values = [Decimal(number) for number in range(1000, 3000)]
    results = apply(*values, ratio=0.1)
    assert all(result == result.to_integral_value() for result in results)
    assert all(
        value * Decimal("0.9") <= result <= value * Decimal("1.1")
        for value, result in zip(values, results, strict=True)
    )
    below = sum(result < value for value, result in zip(values, results, strict=True))
    assert 800 < below < 1200


def test_results_lie_within_the_range_each_as_often() -> None:
    values = [Decimal(number) for number in range(6000)]
    distances = Counter(result - value for value, result in zip(values, apply(*values, range=3), strict=True))
    assert distances.keys() == {-3, -2, -1, 1, 2, 3}
    assert all(850 < count < 1150 for count in distances.values())


def test_decimals_are_those_of_the_value_unless_given() -> None:
    (own,) = apply("1234.567", ratio=0.1)
    assert own.as_tuple().exponent >= -3
    (given_two,) = apply("1234.567", ratio=0.1, decimals=2)
    assert given_two.as_tuple().exponent >= -2
    assert apply("5", range=0.5, decimals=0)[0] in (4, 6)


def test_results_stay_within_the_bounds_without_piling_up_there() -> None:
    values = [Decimal(number) for number in range(101)]
    results = apply(*values, range=30, bounds=[0, 100])
    assert all(0 <= result <= 100 for result in results)
    assert sum(result in (0, 100) for result in results) < 10


def test_a_value_beyond_the_bounds_is_moved_within() -> None:
    low, high = apply("-50", "500", range=5, bounds=[0, 100])
    assert 0 <= low <= 5
    assert 95 <= high <= 100


def test_a_range_too_narrow_gives_the_next_number() -> None:
    assert apply("3", ratio=0.1)[0] in (2, 4)
    assert apply("0", ratio=0.1, bounds=[0, None]) == [1]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "either ratio or range"),
        ({"ratio": 0.1, "range": 1}, "either ratio or range"),
        ({"ratio": 0}, "greater than 0"),
        ({"range": -1}, "greater than 0"),
        ({"range": 1, "bounds": [5, 5]}, "no two numbers"),
        ({"range": 1, "bounds": [0.2, 0.8], "decimals": 0}, "no two numbers"),
        ({"range": 1, "bounds": [0]}, "at least 2"),
        ({"range": 1, "decimals": 131}, "less than or equal to 130"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        apply("1", **parameters)
