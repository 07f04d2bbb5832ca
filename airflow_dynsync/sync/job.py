"""The sync of one table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_dynsync.dynamodb.client import detour
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.checkpoint import CheckpointStore
from airflow_dynsync.sync.checks import ExposureMode, OnFinding
from airflow_dynsync.sync.dead_letters import MAX_ITEM_ERRORS, DeadLetterFile, DeadLetterItems, OnItemError
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.estimate import Estimate, estimate_job
from airflow_dynsync.sync.examination import examine
from airflow_dynsync.sync.preparation import prepare
from airflow_dynsync.sync.progress import Progress
from airflow_dynsync.sync.pump import READERS, WRITES
from airflow_dynsync.sync.replacement import replace_contents
from airflow_dynsync.sync.report import SyncReport
from airflow_dynsync.sync.report.clock import RunClock
from airflow_dynsync.sync.report.composition import failed_report
from airflow_dynsync.sync.run import Run
from airflow_dynsync.sync.verification import VerificationFailedError, VerifyMode, require_verified

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.calls import Backoff
    from airflow_dynsync.dynamodb.creation_options import CreationOptions

WriteMode = Literal["upsert", "mirror", "replace"]

DEFAULT_PAGE_SIZE = 250
"""Larger pages make no item cheaper, and several of them are held for each segment."""
CONNECTIONS = READERS + WRITES
"""How many requests may be under way at once on either side."""


@dataclass(frozen=True, slots=True)
class SyncJob:
    """What is read, what is done to it, and where it goes.

    Attributes:
        source_table: the table to read.
        destination_table: the table to write, with the source's key schema.
        mapping: the rules.
        secret: at least 16 bytes; None draws a random one for this run, which then cannot be resumed.
        where: what follows WHERE in PartiQL, as in ``Id = '111'``; None reads the whole table.
        consistent_read: read with strong consistency, at twice the capacity.
        total_segments: in how many segments a Scan reads the table; None for one where the table is a page long,
            else 4, and more where it is larger than 4 GB. A where that no filter can say is read in one sequence.
        segments: which of them this job moves, where several jobs share a table; None for all.
        workers: how many jobs share the limits.
        fingerprint: the `Preparation.fingerprint` of the job that shared the segments out, which this one's has
            to be, too; None checks nothing.
        page_size: items read per request at most.
        read_limit: capacity units per second, as in ``500``, or a share of the table's own, as in ``"50%"``; None
            for half of a provisioned table, and no limit on demand.
        write_limit: likewise; writes to indexes count.
        write_mode: ``upsert`` leaves what the source no longer has; ``mirror`` deletes it, and what the where no
            longer selects, after all is read and written; ``replace`` makes a complete new copy in a side table
            first, verifies it, and then swaps the destination's contents for it; see `sync.replacement`.
        max_delete_fraction: a mirror that would delete more of the destination's items ends with an error instead,
            and so does a replacement by nothing, unless it is 1.
        write_only_changes: write only items that the destination does not hold just so; needs a secret that stays.
        key_attributes: the primary key that the mapping was written for; None takes the table's own.
        exposure_check: which written items are searched for the originals of what the mapping hides: ``sample``,
            one in 100; ``all``; or ``off``.
        on_exposure: ``fail`` stops the run before an item is written in which a telling one was found.
        drift: ``fail`` stops the run before an item is written that has a path or type which the last run did not
            see.
        quasi_identifiers: paths whose combinations' rarity is measured, before and after; see `sync.risk`.
        create_destination: creates the destination, where it does not exist, like the source and with these
            options; None takes that for an error.
        acknowledge: codes of preflight's warnings, of which `run_sync` shall not warn; see `sync.findings`.
        verify: what is read back after the last write and compared with what the plan gives; see
            `sync.verification`: ``sample``, up to 1,000 items; ``all``, which takes a second read of the source,
            and one of the destination; or ``off``.
        on_item_error: ``dead_letter`` puts aside an item that a rule fails on or DynamoDB refuses, and goes on;
            ``fail`` ends the run there.
        max_item_errors: how many items may be put aside; one more ends the run.
        dead_letter_items: ``encrypted`` keeps the source items that are put aside, under a key derived from the
            secret; ``none`` only digests of their keys, with the reasons.
    """

    source_table: str
    destination_table: str
    mapping: Mapping
    secret: bytes | None = None
    where: str | None = None
    consistent_read: bool = False
    total_segments: int | None = None
    segments: range | None = None
    workers: int = 1
    fingerprint: str | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    read_limit: float | str | None = None
    write_limit: float | str | None = None
    write_mode: WriteMode = "upsert"
    max_delete_fraction: float = 0.1
    write_only_changes: bool = False
    key_attributes: tuple[str, ...] | None = None
    exposure_check: ExposureMode = "sample"
    on_exposure: OnFinding = "warn"
    drift: OnFinding = "warn"
    quasi_identifiers: tuple[str, ...] = ()
    create_destination: CreationOptions | None = None
    acknowledge: tuple[str, ...] = ()
    verify: VerifyMode = "sample"
    on_item_error: OnItemError = "fail"
    max_item_errors: int = MAX_ITEM_ERRORS
    dead_letter_items: DeadLetterItems = "none"

    def __repr__(self) -> str:
        return f"SyncJob({self.source_table} -> {self.destination_table})"


def run_sync(
    job: SyncJob,
    source: DynamoDBClient,
    destination: DynamoDBClient,
    *,
    before: SyncReport | None = None,
    checkpoints: CheckpointStore | None = None,
    dead_letters: DeadLetterFile | None = None,
    on_report: Callable[[SyncReport], object] = lambda _: None,
    on_notice: Callable[[str], None] = lambda _: None,
    on_warning: Callable[[str], None] = lambda _: None,
    on_estimate: Callable[[Estimate], None] = lambda _: None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    progress_seconds: float = 5.0,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
) -> SyncReport:
    """Copy a table, anonymized.

    Args:
        job: what to do.
        source: a client that speaks wire form, as `dynamodb.client.create_client` makes it.
        destination: likewise.
        before: the last run's report, with whose mapping, secret, paths and types this run's are compared; None
            compares nothing.
        checkpoints: keeps how far the run is, so that the next one continues it if it is interrupted; called in
            this thread alone. None starts over each time.
        dead_letters: where items are kept that are put aside; see `SyncJob.on_item_error`.
        on_report: called once with the report, also of a run that fails after it has begun to move items.
        on_notice: called with a sentence about how the source is read, and whether a run is continued.
        on_warning: called with a sentence about each warning of preflight that is not acknowledged, about each
            leak, and about what is new and looks personal; the report has them, too.
        on_estimate: called once, before the first read, with what the whole table will cost; not where `segments`
            are given, whose job is estimated by whoever shares them out.
        on_progress: called every few seconds and at the end, in this thread.
        progress_seconds: how often.
        stop: set to end early; pages that were written stay.
        backoff: how throttling and short failures are waited out, and for how long; None for the default.

    Raises:
        PreflightError: the sync would do harm or cannot succeed; nothing was written.
        MappingError: the mapping is wrong for this table; nothing was written.
        TransformError: a rule met a value it cannot take.
        TooManyItemErrorsError: more items than are allowed could not be transformed or written.
        SyncError: a limit, the segments or what several workers share is wrong; nothing was written.
        KeyCollisionsFoundError: two items would get one key.
        TooManyDeletesError: more would be deleted than is allowed; all is written, and nothing deleted.
        ExposureFoundError: an original would be written at another place, and the run is to fail then.
        SchemaDriftError: the source has something new, and the run is to fail then.
        VerificationFailedError: the destination does not hold what was written; it has the report.
        DynamoDBError: DynamoDB refused or did not answer; what was written stays, and the next run completes it.
    """
    stop = stop or threading.Event()
    if job.write_mode == "replace":
        if job.on_item_error != "fail":
            raise SyncError(
                "on_item_error: write_mode replace takes over a complete copy, or none; choose fail, or another"
                " write_mode"
            )
        return replace_contents(
            run_sync,
            job,
            source,
            destination,
            before=before,
            checkpoints=checkpoints,
            on_report=on_report,
            on_notice=on_notice,
            on_warning=on_warning,
            on_estimate=on_estimate,
            on_progress=on_progress,
            progress_seconds=progress_seconds,
            stop=stop,
            backoff=backoff,
        )
    clock = RunClock()
    with clock.phase("prepare"):
        prepared = prepare(job, source, destination, stop=stop, backoff=backoff)
        prepared = examine(prepared, source, destination, before=before, stop=stop)
    for warning in prepared.unacknowledged:
        on_warning(warning)
    on_notice(f"{job.source_table} is {prepared.selection.reason}")
    for side, client in (("source", source), ("destination", destination)):
        if (why := detour(client)) is not None:
            on_notice(
                f"The {side} is reached over botocore's own connections, because {why} is configured: calls take"
                " more of this machine"
            )
    estimate = estimate_job(prepared) if job.segments is None else None
    if estimate is not None:
        on_estimate(estimate)
    run = Run(
        prepared,
        source,
        destination,
        before=before,
        checkpoints=checkpoints,
        dead_letters=dead_letters,
        on_notice=on_notice,
        on_warning=on_warning,
        stop=stop,
        backoff=backoff,
    )
    try:
        with clock.phase("move"):
            run.move(on_progress, progress_seconds)
        if job.write_mode == "mirror":
            with clock.phase("delete"):
                run.delete()
        run.close()
        if job.verify != "off":
            with clock.phase("verify"):
                run.verify()
        for warning in run.warnings():
            on_warning(warning)
        report = run.report(clock, estimate)
        require_verified(report)
    except BaseException as error:
        failed = failed_report(run.report(clock, estimate), error)
        if isinstance(error, VerificationFailedError):
            error.report = failed
        try:
            on_report(failed)
        except Exception as unwritten:  # noqa: BLE001 - a store may raise anything; what ended the run comes before it
            reason = str(unwritten) if isinstance(unwritten, SyncError) else type(unwritten).__name__
            on_notice(f"The report of this run could not be written: {reason}")
        raise
    on_report(report)
    return report
