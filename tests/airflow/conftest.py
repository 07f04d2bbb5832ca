"""A light Airflow for tests: a home folder of its own, SQLite, and no process but pytest's.

The environment is set before anything imports Airflow, which reads it once.
"""

import atexit
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.dynamodb import AccessKey, Server

if "airflow" in sys.modules:
    raise RuntimeError("Airflow is imported already, so these tests would use its home folder")

_ROOT = Path(__file__).parents[2]
_HOME = tempfile.mkdtemp(prefix="dynsync-airflow-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)


def _bundle(name: str, folder: Path) -> dict[str, Any]:
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return {"name": name, "classpath": classpath, "kwargs": {"path": str(folder)}}


os.environ |= {
    "AIRFLOW_HOME": _HOME,
    "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    # dag.test() parses every folder up to the one that holds the DAG, so the tests' own comes first.
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
        [_bundle("tests", _ROOT / "tests" / "airflow" / "dags"), _bundle("examples", _ROOT / "dags_examples")]
    ),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME}/airflow.db",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's metadata database, which `dag.test()` and the API need."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def airflow_api(airflow_database: None) -> Iterator[Any]:
    """A client of Airflow's API and UI server, signed in as administrator."""
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient

    with TestClient(create_app()) as client:
        client.headers["Authorization"] = f"Bearer {client.get('/auth/token').json()['access_token']}"
        yield client


@pytest.fixture
def add_connection(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`add_connection("prod", login=..., extra={...})` makes a connection and returns its ID.

    It is of type `dynsync_dynamodb` unless `conn_type` says otherwise, and goes when the test ends.
    """

    def add(conn_id: str, *, conn_type: str = "dynsync_dynamodb", **fields: Any) -> str:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": conn_type, **fields}))
        return conn_id

    return add


@pytest.fixture
def parse_dags() -> Callable[[Path], Any]:
    """`parse_dags(folder_or_file)` returns Airflow's DagBag of it."""

    def parse(path: Path) -> Any:
        try:
            from airflow.dag_processing.dagbag import DagBag
        except ModuleNotFoundError:  # Airflow 3.1
            from airflow.models.dagbag import DagBag
        return DagBag(path)

    return parse


@pytest.fixture
def run_dag(airflow_database: None, parse_dags: Callable[[Path], Any]) -> Callable[..., Any]:
    """`run_dag("tests/airflow/dags/file.py", "dag_id", {...})` runs a DAG with a configuration, to its DagRun."""

    def run(file: str, dag_id: str, configuration: dict[str, Any] | None = None) -> Any:
        bag = parse_dags(_ROOT / file)
        assert not bag.import_errors
        return bag.dags[dag_id].test(run_conf=configuration)

    return run


@pytest.fixture
def mapping_file(tmp_path: Path) -> Callable[..., str]:
    """`mapping_file(mappings={...}, unmapped=...)` writes a mapping file and returns its path."""
    import yaml

    def write(**mapping: Any) -> str:
        file = tmp_path / "mapping.yaml"
        file.write_text(yaml.safe_dump(mapping))
        return str(file)

    return write


@pytest.fixture
def sides(dynamodb_local: Server, add_connection: Callable[..., str]) -> tuple[Any, Any]:
    """Clients of a source and a destination, whose connections `sync_source` and `sync_destination` exist."""
    from tests.tables import wire_client

    clients = []
    for name in ("source", "destination"):
        extra = {"endpoint_url": dynamodb_local.endpoint_url, "region_name": dynamodb_local.region}
        add_connection(f"sync_{name}", login=name, password="local", extra=extra)
        clients.append(wire_client(dynamodb_local, AccessKey(name)))
    return clients[0], clients[1]


@pytest.fixture
def sync(run_dag: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`sync(source, destination, mapping_file, where=None)` runs the DAG and returns the task instance."""
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", "a secret for these tests")

    def run(source: str, destination: str, mapping_file: str, where: str | None = None) -> Any:
        configuration = {"source_table": source, "destination_table": destination, "mapping_file": mapping_file}
        if where is not None:
            configuration["where"] = where
        dag_id = "anonymize_sync" if where is None else "anonymize_sync_where"
        (task,) = run_dag("tests/airflow/dags/anonymize_sync.py", dag_id, configuration).get_task_instances()
        return task

    return run
