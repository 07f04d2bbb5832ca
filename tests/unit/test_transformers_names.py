"""First, last and full names."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, catalogue, compile_plan
from airflow_dynsync.engine.corpora import words
from airflow_dynsync.engine.keyed import Secret

SECRET = b"a secret of the tests"
FIRST, LAST = words("first_names", "en"), words("last_names", "en")


def apply(name: str, *values: str, **parameters: Any) -> list[str]:
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}}, key_attributes=("Id",), secret=SECRET
    )
    items = plan.apply([{"Id": {"N": str(number)}, "A": {"S": value}} for number, value in enumerate(values)])
    return [item["A"]["S"] for item in items]


def scalar(name: str, value: str, **parameters: Any) -> str:
    definition = catalogue()[name]
    function = definition.scalar(definition.parameters.model_validate(parameters))
    return function(value, Secret(SECRET).keyed("test").stream(value.encode()))


@pytest.mark.parametrize("name", ["first_names", "last_names"])
def test_a_word_list_holds_distinct_single_words(name: Any) -> None:
    found = words(name, "en")
    assert len(found) == len(set(found)) > 1000
    assert all(re.fullmatch(r"[^\W\d_]+(['-][^\W\d_]+)*", word) and len(word) >= 2 for word in found)


def test_generated_names_come_from_the_lists() -> None:
    values = ["x"] * 200
    assert set(apply("generate_first_name", *values)) <= set(FIRST)
    assert set(apply("generate_last_name", *values)) <= set(LAST)
    for name in apply("generate_full_name", *values):
        first, last = name.split(" ")
        assert first in FIRST
        assert last in LAST


@pytest.mark.parametrize("kind", ["first", "last", "full"])
@pytest.mark.parametrize("max_length", [5, 6, 7, 9, 12, 20])
def test_generated_names_have_at_most_max_length(kind: str, max_length: int) -> None:
    names = apply(f"generate_{kind}_name", *["x"] * 100, max_length=max_length)
    assert max(map(len, names)) <= max_length
    assert min(map(len, names)) >= 2


def test_a_name_is_replaced_by_the_same_one_everywhere() -> None:
    mary, john, again = apply("transform_first_name", "Mary", "John", "Mary")
    assert mary == again != "Mary"
    assert {mary, john} <= set(FIRST)
    assert set(apply("transform_last_name", "Smith", "Jones")) <= set(LAST)


@pytest.mark.parametrize("kind", ["first", "last", "full"])
@given(value=st.text(min_size=1))
def test_preserve_length_is_exact_whatever_the_name(kind: str, value: str) -> None:
    result = scalar(f"transform_{kind}_name", value, preserve_length=True)
    assert len(result) == len(value)


@given(st.text(min_size=1))
def test_a_full_name_keeps_its_number_of_words_and_its_spaces(value: str) -> None:
    for preserve_length in (True, False):
        result = scalar("transform_full_name", value, preserve_length=preserve_length)
        assert len(result.split()) == len(value.split())
        assert re.findall(r"\s+", result) == re.findall(r"\s+", value)


def test_a_full_name_ends_with_a_last_name() -> None:
    *given, last = apply("transform_full_name", "Ana Maria de Souza")[0].split(" ")
    assert last in LAST
    assert set(given) <= set(FIRST)


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=2), min_size=1, max_size=9).map(" ".join))
def test_a_full_name_is_no_longer_than_max_length_or_the_value(value: str) -> None:
    assert len(scalar("transform_full_name", value, max_length=15)) <= max(15, len(value))


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("generate_first_name", {"max_length": 1}, "mappings.A.max_length"),
        ("generate_full_name", {"max_length": 4}, "mappings.A.max_length"),
        ("transform_full_name", {"preserve_length": "true"}, "mappings.A.preserve_length"),
        ("transform_last_name", {"locale": "xx"}, "mappings.A.locale"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        apply(name, **parameters)
    assert error.value.place == place
