"""Generators of booleans, numbers, strings and UUIDs."""

import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, catalogue, compile_plan
from airflow_dynsync.engine.definitions import Uniqueness
from airflow_dynsync.engine.keyed import Secret

SECRET = b"a secret of the tests"


def generate(name: str, count: int = 300, **parameters: Any) -> list[Any]:
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}}, key_attributes=("Id",), secret=SECRET
    )
    items = plan.apply([{"Id": {"N": str(number)}, "A": {"S": "x"}} for number in range(count)])
    return [payload for item in items for payload in item["A"].values()]


def test_booleans_are_drawn_evenly() -> None:
    assert 400 < sum(generate("generate_bool", 1000)) < 600


def test_integers_lie_between_their_bounds_and_reach_both() -> None:
    assert {int(text) for text in generate("generate_int64", min=-2, max=2)} == {-2, -1, 0, 1, 2}


def test_integers_may_have_38_digits() -> None:
    bound = 10**38 - 1
    assert all(abs(int(text)) <= bound for text in generate("generate_int64", min=-bound, max=bound))


def test_a_randomized_sign_turns_half_of_the_integers() -> None:
    numbers = [int(text) for text in generate("generate_int64", min=5, max=9, randomize_sign=True)]
    assert {abs(number) for number in numbers} == {5, 6, 7, 8, 9}
    assert 100 < sum(number < 0 for number in numbers) < 200


_bounds = st.decimals(min_value=-(10**20), max_value=10**20, allow_nan=False, places=6)


@given(st.lists(_bounds, min_size=2, max_size=2).map(sorted), st.integers(1, 38))
def test_floats_have_the_precision_and_lie_between_their_bounds(bounds: list[Decimal], precision: int) -> None:
    low, high = bounds
    definition = catalogue()["generate_float64"]
    try:
        parameters = definition.parameters.model_validate({"min": low, "max": high, "precision": precision})
    except ValueError:
        reject()
    number = definition.scalar(parameters)(None, Secret(SECRET).keyed("test").stream(b""))
    assert low <= number <= high
    assert len(number.as_tuple().digits) <= precision


def test_floats_are_exact_decimals_of_six_digits_by_default() -> None:
    numbers = generate("generate_float64")
    assert all(1 <= Decimal(text) <= 10000 and len(text.replace(".", "")) <= 6 for text in numbers)
    assert len(set(numbers)) > 250


def test_tiny_floats_stay_within_what_dynamodb_stores() -> None:
    assert set(generate("generate_float64", min=0, max=Decimal("2E-130"), precision=1)) <= {
        "0",
        format(Decimal("1E-130"), "f"),
        format(Decimal("2E-130"), "f"),
    }


def test_strings_are_alphanumeric_of_the_wanted_lengths() -> None:
    strings = generate("generate_string", min=2, max=4)
    assert {len(text) for text in strings} == {2, 3, 4}
    assert all(text.isascii() and text.isalnum() for text in strings)


def test_uuids_are_valid_version_4() -> None:
    for text in generate("generate_uuid"):
        assert str(uuid.UUID(text)) == text
        assert (uuid.UUID(text).version, uuid.UUID(text).variant) == (4, uuid.RFC_4122)


def test_uuids_may_be_written_without_hyphens() -> None:
    with_hyphens, without = generate("generate_uuid"), generate("generate_uuid", include_hyphens=False)
    assert [text.replace("-", "") for text in with_hyphens] == without


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("generate_string", {"min": 8, "max": 100}, Uniqueness.LOSSY),
        ("generate_string", {"min": 11, "max": 100}, Uniqueness.NOT_GUARANTEED),
        ("generate_string", {"min": 22, "max": 100}, Uniqueness.PRESERVED),
        ("generate_int64", {}, Uniqueness.LOSSY),
        ("generate_int64", {"max": 10**20}, Uniqueness.NOT_GUARANTEED),
    ],
)
def test_the_uniqueness_class_follows_the_room_there_is(name: str, parameters: Any, expected: Uniqueness) -> None:
    definition = catalogue()[name]
    assert definition.uniqueness_of(definition.parameters.model_validate(parameters)) is expected


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("generate_int64", {"min": 2, "max": 1}, "mappings.A"),
        ("generate_int64", {"min": 1.5}, "mappings.A.min"),
        ("generate_int64", {"max": True}, "mappings.A.max"),
        ("generate_int64", {"max": 10**38}, "mappings.A.max"),
        ("generate_int64", {"randomize_sign": 1}, "mappings.A.randomize_sign"),
        ("generate_float64", {"min": 2, "max": 1}, "mappings.A"),
        ("generate_float64", {"min": 1.11, "max": 1.19, "precision": 2}, "mappings.A"),
        ("generate_float64", {"max": float("inf")}, "mappings.A.max"),
        ("generate_float64", {"precision": 39}, "mappings.A.precision"),
        ("generate_float64", {"min": "1"}, "mappings.A.min"),
        ("generate_string", {"min": 0}, "mappings.A.min"),
        ("generate_string", {"min": 5, "max": 4}, "mappings.A"),
        ("generate_uuid", {"include_hyphens": "yes"}, "mappings.A.include_hyphens"),
        ("generate_bool", {"min": 1}, "mappings.A.min"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        generate(name, **parameters)
    assert error.value.place == place
