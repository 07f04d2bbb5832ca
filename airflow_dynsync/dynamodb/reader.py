"""Reads a table page by page: in segments by Scan, one partition by Query, or by a PartiQL statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_dynsync.dynamodb.calls import Backoff, Patience, call_patiently
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.client import items_as_bytes
from airflow_dynsync.dynamodb.errors import InvalidRequestError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.client import WireItem
    from airflow_dynsync.dynamodb.where import Selection

_KEYS = ("ExclusiveStartKey", "LastEvaluatedKey")
_TOKEN = ("NextToken", "NextToken")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of items in wire form.

    Attributes:
        items: may be none though more pages follow; a `SerializedItems` where the client can leave them unparsed.
        position: where the next page begins: a Scan's LastEvaluatedKey in wire form, a statement's NextToken;
            None on the last page.
        scanned_count: items that DynamoDB examined; None of a statement, which does not tell.
        consumed_capacity: read capacity units, None where the service does not tell.
    """

    items: Sequence[WireItem]
    position: WireItem | str | None
    scanned_count: int | None
    consumed_capacity: float | None

    def __repr__(self) -> str:
        more = "more" if self.position is not None else "last"
        return f"Page({len(self.items)} items, {more})"


def scan_pages(
    client: DynamoDBClient,
    table_name: str,
    *,
    selection: Selection | None = None,
    segment: int = 0,
    total_segments: int = 1,
    page_size: int | None = 250,
    consistent_read: bool = False,
    position: WireItem | None = None,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
    pacer: Pacer | None = None,
) -> Iterator[Page]:
    """Scan one segment of a table.

    Args:
        selection: one whose way is `scan`; None for every item.
        page_size: items examined per page at most; a page ends at 1 MB in any case. None for no limit, which
            makes DynamoDB Local quadratic.
        position: a `Page.position` of the same segment and `total_segments`, to go on behind that page.
        stop: set to end with `StoppedError` before the next page or in a wait.
        backoff: how throttling and short failures are waited out.
        pacer: of all reads of the table; it may make pages smaller. None for one that only gives way to
            throttling of this segment.

    Raises a `DynamoDBError`.
    """
    parameters: dict[str, Any] = {
        "TableName": table_name,
        "ConsistentRead": consistent_read,
        "ReturnConsumedCapacity": "TOTAL",
    }
    if selection is not None:
        parameters |= selection.parameters
    if total_segments > 1:
        parameters |= {"Segment": segment, "TotalSegments": total_segments}
    patience = Patience(backoff or Backoff(), stop)
    return _pages(client, "Scan", table_name, parameters, _KEYS, position, page_size, patience, pacer or Pacer())


def query_pages(
    client: DynamoDBClient,
    table_name: str,
    selection: Selection,
    *,
    page_size: int | None = 250,
    consistent_read: bool = False,
    position: WireItem | None = None,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
    pacer: Pacer | None = None,
) -> Iterator[Page]:
    """Query the partition that a selection, one whose way is `query`, pins.

    The other parameters are those of `scan_pages`. Raises a `DynamoDBError`.
    """
    parameters: dict[str, Any] = {
        "TableName": table_name,
        "ConsistentRead": consistent_read,
        "ReturnConsumedCapacity": "TOTAL",
        **selection.parameters,
    }
    patience = Patience(backoff or Backoff(), stop)
    return _pages(client, "Query", table_name, parameters, _KEYS, position, page_size, patience, pacer or Pacer())


def select_statement(table_name: str, where: str) -> str:
    """The PartiQL statement for the items that `where` (what follows WHERE, as the user wrote it) selects.

    Raises ValueError if `where` is blank.
    """
    if not where.strip():
        raise ValueError("where is blank: leave it out to read the whole table")
    quoted = table_name.replace('"', '""')
    return f'SELECT * FROM "{quoted}" WHERE {where}'  # noqa: S608 - the user's own; one statement, which selects


def statement_pages(
    client: DynamoDBClient,
    table_name: str,
    statement: str,
    *,
    page_size: int | None = None,
    consistent_read: bool = False,
    position: str | None = None,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
    pacer: Pacer | None = None,
) -> Iterator[Page]:
    """Run a PartiQL SELECT; the parameters are those of `scan_pages`, `page_size` counts items examined.

    `table_name` is for messages only. Raises a `DynamoDBError`, which does not repeat the statement.
    """
    parameters: dict[str, Any] = {
        "Statement": statement,
        "ConsistentRead": consistent_read,
        "ReturnConsumedCapacity": "TOTAL",
    }
    patience, pacer = Patience(backoff or Backoff(), stop), pacer or Pacer(consistent_read=consistent_read)
    return _pages(client, "ExecuteStatement", table_name, parameters, _TOKEN, position, page_size, patience, pacer)


def resumed_pages(
    pages: Callable[[WireItem | str | None], Iterator[Page]],
    position: WireItem | str,
    on_refused: Callable[[], object],
) -> Iterator[Page]:
    """Yield pages from a position on that was kept, or all where DynamoDB takes that position no more.

    A statement's NextToken may have expired, or belong to a request with other parameters.

    Args:
        pages: the pages from a position on; None for the start.
        position: a `Page.position` of an earlier process.
        on_refused: called before the first of all pages is asked for.

    Raises what `pages` raises, but for the first page's `InvalidRequestError`.
    """
    following = pages(position)
    try:
        yield next(following)
    except InvalidRequestError:
        on_refused()
        following = pages(None)
    yield from following


def _pages(
    client: DynamoDBClient,
    operation: str,
    table_name: str,
    parameters: dict[str, Any],
    positions: tuple[str, str],
    position: WireItem | str | None,
    page_size: int | None,
    patience: Patience,
    pacer: Pacer,
) -> Iterator[Page]:
    """Call an operation until it tells no further position; `positions` names it in the request and the answer."""
    asked, told = positions
    while True:
        if position:
            parameters[asked] = position
        if limit := pacer.page_size(page_size):
            parameters["Limit"] = limit
        patience.progress()
        with items_as_bytes():
            answer = call_patiently(client, operation, table_name, parameters, patience, pacer, limit or 0)
        position = answer.get(told) or None
        # Taken out of the answer, so that the caller alone decides how long the items live.
        yield Page(answer.pop("Items"), position, answer.get("ScannedCount"), _capacity(answer))
        if not position:
            return


def _capacity(answer: dict[str, Any]) -> float | None:
    units: float | None = answer.get("ConsumedCapacity", {}).get("CapacityUnits")
    return units
