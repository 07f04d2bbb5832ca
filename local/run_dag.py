"""Run an example DAG in a scratch Airflow, by `dag.test()`, and write down what came of it.

Started as `python -m local.run_dag DAG_ID RESULT.json`, with AIRFLOW_HOME naming an empty folder: Airflow reads
its settings once, so every run gets a process of its own. The result holds the tasks' states, what the task
`refresh` returned, the asset events, and the DAGs that these put into the scheduler's queue.
"""

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "dags_examples"


def environment(home: Path) -> dict[str, str]:
    """Return the environment of an Airflow with a home folder of its own and the example DAGs.

    The person's own Airflow and AWS settings stay out of it.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_"))}
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
        # A paused DAG is not started by the asset that it is scheduled on.
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


def run(dag_id: str) -> dict[str, Any]:
    """Run a DAG once and return what came of it."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.asset import AssetDagRunQueue, AssetEvent, AssetModel
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session
    from sqlalchemy import select

    initdb()
    bag = DagBag(EXAMPLES)
    if bag.import_errors:
        raise RuntimeError("\n".join(bag.import_errors.values()))
    done = bag.dags[dag_id].test()
    tasks = done.get_task_instances()
    with create_session() as session:
        events = session.execute(select(AssetModel.uri, AssetEvent.extra).join(AssetEvent.asset)).all()
        queued = session.scalars(select(AssetDagRunQueue.target_dag_id)).all()
    return {
        "tasks": {task.task_id: task.state for task in tasks},
        "report": next((task.xcom_pull(task_ids="refresh") for task in tasks if task.task_id == "refresh"), None),
        "asset_events": [{"uri": uri, **extra} for uri, extra in events],
        "queued_dags": list(queued),
    }


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(run(sys.argv[1])))
