"""Generated and transformed phone numbers."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, compile_plan

SECRET = b"a secret of the tests"
NOBODYS = re.compile(r"[2-9][0-8]\d55501\d\d")


def apply(name: str, *values: Any, **parameters: Any) -> list[str]:
    """Return the texts of the results; a value that is a text is a string, others are in wire form."""
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}}, key_attributes=("Id",), secret=SECRET
    )
    items = plan.apply(
        [
            {"Id": {"N": str(number)}, "A": value if isinstance(value, dict) else {"S": value}}
            for number, value in enumerate(values)
        ]
    )
    return [text for item in items for text in item["A"].values()]


def test_generated_numbers_are_nobodys() -> None:
    values = ["x"] * 300
    for number in apply("generate_int64_phone_number", *values) + apply("generate_string_phone_number", *values):
        assert NOBODYS.fullmatch(number)
    for number in apply("generate_e164_phone_number", *values):
        assert number.startswith("+1")
        assert NOBODYS.fullmatch(number[2:])


def test_area_codes_are_of_geographic_form_and_many() -> None:
    areas = {number[:3] for number in apply("generate_string_phone_number", *["x"] * 2000)}
    assert len(areas) > 500
    assert not any(area[1] == area[2] or area[1] == "9" for area in areas)


@pytest.mark.parametrize("realistic", [False, True])
@pytest.mark.parametrize(("low", "high"), [(1, 6), (7, 7), (7, 9), (9, 15), (11, 15), (12, 15), (15, 15)])
def test_generated_numbers_have_from_min_to_max_digits(low: int, high: int, realistic: bool) -> None:
    parameters = {"min": low, "max": high, "realistic": realistic}
    for number in apply("generate_string_phone_number", *["x"] * 50, **parameters):
        assert re.fullmatch(rf"[0-9]{{{low},{high}}}", number)
    if low >= 7:
        for number in apply("generate_e164_phone_number", *["x"] * 50, **parameters):
            assert re.fullmatch(rf"\+[1-9][0-9]{{{low - 1},{high - 1}}}", number)
            assert realistic or number.startswith("+999") or NOBODYS.fullmatch(number[2:])


def test_realistic_numbers_are_of_every_allowed_length_and_not_of_555() -> None:
    values = ["x"] * 300
    assert {len(text) for text in apply("generate_string_phone_number", *values, realistic=True)} == {
        *range(9, 16)
    }
    assert {len(text) for text in apply("generate_e164_phone_number", *values, realistic=True)} == {*range(10, 17)}
    drawn = apply("generate_int64_phone_number", *values, realistic=True)
    assert all(re.fullmatch(r"[2-9][0-8]\d[2-9]\d{6}", number) for number in drawn)
    assert len(set(drawn)) == 300


def test_transformed_numbers_are_nobodys_whatever_the_value() -> None:
    strings = apply("transform_phone_number", "(415) 392-7000", "+49 30 227-32152", "unknown", "٠٣٠٢٢٧")
    numbers = apply("transform_int64_phone_number", {"N": "4153927000"}, {"N": "0"}, {"N": "493022732152"})
    assert all(NOBODYS.fullmatch(number) for number in strings + numbers)
    (international,) = apply("transform_e164_phone_number", "+493022732152")
    assert international.startswith("+1")
    assert NOBODYS.fullmatch(international[2:])


@pytest.mark.parametrize("realistic", [False, True])
@given(value=st.text().filter(lambda text: any(character.isdecimal() for character in text)))
def test_preserve_length_keeps_the_length_the_separators_and_the_number_of_digits(
    realistic: bool, value: str
) -> None:
    (result,) = apply("transform_phone_number", value, preserve_length=True, realistic=realistic)
    assert len(result) == len(value)
    for before, after in zip(value, result, strict=True):
        if before.isdecimal():
            assert after in "0123456789"
        elif not before.isalnum():
            assert after == before


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("(415) 392-7000", r"\(\d{3}\) 555-01\d\d"),
        ("+1 415.392.7000", r"\+1 \d{3}\.555\.01\d\d"),
        ("392-7000", r"555-01\d\d"),
        ("+49 30 227-32152", r"\+99 9\d \d{3}-\d{5}"),
        ("4153927000 ext", r"\d{3}55501\d\d [a-z]{3}"),
        ("%s 415%392 7000%d", r"%[a-rt-z] \d{3}%555 01\d\d%[a-ce-z]"),
        ("%415%%392{7000}", r"%\d{3}%%555\{01\d\d\}"),
        ("4-1-5-3-9-2-7-0-0-0", r"\d-\d-\d-5-5-5-0-1-\d-\d"),
    ],
)
def test_a_number_with_its_form_preserved_is_nobodys(value: str, form: str) -> None:
    (result,) = apply("transform_phone_number", value, preserve_length=True)
    assert re.fullmatch(form, result)
    assert not result.endswith("ext")


@pytest.mark.parametrize("count", range(7, 16))
@pytest.mark.parametrize("realistic", [False, True])
def test_an_international_number_keeps_its_plus_and_its_number_of_digits(count: int, realistic: bool) -> None:
    values = [f"+{number:0{count}}" for number in range(1_000_000, 1_000_050)]
    for result in apply("transform_e164_phone_number", *values, preserve_length=True, realistic=realistic):
        assert re.fullmatch(rf"\+[1-9][0-9]{{{count - 1}}}", result)
        assert realistic or result.startswith("+999") or NOBODYS.fullmatch(result[2:])


@given(st.integers(min_value=0, max_value=10**38 - 1), st.booleans())
def test_a_number_keeps_its_number_of_digits(value: int, realistic: bool) -> None:
    (result,) = apply("transform_int64_phone_number", {"N": str(value)}, preserve_length=True, realistic=realistic)
    assert len(result) == len(str(value))
    assert result != str(value)


@pytest.mark.parametrize(
    "value", ["4930227", "+49 30 227", "+49a", "+", "+1234567890123456", "+4930227\n", "mary"]
)
@pytest.mark.parametrize("preserve_length", [False, True])
def test_what_is_no_international_number_is_refused_without_the_value(value: str, preserve_length: bool) -> None:
    with pytest.raises(TransformError, match=r"of the form of E\.164") as error:
        apply("transform_e164_phone_number", value, preserve_length=preserve_length)
    assert value not in str(error.value).replace("a +", "")


@pytest.mark.parametrize("value", ["-4153927000", "0.5", "1E+40"])
def test_a_number_that_is_no_phone_number_is_refused_without_the_value(value: str) -> None:
    with pytest.raises(TransformError, match="a phone number was expected") as error:
        apply("transform_int64_phone_number", {"N": value})
    assert value not in str(error.value)


def test_a_string_without_digits_whose_form_is_to_be_preserved_is_refused_without_the_value() -> None:
    with pytest.raises(TransformError, match="leave preserve_length out") as error:
        apply("transform_phone_number", "Mary Miller", preserve_length=True)
    assert "Mary" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("generate_int64_phone_number", {"realistic": "no"}, "mappings.A.realistic"),
        ("generate_string_phone_number", {"min": 0}, "mappings.A.min"),
        ("generate_string_phone_number", {"max": 16}, "mappings.A.max"),
        ("generate_string_phone_number", {"min": 10, "max": 9}, "mappings.A"),
        ("generate_e164_phone_number", {"min": 6}, "mappings.A.min"),
        ("generate_e164_phone_number", {"max": 16}, "mappings.A.max"),
        ("generate_e164_phone_number", {"min": 15, "max": 14}, "mappings.A"),
        ("transform_phone_number", {"max_length": 9}, "mappings.A.max_length"),
        ("transform_e164_phone_number", {"max_length": 11}, "mappings.A.max_length"),
        ("transform_int64_phone_number", {"preserve_length": 1}, "mappings.A.preserve_length"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        apply(name, "x", **parameters)
    assert error.value.place == place
