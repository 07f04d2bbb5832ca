"""Looks items up by their keys, by BatchGetItem, until every key is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_dynsync.dynamodb.calls import Backoff, Patience, call_patiently
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.errors import ThrottledError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.client import WireItem

MAX_KEYS = 100
"""Keys per BatchGetItem: DynamoDB's limit."""


def get_items(
    client: DynamoDBClient,
    table_name: str,
    keys: Sequence[WireItem],
    *,
    consistent_read: bool = False,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
    pacer: Pacer | None = None,
    on_capacity: Callable[[float], object] = lambda _: None,
) -> list[WireItem]:
    """Return the items that have these keys, in no particular order; keys without an item are left out.

    Args:
        keys: primary keys in wire form; they must differ.
        consistent_read: read with strong consistency, at twice the capacity.
        stop: set to end with `StoppedError` before the next request or in a wait.
        backoff: how unprocessed keys, throttling and short failures are waited out.
        pacer: of all reads of the table.
        on_capacity: called with the read capacity units of each request, as far as the service tells.

    Raises a `DynamoDBError`.
    """
    patience, pacer = Patience(backoff or Backoff(), stop), pacer or Pacer(consistent_read=consistent_read)
    found: list[WireItem] = []
    left = list(keys)
    while left:
        asked = left[: pacer.page_size(MAX_KEYS)]
        request: dict[str, Any] = {"Keys": asked, "ConsistentRead": consistent_read}
        parameters = {"RequestItems": {table_name: request}, "ReturnConsumedCapacity": "TOTAL"}
        answer = call_patiently(client, "BatchGetItem", table_name, parameters, patience, pacer, len(asked))
        on_capacity(sum(each["CapacityUnits"] for each in answer.get("ConsumedCapacity", ())))
        found += answer["Responses"].get(table_name, ())
        unprocessed = answer.get("UnprocessedKeys", {}).get(table_name, {}).get("Keys", [])
        left = unprocessed + left[len(asked) :]
        if len(unprocessed) < len(asked):
            patience.progress()
        else:
            if patience.exhausted(pacer):
                raise ThrottledError(
                    f"BatchGetItem on table {table_name!r}: DynamoDB has left {len(unprocessed)} keys unprocessed "
                    "at every attempt; raise the table's read capacity or read more slowly",
                    code="UnprocessedKeys",
                    operation="BatchGetItem",
                    table_name=table_name,
                )
            patience.wait()
    return found
