"""A production and a staging side on local servers, each with the Airflow connection that reaches it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from local import dataset
from local.accounts import PRODUCTION_ACCOUNT, STAGING_ACCOUNT, Role, allow, set_up_accounts, table_arn
from local.dynamodb import AccessKey, Server, dynamodb_local, ministack

SOURCE_TABLE = "Customers"
DESTINATION_TABLE = "CustomersStaging"

Connection = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a refresh.

    Parameters: `key`, with which an onlooker may do anything there; `connection`, with which Airflow may do what
    it needs, in the form of Airflow's JSON.
    """

    server: Server
    key: AccessKey
    connection: Connection = field(repr=False)

    def read(self, table: str) -> list[Any]:
        """Return every item of a table in wire form."""
        return dataset.read_table(self.server, self.key, table)


@dataclass(frozen=True, slots=True)
class Sides:
    """Production with an empty place for its table, and staging with empty tables."""

    source: Side
    destination: Side

    def environment(self) -> dict[str, str]:
        """Return the environment variables in which Airflow finds the two connections."""
        return {
            "AIRFLOW_CONN_DYNSYNC_SOURCE": json.dumps(self.source.connection),
            "AIRFLOW_CONN_DYNSYNC_DESTINATION": json.dumps(self.destination.connection),
        }


@contextmanager
def sides_on_ministack(
    destination_tables: Sequence[str] = (DESTINATION_TABLE,), *, partiql: bool = False
) -> Iterator[Sides]:
    """Run ministack with a home, a production and a staging account, reached through roles with external IDs.

    Parameters: `partiql`, whether the role `reader` may also run statements, which a `where` needs.
    """
    with ministack() as server:
        read = allow(
            ["dynamodb:DescribeTable", "dynamodb:Scan", "dynamodb:BatchGetItem"],
            [table_arn(server, PRODUCTION_ACCOUNT, SOURCE_TABLE)],
        )
        if partiql:
            # What AWS authorizes as dynamodb:PartiQLSelect on the table, ministack knows by this name only.
            read["Statement"] += allow(["dynamodb:ExecuteStatement"], ["*"])["Statement"]
        write = allow(
            ["dynamodb:DescribeTable", "dynamodb:BatchWriteItem", "dynamodb:BatchGetItem"],
            [table_arn(server, STAGING_ACCOUNT, table) for table in destination_tables],
        )
        accounts = set_up_accounts(server, SOURCE_TABLE, DESTINATION_TABLE, read_policy=read, write_policy=write)

        def connection(role: Role, table: str) -> Connection:
            extra = {
                "test_table": table,
                "role_arn": role.arn,
                "external_id_secret": role.external_id,
                "sts_endpoint_url": server.endpoint_url,
            }
            return _connection(server, accounts.key, extra)

        source = Side(server, accounts.production, connection(accounts.reader, SOURCE_TABLE))
        destination = Side(server, accounts.staging, connection(accounts.writer, destination_tables[0]))
        _create_tables(destination, destination_tables)
        yield Sides(source, destination)


@contextmanager
def sides_on_dynamodb_local(destination_tables: Sequence[str] = (DESTINATION_TABLE,)) -> Iterator[Sides]:
    """Run two DynamoDB Locals, one for each side, reached with access keys."""
    with dynamodb_local() as production, dynamodb_local() as staging:
        yield sides_with_keys(production, staging, destination_tables)


def sides_with_keys(production: Server, staging: Server, destination_tables: Sequence[str]) -> Sides:
    """Return two sides on running servers, reached with access keys."""
    source, destination = (
        Side(server, key, _connection(server, key, {}))
        for server, key in ((production, AccessKey("production")), (staging, AccessKey("staging")))
    )
    _create_tables(destination, destination_tables)
    return Sides(source, destination)


def _create_tables(side: Side, names: Sequence[str]) -> None:
    for name in names:
        dataset.create_table(side.server.client(key=side.key), name)


def _connection(server: Server, key: AccessKey, extra: dict[str, str]) -> Connection:
    return {
        "conn_type": "dynsync_dynamodb",
        "login": key.access_key_id,
        "password": key.secret_access_key,
        "extra": {"region_name": server.region, "endpoint_url": server.endpoint_url, **extra},
    }
