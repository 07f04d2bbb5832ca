"""First, last and full names."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, catalogue, compile_plan, corpora
from airflow_dynsync.engine.corpora import Locale, words
from airflow_dynsync.engine.corpora.build import build
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


LOCALES = pytest.mark.parametrize("locale", get_args(Locale))


@LOCALES
@pytest.mark.parametrize("name", ["first_names", "last_names"])
def test_a_word_list_holds_distinct_single_words(name: Any, locale: Any) -> None:
    found = words(name, locale)
    assert len(found) == len(set(found)) > {"en": 1000, "ja": 30}.get(locale, 100)
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


@LOCALES
@pytest.mark.parametrize("max_length", [5, 6, 7, 100])
def test_names_of_a_locale_come_from_its_lists_and_fit(locale: Any, max_length: int) -> None:
    firsts, lasts = words("first_names", locale), words("last_names", locale)
    for name in apply("generate_full_name", *["x"] * 100, locale=locale, max_length=max_length):
        first, last = name.split(" ")[:: -1 if locale == "ja" else 1]
        assert len(name) <= max_length
        assert len(first) == 2 or first in firsts
        assert len(last) == 2 or last in lasts
    for name in apply("generate_last_name", *["x"] * 100, locale=locale, max_length=2):
        assert name in {last[:2] for last in lasts}


@LOCALES
def test_a_full_name_of_a_locale_has_its_last_name_where_the_locale_puts_it(locale: Any) -> None:
    (name,) = apply("transform_full_name", "Ada Lovelace", locale=locale)
    first, last = name.split(" ")[:: -1 if locale == "ja" else 1]
    assert first in words("first_names", locale)
    assert last in words("last_names", locale)


@LOCALES
def test_preserve_length_is_exact_in_every_locale(locale: Any) -> None:
    ada, taro = apply("transform_full_name", "Ada Lovelace", "山田 太郎", locale=locale, preserve_length=True)
    assert [len(word) for word in ada.split(" ")] == [3, 8]
    assert [len(word) for word in taro.split(" ")] == [2, 2]


def test_no_list_is_read_before_a_mapping_needs_it_and_then_only_its_own() -> None:
    script = """
from airflow_dynsync.engine import catalogue, compile_plan
from airflow_dynsync.engine.corpora import rows, words
catalogue()
print(words.cache_info().currsize, rows.cache_info().currsize)
rule = {"transformer": "generate_first_name", "locale": "it"}
compile_plan({"mappings": {"A": rule}}, key_attributes=("Id",), secret=b"a secret of the tests")
print(words.cache_info().currsize, rows.cache_info().currsize)
"""
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert said.split() == ["0", "0", "1", "0"]


def test_the_lists_are_those_that_the_script_makes(tmp_path: Path) -> None:
    build(tmp_path)
    made, kept = (
        {str(file.relative_to(folder)): file.read_bytes() for file in folder.glob("*/*.txt")}
        for folder in (tmp_path, Path(corpora.__file__).parent)
    )
    assert made.keys() == kept.keys()
    assert [name for name in made if made[name] != kept[name]] == [], "run build.py and raise CORPUS_VERSION"


def test_all_lists_together_are_small() -> None:
    files = list(Path(corpora.__file__).parent.glob("*/*.txt"))
    assert {file.parent.name for file in files} == set(get_args(Locale))
    assert sum(file.stat().st_size for file in files) < 1_000_000


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
