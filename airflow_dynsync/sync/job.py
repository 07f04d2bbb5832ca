"""The sync of one table: pages of several segments through the plan into the destination, with bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_dynsync.dynamodb.errors import StoppedError
from airflow_dynsync.dynamodb.reader import Page, scan_pages, select_statement, statement_pages
from airflow_dynsync.dynamodb.tables import TableDescription, describe_table
from airflow_dynsync.dynamodb.writer import MAX_ITEMS, write_items
from airflow_dynsync.engine import Mapping, Plan, compile_plan
from airflow_dynsync.engine.corpora import CORPUS_VERSION
from airflow_dynsync.engine.definitions import Uniqueness
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.collisions import CollisionWatch
from airflow_dynsync.sync.preflight import Side, inspect_keys, inspect_tables, require_no_errors
from airflow_dynsync.sync.progress import Counters, Progress
from airflow_dynsync.sync.report import SyncReport

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DEFAULT_PAGE_SIZE = 1000
SEGMENTS = 4
WRITERS = 8


@dataclass(frozen=True, slots=True)
class SyncJob:
    """What is read, what is done to it, and where it goes.

    Attributes:
        source_table: the table to read.
        destination_table: the table to write; it exists and has the source's key schema.
        mapping: the rules.
        secret: at least 16 bytes; None draws a random one for this run.
        where: what follows WHERE in PartiQL, as in ``Id = '111'``; None reads the whole table.
        consistent_read: read with strong consistency, at twice the capacity.
        total_segments: scan segments read side by side; None for 4, or 1 where the table is a page long. A where
            is read in one sequence.
        page_size: items read per request at most.
        key_attributes: the primary key that the mapping was written for; None takes the table's own.
    """

    source_table: str
    destination_table: str
    mapping: Mapping
    secret: bytes | None = None
    where: str | None = None
    consistent_read: bool = False
    total_segments: int | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    key_attributes: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return f"SyncJob({self.source_table} -> {self.destination_table})"

    @property
    def connections(self) -> int:
        """How many requests may be under way at once on either side."""
        return max(WRITERS, self.total_segments or SEGMENTS)


def run_sync(
    job: SyncJob,
    source: DynamoDBClient,
    destination: DynamoDBClient,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    progress_seconds: float = 5.0,
    stop: threading.Event | None = None,
) -> SyncReport:
    """Copy a table, anonymized.

    Args:
        job: what to do.
        source: a client that speaks wire form, as `dynamodb.client.create_client` makes it.
        destination: likewise.
        on_progress: called every few seconds and at the end, in this thread.
        progress_seconds: how often.
        stop: set to end early; pages that were written stay.

    Raises:
        PreflightError: the sync would do harm or cannot succeed; nothing was written.
        MappingError: the mapping is wrong for this table; nothing was written.
        TransformError: a rule met a value it cannot take.
        KeyCollisionsFoundError: two items would get one key.
        DynamoDBError: DynamoDB refused or did not answer; what was written stays, and the next run completes it.
    """
    source_side = Side(describe_table(source, job.source_table), source.meta.endpoint_url)
    destination_side = Side(describe_table(destination, job.destination_table), destination.meta.endpoint_url)
    require_no_errors(inspect_tables(source_side, destination_side, job.key_attributes))
    source_table, destination_table = source_side.table, destination_side.table
    plan = compile_plan(job.mapping, key_attributes=source_table.key_names, secret=job.secret)
    require_no_errors(inspect_keys(plan, source_table))
    segments = _segments(job, source_table)
    counters = Counters(None if job.where else source_table.item_count)
    stop = stop or threading.Event()
    with ThreadPoolExecutor(WRITERS, "dynsync-writer") as writers:
        watch = _watch(plan, destination_table)
        pipe = _Pipe(plan, watch, destination, destination_table, writers, counters, stop)
        with ThreadPoolExecutor(segments, "dynsync-segment") as readers:
            tasks = [
                readers.submit(pipe.run, read_pages(job, source, segment=segment, segments=segments, stop=stop))
                for segment in range(segments)
            ]
            _await(tasks, stop, lambda: on_progress(counters.progress()), progress_seconds)
    on_progress(counters.progress())
    return SyncReport(
        source_table=source_table.name,
        destination_table=destination_table.name,
        destination_region=destination.meta.region_name,
        items_read=counters.items_read,
        items_written=counters.items_written,
        items_resubmitted=counters.items_resubmitted,
        segments=segments,
        read_units=counters.read_units,
        write_units=counters.write_units,
        seconds=round(counters.seconds, 3),
        corpus_version=CORPUS_VERSION,
        rules=plan.statistics.counts,
    )


def _segments(job: SyncJob, table: TableDescription) -> int:
    if job.where:
        return 1
    return job.total_segments or (SEGMENTS if table.item_count > DEFAULT_PAGE_SIZE else 1)


def read_pages(
    job: SyncJob,
    source: DynamoDBClient,
    *,
    segment: int = 0,
    segments: int = 1,
    stop: threading.Event | None = None,
) -> Iterator[Page]:
    """Return the pages of one segment of what the job reads."""
    if job.where:
        return statement_pages(
            source,
            job.source_table,
            select_statement(job.source_table, job.where),
            page_size=job.page_size,
            consistent_read=job.consistent_read,
            stop=stop,
        )
    return scan_pages(
        source,
        job.source_table,
        segment=segment,
        total_segments=segments,
        page_size=job.page_size,
        consistent_read=job.consistent_read,
        stop=stop,
    )


def _watch(plan: Plan, destination: TableDescription) -> CollisionWatch | None:
    """Return a watch where the rules on the keys do not promise that different keys stay different."""
    if all(rule.uniqueness is Uniqueness.PRESERVED for rule in plan.key_rules):
        return None
    return CollisionWatch(destination.name, destination.key_names)


def _await(
    tasks: Sequence[Future[None]], stop: threading.Event, report: Callable[[], None], seconds: float
) -> None:
    """Wait for the segments; the first that fails stops the others, and its error is raised."""
    pending = set(tasks)
    try:
        while pending:
            done, pending = wait(pending, timeout=seconds, return_when=FIRST_EXCEPTION)
            if any(task.exception() for task in done):
                break
            if pending:
                report()
    finally:
        if pending:
            stop.set()
    failures = [error for task in tasks if (error := task.exception())]
    causes = [error for error in failures if not isinstance(error, StoppedError)]
    for error in causes or failures:
        raise error


@dataclass(frozen=True, slots=True)
class _Pipe:
    """What the segments share on the way from a page to the destination."""

    plan: Plan
    watch: CollisionWatch | None
    destination: DynamoDBClient
    table: TableDescription
    writers: ThreadPoolExecutor
    counters: Counters
    stop: threading.Event

    def run(self, pages: Iterator[Page]) -> None:
        """Move one segment: a page is read and transformed while the one before it is written."""
        writes: list[Future[Any]] = []
        for page in pages:
            self.counters.add_read(len(page.items), page.consumed_capacity)
            items = self.plan.apply(page.items)
            del page  # only the transformed items are held while the next page is read
            self.counters.add_transformed(len(items))
            if self.watch is not None:
                self.watch.admit(items)
            _finish(writes)
            writes = [
                self.writers.submit(self._write, items[start : start + MAX_ITEMS])
                for start in range(0, len(items), MAX_ITEMS)
            ]
            del items
        _finish(writes)

    def _write(self, items: Sequence[WireItem]) -> None:
        result = write_items(
            self.destination, self.table.name, items, key_names=self.table.key_names, stop=self.stop
        )
        self.counters.add_written(result.written, result.retried, result.consumed_capacity)


def _finish(writes: Sequence[Future[Any]]) -> None:
    for write in writes:
        write.result()
