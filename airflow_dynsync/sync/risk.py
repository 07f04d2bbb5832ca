"""Re-identification risk, before and after: how rare combinations of quasi-identifiers are, how unique attributes.

Quasi-identifiers are attributes that identify nobody alone but may together, such as postal code, birth date and
gender (Sweeney, "k-anonymity: a model for protecting privacy", 2002). What is measured is how far items can be
told apart, not who can link them to a person: a rule that gives each value its own pseudonym keeps k as it was.
"""

from __future__ import annotations

import operator
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any, Final

import orjson

from airflow_dynsync.engine.errors import MappingError
from airflow_dynsync.engine.paths import Path, Wildcard, parse_path
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.report.found import AttributeUniqueness, Risk, Uniqueness
from airflow_dynsync.sync.sketches import STANDARD_ERROR, HyperLogLog, RarityCounter

MAX_COMBINATIONS: Final = 1 << 18
"""Different combinations of either side that are counted exactly."""

MAX_ATTRIBUTES: Final = 200
"""Top-level attributes whose uniqueness is estimated; each takes 8 KB."""

MAX_QUASI_IDENTIFIERS: Final = 20


def parse_quasi_identifiers(written: Sequence[str]) -> tuple[Path, ...]:
    """Return the paths of quasi-identifiers.

    Raises:
        MappingError: one is no path, has a wildcard, or is named twice, or there are too many.
    """
    paths: list[Path] = []
    for number, text in enumerate(written):
        place = f"quasi_identifiers[{number}]"
        path = parse_path(text, place)
        if any(isinstance(step, Wildcard) for step in path):
            raise MappingError(place, "expected the path of one value, got one with a wildcard; name the value")
        if path in paths:
            raise MappingError(place, "is named twice; remove one")
        paths.append(path)
    if len(paths) > MAX_QUASI_IDENTIFIERS:
        raise MappingError("quasi_identifiers", f"expected at most {MAX_QUASI_IDENTIFIERS}, got {len(paths)}")
    return tuple(paths)


class RiskWatch:
    """Observes the items of a run, before and after; several threads may call it.

    It keeps digests, keyed with a key that is drawn for the run and never leaves it, for at most
    `MAX_COMBINATIONS` combinations of either side, and the sketches of `MAX_ATTRIBUTES` attributes.

    Args:
        quasi_identifiers: their paths, as in ``Address.Zip``.
        max_combinations: how many are counted exactly.

    Raises:
        MappingError: as `parse_quasi_identifiers` does.
    """

    def __init__(self, quasi_identifiers: Sequence[str], *, max_combinations: int = MAX_COMBINATIONS) -> None:
        self._written = tuple(quasi_identifiers)
        self._paths = parse_quasi_identifiers(quasi_identifiers)
        self._digests = _keyed_digests(os.urandom(32))
        self._lock = threading.Lock()
        self._before = _Side(max_combinations)
        self._after = _Side(max_combinations)
        self._names: dict[str, None] = {}
        self._left_out: set[str] = set()

    def observe(self, before: Sequence[WireItem], after: Sequence[WireItem]) -> None:
        """Note the items of a page, as they were read and as they are written."""
        columns: dict[str, list[Any]] = {}
        digests: dict[str, list[int]] = {}
        for side, items in ((self._before, before), (self._after, after)):
            combinations = self._digests(_dumped([_value(item, path) for path in self._paths]) for item in items)
            columns_before, columns = columns, _columns(items)
            digests = {
                # What passes through is the same object before and after.
                name: digests[name] if _are_same(column, columns_before.get(name)) else self._digest(column)
                for name, column in columns.items()
            }
            with self._lock:
                side.rarity.add(combinations)
                for name, column in columns.items():
                    if self._is_kept(name):
                        side.add(name, len(column), digests[name])

    def _digest(self, column: Sequence[Any]) -> list[int]:
        """Return digests of the different values of a page; many come again and again."""
        return self._digests(set(map(_dumped, column)))

    def _is_kept(self, name: str) -> bool:
        if name in self._names:
            return True
        if len(self._names) < MAX_ATTRIBUTES:
            self._names[name] = None
            return True
        if len(self._left_out) < MAX_ATTRIBUTES:
            self._left_out.add(name)
        return False

    def risk(self) -> Risk:
        """Return what was found so far."""
        with self._lock:
            return Risk(
                quasi_identifiers=self._written,
                before=self._before.rarity.combinations(),
                after=self._after.rarity.combinations(),
                attributes=tuple(
                    AttributeUniqueness(name, self._before.uniqueness(name), self._after.uniqueness(name))
                    for name in self._names
                ),
                attributes_left_out=len(self._left_out),
                standard_error=round(STANDARD_ERROR, 4),
            )


class _Side:
    """What was observed before, or after."""

    def __init__(self, max_combinations: int) -> None:
        self.rarity = RarityCounter(max_combinations)
        self._counts: dict[str, int] = {}
        self._sketches: dict[str, HyperLogLog] = {}

    def add(self, name: str, count: int, digests: Iterable[int]) -> None:
        """Take in the values of an attribute."""
        if name not in self._sketches:
            self._sketches[name] = HyperLogLog()
            self._counts[name] = 0
        self._counts[name] += count
        self._sketches[name].add(digests)

    def uniqueness(self, name: str) -> Uniqueness:
        """Return how unique an attribute is."""
        if name not in self._sketches:
            return Uniqueness(0, 0)
        count = self._counts[name]
        return Uniqueness(count, min(count, round(self._sketches[name].estimate())))


def _columns(items: Iterable[WireItem]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for item in items:
        for name, value in item.items():
            columns.setdefault(name, []).append(value)
    return columns


def _are_same(values: Sequence[Any], others: Sequence[Any] | None) -> bool:
    return others is not None and len(values) == len(others) and all(map(operator.is_, values, others))


def _value(item: WireItem, path: Path) -> Any:
    """Return the value at a path in wire form; None if there is none."""
    value: Any = {"M": item}
    for step in path:
        kind = "M" if isinstance(step, str) else "L"
        inside = value.get(kind)
        if inside is None:
            return None
        try:
            value = inside[step]
        except (KeyError, IndexError):
            return None
    return value


def _dumped(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _keyed_digests(key: bytes) -> Callable[[Iterable[bytes]], list[int]]:
    """Return a function that gives 64 bits of keyed BLAKE2b for each text."""
    base = blake2b(key=key, digest_size=8)

    def digests(texts: Iterable[bytes]) -> list[int]:
        results = []
        for text in texts:
            state = base.copy()
            state.update(text)
            results.append(int.from_bytes(state.digest(), "big"))
        return results

    return digests
