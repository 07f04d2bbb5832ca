"""A botocore DynamoDB client that speaks wire form: items stay the typed JSON that DynamoDB sends.

Credentials, their refresh, endpoints and signing stay botocore's. For the item operations (`ITEM_OPERATIONS`), and
for them alone, two public extension points replace the shape-walking serializer and parser, which together cost
more than all else a client does:

* **Response**: the session component `response_parser_factory`. Its parser answers a successful item
  operation with `orjson.loads(body)` and the `ResponseMetadata` that botocore adds, and leaves every error
  and every other operation to botocore's own parser. So errors and `client.exceptions` are botocore's.
* **Request**: the client events `provide-client-params` and `before-call`. The first keeps `orjson.dumps` of
  the parameters in the request's context and hands on only what botocore resolves the endpoint with (the
  table's name); the second puts those bytes into the request before it is signed. Parameters are not
  validated on this side: DynamoDB does that.

`BULK_OPERATIONS` take the short way of `transport`, which repeats nothing; the others keep botocore's retries and
connections. A throttled item operation is raised at once in either case: `calls.py` waits it out, and the pace of
all threads has to give way meanwhile.

Within `items_as_bytes`, the `Items` of an answer that has a checksum are a `SerializedItems`: its items are parsed
when they are looked at.

What a caller sees: binaries (B, BS) are base64 text in both directions, numbers their text, sets lists. A
parameter may hold `orjson.Fragment`, JSON serialized before. Request and response bodies do not show in
botocore's debug log, which would print them. `create_client(client="botocore")` shows the same over botocore's
own serializer, parser and transport, for comparison and for those who meet a problem with this one.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import orjson
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver
from botocore.exceptions import ChecksumError
from botocore.hooks import first_non_none_response
from botocore.parsers import ResponseParser, ResponseParserError, ResponseParserFactory
from botocore.session import Session

from airflow_dynsync.dynamodb.binaries import to_bytes, to_text
from airflow_dynsync.dynamodb.credentials import renew_when_refused
from airflow_dynsync.dynamodb.errors import THROTTLING_CODES
from airflow_dynsync.dynamodb.items import parse_answer
from airflow_dynsync.dynamodb.transport import Transport, obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient
    from botocore.credentials import Credentials
    from botocore.model import OperationModel, Shape
    from mypy_boto3_dynamodb import DynamoDBClient

WireItem = dict[str, dict[str, Any]]
"""An item as DynamoDB's typed JSON: `{"Age": {"N": "32"}, "Tags": {"SS": ["a"]}, "Icon": {"B": "AAE="}}`."""

ClientName = Literal["wire", "botocore"]
"""The client of this module, or botocore's own under the same interface."""

ITEM_OPERATIONS = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "ExecuteStatement",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "UpdateItem",
    }
)
"""The operations that speak wire form; all others are botocore's as they are."""

BULK_OPERATIONS = frozenset({"BatchGetItem", "BatchWriteItem", "ExecuteStatement", "Query", "Scan"})
"""Those that a sync calls again and again; they take the short way of `transport`, and are not repeated in it."""

_ITEM_OUTPUTS = frozenset(f"{operation}Output" for operation in ITEM_OPERATIONS)
_ITEMS_AS_BYTES: ContextVar[bool] = ContextVar("airflow_dynsync.items_as_bytes", default=False)
_CHECKSUM = "x-amz-crc32"
_BODY = "airflow_dynsync.body"
_ABANDON = "abandon-calls.dynamodb"
_DETOUR = "detour.dynamodb"


def create_client(
    *,
    credentials: Credentials | None,
    region_name: str | None,
    profile_name: str | None = None,
    endpoint_url: str | None = None,
    verify: bool | str | None = None,
    config: Config | None = None,
    max_connections: int = 50,
    client: ClientName = "wire",
) -> DynamoDBClient:
    """Create a DynamoDB client whose item operations speak wire form (see the module's text).

    Args:
        credentials: what `boto3.Session().get_credentials()` returns; refreshable ones keep refreshing. None
            makes the first call fail with NoCredentialsError: there is no fallback to other credentials.
        region_name: None for the one that environment or configuration file name.
        profile_name: of the configuration file, for all but credentials: CA bundle, endpoint URL, FIPS and dual
            stack endpoints; None for that of the environment (AWS_PROFILE) or the default one.
        endpoint_url: None for the one that environment or configuration file name, else the region's own.
        verify: False not to verify TLS certificates, or the path of a CA bundle; None for botocore's default.
        config: merged over the defaults (retry mode `standard`, TCP keep-alive). Parameter validation and
            pool size are set here in any case.
        max_connections: size of the connection pool, the number of threads that call at once.
        client: `botocore` for its own serializer, parser and transport, several times slower.

    Proxies (HTTPS_PROXY, NO_PROXY, `config`), certificates and endpoints are what botocore takes them for. Where
    a proxy or a client certificate is used, all calls go botocore's way; see `detour`.

    Raises botocore's `NoRegionError` if no region is known, `ProfileNotFound` if the profile is not.
    """
    session = Session(profile=profile_name)
    session.register_component("credential_provider", CredentialResolver([_Given(credentials)]))
    parsers = _ParserFactory(wire=client == "wire")
    session.register_component("response_parser_factory", parsers)
    # Said once: botocore puts its User-Agent together twice for every request, a fifth of what the request costs.
    defaults = Config(retries={"mode": "standard"}, tcp_keepalive=True, user_agent=session.user_agent())
    fixed = Config(parameter_validation=False, max_pool_connections=max_connections)
    made: Any = session.create_client(
        "dynamodb",
        region_name=region_name,
        endpoint_url=endpoint_url,
        verify=verify,
        config=defaults.merge(config or Config()).merge(fixed),
    )
    if client == "wire":
        _require_json(made)
        if (why := obstacle(made)) is not None:
            made.meta.events.register(_DETOUR, lambda **_: why)
        else:
            ca_bundle = session.get_config_variable("ca_bundle") if verify is None else verify
            _take_short_way(made, parsers.create_parser("json"), ca_bundle)
        handlers = _WIRE_HANDLERS
    else:
        handlers = _BOTOCORE_HANDLERS
    for operation in ITEM_OPERATIONS:
        for event, handler in handlers.items():
            made.meta.events.register(f"{event}.dynamodb.{operation}", handler)
        made.meta.events.register(f"needs-retry.dynamodb.{operation}", partial(_tell_throttling, made))
    renew_when_refused(made, credentials)
    return made  # type: ignore[no-any-return]


@contextmanager
def items_as_bytes() -> Iterator[None]:
    """Let the calls of this thread leave the items of an answer unparsed, where the client can."""
    before = _ITEMS_AS_BYTES.set(True)
    try:
        yield
    finally:
        _ITEMS_AS_BYTES.reset(before)


def detour(client: BaseClient) -> str | None:
    """Return why a client's bulk calls go botocore's slower way though the short one was meant, else None."""
    why: str | None = first_non_none_response(client.meta.events.emit(_DETOUR))
    return why


def abandon_calls(*clients: BaseClient) -> None:
    """End the bulk calls of clients that wait for an answer, in whatever thread.

    They fail with a transient error; DynamoDB may carry them out all the same. Calls that go botocore's way are
    left to end by themselves.
    """
    for client in clients:
        client.meta.events.emit(_ABANDON)


def _take_short_way(client: Any, parser: ResponseParser, verify: bool | str | None) -> None:
    transport = Transport(client, parser, verify=verify, body=lambda context: context[_BODY])
    for operation in BULK_OPERATIONS:
        client.meta.events.register(f"before-call.dynamodb.{operation}", transport.call)
    client.meta.events.register(_ABANDON, lambda **_: transport.abandon())
    close_botocore_s = client.close

    def close() -> None:
        transport.close()
        close_botocore_s()

    client.close = close


def _require_json(client: BaseClient) -> None:
    protocol = client.meta.service_model.resolved_protocol
    if protocol != "json":
        raise RuntimeError(
            f"this botocore speaks {protocol!r} with DynamoDB, not the JSON protocol that wire form is made "
            "of: install an older botocore or a newer airflow-dynsync"
        )


class _Given(CredentialProvider):
    """Hands credentials that exist already to a session."""

    METHOD = "airflow-dynsync"

    def __init__(self, credentials: Credentials | None) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials | None:
        return self._credentials


class _Unlogged(bytes):
    """A body that botocore's debug log shows by its length only: items are personal data."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def _keep_body(
    params: Mapping[str, Any], model: OperationModel, context: dict[str, Any], **_: Any
) -> dict[str, Any]:
    context[_BODY] = _Unlogged(orjson.dumps(params))
    resolvable: dict[str, Any] = {}
    if "TableName" in params:
        resolvable["TableName"] = params["TableName"]
    if "RequestItems" in params:
        empty: Any = [] if model.name == "BatchWriteItem" else {}
        resolvable["RequestItems"] = dict.fromkeys(params["RequestItems"], empty)
    return resolvable


def _set_body(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = context[_BODY]


def _refuse_damaged(http_response: AWSResponse, parsed: dict[str, Any], **_: Any) -> None:
    # botocore looks at the checksum as well, but takes the answer of its last attempt as it is.
    expected = http_response.headers.get(_CHECKSUM)
    if expected is not None and expected != (actual := str(zlib.crc32(http_response.content))):
        raise ChecksumError(checksum_type="crc32", expected_checksum=expected, actual_checksum=actual)
    if http_response.status_code < 300 and "Error" in parsed:
        raise ResponseParserError(parsed["Error"]["Message"])


def _decode_binaries(params: Mapping[str, Any], **_: Any) -> Any:
    return to_bytes(orjson.loads(orjson.dumps(params)))


def _hide_body(params: dict[str, Any], **_: Any) -> None:
    params["body"] = _Unlogged(params["body"])


def _encode_binaries(http_response: AWSResponse, parsed: dict[str, Any], **_: Any) -> None:
    _refuse_damaged(http_response, parsed)
    if http_response.status_code < 300:
        for name, value in parsed.items():
            parsed[name] = to_text(value)


def _tell_throttling(
    client: BaseClient, response: tuple[Any, dict[str, Any]] | None, operation: OperationModel, **_: Any
) -> None:
    """Raise for a throttled call what botocore would raise after its last attempt, seconds later."""
    if response is not None and (code := response[1].get("Error", {}).get("Code")) in THROTTLING_CODES:
        error: Any = client.exceptions.from_code(code)
        raise error(response[1], operation.name)


_WIRE_HANDLERS = {
    "provide-client-params": _keep_body,
    "before-call": _set_body,
    "after-call": _refuse_damaged,
}
_BOTOCORE_HANDLERS = {
    "provide-client-params": _decode_binaries,
    "before-call": _hide_body,
    "after-call": _encode_binaries,
}


class _ParserFactory(ResponseParserFactory):
    def __init__(self, *, wire: bool) -> None:
        super().__init__()
        self._wire = wire

    def create_parser(self, protocol_name: str) -> ResponseParser:
        return _Parser(super().create_parser(protocol_name), wire=self._wire)


class _Parser(ResponseParser):
    """Answers items in wire form, or else as botocore's parser does, and the rest as that one."""

    def __init__(self, stock: ResponseParser, *, wire: bool) -> None:
        super().__init__()
        self._stock = stock
        self._wire = wire

    def parse(self, response: Mapping[str, Any], shape: Shape) -> Any:
        body = response["body"]
        # botocore's stub says Shape; an operation without output has None.
        if response["status_code"] >= 300 or getattr(shape, "name", None) not in _ITEM_OUTPUTS:
            return self._stock.parse({**response, "body": _Unlogged(body)}, shape)
        headers = {name.lower(): value for name, value in response["headers"].items()}
        # Damage has to show while the call can be repeated: by its checksum, or when it is parsed.
        later = self._wire and _CHECKSUM in headers and _ITEMS_AS_BYTES.get()
        try:
            parsed: Any = parse_answer(body) if later else orjson.loads(body)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            # An empty answer would pass for the end of the table. As an error in the answer it first meets
            # botocore's retries (by its x-amz-crc32), then `_refuse_damaged`.
            message = f"an answer of {len(body)} bytes is no JSON object"
            parsed = {"Error": {"Code": "UnreadableResponse", "Message": message}}
        elif not self._wire:
            return self._stock.parse({**response, "body": _Unlogged(body)}, shape)
        metadata = {"HTTPStatusCode": response["status_code"], "HTTPHeaders": headers}
        if "x-amzn-requestid" in headers:
            metadata["RequestId"] = headers["x-amzn-requestid"]
        parsed["ResponseMetadata"] = metadata
        return parsed
