"""What calls tell of a prepared job before its first write: permissions, time to live, the first items."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_dynsync.dynamodb.errors import AccessDeniedError, DynamoDBError
from airflow_dynsync.dynamodb.limits import parse_limit
from airflow_dynsync.dynamodb.tables import time_to_live_attribute
from airflow_dynsync.engine.corpora import CORPUS_VERSION
from airflow_dynsync.sync.findings import Finding
from airflow_dynsync.sync.fingerprint import mapping_fingerprint, secret_fingerprint
from airflow_dynsync.sync.first_items import (
    MOST_ITEMS,
    ONCE,
    Change,
    changes,
    holds_items,
    inspect_expired,
    inspect_sizes,
    is_unlikely_by_chance,
    keys_found,
)
from airflow_dynsync.sync.index_keys import inspect_indexes
from airflow_dynsync.sync.permissions import inspect_permissions, source_not_readable
from airflow_dynsync.sync.preflight import (
    inspect_changes,
    inspect_expiry,
    inspect_limits,
    inspect_listeners,
    require_no_errors,
)
from airflow_dynsync.sync.preparation import Preparation, read_pages

if TYPE_CHECKING:
    import threading

    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.engine.values import WireItem
    from airflow_dynsync.sync.report import SyncReport


def examine(
    prepared: Preparation,
    source: DynamoDBClient,
    destination: DynamoDBClient,
    *,
    before: SyncReport | None = None,
    stop: threading.Event | None = None,
) -> Preparation:
    """Return a prepared job with its warnings; refuse what a table denies.

    It calls once, to no effect, what the job will call, and reads the first items of the source, but not where the
    job has segments: whoever shared them out looked at the items.

    Args:
        prepared: the job.
        source: a client that speaks wire form.
        destination: likewise.
        before: the last run's report, with which mapping, secret and word lists are compared.
        stop: set to end early.

    Raises:
        PreflightError: a permission is missing.
        DynamoDBError: the source cannot be read for another reason, and will not be later.
    """
    denied = inspect_permissions(prepared, source, destination)
    items: Sequence[WireItem] = ()
    if prepared.job.segments is None:
        try:
            items = _first_items(prepared, source, stop)
        except AccessDeniedError as error:
            denied = (source_not_readable(prepared, error), *denied)
    require_no_errors(denied)
    plan, table, job = prepared.plan, prepared.destination, prepared.job
    sample = changes(plan, items)
    expires_by = _expires_by(destination, table.name)
    source_expires_by = _expires_by(source, job.source_table) if expires_by is not None else None
    return replace(
        prepared,
        findings=(
            *inspect_indexes(plan, prepared.source, table),
            *inspect_expiry(plan, table, expires_by, source_expires_by),
            *inspect_expired(sample, table, expires_by, time.time()),
            *inspect_sizes(sample, prepared.source.name),
            *inspect_listeners(table),
            *inspect_limits(prepared.source, table, parse_limit(job.read_limit), parse_limit(job.write_limit)),
            *denied,
            *_inspect_other_keys(prepared, sample, destination, before),
            *inspect_changes(
                before,
                job.source_table,
                mapping_fingerprint=mapping_fingerprint(job.mapping),
                corpus_version=CORPUS_VERSION,
                secret_fingerprint=_secret_fingerprint(prepared),
                changes_keys=bool(plan.key_rules),
            ),
        ),
    )


def _first_items(
    prepared: Preparation, source: DynamoDBClient, stop: threading.Event | None
) -> Sequence[WireItem]:
    """Return the first items that the job reads, or none where DynamoDB does not answer at once."""
    job = replace(prepared.job, page_size=min(MOST_ITEMS, prepared.job.page_size))
    pages = read_pages(job, source, prepared.selection, pacer=prepared.read_pacer(), stop=stop, backoff=ONCE)
    try:
        return next(pages).items
    except DynamoDBError as error:
        if error.kind == "fatal" or (stop is not None and stop.is_set()):
            raise
    return ()


def _inspect_other_keys(
    prepared: Preparation, sample: Sequence[Change], destination: DynamoDBClient, before: SyncReport | None
) -> tuple[Finding, ...]:
    """Return whether the destination has items under keys that the job would not give them.

    It is not so where the last run had the same secret and rules. Otherwise it is where none of the first items is
    there under the key that it would get. These are what an interrupted run wrote first. That a table of few items
    lacks all of them may be by chance: then nothing is said.
    """
    job, table, place = prepared.job, prepared.destination, prepared.destination.name
    if not prepared.plan.key_rules or job.segments is not None or job.write_mode == "replace":
        return ()
    another_secret = False
    if before is not None and before.mapping is not None and before.destination_table == place:
        last, secret = before.mapping.secret_fingerprint, _secret_fingerprint(prepared)
        rules = before.mapping.fingerprint, before.corpus_version
        if last == secret and rules == (mapping_fingerprint(job.mapping), CORPUS_VERSION):
            return ()
        another_secret = last not in (None, secret)
    if not holds_items(destination, table):
        return ()
    found = keys_found(destination, table, sample)
    # A count of none is old: there are items.
    expected = prepared.source.item_count if table.item_count and job.where is None else 0
    unlikely = found == 0 and is_unlikely_by_chance(len(sample), table.item_count, expected)
    if found or not (another_secret or unlikely):
        return ()
    reasons = ["the secret is not that of the last run"] if another_secret else []
    if found == 0:
        reasons.append(f"none of the first {len(sample)} items is there under the key that it would get")
    return (
        Finding(
            "destination_has_other_keys",
            "warning",
            place,
            f"holds items under keys of another secret, mapping or where: {', and '.join(reasons)}; each item may"
            " be there twice after this run",
            "give the secret and mapping that it was filled with, or have all else deleted: by write_mode mirror"
            " with max_delete_fraction 1 this once, or by write_mode replace",
        ),
    )


def _secret_fingerprint(prepared: Preparation) -> str | None:
    secret = prepared.job.secret
    return None if secret is None else secret_fingerprint(secret)


def _expires_by(client: DynamoDBClient, table_name: str) -> str | None:
    """Return a table's time-to-live attribute, as far as this principal and this service tell it."""
    try:
        return time_to_live_attribute(client, table_name)
    except DynamoDBError:
        return None
