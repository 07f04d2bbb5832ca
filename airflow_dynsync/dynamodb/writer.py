"""Writes and deletes items by BatchWriteItem until every one is written or deleted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import orjson

from airflow_dynsync.dynamodb.calls import Backoff, Patience, call_patiently
from airflow_dynsync.dynamodb.capacity import Pacer, write_amount
from airflow_dynsync.dynamodb.errors import InvalidRequestError, KeyCollisionError, ThrottledError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.client import WireItem

MAX_ITEMS = 25
"""Items per BatchWriteItem: DynamoDB's limit."""

MAX_BYTES = 15_000_000
"""Bytes of items per BatchWriteItem, below DynamoDB's 16 MB by more than the request around them takes."""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What `write_items` or `delete_items` did.

    `written` (or deleted) items, `retried` requests that DynamoDB left unprocessed and that were sent again, and
    `consumed_capacity` in write capacity units, indexes included (0.0 where the service does not tell).
    """

    written: int
    retried: int
    consumed_capacity: float


def write_items(
    client: DynamoDBClient,
    table_name: str,
    items: Sequence[WireItem],
    *,
    key_names: Sequence[str],
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
    pacer: Pacer | None = None,
) -> WriteResult:
    """Put items into a table, replacing those that have the same key.

    Args:
        items: in wire form. Their keys must differ: items of one key would silently become one item.
        key_names: the attributes of the table's primary key; () where the keys are known to differ.
        stop: set to end with `StoppedError` before the next request or in a wait.
        backoff: how unprocessed items, throttling and short failures are waited out.
        pacer: of all writes to the table; it may make batches smaller. None for one that only gives way to
            throttling of this call.

    Raises `KeyCollisionError` before anything is written; `ThrottledError` if DynamoDB took no further
    item for `backoff.patience_seconds`; `StoppedError`; or another `DynamoDBError`. What was written until
    then stays; writing the same items again is harmless.
    """
    if key_names:
        require_distinct_keys(table_name, items, key_names)
    serialized = [orjson.dumps(item) for item in items]
    return write_serialized(client, table_name, serialized, stop=stop, backoff=backoff, pacer=pacer)


def write_serialized(
    client: DynamoDBClient,
    table_name: str,
    items: Sequence[bytes],
    *,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
    pacer: Pacer | None = None,
) -> WriteResult:
    """Put items, each the JSON of its wire form, whose keys differ; the rest is as of `write_items`."""
    return _write(
        client,
        table_name,
        items,
        lambda item: {"PutRequest": {"Item": orjson.Fragment(item)}},
        Patience(backoff or Backoff(), stop),
        pacer or Pacer(),
    )


def delete_items(
    client: DynamoDBClient,
    table_name: str,
    keys: Sequence[WireItem],
    *,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
    pacer: Pacer | None = None,
) -> WriteResult:
    """Delete the items that have these keys, if there are any; parameters and errors are as of `write_items`."""
    return _write(
        client,
        table_name,
        [orjson.dumps(key) for key in keys],
        lambda key: {"DeleteRequest": {"Key": orjson.Fragment(key)}},
        Patience(backoff or Backoff(), stop),
        pacer or Pacer(),
    )


def _write(
    client: DynamoDBClient,
    table_name: str,
    serialized: Sequence[bytes],
    request: Callable[[bytes], dict[str, Any]],
    patience: Patience,
    pacer: Pacer,
) -> WriteResult:
    retried = 0
    capacity = 0.0
    for batch in batches(serialized, pacer.call_amount):
        requests: list[Any] = [request(item) for item in batch]
        item_amount = sum(write_amount(len(item)) for item in batch) / len(batch)
        patience.progress()
        while requests:
            parameters = {"RequestItems": {table_name: requests}, "ReturnConsumedCapacity": pacer.detail}
            amount = item_amount * len(requests)
            answer = call_patiently(client, "BatchWriteItem", table_name, parameters, patience, pacer, amount)
            capacity += sum(each["CapacityUnits"] for each in answer.get("ConsumedCapacity", ()))
            unprocessed = [each for left in answer["UnprocessedItems"].values() for each in left]
            retried += len(unprocessed)
            if unprocessed:
                if len(unprocessed) < len(requests):
                    patience.progress()
                elif patience.exhausted(pacer):
                    raise ThrottledError(
                        f"BatchWriteItem on table {table_name!r}: DynamoDB has left {len(unprocessed)} items "
                        "unprocessed at every attempt; raise the table's write capacity or write more slowly",
                        code="UnprocessedItems",
                        operation="BatchWriteItem",
                        table_name=table_name,
                    )
                patience.wait()
            requests = unprocessed
    return WriteResult(len(serialized), retried, capacity)


def batches(items: Iterable[bytes], most_amount: float = math.inf) -> Iterator[list[bytes]]:
    """Group serialized items, in order, into batches of `MAX_ITEMS` items and `MAX_BYTES` bytes at most.

    `most_amount` is the sum of `write_amount` in a batch, if that is less. An item that is larger by itself gets
    a batch of its own.
    """
    batch: list[bytes] = []
    size, amount = 0, 0
    for item in items:
        more = write_amount(len(item))
        if batch and (len(batch) == MAX_ITEMS or size + len(item) > MAX_BYTES or amount + more > most_amount):
            yield batch
            batch, size, amount = [], 0, 0
        batch.append(item)
        size += len(item)
        amount += more
    if batch:
        yield batch


def require_distinct_keys(table_name: str, items: Sequence[WireItem], key_names: Sequence[str]) -> None:
    """Raise `KeyCollisionError` if two items have one key, `InvalidRequestError` if one has none."""
    distinct = {tuple(_key_value(table_name, item, name) for name in key_names) for item in items}
    collisions = len(items) - len(distinct)
    if collisions:
        raise KeyCollisionError(
            f"{collisions} of {len(items)} items for table {table_name!r} have the key of another one and "
            f"would overwrite it: the rules for {', '.join(key_names)} must keep different keys different",
            code="KeyCollision",
            operation="BatchWriteItem",
            table_name=table_name,
        )


def _key_value(table_name: str, item: WireItem, name: str) -> tuple[str, str | Decimal]:
    try:
        ((type_letter, value),) = item[name].items()
        # DynamoDB takes N 1 and 1.0 for the same key.
        return type_letter, Decimal(value) if type_letter == "N" else value
    except (KeyError, ValueError, InvalidOperation):
        pass
    raise InvalidRequestError(
        f"an item for table {table_name!r} has no usable value for its key attribute {name!r}: every item "
        "needs one, and no rule may drop or null it",
        code="InvalidKey",
        operation="BatchWriteItem",
        table_name=table_name,
    )
