"""Replacing the contents of a destination: a complete new copy is made beside it, verified, and brought over.

Until the copy, in a side table, is complete and verified, the destination is not touched. Then what differs is
written to it, and only after that is deleted what the copy does not have: at no moment an item is missing that old
and new contents both have. How far the copy is lies in the checkpoint, which is kept until all is done. So a run
that is interrupted before goes on with the copy, and one that is interrupted after swaps anew, which passes over
what is swapped already. A run that cannot continue the one before deletes what that left.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from airflow_dynsync.dynamodb.calls import Backoff, Patience
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.creation import wait_until_active
from airflow_dynsync.dynamodb.limits import parse_limit
from airflow_dynsync.dynamodb.reader import scan_pages
from airflow_dynsync.dynamodb.side_tables import (
    create_side_table,
    delete_table,
    find_side_table,
    side_table_name,
)
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.checkpoint import CheckpointStore
from airflow_dynsync.sync.estimate import Estimate, estimate_job
from airflow_dynsync.sync.examination import examine
from airflow_dynsync.sync.findings import WARNINGS
from airflow_dynsync.sync.mirror import TooManyDeletesError
from airflow_dynsync.sync.preflight import Side, inspect_side_table, require_no_errors
from airflow_dynsync.sync.preparation import Preparation, prepare
from airflow_dynsync.sync.pump import READERS
from airflow_dynsync.sync.report.clock import RunClock
from airflow_dynsync.sync.report.parts import preflight_part
from airflow_dynsync.sync.report.swap import swapped_report
from airflow_dynsync.sync.run import open_checkpoint
from airflow_dynsync.sync.verification import VerificationFailedError

if TYPE_CHECKING:
    import threading

    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.tables import TableDescription
    from airflow_dynsync.sync.job import SyncJob
    from airflow_dynsync.sync.report import SyncReport

_VERIFIED: Final = "copy_verified"


def replace_contents(
    sync: Callable[..., SyncReport],
    job: SyncJob,
    source: DynamoDBClient,
    destination: DynamoDBClient,
    *,
    before: SyncReport | None,
    checkpoints: CheckpointStore | None,
    on_report: Callable[[SyncReport], object],
    on_notice: Callable[[str], None],
    on_warning: Callable[[str], None],
    on_estimate: Callable[[Estimate], None],
    stop: threading.Event,
    backoff: Backoff | None,
    **progress: Any,
) -> SyncReport:
    """Replace what the destination holds by what the job's mapping gives for the source.

    Args:
        sync: runs a job of another write mode, as `run_sync` does.
        job: as for `run_sync`, as are the other parameters.

    Raises:
        TooManyDeletesError: the new copy is empty and the destination is not; the destination is as it was.
        VerificationFailedError: the copy is not what the mapping gives, and the destination is as it was; or the
            destination is not what the copy is after it was brought over.

    And whatever `run_sync` raises, of copying or of bringing over; the next run goes on.
    """
    clock = RunClock()
    during = {"on_notice": on_notice, "stop": stop, "backoff": backoff, **progress}
    with clock.phase("create"):
        prepared = prepare(job, source, destination, stop=stop, backoff=backoff)
        prepared = examine(prepared, source, destination, before=before, stop=stop)
        for warning in prepared.unacknowledged:
            on_warning(warning)
        estimate = estimate_job(prepared)
        on_estimate(estimate)
        copying = _copying(job)
        if not _continues(prepared, copying, source, destination, checkpoints, on_notice, stop, backoff):
            delete_table(destination, copying.destination_table, wait=True, stop=stop, backoff=backoff)
            _forget(checkpoints)
            create_side_table(destination, job.destination_table, stop=stop, backoff=backoff)
    try:
        copied = sync(
            copying,
            source,
            destination,
            before=before,
            checkpoints=None if checkpoints is None else _Kept(checkpoints),
            on_report=lambda report: on_report(report) if report.outcome == "failed" else None,
            on_warning=on_warning,
            **during,
        )
    except VerificationFailedError:
        _forget(checkpoints)  # what is wrong with the copy is not known: the next run makes another
        raise
    _note_verified(checkpoints)
    swapping = _swapping(job, copied)

    def finish() -> None:
        delete_table(destination, swapping.source_table, wait=False, stop=stop, backoff=backoff)
        _forget(checkpoints)

    if _is_empty(destination, swapping.source_table, backoff) and not _may_be_emptied(job, destination, backoff):
        finish()
        raise TooManyDeletesError(
            f"table {job.destination_table}: the new copy has no items, so all that the destination holds would be"
            " deleted; nothing was changed: check source, where and secret, or set max_delete_fraction to 1"
        )

    def whole(swapped: SyncReport) -> SyncReport:
        told = preflight_part(prepared.findings, job.acknowledge)
        return replace(swapped_report(copied, swapped, estimate, clock.phases), preflight=told)

    on_notice(f"The new copy is complete, and {job.destination_table} gets its contents")
    try:
        swapped = sync(
            swapping,
            destination,
            destination,
            on_report=lambda report: on_report(whole(report)) if report.outcome == "failed" else None,
            **during,
        )
    except VerificationFailedError as error:
        error.report = whole(error.report)
        raise
    finish()
    report = whole(swapped)
    on_report(report)
    return report


@dataclass(frozen=True, slots=True)
class _Kept:
    """The place of a checkpoint that is not removed when the copy is complete, but when it is brought over."""

    store: CheckpointStore

    def load(self) -> str | None:
        return self.store.load()

    def save(self, text: str) -> None:
        self.store.save(text)

    def remove(self) -> None:
        pass


def _forget(checkpoints: CheckpointStore | None) -> None:
    if checkpoints is not None and checkpoints.load() is not None:  # which refuses what is no checkpoint
        checkpoints.remove()


def _note_verified(checkpoints: CheckpointStore | None) -> None:
    """Add to the checkpoint of the copy, which does not look at it, that the copy is verified."""
    if checkpoints is None:
        return
    with suppress(Exception):  # a store may raise anything, and the run is worth more than it
        if (text := checkpoints.load()) is not None:
            checkpoints.save(orjson.dumps(orjson.loads(text) | {_VERIFIED: True}).decode())


def _is_verified(checkpoints: CheckpointStore | None) -> bool:
    text = None if checkpoints is None else checkpoints.load()
    return text is not None and _VERIFIED in orjson.loads(text)


def _copying(job: SyncJob) -> SyncJob:
    """Return the job that makes the new copy in the side table."""
    limit = parse_limit(job.write_limit, "write_limit")
    return replace(
        job,
        destination_table=side_table_name(job.destination_table),
        write_mode="upsert",
        # A share is one of the destination's throughput, which others use; nobody else uses the side table.
        write_limit=job.write_limit if limit is not None and limit.unit == "units" else None,
        create_destination=None,
        acknowledge=tuple(WARNINGS),  # those of the destination are told
    )


def _swapping(job: SyncJob, copied: SyncReport) -> SyncJob:
    """Return the job that brings the new copy over."""
    return replace(
        job,
        source_table=side_table_name(job.destination_table),
        mapping=Mapping.parse({"unmapped": "passthrough"}),
        secret=job.secret or secrets.token_bytes(32),
        where=None,
        consistent_read=True,  # what was written last must not be missed: it would be deleted
        total_segments=copied.total_segments if copied.read_by == "scan" else READERS,
        read_limit=None,
        write_mode="mirror",
        max_delete_fraction=1.0,
        write_only_changes=True,
        key_attributes=None,
        exposure_check="off",
        drift="warn",
        quasi_identifiers=(),
        create_destination=None,
        acknowledge=tuple(WARNINGS),
    )


def _continues(
    prepared: Preparation,
    copying: SyncJob,
    source: DynamoDBClient,
    destination: DynamoDBClient,
    checkpoints: CheckpointStore | None,
    on_notice: Callable[[str], None],
    stop: threading.Event,
    backoff: Backoff | None,
) -> bool:
    """Tell whether there is a side table that an interrupted run left, and its checkpoint.

    Raises:
        PreflightError: the table is somebody else's.
    """
    name = prepared.destination.name
    found = find_side_table(destination, name)
    if found is None:
        return False
    if found.status != "ACTIVE":
        found = wait_until_active(destination, found.name, Patience(backoff or Backoff(), stop), Pacer())
        require_no_errors(inspect_side_table(destination, name, Side(prepared.source, source.meta.endpoint_url)))
    if _shape(found) != _shape(prepared.destination):
        return False
    begun = replace(prepared, job=copying, destination=found)
    checkpoint = open_checkpoint(begun, checkpoints, lambda _: None)
    told = checkpoint.interrupted_run
    if checkpoint.continues and not (
        checkpoint.unfinished or copying.verify == "off" or _is_verified(checkpoints)
    ):
        told = "its copy was complete, but not verified, so this run starts over"
    elif checkpoint.continues:
        return True
    if told:
        on_notice(f"An earlier run of this sync was interrupted; {told}")
    return False


def _shape(table: TableDescription) -> tuple[Any, ...]:
    return table.keys, {(index.name, index.kind, index.keys) for index in table.indexes}


def _may_be_emptied(job: SyncJob, destination: DynamoDBClient, backoff: Backoff | None) -> bool:
    """Tell whether the destination may end with no items: where it has none, or all may be deleted."""
    return job.max_delete_fraction >= 1 or _is_empty(destination, job.destination_table, backoff)


def _is_empty(client: DynamoDBClient, table_name: str, backoff: Backoff | None) -> bool:
    page = next(scan_pages(client, table_name, page_size=1, consistent_read=True, backoff=backoff))
    return not page.items
