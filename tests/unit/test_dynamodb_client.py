"""What a client makes of answers, bodies and credentials, by its own way and by botocore's.

The answers are injected before the network.
"""

import base64
import datetime as dt
import json
import logging
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import ClientError, NoCredentialsError

from airflow_dynsync.dynamodb import errors
from airflow_dynsync.dynamodb.calls import Backoff, Patience
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.client import create_client
from airflow_dynsync.dynamodb.reader import scan_pages, select_statement, statement_pages
from airflow_dynsync.dynamodb.writer import MAX_BYTES, batches, write_items

ITEM = {"Id": {"S": "a"}, "Blob": {"B": base64.b64encode(b"\x00\xff").decode()}}
NOW = Backoff(base_seconds=0, cap_seconds=0)
AT_ONCE = Backoff(base_seconds=0, cap_seconds=0, patience_seconds=0)
THROTTLED = (400, {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow"}, {})


class Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


class Service:
    """Answers a client's requests from a list, and keeps the requests."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[AWSPreparedRequest] = []

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.requests.append(request)
        status, body, headers = self.answers.pop(0)
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"x-amzn-RequestId": "r1", "x-amz-crc32": str(zlib.crc32(content)), **headers}
        return AWSResponse(request.url, status, headers, Raw(content))

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.body) for request in self.requests]


@pytest.fixture(params=["wire", "botocore"])
def client_of(request: pytest.FixtureRequest) -> Callable[..., Any]:
    def client_of(service: Service, **options: Any) -> Any:
        options.setdefault("credentials", Credentials("AKID", "secret"))
        options.setdefault("config", Config(retries={"total_max_attempts": 1}))
        client = create_client(region_name="eu-west-1", **{"client": request.param, **options})
        client.meta.events.register("before-send.dynamodb", service)
        return client

    return client_of


def ok(body: Any, **headers: str) -> tuple[int, Any, dict[str, str]]:
    return 200, body, headers


def test_item_operation_when_called_sends_parameters_as_they_are(client_of: Callable[..., Any]) -> None:
    service = Service(ok({}))

    client_of(service).put_item(TableName="T", Item=ITEM)

    (request,) = service.requests
    assert json.loads(request.body) == {"TableName": "T", "Item": ITEM}
    assert request.headers["X-Amz-Target"] == b"DynamoDB_20120810.PutItem"
    assert request.headers["Content-Length"] == str(len(request.body))
    assert request.headers["Authorization"].startswith(b"AWS4-HMAC-SHA256 Credential=AKID/")


def test_item_operation_when_answered_returns_wire_form_and_metadata(client_of: Callable[..., Any]) -> None:
    client = client_of(Service(ok({"Item": ITEM})))

    answer = client.get_item(TableName="T", Key={"Id": {"S": "a"}})

    assert answer["Item"] == ITEM
    metadata = answer["ResponseMetadata"]
    assert (metadata["RequestId"], metadata["HTTPStatusCode"], metadata["RetryAttempts"]) == ("r1", 200, 0)
    assert metadata["HTTPHeaders"]["x-amzn-requestid"] == "r1"


def test_other_operation_when_answered_is_parsed_by_botocore(client_of: Callable[..., Any]) -> None:
    client = client_of(Service(ok({"Table": {"TableName": "T", "CreationDateTime": 1.5}})))

    table = client.describe_table(TableName="T")["Table"]

    assert isinstance(table["CreationDateTime"], dt.datetime)


def test_fragment_when_written_is_sent_as_what_it_says(client_of: Callable[..., Any]) -> None:
    service = Service(ok({"UnprocessedItems": {}}))
    puts = [{"PutRequest": {"Item": orjson.Fragment(orjson.dumps(ITEM))}}]

    client_of(service).batch_write_item(RequestItems={"T": puts})

    assert service.bodies == [{"RequestItems": {"T": [{"PutRequest": {"Item": ITEM}}]}}]


def test_fragment_when_written_by_wire_is_embedded_as_it_is(client_of: Callable[..., Any]) -> None:
    service = Service(ok({"UnprocessedItems": {}}))
    text = b'{"Id":{"S":"a"},  "spaced":{"N":"1"}}'
    puts = [{"PutRequest": {"Item": orjson.Fragment(text)}}]

    client_of(service, client="wire").batch_write_item(RequestItems={"T": puts})

    assert text in service.requests[0].body


def test_endpoint_when_credentials_know_their_account_is_that_account_s(
    client_of: Callable[..., Any],
) -> None:
    service = Service(ok({}), ok({"UnprocessedItems": {}}), ok({"Items": []}))
    client = client_of(service, credentials=Credentials("AKID", "secret", account_id="111122223333"))
    other = "arn:aws:dynamodb:eu-west-1:444455556666:table/T"

    client.scan(TableName="T")
    client.batch_write_item(RequestItems={other: []})
    client.execute_statement(Statement="SELECT")

    assert [request.url for request in service.requests] == [
        "https://111122223333.ddb.eu-west-1.amazonaws.com/",
        "https://444455556666.ddb.eu-west-1.amazonaws.com/",
        "https://111122223333.ddb.eu-west-1.amazonaws.com/",
    ]


def test_client_when_created_has_its_pool_and_retries_set(client_of: Callable[..., Any]) -> None:
    config = Config(retries={"mode": "adaptive"}, user_agent_extra="mine", parameter_validation=True)

    plain = client_of(Service(), config=None, max_connections=7).meta.config
    client = client_of(Service(ok({})), config=config)
    merged = client.meta.config

    assert (plain.max_pool_connections, plain.retries["mode"], plain.tcp_keepalive) == (7, "standard", True)
    assert (merged.max_pool_connections, merged.retries["mode"], merged.user_agent_extra) == (
        50,
        "adaptive",
        "mine",
    )
    assert client.scan()["ResponseMetadata"]["HTTPStatusCode"] == 200  # a stock client misses TableName


def test_error_when_answered_is_botocore_s_own(client_of: Callable[..., Any]) -> None:
    client = client_of(Service((500, b"<html>", {}), ok({"Item": ITEM})), config=None)

    assert client.get_item(TableName="T", Key={})["ResponseMetadata"]["RetryAttempts"] == 1
    client = client_of(Service(THROTTLED))
    with pytest.raises(client.exceptions.ThrottlingException, match="slow"):
        client.scan(TableName="T")


def test_throttling_of_items_is_told_at_once_and_of_other_operations_retried_by_botocore(
    client_of: Callable[..., Any],
) -> None:
    service = Service(THROTTLED, THROTTLED, ok({"Table": {"TableName": "T"}}))
    client = client_of(service, config=None)

    with pytest.raises(client.exceptions.ThrottlingException, match="slow"):
        client.scan(TableName="T")
    assert len(service.requests) == 1
    assert client.describe_table(TableName="T")["ResponseMetadata"]["RetryAttempts"] == 1


def test_answer_when_damaged_is_asked_for_again(client_of: Callable[..., Any]) -> None:
    whole = orjson.dumps({"Items": [ITEM]})
    checksum = {"x-amz-crc32": str(zlib.crc32(whole))}
    service = Service((200, whole[:-9], checksum), (200, whole.replace(b'"a"', b'"b"'), checksum), ok(whole))

    (page,) = scan_pages(client_of(service), "T", backoff=Backoff(base_seconds=0, cap_seconds=0))

    assert [*page.items] == [ITEM]
    assert len(service.requests) == 3


@pytest.mark.parametrize("body", [b"<html>portal</html>", b"", b"[]"])
def test_answer_when_not_dynamodb_s_is_an_error_and_not_the_end_of_the_table(
    client_of: Callable[..., Any], body: bytes
) -> None:
    with pytest.raises(errors.ServiceError, match="an answer that is not DynamoDB's"):
        next(scan_pages(client_of(Service(ok(body))), "T", backoff=AT_ONCE))


def test_values_when_botocore_logs_at_debug_level_stay_out_of_the_log(
    client_of: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    marked: Any = {"Id": {"S": "marked-value"}}
    echo = (400, {"__type": "ValidationException", "message": "bad: marked-value"}, {})
    client = client_of(Service(ok({"Attributes": marked}), echo))

    with caplog.at_level(logging.DEBUG):
        client.put_item(TableName="T", Item=marked)
        with pytest.raises(ClientError):
            client.execute_statement(Statement="SELECT * FROM T WHERE a = 'marked-value'")

    assert "Making request for" in caplog.text
    assert "Response body" in caplog.text
    assert "marked-value" not in caplog.text


def test_credentials_when_expired_are_refreshed_before_the_next_request(
    client_of: Callable[..., Any],
) -> None:
    now = dt.datetime.now(dt.UTC)
    sessions: list[str] = []

    def assume_role() -> dict[str, str]:
        sessions.append(f"ASIA{len(sessions)}")
        end = now + dt.timedelta(hours=len(sessions))
        return {
            "access_key": sessions[-1],
            "secret_key": "s",
            "token": "t",
            "expiry_time": end.isoformat(),
        }

    clock = [now]
    credentials = RefreshableCredentials.create_from_metadata(assume_role(), assume_role, "test")
    credentials._time_fetcher = lambda: clock[0]
    service = Service(ok({}), ok({}), ok({}))
    client = client_of(service, credentials=credentials)

    client.scan(TableName="T")
    client.scan(TableName="T")
    clock[0] = now + dt.timedelta(minutes=59)
    client.scan(TableName="T")

    keys = [str(request.headers["Authorization"]).split("Credential=")[1][:5] for request in service.requests]
    assert keys == ["ASIA0", "ASIA0", "ASIA1"]


def test_credentials_when_none_are_given_are_not_taken_from_the_environment(
    client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ambient")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
    service = Service()

    with pytest.raises(NoCredentialsError):
        client_of(service, credentials=None).scan(TableName="T")

    assert service.requests == []


def test_client_when_used_by_threads_keeps_their_requests_apart(client_of: Callable[..., Any]) -> None:
    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        key = json.loads(request.body)["Key"]
        return AWSResponse(request.url, 200, {}, Raw(orjson.dumps({"Item": key})))

    client = client_of(answer)  # type: ignore[arg-type]
    keys = [{"Id": {"S": str(number)}} for number in range(200)]

    with ThreadPoolExecutor(8) as threads:
        items = threads.map(lambda key: client.get_item(TableName="T", Key=key)["Item"], keys)
        assert list(items) == keys


def test_scan_when_asked_for_defaults_sends_no_segment_and_no_start(client_of: Callable[..., Any]) -> None:
    last = {"Id": {"S": "k"}}
    page = {"Items": [ITEM], "ScannedCount": 1, "ConsumedCapacity": {"CapacityUnits": 0.5}}
    service = Service(ok(page | {"LastEvaluatedKey": last}), ok(page | {"Items": []}))

    first, second = scan_pages(client_of(service), "T", page_size=None)

    plain = {"TableName": "T", "ConsistentRead": False, "ReturnConsumedCapacity": "TOTAL"}
    assert service.bodies == [plain, plain | {"ExclusiveStartKey": last}]
    assert (first.position, second.position, first.consumed_capacity) == (last, None, 0.5)
    assert "'k'" not in repr(first)


def test_statement_when_nothing_is_limited_sends_neither_limit_nor_parameters(
    client_of: Callable[..., Any],
) -> None:
    service = Service(ok({"Items": [], "NextToken": "n"}), ok({"Items": [ITEM]}))
    statement = select_statement('odd"name.x', "a = 1")

    pages = list(statement_pages(client_of(service), 'odd"name.x', statement))

    assert statement == 'SELECT * FROM "odd""name.x" WHERE a = 1'
    assert [body.get("NextToken") for body in service.bodies] == [None, "n"]
    assert not {"Limit", "Parameters"} & service.bodies[0].keys()
    assert [(len(page.items), page.position, page.consumed_capacity) for page in pages] == [
        (0, "n", None),
        (1, None, None),
    ]


def test_statement_when_where_is_blank_is_refused() -> None:
    with pytest.raises(ValueError, match="leave it out"):
        select_statement("T", " \n")


def test_scan_when_throttled_goes_on(client_of: Callable[..., Any]) -> None:
    service = Service(THROTTLED, THROTTLED, ok({"Items": [ITEM], "ScannedCount": 1}))

    (page,) = scan_pages(client_of(service), "T", backoff=NOW)

    assert [*page.items] == [ITEM]


def test_scan_when_throttled_without_end_fails_as_throttled(client_of: Callable[..., Any]) -> None:
    with pytest.raises(errors.ThrottledError, match="was throttled") as caught:
        next(scan_pages(client_of(Service(THROTTLED)), "T", backoff=AT_ONCE))

    assert caught.value.kind == "throttled"


def unprocessed(*numbers: int) -> tuple[int, Any, dict[str, str]]:
    return ok({"UnprocessedItems": {"T": [{"PutRequest": {"Item": item(number)}} for number in numbers]}})


def item(number: int) -> dict[str, Any]:
    return {"Id": {"N": str(number)}}


def sent(service: Service) -> list[list[int]]:
    return [
        [int(put["PutRequest"]["Item"]["Id"]["N"]) for put in body["RequestItems"]["T"]] for body in service.bodies
    ]


def test_write_when_items_stay_unprocessed_sends_just_those_again(client_of: Callable[..., Any]) -> None:
    done = ok({"UnprocessedItems": {}, "ConsumedCapacity": [{"TableName": "T", "CapacityUnits": 2.0}]})
    service = Service(unprocessed(1, 3), done, THROTTLED, unprocessed(3), done)

    result = write_items(client_of(service), "T", [item(n) for n in range(30)], key_names=["Id"], backoff=NOW)

    first = list(range(25))
    assert sent(service) == [first, list(range(25, 30)), [1, 3], [1, 3], [3]]
    assert (result.written, result.retried, result.consumed_capacity) == (30, 3, 4.0)


def test_write_when_nothing_is_accepted_any_more_fails_as_throttled(client_of: Callable[..., Any]) -> None:
    service = Service(unprocessed(0, 1))

    with pytest.raises(errors.ThrottledError, match="left 2 items unprocessed") as caught:
        write_items(client_of(service), "T", [item(0), item(1)], key_names=["Id"], backoff=AT_ONCE)

    assert (caught.value.kind, caught.value.table_name) == ("throttled", "T")


def test_write_when_stopped_in_a_wait_ends_at_once(client_of: Callable[..., Any]) -> None:
    stop = threading.Event()
    service = Service(unprocessed(0))
    client = client_of(service)
    client.meta.events.register("after-call.dynamodb.BatchWriteItem", lambda **_: stop.set())

    with pytest.raises(errors.StoppedError):
        # The wait would last half an hour on average.
        write_items(client, "T", [item(0)], key_names=["Id"], stop=stop, backoff=Backoff(3600, 3600, 7200))


def test_write_when_access_is_denied_does_not_try_again(client_of: Callable[..., Any]) -> None:
    service = Service((400, {"__type": "AccessDeniedException", "Message": "no"}, {}))

    with pytest.raises(errors.AccessDeniedError):
        write_items(client_of(service), "T", [item(0)], key_names=["Id"], backoff=NOW)

    assert len(service.requests) == 1


def test_write_when_keys_collide_writes_nothing_and_tells_how_many(client_of: Callable[..., Any]) -> None:
    service = Service()
    items = [{"Id": {"N": text}, "v": {"S": text}} for text in ("1", "1.0", "2", "10E-1")]

    with pytest.raises(errors.KeyCollisionError, match=r"2 of 4 items for table 'T'.*rules for Id"):
        write_items(client_of(service), "T", items, key_names=["Id"])

    assert service.requests == []


@pytest.mark.parametrize("bad", [{}, {"Id": {}}, {"Id": {"N": "marked"}}])
def test_write_when_a_key_is_unusable_names_its_attribute(client_of: Callable[..., Any], bad: Any) -> None:
    with pytest.raises(errors.InvalidRequestError, match="key attribute 'Id'") as caught:
        write_items(client_of(Service()), "T", [bad], key_names=["Id"])

    assert caught.value.__context__ is None
    assert "marked" not in str(caught.value)


def test_write_when_keys_are_equal_text_of_two_types_takes_them_for_two(
    client_of: Callable[..., Any],
) -> None:
    service = Service(ok({"UnprocessedItems": {}}))
    items: list[Any] = [{"Id": {"S": "AAE="}}, {"Id": {"B": "AAE="}}]

    assert write_items(client_of(service), "T", items, key_names=["Id"]).written == 2


def test_batches_when_items_are_many_or_large_keep_both_limits() -> None:
    small, large = b"x" * 100, b"y" * (MAX_BYTES // 2)

    assert [len(batch) for batch, _ in batches([small] * 60)] == [25, 25, 10]
    assert [len(batch) for batch, _ in batches([large, large, small, large])] == [2, 2]
    assert [len(batch) for batch, _ in batches([small, large * 3, small])] == [1, 1, 1]
    assert list(batches([])) == []
    assert [each for batch, _ in batches([b"a", b"b", b"c"]) for each in batch] == [b"a", b"b", b"c"]


def test_backoff_when_attempts_grow_stays_between_nothing_and_its_cap() -> None:
    backoff = Backoff(base_seconds=1, cap_seconds=8)

    for attempt, longest in ((0, 1), (2, 4), (3, 8), (5000, 8)):
        delays = [backoff.delay(attempt) for _ in range(200)]
        assert min(delays) >= 0
        assert longest / 2 < max(delays) <= longest


def test_patience_when_others_succeed_or_before_anything_failed_does_not_run_out() -> None:
    now = [0.0]
    pacer, stop = Pacer(clock=lambda: now[0]), threading.Event()
    patience = Patience(Backoff(patience_seconds=300), stop)

    def exhausted_after(seconds: float) -> bool:
        now[0] += seconds
        return patience.exhausted(pacer)

    assert not exhausted_after(1000)  # nothing had failed until now
    assert not exhausted_after(299)
    pacer.settle(pacer.reserve(1, stop), {"UnprocessedItems": {}})
    assert not exhausted_after(299)
    assert exhausted_after(1)
    patience.progress()
    assert not exhausted_after(0)


@pytest.mark.parametrize("body", [{}, {"message": "Forbidden by the gateway"}])
def test_answer_when_it_lacks_what_dynamodb_always_tells_is_another_s(
    client_of: Callable[..., Any], body: dict[str, str]
) -> None:
    with pytest.raises(errors.ServiceError, match="not DynamoDB's"):
        next(scan_pages(client_of(Service(ok(body))), "T", backoff=AT_ONCE))
    with pytest.raises(errors.ServiceError, match="not DynamoDB's"):
        write_items(client_of(Service(ok(body))), "T", [item(0)], key_names=["Id"], backoff=AT_ONCE)
