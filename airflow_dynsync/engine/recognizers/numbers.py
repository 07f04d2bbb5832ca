"""Numbers with a check digit or a rule: payment cards, IBANs and US social security numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from airflow_dynsync.engine.recognizers.context import near
from airflow_dynsync.engine.recognizers.findings import Finding
from airflow_dynsync.engine.recognizers.scripts import SPACE_OR_HYPHEN

_SEPARATOR: Final = f"[{SPACE_OR_HYPHEN}]"
_THIRTEEN_DIGITS: Final = re.compile(rf"\d(?<!\d\d)(?<!\d[.,]\d)(?=(?:{_SEPARATOR}?\d){{12}})")
"""Where a card number may begin. What must not stand before it comes behind its first digit, here and elsewhere:
so the search goes from digit to digit at the speed of a character class."""

_CARDS: Final = tuple(
    re.compile(rf"{form}(?!\d|[.,]\d)".replace("SEP", _SEPARATOR))
    for form in (
        r"\d{13,19}",
        r"\d{4}SEP\d{4}SEP\d{4}SEP\d{4}SEP\d{3}",
        r"\d{4}SEP\d{4}SEP\d{4}SEP\d{1,4}",
        r"\d{4}SEP\d{6}SEP\d{4,5}",
    )
)
_ISSUERS: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:36|38|39|30[0-5]\d)\d{10,17}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|6(?:011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}"  # Discover, UnionPay
    r"|(?:50|5[6-8]|6\d)\d{11,17}"  # Maestro
)
"""Issuer identification numbers (ISO/IEC 7812) with the lengths that are issued."""

_IBAN_DIGITS: Final = re.compile(r"[0-9]{2}(?<=[A-Za-z]{2}..)(?<![0-9A-Za-z]{3}..)")
_IBAN: Final = re.compile(rf"[A-Za-z]{{2}}[0-9]{{2}}(?:{_SEPARATOR}?[0-9A-Za-z]){{11,30}}")
_ALPHANUMERIC: Final = re.compile("[0-9A-Za-z]")
_IBAN_LENGTHS: Final = MappingProxyType(
    {
        country: length
        for length, countries in {
            15: "NO", 16: "BE", 18: "DK FK FO FI GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
            21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
            24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
            28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
            32: "LC", 33: "RU",
        }.items()
        for country in countries.split()
    }
)  # fmt: skip
"""Characters by country: the IBAN Registry (ISO 13616-1)."""

_SSN: Final = re.compile(
    rf"\d(?<![\d-].)(?<!9)\d\d(?<!000)(?<!666)({_SEPARATOR}?)(?!00)\d{{2}}\1(?!0000)\d{{4}}(?!\d|-\d)"
)
"""Area, group and serial, none of which is zero; 666 and 9xx are not assigned (SSA, "Randomization FAQs")."""

_SSN_WORDS: Final = frozenset({"ssn", "ssns"})
_SSN_PHRASES: Final = ("ss#", "ss #", "social security", "soc sec")


def credit_cards(text: str) -> Iterator[Finding]:
    """Find payment-card numbers: an issuer's, of its length, with the check digit of Luhn (ISO/IEC 7812-1)."""
    for first in _THIRTEEN_DIGITS.finditer(text):
        for form in _CARDS:
            match = form.match(text, first.start())
            if match and _ISSUERS.fullmatch(digits := re.sub(r"\D", "", match[0])) and _luhn(digits):
                yield Finding("CREDIT_CARD", *match.span(), 1.0)


def _luhn(digits: str) -> bool:
    numbers = [*map(int, reversed(digits))]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * number, 10)) for number in numbers[1::2])) % 10 == 0


def ibans(text: str) -> Iterator[Finding]:
    """Find IBANs: of their country's length, with their check digits, ISO 7064's MOD 97-10 (ISO 13616-1)."""
    for digits in _IBAN_DIGITS.finditer(text):
        match = _IBAN.match(text, start := digits.start() - 2)
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        if not match or not length:
            continue
        positions = [position for position in range(*match.span()) if text[position].isalnum()][:length]
        end = positions[-1] + 1
        code = "".join(text[position] for position in positions)
        if len(code) == length and not _ALPHANUMERIC.match(text, end) and _mod_97(code):
            yield Finding("IBAN_CODE", start, end, 1.0)


def _mod_97(code: str) -> bool:
    return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


def social_security_numbers(text: str) -> Iterator[Finding]:
    """Find US social security numbers; nine digits in a row where words before them say so."""
    for match in _SSN.finditer(text):
        separator = match[1]
        score = {"-": 0.85, "": 0.1}.get(separator, 0.5)
        if score < 0.85 and near(text, match.start(), _SSN_WORDS, _SSN_PHRASES):
            score = 0.85
        yield Finding("US_SSN", match.start(), match.end(), score)
