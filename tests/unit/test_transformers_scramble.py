"""transform_character_scramble."""

import sys
import unicodedata
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.transformers.scramble import SPECIALS, scramble, scramble_number
from airflow_dynsync.engine.values import number_text
from tests.unit.significance import SIGNIFICANCE, unevenness

SECRET = b"a secret of the tests"
NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent)),
    st.integers(0, 1),
    st.integers(1, 10**38 - 1),
    st.integers(-130, 88),
).filter(lambda number: -130 <= number.adjusted() <= 125)


def stream(value: str) -> Any:
    return Secret(SECRET).keyed("test").stream(value.encode())


def apply(*values: str, **parameters: Any) -> list[str]:
    plan = compile_plan(
        {"mappings": {"A": {"transformer": "transform_character_scramble", **parameters}}}, secret=SECRET
    )
    return [item["A"]["S"] for item in plan.apply([{"A": {"S": value}} for value in values])]


def kind(char: str) -> str:
    """Return the class that a character keeps."""
    category = unicodedata.category(char)
    if char.isspace():
        return f"the white space {char!r}"
    if category[0] == "N":
        return "digit"
    if category[0] in "LM":
        return "upper" if char.isupper() or char.istitle() else "lower" if char.islower() else "letter"
    return "special"


def fits(before: str, after: str) -> bool:
    """Tell whether ``after`` may stand for ``before``: letters of scripts with few letters become Latin ones."""
    return kind(after) == kind(before) or (kind(before) == "letter" and kind(after) == "lower")


def test_a_plain_string_keeps_its_form() -> None:
    (result,) = apply("Mary-Ann SMITH, 42")
    assert [kind(char) for char in result] == [kind(char) for char in "Mary-Ann SMITH, 42"]
    assert all(
        before != after or before == " " for before, after in zip("Mary-Ann SMITH, 42", result, strict=True)
    )


@given(st.text())
def test_any_string_keeps_its_length_and_the_classes_of_its_characters(value: str) -> None:
    result = scramble(value, stream(value))
    assert len(result) == len(value)
    for before, after in zip(value, result, strict=True):
        assert fits(before, after)
        assert (before == after) is before.isspace()


def test_every_character_of_unicode_has_others_of_its_class() -> None:
    every = "".join(chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000)
    result = scramble(every, stream(""))
    wrong = [
        hex(ord(before))
        for before, after in zip(every, result, strict=True)
        if not fits(before, after) or (before == after) is not before.isspace()
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("value", "script"),
    [("Мария", "CYRILLIC"), ("Ελενη", "GREEK"), ("田中", "CJK"), ("김민수", "HANGUL"), ("नमस्ते", "DEVANAGARI")],
)
def test_letters_of_another_script_stay_in_it(value: str, script: str) -> None:
    (result,) = apply(value)
    assert all(unicodedata.name(char).startswith(script) for char in result)


@pytest.mark.parametrize("char", ["漢", "김", "ж", "e", "7"])
def test_the_letters_of_a_large_script_are_drawn_as_evenly_as_those_of_a_small_one(char: str) -> None:
    drawn = [scramble(char, stream(str(number))) for number in range(20_000)]
    few = len(set(drawn)) < 200
    outcomes = [letter if few else ord(letter) // 256 for letter in drawn]
    assert unevenness(outcomes, dict.fromkeys(outcomes, 1)) > SIGNIFICANCE


def test_digits_of_another_script_stay_in_it() -> None:
    (result,) = apply("٠١٢٣")
    assert all("٠" <= char <= "٩" for char in result)


def test_every_letter_but_its_own_can_stand_for_a_letter() -> None:
    assert set(scramble("m" * 2000, stream("m"))) == set("abcdefghijklnopqrstuvwxyz")


def test_specials_separate_no_parts_of_keys() -> None:
    (result,) = apply("#|:/_-.@" * 50)
    assert set(result) == set(SPECIALS)
    assert not set(SPECIALS) & set("#|:/_-.@ ")


def test_with_a_regex_only_what_matches_changes() -> None:
    (result,) = apply("Order 4711 of Mary", user_provided_regex=r"\d+")
    assert result.startswith("Order ")
    assert result.endswith(" of Mary")
    assert result[6:10].isdigit()
    assert not set(zip("4711", result[6:10], strict=True)) & set(zip("4711", "4711", strict=True))


@pytest.mark.parametrize("pattern", [r"\d+", "", "x*"])
def test_with_a_regex_that_matches_nothing_everything_changes(pattern: str) -> None:
    (result,) = apply("Mary", user_provided_regex=pattern)
    assert all(before != after for before, after in zip("Mary", result, strict=True))


@given(NUMBERS)
def test_a_number_keeps_its_sign_and_the_places_of_its_digits(number: Decimal) -> None:
    number = Decimal(number_text(number))
    result = Decimal(scramble_number(number, stream(str(number))))
    before, after = number_text(number), number_text(result)
    assert len(after) == len(before)
    assert result != number
    assert result.is_signed() == number.is_signed()
    assert result.adjusted() == number.adjusted()
    assert after.find(".") == before.find(".")


def test_zero_becomes_another_digit() -> None:
    assert 1 <= scramble_number(Decimal(0), stream("0")) <= 9


def test_a_number_is_scrambled_in_an_item() -> None:
    plan = compile_plan({"mappings": {"A": "transform_character_scramble"}}, secret=SECRET)
    (item,) = plan.apply([{"A": {"NS": ["-12.5", "1" + "0" * 125]}}])
    small, large = sorted(item["A"]["NS"], key=len)
    assert Decimal("-99.9") <= Decimal(small) <= Decimal("-10.1")
    assert len(large) == 126


def test_a_wrong_regex_is_an_error_when_compiled() -> None:
    with pytest.raises(MappingError, match=r"^mappings\.A\.user_provided_regex: expected a regular expression"):
        apply("x", user_provided_regex="[")
