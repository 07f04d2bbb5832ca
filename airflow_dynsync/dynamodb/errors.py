"""What went wrong with DynamoDB, in one sentence: the place, the cause and the remedy, never a value.

AWS's own messages can hold values ("Input collection [a, a] contains duplicates", DynamoDB Local's echo of a
whole statement). So a cause is told in this module's words, chosen by the error's code; the message is looked
at only where one code covers many causes, and only phrases known to hold no value are taken from it. The one
message repeated whole is that of a refused permission: principal, action and resource.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from botocore import exceptions
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["fatal", "throttled", "transient"]


class DynamoDBError(Exception):
    """A call to DynamoDB, or to STS on its behalf, did not succeed.

    Attributes:
        code: AWS's error code or the name of botocore's exception.
        kind: `fatal` (a retry changes nothing), `throttled` (slow down) or `transient` (try again).
        operation: the API operation, e.g. `Scan`, `AssumeRole`.
        table_name: the table, where there is one.
    """

    kind: Kind = "fatal"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        kind: Kind | None = None,
        operation: str = "",
        table_name: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.operation = operation
        self.table_name = table_name
        if kind is not None:
            self.kind = kind


class AccessDeniedError(DynamoDBError):
    """A permission is missing, or a role may not be assumed."""


class CredentialsError(DynamoDBError):
    """There are no credentials, or AWS does not accept them."""


class TableNotFoundError(DynamoDBError):
    """The table or index does not exist in this account, region and endpoint."""


class InvalidRequestError(DynamoDBError):
    """DynamoDB refuses a condition, an item or a parameter."""


class KeyCollisionError(DynamoDBError):
    """Several items to be written have the same primary key."""


class ThrottledError(DynamoDBError):
    """More capacity was asked for than there is."""

    kind = "throttled"


class EndpointError(DynamoDBError):
    """The endpoint does not answer."""

    kind = "transient"


class ServiceError(DynamoDBError):
    """DynamoDB or STS failed on its side."""

    kind = "transient"


class StoppedError(DynamoDBError):
    """The work was asked to stop; what was under way may have been done in part and can be done again."""

    kind = "transient"


def classify(
    error: Exception, *, operation: str, table_name: str | None = None, endpoint_url: str | None = None
) -> DynamoDBError:
    """Turn an error of botocore's into one whose message can be shown to anyone.

    Args:
        error: a `ClientError`, `BotoCoreError` or whatever else a client's method raised.
        operation: the operation called, e.g. `Scan`; a `ClientError` from assuming the role names its own.
        table_name: the table it was called on.
        endpoint_url: the endpoint of the client, shown where it does not answer.

    Returns the error to raise; raise it outside of the `except` block, so that the original, whose message
    may hold values, is not chained to it.
    """
    if isinstance(error, DynamoDBError):
        return error
    if isinstance(error, exceptions.ClientError):
        return _classify_answer(error, operation, table_name)
    code = type(error).__name__
    place = _place(operation, table_name)
    for types, kind, error_type, words in _BOTOCORE:
        if isinstance(error, types):
            text = words.format(place=place, endpoint=endpoint_url or "the endpoint", code=code)
            return error_type(text, code=code, kind=kind, operation=operation, table_name=table_name)
    return DynamoDBError(
        f"{place} failed on this side with {code}", code=code, operation=operation, table_name=table_name
    )


def _classify_answer(error: exceptions.ClientError, operation: str, table_name: str | None) -> DynamoDBError:
    operation = error.operation_name or operation
    if operation.startswith("AssumeRole"):
        table_name = None
    answer = error.response.get("Error", {})
    code, message = str(answer.get("Code", "")), str(answer.get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    place = _place(operation, table_name)
    error_type: type[DynamoDBError]
    if code in _BY_CODE:
        error_type, words = _BY_CODE[code]
        text = words(operation, place, message) if callable(words) else words.format(place=place)
    elif status >= 500 or code.startswith("5"):
        error_type, text = ServiceError, f"{place} met an error of the service ({code}): try again later"
    else:
        error_type, text = DynamoDBError, f"{place} was refused with {code or f'HTTP {status}'}"
    return error_type(text, code=code, operation=operation, table_name=table_name)


def _place(operation: str, table_name: str | None) -> str:
    return operation if table_name is None else f"{operation} on table {table_name!r}"


def _access_denied(operation: str, place: str, message: str) -> str:
    if operation.startswith("AssumeRole"):
        return (
            f"{place} was denied: {_one_line(message)}; the role's trust policy must name this principal, "
            "its sts:ExternalId must equal the external ID of the connection, and the principal's own policy "
            "must allow sts:AssumeRole on the role"
        )
    asked = re.search(r"perform: ([a-z0-9]+:\w+)", message)
    action = asked.group(1) if asked else f"dynamodb:{_PERMISSIONS.get(operation, operation)}"
    return f"{place} was denied: {_one_line(message)}; allow {action} on the table in this principal's policy"


def _refused_signature(_operation: str, place: str, message: str) -> str:
    if "Signature expired" in message or "Signature not yet current" in message:
        return f"{place}: AWS refuses the time of the request; set this machine's clock"
    return _REFUSED_CREDENTIALS[1].format(place=place)


def _one_line(message: str) -> str:
    return " ".join(message.split()).rstrip(".") or "AWS gives no reason"


def _invalid(operation: str, place: str, message: str) -> str:
    if operation.startswith("AssumeRole"):
        # STS knows one cause here that a user meets: its text has no value but the session's limit.
        if "DurationSeconds" in message:
            return (
                f"{place} was refused for the session's length: role chaining allows 3600 seconds at most, "
                "otherwise the role's own maximum holds"
            )
        return f"{place} was refused as invalid: check role ARN, external ID and session seconds"
    if operation == "ExecuteStatement":
        cause = _first_phrase(message, _STATEMENT_CAUSES)
        return (
            f"{place} refuses the condition (where){cause}: write what follows WHERE in PartiQL, strings in "
            "single quotes, reserved or unusual attribute names in double quotes"
        )
    cause = _first_phrase(message, _ITEM_CAUSES)
    if not cause:
        return f"{place} was refused as invalid: compare key schema, index keys and attribute types"
    return f"{place} was refused{cause}"


def _first_phrase(message: str, causes: tuple[tuple[str, str], ...]) -> str:
    for phrase, words in causes:
        if phrase.lower() in message.lower():
            return f": {words}"
    return ""


_PERMISSIONS = {"ExecuteStatement": "PartiQLSelect"}

_STATEMENT_CAUSES = (
    ("wasn't well formed", "it is not well-formed PartiQL"),
    ("data type should match", "a key attribute is compared with a value of another type than it has"),
    ("does not have the specified index", "the table has no such index"),
    ("Unrecognized function", "it calls a function that PartiQL for DynamoDB does not have"),
    ("Unsupported operator", "it uses an operator that PartiQL for DynamoDB does not have"),
    ("Incorrect operand type", "an operator or function is given a value of a type it does not take"),
    ("Number of parameters", "it has a ? though there are no parameters"),
    ("upper bound", "BETWEEN needs its lower bound first"),
    ("Invalid NextToken", "the position to resume from does not belong to it"),
    ("Unsupported operation", "it is no condition that PartiQL for DynamoDB knows"),
)  # fmt: skip

_ITEM_CAUSES = (
    ("Item size", "an item is larger than 400 KB, DynamoDB's limit"),
    ("Item collection", "an item collection is larger than 10 GB, the limit with a local index"),
    ("item keys contains duplicates", "two items of one request have the same key"),
    ("Missing the key", "an item lacks an attribute of the table's key"),
    ("required keys was not given", "an item lacks an attribute of the table's key"),
    ("Type mismatch for index key", "an attribute has another type than the index key it is"),
    ("Type mismatch for key", "a key attribute has another type than the table's schema has"),
    ("secondary index key is not supported", "an attribute that is an index key is empty"),
    ("cannot contain an empty", "a key attribute is empty"),
    ("does not match the schema", "a key does not match the table's schema"),
    ("maximum size limit of", "a key is longer than 2048 bytes (partition key) or 1024 bytes (sort key)"),
    ("must be under 2048 bytes", "a key is longer than 2048 bytes (partition key) or 1024 bytes (sort key)"),
    ("numeric value", "a value of type N is not a number"),
    ("converted into a number", "a value of type N is not a number"),
    ("significant digits", "a number has more than 38 digits"),
    ("38 digits", "a number has more than 38 digits"),
    ("Number overflow", "a number's magnitude is above 9.99E+125"),
    ("Number underflow", "a number's magnitude is below 1E-130"),
    ("contains duplicates", "a set holds a value twice"),
    ("set  may not be empty", "a set is empty"),
    ("set may not be empty", "a set is empty"),
    ("Nesting levels", "maps and lists are nested deeper than 32 levels"),
    ("Empty attribute name", "an attribute's name is empty"),
    ("Null attribute value", "a NULL is not true"),
    ("exactly one of the supported datatypes", "an attribute value has no type or more than one"),
    ("Too many items requested", "a request has more items than the operation takes"),
    ("exclusive start key", "the position to resume from does not belong to this table and segment"),
    ("starting key", "the position to resume from does not belong to this table and segment"),
    ("table name", "the table's name is not one: 3 to 255 of a-z, A-Z, 0-9, '_', '-' and '.'"),
    ("table/index name", "the table's name is not one: 3 to 255 of a-z, A-Z, 0-9, '_', '-' and '.'"),
)  # fmt: skip

_DENIED = (AccessDeniedError, _access_denied)
_REFUSED_CREDENTIALS = (
    CredentialsError,
    "{place}: AWS does not accept the credentials; check access key ID, secret access key and session token",
)
_EXPIRED = (
    CredentialsError,
    "{place}: the credentials have expired; give new ones, or a role, whose sessions are renewed",
)
_NO_TABLE = (
    TableNotFoundError,
    "{place}: there is no such table or it is not active; check its name, and the connection's account, "
    "region and endpoint",
)
_SLOW_DOWN = (
    ThrottledError,
    "{place} was throttled: the capacity of table or account is exhausted; raise it or run fewer segments",
)
_SERVICE = (ServiceError, "{place} met an error of the service: try again later")

_BY_CODE: dict[str, tuple[type[DynamoDBError], str | Callable[[str, str, str], str]]] = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "UnauthorizedOperation": _DENIED,
    "UnrecognizedClientException": _REFUSED_CREDENTIALS,
    "InvalidClientTokenId": _REFUSED_CREDENTIALS,
    "InvalidAccessKeyId": _REFUSED_CREDENTIALS,
    "InvalidSignatureException": (CredentialsError, _refused_signature),
    "SignatureDoesNotMatch": _REFUSED_CREDENTIALS,
    "IncompleteSignature": _REFUSED_CREDENTIALS,
    "IncompleteSignatureException": _REFUSED_CREDENTIALS,
    "MissingAuthenticationToken": _REFUSED_CREDENTIALS,
    "MissingAuthenticationTokenException": _REFUSED_CREDENTIALS,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "ResourceNotFoundException": _NO_TABLE,
    "TableNotFoundException": _NO_TABLE,
    "ValidationException": (InvalidRequestError, _invalid),
    "ValidationError": (InvalidRequestError, _invalid),
    "SerializationException": (
        InvalidRequestError,
        "{place} was refused: a parameter or an attribute value has not the form of DynamoDB's typed JSON",
    ),
    "408": _SERVICE,
    "429": _SLOW_DOWN,
    "413": (InvalidRequestError, "{place} was refused: the request is larger than 16 MB"),
    "RequestEntityTooLarge": (InvalidRequestError, "{place} was refused: the request is larger than 16 MB"),
    "ItemCollectionSizeLimitExceededException": (
        InvalidRequestError,
        "{place} was refused: an item collection is larger than 10 GB, the limit with a local index",
    ),
    "LimitExceededException": (
        DynamoDBError,
        "{place} was refused: a quota of the account is reached; wait for other table operations or raise it",
    ),
    "ResourceInUseException": (
        DynamoDBError,
        "{place} was refused: the table is being created, changed or deleted; wait until it is ACTIVE",
    ),
    "ProvisionedThroughputExceededException": _SLOW_DOWN,
    "RequestLimitExceeded": _SLOW_DOWN,
    "ThrottlingException": _SLOW_DOWN,
    "Throttling": _SLOW_DOWN,
    "ThrottledException": _SLOW_DOWN,
    "TooManyRequestsException": _SLOW_DOWN,
    "InternalServerError": _SERVICE,
    "InternalFailure": _SERVICE,
    "InternalError": _SERVICE,
    "ServiceUnavailable": _SERVICE,
    "ServiceUnavailableException": _SERVICE,
    "RequestTimeout": _SERVICE,
    "RequestTimeoutException": _SERVICE,
    "ReplicatedWriteConflictException": _SERVICE,
    "ContinuousBackupsUnavailableException": (
        ServiceError,
        "{place} was refused: the new table cannot be backed up yet; try again later",
    ),
    "TransactionConflictException": _SERVICE,
}

THROTTLING_CODES = frozenset(code for code, (error, _) in _BY_CODE.items() if error is ThrottledError)
"""The codes with which DynamoDB says that more capacity was asked for than there is."""

EXPIRED_CODES = frozenset(code for code, (_, words) in _BY_CODE.items() if words is _EXPIRED[1])
"""The codes with which AWS says that temporary credentials have ended."""

_BOTOCORE: tuple[tuple[tuple[type[Exception], ...], Kind, type[DynamoDBError], str], ...] = (
    (
        (exceptions.NoCredentialsError, exceptions.PartialCredentialsError),
        "fatal",
        CredentialsError,
        "{place}: there are no (complete) credentials; fill in the connection's access key or role, or give "
        "the machine some (environment, profile, instance or pod role)",
    ),
    (
        (exceptions.ProfileNotFound,),
        "fatal",
        CredentialsError,
        "{place}: the AWS profile named is in no configuration file of this machine",
    ),
    (
        (exceptions.TokenRetrievalError, exceptions.SSOError, exceptions.NoAuthTokenError),
        "fatal",
        CredentialsError,
        "{place}: the single sign-on session is missing or has expired ({code}); run `aws sso login`",
    ),
    (
        (exceptions.CredentialRetrievalError, exceptions.MetadataRetrievalError),
        "transient",
        CredentialsError,
        "{place}: the source of the credentials failed ({code}); check profile, process or instance role",
    ),
    (
        (exceptions.ParamValidationError,),
        "fatal",
        InvalidRequestError,
        "{place}: a parameter has not the form that AWS takes; check role ARN, external ID and table name",
    ),
    (
        (exceptions.NoRegionError,),
        "fatal",
        DynamoDBError,
        "{place}: no region is known; name it in the connection or in AWS_DEFAULT_REGION",
    ),
    (
        (exceptions.SSLError,),
        "fatal",
        EndpointError,
        "{place}: the TLS certificate of {endpoint} is not accepted, or it speaks no TLS; check endpoint URL and "
        "CA bundle",
    ),
    (
        (exceptions.ConnectionError, exceptions.HTTPClientError),
        "transient",
        EndpointError,
        "{place}: {endpoint} cannot be reached ({code}); check endpoint URL, region and network",
    ),
    (
        (ResponseParserError, exceptions.ChecksumError),
        "transient",
        ServiceError,
        "{place}: {endpoint} sent an answer that is not DynamoDB's; check that nothing stands in between",
    ),
)  # fmt: skip
