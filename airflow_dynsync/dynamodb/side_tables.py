"""Side tables: one beside another table, in which its new contents are put together before it gets them."""

from __future__ import annotations

import threading
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from airflow_dynsync.dynamodb.calls import Backoff, Patience, call, call_patiently
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.creation import creation_request, wait_until_active
from airflow_dynsync.dynamodb.errors import DynamoDBError, TableNotFoundError
from airflow_dynsync.dynamodb.tables import TableDescription, describe_table, table_tags

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TAG: Final = "dynsync:side-table-of"
"""Key of the tag by which a side table is known; its value is the name of the table that it is made for."""

_ENDING: Final = ".dynsync-new"
_LONGEST_NAME: Final = 255
_DIGEST_BYTES: Final = 8


def side_table_name(table_name: str) -> str:
    """Return the name of a table's side table: always the same, and of DynamoDB's 255 characters at most."""
    if len(table_name) + len(_ENDING) <= _LONGEST_NAME:
        return f"{table_name}{_ENDING}"
    ending = f".{blake2b(table_name.encode(), digest_size=_DIGEST_BYTES).hexdigest()}{_ENDING}"
    return f"{table_name[: _LONGEST_NAME - len(ending)]}{ending}"


def find_side_table(client: DynamoDBClient, table_name: str) -> TableDescription | None:
    """Return what has the name of a table's side table; None where nothing has, or it is being deleted.

    Raises:
        DynamoDBError: it may not be described.
    """
    try:
        found = describe_table(client, side_table_name(table_name))
    except TableNotFoundError:
        return None
    return None if found.status == "DELETING" else found


def is_side_table(client: DynamoDBClient, found: TableDescription, table_name: str) -> bool:
    """Tell by its tag whether a table was made as the side table of another one.

    DynamoDB Local knows no tags: there the name decides.

    Raises:
        AccessDeniedError: without the permission dynamodb:ListTagsOfResource.
        DynamoDBError: the tags cannot be read.
    """
    try:
        return table_tags(client, found.name, found.arn).get(TAG) == table_name
    except DynamoDBError as error:
        if error.code == "UnknownOperationException":
            return found.name == side_table_name(table_name)
        raise


def create_side_table(
    client: DynamoDBClient, table_name: str, *, stop: threading.Event | None = None, backoff: Backoff | None = None
) -> TableDescription:
    """Create an empty side table of a table and return it as soon as it is ACTIVE.

    It has the keys of the table and of its indexes, so that DynamoDB refuses what the table could not take. It is
    billed on demand, its indexes hold keys alone, nothing expires in it, and it is of the standard class. Where
    the table is encrypted with a key of KMS, it is with ``aws/dynamodb``.

    If it is there already, it is waited for. This needs DescribeTable on the table, and CreateTable, DescribeTable
    and TagResource on the side table.

    Args:
        client: of the table's account.
        table_name: the table.
        stop: set to end early; a side table that was asked for comes into being all the same.
        backoff: how throttling and short failures are waited out; its patience is also how long it may take.

    Raises:
        StoppedError: as asked.
        DynamoDBError: the table cannot be described, the side table not created, or it does not become ACTIVE.
    """
    patience, pacer = Patience(backoff or Backoff(), stop), Pacer()
    described = call(client, "DescribeTable", table_name, {"TableName": table_name})["Table"]
    request = side_table_request(described)
    name = request["TableName"]
    try:
        call_patiently(client, "CreateTable", name, request, patience, pacer, 0)
    except DynamoDBError as error:
        if error.code != "ResourceInUseException":  # it is there: by an answer that was lost, or by someone else
            raise
    return wait_until_active(client, name, patience, pacer)


def side_table_request(described: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of CreateTable for the side table of the table that DescribeTable shows."""
    on_demand = described | {"BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}
    request = creation_request(on_demand, side_table_name(described["TableName"]))
    for part in (request, *request.get("GlobalSecondaryIndexes", ())):
        part.pop("OnDemandThroughput", None)
    for index in (*request.get("GlobalSecondaryIndexes", ()), *request.get("LocalSecondaryIndexes", ())):
        index["Projection"] = {"ProjectionType": "KEYS_ONLY"}
    request.pop("TableClass", None)
    return request | {"Tags": [{"Key": TAG, "Value": described["TableName"]}]}


def delete_table(
    client: DynamoDBClient,
    table_name: str,
    *,
    wait: bool,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
) -> None:
    """Delete a table, if there is one.

    Args:
        client: of its account.
        table_name: the table.
        wait: return when it is gone, not when DynamoDB has begun to delete it.
        stop: set to end early.
        backoff: how throttling and short failures are waited out; its patience is also how long it may take.

    Raises:
        StoppedError: as asked.
        DynamoDBError: it may not be deleted, or is not gone when patience ends.
    """
    backoff = backoff or Backoff()
    patience, begun = Patience(backoff, stop), Pacer()
    while True:
        asking = Patience(backoff, stop)
        try:
            call_patiently(client, "DeleteTable", table_name, {"TableName": table_name}, asking, Pacer(), 0)
        except TableNotFoundError:
            return
        except DynamoDBError as error:
            if error.code != "ResourceInUseException":  # still being created or changed, or already being deleted
                raise
        else:
            if not wait:
                return
        if patience.exhausted(begun):
            raise DynamoDBError(
                f"DeleteTable on table {table_name!r} was asked for, but the table is still there; run it again"
                " when it is gone",
                kind="transient",
                operation="DeleteTable",
                table_name=table_name,
            )
        patience.wait()
