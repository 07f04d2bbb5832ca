"""What a capacity limit means for a table."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials

from airflow_dynsync.dynamodb.capacity import read_pacer, write_pacer
from airflow_dynsync.dynamodb.client import create_client
from airflow_dynsync.dynamodb.limits import Budget, CapacityLimit, parse_limit, read_budget, write_budget
from airflow_dynsync.dynamodb.tables import Index, KeyAttribute, TableDescription, Throughput, describe_table

ON_DEMAND = TableDescription(
    name="Users",
    arn="arn:aws:dynamodb:eu-west-1:111122223333:table/Users",
    table_id="one",
    status="ACTIVE",
    item_count=0,
    size_bytes=0,
    keys=(KeyAttribute("Id", "S"),),
    indexes=(),
    billing_mode="PAY_PER_REQUEST",
    account_id="111122223333",
    region="eu-west-1",
    warm=Throughput(12_000, 4_000),
)
PROVISIONED = dataclasses.replace(
    ON_DEMAND, billing_mode="PROVISIONED", provisioned=Throughput(400, 200), warm=Throughput(12_000, 4_000)
)


def with_indexes(table: TableDescription, *throughputs: Throughput | None) -> TableDescription:
    keys = (KeyAttribute("Email", "S"),)
    indexes = [
        Index(f"by-{number}", "global", "ACTIVE", keys, provisioned=each, warm=each)
        for number, each in enumerate(throughputs)
    ]
    return dataclasses.replace(table, indexes=(*indexes, Index("local", "local", "ACTIVE", keys)))


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        (None, None),
        ("", None),
        (500, CapacityLimit(500, "units")),
        (0.5, CapacityLimit(0.5, "units")),
        (" 1e3 ", CapacityLimit(1000, "units")),
        ("50%", CapacityLimit(50, "percent")),
        ("12.5 %", CapacityLimit(12.5, "percent")),
    ],
)
def test_limit_when_written_as_units_or_percent_is_read(written: Any, limit: CapacityLimit | None) -> None:
    assert parse_limit(written) == limit


@pytest.mark.parametrize(
    "written", [0, -1, "0%", "101%", "half", "50 percent", "%", "nan", "inf", True, float("nan")]
)
def test_limit_when_it_is_neither_says_what_was_expected(written: Any) -> None:
    with pytest.raises(ValueError, match=r"^read_limit: expected capacity units per second, .* '50%'"):
        parse_limit(written, "read_limit")


@pytest.mark.parametrize(
    ("limit", "table", "reads", "writes"),
    [
        (None, ON_DEMAND, math.inf, math.inf),
        (None, PROVISIONED, 200, 100),
        ("25%", PROVISIONED, 100, 50),
        ("25%", ON_DEMAND, 3000, 1000),
        (77, PROVISIONED, 77, 77),
        (77, ON_DEMAND, 77, 77),
    ],
)
def test_limit_when_applied_is_of_provisioned_or_warm_throughput(
    limit: Any, table: TableDescription, reads: float, writes: float
) -> None:
    assert read_budget(parse_limit(limit), table) == Budget(reads)
    assert write_budget(parse_limit(limit), table) == Budget(writes)


def test_percent_when_the_table_tells_no_throughput_are_refused() -> None:
    local = dataclasses.replace(ON_DEMAND, warm=None)

    with pytest.raises(
        ValueError, match=r"'Users' does not tell the throughput that 50 % would be of: give .* units"
    ):
        read_budget(parse_limit("50%"), local)
    assert read_budget(None, local) == write_budget(None, local) == Budget()


def test_reads_of_a_global_index_are_limited_by_its_own_throughput() -> None:
    table = with_indexes(PROVISIONED, Throughput(50, 20))

    assert read_budget(parse_limit("100%"), table, "by-0") == Budget(50)
    assert read_budget(parse_limit("100%"), table, "local") == Budget(400)


def test_writes_when_an_index_has_less_throughput_count_by_what_is_scarcest() -> None:
    budget = write_budget(None, with_indexes(PROVISIONED, Throughput(50, 20), Throughput(50, 400), None))
    assert budget == Budget(100, {"by-0": 10.0, "by-1": 0.5, "by-2": 1.0})

    def consumed(table: float, *indexes: float) -> dict[str, Any]:
        return {
            "TableName": "Users",
            "CapacityUnits": table + sum(indexes),
            "Table": {"CapacityUnits": table},
            "GlobalSecondaryIndexes": {f"by-{n}": {"CapacityUnits": units} for n, units in enumerate(indexes)},
        }

    assert budget.spent(consumed(10, 0.0, 10.0)) == 10  # the table's own
    assert budget.spent(consumed(10, 3.0, 10.0)) == 30  # the narrow index
    assert budget.spent(consumed(10, 0.0, 40.0)) == 20
    assert budget.spent({"TableName": "Users", "CapacityUnits": 7.0}) == 7


def test_writes_when_limited_in_units_count_those_of_indexes() -> None:
    budget = write_budget(parse_limit(100), with_indexes(PROVISIONED, Throughput(50, 20)))

    assert budget.index_factors == {}
    assert budget.spent({"CapacityUnits": 30.0, "GlobalSecondaryIndexes": {"by-0": {"CapacityUnits": 15.0}}}) == 30


def test_limit_when_shared_by_workers_is_divided() -> None:
    table = with_indexes(PROVISIONED, Throughput(50, 20))

    assert read_pacer(None, table, workers=4).budget == Budget(50)
    assert write_pacer(None, table, workers=4).budget == Budget(25, {"by-0": 10.0})
    assert read_pacer(None, ON_DEMAND, workers=4).budget == Budget()


def test_capacity_is_asked_for_by_index_only_where_indexes_count_for_themselves() -> None:
    table = with_indexes(PROVISIONED, Throughput(50, 20))

    assert write_pacer(None, table).detail == "INDEXES"
    assert write_pacer(parse_limit(10), table).detail == "TOTAL"


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def test_table_when_described_tells_provisioned_and_warm_throughput_of_itself_and_its_indexes() -> None:
    none = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    index = {
        "IndexName": "by-email",
        "IndexStatus": "ACTIVE",
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
        "ProvisionedThroughput": none,
        "WarmThroughput": {"ReadUnitsPerSecond": 100, "WriteUnitsPerSecond": 50, "Status": "ACTIVE"},
        "ItemCount": 3,
        "IndexSizeBytes": 300,
    }
    table = {
        "TableName": "Users",
        "TableArn": ON_DEMAND.arn,
        "TableStatus": "ACTIVE",
        "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "ProvisionedThroughput": none,
        "WarmThroughput": {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"},
        "GlobalSecondaryIndexes": [index],
    }

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {}, _Raw(orjson.dumps({"Table": table})))

    client = create_client(credentials=Credentials("AKID", "secret"), region_name="eu-west-1")
    client.meta.events.register("before-send.dynamodb", answer)

    described = describe_table(client, "Users")

    assert (described.provisioned, described.warm) == (None, Throughput(12_000, 4_000))
    (by_email,) = described.indexes
    assert (by_email.provisioned, by_email.warm) == (None, Throughput(100, 50))
    assert (by_email.item_count, by_email.size_bytes) == (3, 300)
    assert write_budget(parse_limit("10%"), described) == Budget(400, {"by-email": 80.0})
