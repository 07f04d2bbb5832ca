"""A table made like another one: keys, indexes, billing, time to live, table class and kind of encryption."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from airflow_dynsync.dynamodb.calls import Backoff, Patience, call, call_patiently
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.errors import DynamoDBError, InvalidRequestError, TableNotFoundError
from airflow_dynsync.dynamodb.readiness import Readiness
from airflow_dynsync.dynamodb.tables import TableDescription, describe_table, time_to_live_attribute

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def create_like(
    source: DynamoDBClient,
    source_table: str,
    destination: DynamoDBClient,
    destination_table: str,
    *,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
) -> TableDescription:
    """Create an empty table like another one and return it as soon as it and its indexes are ACTIVE.

    If someone else created it meanwhile, it is waited for. This needs DescribeTable and DescribeTimeToLive on the
    source; CreateTable, DescribeTable and, where items expire, UpdateTimeToLive on the destination.

    Args:
        source: client of the account that has the model.
        source_table: the model.
        destination: client of the account in which the table is created.
        destination_table: the name of the new table.
        stop: set to end early; a table that was asked for comes into being all the same.
        backoff: how throttling and short failures are waited out; its patience is also how long the table may
            take to become ACTIVE. None for the default.

    Raises:
        StoppedError: as asked.
        DynamoDBError: the source cannot be described, the table cannot be created, or it does not become ACTIVE.
    """
    patience, pacer = Patience(backoff or Backoff(), stop), Pacer()
    described = call(source, "DescribeTable", source_table, {"TableName": source_table})["Table"]
    expires_by = time_to_live_attribute(source, source_table)
    try:
        call_patiently(
            destination,
            "CreateTable",
            destination_table,
            creation_request(described, destination_table),
            patience,
            pacer,
            0,
        )
    except DynamoDBError as error:
        if error.code != "ResourceInUseException":  # it is there: by an answer that was lost, or by someone else
            raise
    table = wait_until_active(destination, destination_table, patience, pacer)
    if expires_by is not None:
        specification = {"Enabled": True, "AttributeName": expires_by}
        parameters = {"TableName": destination_table, "TimeToLiveSpecification": specification}
        try:
            call_patiently(destination, "UpdateTimeToLive", destination_table, parameters, patience, pacer, 0)
        except InvalidRequestError:  # where it is so already, likewise
            if time_to_live_attribute(destination, destination_table) != expires_by:
                raise
    return table


def creation_request(described: dict[str, Any], table_name: str) -> dict[str, Any]:
    """Return the parameters of CreateTable for a table like the one that DescribeTable shows.

    Stream, replicas, deletion protection and point-in-time recovery stay off. A key of KMS is of the source's
    account: where the source has one, the new table gets ``aws/dynamodb``, that of its own account.

    Args:
        described: the ``Table`` of the answer.
        table_name: of the new table.
    """
    billing_mode = described.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    request: dict[str, Any] = {
        "TableName": table_name,
        "BillingMode": billing_mode,
        **_shape(described, billing_mode),
        "AttributeDefinitions": described["AttributeDefinitions"],
    }
    if local := described.get("LocalSecondaryIndexes"):
        request["LocalSecondaryIndexes"] = [_index(each) for each in local]
    if global_ := described.get("GlobalSecondaryIndexes"):
        request["GlobalSecondaryIndexes"] = [_index(each) | _shape(each, billing_mode) for each in global_]
    if table_class := described.get("TableClassSummary", {}).get("TableClass"):
        request["TableClass"] = table_class
    if described.get("SSEDescription", {}).get("SSEType") == "KMS":
        request["SSESpecification"] = {"Enabled": True, "SSEType": "KMS"}
    return request


def _index(described: dict[str, Any]) -> dict[str, Any]:
    return {name: described[name] for name in ("IndexName", "KeySchema", "Projection")}


def _shape(described: dict[str, Any], billing_mode: str) -> dict[str, Any]:
    """Return keys and throughput, which a table and a global index have alike."""
    shape: dict[str, Any] = {"KeySchema": described["KeySchema"]}
    if billing_mode == "PROVISIONED":
        units = ("ReadCapacityUnits", "WriteCapacityUnits")
        shape["ProvisionedThroughput"] = {name: described["ProvisionedThroughput"][name] for name in units}
    elif "OnDemandThroughput" in described:
        shape["OnDemandThroughput"] = described["OnDemandThroughput"]
    return shape


def wait_until_active(
    client: DynamoDBClient, table_name: str, patience: Patience, pacer: Pacer
) -> TableDescription:
    """Wait until a table that is being created, and all its indexes, are ACTIVE; return it then.

    Raises:
        StoppedError: as asked.
        DynamoDBError: it may not be described, or is not ACTIVE when patience ends.
    """
    patience.progress()
    while True:
        table = None
        try:
            table = describe_table(client, table_name)
        except TableNotFoundError:
            pass  # DescribeTable is eventually consistent
        except DynamoDBError as error:
            if error.kind == "fatal":
                raise
        unmet = Readiness().unmet(table)
        if table is not None and not unmet:
            return table
        if patience.exhausted(pacer):
            raise DynamoDBError(
                f"CreateTable on table {table_name!r} was accepted, but {' and '.join(unmet)} as yet; run it again"
                " when it is ACTIVE",
                kind="transient",
                operation="CreateTable",
                table_name=table_name,
            )
        patience.wait()
