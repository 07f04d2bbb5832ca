"""The demo's table by Airflow tasks with every check on, one of them killed: no original is left anywhere.

Airflow runs as it does in earnest, with a process for each task, and logs all there is to log. Which values are
searched for, and how, is said in `tests.originals`.
"""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import yaml

from airflow_dynsync.sync.mapping_file import load_table_mapping
from local import dataset
from local.airflow_server import airflow
from local.dynamodb import AccessKey, Server
from local.sides import DESTINATION_TABLE, SOURCE_TABLE
from local.verification import verify
from tests.airflow_api import Api, wait_for
from tests.faults import FaultProxy, fault_proxy
from tests.originals import Originals, Watch

CUSTOMERS = 200
SECRET = "a secret that no log holds"
MAPPING = Path(__file__).parents[2] / "dags_examples" / "mappings" / "customers.yaml"

_DAG = """
from airflow.sdk import DAG

from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator

with DAG("checked", schedule=None):
    DynamoDBAnonymizeSyncOperator(
        task_id="sync",
        source_conn_id="sync_source",
        source_table="{{ dag_run.conf['source_table'] }}",
        destination_conn_id="sync_destination",
        destination_table="{{ dag_run.conf['destination_table'] }}",
        mapping_file="{{ dag_run.conf['mapping_file'] }}",
        report_path="{{ dag_run.conf['report_path'] }}",
        quasi_identifiers=["birthday", "address.postcode", "address.city"],
        exposure_check="all",
        on_exposure="fail",
        drift="fail",
        verify="all",
        page_size=20,
        total_segments=4,
        retries=1,
        retry_delay=0,
    )
"""


@dataclass(frozen=True)
class Scene:
    """A running Airflow, its home, and what the writes of its tasks go through."""

    api: Api
    home: Path
    proxy: FaultProxy
    key: AccessKey


@pytest.fixture(scope="module")
def scene(two_dynamodb_locals: tuple[Server, Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder, home = tmp_path_factory.mktemp("dags"), tmp_path_factory.mktemp("airflow")
    (folder / "checked.py").write_text(_DAG)
    (home / "tmp").mkdir()
    production, staging = two_dynamodb_locals
    key = AccessKey(f"demo{token_hex(6)}")
    with fault_proxy(staging.endpoint_url, Watch(home)) as proxy:
        settings = {
            f"AIRFLOW_CONN_SYNC_{side}": json.dumps(
                {
                    "conn_type": "dynsync_dynamodb",
                    "login": key.access_key_id,
                    "password": key.secret_access_key,
                    "extra": {"endpoint_url": url, "region_name": staging.region},
                }
            )
            for side, url in (("SOURCE", production.endpoint_url), ("DESTINATION", proxy.endpoint_url))
        }
        settings |= {
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__DYNSYNC__SECRET": SECRET,
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
            "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "botocore=DEBUG airflow_dynsync=DEBUG",
            "TMPDIR": str(home / "tmp"),
        }
        with airflow(home, [folder], settings) as running:
            yield Scene(Api.of(running.url), home, proxy, key)


def test_the_demos_table_is_refreshed_by_tasks_of_which_one_is_killed_and_no_original_is_left_anywhere(
    two_dynamodb_locals: tuple[Server, Server], scene: Scene, tmp_path: Path
) -> None:
    production, staging = two_dynamodb_locals
    dataset.fill_table(production, scene.key, SOURCE_TABLE, CUSTOMERS)
    source = dataset.read_table(production, scene.key, SOURCE_TABLE)
    rules: dict[str, Any] = yaml.safe_load(MAPPING.read_text())
    # The recommended rule may make two keys one, so a run of it has to start over and keeps no state.
    rules["mappings"] |= {"PK": "transform_hash", "referred_by": "transform_hash"}
    (tmp_path / "hashed.yaml").write_text(yaml.safe_dump(rules))
    files = {"Hashed": tmp_path / "hashed.yaml", DESTINATION_TABLE: MAPPING}
    originals = {
        table: Originals(source, load_table_mapping(file, SOURCE_TABLE), dataset.KEYS)
        for table, file in files.items()
    }
    search = originals[DESTINATION_TABLE]
    for table in files:
        dataset.create_table(staging.client(key=scene.key), table)

    def start(table: str, watch: Watch) -> str:
        scene.proxy.plan = watch
        configuration = {
            "source_table": SOURCE_TABLE,
            "destination_table": table,
            "mapping_file": str(files[table]),
        }
        return scene.api.start("checked", configuration | {"report_path": str(scene.home / "reports" / table)})

    def report_of(task: str) -> Any:
        wait_for(lambda: scene.api.call(task)["state"] in ("success", "failed") or None)
        assert scene.api.call(task)["state"] == "success"
        return scene.api.call(f"{task}/xcomEntries/return_value")["value"]

    killed = Watch(scene.home, every=25, hold=25)
    task = start("Hashed", killed)
    wait_for(lambda: killed.holds.is_set() or None)
    kept = wait_for(lambda: scene.api.call(f"{task}/state-store/dynsync_checkpoint"))
    os.kill(scene.api.call(task)["pid"], signal.SIGKILL)
    killed.go_on.set()
    continued = report_of(task)
    assert continued["items_written_before"] > 0
    recommended = Watch(scene.home, every=25)
    whole = report_of(start(DESTINATION_TABLE, recommended))
    assert whole["items_written"] == len(source)
    assert all(whole[part] for part in ("exposure", "drift", "risk", "verification"))
    assert search.left_in(json.dumps([kept, continued, whole])) == {}

    under_way = killed.contents | recommended.contents
    assert b"dynsync_checkpoint" in b"".join(under_way)
    assert sum(map(search.left_in, under_way), Counter()) == {}
    logged = b"".join(file.read_bytes() for file in (scene.home / "logs").rglob("attempt=*.log"))
    assert logged.count(b"botocore.endpoint") > 10
    assert b"BatchWriteItem" in logged
    assert search.left_in_files(scene.home) == {}
    assert not [file for file in scene.home.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]

    for table, file in files.items():
        destination = dataset.read_table(staging, scene.key, table)
        assert originals[table].left_in_table(destination, SECRET.encode()) == {}
        mapping = load_table_mapping(file, SOURCE_TABLE)
        found = verify(source, destination, mapping, key_attributes=dataset.KEYS, secret=SECRET.encode())
        assert found.holds
        assert found.items == len(source) > 4 * CUSTOMERS
