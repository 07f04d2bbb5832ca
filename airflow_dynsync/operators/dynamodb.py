"""The operator: refreshes one table from another, anonymized on the way."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
)
from airflow.sdk import AssetAlias, BaseOperator

from airflow_dynsync.operators.arguments import check_arguments, parse_shared_segments, refuse_blank_where
from airflow_dynsync.operators.places import checkpoint_store, dead_letter_file, keep_report, last_report
from airflow_dynsync.operators.secret import find_secret

if TYPE_CHECKING:
    from airflow.sdk import Context
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.sync.estimate import Estimate
    from airflow_dynsync.sync.job import SyncJob
    from airflow_dynsync.sync.mapping_file import TableMapping
    from airflow_dynsync.sync.report import SyncReport

PROGRESS_SECONDS = 5.0


class DynamoDBAnonymizeSyncOperator(BaseOperator):
    """Copy the items of a DynamoDB table to another one, each transformed by the rules of a mapping.

    The rules are validated when the DAG is parsed, without any call to AWS. Source and destination are compared
    before the first write. The task returns the report of the run in its short form, never a value, and announces
    the asset ``dynamodb://region/table`` of the destination.

    Args:
        source_conn_id: connection of the production side, of type ``dynsync_dynamodb`` or ``aws``.
        source_table: the table to read (templated).
        destination_conn_id: connection of the staging side.
        destination_table: the table to write, with the source's key schema (templated).
        mappings: a rule by path, as in ``{"Profile.Email": "transform_email"}``.
        mapping_file: YAML with the rules, instead of ``mappings``, ``unmapped`` and ``presets`` (templated); a
            relative path begins at the DAG's own folder. A file with ``tables`` is searched for the source table.
        unmapped: what happens to leaves that no rule covers: ``anonymize``, ``passthrough``, ``fail``, ``drop``,
            ``neosync``, or a rule by type letter.
        where: what follows WHERE in PartiQL, as in ``Id = '111'`` (templated); None reads the whole table.
        consistent_read: read with strong consistency, at twice the capacity.
        total_segments: segments that a scan reads the table in; None for 4, more where it is larger than 4 GB, and
            1 where it is a page long. A where that no filter can say is read in one sequence.
        page_size: items read per request at most; None for 250.
        read_limit: read capacity units per second, as in ``500``, or a share of the table's own, as in ``"50%"``
            (templated); None for half of a provisioned table, and no limit on demand.
        write_limit: write capacity units likewise; those of the indexes count (templated).
        checkpoint_path: where to keep how far the task is, so that a retry continues (templated): a local path, or
            the URL of an object store. None for Airflow's task state store, which Airflow 3.3 has; before, a retry
            starts over. Only a run with a secret that stays can be continued.
        key_attributes: the table's primary key, partition key first. It lets rules on keys be checked when the
            DAG is parsed; without it they are checked before the first write.
        secret_conn_id: connection whose password is the secret; otherwise the option ``[dynsync] secret`` is;
            otherwise a random one is drawn for each run, and no two runs give the same pseudonyms.
        presets: rules by a name of one's own, used in place of a transformer's name.
        segments: the segments that this task moves, as in ``"0-3"``, where several tasks share a table as those of
            `dynamodb_anonymize_sync_group` do; it needs total_segments and a secret, keeps its checkpoint at
            ``<checkpoint_path>.0-3-of-16``, and announces no asset. None for all.
        workers: how many tasks share the table: each takes an equal part of the limits.
        fingerprint: what the plan of the tasks that share a table returned, to be sure that they all work by it.
        write_mode: ``upsert`` leaves what the source no longer has; ``mirror`` deletes it, and what the where no
            longer selects, after all is read and written; ``replace`` makes a complete new copy first, in a table
            beside the destination, verifies it, and then swaps the destination's contents for it.
        max_delete_fraction: a mirror that would delete more of the destination's items fails instead, with all
            items written and nothing deleted; so does a replacement by nothing, unless it is 1.
        write_only_changes: write only the items that the destination does not hold just so. Reading it takes a
            fraction of what a write costs; a secret that stays is needed.
        report_path: where to write the whole report (templated), as ``<report_path>.json`` and as a page,
            ``<report_path>.html``: a local path, or the URL of an object store, with or without an ending. One
            that is there already is that of the last run, with whose paths and types this run's are compared. The
            report of a run that fails is ``<report_path>.failed.json``.
        report_copy_path: where to write it a second time (templated), to keep it: a path with the date in it, as
            ``s3://reports/{{ ds }}/users``, while the next run finds the one at ``report_path``.
        exposure_check: which written items are searched for the originals of what the mapping hides: ``sample``,
            one in 100; ``all``; or ``off``.
        on_exposure: ``fail`` stops the task before an item is written in which a telling one was found; ``warn``
            tells of it in log and report.
        drift: ``fail`` stops the task before an item is written that has a path or type which the last run did not
            see; ``warn`` tells of them in the report, and of those that look personal in the log too.
        quasi_identifiers: paths of values that may identify a person together, as in ``["Zip", "BirthDate"]``: the
            report tells how rare their combinations are, before and after. None for those of the mapping file.
        create_destination: ``like_source`` creates the destination where it does not exist, with keys, indexes,
            billing mode, time to live, table class and kind of encryption of the source, and waits until it is
            ACTIVE; a dict, as in ``{"copy_tags": True, "tags": {"stage": "test"}}``, does so and asks for more:
            ``billing`` (``on_demand``), ``tags``, ``copy_tags``, ``stream`` (``like_source`` or what it shows),
            ``point_in_time_recovery``, ``deletion_protection``. None takes a missing table for an error.
        acknowledge: codes of warnings about the tables and the mapping that are known, as in
            ``["stream_on_destination"]``, beside those of the mapping file: the log leaves them out.
        verify: what is read back after the last write and compared with what the mapping gives now for the source:
            ``sample``, up to 1,000 items; ``all``, a second read of the source and one of the destination; or
            ``off``. The task fails, its report written, where the destination differs though the source has not
            changed; where BatchGetItem is not allowed on both tables the log says that nothing was verified.
        on_item_error: ``dead_letter`` puts aside an item that a rule fails on or DynamoDB refuses, and goes on:
            the task succeeds, and log, report and XCom say that the run is incomplete. ``fail`` ends it there.
        max_item_errors: how many items may be put aside; one more fails the task, without a retry.
        dead_letters: where to list what is put aside, as lines of JSON (templated): a local path, or the URL of an
            object store. The file is that of the last run.
        dead_letter_items: ``encrypted`` keeps the source items there, too, under a key derived from the secret;
            ``none`` only keyed digests of their keys, with rule and reason.
    """

    template_fields: Sequence[str] = (
        "source_table",
        "destination_table",
        "where",
        "mapping_file",
        "read_limit",
        "write_limit",
        "checkpoint_path",
        "report_path",
        "report_copy_path",
        "dead_letters",
    )
    ui_color = "#e8f1ff"

    def __init__(
        self,
        *,
        source_conn_id: str,
        source_table: str,
        destination_conn_id: str,
        destination_table: str,
        mappings: dict[str, Any] | None = None,
        mapping_file: str | None = None,
        unmapped: str | dict[str, Any] = "anonymize",
        where: str | None = None,
        consistent_read: bool = False,
        total_segments: int | None = None,
        page_size: int | None = None,
        read_limit: float | str | None = None,
        write_limit: float | str | None = None,
        checkpoint_path: str | None = None,
        key_attributes: Sequence[str] | None = None,
        secret_conn_id: str | None = None,
        presets: dict[str, dict[str, Any]] | None = None,
        segments: str | None = None,
        workers: int = 1,
        fingerprint: str | None = None,
        write_mode: str = "upsert",
        max_delete_fraction: float = 0.1,
        write_only_changes: bool = False,
        report_path: str | None = None,
        report_copy_path: str | None = None,
        exposure_check: str = "sample",
        on_exposure: str = "warn",
        drift: str = "warn",
        quasi_identifiers: Sequence[str] | None = None,
        create_destination: str | dict[str, Any] | None = None,
        acknowledge: Sequence[str] | None = None,
        verify: str = "sample",
        on_item_error: str = "fail",
        max_item_errors: int = 100,
        dead_letters: str | None = None,
        dead_letter_items: str = "none",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_conn_id = source_conn_id
        self.source_table = source_table
        self.destination_conn_id = destination_conn_id
        self.destination_table = destination_table
        self.mappings = mappings
        self.mapping_file = mapping_file
        self.unmapped = unmapped
        self.where = where
        self.consistent_read = consistent_read
        self.total_segments = total_segments
        self.page_size = page_size
        self.read_limit = read_limit
        self.write_limit = write_limit
        self.checkpoint_path = checkpoint_path
        self.key_attributes = key_attributes
        self.secret_conn_id = secret_conn_id
        self.presets = presets
        self.segments = segments
        self.workers = workers
        self.fingerprint = fingerprint
        self.write_mode = write_mode
        self.max_delete_fraction = max_delete_fraction
        self.write_only_changes = write_only_changes
        self.report_path = report_path
        self.report_copy_path = report_copy_path
        self.exposure_check = exposure_check
        self.on_exposure = on_exposure
        self.drift = drift
        self.quasi_identifiers = quasi_identifiers
        self.create_destination = create_destination
        self.acknowledge = acknowledge
        self.verify = verify
        self.on_item_error = on_item_error
        self.max_item_errors = max_item_errors
        self.dead_letters = dead_letters
        self.dead_letter_items = dead_letter_items
        self._asset = asset_alias(destination_conn_id, destination_table)
        if not self.is_part:
            self.outlets = [*self.outlets, self._asset]
        self._validate()

    @property
    def is_part(self) -> bool:
        """Whether other tasks do the rest."""
        return self.segments is not None

    @cached_property
    def _stop(self) -> threading.Event:
        # Made when it is needed: Airflow copies operators, and an event cannot be copied.
        return threading.Event()

    def _validate(self) -> None:
        """Find out what is wrong with the arguments, as far as they are known when the DAG is parsed."""
        check_arguments(self)
        if self.mapping_file is None or "{{" not in f"{self.mapping_file}{self.source_table}":
            self._mapping()

    def _mapping(self) -> TableMapping:
        """Return the rules, checked."""
        from airflow_dynsync.sync.mapping_file import TableMapping, check_mapping, load_table_mapping

        keys = self.key_attributes or ()
        if self.mapping_file is None:
            config = {"mappings": self.mappings or {}, "unmapped": self.unmapped, "presets": self.presets or {}}
            mapping = TableMapping.parse(config)
            check_mapping(mapping, key_attributes=keys)
            return mapping
        path = Path(self.mapping_file)
        if not path.is_absolute() and self.has_dag() and self.dag.fileloc:
            path = Path(self.dag.fileloc).parent / path
        return load_table_mapping(path, self.source_table, key_attributes=keys)

    def execute(self, context: Context) -> Any:
        """Run the sync and return its report as JSON values."""
        from airflow_dynsync.dynamodb.errors import DynamoDBError
        from airflow_dynsync.engine import MappingError, TransformError
        from airflow_dynsync.sync.errors import SyncError

        try:
            return self._perform(context)
        except (SyncError, MappingError, TransformError) as error:
            failure = AirflowFailException(str(error))
        except DynamoDBError as error:
            failure = (AirflowFailException if error.kind == "fatal" else AirflowException)(str(error))
        # Raised here, so that no original error, whose message may hold a value, is chained to it.
        raise failure

    def _perform(self, context: Context) -> Any:
        report = self._run(context)
        if not self.is_part:
            announce(context, self._asset, report)
        return report.short().as_dict()

    def _run(self, context: Context) -> SyncReport:
        from airflow_dynsync.sync.job import CONNECTIONS, run_sync
        from airflow_dynsync.sync.report.files import NO_EARLIER_REPORT

        job = self._job()
        # Folds the log in the UI. Logged, not printed: prints take another way and may overtake what is logged.
        self.log.info("::group::Sync %s -> %s", job.source_table, job.destination_table)
        kept: list[str] = []
        before = last_report(self.report_path, self._share)
        if self.report_path and before is None:
            self.log.info("%s.", NO_EARLIER_REPORT)
        try:
            report = run_sync(
                job,
                *self._clients(CONNECTIONS),
                before=before,
                checkpoints=checkpoint_store(self.checkpoint_path, self._share, context),
                dead_letters=dead_letter_file(self.dead_letters, self._share),
                on_report=lambda report: kept.extend(
                    keep_report(report, self.report_path, self.report_copy_path, share=self._share)
                ),
                on_notice=lambda notice: self.log.info("%s.", notice),
                on_warning=lambda warning: self.log.warning("%s.", warning),
                on_estimate=self._log_estimate,
                on_progress=lambda progress: self.log.info("%s", progress),
                progress_seconds=PROGRESS_SECONDS,
                stop=self._stop,
            )
        finally:
            self.log.info("::endgroup::")
            if kept:
                self.log.info("The report is at %s.", ", ".join(kept))
        self.log.info("%s", report)
        return report

    def _clients(self, max_connections: int) -> tuple[DynamoDBClient, DynamoDBClient]:
        """Return clients of source and destination."""
        from airflow_dynsync.hooks.dynamodb import DynamoDBSyncHook

        source, destination = (
            DynamoDBSyncHook(conn_id).wire_client(max_connections=max_connections)
            for conn_id in (self.source_conn_id, self.destination_conn_id)
        )
        return source, destination

    def _log_estimate(self, estimate: Estimate) -> None:
        self.log.info("Estimate: %s.", estimate)
        if estimate.verification:
            self.log.info("%s.", estimate.verification)
        timeout = self.execution_timeout
        if warning := estimate.warning(timeout.total_seconds() if timeout else None):
            self.log.warning("%s.", warning)

    def _job(self) -> SyncJob:
        from airflow_dynsync.sync.creation import parse_create_destination
        from airflow_dynsync.sync.job import DEFAULT_PAGE_SIZE, SyncJob

        refuse_blank_where(self.where)  # a template may have rendered to nothing
        mapping = self._mapping()
        return SyncJob(
            source_table=self.source_table,
            destination_table=self.destination_table,
            mapping=mapping,
            secret=self._secret(),
            where=self.where or mapping.where,
            consistent_read=self.consistent_read or mapping.consistent_read,
            total_segments=self.total_segments,
            segments=parse_shared_segments(self),
            workers=self.workers,
            fingerprint=self.fingerprint,
            page_size=self.page_size or DEFAULT_PAGE_SIZE,
            read_limit=self.read_limit,
            write_limit=self.write_limit,
            write_mode=self.write_mode,
            max_delete_fraction=self.max_delete_fraction,
            write_only_changes=self.write_only_changes,
            key_attributes=tuple(self.key_attributes) if self.key_attributes else None,
            exposure_check=self.exposure_check,
            on_exposure=self.on_exposure,
            drift=self.drift,
            quasi_identifiers=tuple(self.quasi_identifiers or mapping.quasi_identifiers),
            create_destination=parse_create_destination(self.create_destination),
            acknowledge=(*mapping.acknowledge, *(self.acknowledge or ())),
            verify=self.verify,
            on_item_error=self.on_item_error,
            max_item_errors=self.max_item_errors,
            dead_letter_items=self.dead_letter_items,
        )

    @property
    def _share(self) -> str:
        """What tells this task's files from those of the others that share the table; "" where none do."""
        return "" if self.segments is None else f"{self.segments}-of-{self.total_segments}"

    def _secret(self) -> bytes | None:
        """Return the secret of the deployment, or None for one that lasts for this run only."""
        secret = find_secret(self.secret_conn_id)
        if not secret and self.is_part:
            raise AirflowFailException(
                "Several tasks that share a table need one secret, and none is configured: set secret_conn_id or"
                " [dynsync] secret, the same on every machine"
            )
        if not secret:
            self.log.info(
                "No secret is configured: a random one is drawn for this run, so the next run gives other"
                " pseudonyms and rewrites every item. Set secret_conn_id or [dynsync] secret to keep them."
            )
        return secret

    def on_kill(self) -> None:
        """Let the threads end after the request they are in; what was written stays, the next run completes it."""
        self._stop.set()


def asset_alias(destination_conn_id: str, destination_table: str) -> AssetAlias:
    """Return what stands for the destination's asset until its region is known.

    It is named by the arguments as they are written: templates in them are rendered later.
    """
    return AssetAlias(f"dynsync:{destination_conn_id}/{destination_table}")


def announce(context: Context, alias: AssetAlias, report: SyncReport) -> None:
    """Attach the destination's asset, whose region is known only now, with the counts of this run."""
    from airflow_dynsync.assets import table_asset

    context["outlet_events"][alias].add(
        table_asset(report.destination_region, report.destination_table),
        extra={
            "items_read": report.items_read,
            "items_written": report.items_written,
            "seconds": report.seconds,
        },
    )
