"""transform_string, transform_hash and transform_mask."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, catalogue, compile_plan
from airflow_dynsync.engine.definitions import Uniqueness
from airflow_dynsync.engine.keyed import Secret

SECRET = b"a secret of the tests"


def apply(name: str, *values: Any, **parameters: Any) -> list[Any]:
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}}, key_attributes=("Id",), secret=SECRET
    )
    items = plan.apply(
        [
            {"Id": {"N": str(number)}, "A": value if isinstance(value, dict) else {"S": value}}
            for number, value in enumerate(values)
        ]
    )
    return [item["A"]["S"] for item in items]


def scalar(name: str, value: str, **parameters: Any) -> str:
    definition = catalogue()[name]
    function = definition.scalar(definition.parameters.model_validate(parameters))
    return function(value, Secret(SECRET).keyed("test").stream(value.encode()))


def test_strings_become_letters_and_digits_of_the_wanted_lengths() -> None:
    values = [f"value {number}" for number in range(300)]
    assert {len(text) for text in apply("transform_string", *values, min_length=4, max_length=6)} == {4, 5, 6}
    by_default = apply("transform_string", *values)
    assert all(3 <= len(text) <= 100 and text.isascii() and text.isalnum() for text in by_default)


@given(st.text(min_size=1))
def test_preserve_length_is_exact_whatever_the_string(value: str) -> None:
    result = scalar("transform_string", value, preserve_length=True)
    assert len(result) == len(value)
    assert result.isalnum()


@pytest.mark.parametrize(
    ("encoding", "characters"),
    [("hex", "[0-9a-f]"), ("base32", "[A-Z2-7]"), ("base58", "[1-9A-HJ-NP-Za-km-z]")],
)
@pytest.mark.parametrize("length", [1, 22, 200])
def test_a_hash_has_the_length_the_characters_and_the_prefix(encoding: str, characters: str, length: int) -> None:
    (result,) = apply("transform_hash", "Mary", encoding=encoding, length=length, prefix="c-")
    assert re.fullmatch(f"c-{characters}{{{length}}}", result)


def test_a_hash_depends_on_the_value_and_the_secret_alone() -> None:
    one, other, again = apply("transform_hash", "Mary", "John", "Mary")
    assert one == again != other
    plan = compile_plan({"mappings": {"A": "transform_hash"}}, secret=b"another secret of the tests")
    assert plan.apply([{"A": {"S": "Mary"}}])[0]["A"]["S"] != one


def test_numbers_and_binaries_are_hashed_too() -> None:
    results = apply("transform_hash", {"N": "12345678901234567890123456789012345678"}, {"B": "AAEC"})
    assert all(re.fullmatch("[0-9a-f]{32}", result) for result in results)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, Uniqueness.PRESERVED),
        ({"length": 31}, Uniqueness.NOT_GUARANTEED),
        ({"length": 15}, Uniqueness.LOSSY),
        ({"encoding": "base58", "length": 22}, Uniqueness.PRESERVED),
        ({"encoding": "base58", "length": 21}, Uniqueness.NOT_GUARANTEED),
        ({"encoding": "base32", "length": 26}, Uniqueness.PRESERVED),
    ],
)
def test_a_hash_keeps_values_apart_from_128_bits_on(parameters: Any, expected: Uniqueness) -> None:
    definition = catalogue()["transform_hash"]
    assert definition.uniqueness_of(definition.parameters.model_validate(parameters)) is expected


@pytest.mark.parametrize(
    ("value", "parameters", "result"),
    [
        ("4012 8888 8888 1881", {"keep_last": 4}, "**** **** **** 1881"),
        ("4012-8888", {"keep_first": 2, "keep_last": 1, "character": "x"}, "40xx-xxx8"),
        ("mary@acme.com", {"keep_first": 1}, "m***@****.***"),
        ("Żaneta 用户", {"keep_first": 1}, "Ż***** **"),
        ("1881", {"keep_last": 4}, "****"),
        ("12", {"keep_first": 5, "keep_last": 5}, "**"),
        ("--- !", {}, "*****"),
        ("AB-1234", {"pattern": r"\d", "keep_last": 2}, "AB-**34"),
        ("AB-CD", {"pattern": r"\d"}, "*****"),
        ("card 4012, ok", {"pattern": r"\d+", "character": "#"}, "card ####, ok"),
    ],
)
def test_a_mask_keeps_what_it_is_told_to(value: str, parameters: Any, result: str) -> None:
    assert apply("transform_mask", value, **parameters) == [result]


@given(st.text(min_size=1), st.integers(0, 5), st.integers(0, 5))
def test_a_mask_keeps_the_length_and_at_most_what_it_is_told_to(value: str, first: int, last: int) -> None:
    result = scalar("transform_mask", value, keep_first=first, keep_last=last, pattern="(?s).")
    assert len(result) == len(value)
    hidden = len(value) - first - last
    expected = value[:first] + "*" * hidden + value[len(value) - last :] if hidden > 0 else "*" * len(value)
    assert result == expected


@given(st.text("aé4 -_😀") | st.text("a4 -_"), st.integers(0, 5), st.integers(0, 5))
def test_the_default_pattern_masks_like_the_same_pattern_written_otherwise(
    value: str, first: int, last: int
) -> None:
    other = r"(?:[^\s!-/:-@\[-`{-~])+"
    expected = scalar("transform_mask", value, keep_first=first, keep_last=last, pattern=other)
    assert scalar("transform_mask", value, keep_first=first, keep_last=last) == expected


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("transform_string", {"min_length": 9, "max_length": 8}, "mappings.A"),
        ("transform_string", {"min_length": 0}, "mappings.A.min_length"),
        ("transform_hash", {"encoding": "base64"}, "mappings.A.encoding"),
        ("transform_hash", {"length": 0}, "mappings.A.length"),
        ("transform_mask", {"character": "**"}, "mappings.A.character"),
        ("transform_mask", {"keep_last": -1}, "mappings.A.keep_last"),
        ("transform_mask", {"pattern": "("}, "mappings.A.pattern"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        apply(name, **parameters)
    assert error.value.place == place
