"""A task whose process is killed by SIGKILL, under a real scheduler: its retry goes on where it was."""

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.job import SyncJob, run_sync
from local.airflow_server import airflow
from local.dynamodb import Server
from tests.airflow_api import Api, wait_for
from tests.kills import MAPPING, PAGE_SIZE, SOAK, items, losses, read_log, seed, tell, wire_bytes
from tests.tables import read_all

KILLS = 20 if SOAK else 2
KILLS_OF_A_RUN = 4
ITEMS = 6_000
SEGMENTS = 8
SECRET = "a secret for these tests"
KEY = {"Id": "S"}

_ROOT = Path(__file__).parents[2]

_DAG = f"""
import os
from pathlib import Path

from airflow.sdk import DAG

from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator
from tests import kills

kills.watch(Path(os.environ["KILLS_LOG"]))

with DAG("killed", schedule=None):
    DynamoDBAnonymizeSyncOperator(
        task_id="sync",
        source_conn_id="sync_source",
        source_table="{{{{ dag_run.conf['source_table'] }}}}",
        destination_conn_id="sync_destination",
        destination_table="{{{{ dag_run.conf['destination_table'] }}}}",
        page_size=kills.PAGE_SIZE,
        total_segments={SEGMENTS},
        retries=100,
        retry_delay=0,
        **kills.MAPPING,
    )
"""


@pytest.fixture(scope="module")
def killed_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the DAG's tasks write to."""
    return tmp_path_factory.mktemp("kills") / "kills.log"


@pytest.fixture(scope="module")
def api(dynamodb_local: Server, tmp_path_factory: pytest.TempPathFactory, killed_log: Path) -> Iterator[Api]:
    """An Airflow with scheduler, DAG processor and API server, whose tasks are processes of their own."""
    folder, home = tmp_path_factory.mktemp("dags"), tmp_path_factory.mktemp("airflow")
    (folder / "killed.py").write_text(_DAG)
    extra = {"endpoint_url": dynamodb_local.endpoint_url, "region_name": dynamodb_local.region}
    settings = {
        f"AIRFLOW_CONN_SYNC_{side}": json.dumps(
            {"conn_type": "dynsync_dynamodb", "login": side.lower(), "password": "local", "extra": extra}
        )
        for side in ("SOURCE", "DESTINATION")
    }
    settings |= {
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__DYNSYNC__SECRET": SECRET,
        "KILLS_LOG": str(killed_log),
        "PYTHONPATH": str(_ROOT),
    }
    with airflow(home, [folder], settings) as running:
        yield Api.of(running.url)


def run_with_kills(
    api: Api, log: Path, moments: random.Random, configuration: dict[str, str], most: int, pages: int
) -> Any:
    """Run the DAG, killing its task's process when it has asked for a random number of pages.

    Returns how many times it was killed, and the report of the attempt that succeeded.
    """
    place, kills, attempts = api.start("killed", configuration), 0, 0

    def next_attempt() -> Any:
        task = api.call(place)
        if task["state"] == "running" and task["pid"] and task["try_number"] > attempts:
            return task
        return task if task["state"] in ("success", "failed") else None

    while (task := wait_for(next_attempt))["state"] == "running":
        attempts, process = task["try_number"], task["pid"]
        # Two kills alone have to come when there is something to go on from.
        enough = moments.randrange(0 if SOAK else pages // 2, pages)

        def moment_has_come(process: int = process, enough: int = enough) -> bool | None:
            asked = next((len(each.pages) for each in read_log(log) if each.process == process), 0)
            return None if asked < enough and psutil.pid_exists(process) else asked >= enough

        if kills < most and wait_for(moment_has_come):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
                kills += 1
    assert task["state"] == "success"
    assert task["try_number"] == kills + 1
    assert api.call(f"{place}/state-store/dynsync_checkpoint") is None
    return kills, api.call(f"{place}/xcomEntries/return_value")["value"]


def test_tasks_killed_at_random_moments_end_as_an_unbroken_run_and_read_again_what_was_in_flight(
    fill: Callable[..., str], sides: tuple[Any, Any], api: Api, killed_log: Path
) -> None:
    source, expected = fill(sides[0], KEY, items(ITEMS)), fill(sides[1], KEY, [])
    unbroken = SyncJob(source, expected, Mapping.parse(MAPPING), secret=SECRET.encode(), page_size=PAGE_SIZE)
    run_sync(unbroken, *sides)
    pages = ITEMS // PAGE_SIZE

    moments, kills, runs, resumed, costs = random.Random(seed()), 0, 0, 0, []
    while kills < KILLS:
        destination = fill(sides[1], KEY, [])
        configuration = {"source_table": source, "destination_table": destination}
        killed, report = run_with_kills(
            api, killed_log, moments, configuration, min(KILLS_OF_A_RUN, KILLS - kills), pages
        )
        kills, runs = kills + killed, runs + 1
        assert wire_bytes(read_all(sides[1], destination)) == wire_bytes(read_all(sides[1], expected))
        assert report["items_written_before"] + report["items_written"] == ITEMS
        resumed += report["items_written_before"] > 0
        costs += losses(read_log(killed_log))
        killed_log.unlink()

    tell(costs, kills, f"{runs} runs of about {pages} pages, {resumed} of them ended from a checkpoint")
    assert resumed
