"""The hook against a server that checks roles, external IDs and policies as AWS does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, redact

from airflow_dynsync.dynamodb.errors import EndpointError
from airflow_dynsync.hooks.dynamodb import DynamoDBSyncHook
from local.accounts import Accounts, set_up_accounts
from local.dynamodb import AccessKey, Server

_ACCOUNT_IDS = ("300000000000", "311111111111", "322222222222")
_TABLE = "Users"


@pytest.fixture(scope="module")
def accounts(ministack_server: Server) -> Accounts:
    """A user that may assume `reader`, which may describe and scan the table, with one item, and nothing else."""
    accounts = set_up_accounts(ministack_server, _TABLE, "UsersStage", account_ids=_ACCOUNT_IDS)
    client = ministack_server.client(key=accounts.production)
    client.create_table(
        TableName=_TABLE,
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName=_TABLE, Item={"Id": {"S": "1"}, "Age": {"N": "32"}})
    return accounts


@pytest.fixture
def connect(
    ministack_server: Server, accounts: Accounts, add_connection: Callable[..., str]
) -> Callable[..., DynamoDBSyncHook]:
    """`connect(external_id=..., ...)` returns a hook for the role `reader`; a field given as None is left out."""

    def connect(*, key: AccessKey = accounts.key, **changed: Any) -> DynamoDBSyncHook:
        extra = {
            "role_arn": accounts.reader.arn,
            "external_id_secret": accounts.reader.external_id,
            "region_name": ministack_server.region,
            "endpoint_url": ministack_server.endpoint_url,
            "sts_endpoint_url": ministack_server.endpoint_url,
        } | changed
        extra = {name: value for name, value in extra.items() if value is not None}
        conn_id = add_connection("prod", login=key.access_key_id, password=key.secret_access_key, extra=extra)
        return DynamoDBSyncHook(conn_id)

    return connect


@pytest.fixture
def closed_port() -> str:
    """The URL of a port where nobody listens."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_role_in_another_account_is_assumed_with_its_external_id(connect: Callable[..., DynamoDBSyncHook]):
    assert connect().conn.scan(TableName=_TABLE)["Items"] == [{"Id": {"S": "1"}, "Age": {"N": "32"}}]


def test_an_external_id_written_by_hand_opens_the_role_too(
    connect: Callable[..., DynamoDBSyncHook], accounts: Accounts
):
    hook = connect(external_id_secret=None, external_id=accounts.reader.external_id)
    assert hook.conn.scan(TableName=_TABLE)["Count"] == 1


def test_a_plain_aws_connection_works_with_its_nested_external_id(
    ministack_server: Server,
    accounts: Accounts,
    add_connection: Callable[..., str],
    recwarn: pytest.WarningsRecorder,
):
    extra = {
        "role_arn": accounts.reader.arn,
        "assume_role_kwargs": {"ExternalId": accounts.reader.external_id},
        "region_name": ministack_server.region,
        "endpoint_url": ministack_server.endpoint_url,
        "service_config": {"sts": {"endpoint_url": ministack_server.endpoint_url}},
    }
    keys = {"login": accounts.key.access_key_id, "password": accounts.key.secret_access_key}
    hook = DynamoDBSyncHook(add_connection("plain", conn_type="aws", extra=extra, **keys))
    assert hook.conn.scan(TableName=_TABLE)["Count"] == 1
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


@pytest.mark.parametrize("external_id", ["wrong-id", None])
def test_a_wrong_or_missing_external_id_is_refused_and_the_message_says_so(
    connect: Callable[..., DynamoDBSyncHook], external_id: str | None
):
    with pytest.raises(
        AirflowFailException, match=r"Connection 'prod': AssumeRole was denied.*external ID"
    ) as refused:
        _ = connect(external_id_secret=external_id).conn
    assert "wrong-id" not in str(refused.value)


def test_the_wire_client_has_the_roles_credentials_region_and_endpoint(
    connect: Callable[..., DynamoDBSyncHook], ministack_server: Server
):
    client = connect().wire_client(max_connections=7)
    assert client.scan(TableName=_TABLE)["Items"] == [{"Id": {"S": "1"}, "Age": {"N": "32"}}]
    assert client.meta.region_name == ministack_server.region
    assert client.meta.endpoint_url == ministack_server.endpoint_url
    assert client.meta.config.max_pool_connections == 7


def test_a_connection_can_ask_for_botocores_client_under_the_same_interface(
    connect: Callable[..., DynamoDBSyncHook],
):
    client = connect(client="botocore").wire_client()
    sent: list[str] = []
    client.meta.events.register("request-created.dynamodb.Scan", lambda **it: sent.append(it["operation_name"]))
    assert client.scan(TableName=_TABLE)["Items"] == [{"Id": {"S": "1"}, "Age": {"N": "32"}}]
    assert sent == ["Scan"]  # the short way emits no such event


def test_a_role_is_assumed_once_for_all_clients_of_a_hook(connect: Callable[..., DynamoDBSyncHook]):
    hook = connect()
    sessions = {id(hook.get_session()), id(hook.get_session(hook.region))}
    used = {_signing_key(client) for client in (hook.conn, hook.wire_client(), hook.wire_client())}
    assert len(sessions) == len(used) == 1


@pytest.mark.parametrize("make", [lambda hook: hook.conn, lambda hook: hook.wire_client()])
def test_credentials_that_end_in_the_middle_of_a_run_are_renewed(
    connect: Callable[..., DynamoDBSyncHook], make: Callable[[DynamoDBSyncHook], Any]
):
    hook = connect()
    client = make(hook)
    client.scan(TableName=_TABLE)
    before = _signing_key(client)
    hook.get_session().get_credentials()._expiry_time = datetime.now(UTC)
    assert client.scan(TableName=_TABLE)["Count"] == 1
    assert _signing_key(client) != before


def test_a_role_that_is_closed_in_the_middle_of_a_run_is_an_error_that_names_it(
    connect: Callable[..., DynamoDBSyncHook], ministack_server: Server, accounts: Accounts
):
    from airflow_dynsync.dynamodb.errors import AccessDeniedError
    from airflow_dynsync.dynamodb.tables import describe_table

    hook = connect()
    describe_table(hook.wire_client(), _TABLE)
    hook.conn_config.assume_role_kwargs["ExternalId"] = "changed-meanwhile"
    client = hook.wire_client()
    hook.get_session().get_credentials()._expiry_time = datetime.now(UTC)
    with pytest.raises(AccessDeniedError, match="AssumeRole was denied"):
        describe_table(client, _TABLE)


def test_sts_is_not_called_on_the_dynamodb_endpoint(connect: Callable[..., DynamoDBSyncHook], closed_port: str):
    hook = connect(sts_endpoint_url=closed_port)
    with pytest.raises(EndpointError, match="cannot be reached"):
        _ = hook.conn


@pytest.mark.parametrize("conn_type", ["dynsync_dynamodb", "aws"])
def test_sts_is_that_of_aws_where_only_dynamodb_has_an_endpoint(
    add_connection: Callable[..., str], conn_type: str
):
    extra = {"endpoint_url": "http://127.0.0.1:8009", "region_name": "eu-west-1"}
    hook = DynamoDBSyncHook(add_connection("prod", conn_type=conn_type, login="a", password="b", extra=extra))
    assert hook.conn.meta.endpoint_url == hook.endpoint_url == "http://127.0.0.1:8009"
    for purpose in ({}, {"sts_connection_assume": True}, {"sts_test_connection": True}):
        assert hook.conn_config.get_service_endpoint_url("sts", **purpose) is None


def test_a_connection_that_does_not_exist_is_an_error_even_where_the_machine_has_credentials(
    monkeypatch: pytest.MonkeyPatch, airflow_database: None
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "machine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "machine")
    with pytest.raises(AirflowFailException, match=r"no connection 'absent'.*airflow connections add absent"):
        _ = DynamoDBSyncHook("absent", region_name="eu-west-1").conn


@pytest.mark.parametrize("conn_id", ["", None])
def test_no_connection_id_is_an_error_that_says_how_to_use_the_machines_credentials(conn_id: Any):
    with pytest.raises(AirflowFailException, match="name a connection, whose fields may all be empty"):
        _ = DynamoDBSyncHook(conn_id).conn


def test_an_empty_connection_uses_the_credentials_and_region_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, add_connection: Callable[..., str]
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "machine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "machine")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    hook = DynamoDBSyncHook(add_connection("empty"))
    assert (_signing_key(hook.conn), hook.region, hook.endpoint_url) == ("machine", "eu-central-1", None)


def test_a_connection_without_region_says_which_field_is_missing(add_connection: Callable[..., str]):
    with pytest.raises(AirflowFailException, match=r"Connection 'nowhere'.*region"):
        _ = DynamoDBSyncHook(add_connection("nowhere", login="a", password="b")).conn


def test_a_connection_without_keys_on_a_machine_without_credentials_says_so(add_connection: Callable[..., str]):
    with pytest.raises(AirflowFailException, match=r"Connection 'keyless'.*credentials"):
        _ = DynamoDBSyncHook(add_connection("keyless", extra={"region_name": "eu-west-1"})).conn


def test_a_profile_that_this_machine_does_not_have_is_named_as_the_cause(add_connection: Callable[..., str]):
    extra = {"region_name": "eu-west-1", "profile_name": "elsewhere"}
    with pytest.raises(AirflowFailException, match=r"Connection 'profiled'.*profile"):
        _ = DynamoDBSyncHook(add_connection("profiled", extra=extra)).conn


def test_what_a_profile_configures_beside_credentials_holds_for_the_wire_client_too(
    add_connection: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = tmp_path / "config"
    config.write_text(
        "[profile refresh]\nregion = eu-west-1\naws_access_key_id = AKID\naws_secret_access_key = secret\n"
        "use_fips_endpoint = true\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    hook = DynamoDBSyncHook(add_connection("profiled", extra={"profile_name": "refresh"}))

    assert hook.wire_client().meta.endpoint_url == "https://dynamodb-fips.eu-west-1.amazonaws.com"
    assert hook.conn.meta.endpoint_url == hook.wire_client().meta.endpoint_url


def test_a_field_that_is_wrong_fails_without_a_retry(connect: Callable[..., DynamoDBSyncHook]):
    with pytest.raises(AirflowFailException, match=r"'Role session seconds' \(duration_seconds\)"):
        _ = connect(duration_seconds=900).conn


def test_the_role_session_lasts_as_long_as_the_connection_says(connect: Callable[..., DynamoDBSyncHook]):
    credentials = connect(duration_seconds=7200).get_session().get_credentials()
    assert 7000 < (credentials._expiry_time - datetime.now(UTC)).total_seconds() <= 7200


def test_external_id_session_token_and_secret_key_are_masked_in_logs(add_connection: Callable[..., str]):
    secrets = {"external_id": "masked-external-id", "aws_session_token": "masked-session-token"}
    hook = DynamoDBSyncHook(
        add_connection("masked", login="a", password="masked-secret-key", extra=secrets | {"region_name": "r-1"})
    )
    assert hook.conn_config
    for secret in (*secrets.values(), "masked-secret-key"):
        assert redact(f"sent {secret}.") == "sent ***."


def test_the_test_button_names_identity_role_and_table(
    connect: Callable[..., DynamoDBSyncHook], accounts: Accounts
):
    succeeded, message = connect(test_table=_TABLE).test_connection()
    assert succeeded
    assert f"Assumed the role {accounts.reader.arn} with an external ID" in message
    assert f"signed in as arn:aws:sts::{_ACCOUNT_IDS[1]}:assumed-role/reader/" in message
    assert f"(account {_ACCOUNT_IDS[1]})" in message
    assert f"the table {_TABLE} is ACTIVE" in message


def test_the_test_button_names_the_user_where_no_role_is_assumed(
    connect: Callable[..., DynamoDBSyncHook], accounts: Accounts
):
    hook = connect(key=replace(accounts.production), role_arn=None, external_id_secret=None)
    succeeded, message = hook.test_connection()
    assert succeeded
    assert "Signed in as arn:aws:" in message
    assert f"(account {_ACCOUNT_IDS[1]})" in message
    assert "DynamoDB answers in eu-west-1" in message


def test_the_test_button_says_that_the_external_id_was_refused(connect: Callable[..., DynamoDBSyncHook]):
    succeeded, message = connect(external_id_secret="wrong-id").test_connection()
    assert not succeeded
    assert "AssumeRole was denied" in message
    assert "external ID" in message
    assert "wrong-id" not in message


def test_the_test_button_names_list_tables_and_how_to_do_without(connect: Callable[..., DynamoDBSyncHook]):
    succeeded, message = connect().test_connection()
    assert not succeeded
    assert "signed in as" in message
    assert "allow dynamodb:ListTables on *" in message
    assert "Test table" in message


def test_the_test_button_names_describe_table_where_that_is_refused(connect: Callable[..., DynamoDBSyncHook]):
    succeeded, message = connect(test_table="Others").test_connection()
    assert not succeeded
    assert "allow dynamodb:DescribeTable" in message


def test_the_test_button_says_that_the_test_table_does_not_exist(
    connect: Callable[..., DynamoDBSyncHook], accounts: Accounts
):
    hook = connect(key=accounts.production, role_arn=None, external_id_secret=None, test_table="Missing")
    succeeded, message = hook.test_connection()
    assert not succeeded
    assert "there is no such table" in message


def test_the_test_button_does_not_ask_aws_about_the_keys_of_a_local_server(
    connect: Callable[..., DynamoDBSyncHook], accounts: Accounts
):
    hook = connect(key=accounts.production, role_arn=None, external_id_secret=None, sts_endpoint_url=None)
    succeeded, message = hook.test_connection()
    assert succeeded
    assert "Whose access keys these are was not asked" in message
    assert "DynamoDB answers" in message


def test_the_test_button_still_asks_dynamodb_where_sts_is_out_of_reach(
    connect: Callable[..., DynamoDBSyncHook], accounts: Accounts, closed_port: str
):
    hook = connect(key=accounts.production, role_arn=None, external_id_secret=None, sts_endpoint_url=closed_port)
    succeeded, message = hook.test_connection()
    assert succeeded
    assert "Whose credentials these are is unknown" in message
    assert "DynamoDB answers" in message


def test_the_test_button_names_wrong_access_keys(connect: Callable[..., DynamoDBSyncHook]):
    succeeded, message = connect(key=AccessKey("AKIAUNKNOWN000000000", "no"), role_arn=None).test_connection()
    assert not succeeded
    assert "AWS does not accept the credentials" in message


def test_the_test_button_says_that_the_connection_is_wrong(connect: Callable[..., DynamoDBSyncHook]):
    succeeded, message = connect(retry_mode="never").test_connection()
    assert not succeeded
    assert "'Retry mode' (retry_mode) must be one of: standard, adaptive" in message


def _signing_key(client: Any) -> str:
    return client._request_signer._credentials.get_frozen_credentials().access_key
