"""What a created destination gets beside what its source has: on ministack, which knows tags and backups."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from airflow_dynsync.cli import main
from airflow_dynsync.dynamodb.calls import Backoff
from airflow_dynsync.dynamodb.creation import create_like
from airflow_dynsync.dynamodb.creation_options import CreationOptions
from airflow_dynsync.dynamodb.errors import AccessDeniedError, DynamoDBError
from airflow_dynsync.dynamodb.policies import read_policy, write_policy
from airflow_dynsync.dynamodb.tables import table_tags
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.job import SyncJob, run_sync
from local.accounts import create_user, table_arn
from local.dynamodb import AccessKey, Server
from tests.tables import read_all, wire_client

QUICK = Backoff(base_seconds=0.001, cap_seconds=0.01, patience_seconds=30)
IMPATIENT = Backoff(base_seconds=0.001, cap_seconds=0.01, patience_seconds=0.05)
EVERYTHING = CreationOptions(
    billing="on_demand",
    tags={"team": "data", "stage": "test"},
    copy_tags=True,
    stream="NEW_AND_OLD_IMAGES",
    point_in_time_recovery=True,
    deletion_protection=True,
)
RICH: dict[str, Any] = {
    "BillingMode": "PROVISIONED",
    "ProvisionedThroughput": {"ReadCapacityUnits": 11, "WriteCapacityUnits": 5},
    "Tags": [{"Key": "owner", "Value": "shop"}, {"Key": "stage", "Value": "production"}],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
}
ACCOUNTS = tuple(f"{secrets.randbelow(10**12):012}" for _ in range(2))


@pytest.fixture
def source(ministack_server: Server) -> Any:
    return wire_client(ministack_server, AccessKey(ACCOUNTS[0]))


@pytest.fixture
def destination(ministack_server: Server) -> Iterator[Any]:
    client = wire_client(ministack_server, AccessKey(ACCOUNTS[1]))
    yield client
    for name in client.list_tables()["TableNames"]:
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
        client.delete_table(TableName=name)


def recovers(client: Any, table_name: str) -> bool:
    """Whether a table has point-in-time recovery."""
    told = client.describe_continuous_backups(TableName=table_name)["ContinuousBackupsDescription"]
    return bool(told["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED")


def refuse_backups(client: Any, code: str, times: int) -> list[str]:
    """Let a client's first calls for an existing table be refused; return what gets its body for each call."""
    asked: list[str] = []

    def answer(request: Any, **_: Any) -> AWSResponse | None:
        if "made" not in client.list_tables()["TableNames"]:
            return None
        asked.append(request.body.decode())
        if len(asked) > times:
            return None
        response = AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, None)
        response._content = b'{"__type": "com.amazon#' + code.encode() + b'", "message": "no"}'
        return response

    client.meta.events.register("before-send.dynamodb.UpdateContinuousBackups", answer)
    return asked


def test_a_created_table_has_all_that_is_asked_for(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name = create_table(source, {"Id": "S"}, **RICH)
    made = create_like(source, name, destination, "made", EVERYTHING)
    assert (made.billing_mode, made.provisioned, made.stream_view) == (
        "PAY_PER_REQUEST",
        None,
        "NEW_AND_OLD_IMAGES",
    )
    assert table_tags(destination, "made", made.arn) == {"owner": "shop", "stage": "test", "team": "data"}
    assert recovers(destination, "made")
    assert destination.describe_table(TableName="made")["Table"]["DeletionProtectionEnabled"] is True


def test_a_created_table_has_nothing_of_it_unless_it_is_asked_for(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name = create_table(source, {"Id": "S"}, **RICH)
    source.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    called: list[str] = []
    source.meta.events.register(
        "before-send.dynamodb", lambda request, **_: called.append(request.headers["X-Amz-Target"].decode())
    )
    made = create_like(source, name, destination, "made")
    assert (made.billing_mode, made.stream_view) == ("PROVISIONED", None)
    assert table_tags(destination, "made", made.arn) == {}
    assert not recovers(destination, "made")
    assert not destination.describe_table(TableName="made")["Table"]["DeletionProtectionEnabled"]
    assert [target.partition(".")[2] for target in called] == ["DescribeTable", "DescribeTimeToLive"]


@pytest.mark.parametrize(("more", "view"), [(RICH, "KEYS_ONLY"), ({}, None)])
def test_a_stream_like_the_sources_is_there_where_the_source_has_one(
    create_table: Callable[..., str], source: Any, destination: Any, more: dict[str, Any], view: str | None
) -> None:
    name = create_table(source, {"Id": "S"}, **more)
    assert (
        create_like(source, name, destination, "made", CreationOptions(stream="like_source")).stream_view == view
    )


def test_backups_that_a_new_table_cannot_have_yet_are_asked_for_again(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name, options = create_table(source, {"Id": "S"}), CreationOptions(point_in_time_recovery=True)
    asked = refuse_backups(destination, "ContinuousBackupsUnavailableException", 2)
    create_like(source, name, destination, "made", options, backoff=QUICK)
    assert len(asked) == 3
    assert recovers(destination, "made")


def test_backups_that_never_become_possible_end_it(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name, options = create_table(source, {"Id": "S"}), CreationOptions(point_in_time_recovery=True)
    refuse_backups(destination, "ContinuousBackupsUnavailableException", 10**6)
    with pytest.raises(DynamoDBError, match="cannot be backed up yet") as told:
        create_like(source, name, destination, "made", options, backoff=IMPATIENT)
    assert told.value.kind == "transient"


@pytest.mark.parametrize("expires", [True, False])
def test_what_is_denied_afterwards_is_known_before_a_table_is_created(
    ministack_server: Server,
    create_table: Callable[..., str],
    source: Any,
    destination: Any,
    expires: bool,
) -> None:
    name = create_table(source, {"Id": "S"})
    if expires:
        specification = {"Enabled": True, "AttributeName": "Ends"}
        source.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    options = CreationOptions(point_in_time_recovery=not expires)
    policy = write_policy(table_arn(ministack_server, ACCOUNTS[1], "made"), creates=CreationOptions())
    allowed = policy["Statement"][0]["Action"]
    if expires:
        allowed.remove("dynamodb:UpdateTimeToLive")
    key = create_user(ministack_server, ACCOUNTS[1], f"writer-{expires}", policy)
    action = "UpdateTimeToLive" if expires else "UpdateContinuousBackups"
    with pytest.raises(AccessDeniedError, match=f"dynamodb:{action}"):
        create_like(source, name, wire_client(ministack_server, key), "made", options)
    assert destination.list_tables()["TableNames"] == []


def test_a_server_without_backups_or_tags_is_found_out_before_a_table_is_created(
    dynamodb_local: Server, create_table: Callable[..., str]
) -> None:
    clients = [wire_client(dynamodb_local, AccessKey(f"creationOptions{side}")) for side in ("A", "B")]
    name = create_table(clients[0], {"Id": "S"})
    for options in (CreationOptions(point_in_time_recovery=True), CreationOptions(copy_tags=True)):
        with pytest.raises(DynamoDBError, match="UnknownOperationException"):
            create_like(clients[0], name, clients[1], "made", options)
    assert clients[1].list_tables()["TableNames"] == []


def test_the_policies_that_are_printed_suffice_for_all_that_can_be_asked(
    ministack_server: Server, fill: Callable[..., str], source: Any, destination: Any
) -> None:
    name = fill(source, {"Id": "S"}, [{"Id": {"S": str(number)}} for number in range(20)], **RICH)
    source.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "Ends"})
    policies = (
        read_policy(table_arn(ministack_server, ACCOUNTS[0], name), copies_tags=True),
        write_policy(table_arn(ministack_server, ACCOUNTS[1], "made"), creates=EVERYTHING),
    )
    policies[0]["Statement"][0]["Resource"] = "*"  # ministack finds no table in a request that names its ARN
    clients = [
        wire_client(ministack_server, create_user(ministack_server, account, "sync", policy))
        for account, policy in zip(ACCOUNTS, policies, strict=True)
    ]
    job = SyncJob(
        name, "made", Mapping.parse({}), secret=b"a secret for these tests", create_destination=EVERYTHING
    )
    assert run_sync(job, *clients).items_written == 20
    assert recovers(destination, "made")


def test_a_source_whose_tags_may_not_be_read_ends_it_before_a_table_is_created(
    ministack_server: Server, create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name = create_table(source, {"Id": "S"})
    policy = read_policy(table_arn(ministack_server, ACCOUNTS[0], name))
    reader = wire_client(ministack_server, create_user(ministack_server, ACCOUNTS[0], "reader", policy))
    with pytest.raises(AccessDeniedError, match="dynamodb:ListTagsOfResource"):
        create_like(reader, name, destination, "made", CreationOptions(copy_tags=True))
    assert destination.list_tables()["TableNames"] == []


def test_the_sync_command_creates_what_its_options_say(
    ministack_server: Server,
    fill: Callable[..., str],
    source: Any,
    destination: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = fill(source, {"Id": "S"}, [{"Id": {"S": "1"}}], **RICH)
    (tmp_path / "mapping.yaml").write_text("mappings: {}\n")
    profiles = zip(("source", "destination"), ACCOUNTS, strict=True)
    (tmp_path / "credentials").write_text(
        "".join(f"[{side}]\naws_access_key_id={account}\naws_secret_access_key=k\n" for side, account in profiles)
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    command = ["sync", str(tmp_path / "mapping.yaml"), "--source-table", name, "--destination-table", "made"]
    for side in ("source", "destination"):
        command += [f"--{side}-region", ministack_server.region, f"--{side}-profile", side]
        command += [f"--{side}-endpoint-url", ministack_server.endpoint_url]
    asked = ["--create-destination", "--tag", "team=data", "--tag", "note=a=b", "--copy-tags"]
    asked += ["--point-in-time-recovery", "--stream", "like_source", "--billing", "on_demand"]
    assert main([*command, *asked, "--deletion-protection"]) == 0
    made = destination.describe_table(TableName="made")["Table"]
    assert (made["StreamSpecification"]["StreamViewType"], made["DeletionProtectionEnabled"]) == (
        "KEYS_ONLY",
        True,
    )
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    tags = {"team": "data", "note": "a=b", "owner": "shop", "stage": "production"}
    assert table_tags(destination, "made", made["TableArn"]) == tags
    assert recovers(destination, "made")
    assert len(read_all(destination, "made")) == 1
