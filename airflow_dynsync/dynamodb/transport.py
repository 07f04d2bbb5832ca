"""The short way of a request: signed by botocore, sent over kept connections of our own.

Of the time that botocore takes for a BatchWriteItem of 25 items, more than half goes into layers that such a
request does not need: a retry loop beside the one of `calls`, request objects made and copied for it, and an HTTP
stack for every kind of body. `Transport` answers the client event `before-call`, by which a handler may take over
the call. What comes before (parameters, endpoint) and after (`after-call`, exceptions) stays botocore's, and so do
signing, credentials, the rules for TLS and the parsing of errors. Handlers of `before-send` are asked as ever;
`request-created`, `response-received` and `needs-retry` belong to botocore's retries and are not emitted.

`start` sends a request and leaves its answer for later, so that a thread can have several under way.

Requests that need a proxy or a client certificate go botocore's way.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.hooks import first_non_none_response
from botocore.httpsession import create_urllib3_context, get_cert_path
from botocore.utils import get_environ_proxies

from airflow_dynsync.dynamodb.connections import Connections, Exchange

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.model import OperationModel
    from botocore.parsers import ResponseParser
    from botocore.signers import RequestSigner

_ONLY_START: ContextVar[bool] = ContextVar("airflow_dynsync.only_start", default=False)


class Started:
    """A call whose request was sent: `end` takes its answer, unless it is dropped before."""

    def __init__(
        self, transport: Transport, url: str, model: OperationModel, context: Any, exchange: Exchange
    ) -> None:
        self._transport = transport
        self._url = url
        self._model = model
        self._context = context
        self._exchange = exchange

    def end(self) -> dict[str, Any]:
        """Wait for the answer and return what it says; it raises what the client's method raises."""
        return self._transport.answer(self._url, self._model, self._context, self._exchange)

    def drop(self) -> None:
        """Give the answer up; the call may be carried out all the same."""
        self._exchange.drop()


class _Sent(Exception):  # noqa: N818 - leads out of botocore, which is done for now
    def __init__(self, started: Started) -> None:
        super().__init__()
        self.started = started


def start(method: Callable[..., dict[str, Any]], parameters: Mapping[str, Any]) -> Started | dict[str, Any]:
    """Call a method of a client as far as its request; where it does not go the short way, to its answer."""
    before = _ONLY_START.set(True)
    try:
        return method(**parameters)
    except _Sent as sent:
        return sent.started
    finally:
        _ONLY_START.reset(before)


class Transport:
    """Sends a client's requests over connections of its own, kept for as many threads as its pool has room for.

    Args:
        client: whose configuration holds, and whose events are asked before a request is sent.
        parser: of the answers.
        verify: False not to verify TLS certificates, the path of a CA bundle, or None for botocore's default.
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
        self._client: Any = client
        self._events: Any = client.meta.events
        self._config: Any = client.meta.config
        self._parser = parser
        self._verify = verify
        self._body = body
        # An endpoint can be an account's own: those of tables in other accounts come with the calls.
        self._connections: dict[str, Connections] = {}

    def call(
        self,
        params: dict[str, Any],
        model: OperationModel,
        request_signer: RequestSigner,
        context: dict[str, Any],
        **_: Any,
    ) -> tuple[AWSResponse, dict[str, Any]]:
        """Answer `before-call`: the response and what it says.

        Raises: what botocore raises when it cannot sign, or does not get an answer.
        """
        only_start = _ONLY_START.get()
        _ONLY_START.set(False)  # what handlers call is not meant
        request = AWSRequest(method="POST", url=params["url"], headers=params["headers"], data=self._body(context))
        request.context = context
        request_signer.sign(model.name, request)
        prepared: Any = request.prepare()
        url: str = prepared.url
        answers = self._events.emit(f"before-send.dynamodb.{model.name}", request=prepared)
        response = first_non_none_response(answers)
        if response is None and only_start:
            exchange = self._connections_of(url).begin(prepared.headers, prepared.body)
            raise _Sent(Started(self, url, model, context, exchange))
        if response is None:
            answer = self._connections_of(url).post(prepared.headers, prepared.body)
            response = _ReadResponse(url, answer.status, answer.headers, answer.body)
        return response, self._parsed(response, model)

    def answer(self, url: str, model: OperationModel, context: Any, exchange: Exchange) -> dict[str, Any]:
        """Do what botocore does with the answer of a call."""
        answer = exchange.end()
        response = _ReadResponse(url, answer.status, answer.headers, answer.body)
        parsed = self._parsed(response, model)
        self._events.emit(
            f"after-call.dynamodb.{model.name}",
            http_response=response,
            parsed=parsed,
            model=model,
            context=context,
        )
        if response.status_code >= 300:
            raise self._client.exceptions.from_code(parsed.get("Error", {}).get("Code"))(parsed, model.name)
        return parsed

    def close(self) -> None:
        """Close the connections."""
        for connections in list(self._connections.values()):
            connections.close()

    def abandon(self) -> None:
        """End the calls that wait for an answer: they raise ConnectionClosedError."""
        for connections in list(self._connections.values()):
            connections.abandon()

    def _connections_of(self, url: str) -> Connections:
        connections = self._connections.get(url)
        if connections is None:
            connections = self._connections.setdefault(url, self._connections_to(url))
        return connections

    def _connections_to(self, url: str) -> Connections:
        return Connections(
            url,
            tls=lambda: self._tls,
            size=self._config.max_pool_connections,
            connect_timeout=self._config.connect_timeout,
            read_timeout=self._config.read_timeout,
            tcp_keepalive=bool(self._config.tcp_keepalive),
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context_of: Any = create_urllib3_context
        if self._verify is False:
            unverified: ssl.SSLContext = context_of(cert_reqs=ssl.CERT_NONE)
            return unverified
        verify: Any = os.environ.get("REQUESTS_CA_BUNDLE") if self._verify is None else self._verify
        context: ssl.SSLContext = context_of(cert_reqs=ssl.CERT_REQUIRED)
        try:
            context.load_verify_locations(get_cert_path(True if verify is None else verify))
        except OSError as error:
            raise ssl.SSLError("the CA bundle cannot be read") from error
        context.check_hostname = True
        return context

    def _parsed(self, response: AWSResponse, model: OperationModel) -> dict[str, Any]:
        answer = {
            "status_code": response.status_code,
            "headers": response.headers,
            "body": response.content,
            "context": {"operation_name": model.name},
        }
        shape: Any = model.output_shape
        parsed: dict[str, Any] = self._parser.parse(answer, shape)
        if response.status_code >= 300:
            code: Any = parsed.get("Error", {}).get("Code")
            error_shape: Any = model.service_model.shape_for_error_code(code)
            if error_shape is not None:
                parsed.update(self._parser.parse(answer, error_shape))
        parsed["ResponseMetadata"]["RetryAttempts"] = 0
        return parsed


class _ReadResponse(AWSResponse):
    """A response whose body is read already."""

    def __init__(self, url: str, status_code: int, headers: Any, body: bytes) -> None:
        super().__init__(url, status_code, headers, None)
        self._body = body

    @property
    def content(self) -> bytes:
        return self._body


def obstacle(client: BaseClient) -> str | None:
    """Tell what keeps a client's requests from the short way: a proxy, a client certificate, or None."""
    config: Any = client.meta.config
    url = client.meta.endpoint_url
    proxies = get_environ_proxies(url) if config.proxies is None else config.proxies
    if proxies.get(urlsplit(url).scheme):
        return "a proxy"
    return "a client certificate" if config.client_cert else None
