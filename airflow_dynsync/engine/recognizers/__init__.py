"""What in a text is personal data, by patterns and checksums: `find`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from airflow_dynsync.engine.recognizers.contacts import email_addresses, ip_addresses, urls
from airflow_dynsync.engine.recognizers.dates import dates
from airflow_dynsync.engine.recognizers.findings import Finding, resolve
from airflow_dynsync.engine.recognizers.numbers import credit_cards, ibans, social_security_numbers
from airflow_dynsync.engine.recognizers.phones import phone_numbers

Recognizer = Callable[[str], Iterator[Finding]]
"""Finds candidates of any score, which may overlap; `resolve` chooses among them."""

RECOGNIZERS: Final[Mapping[str, Recognizer]] = MappingProxyType(
    {
        "CREDIT_CARD": credit_cards,
        "DATE_TIME": dates,
        "EMAIL_ADDRESS": email_addresses,
        "IBAN_CODE": ibans,
        "IP_ADDRESS": ip_addresses,
        "PHONE_NUMBER": phone_numbers,
        "URL": urls,
        "US_SSN": social_security_numbers,
    }
)
"""By entity, under the names that Presidio gives them."""

ENTITIES: Final = tuple(RECOGNIZERS)
SCORE_THRESHOLD: Final = 0.5

_NEEDS_NO_DIGIT: Final = frozenset({"EMAIL_ADDRESS", "IP_ADDRESS", "URL"})
_DIGIT: Final = re.compile(r"\d")

__all__ = ["ENTITIES", "RECOGNIZERS", "SCORE_THRESHOLD", "Finding", "Recognizer", "candidates", "find", "resolve"]


def find(text: str, entities: Iterable[str] = ENTITIES, score_threshold: float = SCORE_THRESHOLD) -> list[Finding]:
    """Return what is found in a text, in its order and without overlaps.

    Args:
        text: to search, in any language.
        entities: the kinds to look for, of `ENTITIES`.
        score_threshold: the least score, from 0 to 1, that a finding has. Checksums give 1; 0.2 and less are
            digits that nothing around them explains.

    Raises:
        KeyError: an entity that is not one of `ENTITIES`.
    """
    return resolve(found for found in candidates(text, entities) if found.score >= score_threshold)


def candidates(text: str, entities: Iterable[str]) -> Iterator[Finding]:
    """Find candidates of several kinds, as a `Recognizer` does."""
    has_digit = _DIGIT.search(text) is not None
    for entity in entities:
        recognize = RECOGNIZERS[entity]
        if has_digit or entity in _NEEDS_NO_DIGIT:
            yield from recognize(text)
