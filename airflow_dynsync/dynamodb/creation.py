"""A table made like another one: keys, indexes, billing, time to live, table class and kind of encryption.

What else it gets is asked for; see `dynamodb.creation_options`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_dynsync.dynamodb.calls import Backoff, Patience, call, call_patiently
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.creation_options import RESERVED_TAGS, CreationOptions
from airflow_dynsync.dynamodb.errors import (
    AccessDeniedError,
    DynamoDBError,
    InvalidRequestError,
    TableNotFoundError,
)
from airflow_dynsync.dynamodb.readiness import Readiness
from airflow_dynsync.dynamodb.tables import TableDescription, describe_table, table_tags, time_to_live_attribute

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LIKE_SOURCE: Final = CreationOptions()


def create_like(
    source: DynamoDBClient,
    source_table: str,
    destination: DynamoDBClient,
    destination_table: str,
    options: CreationOptions = _LIKE_SOURCE,
    *,
    stop: threading.Event | None = None,
    backoff: Backoff | None = None,
) -> TableDescription:
    """Create an empty table like another one and return it as soon as it and its indexes are ACTIVE.

    If someone else created it meanwhile, it is waited for. This needs DescribeTable, DescribeTimeToLive and, where
    tags are copied, ListTagsOfResource on the source; CreateTable, DescribeTable and, where items expire,
    UpdateTimeToLive on the destination, TagResource for tags and UpdateContinuousBackups for recovery. Those that
    a table can have only when it is ACTIVE are tried before it is created, so that none that is denied leaves a
    table without it.

    Args:
        source: client of the account that has the model.
        source_table: the model.
        destination: client of the account in which the table is created.
        destination_table: the name of the new table.
        options: what it gets beside.
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
    copied_tags = table_tags(source, source_table, described["TableArn"]) if options.copy_tags else {}
    settings = _settings(destination_table, expires_by, options)
    for operation, parameters in settings.items():
        _require_allowed(destination, operation, destination_table, parameters)
    try:
        call_patiently(
            destination,
            "CreateTable",
            destination_table,
            creation_request(described, destination_table, options, copied_tags),
            patience,
            pacer,
            0,
        )
    except DynamoDBError as error:
        if error.code != "ResourceInUseException":  # it is there: by an answer that was lost, or by someone else
            raise
    table = wait_until_active(destination, destination_table, patience, pacer)
    for operation, parameters in settings.items():
        patience.progress()
        try:
            call_patiently(destination, operation, destination_table, parameters, patience, pacer, 0)
        except InvalidRequestError:  # where items expire so already, likewise
            if (
                operation != "UpdateTimeToLive"
                or time_to_live_attribute(destination, destination_table) != expires_by
            ):
                raise
    return table


def _settings(table_name: str, expires_by: str | None, options: CreationOptions) -> dict[str, dict[str, Any]]:
    """Return the parameters of the operations that a new table needs when it is ACTIVE."""
    settings: dict[str, dict[str, Any]] = {}
    if expires_by is not None:
        settings["UpdateTimeToLive"] = {
            "TableName": table_name,
            "TimeToLiveSpecification": {"Enabled": True, "AttributeName": expires_by},
        }
    if options.point_in_time_recovery:
        settings["UpdateContinuousBackups"] = {
            "TableName": table_name,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        }
    return settings


def _require_allowed(
    client: DynamoDBClient, operation: str, table_name: str, parameters: Mapping[str, Any]
) -> None:
    """Call an operation for a table that does not exist yet, and raise if it is denied or unknown."""
    try:
        call(client, operation, table_name, parameters)
    except DynamoDBError as error:
        if isinstance(error, AccessDeniedError) or error.code == "UnknownOperationException":
            raise


def creation_request(
    described: dict[str, Any],
    table_name: str,
    options: CreationOptions = _LIKE_SOURCE,
    copied_tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the parameters of CreateTable for a table like the one that DescribeTable shows.

    Replicas stay off, and so does what the options do not ask for. A key of KMS is of the source's account: where
    the source has one, the new table gets ``aws/dynamodb``, that of its own account.

    Args:
        described: the ``Table`` of the answer.
        table_name: of the new table.
        options: what it gets beside.
        copied_tags: the source's tags, of which the options' and AWS's own are passed over.
    """
    billing_mode = described.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    if options.billing == "on_demand":
        billing_mode = "PAY_PER_REQUEST"
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
    if stream := _stream_view(described, options):
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream}
    if options.deletion_protection:
        request["DeletionProtectionEnabled"] = True
    copied = {key: value for key, value in (copied_tags or {}).items() if not key.startswith(RESERVED_TAGS)}
    if tags := copied | options.tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return request


def _stream_view(described: dict[str, Any], options: CreationOptions) -> str | None:
    if options.stream != "like_source":
        return options.stream
    stream = described.get("StreamSpecification", {})
    return stream["StreamViewType"] if stream.get("StreamEnabled") else None


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
