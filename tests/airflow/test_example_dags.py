"""Every example DAG, run as it is against real servers, and what it leaves in the destination."""

from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.mapping_file import read_mapping_file
from local import dataset
from local.dynamodb import AccessKey, Server
from local.sides import DESTINATION_TABLE, SOURCE_TABLE, Sides, sides_on_ministack, sides_with_keys
from local.ui import SAMPLE_TABLE
from local.verification import verify
from tests.shop import TABLES, Shop, graph, items_of_the_shop
from tests.tables import wire_client

EXAMPLES = Path(__file__).parents[2] / "dags_examples"
SECRET = "a secret for these tests"
CUSTOMERS = 40


@pytest.fixture(scope="module")
def accounts() -> Iterator[Sides]:
    """Production and staging in accounts of their own, entered by roles with external IDs."""
    with sides_on_ministack() as sides:
        dataset.fill_table(sides.source.server, sides.source.key, SOURCE_TABLE, CUSTOMERS)
        yield sides


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sides], None]:
    """`connections(sides)` makes the connections of the examples, and the secret."""
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", SECRET)

    def make(sides: Sides) -> None:
        for name, value in sides.environment().items():
            monkeypatch.setenv(name, value)

    return make


@pytest.fixture
def empty_destination(accounts: Sides) -> Sides:
    client = accounts.destination.server.client(key=accounts.destination.key)
    client.delete_table(TableName=DESTINATION_TABLE)
    dataset.create_table(client, DESTINATION_TABLE)
    return accounts


def example(run_dag: Callable[..., Any], dag_id: str, file: str | None = None) -> dict[str, str]:
    """Run an example and return the states of its tasks."""
    run = run_dag(f"dags_examples/{file or dag_id}.py", dag_id)
    return {task.task_id: task.state for task in run.get_task_instances()}


def mapping_of_the_file() -> Mapping:
    return read_mapping_file(EXAMPLES / "mappings" / "customers.yaml").table(SOURCE_TABLE)


def assert_refreshed(sides: Sides, mapping: Mapping, secret: str = SECRET) -> None:
    source, destination = sides.source.read(SOURCE_TABLE), sides.destination.read(DESTINATION_TABLE)
    found = verify(source, destination, mapping, key_attributes=dataset.KEYS, secret=secret.encode())
    assert not found.problems
    assert found.items == len(source) > CUSTOMERS
    references = dataset.check_references(destination)
    assert not references.broken
    assert references.keys == len(source)


def test_every_file_of_the_examples_is_tested_here() -> None:
    tested = {
        "nightly_staging_refresh",
        "subset_with_where",
        "javascript_for_a_list",
        "cross_account_role",
        "several_tables",
        "large_table",
    }
    assert {file.stem for file in EXAMPLES.glob("*.py")} == tested


def test_nightly_staging_refresh_refreshes_the_table_and_starts_what_waits_for_it(
    empty_destination: Sides,
    connections: Callable[[Sides], None],
    run_dag: Callable[..., Any],
) -> None:
    from airflow.models import DagModel
    from airflow.models.asset import AssetDagRunQueue, AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select, update

    # By hand, when nothing has arrived; and not paused, as it has to be to wait.
    states = example(run_dag, "after_staging_refresh", "nightly_staging_refresh")
    assert states == {"say_what_arrived": "success"}
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "after_staging_refresh").values(is_paused=False))
    connections(empty_destination)
    states = example(run_dag, "nightly_staging_refresh")
    assert states == dict.fromkeys(("source_is_ready", "destination_is_ready", "refresh"), "success")
    assert_refreshed(empty_destination, mapping_of_the_file())
    with create_session() as session:
        uri, extra = session.execute(
            select(AssetModel.uri, AssetEvent.extra)
            .join(AssetEvent.asset)
            .where(AssetEvent.source_dag_id == "nightly_staging_refresh")
        ).one()
        queued = session.scalars(select(AssetDagRunQueue.target_dag_id)).all()
    assert uri == f"dynamodb://eu-west-1/{DESTINATION_TABLE}"
    assert extra["items_written"] == len(empty_destination.source.read(SOURCE_TABLE))
    assert "after_staging_refresh" in queued


def test_cross_account_role_refreshes_the_table_with_the_secret_of_a_connection(
    empty_destination: Sides,
    connections: Callable[[Sides], None],
    add_connection: Callable[..., str],
    run_dag: Callable[..., Any],
) -> None:
    connections(empty_destination)
    add_connection("dynsync_secret", conn_type="generic", password="the secret of a connection")
    assert example(run_dag, "cross_account_role") == {"refresh": "success"}
    assert_refreshed(empty_destination, mapping_of_the_file(), "the secret of a connection")


def test_javascript_for_a_list_rewrites_households_by_what_the_rest_of_the_item_becomes(
    empty_destination: Sides,
    connections: Callable[[Sides], None],
    run_dag: Callable[..., Any],
    parse_dags: Callable[[Path], Any],
) -> None:
    connections(empty_destination)
    assert example(run_dag, "javascript_for_a_list") == {"refresh": "success"}
    dag = parse_dags(EXAMPLES / "javascript_for_a_list.py").dags["javascript_for_a_list"]
    assert_refreshed(empty_destination, Mapping(mappings=dag.get_task("refresh").mappings))
    households = [
        (item["name"]["S"].split()[-1], [person["M"] for person in item["household"]["L"]])
        for item in empty_destination.destination.read(DESTINATION_TABLE)
        if "household" in item
    ]
    people = [(surname, person) for surname, household in households for person in household]
    assert len(households) == CUSTOMERS
    assert people
    for surname, person in people:
        assert person["name"]["S"].split()[-1] == surname
        assert person["relation"]["S"] in ("partner", "parent")
        assert person["birthday"]["S"].endswith("-01-01")


def test_large_table_is_refreshed_by_several_tasks_side_by_side(
    empty_destination: Sides,
    connections: Callable[[Sides], None],
    run_dag: Callable[..., Any],
    parse_dags: Callable[[Path], Any],
) -> None:
    connections(empty_destination)
    run = run_dag("dags_examples/large_table.py", "large_table")
    states = {task.rendered_map_index or task.task_id: task.state for task in run.get_task_instances()}
    segments = [f"segments {first}-{first + 3} of 16" for first in (0, 4, 8, 12)]
    assert states == dict.fromkeys(["refresh.plan", *segments, "refresh.verify"], "success")
    dag = parse_dags(EXAMPLES / "large_table.py").dags["large_table"]
    assert_refreshed(empty_destination, Mapping(mappings=dag.get_task("refresh.plan").mappings))


def test_subset_with_where_copies_what_the_where_says_and_nothing_else(
    two_dynamodb_locals: tuple[Server, Server],
    connections: Callable[[Sides], None],
    run_dag: Callable[..., Any],
) -> None:
    sides = sides_with_keys(*two_dynamodb_locals, [SAMPLE_TABLE])
    dataset.fill_table(sides.source.server, sides.source.key, SOURCE_TABLE, CUSTOMERS)
    connections(sides)
    assert example(run_dag, "subset_with_where") == {"copy": "success"}
    gold = [
        item
        for item in sides.source.read(SOURCE_TABLE)
        if item["entity"]["S"] == "customer" and item["loyalty"]["M"]["tier"]["S"] == "gold"
    ]
    assert 0 < len(gold) < CUSTOMERS
    found = verify(
        gold,
        sides.destination.read(SAMPLE_TABLE),
        mapping_of_the_file(),
        key_attributes=dataset.KEYS,
        secret=SECRET.encode(),
    )
    assert found.holds
    assert found.items == len(gold)


def test_several_tables_still_refer_to_each_other(
    two_dynamodb_locals: tuple[Server, Server],
    add_connection: Callable[..., str],
    run_dag: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", SECRET)
    shops = []
    for side, server, suffix in zip(("source", "destination"), two_dynamodb_locals, ("", "Staging"), strict=True):
        key = AccessKey(f"shop{token_hex(6)}")
        extra = {"endpoint_url": server.endpoint_url, "region_name": server.region}
        add_connection(f"dynsync_{side}", login=key.access_key_id, password=key.secret_access_key, extra=extra)
        shops.append(Shop.opened(wire_client(server, key), suffix))
    source, destination = shops
    source.fill(items_of_the_shop(customers=20))
    states = example(run_dag, "several_tables")
    assert states == {f"refresh.{table}": "success" for table in TABLES}
    before, after = graph(source), graph(destination)
    assert before
    assert after == before
    emails = [{item["email"]["S"] for item in shop.items("Customers")} for shop in shops]
    assert not set.intersection(*emails)
