"""Sets of keys in little memory: 64-bit digests, BLAKE2b keyed anew for each run, in open-addressing tables.

They take 8 bytes each and no object. A digest's first byte chooses one of 256 tables; each grows by itself, so
that what is copied while one grows is a part of 256. Two different keys share a digest with a probability of about
n²/2⁶⁵ in a set of n.
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Final

import orjson

from airflow_dynsync.engine.values import WireItem

_DIGEST_BYTES: Final = 8
_TABLES: Final = 256
_FIRST_SLOTS: Final = 64
_GROWTH: Final = 1.5
_FULL: Final = 0.75
"""The share of a table's slots that is taken before it grows: more costs time, less costs memory."""


class KeyDigests:
    """Digests of the primary keys of items, as `DigestSet` takes them."""

    def __init__(self, key_names: Sequence[str]) -> None:
        self._key = itemgetter(*key_names)
        self._base = blake2b(key=secrets.token_bytes(32), digest_size=_DIGEST_BYTES)

    def of(self, items: Sequence[WireItem]) -> bytes:
        """Return the digests of the items' keys, one behind the other."""
        base, key, digests = self._base, self._key, []
        for item in items:
            state = base.copy()
            state.update(orjson.dumps(key(item)))
            digests.append(state.digest())
        return b"".join(digests)


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

    def holds(self, digests: bytes) -> list[bool]:
        """Tell of each of the digests whether it is there."""
        held = []
        for index, digest in zip(digests[::_DIGEST_BYTES], array("Q", digests), strict=True):
            table = self._tables[index]
            size = len(table)
            at = digest % size
            while (taken := table[at]) and taken != digest:
                at = (at + 1) % size
            held.append(taken == digest)
        return held

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
