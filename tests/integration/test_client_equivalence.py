"""Both ways of the client answer and fail as stock boto3 does, on DynamoDB Local."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import orjson
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from airflow_dynsync.dynamodb.binaries import to_bytes, to_text
from airflow_dynsync.dynamodb.client import ITEM_OPERATIONS, ClientName, create_client
from airflow_dynsync.dynamodb.errors import classify
from local.dynamodb import AccessKey, Server
from tests.every_type import B64, EVERY_TYPE

ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"}, parameter_validation=False)


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": f"p{number % 7}"}, "sk": {"N": str(number)}, **more}


def puts(table: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"RequestItems": {table: [{"PutRequest": {"Item": each}} for each in items]}}


def values(named: dict[str, Any]) -> dict[str, Any]:
    return {"ExpressionAttributeValues": named}


@pytest.fixture(params=["wire", "botocore"])
def ours(dynamodb_local: Server, request: pytest.FixtureRequest) -> Any:
    return our_client(dynamodb_local, request.param)


def our_client(server: Server, name: ClientName, key: str = "same") -> Any:
    credentials = Credentials(key, "secret")
    options: dict[str, Any] = {"region_name": server.region, "endpoint_url": server.endpoint_url, "config": ONCE}
    return create_client(credentials=credentials, client=name, **options)


@pytest.fixture(scope="module")
def stock(dynamodb_local: Server) -> Any:
    return stock_client(dynamodb_local)


def stock_client(server: Server, key: str = "same") -> Any:
    return boto3.Session(key, "secret").client(
        "dynamodb", region_name=server.region, endpoint_url=server.endpoint_url, config=ONCE
    )


@pytest.fixture
def table(dynamodb_local: Server, create_table: Callable[..., str]) -> str:
    return create_table(dynamodb_local.client(key=AccessKey("same")), {"pk": "S", "sk": "N"})


def without_metadata(response: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in response.items() if key != "ResponseMetadata"}


def named(table: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with the table's name where they say TABLE."""
    made: dict[str, Any] = json.loads(json.dumps(parameters).replace("TABLE", table))
    return made


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("put_item", {"TableName": "TABLE", "Item": item(1, **EVERY_TYPE), "ReturnConsumedCapacity": "INDEXES"}),
    ("put_item", {"TableName": "TABLE", "Item": item(1, **EVERY_TYPE), "ReturnValues": "ALL_OLD"}),
    ("get_item", {"TableName": "TABLE", "Key": item(1)}),
    ("get_item", {"TableName": "TABLE", "Key": item(99)}),
    (
        "update_item",
        {
            "TableName": "TABLE",
            "Key": item(1),
            "UpdateExpression": "SET #B = :B ADD BS :BS",
            "ConditionExpression": "B = :old",
            "ExpressionAttributeNames": {"#B": "BS and B"},
            **values({":B": {"B": B64[2]}, ":BS": {"BS": B64[:1]}, ":old": EVERY_TYPE["B"]}),
            "ReturnValues": "ALL_NEW",
        },
    ),
    ("batch_write_item", puts("TABLE", item(2, B={"M": {"B": {"B": B64[0]}}}))),
    ("batch_write_item", {"RequestItems": {"TABLE": [{"DeleteRequest": {"Key": item(3)}}]}}),
    ("batch_get_item", {"RequestItems": {"TABLE": {"Keys": [item(1), item(99)], "ConsistentRead": True}}}),
    ("scan", {"TableName": "TABLE", "ReturnConsumedCapacity": "TOTAL", "Limit": 1}),
    ("scan", {"TableName": "TABLE", "ExclusiveStartKey": item(1), "TotalSegments": 1, "Segment": 0}),
    ("scan", {"TableName": "TABLE", "FilterExpression": "B = :b", **values({":b": {"B": B64[1]}})}),
    ("query", {"TableName": "TABLE", "KeyConditionExpression": "pk = :p", **values({":p": {"S": "p1"}})}),
    ("execute_statement", {"Statement": 'SELECT * FROM "TABLE"', "ConsistentRead": True}),
    ("execute_statement", {"Statement": 'SELECT * FROM "TABLE" WHERE B = ?', "Parameters": [{"B": B64[1]}]}),
    ("delete_item", {"TableName": "TABLE", "Key": item(1), "ReturnValues": "ALL_OLD"}),
    ("delete_item", {"TableName": "TABLE", "Key": item(2)}),
    ("describe_table", {"TableName": "TABLE"}),
    ("list_tables", {"Limit": 1, "ExclusiveStartTableName": "TABLE"}),
]  # fmt: skip


def test_every_operation_sends_and_answers_as_the_stock_client_does(ours: Any, stock: Any, table: str) -> None:
    answers, sent = [], []
    for client, form in ((ours, lambda it: it), (stock, to_bytes)):
        requests = note_requests(client)
        answers.append([getattr(client, name)(**form(named(table, parameters))) for name, parameters in CALLS])
        sent.append(list(requests()))

    assert sent[0] == sent[1]
    assert len(sent[0]) == len(CALLS)
    for (name, _), answer, expected in zip(CALLS, *answers, strict=True):
        assert without_metadata(answer) == to_text(without_metadata(expected)), name
        ours_said, theirs_said = answer["ResponseMetadata"], expected["ResponseMetadata"]
        # botocore says that of every call where one attempt is all there may be.
        assert ours_said.keys() - {"MaxAttemptsReached"} == theirs_said.keys() - {"MaxAttemptsReached"}, name
        assert ours_said["HTTPHeaders"].keys() == theirs_said["HTTPHeaders"].keys(), name


def note_requests(client: Any) -> Callable[[], Iterator[tuple[str, str, Any]]]:
    """Have what a client sends noted, until the function that is returned is called for it."""
    requests: list[AWSPreparedRequest] = []
    note = lambda request, **_: requests.append(request)  # noqa: E731
    client.meta.events.register("before-send.dynamodb", note)

    def noted() -> Iterator[tuple[str, str, Any]]:
        client.meta.events.unregister("before-send.dynamodb", note)
        for request in requests:
            assert request.headers["Content-Length"] == str(len(request.body))
            target, form = (request.headers[name] for name in ("X-Amz-Target", "Content-Type"))
            yield _text(target), _text(form), json.loads(request.body)

    return noted


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def failure(client: Any, name: str, parameters: dict[str, Any]) -> ClientError:
    with pytest.raises(ClientError) as caught:
        getattr(client, name)(**parameters)
    error = caught.value
    assert isinstance(error, client.exceptions.from_code(error.response["Error"]["Code"]))
    return error


def assert_same(error: ClientError, expected: ClientError) -> None:
    assert (type(error).__name__, error.operation_name) == (type(expected).__name__, expected.operation_name)
    assert without_metadata(dict(error.response)) == without_metadata(dict(expected.response))
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status == expected.response["ResponseMetadata"]["HTTPStatusCode"]
    first, second = (classify(each, operation=each.operation_name, table_name="T") for each in (error, expected))
    assert (type(first), str(first), vars(first)) == (type(second), str(second), vars(second))


LARGE = "x" * 410_000
KEY = {"TableName": "TABLE", "Key": item(5)}
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("ResourceNotFoundException", "scan", {"TableName": "no-such-table"}),
    ("ValidationException", "scan", {"TableName": "TABLE", "Limit": 0}),
    ("ValidationException", "scan", {}),
    ("ValidationException", "scan", {"TableName": "TABLE", "ExclusiveStartKey": {"other": {"S": "a"}}}),
    ("ValidationException", "scan", {"TableName": "TABLE", "FilterExpression": "nonsense ="}),
    ("ResourceNotFoundException", "get_item", {"TableName": "no-such-table", "Key": {"pk": {"S": "a"}}}),
    ("ValidationException", "get_item", {"TableName": "TABLE", "Key": {"pk": {"S": "a"}}}),
    (
        "ConditionalCheckFailedException",
        "put_item",
        {
            "TableName": "TABLE",
            "Item": item(5),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ),
    ("ConditionalCheckFailedException", "delete_item", {**KEY, "ConditionExpression": "pk = sk"}),
    ("ValidationException", "update_item", {**KEY, "UpdateExpression": "SET pk = sk"}),
    ("ValidationException", "put_item", {"TableName": "TABLE", "Item": {"pk": {"S": ""}, "sk": {"N": "1"}}}),
    ("ValidationException", "put_item", {"TableName": "TABLE", "Item": item(1, n={"N": "one"})}),
    ("ValidationException", "put_item", {"TableName": "TABLE", "Item": item(1, s={"S": LARGE})}),
    ("ValidationException", "query", {"TableName": "TABLE", "KeyConditionExpression": "nonsense"}),
    ("ValidationException", "execute_statement", {"Statement": "SELEC"}),
    ("ResourceNotFoundException", "execute_statement", {"Statement": 'SELECT * FROM "no-such-table"'}),
    ("ValidationException", "execute_statement", {"Statement": 'SELECT * FROM "TABLE"', "NextToken": "bad"}),
    ("ResourceNotFoundException", "batch_write_item", puts("no-such-table", item(1))),
    ("ValidationException", "batch_write_item", puts("TABLE", item(1), item(1))),
    ("ValidationException", "batch_write_item", puts("TABLE", *map(item, range(26)))),
    ("ValidationException", "batch_write_item", puts("TABLE", item(1, s={"S": LARGE}))),
    ("413", "batch_write_item", puts("TABLE", item(1, s={"S": LARGE * 42}))),
    ("ResourceNotFoundException", "batch_get_item", {"RequestItems": {"no-such-table": {"Keys": [item(1)]}}}),
    ("ResourceNotFoundException", "describe_table", {"TableName": "no-such-table"}),
    ("ResourceNotFoundException", "describe_time_to_live", {"TableName": "no-such-table"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "name", "parameters"), REFUSED, ids=lambda it: it if isinstance(it, str) else "")
def test_refusal_of_dynamodb_is_the_stock_client_s(
    ours: Any, stock: Any, table: str, code: str, name: str, parameters: dict[str, Any]
) -> None:
    stock.put_item(TableName=table, Item=to_bytes(item(5, b=EVERY_TYPE["BS"])))

    error, expected = (failure(client, name, named(table, parameters)) for client in (ours, stock))

    assert error.response["Error"]["Code"] == code
    assert_same(error, expected)


@pytest.mark.parametrize("name", ["wire", "botocore"])
def test_credentials_when_dynamodb_does_not_know_them_are_refused_as_the_stock_client_s(
    dynamodb_local: Server, name: ClientName
) -> None:
    key = "not-letters"

    error, expected = (
        failure(client, "scan", {"TableName": "some"})
        for client in (our_client(dynamodb_local, name, key), stock_client(dynamodb_local, key))
    )

    assert error.response["Error"]["Code"] == "UnrecognizedClientException"
    assert_same(error, expected)


def refusal(code: str, status: int = 400, **more: Any) -> tuple[int, bytes]:
    return status, orjson.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "why", **more})


INJECTED = {
    "throughput": refusal("ProvisionedThroughputExceededException", ThrottlingReasons=[{"reason": "r"}]),
    "rate": refusal("ThrottlingException", throttlingReasons=[{"reason": "TableWriteKeyRangeThroughputExceeded"}]),
    "account": refusal("RequestLimitExceeded"),
    "access": refusal("AccessDeniedException"),
    "signature": refusal("InvalidSignatureException"),
    "token": refusal("ExpiredTokenException"),
    "collection": refusal("ItemCollectionSizeLimitExceededException"),
    "conflict": refusal("ReplicatedWriteConflictException"),
    "form": refusal("SerializationException", Message="another spelling"),
    "unknown": refusal("SomethingNewException", Extra=1),
    "internal": refusal("InternalServerError", 500),
    "service": refusal("ServiceUnavailable", 503),
    "a page": (502, b"<html>bad gateway</html>"),
    "nothing": (503, b""),
    "not modified": (304, b""),
    "moved": (301, b"<html>over there</html>"),
}  # fmt: skip


FEW: dict[str, Any] = {
    "BatchGetItem": {"RequestItems": {}},
    "BatchWriteItem": {"RequestItems": {}},
    "ExecuteStatement": {"Statement": "SELECT"},
}


@pytest.mark.parametrize("operation", sorted(ITEM_OPERATIONS))
def test_failure_of_the_service_is_the_stock_client_s(ours: Any, dynamodb_local: Server, operation: str) -> None:
    theirs = stock_client(dynamodb_local)
    answers: list[tuple[int, bytes]] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        status, body = answers[-1]
        return AWSResponse(request.url, status, {"x-amzn-RequestId": "r"}, Raw(body))

    for client in (ours, theirs):
        client.meta.events.register(f"before-send.dynamodb.{operation}", answer)
    for injected in INJECTED.values():
        answers.append(injected)
        parameters = FEW.get(operation, {"TableName": "T"})

        error, expected = (failure(client, xform_name(operation), parameters) for client in (ours, theirs))

        assert_same(error, expected)


class Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body
