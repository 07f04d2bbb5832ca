"""Moves pages: of several segments, in threads, through the plan into the destination, with bounded memory."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from airflow_dynsync.dynamodb.calls import Backoff
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.errors import InvalidRequestError, StoppedError
from airflow_dynsync.dynamodb.items import PIECE_BYTES, pieces
from airflow_dynsync.dynamodb.reader import Page
from airflow_dynsync.dynamodb.writer import MAX_ITEMS, require_distinct_keys, write_serialized
from airflow_dynsync.engine import Plan, TransformError
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.changes import Changes
from airflow_dynsync.sync.checkpoint import Checkpoint, Position
from airflow_dynsync.sync.dead_letters import transform_others
from airflow_dynsync.sync.lanes import Lanes
from airflow_dynsync.sync.progress import Counters

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READERS: Final = 4
"""Segments moved at once at most, each in a thread of its own; see `Lanes`."""

WRITES: Final = 32
"""Batches under way at once, about; DynamoDB takes some ten or twenty milliseconds to answer one."""

_FEW_ITEMS: Final = 10 * MAX_ITEMS
_MANY_PAGES: Final = 10
_PAGES_BETWEEN_COLLECTIONS: Final = 20
_LOOK_SECONDS: Final = 0.1
_WHOLE: Final = sys.maxsize


Observer = Callable[[Sequence[WireItem], Sequence[WireItem]], None]
"""Looks at items as they were read, and as they will be written."""

_Put = tuple[bytes, bytes]
"""The JSON of an item to write and of its source, which is empty where nobody may ask for it."""

PutAside = Callable[[WireItem, TransformError | InvalidRequestError], object]
"""Takes an item as it was read, which a rule failed on or DynamoDB refused; what it raises ends the run."""


@dataclass(frozen=True, slots=True)
class Pump:
    """What the segments share on the way from a page to the destination.

    Attributes:
        pages: the pages of a segment, from a position on.
        plan: what is done to them.
        observers: look at the items of a chunk as they were read and as they will be written; they may raise.
        changes: tells for a segment, from a position on, which items to write; None writes all.
        destination: a client that speaks wire form.
        table_name: the table to write.
        key_names: its key, where a rule changes it; () where keys pass through.
        pacer: of the writes.
        counters: what all threads count together.
        checkpoint: which pages are written.
        stop: set to end early.
        put_aside: takes the items that cannot be transformed or written; None where the first of them ends the
            run.
        backoff: how throttling and short failures of writes are waited out.
        abandon: ends the calls that wait for an answer.
    """

    pages: Callable[[int, Position | None], Iterator[Page]]
    plan: Plan
    observers: Sequence[Observer]
    changes: Callable[[int, Position | None], Changes] | None
    destination: DynamoDBClient
    table_name: str
    key_names: Sequence[str]
    pacer: Pacer
    counters: Counters
    checkpoint: Checkpoint
    stop: threading.Event
    put_aside: PutAside | None = None
    backoff: Backoff | None = None
    abandon: Callable[[], object] = lambda: None
    _news: threading.Event = field(default_factory=threading.Event, init=False)
    _failures: list[Exception] = field(default_factory=list, init=False)

    def run(self, report: Callable[[], None], report_seconds: float) -> None:
        """Move every segment that is not written to its end.

        Args:
            report: called in this thread every few seconds.
            report_seconds: how often.

        Raises what the first to fail raised, of reading or writing any segment, after the others have stopped.
        """
        with ExitStack() as ending:
            ending.callback(self.checkpoint.save)  # last, when no thread writes any more
            ending.enter_context(_rare_garbage_collection())
            threads = ending.enter_context(ThreadPoolExecutor(READERS, "dynsync-segment"))
            tasks: list[Future[None]] = []
            unfinished = self.checkpoint.unfinished
            lanes = Lanes(min(READERS, len(unfinished)), self.stop)
            try:
                tasks.extend(threads.submit(self._watched, segment, lanes) for segment in unfinished)
                self._attend(tasks, report, report_seconds)
            except BaseException:  # a signal's too, such as KeyboardInterrupt or Airflow's timeout, at any line
                self.stop.set()
                raise
            finally:
                for task in tasks:
                    task.cancel()
                while self.stop.is_set() and (under_way := [task for task in tasks if not task.done()]):
                    # A call that hangs would hold up the end until it times out; one may just be about to begin.
                    self.abandon()
                    wait(under_way, _LOOK_SECONDS)
        for error in self._failures:
            raise error
        for task in tasks:
            if not task.cancelled():
                task.result()
        if any(task.cancelled() for task in tasks):
            raise StoppedError("stopped as asked, before all was done: run it again to finish")

    def _attend(self, tasks: Sequence[Future[Any]], report: Callable[[], None], seconds: float) -> None:
        """Save and report while the segments run, until all are done or shall stop."""
        for task in tasks:
            task.add_done_callback(lambda _: self._news.set())
        report_at = time.monotonic() + seconds
        while not all(task.done() for task in tasks):
            waits = [report_at - time.monotonic(), self.checkpoint.seconds_until_due]
            self._news.wait(max(0.0, min(each for each in waits if each is not None)))
            self._news.clear()
            if self.checkpoint.seconds_until_due == 0.0:
                self.checkpoint.save()
            if time.monotonic() >= report_at:
                report()
                report_at = time.monotonic() + seconds
            if self.stop.is_set():
                return

    def _watched(self, segment: int, lanes: Lanes) -> None:
        """Move one segment, and stop the others if that fails."""
        try:
            with lanes.lane():
                self._segment(segment, lanes)
        except StoppedError:
            raise
        except Exception as error:
            self._failures.append(error)
            self.stop.set()
            self._news.set()
            raise

    def _segment(self, segment: int, lanes: Lanes) -> None:
        """Move one segment."""
        start = self.checkpoint.position(segment)
        changes = None if self.changes is None else self.changes(segment, start)
        most_bytes = PIECE_BYTES if changes is None and not self.plan.wants_many else _WHOLE
        for number, (chunk, position) in enumerate(self._chunks(segment, self.pages(segment, start)), 1):
            puts: list[_Put] = []
            count = 0
            for piece in pieces(chunk, most_bytes):
                count += self._transform(piece, changes, puts)
            del chunk
            refused = self._write(puts, WRITES // lanes.taken)
            self.checkpoint.advance(segment, position, count - refused)
            self._news.set()
            if position is not None:
                lanes.between()
            if number % _PAGES_BETWEEN_COLLECTIONS == 0:
                gc.collect(0)  # botocore leaves some objects in a cycle behind each request

    def _transform(self, read: list[WireItem], changes: Changes | None, puts: list[_Put]) -> int:
        """Transform some items, add what is to be written, and return how many are there when that is done."""
        if self.put_aside is None:
            items, sources = self.plan.apply(read), read
        else:
            sources, items = transform_others(self.plan, read, self.put_aside)
        for look in self.observers:
            look(sources, items)
        if self.key_names:
            require_distinct_keys(self.table_name, items, self.key_names)
        self.counters.add_transformed(len(items))
        changed = items
        if changes is not None:
            changed = self._changed(changes, items)
            self.counters.add_unchanged(len(items) - len(changed))
        if self.put_aside is None:
            puts += [(orjson.dumps(item), b"") for item in changed]
        else:  # which alone asks for the source of an item that is refused
            source_of = {id(item): source for source, item in zip(sources, items, strict=True)}
            puts += [(orjson.dumps(item), orjson.dumps(source_of[id(item)])) for item in changed]
        return len(items)

    def _changed(self, changes: Changes, items: list[WireItem]) -> list[WireItem]:
        try:
            return changes.among(items)
        except InvalidRequestError:
            if self.put_aside is None:
                raise
            return items  # no key of one may be looked up; which one it is shows when they are written

    def _chunks(
        self, segment: int, pages: Iterator[Page]
    ) -> Iterator[tuple[list[Sequence[WireItem]], Position | None]]:
        """Put pages together that a filter has thinned, so that they fill batches, up to what a full one holds.

        A page that has few items because they are large is full, too.
        """
        chunk: list[Sequence[WireItem]] = []
        filled = 0.0
        for page in pages:
            self.counters.add_read(len(page.items), page.scanned_count, page.consumed_capacity, segment)
            position = page.position
            filled += len(page.items) / (page.scanned_count or _FEW_ITEMS)
            chunk.append(page.items)
            del page  # its items belong to whoever takes the chunk
            if position is None or filled >= 1 or len(chunk) == _MANY_PAGES:
                whole, chunk, filled = chunk, [], 0.0
                yield whole, position

    def _write(self, puts: Sequence[_Put], writes: int) -> int:
        """Write items; find what is refused by halves, put it aside, and return how many items that were.

        Of a batch that holds an item which DynamoDB refuses it writes none.
        """
        try:
            result = write_serialized(
                self.destination,
                self.table_name,
                [item for item, _ in puts],
                under_way=writes,
                stop=self.stop,
                backoff=self.backoff,
                pacer=self.pacer,
            )
        except InvalidRequestError as error:
            if self.put_aside is None:
                raise
            if len(puts) > 1:
                middle = len(puts) // 2
                return self._write(puts[:middle], writes) + self._write(puts[middle:], writes)
            ((_, source),) = puts
            self.put_aside(orjson.loads(source), error)
            return 1
        self.counters.add_written(result.written, result.retried, result.consumed_capacity)
        return 0


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Let the cyclic garbage collector run rarely.

    It looks at parsed items again and again, which costs as much as parsing them, and finds nothing: items hold no
    cycles. What else does is collected now and then.
    """
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
