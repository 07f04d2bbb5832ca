"""A proxy in front of a DynamoDB server that does what networks and AWS do to requests and answers.

`FaultProxy` asks its plan about each request which fault it meets, if any, and counts those that it has carried
out, so that a test can prove that they happened. `SeededPlan` draws them.
"""

import http.client
import os
import re
import select
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import urlsplit

import orjson

MARKED = "marked-value"
"""In the messages of errors: AWS's own can repeat values, ours never do."""

_GIVE_UP_SECONDS = 30.0

_TABLE_NAME = re.compile(rb"table-[0-9a-f]{12}")  # another one in each run of the tests


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """One request of the client, and what can be done about it."""

    def __init__(self, handler: "_Handler", body: bytes, random: Random) -> None:
        self._handler = handler
        self.body = body
        self.random = random
        self.operation: str = handler.headers["X-Amz-Target"].rpartition(".")[2]
        self.token: str | None = handler.headers["X-Amz-Security-Token"]

    def forward(self, body: bytes | None = None) -> Answer:
        """Let DynamoDB carry the request out."""
        return self._handler.forward(self.body if body is None else body)

    def send(self, answer: Answer, *, length: int | None = None, cut: int | None = None) -> None:
        """Send an answer; `length` is said to be its body's, and only `cut` bytes of it are sent."""
        content = answer.body
        headers = {**answer.headers, "Content-Length": str(len(content) if length is None else length)}
        lines = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self._handler.wfile.write("\r\n".join(lines).encode() + content[:cut])

    def error(self, code: str) -> None:
        # That of a refused permission is repeated: it names principal, action and resource.
        message = "no permission" if code.startswith("AccessDenied") else MARKED
        self.send(answer_of({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}, 400))

    def close(self) -> None:
        """Close the connection, of which the last answer says nothing."""
        self._handler.close_connection = True

    def reset(self) -> None:
        self.close()
        connection = self._handler.connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())

    def wait_until_left(self) -> None:
        """Answer nothing until the client has lost patience."""
        select.select([self._handler.connection], [], [], _GIVE_UP_SECONDS)
        self.close()


def answer_of(body: Any, status: int = 200) -> Answer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    checksum = str(zlib.crc32(content))
    return Answer(status, {"Content-Type": "application/x-amz-json-1.0", "x-amz-crc32": checksum}, content)


def _error(code: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.error(code)


def _failure(answer: Answer) -> Callable[[Exchange], None]:
    """A failure of the service, which may have carried the request out all the same."""

    def fail(exchange: Exchange) -> None:
        if exchange.random.random() < 0.5:
            exchange.forward()
        exchange.send(answer)

    return fail


def _partial(exchange: Exchange) -> None:
    parameters = orjson.loads(exchange.body)
    ((table, puts),) = parameters["RequestItems"].items()
    taken = set(exchange.random.sample(range(len(puts)), exchange.random.randrange(len(puts))))
    left = [put for number, put in enumerate(puts) if number not in taken]
    told = {"UnprocessedItems": {table: left}}
    if taken:
        parameters["RequestItems"] = {table: [puts[number] for number in sorted(taken)]}
        told = orjson.loads(exchange.forward(orjson.dumps(parameters)).body) | told
    exchange.send(answer_of(told))


def _lost(exchange: Exchange) -> None:
    exchange.forward()
    exchange.reset()


def _reset_in_body(exchange: Exchange) -> None:
    answer = exchange.forward()
    exchange.send(answer, cut=len(answer.body) // 2)
    exchange.reset()


def _ends_early(exchange: Exchange) -> None:
    answer = exchange.forward()
    exchange.send(answer, cut=len(answer.body) // 2)
    exchange.close()


def _length_too_small(exchange: Exchange) -> None:
    answer = exchange.forward()
    exchange.send(answer, length=len(answer.body) // 2)


def _wrong_checksum(exchange: Exchange) -> None:
    answer = exchange.forward()
    wrong = str(int(answer.headers["x-amz-crc32"]) ^ 1)
    exchange.send(Answer(answer.status, {**answer.headers, "x-amz-crc32": wrong}, answer.body))


def _damaged(exchange: Exchange) -> None:
    """Valid JSON that pretends that less was there."""
    answer = exchange.forward()
    told = orjson.loads(answer.body)
    told.pop("LastEvaluatedKey", told.pop("ConsumedCapacity", None))
    if "Items" in told:
        del told["Items"][1:]
    exchange.send(Answer(answer.status, answer.headers, orjson.dumps(told)))


def _slow(exchange: Exchange) -> None:
    exchange.forward()
    exchange.wait_until_left()


def _closed_while_idle(exchange: Exchange) -> None:
    exchange.send(exchange.forward())
    exchange.close()


_HTML = {"Content-Type": "text/html"}

FAULTS: dict[str, Callable[[Exchange], None]] = {
    "throttled by table": _error("ProvisionedThroughputExceededException"),
    "throttled by rate": _error("ThrottlingException"),
    "throttled by account": _error("RequestLimitExceeded"),
    "partly unprocessed": _partial,
    "500 with JSON": _failure(answer_of({"__type": "x#InternalServerError", "message": MARKED}, 500)),
    "500 with HTML": _failure(Answer(500, _HTML, f"<html>{MARKED}</html>".encode())),
    "503 with JSON": _failure(answer_of({"__type": "x#ServiceUnavailable", "message": MARKED}, 503)),
    "503 without body": _failure(Answer(503, {}, b"")),
    "reset before the request": Exchange.reset,
    "reset in the body": _reset_in_body,
    "body ends early": _ends_early,
    "length too small": _length_too_small,
    "wrong checksum": _wrong_checksum,
    "damaged JSON": _damaged,
    "slow": _slow,
    "answer lost": _lost,
    "expired token": _error("ExpiredTokenException"),
    "closed while idle": _closed_while_idle,
    "200 of another": _failure(Answer(200, _HTML, f"<html>{MARKED}</html>".encode())),
    "200 with nothing": _failure(Answer(200, {"Content-Type": "application/json"}, b"{}")),
}
"""What can happen to a request, by name."""

FATAL: dict[str, Callable[[Exchange], None]] = {
    code: _error(code) for code in ("AccessDeniedException", "ResourceNotFoundException", "ValidationException")
}
"""What ends a run."""

THROTTLES = tuple(name for name in FAULTS if name.startswith("throttled"))

Plan = Callable[[str, bytes, int], tuple[str | None, Random]]
"""Takes operation, body and how often that came before; tells the fault to meet, and what draws its details."""


@dataclass(frozen=True, slots=True)
class SeededPlan:
    """Draws faults from a seed, the request's content and how often it came, whatever threads call in between.

    Attributes:
        seed: another one draws other faults.
        shares: by fault, of how many of the requests that are sent again and again; of descriptions, which are
            asked for once, it is a tenth.
    """

    seed: int
    shares: Mapping[str, float]

    def __call__(self, operation: str, body: bytes, times: int) -> tuple[str | None, Random]:
        drawn = Random(f"{self.seed} {blake2b(_TABLE_NAME.sub(b'', body)).hexdigest()} {times}")
        place = drawn.random() * (10 if operation == "DescribeTable" else 1)
        for name, share in self.shares.items():
            place -= share
            if place < 0:
                return (None if name == "partly unprocessed" and operation != "BatchWriteItem" else name), drawn
        return None, drawn


@dataclass(slots=True)
class FaultProxy:
    """A running proxy.

    Attributes:
        endpoint_url: where it listens.
        plan: decides about each request.
        faults: by name, how many were carried out.
        calls: by operation, how many requests came.
        answered_at: by name, when a fault was carried out last, as `time.monotonic()` tells it.
    """

    endpoint_url: str
    plan: Plan
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    answered_at: dict[str, float] = field(default_factory=dict)
    _seen: Counter[bytes] = field(default_factory=Counter)
    _expired: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def meet(self, exchange: Exchange) -> str | None:
        """Decide about a request."""
        with self._lock:
            self.calls[exchange.operation] += 1
            times = self._seen[exchange.body]
            self._seen[exchange.body] += 1
            name, exchange.random = self.plan(exchange.operation, exchange.body, times)
            # A token that has expired stays so.
            if name == "expired token" and exchange.token:
                self._expired.add(exchange.token)
            return "expired token" if exchange.token in self._expired else name

    def note(self, name: str) -> None:
        """Count a fault that is about to be carried out."""
        with self._lock:
            self.faults[name] += 1
            self.answered_at[name] = time.monotonic()


@contextmanager
def fault_proxy(upstream_url: str, plan: Plan) -> Iterator[FaultProxy]:
    """Run a proxy on a free port of 127.0.0.1 in front of a server."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.upstream = urlsplit(upstream_url).netloc
        server.proxy = FaultProxy(f"http://127.0.0.1:{server.server_address[1]}", plan)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.proxy
        finally:
            server.shutdown()
            thread.join()
            server.end_connections()


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = False
    upstream: str
    proxy: FaultProxy

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(self.server.upstream, timeout=_GIVE_UP_SECONDS)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client has left
            super().handle()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        exchange = Exchange(self, body, Random())
        name = self.server.proxy.meet(exchange)
        if name is None:
            exchange.send(exchange.forward())
            return
        self.server.proxy.note(name)
        (FAULTS | FATAL)[name](exchange)

    def forward(self, body: bytes) -> Answer:
        headers = {**dict(self.headers.items()), "Content-Length": str(len(body))}
        self._upstream.request("POST", self.path, body, headers)
        answer = self._upstream.getresponse()
        kept = {
            name: value
            for name, value in answer.getheaders()
            if name.lower().startswith(("x-amz", "content-type"))
        }
        return Answer(answer.status, {name.lower(): value for name, value in kept.items()}, answer.read())

    def log_message(self, *_: Any) -> None:
        pass
