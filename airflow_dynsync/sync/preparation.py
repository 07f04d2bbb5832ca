"""What a job means for its two tables: found out before the first write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from airflow_dynsync import __version__
from airflow_dynsync.dynamodb.capacity import Pacer, read_pacer, write_pacer
from airflow_dynsync.dynamodb.creation import create_like
from airflow_dynsync.dynamodb.errors import TableNotFoundError
from airflow_dynsync.dynamodb.limits import parse_limit
from airflow_dynsync.dynamodb.lookup import get_items
from airflow_dynsync.dynamodb.reader import (
    Page,
    query_pages,
    resumed_pages,
    scan_pages,
    select_statement,
    statement_pages,
)
from airflow_dynsync.dynamodb.tables import TableDescription, describe_table
from airflow_dynsync.dynamodb.where import Selection, plan_selection
from airflow_dynsync.engine import Plan, compile_plan
from airflow_dynsync.engine.corpora import CORPUS_VERSION
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.changes import Changes
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.findings import Finding, parse_acknowledged
from airflow_dynsync.sync.fingerprint import canonical
from airflow_dynsync.sync.index_keys import inspect_indexes
from airflow_dynsync.sync.preflight import (
    Side,
    inspect_keys,
    inspect_side_table,
    inspect_tables,
    require_no_errors,
)
from airflow_dynsync.sync.pump import READERS
from airflow_dynsync.sync.risk import parse_quasi_identifiers
from airflow_dynsync.sync.segments import require_keys_kept_apart, rules_that_mix_keys, written

if TYPE_CHECKING:
    import threading

    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.calls import Backoff
    from airflow_dynsync.sync.job import SyncJob

_SEGMENT_BYTES: Final = 1 << 30
"""Of a larger table each segment is about this long, so that one that fails late has little to repeat."""

_MAX_PROJECTED: Final = 500
"""Attributes that are asked for by name: the placeholders of more would not fit into the 4 KB of an expression."""

_MAX_SEGMENTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Preparation:
    """A job whose tables are known.

    Attributes:
        job: what to do.
        source: the table to read.
        destination: the table to write.
        plan: the job's mapping, compiled for the source's key.
        selection: which way the source is read.
        total_segments: in how many segments; 1 unless it is read by Scan.
        findings: warnings about the tables and the mapping, acknowledged or not, which `examine` adds.
    """

    job: SyncJob
    source: TableDescription
    destination: TableDescription
    plan: Plan
    selection: Selection
    total_segments: int
    findings: tuple[Finding, ...] = ()

    @property
    def segments(self) -> range:
        """The segments that this job moves."""
        return range(self.total_segments) if self.job.segments is None else self.job.segments

    @property
    def workers(self) -> int:
        """How many jobs share the limits: no more than there are segments."""
        return min(self.job.workers, self.total_segments)

    @property
    def keeps_keys_apart(self) -> bool:
        """Whether different keys are sure to stay different."""
        return not rules_that_mix_keys(self.plan)

    @property
    def compares_beside(self) -> bool:
        """Whether the destination is scanned beside the source: the same keys, of which nothing is left out."""
        job = self.job
        return job.write_only_changes and self.selection.way == "scan" and not (job.where or self.plan.key_rules)

    @property
    def unacknowledged(self) -> list[str]:
        """The warnings that nobody has called known, as sentences that begin with their codes."""
        return [
            f"Preflight, {finding.code}: {finding}"
            for finding in self.findings
            if finding.code not in self.job.acknowledge
        ]

    @property
    def common(self) -> dict[str, Any]:
        """What an attempt must have in common with an interrupted one to continue it, as JSON values."""
        return {
            "source": self.source.table_id or self.source.arn,
            "destination": self.destination.table_id or self.destination.arn,
            "where": self.job.where,
            "mapping": canonical(self.job.mapping.model_dump()),
            "total_segments": self.total_segments,
            "way": self.selection.way,
            "corpora": CORPUS_VERSION,
            "version": __version__,
        }

    @property
    def fingerprint(self) -> str:
        """What all jobs that share a table have to agree on: `common` and the secret, keyed by the secret."""
        described = orjson.dumps(self.common, option=orjson.OPT_SORT_KEYS)
        return Secret(self.job.secret or b"").keyed("fingerprint").digest(described)[:16].hex()

    def read_pacer(self) -> Pacer:
        """Return the pacer of this job's reads."""
        limit = parse_limit(self.job.read_limit, "read_limit")
        return read_pacer(limit, self.source, consistent_read=self.job.consistent_read, workers=self.workers)

    def write_pacer(self) -> Pacer:
        """Return the pacer of this job's writes."""
        limit = parse_limit(self.job.write_limit, "write_limit")
        return write_pacer(limit, self.destination, workers=self.workers)

    def pages(
        self,
        client: DynamoDBClient,
        segment: int,
        position: Any,
        pacer: Pacer,
        stop: threading.Event,
        backoff: Backoff | None = None,
        on_refused: Callable[[], object] = lambda: None,
    ) -> Iterator[Page]:
        """Return the pages of a segment from a position on.

        Where DynamoDB refuses the position `on_refused` is called, and all pages of the segment follow.
        """

        def pages_from(position: Any) -> Iterator[Page]:
            return read_pages(
                self.job,
                client,
                self.selection,
                segment=segment,
                total_segments=self.total_segments,
                position=position,
                pacer=pacer,
                stop=stop,
                backoff=backoff,
            )

        return pages_from(None) if position is None else resumed_pages(pages_from, position, on_refused)

    def changes(
        self,
        client: DynamoDBClient,
        segment: int,
        position: Any,
        pacer: Pacer,
        stop: threading.Event,
        backoff: Backoff | None,
        on_capacity: Callable[[float], object],
    ) -> Changes:
        """Return what tells which items of a segment, from a position on, the destination does not hold.

        The destination is read with strong consistency: what the last run wrote must not be missed.
        """
        name = self.destination.name
        beside = None
        if position is None and self.compares_beside:
            pages = scan_pages(
                client,
                name,
                segment=segment,
                total_segments=self.total_segments,
                page_size=self.job.page_size,
                consistent_read=True,
                stop=stop,
                backoff=backoff,
                pacer=pacer,
            )
            beside = counted(pages, on_capacity)

        def lookup(keys: Sequence[WireItem]) -> list[WireItem]:
            return get_items(
                client,
                name,
                keys,
                consistent_read=True,
                stop=stop,
                backoff=backoff,
                pacer=pacer,
                on_capacity=on_capacity,
            )

        return Changes(self.destination.key_names, lookup, beside)


def counted(pages: Iterator[Page], on_capacity: Callable[[float], object]) -> Iterator[Page]:
    """Yield the pages, and tell what each consumed."""
    for page in pages:
        on_capacity(page.consumed_capacity or 0.0)
        yield page


def prepare(
    job: SyncJob,
    source: DynamoDBClient,
    destination: DynamoDBClient,
    *,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
) -> Preparation:
    """Describe the tables, compile the mapping and refuse what would do harm or cannot succeed.

    A destination that does not exist is created first, where the job says so.

    Args:
        job: as for `run_sync`.
        source: likewise.
        destination: likewise.
        stop: set to end waiting for a table that is being created.
        backoff: how long that may take; None for the default.

    Raises:
        PreflightError: the tables do not fit.
        MappingError: the mapping is wrong for this table.
        SyncError: a limit or the segments are wrong, or what several workers need is missing.
        DynamoDBError: a table cannot be described.
    """
    parse_acknowledged(job.acknowledge)
    source_side = Side(describe_table(source, job.source_table), source.meta.endpoint_url)
    written_table = _destination(job, source_side.table, source, destination, stop, backoff)
    destination_side = Side(written_table, destination.meta.endpoint_url)
    require_no_errors(inspect_tables(source_side, destination_side, job.key_attributes))
    table = source_side.table
    plan = compile_plan(job.mapping, key_attributes=table.key_names, secret=job.secret)
    require_no_errors((*inspect_keys(plan, table), *inspect_indexes(plan, table, destination_side.table)))
    selection = plan_selection(job.where, table.keys)
    selection = replace(selection, attributes=_projected(job, plan))
    if job.write_mode == "mirror" and job.segments is not None:
        raise SyncError(
            "write_mode mirror needs a single task, which knows all keys of the source; use one worker"
        )
    if job.write_mode == "replace":
        _require_replaceable(job)
        require_no_errors(inspect_side_table(destination, job.destination_table, source_side))
    prepared = Preparation(
        job, table, destination_side.table, plan, selection, _total_segments(job, table, selection)
    )
    try:
        prepared.read_pacer(), prepared.write_pacer()
    except ValueError as error:
        raise SyncError(str(error)) from None
    if job.segments is not None or job.workers > 1:
        _require_what_workers_share(prepared)
    return prepared


def _projected(job: SyncJob, plan: Plan) -> tuple[str, ...] | None:
    """Return the attributes to read; None for whole items.

    A search of all items for what is dropped has to know it, and the risk before to know the quasi-identifiers.
    """
    if plan.attributes is None or job.exposure_check == "all":
        return None
    quasi_identifiers = (str(path[0]) for path in parse_quasi_identifiers(job.quasi_identifiers))
    projected = tuple(dict.fromkeys((*plan.attributes, *quasi_identifiers)))
    return projected if len(projected) <= _MAX_PROJECTED else None


def _destination(
    job: SyncJob,
    table: TableDescription,
    source: DynamoDBClient,
    destination: DynamoDBClient,
    stop: threading.Event | None,
    backoff: Backoff | None,
) -> TableDescription:
    """Describe the table to write; create it where it does not exist, the job says so and the mapping is right."""
    try:
        described = describe_table(destination, job.destination_table)
        if job.create_destination is None or described.status != "CREATING":
            return described
    except TableNotFoundError:
        if job.create_destination is None:
            raise
    plan = compile_plan(job.mapping, key_attributes=table.key_names, secret=job.secret)
    require_no_errors(inspect_keys(plan, table))
    plan_selection(job.where, table.keys)
    tables = source, job.source_table, destination, job.destination_table
    return create_like(*tables, job.create_destination, stop=stop, backoff=backoff)


def _require_replaceable(job: SyncJob) -> None:
    if job.segments is not None or job.workers > 1:
        raise SyncError("write_mode replace needs a single task, which makes the whole new copy; use one worker")
    if job.write_only_changes:
        raise SyncError(
            "write_only_changes: write_mode replace compares its new copy with the destination in any case; leave"
            " write_only_changes out"
        )
    if job.on_item_error == "dead_letter":
        raise SyncError(
            "on_item_error: write_mode replace takes over a complete new copy, for which no item may be put aside;"
            " set it to fail, or use write_mode mirror"
        )


def _require_what_workers_share(prepared: Preparation) -> None:
    job, total = prepared.job, prepared.total_segments
    if job.secret is None:
        raise SyncError("several workers need one secret: a random one would be another for each of them")
    if prepared.segments != range(total) or job.workers > 1:
        require_keys_kept_apart(prepared.plan)
    if job.segments is not None and (job.total_segments is None or job.segments[-1] >= total):
        raise SyncError(
            f"segments: {written(job.segments)} are not among the {total} that {job.source_table} is read in;"
            " give total_segments, the same to every worker"
        )
    if job.fingerprint is not None and job.fingerprint != prepared.fingerprint:
        raise SyncError(
            f"{job.source_table}: the mapping, secret, tables, condition or version of this worker are not those"
            " that the work was shared out with; make them the same on all machines and share it out again"
        )


def _total_segments(job: SyncJob, table: TableDescription, selection: Selection) -> int:
    if selection.way != "scan":
        return 1
    if job.total_segments is not None:
        return job.total_segments
    if table.item_count <= job.page_size:
        return 1
    return min(max(READERS * job.workers, -(-table.size_bytes // _SEGMENT_BYTES)), _MAX_SEGMENTS)


def read_pages(
    job: SyncJob,
    client: DynamoDBClient,
    selection: Selection,
    *,
    segment: int = 0,
    total_segments: int = 1,
    position: Any = None,
    pacer: Pacer | None = None,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
) -> Iterator[Page]:
    """Return the pages of what a job reads, the way that was selected."""
    common: dict[str, Any] = {
        "page_size": job.page_size,
        "consistent_read": job.consistent_read,
        "position": position,
        "stop": stop,
        "backoff": backoff,
        "pacer": pacer,
    }
    table = job.source_table
    if selection.way == "statement":
        return statement_pages(client, table, select_statement(table, job.where or ""), **common)
    if selection.way == "query":
        return query_pages(client, table, selection, **common)
    return scan_pages(client, table, selection=selection, segment=segment, total_segments=total_segments, **common)
