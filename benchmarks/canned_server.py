"""A DynamoDB that answers at once and keeps nothing, so that what a client costs can be measured beside it.

A table's name says what is in it: `mixed-10000` has 10,000 items of the kind `mixed` (see `benchmarks.items`);
any other name is an empty table that takes every write. Pages hold `Limit` items or 1 MB, as DynamoDB's do.
Answers are complete: request ID, CRC-32, consumed capacity. Signatures are not looked at.
"""

import asyncio
import os
import re
import resource
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

from benchmarks.items import KEY, KINDS, MARK, item_size, pool
from local.processes import free_port, guarded

_PAGE_BYTES = 1 << 20
_TARGET = re.compile(rb"x-amz-target: \w+\.(\w+)", re.IGNORECASE)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_WRITTEN_TABLE = re.compile(rb'"RequestItems": ?{"([^"]+)"')
_SELECTED_TABLE = re.compile(r'FROM "([^"]+)"', re.IGNORECASE)
_HEADERS = (
    b"HTTP/1.1 %d OK\r\nServer: Server\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\nConnection: keep-alive\r\n"
    b"x-amzn-RequestId: BENCH0000000000000000000000000000000000000000000000AAA\r\nx-amz-crc32: %d\r\n\r\n"
)
_STARTED_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server did so far: CPU seconds (user and system), requests, items sent, puts received."""

    cpu_seconds: float
    requests: int
    items_sent: int
    puts: int


@dataclass(frozen=True, slots=True)
class CannedServer:
    """A running server."""

    endpoint_url: str

    def usage(self) -> Usage:
        """Return what it did so far."""
        request = urllib.request.Request(self.endpoint_url, b"{}", {"X-Amz-Target": "Canned.Usage"})  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - this machine's own server
            return Usage(**orjson.loads(answer.read()))


@contextmanager
def canned_server() -> Iterator[CannedServer]:
    """Run a server in a process of its own, on a free port of 127.0.0.1."""
    port = free_port()
    root = str(Path(__file__).parent.parent)
    command = [sys.executable, "-m", "benchmarks.canned_server", str(port)]
    with Path(os.devnull).open("wb") as log, guarded(command, {**os.environ, "PYTHONPATH": root}, log) as process:
        server, deadline = CannedServer(f"http://127.0.0.1:{port}/"), time.monotonic() + _STARTED_WITHIN_SECONDS
        while True:
            try:
                server.usage()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the canned server did not start: {' '.join(command)}") from None
                time.sleep(0.02)
        yield server


@dataclass(frozen=True, slots=True)
class _Table:
    """The items of a kind, cut where their number goes."""

    count: int
    size: int
    parts: list[list[bytes]]


@cache
def _table(name: str) -> _Table:
    kind, _, count = name.rpartition("-")
    if kind not in KINDS:
        return _Table(0, 1, [])
    return _Table(int(count), *_parts(kind))


@cache
def _parts(kind: str) -> tuple[int, list[list[bytes]]]:
    made = pool(kind)
    return item_size(made[0]), [orjson.dumps(item).split(MARK.encode()) for item in made]


class _Server:
    """Makes the answers and counts."""

    def __init__(self) -> None:
        self.requests = 0
        self.items_sent = 0
        self.puts = 0

    def answer(self, operation: bytes, body: bytes) -> bytes:
        self.requests += 1
        match operation:
            case b"BatchWriteItem":
                return self._write(body)
            case b"Scan" | b"Query":
                request = orjson.loads(body)
                start = request.get("ExclusiveStartKey")
                after = int(start[KEY]["S"].rpartition("-")[2]) if start else None
                return self._page(request["TableName"], request, after, b'"LastEvaluatedKey":{"Id":{"S":"%b"}}')
            case b"ExecuteStatement":
                request = orjson.loads(body)
                token = request.get("NextToken")
                selected = _SELECTED_TABLE.search(request["Statement"])
                after = int(token.rpartition("-")[2]) if token else None
                return self._page(selected[1] if selected else "", request, after, b'"NextToken":"%b"')
            case b"DescribeTable":
                return orjson.dumps({"Table": _description(orjson.loads(body)["TableName"])})
            case b"Usage":
                used = resource.getrusage(resource.RUSAGE_SELF)
                return orjson.dumps(
                    {
                        "cpu_seconds": used.ru_utime + used.ru_stime,
                        "requests": self.requests,
                        "items_sent": self.items_sent,
                        "puts": self.puts,
                    }
                )
        return b""

    def _write(self, body: bytes) -> bytes:
        puts = body.count(b'"PutRequest"')
        self.puts += puts
        if b"ReturnConsumedCapacity" not in body[:200] + body[-200:]:
            return b'{"UnprocessedItems":{}}'
        named = _WRITTEN_TABLE.search(body, 0, 400)
        units = puts * (len(body) // max(1, puts) // 1024 + 1)
        return b'{"ConsumedCapacity":[{"CapacityUnits":%d.0,"TableName":"%b"}],"UnprocessedItems":{}}' % (
            units,
            named[1] if named else b"",
        )

    def _page(self, name: str, request: dict[str, Any], after: int | None, position: bytes) -> bytes:
        table = _table(name)
        segment, segments = request.get("Segment", 0), request.get("TotalSegments", 1)
        first = table.count * segment // segments if after is None else after + 1
        end = table.count * (segment + 1) // segments
        last = min(end, first + min(request.get("Limit", end), max(1, _PAGE_BYTES // table.size)))
        parts, distinct = table.parts, len(table.parts)
        items = b",".join([(b"%08d" % number).join(parts[number % distinct]) for number in range(first, last)])
        count = max(0, last - first)
        self.items_sent += count
        units = -(-count * table.size // 4096) * (1.0 if request.get("ConsistentRead") else 0.5)
        consumed = orjson.dumps({"TableName": name, "CapacityUnits": units})
        more = b"," + position % (b"customer-%08d" % (last - 1)) if last < end else b""
        return b'{"Items":[%b],"Count":%d,"ScannedCount":%d,"ConsumedCapacity":%b%b}' % (
            items,
            count,
            count,
            consumed,
            more,
        )


def _description(name: str) -> dict[str, Any]:
    table = _table(name)
    return {
        "TableName": name,
        "TableArn": f"arn:aws:dynamodb:eu-west-1:000000000000:table/{name}",
        "TableId": name,
        "TableStatus": "ACTIVE",
        "ItemCount": table.count,
        "TableSizeBytes": table.count * table.size,
        "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": KEY, "AttributeType": "S"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
    }


class _Connection(asyncio.Protocol):
    """One keep-alive connection; a client sends its next request after the answer."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._received = bytearray()
        self._expected = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        if len(received) < self._expected:
            return
        end = received.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = _LENGTH.search(received, 0, end)
        self._expected = end + int(length[1] if length else 0)
        if len(received) < self._expected:
            return
        target = _TARGET.search(received, 0, end)
        operation = bytes(target[1]) if target else b""
        body = bytes(received[end:])
        self._received, self._expected = bytearray(), 0
        answer, status = self._server.answer(operation, body), 200
        if not answer:
            answer, status = b'{"__type":"com.amazonaws.dynamodb.v20120810#UnknownOperationException"}', 400
        self._transport.write(_HEADERS % (status, len(answer), crc32(answer)))
        self._transport.write(answer)


async def _serve(port: int) -> None:
    server = _Server()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: _Connection(server), "127.0.0.1", port)
    async with listening:
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
