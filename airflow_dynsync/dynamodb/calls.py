"""One call to DynamoDB: its errors classified, throttling and short failures waited out."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from botocore import xform_name
from botocore.parsers import ResponseParserError

from airflow_dynsync.dynamodb.errors import DynamoDBError, StoppedError, classify
from airflow_dynsync.dynamodb.transport import Started, start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.capacity import Pacer

T = TypeVar("T")

_TOLD = {
    "BatchGetItem": "Responses",
    "BatchWriteItem": "UnprocessedItems",
    "DescribeTable": "Table",
    "ExecuteStatement": "Items",
    "Query": "Items",
    "Scan": "Items",
}
"""What DynamoDB's answer always has; without it the answer is another's."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between attempts: full jitter, 0 to min(cap, base * 2 ** attempt) seconds.

    `patience_seconds` is how long to go on without any progress. See "Exponential Backoff And Jitter" in the
    AWS Architecture Blog.
    """

    base_seconds: float = 0.05
    cap_seconds: float = 20.0
    patience_seconds: float = 300.0

    def delay(self, attempt: int) -> float:
        """The seconds to wait after the given attempt, counted from 0."""
        longest = min(self.cap_seconds, self.base_seconds * 2 ** min(attempt, 32))
        return random.uniform(0, longest)  # noqa: S311 - spreads retries, protects nothing


class Patience:
    """Waits between attempts until `stop` is set or `backoff.patience_seconds` went by without progress.

    The seconds count from the first failure, not from the beginning of a wait for a turn, and from the last
    success of any thread with the same pacer: a table that serves others serves this one too.
    """

    def __init__(self, backoff: Backoff, stop: threading.Event | None = None) -> None:
        self._backoff = backoff
        self.stop = stop or threading.Event()
        self.progress()

    def progress(self) -> None:
        """Begin anew: something was achieved."""
        self._attempt = 0
        self._failing_since: float | None = None

    def exhausted(self, pacer: Pacer) -> bool:
        """Tell after a failure whether it is time to give up."""
        now = pacer.clock()
        if self._failing_since is None:
            self._failing_since = now
        return now - max(self._failing_since, pacer.progressed_at) >= self._backoff.patience_seconds

    def check(self) -> None:
        """Raise `StoppedError` if the work shall stop."""
        if self.stop.is_set():
            raise StoppedError("stopped as asked, before all was done: run it again to finish")

    def wait(self) -> None:
        """Wait before the next attempt; raises `StoppedError` as soon as `stop` is set."""
        self.stop.wait(self._backoff.delay(self._attempt))
        self._attempt += 1
        self.check()


def call(
    client: DynamoDBClient, operation: str, table_name: str | None, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Call an operation by its API name (`BatchWriteItem`) and return its answer.

    Raises a `DynamoDBError` with no original error chained to it: that one's message may hold values.
    """
    method = getattr(client, xform_name(operation))
    return _classified(client, operation, table_name, lambda: _told(operation, method(**parameters)))


class StartedCall:
    """A call whose answer is taken by `end`, unless it is dropped before; the parameters are those of `call`.

    A client that does not go the short way of `transport` makes the whole call at once. Raises what `call` raises.
    """

    def __init__(
        self, client: DynamoDBClient, operation: str, table_name: str | None, parameters: Mapping[str, Any]
    ) -> None:
        method = getattr(client, xform_name(operation))
        self._place = client, operation, table_name
        self._started = _classified(*self._place, lambda: start(method, parameters))

    def end(self) -> dict[str, Any]:
        """Return the answer; it raises what `call` raises."""
        _, operation, _ = self._place
        started = self._started
        ask = started.end if isinstance(started, Started) else lambda: started
        return _classified(*self._place, lambda: _told(operation, ask()))

    def drop(self) -> None:
        """Give the answer up; the call may be carried out all the same."""
        if isinstance(self._started, Started):
            self._started.drop()


def _told(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    if operation in _TOLD and _TOLD[operation] not in answer:
        raise ResponseParserError
    return answer


def _classified(client: DynamoDBClient, operation: str, table_name: str | None, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - credentials sources raise far more than botocore's own
        failure = classify(
            error, operation=operation, table_name=table_name, endpoint_url=client.meta.endpoint_url
        )
    raise failure


def call_patiently(
    client: DynamoDBClient,
    operation: str,
    table_name: str | None,
    parameters: Mapping[str, Any],
    patience: Patience,
    pacer: Pacer,
    amount: float,
) -> dict[str, Any]:
    """`call`, and again after a wait where the error is throttled or transient and patience is left.

    Each attempt is a call of size `amount` to `pacer`.
    """
    while True:
        patience.check()
        slot = pacer.reserve(amount, patience.stop)
        try:
            answer = call(client, operation, table_name, parameters)
        except DynamoDBError as error:
            if error.kind == "throttled":
                pacer.throttled(slot)
            if error.kind == "fatal" or patience.exhausted(pacer):
                raise
        else:
            pacer.settle(slot, answer)
            return answer
        patience.wait()
