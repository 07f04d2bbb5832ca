"""The short way of a request: signed by botocore, sent by the standard library's HTTP client.

Of the time that botocore takes for a BatchWriteItem of 25 items, half goes into layers that such a request does
not need: a retry loop beside the one of `calls`, request objects made and copied for it, and an HTTP stack for
every kind of body. `Transport` answers the client event `before-call`, by which a handler may take over the call.
What comes before (parameters, endpoint) and after (errors, `after-call`) stays botocore's, and so do signing and
credentials. Handlers of `before-send` are asked as ever.

Requests that need a proxy or a client certificate go botocore's way.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import (
    ChecksumError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.model import OperationModel
    from botocore.parsers import ResponseParser
    from botocore.signers import RequestSigner

_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
"""What a kept connection raises that the server has closed meanwhile."""


class Transport:
    """Sends requests over connections of its own that are kept open, as many as threads call at once.

    Args:
        client: whose events are asked before a request is sent.
        parser: of the answers.
        verify: as for `create_client`.
        body: what a request sends, found in the context of its call.
    """

    def __init__(
        self,
        client: BaseClient,
        parser: ResponseParser,
        *,
        verify: bool | str | None,
        body: Callable[[Mapping[str, Any]], bytes],
    ) -> None:
        self._events: Any = client.meta.events
        self._parser = parser
        self._body = body
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}
        config: Any = client.meta.config
        self._connect_timeout, self._read_timeout = config.connect_timeout, config.read_timeout
        self._tls = _tls_context(verify)

    def call(
        self,
        params: dict[str, Any],
        model: OperationModel,
        request_signer: RequestSigner,
        context: dict[str, Any],
        **_: Any,
    ) -> tuple[AWSResponse, dict[str, Any]]:
        """Answer `before-call`: the response and what it says."""
        request = AWSRequest(method="POST", url=params["url"], headers=params["headers"], data=self._body(context))
        request.context = context
        request_signer.sign(model.name, request)
        prepared = request.prepare()
        _, response = self._events.emit_until_response(f"before-send.dynamodb.{model.name}", request=prepared)
        if response is None:
            response = self._send(prepared)
        headers, content = response.headers, response.content
        _verify_checksum(headers, content)
        answer = {"status_code": response.status_code, "headers": headers, "body": content, "context": {}}
        shape: Any = model.output_shape
        parsed = self._parser.parse(answer, shape)
        parsed["ResponseMetadata"]["RetryAttempts"] = 0
        return response, parsed

    def _send(self, request: Any) -> AWSResponse:
        url: str = request.url
        parts = urlsplit(url)
        idle = self._idle.setdefault(f"{parts.scheme}://{parts.netloc}", [])
        headers = dict(request.headers.items())
        while True:
            try:
                connection, kept = idle.pop(), True
            except IndexError:
                connection, kept = self._connect(parts.scheme, parts.netloc, url), False
            try:
                connection.request("POST", parts.path or "/", request.body, headers)
                answer = connection.getresponse()
                content = answer.read()
            except Exception as error:
                connection.close()
                if kept and isinstance(error, _STALE):
                    continue  # it was closed before it took the request; all requests may be repeated in any case
                raise _as_botocore_says(error, request, url) from error
            if not answer.will_close:
                idle.append(connection)
            return _Answer(url, answer.status, answer.headers, content)

    def _connect(self, scheme: str, netloc: str, url: str) -> http.client.HTTPConnection:
        if scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                netloc, timeout=self._connect_timeout, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(netloc, timeout=self._connect_timeout)
        try:
            connection.connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=url, error=error) from error
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=url, error=error) from error
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.sock.settimeout(self._read_timeout)
        return connection


class _Answer(AWSResponse):
    """A response whose body is read already."""

    def __init__(self, url: str, status_code: int, headers: Any, content: bytes) -> None:
        super().__init__(url, status_code, headers, None)
        self._content = content


def fits(url: str, config: Config) -> bool:
    """Tell whether requests to an endpoint can go the short way: no proxy, no client certificate."""
    settings: Any = config
    return not (settings.proxies or settings.client_cert or get_environ_proxies(url))


def _tls_context(verify: bool | str | None) -> ssl.SSLContext:
    if verify is False:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    trusted: Any = True if verify is None else verify
    return ssl.create_default_context(cafile=get_cert_path(trusted))


def _verify_checksum(headers: Mapping[str, str], content: bytes) -> None:
    expected = headers.get("x-amz-crc32")
    if expected is not None and expected != (actual := str(zlib.crc32(content))):
        raise ChecksumError(checksum_type="crc32", expected_checksum=expected, actual_checksum=actual)


def _as_botocore_says(error: Exception, request: Any, url: str) -> Exception:
    if isinstance(error, TimeoutError):
        return ReadTimeoutError(endpoint_url=url, error=error)
    return ConnectionClosedError(error=error, request=request, endpoint_url=url)
