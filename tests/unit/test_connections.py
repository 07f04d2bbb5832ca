"""What is read as an answer, and how connections are kept, over real sockets."""

import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from airflow_dynsync.dynamodb.connections import Answer, BrokenAnswerError, Connections, read_answer
from tests.unit.peers import Peer, Reply, message

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def read(data: bytes) -> tuple[Answer, bool]:
    return read_answer(BytesIO(data))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "body", "keep"),
    [
        (HEAD + b"Content-Length: 2\r\n\r\n{}more", b"{}", True),
        (HEAD + b"content-length:2\n\n{}", b"{}", True),
        (HEAD + b"Content-Length: 0\r\n\r\n", b"", True),
        (HEAD + b"\r\n{}", b"{}", False),
        (HEAD + b"Content-Length: 2\r\nConnection: Close\r\n\r\n{}", b"{}", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\n{}", b"{}", True),
        (HEAD + CHUNKED + b"1;x=y\r\n{\r\n00A\r\n}123456789\r\n0\r\nT: 1\r\n\r\n", b"{}123456789", True),
        (HEAD + b"Transfer-Encoding: Chunked\r\nContent-Length: 9\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}", False),
        (b"HTTP/1.1 204 None\r\n\r\n", b"", True),
    ],
)  # fmt: skip
def test_answer_when_whole_is_read_to_its_end_and_no_further(data: bytes, body: bytes, keep: bool) -> None:
    answer, kept = read(data)

    assert (answer.body, kept) == (body, keep)


def test_answer_when_read_has_its_headers_names_in_lower_case() -> None:
    answer, _ = read(b"HTTP/1.1 413 \r\nX-Amz-CRC32:  12 \r\nServer: a: b\r\nContent-Length: 0\r\n\r\n")

    assert answer == Answer(413, {"x-amz-crc32": "12", "server": "a: b", "content-length": "0"}, b"")


@pytest.mark.parametrize(
    "data",
    [
        b"garbage",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20",
        b"HTTP/1.1 99 x\r\n\r\n",
        HEAD,
        HEAD + b"Content-Length: 2\r\n",
        HEAD + b"Content-Length: 2",
        HEAD + b"no header\r\n\r\n",
        HEAD + b"A: " + b"x" * 70_000 + b"\r\n\r\n",
        HEAD + b"A: b\r\n" * 101 + b"\r\n",
        HEAD + b"Content-Length: 3\r\n\r\n{}",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 99999999999\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}",
        HEAD + CHUNKED + b"",
        HEAD + CHUNKED + b"z\r\n{}\r\n0\r\n\r\n",
        HEAD + CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
        HEAD + CHUNKED + b"3\r\n{}",
        HEAD + CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
        HEAD + CHUNKED + b"2\r\n{}\r\n",
        HEAD + CHUNKED + b"2\r\n{}\r\n0\r\nT: 1\r\n",
    ],
)
def test_answer_when_it_ends_early_or_is_no_http_is_an_error_and_not_a_shorter_answer(data: bytes) -> None:
    with pytest.raises(BrokenAnswerError) as caught:
        read(data)

    assert "garbage" not in str(caught.value)


@contextmanager
def connections(url: str, **options: Any) -> Iterator[Connections]:
    settings = {"size": 10, "connect_timeout": 5, "read_timeout": 5, "tcp_keepalive": True, **options}
    made = Connections(url, tls=lambda: pytest.fail("http needs no TLS"), **settings)
    yield made
    made.close()


def post(made: Connections, body: bytes = b"{}") -> bytes:
    return made.post({"Content-Length": str(len(body))}, body).body


def test_connection_when_its_answer_was_read_serves_the_next_request() -> None:
    with Peer(message(1), message(2), message(3)).running() as peer, connections(peer.url) as made:
        assert [post(made) for _ in range(3)] == [b"1", b"2", b"3"]
        assert peer.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(message(1, Connection="close")),
        Reply(message(1, version="1.0")),
        Reply(message(1, Content_Length=""), then="close"),
        Reply(message(1), then="close"),
        Reply(message(1) + message(4, status=408)),
    ],
    ids=["said to close", "HTTP/1.0", "no length", "closed silently", "one more answer than requests"],
)
def test_connection_when_it_ends_or_speaks_unasked_is_replaced(reply: Reply) -> None:
    with Peer(reply, message(2)).running() as peer, connections(peer.url) as made:
        assert post(made) == b"1"
        if reply.then == "close":
            assert peer.wait_until_open(0)
        assert post(made) == b"2"


@pytest.mark.parametrize("then", ["close", "reset"])
def test_connection_when_given_up_as_the_next_request_comes_is_replaced_unnoticed(then: Any) -> None:
    with Peer(message(1), Reply(then=then), message(2)).running() as peer, connections(peer.url) as made:
        assert [post(made), post(made)] == [b"1", b"2"]
        assert (peer.connections, len(peer.requests)) == (2, 3)


def test_connection_when_reset_while_it_was_idle_is_replaced_unnoticed() -> None:
    idle = threading.Event()

    class Impatient(Peer):
        def _answer(self, connection: Any) -> bool:
            goes_on = super()._answer(connection)
            if len(self.requests) == 1:
                goes_on = not idle.wait(10)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return goes_on

    with Impatient(message(1), message(2)).running() as peer, connections(peer.url) as made:
        assert post(made) == b"1"
        idle.set()
        assert peer.wait_until_open(0)
        assert post(made) == b"2"
        assert (peer.connections, len(peer.requests)) == (2, 2)


@pytest.mark.parametrize("then", ["close", "reset"])
def test_request_when_its_connection_is_given_up_before_its_end_is_sent_again_whole(then: Any) -> None:
    body = bytes(20_000_000)
    with (
        Peer(message(1), Reply(then=then, early=True), message(2)).running() as peer,
        connections(peer.url) as made,
    ):
        assert [post(made), post(made, body)] == [b"1", b"2"]
        assert [len(received) for _, received in peer.requests] == [2, 0, len(body)]


@pytest.mark.parametrize("then", ["close", "reset"])
def test_connection_when_new_and_ended_without_an_answer_is_an_error(then: Any) -> None:
    with (
        Peer(Reply(then=then)).running() as peer,
        connections(peer.url) as made,
        pytest.raises(ConnectionClosedError),
    ):
        post(made)


@pytest.mark.parametrize("then", ["close", "reset"])
def test_request_when_its_answer_ends_early_is_not_sent_again_unnoticed(then: Any) -> None:
    with Peer(message(1), Reply(message(2)[:-1], then)).running() as peer, connections(peer.url) as made:
        post(made)
        with pytest.raises(ConnectionClosedError):
            post(made)
        assert len(peer.requests) == 2


def test_request_when_refused_before_its_end_gets_the_answer_that_says_why() -> None:
    refusal = Reply(message(b"", status=413, Connection="close"), "close", early=True)
    with Peer(refusal).running() as peer, connections(peer.url) as made:
        assert made.post({"Content-Length": "20000000"}, bytes(20_000_000)).status == 413


def test_answer_when_it_does_not_come_in_time_is_an_error_and_its_connection_closed() -> None:
    with Peer(Reply(message(1)[:-1], "hold")).running() as peer, connections(peer.url, read_timeout=0.2) as made:
        with pytest.raises(ReadTimeoutError):
            post(made)
        assert peer.wait_until_open(0)


def test_connections_when_more_are_used_than_their_size_are_kept_to_it() -> None:
    with Peer().running() as peer, connections(peer.url, size=2) as made:
        used = [made._connect() for _ in range(3)]
        assert peer.wait_until_open(3)
        for connection in used:
            made._release(connection, keep=True)
        assert peer.wait_until_open(2)
        made.close()
        assert peer.wait_until_open(0)


def test_connection_when_closed_in_the_middle_of_a_request_ends_after_it() -> None:
    with Peer(message(1), message(2)).running() as peer, connections(peer.url) as made:
        connection = made._connect()
        made.close()
        made._release(connection, keep=True)
        assert peer.wait_until_open(0)
        assert post(made) == b"1"
        assert peer.wait_until_open(0)


def test_connections_when_used_by_threads_keep_their_answers_apart() -> None:
    bodies = [str(number).encode() * (number + 1) for number in range(300)]
    echoes = [Reply(message)] * len(bodies)
    with Peer(*echoes).running() as peer, connections(peer.url) as made, ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda body: post(made, body), bodies)) == bodies
        assert 1 <= peer.connections <= 6


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://LocalHost:{port}", b"POST / HTTP/1.1\r\nHost: localhost:{port}\r\n"),
        ("http://user:pw@127.0.0.1:{port}/a/b?c=d", b"POST /a/b?c=d HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"),
    ],
)
def test_request_when_sent_names_host_and_path_as_they_are_signed(url: str, said: bytes) -> None:
    with Peer(message(1)).running() as peer:
        port = peer.url.rpartition(":")[2]
        with connections(url.replace("{port}", port)) as made:
            post(made)
        assert peer.requests[0][0].startswith(said.replace(b"{port}", port.encode()))


def test_request_when_its_host_is_an_ipv6_address_names_it_in_brackets() -> None:
    with Peer(message(1)).running(host="::1") as peer, connections(peer.url) as made:
        assert post(made) == b"1"
        assert f"\r\nHost: {peer.url.removeprefix('http://')}\r\n".encode() in peer.requests[0][0]


def test_request_when_a_header_holds_a_line_break_is_not_sent_and_not_repeated() -> None:
    with Peer().running() as peer, connections(peer.url) as made:
        with pytest.raises(ValueError, match="line break") as caught:
            made.post({"X-Amz-Security-Token": "marked\r\nX: y"}, b"")
        assert "marked" not in str(caught.value)
        assert peer.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid", "x" * 64 + ".invalid", "."])
def test_request_when_nobody_listens_is_an_error_of_the_endpoint(host: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with (
            connections(f"http://{host}:{bound.getsockname()[1]}") as made,
            pytest.raises(EndpointConnectionError),
        ):
            post(made)
