"""Whether the destination holds what the plan gives for the source: read back after the run, and recomputed.

While items are moved, a digest of each that will be verified is noted as it was read. Afterwards the source is
read again. An item whose digest is not among the noted ones, or which is gone, was changed since by whoever writes
to the source: what the destination should hold of it is no longer known, so it is counted as changed and not
compared; the next run brings it. All others go through the plan anew, and the destination's items with the keys
that result are looked up. Where one is missing or differs, both sides are read once more, with strong consistency,
before it counts.

So a difference means exactly this: the source's item is what this run read, at both looks, and yet the destination
does not hold what the plan gives for it. Then someone else wrote to the destination, or DynamoDB deleted the item
there because its time to live was over, or a Python transformer gives another result each time it is called.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import compress
from typing import TYPE_CHECKING, Final, Literal

import orjson

from airflow_dynsync.dynamodb.capacity import Pacer, read_pacer
from airflow_dynsync.dynamodb.lookup import MAX_KEYS, get_items
from airflow_dynsync.engine.paths import format_path
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.changes import same_item
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.key_digests import DigestSet
from airflow_dynsync.sync.pump import READERS
from airflow_dynsync.sync.report.found import Verification
from airflow_dynsync.sync.sampling import Sampler

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.calls import Backoff
    from airflow_dynsync.sync.preparation import Preparation
    from airflow_dynsync.sync.report import SyncReport

VerifyMode = Literal["sample", "all", "off"]

MOST_SAMPLED: Final = 1000
"""Items of a sample. A table that has no more is verified whole."""

MOST_PATHS: Final = 100
"""Attributes that are named in a result."""

_NAMED: Final = 10  # in a message


class VerificationFailedError(SyncError):
    """The destination does not hold what the plan gives.

    Attributes:
        report: of the run, which did all the rest.
    """

    def __init__(self, report: SyncReport, verified: Verification) -> None:
        beyond = f", and {verified.beyond:,} are there that the source does not have" if verified.beyond else ""
        paths = f" in {', '.join(verified.paths[:_NAMED])}" if verified.paths else ""
        super().__init__(
            f"table {report.destination_table}: of {verified.items_checked:,} items that were read back,"
            f" {verified.different:,} differ from what the mapping gives{paths} and {verified.missing:,} are"
            f" missing{beyond}, though the source has not changed; see that nothing else writes to the table, and"
            " run the sync again"
        )
        self.report = report


def require_verified(report: SyncReport) -> None:
    """Raise `VerificationFailedError` if the report's verification found a difference."""
    if report.verification is not None and not report.verification.passed:
        raise VerificationFailedError(report, report.verification)


class ReadNotes:
    """What a run read, as far as it will be verified; several threads may share it.

    Of all items 12 to 16 bytes each are kept in memory, of a sample their keys and digests.

    Args:
        prepared: the job.
        mode: ``sample`` for up to `MOST_SAMPLED` items, chosen by the keyed digests of their keys; or ``all``.
    """

    def __init__(self, prepared: Preparation, mode: Literal["sample", "all"]) -> None:
        self.mode: Final = mode
        attributes = prepared.plan.attributes
        self._attributes = None if attributes is None else frozenset(attributes)
        self._key_names = prepared.source.key_names
        self._secret = prepared.job.secret or secrets.token_bytes(32)
        self._base = blake2b(key=secrets.token_bytes(32), digest_size=8)
        self._sampler = Sampler(self._key_names, self._secret, one_in=1)
        self._sample: dict[bytes, WireItem] = {}
        self._all = DigestSet()
        self._aside: set[bytes] = set()
        self._lock = threading.Lock()

    def note(self, items: Sequence[WireItem]) -> None:
        """Note items of the source as they were read."""
        with self._lock:
            if self.mode == "all":
                self._all.add(b"".join(map(self._digest, items)))
                return
            for position in self._sampler.choose(items):
                self._sample[self._digest(items[position])] = self.key(items[position])
            while len(self._sample) > MOST_SAMPLED:
                self._sampler = Sampler(self._key_names, self._secret, 2 * self._sampler.one_in)
                noted = list(self._sample.items())
                self._sample = dict(noted[each] for each in self._sampler.choose([key for _, key in noted]))

    def put_aside(self, item: WireItem) -> None:
        """Leave an item out, noted or not, which is not to be found at the destination."""
        with self._lock:
            self._aside.add(self._digest(item))

    def without_aside(self, items: Sequence[WireItem]) -> Sequence[WireItem]:
        """Return the items that were not put aside."""
        return [item for item in items if self._digest(item) not in self._aside] if self._aside else items

    @property
    def keys(self) -> list[WireItem]:
        """The source keys of the sample."""
        return [key for digest, key in self._sample.items() if digest not in self._aside]

    def key(self, item: WireItem) -> WireItem:
        """Return the source key of an item."""
        return {name: item[name] for name in self._key_names}

    def unchanged(self, items: Sequence[WireItem]) -> list[WireItem]:
        """Return the items that are what was read."""
        digests = list(map(self._digest, items))
        if self.mode == "sample":
            return [item for item, digest in zip(items, digests, strict=True) if digest in self._sample]
        return list(compress(items, self._all.holds(b"".join(digests))))

    def _digest(self, item: WireItem) -> bytes:
        if self._attributes is not None:  # a page has these alone, an item that is looked up has all
            item = {name: value for name, value in item.items() if name in self._attributes}
        state = self._base.copy()
        state.update(orjson.dumps(item, option=orjson.OPT_SORT_KEYS))
        return state.digest()


def verify_run(
    prepared: Preparation,
    notes: ReadNotes,
    source: DynamoDBClient,
    destination: DynamoDBClient,
    *,
    pacer: Pacer,
    stop: threading.Event,
    backoff: Backoff | None = None,
) -> Verification:
    """Read both tables again, after the last write, and compare them.

    What an interrupted run had written, which this one continued, is not looked at.

    Args:
        prepared: the job.
        notes: of what was read.
        source: a client that speaks wire form.
        destination: likewise.
        pacer: of the reads of the source.
        stop: set to end early, and set here where a part of the work fails.
        backoff: how throttling and short failures are waited out.

    Raises:
        AccessDeniedError: BatchGetItem is not allowed on one of the tables.
        DynamoDBError: DynamoDB refused otherwise, or did not answer.
    """
    beside = read_pacer(None, prepared.destination, workers=prepared.workers)
    comparison = _Comparison(
        prepared,
        notes,
        _Side(source, prepared.source.name, pacer, stop, backoff),
        _Side(destination, prepared.destination.name, beside, stop, backoff),
    )

    def compare_segment(segment: int) -> None:
        for page in prepared.pages(source, segment, None, pacer, stop, backoff):
            comparison.add_units(page.consumed_capacity or 0.0)
            comparison.compare(page.items)

    if notes.mode == "sample":
        keys = notes.keys
        for first in range(0, len(keys), MAX_KEYS):
            comparison.compare_keys(keys[first : first + MAX_KEYS])
    else:
        with ThreadPoolExecutor(READERS, "dynsync-verify") as pool:
            tasks = [pool.submit(compare_segment, segment) for segment in prepared.segments]
            try:
                for task in as_completed(tasks):
                    task.result()
            except BaseException:
                stop.set()
                raise
    return comparison.result()


def with_counts(verified: Verification, *, beyond: int, missing: int) -> Verification:
    """Add what the keys of a mirror tell to a verification.

    Args:
        verified: of the items that were read back.
        beyond: items of the destination that the source does not have.
        missing: items that were written, and that the destination had not when its keys were counted.
    """
    return replace(
        verified,
        beyond=beyond,
        missing=max(verified.missing, missing),
        passed=verified.passed and not (beyond or missing),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    client: DynamoDBClient
    table_name: str
    pacer: Pacer
    stop: threading.Event
    backoff: Backoff | None


class _Comparison:
    """Counts what was compared; several threads may share it."""

    def __init__(self, prepared: Preparation, notes: ReadNotes, source: _Side, destination: _Side) -> None:
        self._plan = prepared.plan
        self._key_names = prepared.destination.key_names
        self._consistent_read = prepared.job.consistent_read
        self._notes = notes
        self._source = source
        self._destination = destination
        self._lock = threading.Lock()
        self._checked = self._changed = self._different = self._missing = 0
        self._paths: set[str] = set()
        self._units = 0.0

    def add_units(self, units: float) -> None:
        """Count read capacity units."""
        with self._lock:
            self._units += units

    def compare_keys(self, keys: Sequence[WireItem]) -> None:
        """Compare the items that have these keys in the source."""
        items = self._look_up(self._source, keys, consistent_read=self._consistent_read)
        with self._lock:
            self._changed += len(keys) - len(items)
        self.compare(items)

    def compare(self, items: Sequence[WireItem]) -> None:
        """Compare items of the source with the destination, and once more those that seem to differ."""
        items = self._notes.without_aside(items)
        unchanged = self._notes.unchanged(items)
        suspects = self._differing(unchanged, consistent_read=False)
        again: list[WireItem] = []
        if suspects:
            keys = [self._notes.key(item) for item, _, _ in suspects]
            again = self._notes.unchanged(self._look_up(self._source, keys, consistent_read=True))
        gone = len(suspects) - len(again)
        found = self._differing(again, consistent_read=True)
        with self._lock:
            self._checked += len(unchanged) - gone
            self._changed += len(items) - len(unchanged) + gone
            for _, wanted, held in found:
                if held is None:
                    self._missing += 1
                    continue
                self._different += 1
                self._paths |= _paths(wanted, held)

    def result(self) -> Verification:
        """Return what was found so far."""
        return Verification(
            mode=self._notes.mode,
            items_checked=self._checked,
            different=self._different,
            missing=self._missing,
            beyond=None,
            paths=tuple(sorted(self._paths)[:MOST_PATHS]),
            passed=not (self._different or self._missing),
            source_changed=self._changed,
            read_units=self._units,
        )

    def _differing(
        self, items: Sequence[WireItem], *, consistent_read: bool
    ) -> list[tuple[WireItem, WireItem, WireItem | None]]:
        """Return those of which the destination does not hold what the plan gives: that, and what it holds."""
        wanted = self._plan.recompute(items)
        keys = [{name: item[name] for name in self._key_names} for item in wanted]
        found = self._look_up(self._destination, keys, consistent_read=consistent_read)
        held = {self._key(item): item for item in found}
        rows = [(item, each, held.get(self._key(each))) for item, each in zip(items, wanted, strict=True)]
        return [row for row in rows if row[2] is None or not same_item(row[1], row[2])]

    def _look_up(self, side: _Side, keys: Sequence[WireItem], *, consistent_read: bool) -> list[WireItem]:
        return get_items(
            side.client,
            side.table_name,
            keys,
            consistent_read=consistent_read,
            stop=side.stop,
            backoff=side.backoff,
            pacer=side.pacer,
            on_capacity=self.add_units,
        )

    def _key(self, item: WireItem) -> bytes:
        return orjson.dumps([item[name] for name in self._key_names])


def _paths(one: WireItem, other: WireItem) -> set[str]:
    """Return the top-level attributes in which two items differ."""
    return {
        format_path((name,))
        for name in one.keys() | other.keys()
        if name not in one or name not in other or not same_item({name: one[name]}, {name: other[name]})
    }
