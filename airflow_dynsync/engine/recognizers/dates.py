"""Dates, with or without the time of day, that the calendar has."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from airflow_dynsync.engine.recognizers.findings import Finding

_TIME: Final = (
    r"(?:(?:[Tt]|,?[ ])\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[ ]?[APap][Mm]\b|Z|[+-]\d{2}:?\d{2})?)?"
)
_FIRST_DIGIT: Final = re.compile(r"\d(?<!\d\d)(?=\d{0,7}(?!\d))")
_YEAR_FIRST: Final = re.compile(rf"(?<!\d[.-])(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}})(?![\d/]|[.-]\d){_TIME}")
_BASIC: Final = re.compile(r"(\d{4})()(\d\d)(\d\d)[Tt]\d{4}(?:\d\d)?(?:Z|[+-]\d{2}:?\d{2})?(?!\d)")
_CJK: Final = re.compile(r"(\d{4})()\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
_YEAR_LAST: Final = re.compile(
    rf"(?<!\d[.,/-])(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}})(?![\d/]|[.-]\d){_TIME}"
)
_DAY_MONTH: Final = re.compile(
    r"(?<!\d[.,])(\d{1,2})(?:st|nd|rd|th|er|[º°.])?[ ](?:(?:of|de)[ ])?([^\W\d_]{3,10})\.?"
    rf"(?:,?[ ](?:(?:de|del)[ ])?(\d{{4}})(?!\d){_TIME})?"
)
_DAY_YEAR: Final = re.compile(rf"(\d{{1,2}})(?!\d)(?:st|nd|rd|th)?(?:,?[ ](\d{{4}})(?!\d){_TIME})?")
_MONTH_BEFORE: Final = re.compile(r"(?<!\w)([^\W\d_]{3,10})\.?[ ]\Z")

_MONTHS: Final = MappingProxyType(
    {
        name: number
        for number, names in enumerate(
            (
                "january jan januar jänner janvier janv enero ene gennaio gen janeiro",
                "february feb februar feber février févr fevrier febrero febbraio fevereiro fev",
                "march mar märz maerz mär mars marzo março",
                "april apr avril avr abril abr aprile",
                "may mai mayo maggio mag maio",
                "june jun juni juin junio giugno giu junho",
                "july jul juli juillet juil julio luglio lug julho",
                "august aug août aout agosto ago",
                "september sep sept septembre septiembre settembre set setembro",
                "october oct oktober okt octobre octubre ottobre ott outubro out",
                "november nov novembre noviembre novembro",
                "december dec dezember dez décembre déc decembre diciembre dic dicembre dezembro",
            ),
            start=1,
        )
        for name in names.split()
    }
)
"""Months by their names in English, German, French, Spanish, Italian and Portuguese."""


def dates(text: str) -> Iterator[Finding]:
    """Find dates in figures and in words."""
    for first in _FIRST_DIGIT.finditer(text):
        start = first.start()
        for form in (_YEAR_FIRST, _BASIC, _CJK):
            match = form.match(text, start)
            if match and _exists(int(match[1]), int(match[3]), int(match[4])):
                yield Finding("DATE_TIME", start, match.end(), 0.8)
        if match := _YEAR_LAST.match(text, start):
            score = _score_of_year_last(*match.groups())
            if score:
                yield Finding("DATE_TIME", start, match.end(), score)
        if match := _DAY_MONTH.match(text, start):
            yield from _in_words(start, match, match[2], match[1], match[3])
        month = _MONTH_BEFORE.search(text, max(0, start - 13), start) if text[start - 1 : start] == " " else None
        if month and (match := _DAY_YEAR.match(text, start)):
            yield from _in_words(month.start(), match, month[1], match[1], match[2])


def _score_of_year_last(first: str, separator: str, second: str, year: str) -> float:
    """Return how likely figures such as 3/14/1987 or 14.03.87 are a date; 0 where the calendar has none."""
    in_full = len(year) == 4
    if not in_full and separator != "/" and len(first + second) < 4:
        return 0
    number = int(year) if in_full else 2000 + int(year)
    if _exists(number, int(second), int(first)) or _exists(number, int(first), int(second)):
        return 0.8 if in_full else 0.5
    return 0


def _in_words(start: int, match: re.Match[str], month: str, day: str, year: str | None) -> Iterator[Finding]:
    """Find a date whose month is a word; without a year, 2000 stands in for it, a leap year."""
    number = _MONTHS.get(month.lower())
    if number and _exists(int(year or 2000), number, int(day)):
        yield Finding("DATE_TIME", start, match.end(), 0.8 if year else 0.4)


def _exists(year: int, month: int, day: int) -> bool:
    return 1800 <= year < 2200 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]
