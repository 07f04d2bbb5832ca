"""What a sync will cost before it starts: items, bytes, capacity units, dollars and time.

It is made from DescribeTable alone, whose counts are up to six hours old. What is said to be an upper bound is
one for items that keep their size and are new to the destination; an item that replaces one whose index key was
another costs a second write in that index.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import orjson

from airflow_dynsync.dynamodb.capacity import read_units
from airflow_dynsync.dynamodb.limits import CapacityLimit, parse_limit, read_budget, write_budget
from airflow_dynsync.sync.verification import MOST_SAMPLED, VerifyMode

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.tables import TableDescription
    from airflow_dynsync.sync.job import SyncJob
    from airflow_dynsync.sync.preparation import Preparation

READ_PRICE = 0.125
"""US dollars for a million read request units on demand: us-east-1, standard table class, since 1 November 2024.

Other regions cost more, up to about twice as much: see the pricing page of Amazon DynamoDB.
"""

WRITE_PRICE = 0.625
"""US dollars for a million write request units on demand; likewise."""

CLIENT_RATE = 5000.0
"""Items that one worker reads, transforms and writes in a second if nothing else holds it up; assumed.

An item counts as one for each KB that it has, and as one at least.
"""

_PAGE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sync is expected to consume.

    Attributes:
        source_table: the table to read.
        destination_table: the table to write.
        items: items to read; an upper bound of those to write where a condition selects.
        bytes: their size.
        selective: whether a condition selects, which makes an upper bound of all that follows from the items.
        read_units: read capacity units.
        write_units: write capacity units, those of the destination's indexes included: an upper bound.
        read_dollars: on demand; None where the source is provisioned, which is paid for by the hour.
        write_dollars: likewise, an upper bound.
        read_seconds: at the read limit; 0.0 without one.
        write_seconds: at the write limit; 0.0 without one.
        client_seconds: at the rate that the workers reach by themselves.
        verify: what is read back after the last write; see `SyncJob.verify`.
        verify_units: read capacity units of both tables that this takes; of ``all`` with the reads of the source.
        verify_dollars: on demand; None where both tables are provisioned.
        verify_seconds: at the read limit, which holds for the source.
    """

    source_table: str
    destination_table: str
    items: int
    bytes: int
    selective: bool
    read_units: float
    write_units: float
    read_dollars: float | None
    write_dollars: float | None
    read_seconds: float
    write_seconds: float
    client_seconds: float
    verify: VerifyMode = "off"
    verify_units: float = 0.0
    verify_dollars: float | None = 0.0
    verify_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it takes: what is slowest, since reading and writing go side by side, and then verification."""
        return self._move_seconds + self.verify_seconds

    @property
    def all_read_units(self) -> float:
        """Read capacity units, those of verification included."""
        return self.read_units + self.verify_units

    @property
    def all_read_dollars(self) -> float | None:
        """What they cost; None where the source is provisioned."""
        return None if self.read_dollars is None else self.read_dollars + (self.verify_dollars or 0.0)

    @property
    def _move_seconds(self) -> float:
        return max(self.read_seconds, self.write_seconds, self.client_seconds)

    @property
    def verification(self) -> str | None:
        """Tell in a sentence what verification takes; None where nothing is verified."""
        if self.verify == "off":
            return None
        most = "at most " if self.selective else ""
        what = "all items" if self.verify == "all" else "a sample"
        return (
            f"Verification of {what}, after the last write: {most}{self.verify_units:,.0f} read units"
            f" ({_dollars(self.verify_dollars)}), {most}{_time(self.verify_seconds)} at the read limit"
        )

    def warning(self, execution_timeout: float | None) -> str | None:
        """Return a sentence where this takes longer than a timeout in seconds, else None."""
        if execution_timeout is None or self.seconds <= execution_timeout:
            return None
        return (
            f"{self.source_table}: the sync is expected to take {_time(self.seconds)} and is stopped after "
            f"{_time(execution_timeout)}; raise execution_timeout, {self._remedy}, or share the work out to "
            "several tasks"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the estimate as plain JSON values."""
        plain: dict[str, Any] = orjson.loads(orjson.dumps(self))
        return plain | {"seconds": self.seconds}

    def __str__(self) -> str:
        from rich.filesize import decimal

        most = "at most " if self.selective else ""
        return (
            f"{self.source_table} -> {self.destination_table}: {most}{self.items:,} items, {decimal(self.bytes)};"
            f" {most}{self.read_units:,.0f} read units ({_dollars(self.read_dollars)}),"
            f" at most {self.write_units:,.0f} write units ({_dollars(self.write_dollars)});"
            f" {most}{_time(self._move_seconds)}, set by the {self._slowest}"
        )

    @property
    def _slowest(self) -> Literal["read limit", "write limit", "client"]:
        if self._move_seconds == self.client_seconds:
            return "client"
        return "write limit" if self._move_seconds == self.write_seconds else "read limit"

    @property
    def _remedy(self) -> str:
        return "use a faster machine" if self._slowest == "client" else f"raise the {self._slowest}"


def estimate(
    source: TableDescription,
    destination: TableDescription,
    *,
    selective: bool = False,
    consistent_read: bool = False,
    read_limit: CapacityLimit | None = None,
    write_limit: CapacityLimit | None = None,
    page_size: int = 1000,
    total_segments: int = 1,
    workers: int = 1,
    client_rate: float = CLIENT_RATE,
    read_price: float = READ_PRICE,
    write_price: float = WRITE_PRICE,
    verify: VerifyMode = "off",
) -> Estimate:
    """Estimate a sync.

    Args:
        source: the table to read.
        destination: the table to write; its indexes cost writes as well. Where the source has an index of the
            same name, that one's size is taken, else each item is taken to be in it, whole.
        selective: whether a condition selects. What it leaves out costs as much to read, but for a Query, of
            which it is not known beforehand what it reads: it is estimated as the whole table, too.
        consistent_read: reading costs twice as much.
        read_limit: None for the default, see `read_budget`.
        write_limit: likewise.
        page_size: items per page; each page is rounded up to 4 KB.
        total_segments: scan segments; each ends with a page of its own.
        workers: tasks that run side by side, which share the limits.
        client_rate: items of up to one KB that a worker moves in a second.
        read_price: US dollars for a million read request units.
        write_price: US dollars for a million write request units.
        verify: what is read back.

    Raises ValueError as `read_budget` does.
    """
    pages = max(math.ceil(source.size_bytes / _PAGE_BYTES), math.ceil(source.item_count / page_size))
    rounding = (pages + total_segments) * read_units(1, consistent=consistent_read)
    read = read_units(source.size_bytes, consistent=consistent_read) + rounding
    table_writes = _write_units(source.item_count, source.size_bytes)
    index_writes = _index_write_units(source, destination, table_writes)
    write = table_writes + sum(index_writes.values())
    global_writes = {
        index.name: {"CapacityUnits": index_writes[index.name]}
        for index in destination.indexes
        if index.kind == "global"
    }
    budget = write_budget(write_limit, destination)
    counted = budget.spent({"CapacityUnits": write, "GlobalSecondaryIndexes": global_writes})
    looked_up = min(source.item_count, MOST_SAMPLED) if verify == "sample" else source.item_count
    again, beside = _verify_units(source, looked_up, read, verify=verify, consistent_read=consistent_read)
    verify_dollars = [_price(source, again, read_price), _price(destination, beside, read_price)]
    kilobytes = max(source.item_count, source.size_bytes / 1024)
    return Estimate(
        source_table=source.name,
        destination_table=destination.name,
        items=source.item_count,
        bytes=source.size_bytes,
        selective=selective,
        read_units=read,
        write_units=write,
        read_dollars=_price(source, read, read_price),
        write_dollars=_price(destination, write, write_price),
        read_seconds=read / read_budget(read_limit, source).units_per_second,
        write_seconds=counted / budget.units_per_second,
        client_seconds=kilobytes / (client_rate * workers),
        verify=verify,
        verify_units=again + beside,
        verify_dollars=None if verify_dollars == [None, None] else sum(filter(None, verify_dollars)),
        verify_seconds=again / read_budget(read_limit, source).units_per_second,
    )


def estimate_job(
    prepared: Preparation,
    *,
    client_rate: float = CLIENT_RATE,
    read_price: float = READ_PRICE,
    write_price: float = WRITE_PRICE,
) -> Estimate:
    """Estimate a prepared job, all workers together; the other parameters are those of `estimate`."""
    job = prepared.job
    once = estimate(
        prepared.source,
        prepared.destination,
        selective=job.where is not None,
        consistent_read=job.consistent_read,
        read_limit=parse_limit(job.read_limit, "read_limit"),
        write_limit=parse_limit(job.write_limit, "write_limit"),
        page_size=job.page_size,
        total_segments=prepared.total_segments,
        workers=prepared.workers,
        client_rate=client_rate,
        read_price=read_price,
        write_price=write_price,
        verify=job.verify,
    )
    return _replacing(once, job, read_price, write_price) if job.write_mode == "replace" else once


def _replacing(once: Estimate, job: SyncJob, read_price: float, write_price: float) -> Estimate:
    """Return the estimate where a side table is written first, then compared, and brought over.

    The side table is on demand. It is read once with strong consistency, and the destination, taken to be as
    large, three times: to compare, to count what is to be deleted, and to delete it. Both writes are verified.
    """
    compared = (4 if job.consistent_read else 8) * once.read_units
    copy_dollars = once.write_units * write_price / 1_000_000
    compare_dollars = compared * read_price / 1_000_000
    limited_twice = job.write_limit is not None and not str(job.write_limit).endswith("%")
    return replace(
        once,
        read_units=once.read_units + compared,
        write_units=2 * once.write_units,
        read_dollars=(once.read_dollars or 0.0) + compare_dollars,
        write_dollars=(once.write_dollars or 0.0) + copy_dollars,
        write_seconds=(2 if limited_twice else 1) * once.write_seconds,
        client_seconds=2 * once.client_seconds,
        verify_units=2 * once.verify_units,
        verify_dollars=2 * (once.verify_dollars or 0.0),
    )


def _verify_units(
    source: TableDescription, items: int, whole: float, *, verify: VerifyMode, consistent_read: bool
) -> tuple[float, float]:
    """Return the units of the source and of the destination; an item that is looked up is rounded up to 4 KB."""
    if verify == "off" or not items:
        return 0.0, 0.0
    item_bytes = math.ceil(source.size_bytes / source.item_count)
    beside = items * read_units(item_bytes, consistent=False)
    if verify == "all":
        return whole, beside
    return items * read_units(item_bytes, consistent=consistent_read), beside


def _write_units(items: int, size_bytes: int) -> float:
    """Return the most that writing items of this size in all costs: each one rounded up to a KB."""
    return math.floor(size_bytes / 1024) + items


def _index_write_units(
    source: TableDescription, destination: TableDescription, table_writes: float
) -> dict[str, float]:
    known = {
        index.name: _write_units(index.item_count, index.size_bytes)
        for index in source.indexes
        if index.item_count is not None and index.size_bytes is not None
    }
    return {index.name: known.get(index.name, table_writes) for index in destination.indexes}


def _price(table: TableDescription, units: float, price: float) -> float | None:
    return None if table.billing_mode == "PROVISIONED" else units * price / 1_000_000


def _dollars(amount: float | None) -> str:
    return "provisioned" if amount is None else f"${amount:,.2f}"


def _time(seconds: float) -> str:
    return str(dt.timedelta(seconds=math.ceil(seconds)))
