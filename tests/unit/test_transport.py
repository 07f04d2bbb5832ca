"""The client over real sockets: TLS, proxies, and what networks do to answers; its own way and botocore's."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.credentials import Credentials

from airflow_dynsync.dynamodb import errors
from airflow_dynsync.dynamodb.calls import Backoff, call
from airflow_dynsync.dynamodb.client import ClientName, create_client
from airflow_dynsync.dynamodb.reader import scan_pages
from airflow_dynsync.dynamodb.writer import write_items
from tests.unit.certificates import Tls
from tests.unit.peers import Peer, Reply, message

NOW = Backoff(base_seconds=0, cap_seconds=0)
ITEMS = [{"Id": {"S": f"marked-{number}"}} for number in range(3)]
EMPTY = {"Items": [], "ScannedCount": 0}
Connect = Callable[..., Any]


@pytest.fixture(params=["wire", "botocore"])
def either(request: pytest.FixtureRequest) -> ClientName:
    name: ClientName = request.param
    return name


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    made: list[Any] = []

    def connect(url: str, *, token: str | None = None, config: Config | None = None, **options: Any) -> Any:
        once = Config(retries={"total_max_attempts": 1}, read_timeout=5, connect_timeout=5)
        client = create_client(
            credentials=Credentials("AKID", "secret", token),
            region_name="eu-west-1",
            endpoint_url=url,
            config=once.merge(config or Config()),
            **options,
        )
        made.append(client)
        return client

    yield connect
    for client in made:
        client.close()


def short_way(client: Any) -> bool:
    """Tell whether a scan goes without botocore's own request."""
    created: list[str] = []
    note = lambda operation_name, **_: created.append(operation_name)  # noqa: E731
    client.meta.events.register("request-created.dynamodb.Scan", note)
    client.scan(TableName="T")
    return not created


def test_client_when_made_for_bulk_takes_the_short_way_and_botocore_s_only_when_asked_for(
    connect: Connect, either: ClientName
) -> None:
    with Peer(message(EMPTY)).running() as peer:
        assert short_way(connect(peer.url, client=either)) is (either == "wire")


@pytest.mark.parametrize("then", ["close", "reset", "hold"])
def test_scan_when_a_page_is_cut_asks_for_it_again_and_yields_every_item_once(
    connect: Connect, either: ClientName, then: Any
) -> None:
    first = message({"Items": ITEMS[:2], "ScannedCount": 2, "LastEvaluatedKey": ITEMS[1]})
    second = message({"Items": ITEMS[2:], "ScannedCount": 1})
    cut = Reply(first[:-30], then)
    with Peer(cut, first, Reply(second[:40], then), cut, Reply(then=then), second).running() as peer:
        client = connect(peer.url, client=either, config=Config(read_timeout=0.3))
        items = [item for page in scan_pages(client, "T", backoff=NOW) for item in page.items]

    assert items == ITEMS
    assert len(peer.requests) == 6


BAD_ANSWERS = {
    "no HTTP": b"garbage\r\n\r\n",
    "a proxy's page": message(b"<html>marked</html>", x_amz_crc32=""),
    "cut without length": message(EMPTY, Content_Length="", Connection="close", x_amz_crc32="")[:-5],
    "cut in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    "another checksum": message(EMPTY, x_amz_crc32="7"),
    "nothing": message(b"", x_amz_crc32=""),
    "500": message({"__type": "x#InternalServerError", "message": "marked"}, status=500),
    "502 of a load balancer": message(b"<html>marked</html>", status=502, x_amz_crc32=""),
    "503 without body": message(b"", status=503, x_amz_crc32=""),
    "another checksum of an error": message({"__type": "ValidationException"}, status=400, x_amz_crc32="7"),
    "408 of a proxy": message(b"", status=408, x_amz_crc32=""),
}


@pytest.mark.parametrize("bad", BAD_ANSWERS)
def test_scan_when_an_answer_is_damaged_or_another_s_is_transient_and_never_the_end_of_the_table(
    connect: Connect, either: ClientName, bad: str
) -> None:
    broken = Reply(BAD_ANSWERS[bad], "close")
    with Peer(broken, broken, message({"Items": ITEMS, "ScannedCount": 3})).running() as peer:
        client = connect(peer.url, client=either)
        with pytest.raises((errors.ServiceError, errors.EndpointError)) as caught:
            call(client, "Scan", "T", {"TableName": "T"})
        (page,) = scan_pages(client, "T", backoff=NOW)

    assert caught.value.kind == "transient"
    assert "marked" not in str(caught.value)
    assert [*page.items] == ITEMS


def test_write_when_answers_are_lost_damaged_or_partial_writes_every_item_and_each_again_only_if_in_doubt(
    connect: Connect, either: ClientName
) -> None:
    done = message({"UnprocessedItems": {}})
    partial = message({"UnprocessedItems": {"T": [{"PutRequest": {"Item": ITEMS[1]}}]}})
    slow_down = message({"__type": "x#ThrottlingException"}, status=400)
    replies = (
        Reply(done[:-1], "reset"),
        Reply(b"garbage", "close"),
        slow_down,
        partial,
        Reply(then="close"),
        done,
    )
    with Peer(*replies).running() as peer:
        client = connect(peer.url, client=either)
        result = write_items(client, "T", ITEMS, key_names=["Id"], backoff=NOW)

    assert (result.written, result.retried) == (3, 1)
    assert [body.count(b"PutRequest") for _, body in peer.requests] == [3, 3, 3, 3, 1, 1]


def test_request_when_larger_than_the_server_takes_is_refused_in_words(
    connect: Connect, either: ClientName
) -> None:
    refusal = Reply(message(b"", status=413, Connection="close", x_amz_crc32=""), "close", early=True)
    puts = [{"PutRequest": {"Item": {"Id": {"S": "x" * 20_000_000}}}}]
    with (
        Peer(refusal).running() as peer,
        pytest.raises(errors.InvalidRequestError, match="larger than 16 MB"),
    ):
        call(connect(peer.url, client=either), "BatchWriteItem", "T", {"RequestItems": {"T": puts}})


def test_session_token_when_it_holds_a_line_break_is_neither_sent_nor_shown(
    connect: Connect, either: ClientName
) -> None:
    with Peer().running() as peer, pytest.raises(errors.DynamoDBError) as caught:
        call(connect(peer.url, client=either, token="marked\r\nX: y"), "Scan", "T", {"TableName": "T"})

    assert "marked" not in str(caught.value)
    assert peer.requests == []


def test_client_when_closed_has_no_connection_left(connect: Connect, either: ClientName) -> None:
    with Peer(message(EMPTY), message({"Table": {"TableName": "T"}})).running() as peer:
        client = connect(peer.url, client=either)
        client.scan(TableName="T")
        client.describe_table(TableName="T")
        assert peer.connections == (2 if either == "wire" else 1)
        client.close()
        assert peer.wait_until_open(0)


def test_values_when_everything_is_logged_at_debug_level_stay_out_of_the_log(
    connect: Connect, either: ClientName, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = message({"__type": "ValidationException", "message": "bad: marked-0"}, status=400)
    replies = (message({"Items": ITEMS}), message({"UnprocessedItems": {}}), Reply(refusal[:-1], "close"), refusal)
    with Peer(*replies).running() as peer, caplog.at_level(logging.DEBUG):
        client = connect(peer.url, client=either)
        assert client.scan(TableName="T")["Items"] == ITEMS
        client.batch_write_item(RequestItems={"T": [{"PutRequest": {"Item": ITEMS[0]}}]})
        for _ in range(2):
            with pytest.raises(errors.DynamoDBError):
                call(client, "ExecuteStatement", "T", {"Statement": "SELECT 'marked-0'"})

    assert "before-call" in caplog.text
    assert "marked" not in caplog.text


@pytest.mark.parametrize("source", ["environment", "configuration"])
def test_proxy_when_named_is_used(
    connect: Connect, either: ClientName, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    with Peer(message(EMPTY)).running() as proxy:
        if source == "environment":
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
        config = Config(proxies={"http": proxy.url}) if source == "configuration" else None
        client = connect("http://dynamodb.invalid:8000", client=either, config=config)

        assert client.scan(TableName="T")["Items"] == []

    assert proxy.requests[0][0].startswith(b"POST http://dynamodb.invalid:8000/ HTTP/1.1")


@pytest.mark.parametrize(
    ("environment", "config"),
    [
        ({"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}, {}),
        ({"NO_PROXY": "other"}, {}),
        ({"HTTPS_PROXY": "http://127.0.0.1:9"}, {}),
        ({"HTTP_PROXY": "http://127.0.0.1:9"}, {"proxies": {}}),
    ],
)
def test_proxy_when_not_meant_for_the_endpoint_is_passed_by(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], config: dict[str, Any]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with Peer(message(EMPTY)).running() as peer:
        assert short_way(connect(peer.url, config=Config(**config)))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls"), "stranger")


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize(
    ("verify", "environment", "trusted"),
    [
        (None, {}, False),
        (True, {}, False),
        ("OWN", {}, True),
        (False, {}, True),
        ("STRANGER", {}, False),
        ("MISSING", {}, False),
        (None, {"AWS_CA_BUNDLE": "OWN"}, True),
        (None, {"REQUESTS_CA_BUNDLE": "OWN"}, True),
        (None, {"AWS_CA_BUNDLE": "STRANGER", "REQUESTS_CA_BUNDLE": "OWN"}, False),
        ("OWN", {"AWS_CA_BUNDLE": "STRANGER"}, True),
        (True, {"AWS_CA_BUNDLE": "OWN"}, False),
        (False, {"AWS_CA_BUNDLE": "STRANGER"}, True),
    ],
)
def test_certificate_when_verified_is_trusted_as_botocore_would(
    connect: Connect,
    either: ClientName,
    monkeypatch: pytest.MonkeyPatch,
    tls: Tls,
    stranger: Tls,
    verify: Any,
    environment: dict[str, str],
    trusted: bool,
) -> None:
    files = {"OWN": str(tls.bundle), "STRANGER": str(stranger.bundle), "MISSING": str(tls.bundle) + "-missing"}
    for name, value in environment.items():
        monkeypatch.setenv(name, files[value])
    with Peer(message(EMPTY), message(EMPTY)).running(tls.context()) as peer:
        client = connect(peer.url, client=either, verify=files.get(verify, verify))
        if trusted:
            (page,) = scan_pages(client, "T")
            assert [*page.items] == []
            assert short_way(client) is (either == "wire")
        else:
            with pytest.raises(errors.EndpointError, match="TLS certificate of https://") as caught:
                next(scan_pages(client, "T"))
            assert caught.value.kind == "fatal"
            assert peer.requests == []


def test_certificate_when_of_another_host_is_refused(connect: Connect, either: ClientName, stranger: Tls) -> None:
    with Peer(message(EMPTY)).running(stranger.context()) as peer:
        client = connect(peer.url.replace("127.0.0.1", "localhost"), client=either, verify=str(stranger.bundle))

        with pytest.raises(errors.EndpointError, match="TLS certificate"):
            next(scan_pages(client, "T"))

    assert peer.requests == []


def test_host_when_it_is_a_name_is_told_in_the_handshake(connect: Connect, either: ClientName, tls: Tls) -> None:
    with Peer(message(EMPTY)).running(tls.context()) as peer:
        client = connect(peer.url.replace("127.0.0.1", "localhost"), client=either, verify=str(tls.bundle))
        next(scan_pages(client, "T"))

    assert peer.names == ["localhost"]


def test_connection_over_tls_when_its_answer_was_read_serves_the_next_request(
    connect: Connect, either: ClientName, tls: Tls
) -> None:
    with Peer(*[message(EMPTY)] * 3).running(tls.context()) as peer:
        client = connect(peer.url, client=either, verify=str(tls.bundle))
        for _ in range(3):
            client.scan(TableName="T")

    assert peer.connections == 1


def test_answer_over_tls_when_cut_or_its_connection_given_up_is_asked_for_again(
    connect: Connect, either: ClientName, tls: Tls
) -> None:
    whole = message({"Items": ITEMS, "ScannedCount": 3})
    replies = (
        whole,
        Reply(then="reset"),
        Reply(whole[:-9], "close"),
        Reply(whole[:-9], "reset"),
        Reply(whole, "close"),
    )
    with Peer(*replies, whole).running(tls.context()) as peer:
        client = connect(peer.url, client=either, verify=str(tls.bundle))
        pages = [[*page.items] for _ in range(3) for page in scan_pages(client, "T", backoff=NOW)]

    assert pages == [ITEMS] * 3
    assert len(peer.requests) == 6


def test_handshake_when_cut_or_never_answered_is_transient(connect: Connect) -> None:
    class Mute(Peer):
        def _answer(self, connection: Any) -> bool:
            return not self.replies and bool(connection.recv(10_000))

    for peer in (Mute(), Mute(Reply())):
        with peer.running():
            url = peer.url.replace("http:", "https:")
            client = connect(url, config=Config(connect_timeout=0.3))
            with pytest.raises(errors.EndpointError, match="cannot be reached") as caught:
                call(client, "Scan", "T", {"TableName": "T"})
            assert caught.value.kind == "transient"
