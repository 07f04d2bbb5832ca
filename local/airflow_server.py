"""Airflow on one's own machine: its API server, scheduler and DAG processor, on SQLite.

Lighter than `airflow standalone`, which also runs a triggerer and log servers. Everything listens on 127.0.0.1
only; whoever opens the UI is administrator, so the server is for its own machine and for made-up data.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from local.processes import free_port, guarded

_COMPONENTS = {"api-server": (), "scheduler": ("--skip-serve-logs",), "dag-processor": ()}
_READY_WITHIN_SECONDS = 180.0
_LOOK_SECONDS = 0.1
_ENDED_WITHIN_SECONDS = 5.0


class AirflowError(RuntimeError):
    """A part of Airflow did not start or ended early; the message ends with the last lines it printed."""


@dataclass(frozen=True, slots=True)
class Airflow:
    """A running Airflow. Parameters: `url` of its UI; `home`, its AIRFLOW_HOME, with `logs`."""

    url: str
    home: Path


@contextmanager
def airflow(
    home: Path, dag_folders: Sequence[Path], settings: Mapping[str, str] | None = None, *, port: int | None = None
) -> Iterator[Airflow]:
    """Run Airflow with the DAGs of some folders until the `with` block ends.

    Parameters: `home`, an empty folder, or one from an earlier run, whose connections and runs are kept;
    `settings`, environment variables such as `AIRFLOW__DYNSYNC__SECRET` or `AIRFLOW_CONN_MINE`; `port`, where
    the UI listens, by default a free one.

    Raises: AirflowError when a part of it does not start.
    """
    url = f"http://127.0.0.1:{port or free_port()}"
    environment = _environment(home, dag_folders, url) | dict(settings or {})
    _migrate(environment)
    with ExitStack() as stack:
        running = {}
        for name, options in _COMPONENTS.items():
            log = stack.enter_context((home / f"{name}.out").open("wb"))
            command = [sys.executable, "-m", "airflow", name, *options]
            running[name] = stack.enter_context(guarded(command, environment, log))
        stack.callback(_end, list(running.values()))
        _wait_until_ready(url, home, running)
        yield Airflow(url, home)


def _environment(home: Path, dag_folders: Sequence[Path], url: str) -> dict[str, str]:
    bundles = [
        {
            "name": folder.name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(folder), "refresh_interval": 1},
        }
        for folder in dag_folders
    ]
    # The person's own Airflow stays out of it.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": url.rpartition(":")[2],
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": str(os.cpu_count() or 1),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }


def _migrate(environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AirflowError(_told("airflow db migrate", done.stdout + done.stderr))


def _wait_until_ready(url: str, home: Path, running: Mapping[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while not is_healthy(url):
        ended = next((name for name, process in running.items() if process.poll() is not None), None)
        if ended or time.monotonic() > deadline:
            name = ended or "api-server"
            raise AirflowError(_told(f"airflow {name}", (home / f"{name}.out").read_text(errors="replace")))
        time.sleep(_LOOK_SECONDS)


def is_healthy(url: str) -> bool:
    """Whether the API server answers and the scheduler and the DAG processor have reported to it."""
    try:
        with urlopen(f"{url}/api/v2/monitor/health", timeout=5) as response:  # noqa: S310 - on 127.0.0.1
            health = json.load(response)
    except (URLError, TimeoutError, ConnectionError):
        return False
    return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))


def _end(guards: Sequence[subprocess.Popen[bytes]]) -> None:
    """End all components at once, and the tasks under way with them."""
    import psutil

    descendants = [child for guard in guards for child in psutil.Process(guard.pid).children(recursive=True)]
    for guard in guards:
        guard.terminate()
    _, alive = psutil.wait_procs(descendants, timeout=_ENDED_WITHIN_SECONDS)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=_ENDED_WITHIN_SECONDS)


def _told(name: str, output: str) -> str:
    return "\n".join([f"{name} did not start; its last lines were:", *output.splitlines()[-20:]])
