"""Credentials for the command line, IAM policies, and whether two descriptions are of one table."""

import dataclasses
import datetime as dt
import os
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.hooks import HierarchicalEmitter

from airflow_dynsync.dynamodb import errors
from airflow_dynsync.dynamodb.calls import call
from airflow_dynsync.dynamodb.client import create_client
from airflow_dynsync.dynamodb.creation_options import CreationOptions
from airflow_dynsync.dynamodb.credentials import load_credentials
from airflow_dynsync.dynamodb.policies import read_policy, trust_policy, write_policy
from airflow_dynsync.dynamodb.tables import KeyAttribute, TableDescription, same_table

ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/Users"
ROLE = "arn:aws:iam::111122223333:role/reader"
TABLE = TableDescription(
    name="Users",
    arn=ARN,
    table_id="one",
    status="ACTIVE",
    item_count=0,
    size_bytes=0,
    keys=(KeyAttribute("Id", "S"),),
    indexes=(),
    billing_mode="PAY_PER_REQUEST",
    account_id="111122223333",
    region="eu-west-1",
)
LOCAL = dataclasses.replace(TABLE, table_id=None, account_id="000000000000", region="ddblocal")


@pytest.fixture
def own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")


class Sts:
    """Answers AssumeRole for every client made while it is installed, and keeps the requests."""

    def __init__(self, status: int = 200, ends: dt.timedelta = dt.timedelta(hours=1)) -> None:
        self.status = status
        self.ends = ends
        self.requests: list[AWSPreparedRequest] = []

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.requests.append(request)
        body = self._refusal if self.status >= 300 else self._session
        return AWSResponse(request.url, self.status, {}, Raw(body.encode()))

    @property
    def _session(self) -> str:
        end = dt.datetime.now(dt.UTC) + self.ends
        return (
            "<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser>"
            "<AssumedRoleId>X</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/reader/x</Arn>"
            f"</AssumedRoleUser><Credentials><AccessKeyId>ASIA{len(self.requests)}</AccessKeyId>"
            "<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>"
            f"<Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
            "</AssumeRoleResult></AssumeRoleResponse>"
        )

    _refusal = (
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
        "<Message>User: u is not authorized to perform: sts:AssumeRole on resource: r</Message>"
        "</Error></ErrorResponse>"
    )


class Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Any:
        yield self._body


def install(monkeypatch: pytest.MonkeyPatch, sts: Sts) -> None:
    """Put `sts` before the network of every botocore session to come."""
    stock = botocore.session.Session._register_components

    def register(session: Any) -> None:
        stock(session)
        emitter: HierarchicalEmitter = session.get_component("event_emitter")
        emitter.register("before-send.sts", sts)

    monkeypatch.setattr(botocore.session.Session, "_register_components", register)


def test_credentials_when_no_role_is_named_are_the_chain_s(own_keys: None) -> None:
    assert load_credentials().access_key == "AKIAOWN"


def test_credentials_when_a_profile_is_named_are_its(
    own_keys: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "c").write_text("[stage]\naws_access_key_id = AKIASTAGE\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.fspath(tmp_path / "c"))

    assert load_credentials(profile_name="stage").access_key == "AKIASTAGE"


@pytest.mark.parametrize("profile", [None, "no-such-profile"])
def test_credentials_when_there_are_none_say_what_to_do(profile: str | None) -> None:
    with pytest.raises(errors.CredentialsError, match="Loading credentials: "):
        load_credentials(profile_name=profile)


@pytest.mark.parametrize("seconds", [900, 1799, 43201])
def test_credentials_when_the_session_is_too_short_or_long_are_refused(own_keys: None, seconds: int) -> None:
    with pytest.raises(ValueError, match=f"1800 to 43200 seconds, not {seconds}"):
        load_credentials(role_arn=ROLE, session_seconds=seconds)


def test_role_when_named_is_assumed_with_external_id_at_sts_and_not_before_it_is_needed(
    own_keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, sts := Sts())

    credentials = load_credentials(role_arn=ROLE, external_id="x-1", region_name="eu-west-1")
    assert sts.requests == []
    frozen = credentials.get_frozen_credentials()

    (request,) = sts.requests
    assert request.url == "https://sts.eu-west-1.amazonaws.com/"
    assert b"Credential=AKIAOWN/" in request.headers["Authorization"]
    sent = request.body if isinstance(request.body, str) else request.body.decode()
    assert {"ExternalId=x-1", "DurationSeconds=3600", "RoleSessionName=dynsync"} <= set(sent.split("&"))
    assert (frozen.access_key, frozen.token) == ("ASIA1", "role-token")


def test_role_when_its_session_is_about_to_end_is_assumed_again(
    own_keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, sts := Sts(ends=dt.timedelta(minutes=5)))
    credentials = load_credentials(role_arn=ROLE, sts_endpoint_url="http://sts.test")

    keys = [credentials.get_frozen_credentials().access_key for _ in range(2)]

    assert keys[0] != keys[1]
    assert {request.url for request in sts.requests} == {"http://sts.test/"}


def test_role_when_it_may_not_be_assumed_says_so_at_the_first_call(
    own_keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Sts(status=403))
    credentials = load_credentials(role_arn=ROLE, external_id="wrong-id")
    client = create_client(credentials=credentials, region_name="eu-west-1", endpoint_url="http://127.0.0.1:1")

    with pytest.raises(errors.AccessDeniedError, match=r"AssumeRole was denied.*external ID") as caught:
        call(client, "DescribeTable", "Users", {"TableName": "Users"})

    assert "wrong-id" not in str(caught.value)


def test_secrets_when_credentials_are_shown_stay_hidden(own_keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Sts())
    role = load_credentials(role_arn=ROLE, external_id="x-secret-id")
    role.get_frozen_credentials()

    shown = f"{load_credentials()!r} {role!r}"

    assert not [secret for secret in ("own-secret", "role-secret", "role-token", "x-secret") if secret in shown]


READ = {"BatchGetItem", "DescribeTable", "DescribeTimeToLive", "GetItem", "PartiQLSelect", "Query", "Scan"}
WRITE = {"BatchWriteItem", "DeleteItem", "PartiQLInsert", "PartiQLUpdate", "PutItem", "UpdateItem"}
CREATE = {"CreateTable", "UpdateTimeToLive"}


@pytest.mark.parametrize(
    ("policy", "actions"),
    [
        (read_policy, READ),
        (write_policy, READ | WRITE),
        (partial(write_policy, creates=CreationOptions()), READ | WRITE | CREATE),
        (partial(read_policy, copies_tags=True), READ | {"ListTagsOfResource"}),
        (
            partial(write_policy, creates=CreationOptions(copy_tags=True)),
            READ | WRITE | CREATE | {"TagResource"},
        ),
        (
            partial(write_policy, creates=CreationOptions(tags={"a": "b"}, point_in_time_recovery=True)),
            READ | WRITE | CREATE | {"TagResource", "UpdateContinuousBackups"},
        ),
    ],
)
def test_policy_when_made_allows_its_actions_on_the_table_and_its_indexes_alone(
    policy: Any, actions: set[str]
) -> None:
    document = policy(ARN)

    table, list_tables = document["Statement"]
    assert document["Version"] == "2012-10-17"
    assert (table["Effect"], list_tables["Effect"]) == ("Allow", "Allow")
    assert set(table["Action"]) == {f"dynamodb:{action}" for action in actions}
    assert table["Resource"] == [ARN, f"{ARN}/index/*"]
    assert (list_tables["Action"], list_tables["Resource"]) == ("dynamodb:ListTables", "*")


@pytest.mark.parametrize("arn", ["Users", f"{ARN}/index/i", "arn:aws:s3:::bucket", f"{ARN}\n"])
def test_policy_when_the_arn_is_no_table_s_is_refused(arn: str) -> None:
    with pytest.raises(ValueError, match="not the ARN of a table"):
        read_policy(arn)


def test_trust_policy_when_made_asks_for_the_external_id() -> None:
    (statement,) = trust_policy("arn:aws:iam::000000000000:user/airflow", "x-1")["Statement"]

    assert statement == {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/airflow"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "x-1"}},
    }


@pytest.mark.parametrize(
    ("a", "a_endpoint", "b", "b_endpoint", "same"),
    [
        (TABLE, None, TABLE, "https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com", True),
        (TABLE, None, dataclasses.replace(TABLE, table_id="two"), None, False),
        (LOCAL, "http://localhost:8009", LOCAL, "http://127.0.0.1:8009/", True),
        (LOCAL, "http://localhost:8009", LOCAL, "http://localhost:8010", False),
        (LOCAL, "http://db:8000", dataclasses.replace(LOCAL, name="Other"), "http://db:8000", False),
        (LOCAL, "http://db", dataclasses.replace(LOCAL, account_id="111111111111"), "http://db", False),
        (LOCAL, "http://db", dataclasses.replace(LOCAL, region="eu-west-1"), "http://db", False),
        (LOCAL, "http://db:80", LOCAL, "http://DB", True),
        (dataclasses.replace(TABLE, table_id=None), None, TABLE, None, True),
    ],
)
def test_same_table_when_compared_goes_by_id_else_by_place_and_name(
    a: TableDescription, a_endpoint: str | None, b: TableDescription, b_endpoint: str | None, same: bool
) -> None:
    assert same_table(a, a_endpoint, b, b_endpoint) is same
    assert same_table(b, b_endpoint, a, a_endpoint) is same
