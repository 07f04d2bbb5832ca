"""Watches for two source items that would get one destination key, and one overwrite the other in silence."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from hashlib import blake2b

import orjson

from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.errors import SyncError


class KeyCollisionsFoundError(SyncError):
    """Different items of the source have the same key after transformation."""


class CollisionWatch:
    """Remembers the destination keys of one run, as 64-bit digests.

    Two different keys share a digest with a probability of about n²/2⁶⁵: 3 in a million for 10 million items.
    """

    def __init__(self, table_name: str, key_names: Sequence[str]) -> None:
        self._table_name = table_name
        self._key_names = tuple(key_names)
        self._seen: set[bytes] = set()
        self._lock = threading.Lock()

    def admit(self, items: Sequence[WireItem]) -> None:
        """Note the keys of items about to be written.

        Raises:
            KeyCollisionsFoundError: some of them were seen before; none of these items may be written.
        """
        digests = [
            blake2b(orjson.dumps([item[name] for name in self._key_names]), digest_size=8).digest()
            for item in items
        ]
        with self._lock:
            before = len(self._seen)
            self._seen.update(digests)
            collisions = before + len(digests) - len(self._seen)
        if collisions:
            raise KeyCollisionsFoundError(
                f"table {self._table_name}: {collisions} items of a page have the key of another item after"
                f" transformation of {', '.join(self._key_names)}, and one would overwrite the other;"
                " map the key with a transformer of class preserved"
            )
