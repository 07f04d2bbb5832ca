"""Waiting for a DynamoDB table in the triggerer, with boto3 in a thread: no aiobotocore is needed."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_dynsync.dynamodb.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_dynsync.hooks.dynamodb import DynamoDBSyncHook


def unmet_conditions(hook: DynamoDBSyncHook, table_name: str, readiness: Readiness) -> tuple[str, ...]:
    """Return what a table still lacks, in words; empty where it is ready.

    A table that does not exist lacks that. DynamoDB or STS being throttled, down or out of reach counts as not
    ready: who waits has a timeout.

    Raises:
        AirflowFailException: asking again is no use, as where a permission is missing.
    """
    from airflow_dynsync.dynamodb.errors import DynamoDBError, TableNotFoundError
    from airflow_dynsync.dynamodb.tables import describe_table

    try:
        table = describe_table(hook.conn, table_name)
    except TableNotFoundError:
        table = None
    except DynamoDBError as error:
        if error.kind == "fatal":
            raise AirflowFailException(f"Connection {hook.conn_id!r}: {error}") from None
        return (str(error),)
    return readiness.unmet(table)


class DynamoDBTableTrigger(BaseTrigger):
    """Fires when a table is ready, or when waiting for it has become pointless.

    The event is `{"status": "ready"}` or `{"status": "failed", "message": why}`.

    Args:
        conn_id: Airflow connection.
        table_name: the table.
        poll_interval: seconds between two looks.
        target_status, indexes_active, min_item_count: see `DynamoDBTableSensor`.
    """

    def __init__(
        self,
        *,
        conn_id: str,
        table_name: str,
        poll_interval: float,
        target_status: str = "ACTIVE",
        indexes_active: bool = True,
        min_item_count: int | None = None,
    ) -> None:
        super().__init__()
        self.conn_id = conn_id
        self.table_name = table_name
        self.poll_interval = poll_interval
        self.readiness = Readiness(target_status, indexes_active, min_item_count)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments from which another process makes this trigger."""
        return (
            "airflow_dynsync.triggers.dynamodb.DynamoDBTableTrigger",
            {
                "conn_id": self.conn_id,
                "table_name": self.table_name,
                "poll_interval": self.poll_interval,
                **asdict(self.readiness),
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the table until it is ready."""
        from airflow_dynsync.hooks.dynamodb import DynamoDBSyncHook

        hook = DynamoDBSyncHook(self.conn_id)
        try:
            while unmet := await asyncio.to_thread(unmet_conditions, hook, self.table_name, self.readiness):
                self.log.info("Waiting for the table %s: %s", self.table_name, "; ".join(unmet))
                await asyncio.sleep(self.poll_interval)
        except AirflowFailException as error:
            yield TriggerEvent({"status": "failed", "message": str(error)})
        else:
            yield TriggerEvent({"status": "ready"})
