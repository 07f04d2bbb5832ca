"""Watches for two source items that would get one destination key, and one overwrite the other in silence.

Keys are remembered as 64-bit digests, BLAKE2b keyed anew for each run, in open-addressing tables: 8 bytes each and
no object. A digest's first byte chooses one of 256 tables; each grows by itself, so that what is copied while one
grows is a part of 256.
"""

from __future__ import annotations

import secrets
import threading
from array import array
from collections.abc import Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Final

import orjson

from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.errors import SyncError

_DIGEST_BYTES: Final = 8
_TABLES: Final = 256
_FIRST_SLOTS: Final = 64
_GROWTH: Final = 1.5
_FULL: Final = 0.75
"""The share of a table's slots that is taken before it grows: more costs time, less costs memory."""


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
        self._key = itemgetter(*self._key_names)
        self._base = blake2b(key=secrets.token_bytes(32), digest_size=_DIGEST_BYTES)
        self._digests = DigestSet()
        self._lock = threading.Lock()
        self.collisions = 0

    def admit(self, items: Sequence[WireItem]) -> None:
        """Note the keys of items about to be written.

        Raises:
            KeyCollisionsFoundError: some of them were seen before; none of these items may be written.
        """
        base, key, digests = self._base, self._key, []
        for item in items:
            state = base.copy()
            state.update(orjson.dumps(key(item)))
            digests.append(state.digest())
        with self._lock:
            collisions = self._digests.add(b"".join(digests))
            self.collisions += collisions
        if collisions:
            raise KeyCollisionsFoundError(
                f"table {self._table_name}: {collisions} items of a page have the key of another item after"
                f" transformation of {', '.join(self._key_names)}, and one would overwrite the other;"
                " map the key with a transformer of class preserved",
                collisions,
            )


class DigestSet:
    """A set of uniformly distributed 64-bit numbers. 0 marks a free slot and is itself never found."""

    def __init__(self) -> None:
        self._tables = [_free(_FIRST_SLOTS) for _ in range(_TABLES)]
        self._room = [int(_FIRST_SLOTS * _FULL)] * _TABLES

    def add(self, digests: bytes) -> int:
        """Add digests of 8 bytes each, one behind the other; return how many were there already."""
        tables, room = self._tables, self._room
        known = 0
        for index, digest in zip(digests[::_DIGEST_BYTES], array("Q", digests), strict=True):
            table = tables[index]
            size = len(table)
            at = digest % size
            while taken := table[at]:
                if taken == digest:
                    known += 1
                    break
                at += 1
                if at == size:
                    at = 0
            else:
                table[at] = digest
                room[index] -= 1
                if not room[index]:
                    self._grow(index)
        return known

    def _grow(self, index: int) -> None:
        before = self._tables[index]
        size = int(len(before) * _GROWTH) | 1  # odd, as the digests of one table have a byte in common
        after = _free(size)
        for digest in before:
            if digest:
                at = digest % size
                while after[at]:
                    at += 1
                    if at == size:
                        at = 0
                after[at] = digest
        self._tables[index] = after
        self._room[index] = int(size * _FULL) - int(len(before) * _FULL)


def _free(slots: int) -> array[int]:
    return array("Q", bytes(slots * _DIGEST_BYTES))
