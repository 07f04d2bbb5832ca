"""What in a text is personal data, by patterns and checksums: `find`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Final

from airflow_dynsync.engine.recognizers.findings import Finding, resolve

Recognizer = Callable[[str], Iterator[Finding]]
"""Finds candidates of any score, which may overlap; `resolve` chooses among them."""

_RECOGNIZERS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "CREDIT_CARD": ("numbers", "credit_cards"),
        "DATE_TIME": ("dates", "dates"),
        "EMAIL_ADDRESS": ("contacts", "email_addresses"),
        "IBAN_CODE": ("numbers", "ibans"),
        "IP_ADDRESS": ("contacts", "ip_addresses"),
        "PHONE_NUMBER": ("phones", "phone_numbers"),
        "URL": ("contacts", "urls"),
        "US_SSN": ("numbers", "social_security_numbers"),
    }
)
"""Module and function by entity, under Presidio's names; imported where needed, for they take time to compile."""

ENTITIES: Final = tuple(_RECOGNIZERS)
SCORE_THRESHOLD: Final = 0.5

_NEEDS_NO_DIGIT: Final = frozenset({"EMAIL_ADDRESS", "IP_ADDRESS", "URL"})
_DIGIT: Final = re.compile(r"\d")

__all__ = ["ENTITIES", "SCORE_THRESHOLD", "Finding", "Recognizer", "candidates", "find", "resolve"]


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
        recognize = _recognizer(entity)
        if has_digit or entity in _NEEDS_NO_DIGIT:
            yield from recognize(text)


@cache
def _recognizer(entity: str) -> Recognizer:
    module, function = _RECOGNIZERS[entity]
    recognizer: Recognizer = getattr(import_module(f"{__name__}.{module}"), function)
    return recognizer
