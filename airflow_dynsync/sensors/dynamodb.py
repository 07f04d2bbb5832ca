"""Waiting for a DynamoDB table and its indexes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseSensorOperator, conf

from airflow_dynsync.dynamodb.readiness import Readiness
from airflow_dynsync.triggers.dynamodb import DynamoDBTableTrigger, unmet_conditions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class DynamoDBTableSensor(BaseSensorOperator):
    """Waits until a table exists and is ready, with its indexes.

    A missing permission, refused credentials or a missing connection fail at once and are not retried; an
    outage of DynamoDB is waited out. Looks once before it defers.

    Args:
        conn_id: Airflow connection of type `dynsync_dynamodb` or `aws` (templated).
        table_name: the table (templated).
        target_status: status that the table must have.
        indexes_active: whether all secondary indexes must be ACTIVE too.
        min_item_count: least number of items, by DynamoDB's own count, which it renews about every six hours;
            None for any.
        deferrable: wait in the triggerer and keep no worker slot; by default `[operators] default_deferrable`.

    Raises, when the DAG is parsed:
        ValueError: DynamoDB knows no such status, or the number is negative.
    """

    template_fields: Sequence[str] = ("conn_id", "table_name")

    def __init__(
        self,
        *,
        conn_id: str,
        table_name: str,
        target_status: str = "ACTIVE",
        indexes_active: bool = True,
        min_item_count: int | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.table_name = table_name
        self.readiness = Readiness(target_status, indexes_active, min_item_count)
        self.deferrable = deferrable

    def poke(self, context: Context) -> bool:  # noqa: ARG002 - BaseSensorOperator's signature
        """Look once whether the table is ready; log what it lacks."""
        from airflow_dynsync.hooks.dynamodb import DynamoDBSyncHook

        unmet = unmet_conditions(DynamoDBSyncHook(self.conn_id), self.table_name, self.readiness)
        if unmet:
            self.log.info("Waiting for the table %s: %s", self.table_name, "; ".join(unmet))
        return not unmet

    def execute(self, context: Context) -> None:
        """Wait in the worker, or look once and then hand over to the triggerer."""
        if not self.deferrable:
            super().execute(context)
        elif not self.poke(context):
            self.defer(
                trigger=DynamoDBTableTrigger(
                    conn_id=self.conn_id,
                    table_name=self.table_name,
                    poll_interval=self.poke_interval,
                    **asdict(self.readiness),
                ),
                method_name="execute_complete",
                timeout=timedelta(seconds=self.timeout),
            )

    def execute_complete(self, context: Context, event: dict[str, str]) -> None:  # noqa: ARG002 - Airflow's
        """Take the trigger's event: the table is ready, or waiting has become pointless."""
        if event["status"] == "failed":
            raise AirflowFailException(event["message"])
        self.log.info("The table %s is ready", self.table_name)
