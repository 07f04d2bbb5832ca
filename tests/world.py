"""Two servers with a table each, in which findings of preflight are provoked."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.job import SyncJob, run_sync
from airflow_dynsync.sync.report import SyncReport
from local.accounts import allow, create_user
from local.dynamodb import AccessKey, Server
from tests.tables import wire_client

SECRET = b"a secret for these tests"
ANOTHER = b"another secret, just as long"
KEY = {"Id": "S"}
ITEMS: list[dict[str, Any]] = [
    {"Id": {"S": str(n)}, "Email": {"S": f"p{n}@corp.test"}, "Ends": {"N": str(4_000_000_000 + n)}}
    for n in range(40)
]
BY_EMAIL: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "Email", "AttributeType": "S"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-email",
            "KeySchema": [{"AttributeName": "Email", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}}
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}

Fill = Callable[..., str]


@dataclass
class World:
    """Two servers to arrange what provokes a finding in.

    Attributes:
        fill: makes a table with items.
        source: client of the side that is read.
        destination: client of the side that is written.
        ministack: starts the server that checks permissions.
        before: the last run's report.
    """

    fill: Fill
    source: Any
    destination: Any
    ministack: Callable[[], Server]
    before: SyncReport | None = None

    def job(
        self,
        mappings: dict[str, Any] | None = None,
        *,
        tables: tuple[str, str] | None = None,
        source: dict[str, Any] | None = None,
        destination: dict[str, Any] | None = None,
        **options: Any,
    ) -> SyncJob:
        """Return a job between two tables, made with these arguments of CreateTable unless they are given."""
        tables = tables or (
            self.fill(self.source, KEY, ITEMS, **(source or {})),
            self.fill(self.destination, KEY, [], **(destination or {})),
        )
        mapping = Mapping.parse({"mappings": mappings or {}, "unmapped": "passthrough"})
        return SyncJob(*tables, mapping, **({"secret": SECRET} | options))

    def run(self, job: SyncJob, told: list[str] | None = None) -> SyncReport:
        """Run a job."""
        on_warning = [].append if told is None else told.append
        return run_sync(job, self.source, self.destination, before=self.before, on_warning=on_warning)

    def after(self, job: SyncJob, **changed: Any) -> None:
        """Run a job, and have its report, in which something may be changed, for that of the last run."""
        self.before = dataclasses.replace(self.run(job), **changed)

    def expire(self, job: SyncJob, attribute: str) -> None:
        """Have the destination's items expire."""
        self.destination.update_time_to_live(
            TableName=job.destination_table,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute},
        )

    def describe(self, **changed: Any) -> None:
        """Have DescribeTable of the destination tell what no local server can be brought to."""

        def change(parsed: dict[str, Any], **_: Any) -> None:
            parsed["Table"] |= changed

        self.destination.meta.events.register("after-call.dynamodb.DescribeTable", change)

    def restricted(self, *, read: list[str], write: list[str], **options: Any) -> SyncJob:
        """Return a job whose two sides allow nothing else than these actions."""
        server = self.ministack()
        tables = []
        for name, account, actions in (("source", "8" * 12, read), ("destination", "9" * 12, write)):
            table = self.fill(wire_client(server, AccessKey(account)), KEY, ITEMS if name == "source" else [])
            policy = allow([f"dynamodb:{action}" for action in ("DescribeTable", *actions)], ["*"])
            key = create_user(server, account, table, policy)
            setattr(self, name, wire_client(server, key))
            tables.append(table)
        return self.job(tables=(tables[0], tables[1]), **options)
