"""transform_fpe."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.values import number_text, to_python, to_wire

SECRET = b"a secret of the tests"
NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent)),
    st.integers(0, 1),
    st.integers(1, 10**38 - 1),
    st.integers(-130, 88),
).filter(lambda number: -130 <= number.adjusted() <= 125)


def apply(values: list[Any], *, key: bool = False, **parameters: Any) -> list[Any]:
    plan = compile_plan(
        {"mappings": {"V": {"transformer": "transform_fpe", **parameters}}},
        key_attributes=("V",) if key else ("Id",),
        secret=SECRET,
    )
    return [
        to_python(item["V"]) if "V" in item else "gone" for item in plan.apply([{"V": to_wire(v)} for v in values])
    ]


def test_a_string_keeps_its_length_its_alphabet_and_what_is_kept() -> None:
    (result,) = apply(["DE-4711-0815"], keep="^[A-Z]{2}|-")
    assert result.startswith("DE-")
    assert [len(part) for part in result.split("-")] == [2, 4, 4]
    assert result.replace("-", "")[2:].isdigit()
    assert result != "DE-4711-0815"


@given(st.lists(st.text("0123456789abcXYZ", min_size=4, max_size=90), unique=True, max_size=20))
def test_strings_keep_their_length_and_stay_different(values: list[str]) -> None:
    results = apply(values, alphabet="alphanumeric")
    assert [*map(len, results)] == [*map(len, values)]
    assert len(set(results)) == len(values)
    assert all(result.isascii() and result.isalnum() for result in results)


@given(st.lists(NUMBERS, unique=True, max_size=20))
def test_numbers_keep_sign_digits_and_decimals_and_stay_different(values: list[Decimal]) -> None:
    results = apply(values, too_short="encrypt")
    assert len(set(results)) == len(values)
    for value, result in zip(values, results, strict=True):
        before, after = number_text(value), number_text(result)
        assert after.startswith("-") is before.startswith("-")
        assert (result.adjusted(), len(before), before.find(".")) == (
            value.adjusted(),
            len(after),
            after.find("."),
        )


@pytest.mark.parametrize("kind", ["S", "N"])
def test_a_hundred_thousand_values_get_as_many_results(kind: str) -> None:
    numbers = range(100_000, 200_000)
    values = [*map(str if kind == "S" else Decimal, numbers)]
    results = apply(values, key=True)
    assert len(set(results)) == len(values) == 100_000
    assert all(len(str(result)) == 6 for result in results)


@pytest.mark.parametrize("values", [range(1, 10), range(10, 100), range(100, 1000), range(1000, 10_000)])
def test_all_numbers_of_one_length_trade_places_where_short_ones_are_encrypted(values: range) -> None:
    numbers = [*map(Decimal, values)]
    assert sorted(apply(numbers, too_short="encrypt")) == numbers


def test_all_decimals_of_one_form_trade_places() -> None:
    numbers = [Decimal(n).scaleb(-2) for n in range(100, 1000) if n % 10]
    assert sorted(apply(numbers, too_short="encrypt")) == numbers


def test_zero_has_no_digit_to_encrypt() -> None:
    assert apply([Decimal(0)], too_short="encrypt") == [0]
    with pytest.raises(TransformError, match="too few characters"):
        apply([Decimal(0)])


def test_a_pattern_that_looks_around_keeps_it_one_to_one() -> None:
    values = [f"{n:04}" for n in range(10_000)]
    results = apply(values, keep=r"(?<=7)\d|\d(?=00)", too_short="encrypt")
    assert len(set(results)) == 10_000


def test_a_key_and_a_reference_to_it_agree_and_another_realm_does_not() -> None:
    plan = compile_plan(
        {
            "mappings": {
                "Id": "transform_fpe",
                "Parent": "transform_fpe",
                "Ref": {
                    "transformer": "transform_template",
                    "template": "O#{id}",
                    "parts": {"id": "transform_fpe"},
                },
                "Other": {"transformer": "transform_fpe", "realm": "other"},
            }
        },
        key_attributes=("Id",),
        secret=SECRET,
    )
    number = {"S": "47110815"}
    (item,) = plan.apply([{"Id": number, "Parent": number, "Ref": {"S": "O#47110815"}, "Other": number}])
    assert item["Parent"] == item["Id"] != number
    assert item["Ref"] == {"S": "O#" + item["Id"]["S"]}
    assert item["Other"] != item["Id"]


def test_an_alphabet_of_ones_own_may_hold_any_characters() -> None:
    letters = "αβγδεζηθ"
    (result,) = apply(["αβγδεζηθ"], alphabet="custom", characters=letters)
    assert len(result) == 8
    assert set(result) <= set(letters)
    assert result != letters


@pytest.mark.parametrize(
    ("value", "parameters", "message"),
    [
        ("12345", {}, "at least 6 are needed"),
        ("a1b", {"alphabet": "alphanumeric"}, "at least 4 are needed"),
        (Decimal("12345"), {"alphabet": "alphanumeric"}, "at least 6 are needed"),
        ("12-34-5", {"keep": "-"}, "at least 6 are needed"),
        ("123456a", {}, "not of the alphabet"),
        ("1" * 4097, {}, "more than 4096"),
        ("1234567", {"length": 8}, "another number of characters"),
    ],
)
def test_a_value_that_cannot_be_encrypted_names_the_rule_and_not_itself(
    value: Any, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        apply(["12345678" if "length" in parameters else "123456", value], **parameters)
    assert caught.value.place == "mappings.V"
    assert caught.value.row == 1
    assert str(value) not in str(caught.value)


@pytest.mark.parametrize(("policy", "result"), [("null", None), ("drop", "gone")])
def test_a_value_too_short_is_nulled_or_dropped_where_the_rule_says_so(policy: str, result: Any) -> None:
    assert apply(["123"], too_short=policy) == [result]


def test_a_key_is_not_nulled_for_being_short() -> None:
    with pytest.raises(MappingError, match="different keys the same value"):
        apply(["123456"], key=True, too_short="null")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"length": 5}, "at least 6 are needed"),
        ({"length": 3, "alphabet": "alphanumeric"}, "at least 4 are needed"),
        ({"alphabet": "custom"}, "give both or neither"),
        ({"characters": "ab"}, "give both or neither"),
        ({"alphabet": "custom", "characters": "aba"}, "name each once"),
        ({"alphabet": "custom", "characters": "a"}, "at least 2"),
        ({"keep": "["}, "regular expression"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        apply(["123456"], **parameters)
