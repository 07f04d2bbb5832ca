"""The operator: what is refused when a DAG is parsed, and what a run reads, writes, reports and announces."""

import os
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_dynsync.dynamodb.policies import read_policy, write_policy
from airflow_dynsync.engine import MappingError
from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator
from local.accounts import Accounts, set_up_accounts, table_arn
from local.dynamodb import AccessKey, Server
from tests.tables import by_key, read_all, wire_client

SECRET = "a secret for these tests"
MARK = "MaRkEdVaLuE"
SIDES = {
    "source_conn_id": "sync_source",
    "source_table": "Users",
    "destination_conn_id": "sync_destination",
    "destination_table": "UsersStage",
}

WRONG_MAPPINGS = [
    (
        {"Email": "transform_emial"},
        "mappings.Email: no transformer is named 'transform_emial' (did you mean transform_email?)",
    ),
    (
        {"Email": {"transformer": "transform_email", "preserve_domian": True}},
        "mappings.Email.preserve_domian: unknown name (did you mean preserve_domain?)",
    ),
    ({"Pets..Age": "generate_int64"}, "mappings.Pets..Age: unexpected '.' at character 6"),
    ({"Email": "transform_email", '"Email"': "null"}, 'mappings."Email": is as specific as mappings.Email'),
    (
        {"Email": {"transformer": "transform_email", "preserve_domain": "yes"}},
        "mappings.Email.preserve_domain: expected a valid boolean, got a string",
    ),
    (
        {"Id": {"transformer": "constant", "value": "x"}},
        "mappings.Id: constant gives different keys the same value",
    ),
    ({"Name": {"transformer": "transform_javascript", "code": "return value +"}}, "mappings.Name.code: "),
]


def operator(**arguments: Any) -> DynamoDBAnonymizeSyncOperator:
    return DynamoDBAnonymizeSyncOperator(task_id="sync", **SIDES | arguments)


@pytest.mark.parametrize(("mappings", "message"), WRONG_MAPPINGS)
def test_a_wrong_mapping_is_an_error_with_its_path_when_the_dag_is_parsed(
    mappings: dict[str, Any], message: str
) -> None:
    with pytest.raises(MappingError) as caught:
        operator(mappings=mappings, key_attributes=["Id"])
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("mappings", "message"), WRONG_MAPPINGS)
def test_a_wrong_mapping_shows_as_one_readable_line_among_airflows_import_errors(
    mappings: dict[str, Any], message: str, tmp_path: Path, parse_dags: Callable[[Path], Any]
) -> None:
    file = tmp_path / "wrong_mapping.py"
    file.write_text(
        "from airflow.sdk import DAG\n"
        "from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator\n"
        "with DAG('wrong'):\n"
        f"    DynamoDBAnonymizeSyncOperator(task_id='sync', mappings={mappings!r}, key_attributes=['Id'],"
        f" **{SIDES!r})\n"
    )
    (error,) = parse_dags(tmp_path).import_errors.values()
    assert error.strip().splitlines()[-1].startswith(f"airflow_dynsync.engine.errors.MappingError: {message}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mappings": {}, "mapping_file": "x.yaml"}, "mappings and mapping_file exclude each other"),
        ({"unmapped": "drop", "mapping_file": "x.yaml"}, "unmapped and mapping_file exclude each other"),
        ({"unmapped": "scramble"}, "unmapped"),
        ({"where": "  "}, "where: is blank"),
        ({"total_segments": 0}, "total_segments is a whole number"),
        ({"page_size": "many"}, "page_size is a whole number"),
        ({"mapping_file": "no-such-file.yaml"}, r"no-such-file\.yaml: cannot be read"),
    ],
)
def test_wrong_arguments_are_refused_when_the_dag_is_parsed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        operator(**arguments)


def test_a_mapping_file_begins_at_the_dags_own_folder(tmp_path: Path, parse_dags: Callable[[Path], Any]) -> None:
    (tmp_path / "rules.yaml").write_text("mappings: {Email: transform_emial}")
    (tmp_path / "dag.py").write_text(
        "from airflow.sdk import DAG\n"
        "from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator\n"
        "with DAG('wrong'):\n"
        f"    DynamoDBAnonymizeSyncOperator(task_id='sync', mapping_file='rules.yaml', **{SIDES!r})\n"
    )
    (error,) = parse_dags(tmp_path).import_errors.values()
    assert "rules.yaml: mappings.Email: no transformer is named" in error.strip().splitlines()[-1]


def test_the_operator_can_be_copied_as_airflow_does_for_a_part_of_a_dag() -> None:
    copy = deepcopy(operator(mappings={"Name": {"transformer": "transform_python", "callable": str.upper}}))
    assert copy.mappings["Name"]["callable"] is str.upper


def test_one_operator_can_be_mapped_over_tables() -> None:
    from airflow.sdk import DAG

    fixed = {name: value for name, value in SIDES.items() if name != "source_table"}
    with DAG("mapped"):
        DynamoDBAnonymizeSyncOperator.partial(task_id="sync", **fixed).expand(source_table=["Users", "Orders"])
        with pytest.raises(TypeError, match="nope"):
            DynamoDBAnonymizeSyncOperator.partial(task_id="wrong", nope=1)


@pytest.fixture
def mapping_file(tmp_path: Path) -> Callable[..., str]:
    def write(**mapping: Any) -> str:
        file = tmp_path / "mapping.yaml"
        file.write_text(yaml.safe_dump(mapping))
        return str(file)

    return write


@pytest.fixture
def sides(dynamodb_local: Server, add_connection: Callable[..., str]) -> tuple[Any, Any]:
    """Clients of the two sides, whose connections exist."""
    clients = []
    for name in ("source", "destination"):
        extra = {"endpoint_url": dynamodb_local.endpoint_url, "region_name": dynamodb_local.region}
        add_connection(f"sync_{name}", login=name, password="local", extra=extra)
        clients.append(wire_client(dynamodb_local, AccessKey(name)))
    return clients[0], clients[1]


@pytest.fixture
def sync(run_dag: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`sync(source, destination, mapping_file, where=None)` runs the DAG and returns the task instance."""
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", SECRET)

    def run(source: str, destination: str, mapping_file: str, where: str | None = None) -> Any:
        configuration = {"source_table": source, "destination_table": destination, "mapping_file": mapping_file}
        if where is not None:
            configuration["where"] = where
        dag_id = "anonymize_sync" if where is None else "anonymize_sync_where"
        (task,) = run_dag("tests/airflow/dags/anonymize_sync.py", dag_id, configuration).get_task_instances()
        return task

    return run


def people(count: int = 60) -> list[dict[str, Any]]:
    return [
        {"Id": {"S": f"{number}"}, "Email": {"S": f"p{number}@corp.test"}, "Group": {"N": str(number % 3)}}
        for number in range(count)
    ]


def test_a_run_writes_anonymized_items_and_returns_the_counts(
    sides: tuple[Any, Any], fill: Callable[..., str], sync: Callable[..., Any], mapping_file: Callable[..., str]
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people()), fill(sides[1], {"Id": "S"}, [])
    task = sync(source, destination, mapping_file(mappings={"Email": "transform_email"}, unmapped="passthrough"))
    assert (task.state, task.try_number) == ("success", 1)
    after = by_key(read_all(sides[1], destination), "Id")
    assert set(after) == set(by_key(people(), "Id"))
    assert all(after[key]["Email"] != item["Email"] for key, item in by_key(people(), "Id").items())
    summary = task.xcom_pull(task_ids="sync")
    assert (summary["items_read"], summary["items_written"]) == (60, 60)
    assert summary["rules"] == [
        {
            "path": "Email",
            "rule": "mappings.Email",
            "transformer": "transform_email",
            "outcome": "transformed",
            "count": 60,
        }
    ]


def test_a_run_announces_the_destination_as_an_asset_with_counts(
    sides: tuple[Any, Any], fill: Callable[..., str], sync: Callable[..., Any], mapping_file: Callable[..., str]
) -> None:
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    source, destination = fill(sides[0], {"Id": "S"}, people(3)), fill(sides[1], {"Id": "S"}, [])
    sync(source, destination, mapping_file(mappings={}))
    with create_session() as session:
        events = session.scalars(
            select(AssetEvent)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .where(AssetModel.uri == f"dynamodb://eu-west-1/{destination}")
        ).all()
        (extra,) = [event.extra for event in events]
    assert (extra["items_read"], extra["items_written"]) == (3, 3)


def test_where_limits_what_is_copied(
    sides: tuple[Any, Any], fill: Callable[..., str], sync: Callable[..., Any], mapping_file: Callable[..., str]
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people()), fill(sides[1], {"Id": "S"}, [])
    assert sync(source, destination, mapping_file(mappings={}), '"Group" = 1').state == "success"
    assert len(read_all(sides[1], destination)) == 20


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({}, "SELEC"),
        ({}, " "),
        ({"source": "no-such-table"}, None),
        ({"destination": "no-such-table"}, None),
        ({"destination_key": "Other"}, None),
        ({"mappings": {"Email": "transform_int64"}}, None),
    ],
)
def test_what_a_retry_cannot_mend_fails_at_once(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
    change: dict[str, Any],
    where: str | None,
) -> None:
    source = fill(sides[0], {"Id": "S"}, people(3))
    destination = fill(sides[1], {change.get("destination_key", "Id"): "S"}, [])
    task = sync(
        change.get("source", source),
        change.get("destination", destination),
        mapping_file(mappings=change.get("mappings", {})),
        where,
    )
    assert (task.state, task.try_number) == ("failed", 1)
    assert read_all(sides[1], destination) == []


def test_the_secret_of_the_configuration_makes_runs_repeatable(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, rules = fill(sides[0], {"Id": "S"}, people(5)), mapping_file(mappings={})
    tables = [fill(sides[1], {"Id": "S"}, []) for _ in range(3)]
    sync(source, tables[0], rules)
    sync(source, tables[1], rules)
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", "")
    sync(source, tables[2], rules)
    first, second, third = (by_key(read_all(sides[1], table), "Id") for table in tables)
    assert first == second
    assert all(first[key]["Email"] != third[key]["Email"] for key in first)


def test_the_secret_of_a_connection_comes_before_the_configuration(
    add_connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", SECRET)
    add_connection("sync_secret", password="the connection's secret")
    assert operator(secret_conn_id="sync_secret")._secret() == b"the connection's secret"
    assert operator()._secret() == SECRET.encode()


def test_a_secret_that_is_not_there_is_an_error_and_never_a_random_one(
    add_connection: Callable[..., str],
) -> None:
    add_connection("without_password")
    for conn_id in ("without_password", "no_such_connection"):
        with pytest.raises(AirflowFailException, match=f"secret_conn_id: connection '{conn_id}' does not exist"):
            operator(secret_conn_id=conn_id)._secret()


def test_on_kill_stops_the_threads_and_the_next_run_completes_the_table(
    sides: tuple[Any, Any], fill: Callable[..., str]
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people(500)), fill(sides[1], {"Id": "S"}, [])

    def sync_operator() -> DynamoDBAnonymizeSyncOperator:
        return operator(source_table=source, destination_table=destination, page_size=10)

    killed = sync_operator()
    killed.on_kill()
    with pytest.raises(AirflowException, match="run it again to finish") as caught:
        killed.execute({})
    assert not isinstance(caught.value, AirflowFailException)
    assert len(read_all(sides[1], destination)) < 500

    class Events:
        def __getitem__(self, alias: Any) -> Any:
            return type("Accessor", (), {"add": lambda *_, **__: None})()

    sync_operator().execute({"outlet_events": Events()})
    assert len(read_all(sides[1], destination)) == 500


@pytest.fixture
def accounts(
    ministack_server: Server, create_table: Callable[..., str], add_connection: Callable[..., str]
) -> Callable[..., tuple[Accounts, str, str]]:
    """`accounts(n)` sets up a home, a production and a staging account of their own, tables and connections."""

    def connect(number: int, source_id: str | None = None, **policies: Any) -> tuple[Accounts, str, str]:
        home, production, staging = (f"{number}{kind:011d}" for kind in range(3))
        source = create_table(ministack_server.client(key=AccessKey(production)), {"Id": "S"})
        destination = create_table(ministack_server.client(key=AccessKey(staging)), {"Id": "S"})
        documents = {
            "read_policy": read_policy(table_arn(ministack_server, production, source)),
            "write_policy": write_policy(table_arn(ministack_server, staging, destination)),
        }
        made = set_up_accounts(
            ministack_server, source, destination, account_ids=(home, production, staging), **documents | policies
        )
        for name, role, external_id in (
            ("source", made.reader, source_id or made.reader.external_id),
            ("destination", made.writer, made.writer.external_id),
        ):
            add_connection(
                f"sync_{name}",
                login=made.key.access_key_id,
                password=made.key.secret_access_key,
                extra={
                    "role_arn": role.arn,
                    "external_id_secret": external_id,
                    "region_name": ministack_server.region,
                    "endpoint_url": ministack_server.endpoint_url,
                    "sts_endpoint_url": ministack_server.endpoint_url,
                },
            )
        return made, source, destination

    return connect


def test_two_accounts_are_reached_through_roles_with_external_ids(
    accounts: Callable[..., tuple[Accounts, str, str]],
    ministack_server: Server,
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
) -> None:
    made, source, destination = accounts(4)
    production, staging = (wire_client(ministack_server, key) for key in (made.production, made.staging))
    from airflow_dynsync.dynamodb.writer import write_items

    write_items(production, source, people(), key_names=["Id"])
    task = sync(source, destination, mapping_file(mappings={"Email": "transform_email"}, unmapped="passthrough"))
    assert task.state == "success"
    assert len(read_all(staging, destination)) == 60


def test_nothing_is_called_beyond_describe_scan_and_batch_write(
    accounts: Callable[..., tuple[Accounts, str, str]],
    ministack_server: Server,
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
) -> None:
    made, source, destination = accounts(5, read_policy=None, write_policy=None)
    from airflow_dynsync.dynamodb.writer import write_items

    write_items(wire_client(ministack_server, made.production), source, people(), key_names=["Id"])
    task = sync(source, destination, mapping_file(mappings={}))
    assert task.state == "success"
    assert len(read_all(wire_client(ministack_server, made.staging), destination)) == 60


def test_a_wrong_external_id_is_refused_at_once_and_the_message_says_so(
    accounts: Callable[..., tuple[Accounts, str, str]],
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    _, source, destination = accounts(6, source_id="not the external id")
    task = sync(source, destination, mapping_file(mappings={}))
    assert (task.state, task.try_number) == ("failed", 1)
    printed = "".join(capfd.readouterr())
    assert "external ID" in printed
    assert "sync_source" in printed
    assert "not the external id" not in printed


def test_credentials_that_expire_in_the_middle_of_a_run_are_renewed(
    accounts: Callable[..., tuple[Accounts, str, str]],
    ministack_server: Server,
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from airflow_dynsync.dynamodb import client as client_module
    from airflow_dynsync.dynamodb.writer import write_items

    made, source, destination = accounts(7)
    write_items(wire_client(ministack_server, made.production), source, people(), key_names=["Id"])
    used: set[str] = set()
    original = client_module.create_client

    def create_client(**arguments: Any) -> Any:
        client, credentials = original(**arguments), arguments["credentials"]

        def expire(request: Any, **_: Any) -> None:
            used.add(request.headers["Authorization"].decode().split("Credential=")[1].split("/")[0])
            # As if the session's hour had passed since the last page.
            credentials._expiry_time = datetime.now(UTC) - timedelta(seconds=1)

        client.meta.events.register("before-send.dynamodb.Scan", expire)
        return client

    monkeypatch.setattr(client_module, "create_client", create_client)
    assert sync(source, destination, mapping_file(mappings={})).state == "success"
    assert len(used) >= 3
    assert len(read_all(wire_client(ministack_server, made.staging), destination)) == 60


def marked_items() -> list[dict[str, Any]]:
    return [
        {
            "Id": {"S": f"{MARK}-{number}"},
            "Email": {"S": f"{MARK}{number}@corp.test"},
            "Text": {"S": f"text with {MARK}"},
            "Deep": {"M": {"List": {"L": [{"S": MARK}, {"N": "7"}]}}},
            "Tags": {"SS": [MARK, "x"]},
            "Bytes": {"B": "TWFSa0VkVmFMdUU="},
        }
        for number in range(30)
    ]


@pytest.mark.parametrize(
    ("mapping", "where", "state"),
    [
        ({"mappings": {"Email": "transform_email"}}, None, "success"),
        ({"mappings": {}, "unmapped": "passthrough"}, None, "success"),
        ({"mappings": {}, "unmapped": "fail"}, None, "failed"),
        ({"mappings": {"Text": "transform_email"}}, None, "failed"),
        ({"mappings": {"Text": "transform_int64"}}, None, "failed"),
        (
            {"mappings": {"Text": {"transformer": "transform_javascript", "code": "throw new Error(value)"}}},
            None,
            "failed",
        ),
        (
            {"mappings": {"Text": {"transformer": "transform_python", "callable": "decimal:Decimal"}}},
            None,
            "failed",
        ),
        (
            {
                "mappings": {
                    "Text": {"transformer": "transform_template", "template": "A#{x}", "parts": {"x": "null"}}
                }
            },
            None,
            "failed",
        ),
        ({"mappings": {}}, f"Id = '{MARK}-1'", "success"),
        ({"mappings": {}}, f"Id = '{MARK}", "failed"),
        ({"mappings": {}}, f"Id LIKE '{MARK}%'", "failed"),
    ],
)
def test_no_log_xcom_exception_or_database_row_holds_a_value(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    sync: Callable[..., Any],
    tmp_path: Path,
    mapping: dict[str, Any],
    where: str | None,
    state: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, marked_items()), fill(sides[1], {"Id": "S"}, [])
    file = tmp_path / "mapping.yaml"
    file.write_text(yaml.safe_dump(mapping))
    caplog.set_level("DEBUG")
    before = files_with_mark()
    assert sync(source, destination, str(file), where).state == state
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "sync" in printed
    if where is None:  # a where is the user's own text, which Airflow shows among the rendered fields
        assert MARK not in printed
        assert files_with_mark() == before
    else:
        assert not [line for line in printed.splitlines() if MARK in line and "conf" not in line]


def files_with_mark() -> dict[str, int]:
    """Return how often the mark stands in each file of Airflow's home, its database included."""
    home = Path(os.environ["AIRFLOW_HOME"])
    counts = {str(file): file.read_bytes().count(MARK.encode()) for file in home.rglob("*") if file.is_file()}
    return {file: count for file, count in counts.items() if count}
