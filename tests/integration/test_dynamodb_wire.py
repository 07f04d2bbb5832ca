"""The wire client, reader and writer against DynamoDB Local."""

import base64
import threading
from collections.abc import Callable
from typing import Any

import boto3
import orjson
import pytest
from botocore.config import Config
from botocore.credentials import Credentials

from airflow_dynsync.dynamodb import errors
from airflow_dynsync.dynamodb.calls import Backoff, call
from airflow_dynsync.dynamodb.client import ClientName, create_client
from airflow_dynsync.dynamodb.reader import scan_pages, select_statement, statement_pages
from airflow_dynsync.dynamodb.tables import KeyAttribute, describe_table, same_table
from airflow_dynsync.dynamodb.writer import write_items
from local.dynamodb import Server
from tests.every_type import B64, EVERY_TYPE, nested

AT_ONCE = Backoff(base_seconds=0, cap_seconds=0, patience_seconds=0)


def made_as(server: Server, name: ClientName) -> Any:
    return create_client(
        credentials=Credentials("wire", "secret"),
        region_name="eu-west-1",
        endpoint_url=server.endpoint_url,
        client=name,
    )


@pytest.fixture(scope="module")
def client(dynamodb_local: Server) -> Any:
    return made_as(dynamodb_local, "wire")


@pytest.fixture(params=["wire", "botocore"])
def either(dynamodb_local: Server, request: pytest.FixtureRequest) -> Any:
    return made_as(dynamodb_local, request.param)


@pytest.fixture(scope="module")
def stock(dynamodb_local: Server) -> Any:
    return boto3.Session().client(
        "dynamodb",
        region_name="eu-west-1",
        endpoint_url=dynamodb_local.endpoint_url,
        aws_access_key_id="wire",
        aws_secret_access_key="secret",
        config=Config(parameter_validation=False),
    )


@pytest.fixture
def table(stock: Any, create_table: Callable[..., str]) -> str:
    return create_table(stock, {"pk": "S", "sk": "N"}, prefix="some.table")


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": f"p{number % 7}"}, "sk": {"N": str(number)}, **more}


def scanned(client: Any, table: str, **options: Any) -> list[dict[str, Any]]:
    return [each for page in scan_pages(client, table, **options) for each in page.items]


def in_order(items: list[dict[str, Any]]) -> list[bytes]:
    return sorted(orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in items)


def as_wire(value: Any) -> Any:
    """What the stock client returns, with its bytes as the base64 text they were."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: as_wire(each) for key, each in value.items()}
    return [as_wire(each) for each in value] if isinstance(value, list) else value


def test_every_type_when_written_and_read_comes_back_byte_identical(either: Any, table: str) -> None:
    items = [item(1, **EVERY_TYPE), item(2), *({**item(3), "sk": {"N": n}} for n in ("0.5", "-7"))]

    write_items(either, table, items, key_names=("pk", "sk"))

    assert in_order(scanned(either, table)) == in_order(items)


def test_every_type_when_written_by_wire_reads_the_same_by_the_stock_client(
    either: Any, stock: Any, table: str
) -> None:
    write_items(either, table, [item(1, **EVERY_TYPE)], key_names=("pk", "sk"))

    (read,) = stock.scan(TableName=table)["Items"]

    assert read["BS"]["BS"] == [base64.b64decode(each) for each in B64]
    assert as_wire(read) == item(1, **EVERY_TYPE)


@pytest.mark.parametrize(("text", "canonical"), [("1E+125", "1" + "0" * 125), ("1.50", "1.5"), ("-0", "0")])
def test_number_when_written_in_another_spelling_comes_back_as_dynamodb_spells_it(
    client: Any, table: str, text: str, canonical: str
) -> None:
    client.put_item(TableName=table, Item=item(1, n={"N": text}))

    assert client.get_item(TableName=table, Key=item(1))["Item"]["n"] == {"N": canonical}


def test_nesting_when_one_level_too_deep_is_refused_in_words(client: Any, table: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="deeper than 32 levels"):
        write_items(client, table, [item(1, deep=nested(32))], key_names=("pk", "sk"))


def test_scan_when_keys_are_binary_goes_on_behind_each_page(
    client: Any, stock: Any, create_table: Callable[..., str]
) -> None:
    table = create_table(stock, {"pk": "B", "sk": "B"})
    keys = [base64.b64encode(bytes([number, 0, 255])).decode() for number in range(10)]
    items = [{"pk": {"B": key}, "sk": {"B": keys[0]}} for key in keys]
    write_items(client, table, items, key_names=("pk", "sk"))

    pages = list(scan_pages(client, table, page_size=3))
    resumed = list(scan_pages(client, table, page_size=3, position=pages[1].position))  # type: ignore[arg-type]

    assert [len(page.items) for page in pages] == [3, 3, 3, 1]
    assert in_order([each for page in pages for each in page.items]) == in_order(items)
    assert pages[0].position == pages[0].items[-1]
    assert pages[-1].position is None
    assert [[*page.items] for page in resumed] == [[*page.items] for page in pages[2:]]


def test_scan_when_segmented_reads_each_item_once(client: Any, table: str) -> None:
    items = [item(number) for number in range(100)]
    write_items(client, table, items, key_names=("pk", "sk"))

    segments = [scanned(client, table, segment=n, total_segments=4, page_size=7) for n in range(4)]

    assert in_order([each for segment in segments for each in segment]) == in_order(items)
    assert sum(bool(segment) for segment in segments) > 1


def test_scan_page_when_read_tells_count_and_capacity(client: Any, table: str) -> None:
    write_items(client, table, [item(1, s={"S": "x" * 9000})], key_names=("pk", "sk"))

    (eventual,) = scan_pages(client, table)
    (consistent,) = scan_pages(client, table, consistent_read=True)

    assert eventual.scanned_count == 1
    assert (eventual.consumed_capacity, consistent.consumed_capacity) == (1.5, 3.0)


def test_scan_when_table_is_missing_names_it_without_a_chained_original(client: Any) -> None:
    with pytest.raises(errors.TableNotFoundError, match=r"Scan on table 'nowhere': there is no such") as caught:
        next(scan_pages(client, "nowhere"))

    assert caught.value.kind == "fatal"
    assert caught.value.__context__ is None


def test_statement_when_pages_are_limited_follows_the_token_through_empty_pages(client: Any, table: str) -> None:
    items = [item(number, n={"N": str(number)}) for number in range(20)]
    write_items(client, table, items, key_names=("pk", "sk"))
    statement = select_statement(table, "n >= 15 AND begins_with(pk, 'p')")

    pages = list(statement_pages(client, table, statement, page_size=3))
    resumed = statement_pages(client, table, statement, page_size=3, position=pages[2].position)  # type: ignore[arg-type]

    assert in_order([each for page in pages for each in page.items]) == in_order(items[15:])
    assert any(not page.items and page.position for page in pages)
    assert pages[-1].position is None
    assert [[*page.items] for page in resumed] == [[*page.items] for page in pages[3:]]


def test_statement_when_results_exceed_one_megabyte_comes_in_pages(client: Any, table: str) -> None:
    items = [item(number, s={"S": "x" * 100_000}) for number in range(15)]
    write_items(client, table, items, key_names=("pk", "sk"))

    pages = list(statement_pages(client, table, select_statement(table, "attribute_exists(s)")))

    assert len(pages) > 1
    assert in_order([each for page in pages for each in page.items]) == in_order(items)


@pytest.mark.parametrize(
    ("where", "cause"),
    [
        ("order = 'marked-value'", "not well-formed"),
        ("pk = 4711", "another type"),
        ("foo(pk, 'marked-value')", "function"),
        ("pk LIKE 'marked-value'", "operator"),
        ("begins_with(pk, 4711)", "type"),
        ("pk BETWEEN 'marked-value' AND 'a'", "lower bound first"),
    ],
)
def test_statement_when_the_condition_is_invalid_says_why_and_repeats_nothing_of_it(
    client: Any, table: str, where: str, cause: str
) -> None:
    with pytest.raises(errors.InvalidRequestError, match=cause) as caught:
        list(statement_pages(client, table, select_statement(table, where)))

    assert caught.value.kind == "fatal"
    assert "marked-value" not in str(caught.value)
    assert "4711" not in str(caught.value)


def test_write_when_items_are_large_splits_below_the_request_limit(client: Any, table: str) -> None:
    # Each is within DynamoDB's 400 KB, but a control character is six bytes of JSON.
    items = [item(number, s={"S": "\x01" * 390_000}) for number in range(13)]
    assert sum(len(orjson.dumps(each)) for each in items) > 30_000_000
    sizes: list[int] = []
    note = lambda request, **_: sizes.append(len(request.body))  # noqa: E731
    client.meta.events.register("before-send.dynamodb.BatchWriteItem", note)

    result = write_items(client, table, items, key_names=("pk", "sk"))
    client.meta.events.unregister("before-send.dynamodb.BatchWriteItem", note)

    assert result.written == 13
    assert len(sizes) == 3
    assert max(sizes) < 16_000_000
    assert in_order(scanned(client, table)) == in_order(items)


def test_request_when_above_16_megabytes_is_refused_in_words(client: Any, table: str) -> None:
    puts = [{"PutRequest": {"Item": item(n, s={"S": "x" * 700_000})}} for n in range(25)]

    with pytest.raises(errors.InvalidRequestError, match="larger than 16 MB") as caught:
        call(client, "BatchWriteItem", table, {"RequestItems": {table: puts}})

    assert caught.value.code == "413"


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        ({"s": {"S": "marked" * 70_000}}, "larger than 400 KB"),
        ({"pk": {"S": ""}}, "key attribute is empty"),
        ({"sk": {"S": "marked"}}, "another type"),
        ({"pk": {"S": "marked" * 400}}, "longer than 2048 bytes"),
        ({"n": {"N": "marked"}}, "not a number"),
        ({"n": {"N": "4" * 39}}, "38 digits"),
        ({"n": {"N": "1E+126"}}, "magnitude"),
        ({"n": {"SS": ["marked", "marked"]}}, "holds a value twice"),
        ({"n": {"SS": []}}, "set is empty"),
        ({"n": {"S": "marked", "N": "1"}}, "no type or more than one"),
    ],
)
def test_write_when_an_item_is_refused_says_why_and_repeats_no_value(
    client: Any, table: str, bad: dict[str, Any], cause: str
) -> None:
    with pytest.raises(errors.InvalidRequestError, match=cause) as caught:
        write_items(client, table, [item(1, **bad)], key_names=("pk", "sk"), backoff=AT_ONCE)

    assert caught.value.kind == "fatal"
    assert "marked" not in str(caught.value)
    assert "444444" not in str(caught.value).replace(table, "")


def test_write_when_finished_sums_capacity_of_table_and_indexes(
    client: Any, stock: Any, create_table: Callable[..., str]
) -> None:
    index = {
        "IndexName": "by-s",
        "KeySchema": [{"AttributeName": "s", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    table = create_table(
        stock,
        {"pk": "S", "sk": "N"},
        AttributeDefinitions=[{"AttributeName": "s", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[index],
    )

    result = write_items(client, table, [item(n, s={"S": "a"}) for n in range(30)], key_names=("pk", "sk"))

    assert (result.written, result.retried, result.consumed_capacity) == (30, 0, 60.0)


def test_write_when_stopped_before_begins_nothing(client: Any, table: str) -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(errors.StoppedError):
        write_items(client, table, [item(1)], key_names=("pk", "sk"), stop=stop)

    assert scanned(client, table) == []


def test_describe_table_when_it_has_indexes_tells_keys_of_each(
    client: Any, stock: Any, create_table: Callable[..., str]
) -> None:
    def index(name: str, *keys: str) -> dict[str, Any]:
        roles = zip(keys, ("HASH", "RANGE"), strict=False)
        return {
            "IndexName": name,
            "KeySchema": [{"AttributeName": key, "KeyType": role} for key, role in roles],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }

    name = create_table(
        stock,
        {"pk": "S", "sk": "N"},
        AttributeDefinitions=[{"AttributeName": "b", "AttributeType": "B"}],
        GlobalSecondaryIndexes=[index("by-b", "b", "sk")],
        LocalSecondaryIndexes=[index("pk-b", "pk", "b")],
    )
    write_items(client, name, [item(1)], key_names=("pk", "sk"))

    table = describe_table(client, name)

    pk, sk, b = KeyAttribute("pk", "S"), KeyAttribute("sk", "N"), KeyAttribute("b", "B")
    assert (table.name, table.status, table.item_count) == (name, "ACTIVE", 1)
    assert (table.keys, table.key_names) == ((pk, sk), ("pk", "sk"))
    assert [(each.name, each.kind, each.status, each.keys) for each in table.indexes] == [
        ("by-b", "global", "ACTIVE", (b, sk)),
        ("pk-b", "local", "ACTIVE", (pk, b)),
    ]
    assert (table.billing_mode, table.account_id, table.region, table.table_id) == (
        "PAY_PER_REQUEST",
        "000000000000",
        "ddblocal",
        None,
    )
    assert same_table(table, client.meta.endpoint_url, table, client.meta.endpoint_url)
    assert not same_table(table, client.meta.endpoint_url, table, "http://127.0.0.1:1")


def test_describe_table_when_missing_says_so(client: Any) -> None:
    with pytest.raises(errors.TableNotFoundError, match="'nowhere'"):
        describe_table(client, "nowhere")


def test_table_name_when_quoted_in_a_statement_reaches_tables_with_dots(client: Any, table: str) -> None:
    assert "." in table
    write_items(client, table, [item(1), item(2)], key_names=("pk", "sk"))

    (page,) = statement_pages(client, table, select_statement(table, "sk = 2"))

    assert [*page.items] == [item(2)]
