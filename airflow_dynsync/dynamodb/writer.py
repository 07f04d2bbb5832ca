"""Writes and deletes items by BatchWriteItem until every one is written or deleted.

One thread has several requests under way at once: it sends them before it takes the first answer. What DynamoDB
did not take then is sent again, one request after the other, until it is done.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import orjson

from airflow_dynsync.dynamodb.calls import Backoff, Patience, StartedCall, call_patiently
from airflow_dynsync.dynamodb.capacity import Pacer, Slot, write_amount
from airflow_dynsync.dynamodb.errors import DynamoDBError, InvalidRequestError, KeyCollisionError, ThrottledError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.client import WireItem

MAX_ITEMS = 25
"""Items per BatchWriteItem: DynamoDB's limit."""

MAX_BYTES = 15_000_000
"""Bytes of items per BatchWriteItem, below DynamoDB's 16 MB by more than the request around them takes."""

MAX_UNDER_WAY = 4
"""Requests that one call of `write_items` has under way at once."""


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
    under_way: int = MAX_UNDER_WAY,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
    pacer: Pacer | None = None,
) -> WriteResult:
    """Put items, each the JSON of its wire form, whose keys differ; the rest is as of `write_items`.

    Args:
        under_way: how many requests may be under way at once.
    """
    writing = _Writing(client, table_name, Patience(backoff or Backoff(), stop), pacer or Pacer())
    return writing.write(items, lambda item: {"PutRequest": {"Item": orjson.Fragment(item)}}, under_way)


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
    writing = _Writing(client, table_name, Patience(backoff or Backoff(), stop), pacer or Pacer())
    serialized = [orjson.dumps(key) for key in keys]
    return writing.write(serialized, lambda key: {"DeleteRequest": {"Key": orjson.Fragment(key)}}, MAX_UNDER_WAY)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Requests of one BatchWriteItem, and the kilobytes of all, each one's rounded up."""

    requests: list[Any]
    amount: float

    def rest(self, requests: list[Any]) -> _Batch:
        """Return the batch of some of its requests, which are taken to be of the size that all have on average."""
        return _Batch(requests, self.amount * len(requests) / len(self.requests))


@dataclass(frozen=True, slots=True)
class _Call:
    """A batch whose request was sent; `started` is None where that failed for now."""

    batch: _Batch
    slot: Slot
    started: StartedCall | None


class _Writing:
    """One call of `write_serialized` or `delete_items`."""

    def __init__(self, client: DynamoDBClient, table_name: str, patience: Patience, pacer: Pacer) -> None:
        self._client = client
        self._table_name = table_name
        self._patience = patience
        self._pacer = pacer
        self._left: list[_Batch] = []
        self._retried = 0
        self._units = 0.0

    def write(
        self, serialized: Sequence[bytes], request: Callable[[bytes], dict[str, Any]], under_way: int
    ) -> WriteResult:
        calls: deque[_Call] = deque()
        try:
            for items, amount in batches(serialized, self._pacer.call_amount):
                # A pace comes from the answers: where there is one, each is taken before the next request is sent.
                most = under_way - 1 if math.isinf(self._pacer.rate) else 0
                while len(calls) > most:
                    self._end(calls.popleft())
                self._patience.check()
                calls.append(self._begin(_Batch([*map(request, items)], amount)))
            while calls:
                self._end(calls.popleft())
        finally:
            for call in calls:
                if call.started is not None:
                    call.started.drop()
        if self._left:
            self._patience.wait()
        for batch in self._left:
            self._repeat(batch)
        return WriteResult(len(serialized), self._retried, self._units)

    def _begin(self, batch: _Batch) -> _Call:
        """Send a batch when it is its turn."""
        slot = self._pacer.reserve(batch.amount, self._patience.stop)
        started = None
        try:
            started = StartedCall(
                self._client, "BatchWriteItem", self._table_name, self._parameters(batch.requests)
            )
        except DynamoDBError as error:
            self._excuse(error, slot)
        return _Call(batch, slot, started)

    def _end(self, call: _Call) -> None:
        """Take the answer to a batch, and put aside what has to be sent again."""
        if call.started is not None:
            try:
                answer = call.started.end()
            except DynamoDBError as error:
                self._excuse(error, call.slot)
            else:
                self._pacer.settle(call.slot, answer)
                if unprocessed := self._unprocessed(call.batch.requests, answer):
                    self._left.append(call.batch.rest(unprocessed))
                return
        self._left.append(call.batch)

    def _excuse(self, error: DynamoDBError, slot: Slot) -> None:
        """Raise an error unless the call may be repeated."""
        if error.kind == "throttled":
            self._pacer.throttled(slot)
        if error.kind == "fatal" or self._patience.exhausted(self._pacer):
            raise error

    def _repeat(self, batch: _Batch) -> None:
        """Send a batch again and again until all of it is done."""
        self._patience.progress()
        while True:
            answer = call_patiently(
                self._client,
                "BatchWriteItem",
                self._table_name,
                self._parameters(batch.requests),
                self._patience,
                self._pacer,
                batch.amount,
            )
            unprocessed = self._unprocessed(batch.requests, answer)
            if not unprocessed:
                return
            batch = batch.rest(unprocessed)
            self._patience.wait()

    def _parameters(self, requests: list[Any]) -> dict[str, Any]:
        return {"RequestItems": {self._table_name: requests}, "ReturnConsumedCapacity": self._pacer.detail}

    def _unprocessed(self, requests: list[Any], answer: dict[str, Any]) -> list[Any]:
        """Account for an answer and return the requests that DynamoDB left, if it may still take them."""
        self._units += sum(each["CapacityUnits"] for each in answer.get("ConsumedCapacity", ()))
        unprocessed = [each for left in answer["UnprocessedItems"].values() for each in left]
        self._retried += len(unprocessed)
        if len(unprocessed) < len(requests):
            self._patience.progress()
        elif self._patience.exhausted(self._pacer):
            raise ThrottledError(
                f"BatchWriteItem on table {self._table_name!r}: DynamoDB has left {len(unprocessed)} items "
                "unprocessed at every attempt; raise the table's write capacity or write more slowly",
                code="UnprocessedItems",
                operation="BatchWriteItem",
                table_name=self._table_name,
            )
        return unprocessed


def batches(items: Iterable[bytes], most_amount: float = math.inf) -> Iterator[tuple[list[bytes], int]]:
    """Group serialized items, in order, into batches of `MAX_ITEMS` items and `MAX_BYTES` bytes at most.

    Each comes with the sum of its items' `write_amount`, which is `most_amount` at most. An item that is larger by
    itself gets a batch of its own.
    """
    batch: list[bytes] = []
    size, amount = 0, 0
    for item in items:
        more = write_amount(len(item))
        if batch and (len(batch) == MAX_ITEMS or size + len(item) > MAX_BYTES or amount + more > most_amount):
            yield batch, amount
            batch, size, amount = [], 0, 0
        batch.append(item)
        size += len(item)
        amount += more
    if batch:
        yield batch, amount


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
