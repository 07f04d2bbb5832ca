"""The table sensor in both modes, in DAG runs against a server that checks permissions."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_dynsync.dynamodb import tables
from airflow_dynsync.dynamodb.errors import EndpointError, ThrottledError
from airflow_dynsync.sensors.dynamodb import DynamoDBTableSensor
from airflow_dynsync.triggers.dynamodb import DynamoDBTableTrigger
from local.accounts import allow, create_user, table_arn
from local.dynamodb import AccessKey, Server

_ACCOUNT = AccessKey("333333333333")

both_modes = pytest.mark.parametrize("mode", ["poking", "deferrable"])


@dataclass
class Looks:
    """How often a table was looked at, and what is to happen just before the nth look."""

    count: int = 0
    before: dict[int, Callable[[], Any]] = field(default_factory=dict)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    looks, describe = Looks(), tables.describe_table

    def counted(client: Any, table_name: str) -> tables.TableDescription:
        looks.count += 1
        looks.before.get(looks.count, lambda: None)()
        return describe(client, table_name)

    monkeypatch.setattr(tables, "describe_table", counted)
    return looks


@pytest.fixture
def connect(ministack_server: Server, add_connection: Callable[..., str]) -> Callable[..., str]:
    def connect(key: AccessKey = _ACCOUNT) -> str:
        extra = {"endpoint_url": ministack_server.endpoint_url, "region_name": ministack_server.region}
        return add_connection("waiting", login=key.access_key_id, password=key.secret_access_key, extra=extra)

    return connect


@pytest.fixture
def wait(run_dag: Callable[..., Any]) -> Callable[..., tuple[str, int]]:
    """`wait("poking", conn_id, table_name)` runs the DAG and returns the sensor's state and number of tries."""

    def wait(mode: str, conn_id: str, table_name: str) -> tuple[str, int]:
        configuration = {"conn_id": conn_id, "table_name": table_name}
        run = run_dag("tests/airflow/dags/table_sensor.py", f"wait_for_table_{mode}", configuration)
        (task,) = run.get_task_instances()
        return task.state, task.try_number

    return wait


@both_modes
def test_a_table_that_is_ready_is_looked_at_once(
    mode: str,
    wait: Callable[..., tuple[str, int]],
    connect: Callable[..., str],
    create_table: Callable[..., str],
    ministack_server: Server,
    looks: Looks,
):
    table_name = create_table(ministack_server.client(key=_ACCOUNT), {"Id": "S"})
    assert wait(mode, connect(), table_name) == ("success", 1)
    assert looks.count == 1


@both_modes
def test_a_table_that_does_not_exist_yet_is_waited_for(
    mode: str,
    wait: Callable[..., tuple[str, int]],
    connect: Callable[..., str],
    ministack_server: Server,
    looks: Looks,
):
    client, table_name = ministack_server.client(key=_ACCOUNT), f"late-{mode}"
    looks.before[3] = lambda: client.create_table(
        TableName=table_name,
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert wait(mode, connect(), table_name) == ("success", 1)
    assert looks.count == 3


@both_modes
@pytest.mark.parametrize(
    "failure", [EndpointError("out of reach"), ThrottledError("slow down")], ids=["outage", "throttling"]
)
def test_an_outage_is_waited_out(
    mode: str,
    failure: Exception,
    wait: Callable[..., tuple[str, int]],
    connect: Callable[..., str],
    create_table: Callable[..., str],
    ministack_server: Server,
    looks: Looks,
):
    table_name = create_table(ministack_server.client(key=_ACCOUNT), {"Id": "S"})
    looks.before = {1: _raises(failure), 2: _raises(failure)}
    assert wait(mode, connect(), table_name) == ("success", 1)
    assert looks.count == 3


@both_modes
def test_a_permission_that_is_missing_fails_at_once_and_is_not_retried(
    mode: str,
    wait: Callable[..., tuple[str, int]],
    connect: Callable[..., str],
    ministack_server: Server,
    looks: Looks,
):
    key = create_user(ministack_server, _ACCOUNT.access_key_id, f"blind-{mode}", allow(["dynamodb:Scan"], ["*"]))
    assert wait(mode, connect(key), "Users") == ("failed", 1)
    assert looks.count == 1


@both_modes
def test_a_permission_that_is_taken_away_meanwhile_fails_without_a_retry(
    mode: str,
    wait: Callable[..., tuple[str, int]],
    connect: Callable[..., str],
    ministack_server: Server,
    looks: Looks,
):
    account_id, user, table_name = _ACCOUNT.access_key_id, f"fired-{mode}", "Never"
    policy = allow(["dynamodb:DescribeTable"], [table_arn(ministack_server, account_id, table_name)])
    key = create_user(ministack_server, account_id, user, policy)
    iam = ministack_server.client("iam", _ACCOUNT)
    looks.before[3] = lambda: iam.delete_user_policy(UserName=user, PolicyName=user)
    assert wait(mode, connect(key), table_name) == ("failed", 1)
    assert looks.count == 3


@both_modes
def test_a_connection_that_does_not_exist_fails_at_once_and_is_not_retried(
    mode: str, wait: Callable[..., tuple[str, int]], looks: Looks
):
    assert wait(mode, "absent", "Users") == ("failed", 1)
    assert looks.count == 0


def test_the_deferrable_sensor_defers_only_after_a_look_that_was_not_enough(
    connect: Callable[..., str], create_table: Callable[..., str], ministack_server: Server, looks: Looks
):
    ready = create_table(ministack_server.client(key=_ACCOUNT), {"Id": "S"})
    conn_id = connect()
    DynamoDBTableSensor(task_id="wait", conn_id=conn_id, table_name=ready, deferrable=True).execute({})
    missing = DynamoDBTableSensor(task_id="wait", conn_id=conn_id, table_name="Missing", deferrable=True)
    with pytest.raises(TaskDeferred):
        missing.execute({})
    assert looks.count == 2


def test_the_failure_names_connection_table_and_permission(connect: Callable[..., str], ministack_server: Server):
    key = create_user(ministack_server, _ACCOUNT.access_key_id, "blind", allow(["dynamodb:Scan"], ["*"]))
    sensor = DynamoDBTableSensor(task_id="wait", conn_id=connect(key), table_name="Users")
    with pytest.raises(
        AirflowFailException, match=r"Connection 'waiting': .*table 'Users' was denied.*dynamodb:DescribeTable"
    ):
        sensor.poke({})


def test_an_event_of_failure_becomes_the_tasks_failure():
    sensor = DynamoDBTableSensor(task_id="wait", conn_id="any", table_name="Users")
    with pytest.raises(AirflowFailException, match="the cause"):
        sensor.execute_complete({}, {"status": "failed", "message": "the cause"})


def test_a_status_that_dynamodb_does_not_know_is_an_error_when_the_dag_is_parsed():
    with pytest.raises(ValueError, match="target_status must be one of"):
        DynamoDBTableSensor(task_id="wait", conn_id="any", table_name="Users", target_status="READY")


def test_the_trigger_is_the_same_in_another_process():
    trigger = DynamoDBTableTrigger(
        conn_id="prod",
        table_name="Users",
        poll_interval=5.0,
        target_status="UPDATING",
        indexes_active=False,
        min_item_count=7,
    )
    _, arguments = trigger.serialize()
    again = DynamoDBTableTrigger(**json.loads(json.dumps(arguments)))
    assert again.serialize() == trigger.serialize()
    assert again.readiness == trigger.readiness


def _raises(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail
