"""Phone numbers, as they are written in many countries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from airflow_dynsync.engine.recognizers.context import near
from airflow_dynsync.engine.recognizers.findings import Finding
from airflow_dynsync.engine.recognizers.scripts import SPACE_OR_HYPHEN

_NATIONAL: Final = 0.6
_EXPLAINED: Final = 0.75
_UNEXPLAINED: Final = 0.2

_SEVEN_DIGITS: Final = re.compile(rf"[+(\d](?<![\d+]\d)(?=(?:[./(){SPACE_OR_HYPHEN}]{{0,3}}\d){{6}})")
_FORMS: Final = tuple(
    (
        re.compile(form.replace("ANY", f"[./(){SPACE_OR_HYPHEN}]").replace("SEP", f"[.{SPACE_OR_HYPHEN}]")),
        score,
    )
    for form, score in (
        # The North American Numbering Plan: area and exchange begin with 2 to 9.
        (r"(?<![\d+])(?<!\d[.,])(?:1SEP)?(?:\([2-9]\d\d\)SEP?|[2-9]\d\dSEP)[2-9]\d\dSEP\d{4}(?!\d)", 0.7),
        # International: at most 15 digits (ITU-T E.164).
        (r"(?<![0-9A-Za-z+])\+1(?:ANY{0,2}\d){10}(?!\d)", 0.8),
        (r"(?<![0-9A-Za-z+])\+[2-9](?:ANY{0,3}\d){6,14}(?!\d)", 0.8),
        (r"(?<![0-9A-Za-z+.,])00[1-9]\d{0,2}ANY{1,3}\d(?:ANY{0,3}\d){5,11}(?!\d)", _NATIONAL),
        # National, with the trunk prefix 0 or an area in brackets.
        (r"(?<![\d.,])\(?0\d{1,5}\)?(?:ANY{1,3}\d{2,8}){1,5}(?!\d)", _NATIONAL),
        (r"(?<!\d)\(\d{2,5}\)SEP?\d{3,5}SEP?\d{3,5}(?!\d)", _NATIONAL),
        # Any digits, where a word before them says so.
        (r"(?<![0-9A-Za-z+])(?<!\d[.,/:])\d(?:SEP?\d){6,14}(?!\d)", _UNEXPLAINED),
    )
)
_TRUNK: Final = re.compile(r"\(?0(?!0)")
_DATE: Final = re.compile(r"\(?\d{1,2}([./-])\d{1,2}\1\d{2,4}")

_WORDS: Final = frozenset(
    (
        *("phone", "phones", "telephone", "tel", "mobile", "cell", "cellphone", "call", "ring", "fax", "whatsapp"),
        *("sms", "telefon", "handy", "mobil", "rufnummer", "tél", "téléphone", "portable", "teléfono", "móvil"),
        *("celular", "telefono", "cellulare", "telefone", "telemóvel"),
    )
)
_PHRASES: Final = ("電話", "携帯", "电话", "手机", "전화")


def phone_numbers(text: str) -> Iterator[Finding]:
    """Find phone numbers: international, North American, national; others where words before them say so."""
    covered = 0
    for first in _SEVEN_DIGITS.finditer(text):
        start = first.start()
        if start < covered:
            continue
        for form, score in _FORMS:
            match = form.match(text, start)
            if match is None or (score == _NATIONAL and not _is_national(match[0])):
                continue
            explained = score == _UNEXPLAINED and near(text, start, _WORDS, _PHRASES)
            if explained or score != _UNEXPLAINED:
                covered = match.end()
            yield Finding("PHONE_NUMBER", start, match.end(), _EXPLAINED if explained else score)
            break


def _is_national(number: str) -> bool:
    """Tell whether a number that begins with 0 is long enough, and no date."""
    if not _TRUNK.match(number):
        return True
    return 9 <= sum(map(str.isdigit, number)) <= 12 and _DATE.match(number) is None
