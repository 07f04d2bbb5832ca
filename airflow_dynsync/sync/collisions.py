"""Watches for two source items that would get one destination key, and one overwrite the other in silence."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.key_digests import DigestSet, KeyDigests


class KeyCollisionsFoundError(SyncError):
    """Different items of the source have the same key after transformation.

    Attributes:
        collisions: how many items of the refused ones have the key of another item.
    """

    def __init__(self, message: str, collisions: int) -> None:
        super().__init__(message)
        self.collisions = collisions


class CollisionWatch:
    """Remembers the destination keys of one run, 12 to 16 bytes each; several threads may share it.

    A key that is there twice is always found. Two different keys share a digest with a probability of about n²/2⁶⁵
    in a run of n items: 3 in a million for 10 million, 3 in ten thousand for 100 million.

    Attributes:
        collisions: how many items had the key of another one so far.
    """

    def __init__(self, table_name: str, key_names: Sequence[str]) -> None:
        self._table_name = table_name
        self._key_names = tuple(key_names)
        self._digests = KeyDigests(key_names)
        self._seen = DigestSet()
        self._lock = threading.Lock()
        self.collisions = 0

    def admit(self, items: Sequence[WireItem]) -> None:
        """Note the keys of items about to be written.

        Raises:
            KeyCollisionsFoundError: some of them were seen before; none of these items may be written.
        """
        digests = self._digests.of(items)
        with self._lock:
            collisions = self._seen.add(digests)
            self.collisions += collisions
        if collisions:
            raise KeyCollisionsFoundError(
                f"table {self._table_name}: {collisions} items of a page have the key of another item after"
                f" transformation of {', '.join(self._key_names)}, and one would overwrite the other;"
                " map the key with a transformer of class preserved",
                collisions,
            )
