"""transform_bucket."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.values import to_python

SECRET = b"a secret of the tests"


def apply(*values: str, **parameters: Any) -> list[Any]:
    plan = compile_plan({"mappings": {"V": {"transformer": "transform_bucket", **parameters}}}, secret=SECRET)
    return [to_python(item["V"]) for item in plan.apply([{"V": {"N": value}} for value in values])]


def test_a_number_becomes_where_its_bucket_begins() -> None:
    assert apply("0", "9.99", "10", "-0.5", "-10", "37", size=10) == [0, 0, 10, -10, -10, 30]
    assert apply("0.37", "1", size=0.25) == [Decimal("0.25"), 1]
    assert apply("18", "64.9", "65", "999", boundaries=[0, 18, 65]) == [18, 18, 65, 65]


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**9), max_value=10**9),
    st.integers(1, 10**6),
)
def test_a_bucket_is_not_wider_than_its_size_and_holds_its_number(value: Decimal, size: int) -> None:
    (low,) = apply(str(value), size=size)
    assert low <= value < low + size
    assert low % size == 0


def test_a_label_says_where_a_bucket_begins_and_ends() -> None:
    assert apply("37", "-3", size=10, label="{low}-{last}") == ["30-39", "-10--1"]
    assert apply("0.3", size=0.5, label="{low} to {high}") == ["0 to 0.5"]
    assert apply("3", "18", "65", boundaries=[18, 65], label="{low}-{last}") == ["<18", "18-64", "65+"]
    assert apply("7", boundaries=[0, 1e100], label="{low}-{last}") == [f"0-{'9' * 100}"]


def test_each_bucket_may_have_a_label_of_its_own() -> None:
    labels = ["minor", "adult from {low}", "senior"]
    assert apply("17", "18", "65", boundaries=[18, 65], label=labels) == ["minor", "adult from 18", "senior"]


def test_a_number_below_all_boundaries_has_no_beginning() -> None:
    with pytest.raises(
        TransformError, match=r"mappings\.V: a number lies below the first of boundaries"
    ) as caught:
        apply("20", "-17", boundaries=[18, 65])
    assert caught.value.row == 1
    assert "-17" not in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "either size or boundaries"),
        ({"size": 1, "boundaries": [1]}, "either size or boundaries"),
        ({"size": 0}, "greater than 0"),
        ({"boundaries": []}, "at least 1"),
        ({"boundaries": [1, 1]}, "ascend"),
        ({"size": 1, "label": ["a", "b"]}, "one more"),
        ({"boundaries": [1], "label": ["a", "b", "c"]}, "one more"),
        ({"boundaries": [1], "label": ["{low}", "b"]}, "the end that its bucket has"),
        ({"size": 1, "label": "{middle}"}, "no other names"),
        ({"size": 1, "label": "{low"}, "expected '}'"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        apply("1", **parameters)
