"""Kept HTTP/1.1 connections to one URL: a body is posted, its answer read whole or not at all.

`http.client` has the parser of e-mails read an answer's headers and sends head and body apart, a quarter of what a
BatchWriteItem costs its client. This reads what DynamoDB, load balancers and proxies in its place send (RFC 9112):
a length, chunks, or all until the connection ends. Errors are those that botocore's own transport raises.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

_LINE_BYTES = 65_536
_HEADERS = 100
_SENT_IN_ONE_BYTES = 65_536
_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([1-5][0-9]{2})[ \r\n]")


class _NoAnswerError(ConnectionError):
    """The connection ended before the first byte of an answer."""


class BrokenAnswerError(Exception):
    """An answer ended early or is no HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its headers' names in lower case, its body whole."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connections:
    """Posts to one URL, from many threads; a connection serves one of them at a time and is then kept.

    Args:
        url: http or https.
        tls: makes the context of https.
        size: how many connections are kept at most while no request uses them.
        connect_timeout: seconds to connect, and again for the TLS handshake; None for no limit.
        read_timeout: seconds in which something must be sent or come; None for no limit.
        tcp_keepalive: whether the system probes connections that are silent.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: Callable[[], ssl.SSLContext],
        size: int,
        connect_timeout: float | None,
        read_timeout: float | None,
        tcp_keepalive: bool,
    ) -> None:
        self._url = url
        parts = urlsplit(url)
        standard_port = 443 if parts.scheme == "https" else 80
        # In lower case and without a standard port, as botocore signs it.
        self._host, self._port = parts.hostname or "", parts.port or standard_port
        host = f"[{self._host}]" if ":" in self._host else self._host
        if self._port != standard_port:
            host += f":{self._port}"
        target = parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="").geturl()
        self._head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\n"
        self._tls = tls if parts.scheme == "https" else None
        self._connect_timeout, self._read_timeout = connect_timeout, read_timeout
        self._tcp_keepalive = tcp_keepalive
        self._size = size
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()
        self._lock = threading.Lock()

    def post(self, headers: Mapping[str, str | bytes], body: bytes) -> Answer:
        """Send a request, whose headers tell its length, and return the answer.

        Raises: botocore's EndpointConnectionError, ConnectTimeoutError, SSLError, ReadTimeoutError or
            ConnectionClosedError; ValueError for a header that holds a line break.
        """
        while True:
            exchange = self.begin(headers, body)
            try:
                return exchange.end()
            except _GivenUpError:
                continue  # bulk requests may be sent twice

    def begin(self, headers: Mapping[str, str | bytes], body: bytes) -> Exchange:
        """Send a request, whose answer is taken later; it raises what `post` raises."""
        head = self._request_head(headers)
        kept = self._take()
        connection = kept or self._connect()
        self._busy.add(connection)
        exchange = Exchange(self._url, connection, self._release, was_kept=kept is not None)
        exchange.send(head, body)
        return exchange

    def close(self) -> None:
        """Close the connections that no request uses, and the others as soon as they are done."""
        with self._lock:
            idle, self._idle, self._size = self._idle, [], 0
        for connection in idle:
            connection.close()

    def abandon(self) -> None:
        """End the requests that wait for an answer, which DynamoDB may carry out all the same."""
        for connection in tuple(self._busy):
            connection.abandon()

    def _request_head(self, headers: Mapping[str, str | bytes]) -> bytes:
        lines = [
            f"{name}: {value.decode('latin-1') if isinstance(value, bytes) else value}\r\n"
            for name, value in headers.items()
        ]
        head = f"{self._head}{''.join(lines)}\r\n"
        if head.count("\n") != len(lines) + 4 or head.count("\r") != len(lines) + 4:
            raise ValueError("a header of the request holds a line break; look at the session token")
        return head.encode("latin-1")

    def _take(self) -> _Connection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if not connection.has_input():
                return connection
            connection.close()  # what comes unasked is the connection's end, or belongs to no request

    def _release(self, connection: _Connection, *, keep: bool) -> None:
        self._busy.discard(connection)
        with self._lock:
            if keep and len(self._idle) < self._size:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> _Connection:
        opened: socket.socket | None = None
        try:
            opened = socket.create_connection((self._host, self._port), self._connect_timeout)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tcp_keepalive:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._tls is not None:
                opened = self._tls().wrap_socket(opened, server_hostname=self._host.rstrip("."))
        except BaseException as error:
            if opened is not None:
                opened.close()
            if isinstance(error, TimeoutError):
                raise ConnectTimeoutError(endpoint_url=self._url, error=error) from error
            # A handshake cut short says nothing about the certificate.
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                raise SSLError(endpoint_url=self._url, error=error) from error
            if isinstance(error, OSError | UnicodeError):  # UnicodeError: a label of the name is empty or too long
                raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
            raise
        opened.settimeout(self._read_timeout)
        return _Connection(opened)


class Exchange:
    """A request that was sent: `end` takes its answer, unless it is dropped before."""

    def __init__(self, url: str, connection: _Connection, release: Callable[..., None], *, was_kept: bool) -> None:
        self._url = url
        self._connection = connection
        self._release = release
        self._was_kept = was_kept

    def send(self, head: bytes, body: bytes) -> None:
        """Send the request."""
        try:
            self._connection.send(head, body)
        except BaseException as error:
            self.drop()
            if (failure := self._failure(error)) is not None:
                raise failure from error
            raise

    def end(self) -> Answer:
        """Wait for the answer; it raises what `Connections.post` raises."""
        try:
            answer, keep = self._connection.receive()
        except BaseException as error:
            self.drop()
            if (failure := self._failure(error)) is not None:
                raise failure from error
            raise
        self._release(self._connection, keep=keep)
        return answer

    def drop(self) -> None:
        """Give the answer up; the request may be carried out all the same."""
        self._release(self._connection, keep=False)

    def _failure(self, error: BaseException) -> BotoCoreError | None:
        """Return what botocore's own transport raises in place of an error."""
        if isinstance(error, TimeoutError):
            return ReadTimeoutError(endpoint_url=self._url, error=error)
        if self._was_kept and isinstance(error, _NoAnswerError) and not self._connection.abandoned:
            return _GivenUpError(endpoint_url=self._url, error=error)
        if isinstance(error, OSError | BrokenAnswerError):
            return ConnectionClosedError(endpoint_url=self._url, error=error)
        return None


class _GivenUpError(ConnectionClosedError):
    """The server had given a connection up while it was idle."""


class _Connection:
    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._poll = select.poll()
        self._poll.register(opened, select.POLLIN)
        self.abandoned = False

    def has_input(self) -> bool:
        return bool(self._poll.poll(0))

    def close(self) -> None:
        self._socket.close()

    def abandon(self) -> None:
        self.abandoned = True
        with suppress(OSError):  # it has ended meanwhile
            # Not the SSLSocket's own, which takes the TLS session away from the thread that reads by it.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def send(self, head: bytes, body: bytes) -> None:
        try:
            if len(body) < _SENT_IN_ONE_BYTES:
                self._socket.sendall(head + body)
            else:
                self._socket.sendall(head)
                self._socket.sendall(body)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            pass  # who refuses a request before its end (413) may have said so

    def receive(self) -> tuple[Answer, bool]:
        """Return the answer to a request, and whether the connection can be kept."""
        with self._socket.makefile("rb") as stream:
            return read_answer(stream)


def read_answer(stream: BufferedIOBase) -> tuple[Answer, bool]:
    """Return the answer that a stream begins with, and whether another one may follow it."""
    try:
        line = stream.readline(_LINE_BYTES)
    except (ConnectionResetError, ssl.SSLEOFError) as error:
        raise _NoAnswerError from error
    if not line:
        raise _NoAnswerError
    version, status, headers = _read_head(line, stream)
    while status < 200:
        version, status, headers = _read_head(stream.readline(_LINE_BYTES), stream)
    body, delimited = _read_body(status, headers, stream)
    keep = delimited and version == b"1.1" and "close" not in headers.get("connection", "").lower()
    return Answer(status, headers, body), keep


def _read_head(line: bytes, stream: BufferedIOBase) -> tuple[bytes, int, dict[str, str]]:
    found = _STATUS_LINE.match(line)
    if found is None:
        raise BrokenAnswerError("the answer begins with no HTTP status")
    headers: dict[str, str] = {}
    for _ in range(_HEADERS):
        line = stream.readline(_LINE_BYTES)
        if line in (b"\r\n", b"\n"):
            return found[1], int(found[2]), headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not value.endswith("\n"):
            raise BrokenAnswerError("a header of the answer is broken")
        headers[name.lower()] = value.strip()
    raise BrokenAnswerError(f"the answer has more than {_HEADERS} headers")


def _read_body(status: int, headers: Mapping[str, str], stream: BufferedIOBase) -> tuple[bytes, bool]:
    """Return the body, and whether its end was told otherwise than by the connection's."""
    if status in (204, 304):
        return b"", True
    if (coding := headers.get("transfer-encoding")) is not None:
        if coding.lower() != "chunked":
            raise BrokenAnswerError("the answer's transfer encoding is not known")
        return b"".join(_chunks(stream)), "content-length" not in headers
    if (length := headers.get("content-length")) is not None:
        if not re.fullmatch("[0-9]{1,9}", length):
            raise BrokenAnswerError("the answer's length is no number")
        return _read(int(length), stream), True
    return stream.read(), False


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    while True:
        size = stream.readline(_LINE_BYTES).partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,7}", size):
            raise BrokenAnswerError("a chunk of the answer has no size")
        if (length := int(size, 16)) == 0:
            break
        yield _read(length, stream)
        if stream.readline(_LINE_BYTES) not in (b"\r\n", b"\n"):
            raise BrokenAnswerError("a chunk of the answer is longer than its size")
    while (line := stream.readline(_LINE_BYTES)) not in (b"\r\n", b"\n"):
        if not line:
            raise BrokenAnswerError("the answer ended before its trailers did")


def _read(length: int, stream: BufferedIOBase) -> bytes:
    content = stream.read(length)
    if len(content) != length:
        raise BrokenAnswerError(f"the answer ended {length - len(content)} bytes too early")
    return content
