"""A destination that mirrors its source: what the source no longer has, or no longer selects, is deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.reader import Page
from airflow_dynsync.dynamodb.writer import delete_items
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.key_digests import DigestSet, KeyDigests

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.calls import Backoff


class TooManyDeletesError(SyncError):
    """More of the destination would be deleted than is allowed; nothing was deleted."""


class WrittenKeys:
    """The destination keys of one run, 12 to 16 bytes each; several threads may share it.

    Attributes:
        complete: whether all are known; else nothing may be deleted.
        count: how many.
        unsure: how many of them at most the destination may lack, because an item was put aside.
    """

    def __init__(self, key_names: Sequence[str]) -> None:
        self.complete = True
        self.count = self.unsure = 0
        self._digests = KeyDigests(key_names)
        self._keys = DigestSet()
        self._lock = threading.Lock()

    def note(self, items: Sequence[WireItem]) -> None:
        """Note the keys of items that the source has."""
        digests = self._digests.of(items)
        with self._lock:
            self.count += len(items) - self._keys.add(digests)

    def note_unsure(self) -> None:
        """Note that the destination may lack an item."""
        with self._lock:
            self.unsure += 1

    def others(self, items: Sequence[WireItem]) -> list[WireItem]:
        """Return those whose keys were not noted."""
        held = self._keys.holds(self._digests.of(items))
        return [item for item, noted in zip(items, held, strict=True) if not noted]


@dataclass(frozen=True, slots=True)
class Deletion:
    """What deleting came to.

    Attributes:
        items: that were deleted.
        units: write units it took.
        left: of those that were to be deleted, how many were not.
        missing: items that were written, and of which the destination has no key.
    """

    items: int
    units: float
    left: int
    missing: int


@dataclass(frozen=True, slots=True)
class Mirror:
    """What deleting needs to know.

    Attributes:
        keys: pages of all keys of the destination, read anew at each call.
        written: the keys that stay.
        destination: a client that speaks wire form.
        table_name: the table to delete from.
        max_fraction: of the destination's items that may be deleted.
        pacer: of the writes.
        stop: set to end early.
        backoff: how throttling and short failures are waited out.
    """

    keys: Callable[[], Iterator[Page]]
    written: WrittenKeys
    destination: DynamoDBClient
    table_name: str
    max_fraction: float
    pacer: Pacer
    stop: threading.Event
    backoff: Backoff | None

    def delete(self) -> Deletion:
        """Delete what is beyond the keys that stay.

        The keys are read once to count and, if there is something to delete, once more to delete it: so nothing is
        deleted if it would be too much, and no keys need be held.

        Raises:
            TooManyDeletesError: more than ``max_fraction`` would go.
            DynamoDBError: DynamoDB refused or did not answer; what was deleted stays so, and the next run goes on.
        """
        total = beyond = 0
        for page in self.keys():
            total += len(page.items)
            beyond += len(self.written.others(page.items))
        if beyond > self.max_fraction * total:
            raise TooManyDeletesError(
                f"table {self.table_name}: {beyond:,} of {total:,} items are not in the source and would be"
                f" deleted, more than max_delete_fraction ({self.max_fraction:g}) allows; all others are written,"
                " nothing was deleted: check source, where and secret, or allow more"
            )
        deleted, units = 0, 0.0
        for page in self.keys() if beyond else ():
            result = delete_items(
                self.destination,
                self.table_name,
                self.written.others(page.items),
                stop=self.stop,
                backoff=self.backoff,
                pacer=self.pacer,
            )
            deleted += result.written
            units += result.consumed_capacity
        missing = self.written.count - self.written.unsure - (total - beyond)
        return Deletion(deleted, units, max(beyond - deleted, 0), max(missing, 0))
