"""A task group that syncs the tables of a mapping file."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_dynsync.cli import main
from airflow_dynsync.dynamodb.writer import write_items
from airflow_dynsync.sync.errors import MappingFileError
from airflow_dynsync.task_groups.dynamodb import dynamodb_anonymize_sync_tables
from local.dynamodb import AccessKey, Server
from tests.tables import read_all, wire_client

CONNECTIONS = {"source_conn_id": "sync_source", "destination_conn_id": "sync_destination"}


@pytest.fixture
def sides(two_dynamodb_locals: tuple[Server, Server]) -> dict[str, Server]:
    return dict(zip(("source", "destination"), two_dynamodb_locals, strict=True))


@pytest.fixture
def table(sides: dict[str, Server]) -> Iterator[Callable[..., tuple[Any, str]]]:
    """`table("source", "Users", items)` makes a table of one side with the key Id."""
    made = []

    def make(side: str, name: str, items: list[dict[str, Any]]) -> tuple[Any, str]:
        client = wire_client(sides[side], AccessKey("group"))
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        made.append((client, name))
        write_items(client, name, items, key_names=["Id"])
        return client, name

    yield make
    for client, name in made:
        client.delete_table(TableName=name)


def test_each_table_of_the_file_is_synced_by_a_task_of_its_own(
    sides: dict[str, Server],
    table: Callable[..., tuple[Any, str]],
    add_connection: Callable[..., str],
    run_dag: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", "a secret for these tests")
    for side, server in sides.items():
        extra = {"endpoint_url": server.endpoint_url, "region_name": server.region}
        add_connection(f"sync_{side}", login="group", password="local", extra=extra)
    emails = [f"person{number}@corp.test" for number in range(10)]
    table("source", "GroupUsers", [{"Id": {"S": str(n)}, "Email": {"S": mail}} for n, mail in enumerate(emails)])
    table("source", "Group.Orders", [{"Id": {"S": str(n)}, "Buyer": {"S": mail}} for n, mail in enumerate(emails)])
    users, orders = table("destination", "GroupUsersStage", []), table("destination", "Group.Orders", [])

    run = run_dag("tests/airflow/dags/sync_tables.py", "sync_tables")

    states = {task.task_id: task.state for task in run.get_task_instances()}
    assert states == {"staging.GroupUsers": "success", "staging.Group_Orders": "success"}
    copied = read_all(*users)
    assert {item["Id"]["S"] for item in copied} == {str(number) for number in range(1, 10)}
    assert all(item["Email"]["S"].endswith("@corp.test") for item in copied)
    assert not {item["Email"]["S"] for item in copied} & set(emails)
    assert all(item["Buyer"]["S"] not in emails for item in read_all(*orders))
    assert len(read_all(*orders)) == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mappings: {}", "tables was expected"),
        ("tables: {Users: {mappings: {Email: transform_emial}}}", "tables.Users: mappings.Email: no transformer"),
    ],
)
def test_a_file_that_is_wrong_or_of_one_table_is_refused_when_the_dag_is_parsed(
    text: str, message: str, tmp_path: Path
) -> None:
    from airflow.sdk import DAG

    file = tmp_path / "mapping.yaml"
    file.write_text(text)
    with DAG("wrong"), pytest.raises(MappingFileError, match=message):
        dynamodb_anonymize_sync_tables(mapping_file=file, **CONNECTIONS)


def test_a_job_from_neosync_becomes_a_dag_that_parses(tmp_path: Path, parse_dags: Callable[[Path], Any]) -> None:
    rule = {"transformer": {"config": {"generateFullNameConfig": {}}}}
    job = {
        "name": "from neosync",
        "mappings": [{"table": name, "column": "Name", **rule} for name in ("Users", "Pets")],
    }
    file = tmp_path / "job.json"
    file.write_text(json.dumps(job))
    assert main(["import-neosync", str(file), "--job", "--output", str(tmp_path)]) == 0
    bag = parse_dags(tmp_path / "from_neosync.py")
    assert bag.import_errors == {}
    assert set(bag.dags["from_neosync"].task_ids) == {"anonymize_sync_tables.Users", "anonymize_sync_tables.Pets"}
