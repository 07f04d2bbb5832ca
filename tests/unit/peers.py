"""A server at the other end of a real socket that answers with the bytes it is told to, or worse."""

import select
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered with, maybe made of its body, and what becomes of the connection then.

    `hold` leaves the request unanswered beyond `data` until the client ends the connection; `early` answers
    before the request's body was read.
    """

    data: bytes | Callable[[bytes], bytes] = b""
    then: Literal["keep", "close", "reset", "hold"] = "keep"
    early: bool = False


def message(body: Any = None, *, status: int = 200, version: str = "1.1", **headers: str) -> bytes:
    """Return an answer as DynamoDB sends it; headers are added or replaced, those that are empty left out."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    every = {"Content_Length": str(len(content)), "x_amz_crc32": str(zlib.crc32(content)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in every.items() if value]
    return "\r\n".join([f"HTTP/{version} {status} said so", *lines, "", ""]).encode() + content


class Peer:
    """Answers requests with a list of replies, in the order in which they come."""

    def __init__(self, *replies: Reply | bytes) -> None:
        self.replies = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]
        self.requests: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self.names: list[str | None] = []
        self.url = ""
        self._open = 0
        self._changed = threading.Condition()

    @contextmanager
    def running(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator["Peer"]:
        """Serve, over TLS if a context is given; `url` is the address then."""
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, 0), family=family) as listening:
            shown = f"[{host}]" if ":" in host else host
            self.url = f"{'http' if tls is None else 'https'}://{shown}:{listening.getsockname()[1]}"
            serving = threading.Thread(target=self._accept, args=(listening, tls), daemon=True)
            serving.start()
            yield self
            listening.shutdown(socket.SHUT_RDWR)
        serving.join(10)

    def wait_until_open(self, number: int) -> bool:
        """Wait until just so many connections are open; tell whether they are, after ten seconds at most."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open == number, timeout=10)

    def _accept(self, listening: socket.socket, tls: ssl.SSLContext | None) -> None:
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return
            with self._changed:
                self.connections += 1
                self._open += 1
                self._changed.notify_all()
            threading.Thread(target=self._serve, args=(accepted, tls), daemon=True).start()

    def _serve(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        try:
            with accepted if tls is None else tls.wrap_socket(accepted, server_side=True) as connection:
                while self._answer(connection):
                    pass
        except OSError:
            accepted.close()
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _answer(self, connection: socket.socket) -> bool:
        with connection.makefile("rb") as stream:
            lines = []
            while (line := stream.readline()).strip():
                lines.append(line)
            if not lines:
                return False
            with self._changed:
                reply = self.replies.pop(0)
            length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length"))
            body = b"" if reply.early else stream.read(length)
            self.requests.append((b"".join(lines), body))
            connection.sendall(reply.data if isinstance(reply.data, bytes) else reply.data(body))
            if reply.then == "hold":
                stream.read()
            if reply.then == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return reply.then == "keep"


class Tunnel:
    """A proxy that answers CONNECT: it leads to one server, whatever host is asked for."""

    def __init__(self, server_url: str) -> None:
        self._address = urlsplit(server_url).hostname, urlsplit(server_url).port
        self.heads: list[bytes] = []
        self.url = ""

    @property
    def hosts(self) -> list[str]:
        """The hosts that were asked for."""
        return [head.split()[1].decode() for head in self.heads]

    @contextmanager
    def running(self) -> Iterator["Tunnel"]:
        """Serve; `url` is the address then."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            serving = threading.Thread(target=self._accept, args=(listening,), daemon=True)
            serving.start()
            yield self
            listening.shutdown(socket.SHUT_RDWR)
        serving.join(10)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(accepted,), daemon=True).start()

    def _lead(self, accepted: socket.socket) -> None:
        with accepted, suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                if not (more := accepted.recv(1)):
                    return
                head += more
            self.heads.append(head)
            with socket.create_connection(self._address) as server:
                accepted.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                other = {accepted: server, server: accepted}
                while True:
                    for ready in select.select([*other], [], [])[0]:
                        if not (content := ready.recv(65_536)):
                            return
                        other[ready].sendall(content)
