"""generate_card_number, generate_ssn, generate_sha256hash and transform_uuid."""

import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.transformers.identifiers import luhn_digit

SECRET = b"a secret of the tests"


def apply(name: str, *values: str, **parameters: Any) -> list[Any]:
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}}, key_attributes=("Id",), secret=SECRET
    )
    items = plan.apply([{"Id": {"N": str(number)}, "A": {"S": value}} for number, value in enumerate(values)])
    return [item["A"] for item in items]


def texts(name: str, *values: str, **parameters: Any) -> list[str]:
    return [value["S"] for value in apply(name, *values, **parameters)]


@pytest.mark.parametrize("number", ["4111111111111111", "378282246310005", "6011111111111117", "79927398713"])
def test_the_luhn_digit_is_that_of_published_numbers(number: str) -> None:
    assert luhn_digit(number[:-1]) == number[-1]


def test_card_numbers_begin_like_test_numbers_and_end_with_the_right_digit() -> None:
    numbers = [value["N"] for value in apply("generate_card_number", *["x"] * 300)]
    assert {number[:6] for number in numbers} == {"400000", "555555"}
    assert all(len(number) == 16 and luhn_digit(number[:-1]) == number[-1] for number in numbers)
    assert len(set(numbers)) == 300


def test_card_numbers_without_luhn_end_with_any_digit() -> None:
    numbers = texts("generate_card_number", *["x"] * 300, valid_luhn=False, as_string=True)
    assert {number[-1] for number in numbers} == set("0123456789")
    assert any(luhn_digit(number[:-1]) != number[-1] for number in numbers)


def test_realistic_card_numbers_are_of_visa_and_of_both_ranges_of_mastercard() -> None:
    numbers = texts("generate_card_number", *["x"] * 300, realistic=True, as_string=True)
    assert all(re.fullmatch(r"(4|5[1-5]|2[2-7])\d+", number) and len(number) == 16 for number in numbers)
    assert all(luhn_digit(number[:-1]) == number[-1] for number in numbers)
    assert {number[0] for number in numbers} == {"2", "4", "5"}
    assert len({number[:4] for number in numbers if number[0] == "4"}) > 50


def test_social_security_numbers_are_never_assigned_ones_nor_taxpayer_numbers() -> None:
    numbers = texts("generate_ssn", *["x"] * 500)
    assert all(re.fullmatch(r"9\d\d-[0-4]\d-\d{4}", number) for number in numbers)
    assert not any("-00-" in number or number.endswith("-0000") for number in numbers)
    assert len({number[:3] for number in numbers}) > 90


def test_realistic_social_security_numbers_have_assigned_areas() -> None:
    areas = {int(number[:3]) for number in texts("generate_ssn", *["x"] * 3000, realistic=True)}
    assert min(areas) >= 1
    assert max(areas) < 900
    assert 666 not in areas
    assert len(areas) > 800


def test_a_sha256_hash_is_64_digits_that_are_another_for_each_item() -> None:
    digests = texts("generate_sha256hash", *["x"] * 50)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert len(set(digests)) == 50


@given(st.uuids())
def test_a_uuid_becomes_a_version_4_one_with_its_hyphens_and_its_case(uuid: UUID) -> None:
    written = [str(uuid), str(uuid).upper(), uuid.hex, uuid.hex.upper()]
    results = texts("transform_uuid", *written)
    (pseudonym,) = set(map(UUID, results))
    assert pseudonym.version == 4
    assert pseudonym.variant == "specified in RFC 4122"
    assert pseudonym != uuid
    assert results[0] == str(pseudonym)
    assert results[2] == pseudonym.hex
    if any(digit.isalpha() for digit in uuid.hex):
        assert results[1] == str(pseudonym).upper()
        assert results[3] == pseudonym.hex.upper()


@pytest.mark.parametrize(
    "value",
    [
        "mary",
        "6fa459ea-ee8a-3ca4-894e-db77e160355",
        "6fa459ea-ee8a-3ca4-894e-db77e160355e\n",
        "6fa459eaee8a-3ca4-894e-db77e160355e",
        "{6fa459ea-ee8a-3ca4-894e-db77e160355e}",
        "６fa459ea-ee8a-3ca4-894e-db77e160355e",
    ],
)
def test_what_is_no_uuid_is_refused_without_the_value(value: str) -> None:
    with pytest.raises(TransformError, match="a UUID of 32 hexadecimal digits") as error:
        texts("transform_uuid", value)
    assert error.value.row == 0
    assert value not in str(error.value)


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("generate_card_number", {"valid_luhn": 1}, "mappings.A.valid_luhn"),
        ("generate_card_number", {"as_string": "yes"}, "mappings.A.as_string"),
        ("generate_ssn", {"realistic": "no"}, "mappings.A.realistic"),
        ("transform_uuid", {"hyphens": True}, "mappings.A.hyphens"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        apply(name, "x", **parameters)
    assert error.value.place == place
