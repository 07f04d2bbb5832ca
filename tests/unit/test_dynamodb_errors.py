"""Every failure is told in one sentence that names place, cause and remedy and holds no value."""

import pickle
from typing import Any

import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError

from airflow_dynsync.dynamodb import errors
from airflow_dynsync.dynamodb.errors import classify


def answer(code: str, message: str = "", operation: str = "Scan", status: int = 400) -> exceptions.ClientError:
    return exceptions.ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


@pytest.mark.parametrize(
    ("code", "error_type", "kind"),
    [
        ("ResourceNotFoundException", errors.TableNotFoundError, "fatal"),
        ("AccessDeniedException", errors.AccessDeniedError, "fatal"),
        ("UnrecognizedClientException", errors.CredentialsError, "fatal"),
        ("InvalidSignatureException", errors.CredentialsError, "fatal"),
        ("ExpiredTokenException", errors.CredentialsError, "fatal"),
        ("ValidationException", errors.InvalidRequestError, "fatal"),
        ("SerializationException", errors.InvalidRequestError, "fatal"),
        ("413", errors.InvalidRequestError, "fatal"),
        ("ItemCollectionSizeLimitExceededException", errors.InvalidRequestError, "fatal"),
        ("LimitExceededException", errors.DynamoDBError, "fatal"),
        ("SomethingNewException", errors.DynamoDBError, "fatal"),
        ("ProvisionedThroughputExceededException", errors.ThrottledError, "throttled"),
        ("RequestLimitExceeded", errors.ThrottledError, "throttled"),
        ("ThrottlingException", errors.ThrottledError, "throttled"),
        ("InternalServerError", errors.ServiceError, "transient"),
        ("503", errors.ServiceError, "transient"),
        ("408", errors.ServiceError, "transient"),
        ("429", errors.ThrottledError, "throttled"),
    ],
)
def test_answer_when_classified_has_type_kind_and_place_and_none_of_its_text(
    code: str, error_type: type[errors.DynamoDBError], kind: str
) -> None:
    # A denied permission is the one message that is repeated: it names principal, action and resource.
    message = "reason" if code == "AccessDeniedException" else "marked-value"

    error = classify(answer(code, message), operation="Scan", table_name="Users")

    assert type(error) is error_type
    assert (error.code, error.kind, error.operation, error.table_name) == (code, kind, "Scan", "Users")
    assert str(error).startswith("Scan on table 'Users'")
    assert "marked-value" not in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z", "machine's clock"),
        ("Signature not yet current: 20260101T001000Z is still later than 20260101T000500Z", "machine's clock"),
        ("The request signature we calculated does not match", "check access key ID"),
    ],
)
def test_signature_when_refused_for_its_time_names_the_clock(said: str, remedy: str) -> None:
    error = classify(answer("InvalidSignatureException", said), operation="Scan", table_name="Users")

    assert isinstance(error, errors.CredentialsError)
    assert remedy in str(error)


def test_answer_when_its_status_is_500_is_the_service_s_fault() -> None:
    assert classify(answer("Odd", status=502), operation="Scan", table_name="T").kind == "transient"


def test_access_denied_when_aws_says_what_was_asked_names_the_permission() -> None:
    said = (
        "User: arn:aws:sts::111122223333:assumed-role/reader/x is not authorized to perform: dynamodb:Scan on\n"
        "resource: arn:aws:dynamodb:eu-west-1:111122223333:table/Users because no identity-based policy allows "
        "the dynamodb:Scan action"
    )

    text = str(classify(answer("AccessDeniedException", said), operation="Scan", table_name="Users"))

    assert " ".join(said.split()) in text
    assert "allow dynamodb:Scan on the table" in text


def test_access_denied_when_aws_says_nothing_names_the_permission_of_the_operation() -> None:
    denied = answer("AccessDeniedException", operation="ExecuteStatement")

    text = str(classify(denied, operation="ExecuteStatement", table_name="Users"))

    assert "allow dynamodb:PartiQLSelect" in text


def test_access_denied_when_assuming_the_role_names_external_id_and_trust_policy() -> None:
    said = (
        "User: arn:aws:iam::000000000000:user/airflow is not authorized to perform: sts:AssumeRole on resource: R"
    )

    error = classify(answer("AccessDenied", said, "AssumeRole"), operation="Scan", table_name="Users")

    assert (error.operation, error.table_name) == ("AssumeRole", None)
    assert str(error).startswith(f"AssumeRole was denied: {said}")
    assert "external ID of the connection" in str(error)


def test_assume_role_when_the_session_is_too_long_says_so() -> None:
    said = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"

    text = str(classify(answer("ValidationError", said, "AssumeRole"), operation="Scan"))

    assert "3600 seconds at most" in text


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("The parameter cannot be converted to a numeric value: marked-value", "not a number"),
        ("... values were invalid: Input collection [marked-value, a] contains duplicates", "twice"),
        ("Provided list of item keys contains duplicates", "same key"),
        ("... values were invalid: Missing the key Id in the item", "lacks an attribute"),
        ("... values were invalid: Type mismatch for key Id expected: S actual: N", "another type"),
        (
            "... values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: by-g",
            "index key",
        ),
        ("Item size has exceeded the maximum allowed size", "400 KB"),
        ("something AWS has not said yet about marked-value", "compare key schema"),
    ],
)  # fmt: skip
def test_item_when_refused_gives_the_cause_in_words_of_our_own(message: str, cause: str) -> None:
    refused = answer("ValidationException", message, "BatchWriteItem")

    text = str(classify(refused, operation="BatchWriteItem", table_name="Users"))

    assert cause in text
    assert "marked-value" not in text


def test_statement_when_refused_repeats_nothing_of_it() -> None:
    said = "Statement wasn't well formed, can't be processed: SELECT * FROM \"T\" WHERE a = 'marked-value"

    refused = answer("ValidationException", said, "ExecuteStatement")
    text = str(classify(refused, operation="ExecuteStatement", table_name="T"))

    assert "not well-formed PartiQL" in text
    assert "single quotes" in text
    assert "SELECT" not in text
    assert "marked-value" not in text


@pytest.mark.parametrize(
    ("error", "error_type", "kind", "says"),
    [
        (exceptions.NoCredentialsError(), errors.CredentialsError, "fatal", "no (complete) credentials"),
        (exceptions.ProfileNotFound(profile="p"), errors.CredentialsError, "fatal", "profile"),
        (exceptions.NoRegionError(), errors.DynamoDBError, "fatal", "AWS_DEFAULT_REGION"),
        (
            exceptions.EndpointConnectionError(endpoint_url="http://db:8000/"),
            errors.EndpointError,
            "transient",
            "http://db:8000 cannot be reached (EndpointConnectionError)",
        ),
        (
            exceptions.ReadTimeoutError(endpoint_url="http://db:8000/"),
            errors.EndpointError,
            "transient",
            "http://db:8000 cannot be reached (ReadTimeoutError)",
        ),
        (
            exceptions.SSLError(endpoint_url="https://db", error="e"),
            errors.EndpointError,
            "fatal",
            "certificate",
        ),
        (
            exceptions.CredentialRetrievalError(provider="p", error_msg="e"),
            errors.CredentialsError,
            "transient",
            "failed",
        ),
        (exceptions.UnauthorizedSSOTokenError(), errors.CredentialsError, "fatal", "aws sso login"),
        (ResponseParserError("marked-value"), errors.ServiceError, "transient", "not DynamoDB's"),
        (ValueError("marked-value"), errors.DynamoDBError, "fatal", "failed on this side with ValueError"),
    ],
)
def test_failure_before_an_answer_when_classified_tells_cause_and_remedy(
    error: Exception, error_type: type[errors.DynamoDBError], kind: str, says: str
) -> None:
    classified = classify(error, operation="Scan", table_name="T", endpoint_url="http://db:8000")

    assert type(classified) is error_type
    assert classified.kind == kind
    assert says in str(classified)
    assert "marked-value" not in str(classified)


def test_error_when_classified_again_is_the_same() -> None:
    error = classify(answer("ThrottlingException"), operation="Scan", table_name="T")

    assert classify(error, operation="Other") is error


def test_error_when_pickled_keeps_what_it_knows() -> None:
    error: Any = classify(answer("ThrottlingException"), operation="Scan", table_name="T")

    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
