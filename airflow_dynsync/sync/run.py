"""One run of a prepared job: its parts, put together once, and what each phase does with them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_dynsync.dynamodb.capacity import read_pacer
from airflow_dynsync.dynamodb.client import abandon_calls
from airflow_dynsync.dynamodb.errors import AccessDeniedError, InvalidRequestError
from airflow_dynsync.dynamodb.reader import Page, scan_pages
from airflow_dynsync.dynamodb.where import Selection
from airflow_dynsync.engine import TransformError
from airflow_dynsync.sync.changes import Changes
from airflow_dynsync.sync.checkpoint import Checkpoint, CheckpointStore, Position
from airflow_dynsync.sync.checks import Checks
from airflow_dynsync.sync.collisions import CollisionWatch
from airflow_dynsync.sync.dead_letters import DeadLetterFile, DeadLetters, destination_key
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.mirror import Deletion, Mirror, WrittenKeys
from airflow_dynsync.sync.preparation import Preparation, counted
from airflow_dynsync.sync.progress import Counters, Progress
from airflow_dynsync.sync.pump import Observer, Pump
from airflow_dynsync.sync.report.composition import report_of
from airflow_dynsync.sync.report.parts import preflight_part, put_aside_in_words
from airflow_dynsync.sync.verification import ReadNotes, verify_run, with_counts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.calls import Backoff
    from airflow_dynsync.engine.values import WireItem
    from airflow_dynsync.sync.estimate import Estimate
    from airflow_dynsync.sync.report import SyncReport
    from airflow_dynsync.sync.report.clock import RunClock
    from airflow_dynsync.sync.report.found import Verification


class Run:
    """What the phases of one run share. They are called in one thread, in the order of the methods.

    Args:
        prepared: what to do.
        source: a client that speaks wire form.
        destination: likewise.
        before: the last run's report, to compare with.
        checkpoints: keeps how far the run is; None where it starts over each time.
        dead_letters: where the items are kept that are put aside, if the job says so.
        on_notice: called with a sentence about what the run can and cannot do.
        on_warning: called with a sentence about what a person should look at.
        stop: set to end early.
        backoff: how throttling and short failures are waited out.
    """

    def __init__(
        self,
        prepared: Preparation,
        source: DynamoDBClient,
        destination: DynamoDBClient,
        *,
        before: SyncReport | None,
        checkpoints: CheckpointStore | None,
        dead_letters: DeadLetterFile | None,
        on_notice: Callable[[str], None],
        on_warning: Callable[[str], None],
        stop: threading.Event,
        backoff: Backoff | None,
    ) -> None:
        job = prepared.job
        self._prepared = prepared
        self._source, self._destination = source, destination
        self._on_notice, self._on_warning = on_notice, on_warning
        self._stop, self._backoff = stop, backoff
        self._read_pacer, self._write_pacer = prepared.read_pacer(), prepared.write_pacer()
        self._counters = Counters(None if job.where or job.segments else prepared.source.item_count)
        self._checkpoint = open_checkpoint(prepared, checkpoints, on_notice, self._save_letters)
        self._letters = _letters(prepared, dead_letters, continues=self._checkpoint.continues)
        self._checks = _checks(prepared, before)
        self._kept = WrittenKeys(prepared.destination.key_names) if job.write_mode == "mirror" else None
        self._notes = None if job.verify == "off" else ReadNotes(prepared, job.verify)
        self._pump = self._new_pump()
        self._deletion: Deletion | None = None
        self._verified: Verification | None = None

    def move(self, on_progress: Callable[[Progress], None], progress_seconds: float) -> None:
        """Read, transform and write all items; called back every few seconds, and at the end."""
        try:
            self._pump.run(lambda: on_progress(self._counters.progress()), progress_seconds)
        except BaseException:
            with suppress(SyncError):  # what ended the run comes before it
                self._save_letters()
            raise
        self._save_letters()
        on_progress(self._counters.progress())

    def delete(self) -> None:
        """Delete what the source does not have, where the destination is to mirror it."""
        if self._kept is None:
            return
        if not self._kept.complete:
            self._on_warning(
                "Nothing was deleted: of an item that was put aside the key at the destination is not known, and"
                " its old version there would be taken for one that the source no longer has"
            )
            return
        mirror = Mirror(
            keys=self._destination_keys,
            written=self._kept,
            destination=self._destination,
            table_name=self._prepared.destination.name,
            max_fraction=self._prepared.job.max_delete_fraction,
            pacer=self._write_pacer,
            stop=self._stop,
            backoff=self._backoff,
        )
        self._deletion = mirror.delete()
        self._counters.add_written(0, 0, self._deletion.units)

    def close(self) -> None:
        """Forget how far the run is: all is done to both tables."""
        self._checkpoint.remove()

    def verify(self) -> None:
        """Read back what was written and compare it, as far as the job says so and permissions allow."""
        if self._notes is None:
            return
        try:
            self._verified = verify_run(
                self._prepared,
                self._notes,
                self._source,
                self._destination,
                pacer=self._read_pacer,
                stop=self._stop,
                backoff=self._backoff,
            )
        except AccessDeniedError as error:
            self._on_notice(f"Not verified: {error}")
        else:
            self._counters.add_read(0, 0, self._verified.read_units)
            if (kept := self._kept) is not None and (deletion := self._deletion) is not None:
                beyond = deletion.left
                if self._verified.mode == "all":
                    beyond = sum(len(kept.others(page.items)) for page in self._destination_keys())
                self._verified = with_counts(self._verified, beyond=beyond, missing=deletion.missing)

    def warnings(self) -> list[str]:
        """Return in sentences what a person should look at."""
        aside = None if self._letters is None else self._letters.warning()
        return [*self._checks.warnings(), *([aside] if aside else [])]

    def report(self, clock: RunClock, estimate: Estimate | None) -> SyncReport:
        """Return what was done until now."""
        prepared = self._prepared
        aside = None if self._letters is None else self._letters.part()
        complete = aside is None or not aside.count
        return replace(
            report_of(
                prepared,
                self._counters,
                clock,
                source_region=self._source.meta.region_name,
                destination_region=self._destination.meta.region_name,
                checkpoint=self._checkpoint,
                estimate=estimate,
            ),
            preflight=preflight_part(prepared.findings, prepared.job.acknowledge),
            items_deleted=self._deletion.items if self._deletion is not None else 0,
            verification=self._verified,
            dead_letters=aside,
            complete=complete,
            incomplete_because=None if aside is None or complete else put_aside_in_words(aside),
            **self._checks.parts(self._counters.items_read),
        )

    def _new_pump(self) -> Pump:
        prepared = self._prepared
        return Pump(
            pages=self._pages,
            plan=prepared.plan,
            observers=self._observers(),
            changes=self._changes(),
            destination=self._destination,
            table_name=prepared.destination.name,
            key_names=prepared.destination.key_names if prepared.plan.key_rules else (),
            pacer=self._write_pacer,
            counters=self._counters,
            checkpoint=self._checkpoint,
            stop=self._stop,
            put_aside=None if self._letters is None else self._put_aside,
            backoff=self._backoff,
            abandon=lambda: abandon_calls(self._source, self._destination),
        )

    def _observers(self) -> list[Observer]:
        observers: list[Observer] = [self._checks.look]
        if (kept := self._kept) is not None:
            observers.append(lambda _, written: kept.note(written))
        if (notes := self._notes) is not None:
            observers.append(lambda read, _: notes.note(read))
        return observers

    def _put_aside(self, item: WireItem, error: TransformError | InvalidRequestError) -> None:
        """Go on without an item: it is neither expected at the destination nor to be deleted there."""
        if self._notes is not None:
            self._notes.put_aside(item)
        if self._kept is not None:
            self._kept.note_unsure()
        if self._kept is not None and isinstance(error, TransformError):  # else its key was noted with the others
            key = destination_key(self._prepared.plan, item)
            if key is None:
                self._kept.complete = False
            else:
                self._kept.note([key])
        if self._letters is not None:
            self._letters.add(item, error)

    def _save_letters(self) -> None:
        if self._letters is not None:
            self._letters.save()

    def _pages(self, segment: int, position: Position | None) -> Iterator[Page]:
        return self._prepared.pages(
            self._source,
            segment,
            position,
            self._read_pacer,
            self._stop,
            self._backoff,
            on_refused=lambda: self._checkpoint.start_over(segment),
        )

    def _changes(self) -> Callable[[int, Position | None], Changes] | None:
        """Return what tells for each segment which items to write; None where all are written."""
        prepared = self._prepared
        if not prepared.job.write_only_changes:
            return None
        if prepared.job.secret is None:
            raise SyncError(
                "write_only_changes: with a secret drawn for this run every item would differ; give one that stays"
            )
        pacer = read_pacer(None, prepared.destination, consistent_read=True, workers=prepared.workers)
        return lambda segment, position: prepared.changes(
            self._destination,
            segment,
            position,
            pacer,
            self._stop,
            self._backoff,
            self._counters.add_compared,
        )

    def _destination_keys(self) -> Iterator[Page]:
        table = self._prepared.destination
        pages = scan_pages(
            self._destination,
            table.name,
            selection=Selection("scan", "read by Scan: the keys", attributes=table.key_names),
            page_size=self._prepared.job.page_size,
            consistent_read=True,
            stop=self._stop,
            backoff=self._backoff,
            pacer=read_pacer(None, table, consistent_read=True),
        )
        return counted(pages, self._counters.add_compared)


def _checks(prepared: Preparation, before: SyncReport | None) -> Checks:
    job = prepared.job
    watch = None  # where the rules on the keys promise that different keys stay different
    if not prepared.keeps_keys_apart:
        watch = CollisionWatch(prepared.destination.name, prepared.destination.key_names)
    return Checks(
        prepared.plan,
        job.secret,
        exposure_check=job.exposure_check,
        on_exposure=job.on_exposure,
        drift=job.drift,
        before=before,
        quasi_identifiers=job.quasi_identifiers,
        watch=watch,
    )


def _letters(prepared: Preparation, file: DeadLetterFile | None, *, continues: bool) -> DeadLetters | None:
    """Return what takes the items that cannot be transformed or written; None where they end the run."""
    job = prepared.job
    if job.on_item_error == "fail":
        return None
    if file is None:
        raise SyncError("on_item_error: what is put aside has to be kept somewhere; give dead_letters, a path")
    return DeadLetters(
        file,
        secret=job.secret,
        source_table=prepared.source.name,
        key_names=prepared.source.key_names,
        most=job.max_item_errors,
        items=job.dead_letter_items,
        continues=continues,
    )


def open_checkpoint(
    prepared: Preparation,
    store: CheckpointStore | None,
    on_notice: Callable[[str], None],
    before_save: Callable[[], object] = lambda: None,
) -> Checkpoint:
    """Return the checkpoint of an interrupted run, or a new one where none can be continued."""
    secret = prepared.job.secret
    if store is not None and secret is None:
        on_notice("If this run is interrupted it starts over: only one with a secret that stays can be continued")
        store = None
    if store is not None and prepared.job.write_mode == "mirror":
        on_notice("If this run is interrupted it starts over: a mirror has to know all keys of the source")
        store = None
    if store is not None and not prepared.keeps_keys_apart:
        on_notice(
            "If this run is interrupted it starts over: the rules on the key do not promise that different keys"
            " stay different, so all of them have to be watched from the start"
        )
        store = None
    checkpoint = Checkpoint(prepared.segments, store, secret or b"", prepared.common, on_notice, before_save)
    if checkpoint.interrupted_run:
        on_notice(f"An earlier run of this sync was interrupted; {checkpoint.interrupted_run}")
    return checkpoint
