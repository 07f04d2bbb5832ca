"""Which items differ from what the destination holds already: from one night to the next few do.

On demand, a write costs five times the read of the same kilobytes, and reads of a scan are rounded up by the page,
not by the item. So where keys pass through, the destination is scanned beside the source: the same segment of two
tables with the same keys holds the same keys, in the same order. What is not met that way is looked up by its key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Final

import orjson

from airflow_dynsync.dynamodb.reader import Page
from airflow_dynsync.engine.values import ELEMENT_OF_SET, WireItem, WireValue

HELD_PAGES: Final = 3
"""Pages of the destination that are held for one segment while the source has not come to all their items."""

Lookup = Callable[[Sequence[WireItem]], list[WireItem]]
"""Keys in, the items that have them out."""


class Changes:
    """Tells for one segment which items to write.

    Args:
        key_names: the primary key of both tables.
        lookup: of items of the destination by their keys.
        beside: the destination's pages of the same segment, from its start; None where the keys of its items are
            not those of the source's, or the source does not begin at its start.
    """

    def __init__(self, key_names: Sequence[str], lookup: Lookup, beside: Iterator[Page] | None) -> None:
        self._key_names = tuple(key_names)
        self._lookup = lookup
        self._beside = beside
        self._held: deque[dict[bytes, WireItem]] = deque(maxlen=HELD_PAGES)

    def among(self, items: Sequence[WireItem]) -> list[WireItem]:
        """Return the items that the destination does not hold just so."""
        wanted = {self._key(item): item for item in items}
        found = self._met(wanted)
        missing = [key for key in wanted if key not in found]
        if missing:
            names = self._key_names
            keys = [{name: wanted[key][name] for name in names} for key in missing]
            found |= {self._key(item): item for item in self._lookup(keys)}
        return [item for key, item in wanted.items() if key not in found or not same_item(item, found[key])]

    def _met(self, wanted: dict[bytes, WireItem]) -> dict[bytes, WireItem]:
        """Return the wanted items that are held, or come up while the destination is read on."""
        found: dict[bytes, WireItem] = {}
        for page in self._held:
            found |= {key: page.pop(key) for key in wanted.keys() & page.keys()}
        while self._beside is not None and len(found) < len(wanted):
            read = next(self._beside, None)
            if read is None:
                self._beside = None
                break
            page = {self._key(item): item for item in read.items}
            met = wanted.keys() & page.keys()
            found |= {key: page.pop(key) for key in met}
            self._held.append(page)
            if page and not met:
                break  # the destination is ahead, or in another order: the rest is looked up
        return found

    def _key(self, item: WireItem) -> bytes:
        return orjson.dumps([item[name] for name in self._key_names])


def same_item(one: WireItem, other: WireItem) -> bool:
    """Tell whether DynamoDB holds the two for the same: sets have no order, and 1.50 is kept as 1.5."""
    return one == other or _same({"M": one}, {"M": other})


def _same(one: WireValue, other: WireValue) -> bool:
    if one == other:
        return True
    ((kind, a),), ((other_kind, b),) = one.items(), other.items()
    if kind != other_kind:
        return False
    if kind == "M":
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    if kind == "L":
        return len(a) == len(b) and all(map(_same, a, b))
    if kind == "N":
        return Decimal(a) == Decimal(b)
    if kind == "NS":
        return set(map(Decimal, a)) == set(map(Decimal, b))
    if kind in ELEMENT_OF_SET:
        return set(a) == set(b)
    return False
