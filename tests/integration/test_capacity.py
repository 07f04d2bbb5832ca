"""Capacity limits kept against DynamoDB Local: a rate is what is promised here, so a rate is what is asserted."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials

from airflow_dynsync.dynamodb.capacity import CALL_SECONDS, Pacer, read_pacer, read_units, write_pacer
from airflow_dynsync.dynamodb.client import create_client
from airflow_dynsync.dynamodb.errors import StoppedError
from airflow_dynsync.dynamodb.limits import CapacityLimit
from airflow_dynsync.dynamodb.reader import scan_pages, select_statement, statement_pages
from airflow_dynsync.dynamodb.sizes import item_bytes
from airflow_dynsync.dynamodb.tables import describe_table
from airflow_dynsync.dynamodb.writer import write_items
from local.dynamodb import Server
from tests.rates import Call, rate, windows

SECONDS = 11.0


@pytest.fixture
def client(dynamodb_local: Server) -> Any:
    return create_client(
        credentials=Credentials("capacity", "secret"),
        region_name="eu-west-1",
        endpoint_url=dynamodb_local.endpoint_url,
    )


def item(number: int, size: int) -> dict[str, Any]:
    return {
        "Id": {"S": f"{number:06}"},
        "Email": {"S": f"{number}@example.com"},
        "Team": {"S": f"t{number % 7}"},
        "Text": {"S": "x" * size},
    }


def consumed_by(client: Any, operation: str) -> list[Call]:
    """What the service says that each call consumed, filled in while calls are made."""
    calls: list[Call] = []

    def keep(parsed: dict[str, Any], **_: Any) -> None:
        told = parsed.get("ConsumedCapacity", ())
        units = sum(each["CapacityUnits"] for each in ([told] if isinstance(told, dict) else told))
        calls.append((time.monotonic(), units))

    client.meta.events.register(f"after-call.dynamodb.{operation}", keep)
    return calls


def run(work: Callable[[threading.Event, int], None], threads: int, seconds: float = SECONDS) -> float:
    """Do work in threads again and again for some seconds; returns when it began."""
    stop = threading.Event()

    def again(number: int) -> None:
        while True:
            try:
                work(stop, number)
            except StoppedError:
                return

    with ThreadPoolExecutor(threads) as pool:
        begun = time.monotonic()
        tasks = [pool.submit(again, number) for number in range(threads)]
        stop.wait(seconds)
        stop.set()
        for task in tasks:
            task.result()
    return begun


def assert_kept(limit: float, measure: Callable[[], tuple[list[Call], float]]) -> None:
    """Measure up to three times: a machine that stalls spoils one run, a limit that is not kept spoils each."""
    for _ in range(3):
        calls, begun = measure()
        sums = windows(sorted(calls), begun, begun + SECONDS)
        assert len(sums) > 20
        shares = min(sums) / limit / 10, max(sums) / limit / 10
        if shares[0] >= 0.95 and shares[1] <= 1.05:
            return
    raise AssertionError(f"in ten seconds between {shares[0]:.1%} and {shares[1]:.1%} of the limit were consumed")


def test_scan_in_segments_consumes_the_limit_within_5_percent(client: Any, fill: Callable[..., str]) -> None:
    table = fill(client, {"Id": "S"}, (item(number, 300 + number % 5 * 700) for number in range(3000)))
    description = describe_table(client, table)
    calls = consumed_by(client, "Scan")

    def measure() -> tuple[list[Call], float]:
        pacer = read_pacer(CapacityLimit(200, "units"), description)

        def read(stop: threading.Event, segment: int) -> None:
            for page in scan_pages(client, table, segment=segment, total_segments=4, stop=stop, pacer=pacer):
                assert page.consumed_capacity

        return calls, run(read, threads=4)

    assert_kept(200, measure)


def test_statement_consumes_the_limit_within_5_percent_as_estimated_from_its_items(
    client: Any, fill: Callable[..., str]
) -> None:
    table = fill(client, {"Id": "S"}, (item(number, 3000) for number in range(60)))
    description = describe_table(client, table)
    statement = select_statement(table, "Team = 't1' OR Team <> 't1'")
    calls: list[Call] = []

    def measure() -> tuple[list[Call], float]:
        pacer = read_pacer(CapacityLimit(40, "units"), description, consistent_read=True)

        def read(stop: threading.Event, _: int) -> None:
            pages = statement_pages(
                client, table, statement, page_size=1000, consistent_read=True, stop=stop, pacer=pacer
            )
            for page in pages:
                assert page.consumed_capacity is None
                units = read_units(sum(map(item_bytes, page.items)), consistent=True)
                calls.append((time.monotonic(), units))

        return calls, run(read, threads=1)

    assert_kept(40, measure)


@pytest.mark.parametrize("indexes", [0, 2])
def test_writes_consume_the_limit_within_5_percent_those_of_indexes_included(
    client: Any, create_table: Callable[..., str], indexes: int
) -> None:
    keys = {"Email": "ALL", "Team": "KEYS_ONLY"} if indexes else {}
    more: dict[str, Any] = {}
    if keys:
        more["AttributeDefinitions"] = [{"AttributeName": key, "AttributeType": "S"} for key in keys]
        more["GlobalSecondaryIndexes"] = [
            {
                "IndexName": f"by-{key}",
                "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": projection},
            }
            for key, projection in keys.items()
        ]
    table = create_table(client, {"Id": "S"}, **more)
    description = describe_table(client, table)
    calls = consumed_by(client, "BatchWriteItem")
    written = [0] * 8

    def measure() -> tuple[list[Call], float]:
        pacer = write_pacer(CapacityLimit(300, "units"), description)

        def write(stop: threading.Event, thread: int) -> None:
            first = thread * 100_000 + written[thread]
            items = [item(number, 200 + number % 4 * 700) for number in range(first, first + 25)]
            write_items(client, table, items, key_names=["Id"], stop=stop, pacer=pacer)
            written[thread] += 25

        return calls, run(write, threads=8)

    assert_kept(300, measure)
    per_item = sum(units for _, units in calls) / max(1, sum(written))
    assert per_item > (3 if indexes else 1.5)


def test_writes_to_a_provisioned_table_count_by_the_index_that_is_scarcest(
    client: Any, create_table: Callable[..., str]
) -> None:
    table = create_table(
        client,
        {"Id": "S"},
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1000, "WriteCapacityUnits": 1000},
        AttributeDefinitions=[{"AttributeName": "Team", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-team",
                "KeySchema": [{"AttributeName": "Team", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 100},
            }
        ],
    )
    pacer = write_pacer(None, describe_table(client, table))
    items = [item(number, 100) for number in range(25)]

    result = write_items(client, table, items, key_names=["Id"], pacer=pacer)

    assert pacer.budget.units_per_second == 500
    assert result.consumed_capacity == 50  # 25 units of the table, 25 of the index, each worth ten of the table's
    assert pacer.call_amount == pytest.approx(500 * CALL_SECONDS / 10)


class Scarcity:
    """Throttles a client's writes above a number of items per second."""

    def __init__(self, client: Any) -> None:
        self.items_per_second: float | None = None
        self.asked: list[Call] = []
        self.throttled_at: list[float] = []
        self._lock = threading.Lock()
        self._saved = 0.0
        client.meta.events.register("before-send.dynamodb.BatchWriteItem", self)

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        (puts,) = json.loads(request.body)["RequestItems"].values()
        with self._lock:
            now = time.monotonic()
            since = now - self.asked[-1][0] if self.asked else 0.0
            self.asked.append((now, len(puts)))
            if self.items_per_second is None:
                return None
            self._saved = min(self.items_per_second / 10, self._saved + since * self.items_per_second)
            if self._saved > 0:
                self._saved -= len(puts)
                return None
            self.throttled_at.append(now)
        code = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
        return AWSResponse(request.url, 400, {}, _Raw(orjson.dumps({"__type": code, "message": "slow down"})))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


@pytest.mark.parametrize("limited", [True, False])
def test_writes_when_throttled_give_way_within_a_second(
    client: Any, create_table: Callable[..., str], limited: bool
) -> None:
    table = create_table(client, {"Id": "S"})
    pacer = write_pacer(CapacityLimit(600, "units"), describe_table(client, table)) if limited else Pacer()
    service = Scarcity(client)

    def write(stop: threading.Event, thread: int) -> None:
        items = [item(number, 100) for number in range(thread * 25, thread * 25 + 25)]
        write_items(client, table, items, key_names=["Id"], stop=stop, pacer=pacer)

    scarce = threading.Timer(3, lambda: setattr(service, "items_per_second", 150.0))
    scarce.start()
    begun = run(write, threads=8, seconds=10)

    first = service.throttled_at[0]
    assert rate(service.asked, begun + 1, first) > 300
    assert rate(service.asked, first + 1, begun + 10) <= 1.2 * 150
    assert rate(service.asked, first + 1, begun + 10) > 0.5 * 150
    refused = [at for at in service.throttled_at if at > first + 1]
    assert len(refused) <= 0.2 * len([at for at, _ in service.asked if at > first + 1])
