"""Whose credentials a hook has and whether DynamoDB answers them, in words for Airflow's Test button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from airflow_dynsync.dynamodb.calls import call
from airflow_dynsync.dynamodb.errors import AccessDeniedError, DynamoDBError, classify
from airflow_dynsync.dynamodb.tables import describe_table

if TYPE_CHECKING:
    from airflow_dynsync.hooks.dynamodb import DynamoDBSyncHook


def caller(hook: DynamoDBSyncHook) -> str:
    """Say who calls, as STS GetCallerIdentity sees it, and by which role.

    Raises:
        DynamoDBError: AWS refuses the credentials.
    """
    session, config = hook.get_session(), hook.conn_config
    sts_endpoint = config.get_service_endpoint_url("sts", sts_test_connection=True)
    if hook.endpoint_url and not sts_endpoint and not config.role_arn:
        return (
            f"Whose access keys these are was not asked: DynamoDB is at {hook.endpoint_url} and there is no "
            "STS endpoint URL, so AWS may not know them."
        )
    sts = session.client("sts", endpoint_url=sts_endpoint, config=hook.config, verify=hook.verify)
    try:
        identity = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        failure = classify(error, operation="GetCallerIdentity", endpoint_url=sts.meta.endpoint_url)
    else:
        signed_in = f"igned in as {identity['Arn']} (account {identity['Account']})."
        if not config.role_arn:
            return f"S{signed_in}"
        article = "an" if "ExternalId" in config.assume_role_kwargs else "no"
        return f"Assumed the role {config.role_arn} with {article} external ID; s{signed_in}"
    if failure.kind == "fatal":
        raise failure
    # Private networks may let DynamoDB through and not STS.
    return f"Whose credentials these are is unknown ({failure})."


def answer(hook: DynamoDBSyncHook) -> str:
    """Say whether DynamoDB answers, with DescribeTable on the connection's test table or else ListTables.

    Raises:
        DynamoDBError: it does not; names the permission where one is missing.
    """
    place = f"{hook.region} at {hook.endpoint_url}" if hook.endpoint_url else hook.region
    if table_name := hook.conn_config.extra_config.get("test_table"):
        table = describe_table(hook.conn, table_name)
        return f"DynamoDB answers in {place}: the table {table_name} is {table.status}."
    try:
        call(hook.conn, "ListTables", None, {"Limit": 1})
    except AccessDeniedError as error:
        refused = error
    else:
        return f"DynamoDB answers in {place}."
    raise DynamoDBError(
        f"DynamoDB in {place} refuses ListTables ({refused.code}): allow dynamodb:ListTables on *, or fill in "
        "the field Test table, for which dynamodb:DescribeTable on that table is enough"
    )
