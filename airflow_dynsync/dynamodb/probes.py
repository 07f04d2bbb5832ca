"""Calls that show whether a permission is there and change nothing.

Each is what a job will call, answered by DynamoDB as it will be then: so it does not matter whether a refusal
comes before a request is looked at or after. A key that is drawn at random has no item, and to delete what is not
there changes nothing. It costs a write unit, any of the others half a read unit.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_dynsync.dynamodb.calls import call
from airflow_dynsync.dynamodb.errors import AccessDeniedError, DynamoDBError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.client import WireItem
    from airflow_dynsync.dynamodb.tables import KeyAttribute, TableDescription

Probed = Literal["BatchGetItem", "BatchWriteItem", "Scan"]

_RANDOM_BYTES: Final = 16


def refusal(client: DynamoDBClient, operation: Probed, table: TableDescription) -> AccessDeniedError | None:
    """Call an operation once, to no effect, and return why it is denied; None where it is not.

    What fails otherwise tells nothing of the permission.
    """
    try:
        call(client, operation, table.name, _parameters(operation, table))
    except AccessDeniedError as error:
        return error
    except DynamoDBError:
        pass
    return None


def absent_key(keys: tuple[KeyAttribute, ...]) -> WireItem:
    """Return a primary key that no item has: drawn at random, from more than 10 ** 37 that there are."""
    drawn: dict[str, Any] = {
        "S": f"dynsync-preflight-{secrets.token_hex(_RANDOM_BYTES)}",
        "N": str(10**37 + secrets.randbelow(9 * 10**37)),
        "B": b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode(),
    }
    return {key.name: {key.type: drawn[key.type]} for key in keys}


def _parameters(operation: Probed, table: TableDescription) -> dict[str, Any]:
    match operation:
        case "Scan":
            return {"TableName": table.name, "Limit": 1}
        case "BatchGetItem":
            return {"RequestItems": {table.name: {"Keys": [absent_key(table.keys)]}}}
        case "BatchWriteItem":
            return {"RequestItems": {table.name: [{"DeleteRequest": {"Key": absent_key(table.keys)}}]}}
