"""What the first items of the source, as they would be written, tell before the first write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from airflow_dynsync.dynamodb.calls import Backoff
from airflow_dynsync.dynamodb.errors import DynamoDBError
from airflow_dynsync.dynamodb.lookup import MAX_KEYS, get_items
from airflow_dynsync.dynamodb.reader import scan_pages
from airflow_dynsync.dynamodb.sizes import item_bytes
from airflow_dynsync.engine import Plan, TransformError
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.findings import Finding

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.tables import TableDescription

MOST_ITEMS: Final = MAX_KEYS
"""As many as one request can look up."""

ONCE: Final = Backoff(patience_seconds=0)
"""What preflight can do without is tried a single time."""

MAX_ITEM_BYTES: Final = 400 * 1024
"""DynamoDB's limit for an item ("Service, account, and table quotas" in its developer guide)."""

_NEAR: Final = 0.9
_EXPIRED_FOR_AT_MOST_SECONDS: Final = 5 * 365 * 86400
"""What is past its time for longer is not deleted ("Using time to live" in the developer guide)."""

_UNLIKELY: Final = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """A source item, and what the plan makes of it."""

    read: WireItem
    written: WireItem


def changes(plan: Plan, items: Sequence[WireItem]) -> list[Change]:
    """Return what a plan makes of items, without counting them; those that a rule refuses are left out."""
    try:
        return list(map(Change, items, plan.recompute(items)))
    except TransformError:
        pass
    found: list[Change] = []
    for item in items:
        try:
            found += map(Change, [item], plan.recompute([item]))
        except TransformError:
            continue
    return found


def inspect_sizes(sample: Sequence[Change], place: str) -> tuple[Finding, ...]:
    """Return whether items come to DynamoDB's limit of 400 KB; `place` is the source table."""
    sizes = [(item_bytes(each.read), item_bytes(each.written)) for each in sample]
    large = [
        (read, written)
        for read, written in sizes
        if written > MAX_ITEM_BYTES or (written > read and written > _NEAR * MAX_ITEM_BYTES)
    ]
    if not large:
        return ()
    read, written = max(large, key=lambda pair: pair[1])
    return (
        Finding(
            "item_near_size_limit",
            "warning",
            place,
            f"of the first {len(sample)} items, {len(large)} would come near {MAX_ITEM_BYTES:,} bytes or pass it,"
            f" DynamoDB's limit for an item: one grows from {read:,} to {written:,} bytes, as near as can be told",
            "choose transformers that do not lengthen large values, or drop some",
        ),
    )


def inspect_expired(
    sample: Sequence[Change], destination: TableDescription, expires_by: str | None, now: float
) -> tuple[Finding, ...]:
    """Return whether items are past their time to live at the destination.

    Args:
        sample: items.
        destination: the table to write.
        expires_by: its time-to-live attribute; None where nothing expires, or where it is not known.
        now: seconds since 1970.
    """
    if expires_by is None:
        return ()
    before = sum(_is_expired(each.read, expires_by, now) for each in sample)
    after = sum(_is_expired(each.written, expires_by, now) for each in sample)
    if not after:
        return ()
    origin = "carried over as they are" if before >= after else f"{before} were before the mapping changed it"
    return (
        Finding(
            "ttl_items_expired",
            "warning",
            destination.name,
            f"of the first {len(sample)} items, {after} are past the time in {expires_by} ({origin}): they are"
            " paid for, vanish after they are written, and may count as missing in verification",
            f"leave them out by a where that compares {expires_by}, or disable the destination's time to live",
        ),
    )


def _is_expired(item: WireItem, attribute: str, now: float) -> bool:
    try:
        expires = float(item[attribute]["N"])
    except (KeyError, ValueError):
        return False
    return now - _EXPIRED_FOR_AT_MOST_SECONDS < expires < now


def keys_found(client: DynamoDBClient, table: TableDescription, sample: Sequence[Change]) -> int | None:
    """Return how many items of a sample the destination has under the keys that they would get.

    None where that is not allowed, or not answered at once.
    """
    keys = [{name: each.written[name] for name in table.key_names} for each in sample]
    distinct = {orjson.dumps(key, option=orjson.OPT_SORT_KEYS): key for key in keys}
    try:
        return len(get_items(client, table.name, list(distinct.values()), backoff=ONCE))
    except DynamoDBError:
        return None


def holds_items(client: DynamoDBClient, table: TableDescription) -> bool:
    """Tell whether a table has items, as far as this principal may know.

    Its own count, which is hours old, is asked first.
    """
    if table.item_count:
        return True
    try:
        return bool(next(scan_pages(client, table.name, page_size=1, backoff=ONCE)).items)
    except DynamoDBError:
        return False


def is_unlikely_by_chance(asked: int, held: int, expected: int) -> bool:
    """Tell whether a table that had `held` of `expected` items would hardly lack all of `asked` ones."""
    share = min(1.0, held / expected) if expected else 1.0
    return asked > 0 and (1 - share) ** asked <= _UNLIKELY
