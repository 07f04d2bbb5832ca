"""Identifiers with a form of their own: card numbers, social security numbers, SHA-256 digests, UUIDs."""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import Field

from airflow_dynsync.engine.columns import value_by_value
from airflow_dynsync.engine.definitions import (
    Compiler,
    Definition,
    Example,
    Parameters,
    Scalar,
    Step,
    Uniqueness,
    uniqueness_of_random,
)
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.transformers.primitives import uuid4_digits
from airflow_dynsync.engine.values import EVERY_TYPE_BUT_SETS, WireItem, WrongFormError

DIGITS: Final = "0123456789"
CARD_DIGITS: Final = 16

TEST_PREFIXES: Final = (("400000",), ("555555",))
"""How the test numbers begin that payment processors publish for Visa and Mastercard."""

REALISTIC_PREFIXES: Final = (("4",), ("51", "52", "53", "54", "55"), tuple(map(str, range(2221, 2721))))
"""How the numbers of Visa and Mastercard (both of its ranges) begin."""

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-?)[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{4}\1[0-9A-Fa-f]{12}")


class GenerateCardNumber(Parameters):
    """Parameters of generate_card_number."""

    valid_luhn: bool = Field(
        default=True, description="End with the right check digit; otherwise that digit is drawn like the others."
    )
    realistic: bool = Field(
        default=False,
        description="Draw from all numbers of Visa and Mastercard, where one may be somebody's; otherwise from"
        " those that begin like the test numbers of payment processors.",
    )
    as_string: bool = Field(default=False, description="Write it as a string (S), not as a number (N).")


_DOUBLED: Final = str.maketrans(DIGITS, "0246813579")
"""For each digit, the sum of the digits of twice as much."""


def luhn_digit(digits: str) -> str:
    """Return the check digit that belongs behind these digits (ISO/IEC 7812-1, annex B)."""
    total = sum(map(int, digits[-1::-2].translate(_DOUBLED) + digits[-2::-2]))
    return str(-total % 10)


def _generate_card_number(parameters: GenerateCardNumber) -> Scalar:
    prefixes = REALISTIC_PREFIXES if parameters.realistic else TEST_PREFIXES
    valid_luhn, as_string = parameters.valid_luhn, parameters.as_string

    def generate(_value: Any, stream: Stream) -> str | int:
        prefix = stream.choice(stream.choice(prefixes))
        digits = prefix + stream.text(DIGITS, CARD_DIGITS - 1 - len(prefix))
        digits += luhn_digit(digits) if valid_luhn else stream.choice(DIGITS)
        return digits if as_string else int(digits)

    return generate


class GenerateSsn(Parameters):
    """Parameters of generate_ssn."""

    realistic: bool = Field(
        default=False,
        description="Draw an area that is assigned, 001 to 899 without 666, where a number may be somebody's;"
        " otherwise one that never is, 900 to 999.",
    )


def _generate_ssn(parameters: GenerateSsn) -> Scalar:
    """Draw area, group and serial; none of a real number's parts is all zeros (SSA, "Randomization FAQs").

    Groups from 50 on behind a 9 are those of taxpayer identification numbers (IRS Publication 1915).
    """
    if parameters.realistic:
        areas: tuple[int, ...] = tuple(area for area in range(1, 900) if area != 666)
        groups = 99
    else:
        areas, groups = tuple(range(900, 1000)), 49

    def generate(_value: Any, stream: Stream) -> str:
        area = stream.choice(areas)
        return f"{area:03}-{stream.between(1, groups):02}-{stream.between(1, 9999):04}"

    return generate


def _transform_uuid(_parameters: Parameters, compiler: Compiler) -> Step:
    keyed = compiler.keyed

    def transform(value: str, _item: WireItem) -> str:
        if not (form := _UUID.fullmatch(value)):
            raise WrongFormError(
                "a UUID of 32 hexadecimal digits, with hyphens or without, was expected; use transform_string or"
                " transform_hash where values may be others"
            )
        # By its digits alone, so one UUID has one pseudonym, however it is written in another table.
        digits = uuid4_digits(keyed.stream(value.replace("-", "").lower().encode()))
        if form[1]:
            digits = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        return digits.upper() if value.isupper() else digits

    return value_by_value(transform, compiler.place)


DEFINITIONS: Final = (
    Definition(
        name="generate_card_number",
        summary="Draws a payment card number of 16 digits",
        parameters=GenerateCardNumber,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"N", "S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("4012 8888 8888 1881", "5555555775939417", {"as_string": True}),
        scalar=_generate_card_number,
    ),
    Definition(
        name="generate_ssn",
        summary="Draws a US social security number",
        parameters=GenerateSsn,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("078-05-1120", "994-33-0248"),
        scalar=_generate_ssn,
    ),
    Definition(
        name="generate_sha256hash",
        summary="Draws 64 hexadecimal digits, the form of a SHA-256 digest",
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=uniqueness_of_random(256),
        reads_input=False,
        example=Example("red", "6f77492566ee4f8f955e5134858979efa7e08b2e10b7f5d5e6c6a511862e5edd"),
        scalar=lambda _parameters: lambda _value, stream: stream.bytes(32).hex(),
    ),
    Definition(
        name="transform_uuid",
        summary="Replaces a UUID by a version 4 UUID of the same form",
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.NOT_GUARANTEED,
        reads_input=True,
        example=Example("6FA459EA-EE8A-3CA4-894E-DB77E160355E", "DEF7F84A-77ED-41C9-AE07-99235EA12B5E"),
        column=_transform_uuid,
    ),
)
