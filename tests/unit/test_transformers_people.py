"""Business names, user names, genders."""

import re
from typing import Any, get_args

import pytest

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.corpora import Locale, words
from airflow_dynsync.engine.transformers.people import GENDERS

LOCALES = pytest.mark.parametrize("locale", get_args(Locale))


def generate(name: str, count: int, **parameters: Any) -> list[str]:
    """Return what a generator draws for as many items."""
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}},
        key_attributes=("Id",),
        secret=b"a secret of the tests",
    )
    items = plan.apply([{"Id": {"N": str(number)}, "A": {"S": "x"}} for number in range(count)])
    return [item["A"]["S"] for item in items]


def chi_square(drawn: list[str]) -> float:
    """Return the statistic of the hypothesis that all of what was drawn is as likely."""
    found = sorted(set(drawn))
    expected = len(drawn) / len(found)
    return sum((drawn.count(each) - expected) ** 2 / expected for each in found)


@LOCALES
def test_a_business_name_is_a_form_of_its_locale_with_last_names_of_its_locale(locale: Any) -> None:
    last_names, forms = words("last_names", locale), words("companies", locale)
    drawn = generate("generate_business_name", 100, locale=locale)
    for name in drawn:
        one_of_them = "|".join(re.escape(last_name) for last_name in last_names if last_name in name)
        assert any(
            re.fullmatch(re.escape(form).replace(r"\{\}", f"(?:{one_of_them})"), name)
            for form in forms
            if all(part in name for part in form.split("{}"))
        )
    assert len(set(drawn)) > 60


@LOCALES
@pytest.mark.parametrize("max_length", [2, 5, 10, 15])
def test_a_business_name_has_at_most_max_length(locale: Any, max_length: int) -> None:
    drawn = generate("generate_business_name", 100, locale=locale, max_length=max_length)
    assert 1 <= min(map(len, drawn)) <= max(map(len, drawn)) <= max_length
    assert all(name == name.strip(" ,-") for name in drawn)


def test_a_user_name_is_an_initial_a_last_name_and_four_digits() -> None:
    last_names = {re.sub("[^a-z]", "", name.lower()) for name in words("last_names", "en")}
    drawn = generate("generate_username", 500)
    for name in drawn:
        match = re.fullmatch("[a-z]([a-z]+)[0-9]{4}", name)
        assert match
        assert match[1] in last_names
    assert len(set(drawn)) == 500


@pytest.mark.parametrize("max_length", [2, 3, 7, 12])
def test_a_user_name_has_at_most_max_length_and_always_letters_and_digits(max_length: int) -> None:
    drawn = generate("generate_username", 200, max_length=max_length)
    assert max(map(len, drawn)) == max_length
    assert all(re.fullmatch("[a-z]+[0-9]+", name) for name in drawn)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, set(GENDERS)),
        ({"max_length": 9}, set(GENDERS)),
        ({"abbreviate": True}, set("fmnu")),
        ({"max_length": 8}, set("fmnu")),
        ({"max_length": 1, "abbreviate": True}, set("fmnu")),
    ],
)
def test_each_gender_is_drawn_as_often(parameters: Any, expected: set[str]) -> None:
    drawn = generate("generate_gender", 4000, **parameters)
    assert set(drawn) == expected
    assert chi_square(drawn) < 30.7  # three degrees of freedom at 1E-6


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("generate_business_name", {"max_length": 1}, "mappings.A.max_length"),
        ("generate_business_name", {"locale": "xx"}, "mappings.A.locale"),
        ("generate_username", {"max_length": 1}, "mappings.A.max_length"),
        ("generate_username", {"locale": "en"}, "mappings.A.locale"),
        ("generate_gender", {"max_length": 0}, "mappings.A.max_length"),
        ("generate_gender", {"abbreviate": "yes"}, "mappings.A.abbreviate"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        generate(name, 0, **parameters)
    assert error.value.place == place
