"""passthrough, null, drop, constant and generate_categorical."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.values import NULL, to_wire

SECRET = b"a secret of the tests"
EVERY_VALUE = [
    {"S": "a"},
    {"S": ""},
    {"N": "99999999999999999999999999999999999999"},
    {"B": "AAEC"},
    {"BOOL": True},
    NULL,
    {"M": {"a": {"S": "b"}}},
    {"L": [{"N": "1"}]},
    {"SS": ["a", "b"]},
    {"NS": ["1", "2"]},
    {"BS": ["AA=="]},
]


def apply(rule: Any, *values: Any) -> list[Any]:
    plan = compile_plan({"mappings": {"A": rule}}, key_attributes=("Id",), secret=SECRET)
    items = plan.apply([{"Id": {"N": str(number)}, "A": value} for number, value in enumerate(values)])
    return [item.get("A") for item in items]


def test_passthrough_keeps_every_type() -> None:
    assert apply("passthrough", *EVERY_VALUE) == EVERY_VALUE


def test_drop_removes_every_type() -> None:
    assert apply("drop", *EVERY_VALUE) == [None] * len(EVERY_VALUE)


def test_null_replaces_every_type() -> None:
    assert apply("null", *EVERY_VALUE) == [NULL] * len(EVERY_VALUE)


@pytest.mark.parametrize(
    "value",
    ["a", "", 7, Decimal("0.10"), 1.5, True, None, ["a", {"b": [1]}], {"a": {"b": None}}, b"a", {"x"}],
)
def test_constant_replaces_every_type_by_the_value_as_written(value: Any) -> None:
    rule = {"transformer": "constant", "value": value, "on_null": "transform"}
    assert apply(rule, *EVERY_VALUE) == [to_wire(value)] * len(EVERY_VALUE)


@pytest.mark.parametrize("value", [object(), 10**40 + 1, {1: "a"}, {"a": {1, "a"}}, float("nan")])
def test_constant_with_a_value_that_cannot_be_stored_is_an_error_when_compiled(value: Any) -> None:
    with pytest.raises(MappingError) as error:
        apply({"transformer": "constant", "value": value})
    assert error.value.place == "mappings.A.value"


def test_constant_needs_a_value() -> None:
    with pytest.raises(MappingError, match=r"^mappings\.A\.value: is required"):
        apply("constant")


def test_categories_may_be_a_list_or_a_text_with_commas() -> None:
    values = [{"S": "x"}] * 60
    as_list = apply({"transformer": "generate_categorical", "categories": ["red", "blue"]}, *values)
    as_text = apply({"transformer": "generate_categorical", "categories": " red , blue,"}, *values)
    assert as_list == as_text
    assert {value["S"] for value in as_list} == {"red", "blue"}


def test_weights_say_how_often_each_category_is_chosen() -> None:
    rule = {"transformer": "generate_categorical", "categories": "a, b, c", "weights": [0.1, 0, 0.3]}
    counts = Counter(value["S"] for value in apply(rule, *[{"S": "x"}] * 4000))
    assert counts["b"] == 0
    assert 800 < counts["a"] < 1200


@pytest.mark.parametrize(
    ("parameters", "place", "message"),
    [
        ({"categories": ""}, "mappings.A.categories", "at least 1"),
        ({"categories": [1]}, "mappings.A.categories.0", "string"),
        ({"categories": "a,b", "weights": [1]}, "mappings.A", "2 categories and 1 weights"),
        ({"categories": "a,b", "weights": [0, 0]}, "mappings.A", "all weights are 0"),
        ({"categories": "a,b", "weights": [1, -1]}, "mappings.A.weights.1", "greater than or equal to 0"),
        ({"categories": "a,b", "wieghts": [1, 1]}, "mappings.A.wieghts", "did you mean weights"),
    ],
)
def test_wrong_categories_are_errors_when_compiled(parameters: Any, place: str, message: str) -> None:
    with pytest.raises(MappingError, match=message) as error:
        apply({"transformer": "generate_categorical", **parameters})
    assert error.value.place == place
