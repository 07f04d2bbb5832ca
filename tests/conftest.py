"""The local servers as fixtures, and what becomes of a test whose parts this machine lacks.

A test that raises `PartMissing`, itself or through a fixture, is skipped with the line that says how to get
the part. With DYNSYNC_REQUIRE=all every skip, of whatever cause, is a failure.
"""

import os
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from local import dynamodb
from local.dynamodb import PartMissing, Server

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# No test may reach an AWS account of the person who runs it.
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]
os.environ |= {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if call.excinfo is not None and isinstance(missing := call.excinfo.value, PartMissing):
        call.excinfo = pytest.CallInfo.from_call(lambda: pytest.skip(str(missing)), call.when).excinfo
    report = yield
    # An expected failure is reported as skipped as well; it is no missing part.
    if report.skipped and not hasattr(report, "wasxfail"):
        _fail_if_all_is_required(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        _fail_if_all_is_required(report)
    return report


def _fail_if_all_is_required(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("DYNSYNC_REQUIRE") == "all":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"DYNSYNC_REQUIRE=all lets no test be skipped, but this one was. {reason}"


@pytest.fixture(scope="session")
def ministack_server() -> Iterator[Server]:
    """A ministack that checks signatures, policies and external IDs."""
    with dynamodb.ministack() as server:
        yield server


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[Server]:
    """A DynamoDB Local."""
    with dynamodb.dynamodb_local() as server:
        yield server


@pytest.fixture(scope="session")
def two_dynamodb_locals(dynamodb_local: Server) -> Iterator[tuple[Server, Server]]:
    """Two DynamoDB Locals, a source and a destination."""
    with dynamodb.dynamodb_local() as second:
        yield dynamodb_local, second


@pytest.fixture
def create_table() -> Iterator[Callable[..., str]]:
    """`create_table(client, {"Id": "S", "At": "N"}, **more)` makes a table and returns its fresh name.

    The first attribute is the partition key, the second, if given, the sort key; `more` goes to CreateTable.
    `prefix` begins the name. The tables go when the test ends.
    """
    made: list[tuple[DynamoDBClient, str]] = []

    def create(client: "DynamoDBClient", keys: dict[str, str], *, prefix: str = "table", **more: Any) -> str:
        name = f"{prefix}-{secrets.token_hex(6)}"
        more.setdefault("BillingMode", "PAY_PER_REQUEST")
        client.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": attribute, "KeyType": role}
                for attribute, role in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                *({"AttributeName": attribute, "AttributeType": letter} for attribute, letter in keys.items()),
                *more.pop("AttributeDefinitions", ()),
            ],
            **more,
        )
        made.append((client, name))
        return name

    yield create
    for client, name in made:
        client.delete_table(TableName=name)


@pytest.fixture
def fill(create_table: Callable[..., str]) -> Callable[..., str]:
    """`fill(client, {"Id": "S"}, items)` makes a table that holds the items and returns its name."""
    from airflow_dynsync.dynamodb.writer import write_items

    def make(client: Any, keys: dict[str, str], items: Iterable[dict[str, Any]], **more: Any) -> str:
        name, left = create_table(client, keys, **more), iter(items)
        while chunk := list(islice(left, 1000)):
            write_items(client, name, chunk, key_names=tuple(keys))
        return name

    return make
