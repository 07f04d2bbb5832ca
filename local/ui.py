"""Airflow's own UI with the example DAGs and two local connections, to look around: `make ui`.

Runs `airflow standalone` on 127.0.0.1 until Ctrl-C. Airflow's home stays in `.cache/ui`, so runs and passwords
are there the next time; the tables live in memory and are filled anew.
"""

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import socket

import psutil
from rich.console import Console
from rich.text import Text

from local import dataset, run_dag
from local.airflow_server import is_healthy
from local.dynamodb import ServerError
from local.parts import CACHE, PartMissing
from local.processes import free_port, guarded
from local.sides import DESTINATION_TABLE, SOURCE_TABLE, Sides, sides_on_ministack

USER = "admin"
SAMPLE_TABLE = "CustomersSample"

_PORT = 8080
_READY_WITHIN_SECONDS = 180.0
_LOOK_SECONDS = 0.5
_ENDED_WITHIN_SECONDS = 10.0

# `airflow standalone` ends its parts on Ctrl-C, not when it is asked to end as programs are.
_STANDALONE = """
import signal, sys
signal.signal(signal.SIGTERM, signal.default_int_handler)
from airflow.__main__ import main
sys.argv = ["airflow", "standalone"]
main()
"""


class UiError(RuntimeError):
    """Airflow did not start; the message says how it ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run Airflow until Ctrl-C and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.ui", description="Airflow's UI with the example DAGs.")
    parser.add_argument("--home", type=Path, default=CACHE / "ui", help="Airflow's home folder (.cache/ui)")
    home = parser.parse_args(arguments).home.resolve()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False)
    try:
        console.print("DynamoDB starts, with an invented production table ...")
        with sides_on_ministack((DESTINATION_TABLE, SAMPLE_TABLE), partiql=True) as sides:
            count = dataset.fill_table(sides.source.server, sides.source.key, SOURCE_TABLE)
            console.print("Airflow starts, which takes about half a minute ...")
            with _airflow(home, sides) as (url, password, process):
                console.print(
                    f"\n   [bold]{url}[/]   user [bold]{USER}[/]   password [bold]{password}[/]\n\n"
                    f"   Production holds {count:,} items in {SOURCE_TABLE}; staging is empty. Trigger the DAG\n"
                    "   nightly_staging_refresh, or look at Admin, Connections.\n\n"
                    "   Ctrl-C stops everything.\n"
                )
                process.wait()
        raise UiError(f"Airflow ended by itself; its last lines are in {home / 'standalone.log'}")
    except (PartMissing, ServerError, UiError) as error:
        console.print(f"[bold red]{type(error).__name__}[/]", Text(str(error)))
        return 1
    except KeyboardInterrupt:
        console.print("Stopped. Nothing is left running.")
        return 130


@contextmanager
def _airflow(home: Path, sides: Sides) -> Iterator[tuple[str, str, "subprocess.Popen[bytes]"]]:
    """Run `airflow standalone` and yield its address, the user's password and its process."""
    home.mkdir(parents=True, exist_ok=True)
    passwords = home / "passwords.json"
    if not passwords.exists():
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({USER: secrets.token_urlsafe(9)}))
    port = _PORT if _is_free(_PORT) else free_port()
    url = f"http://127.0.0.1:{port}"
    environment = run_dag.environment(home) | {
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__PARALLELISM": str(os.cpu_count() or 1),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DYNSYNC__SECRET": "known to everybody, good for looking around",
        # `airflow standalone` starts its parts by this name.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    _prepare(environment, sides)
    log_file = home / "standalone.log"
    with log_file.open("wb") as log, guarded([sys.executable, "-c", _STANDALONE], environment, log) as process:
        try:
            _wait_until_ready(url, process, log_file)
            yield url, json.loads(passwords.read_text())[USER], process
        finally:
            _end(process)


def _prepare(environment: dict[str, str], sides: Sides) -> None:
    """Create Airflow's database and put the connections there, where the UI shows them."""
    # A port, because the UI of Airflow 3.3.1 and 3.3.2 cannot test a connection without one.
    connections = {
        "dynsync_source": sides.source.connection | {"description": "production: role reader", "port": 0},
        "dynsync_destination": sides.destination.connection | {"description": "staging: role writer", "port": 0},
        "dynsync_secret": {
            "conn_type": "generic",
            "password": environment["AIRFLOW__DYNSYNC__SECRET"],
            "description": "what pseudonyms are made from",
        },
    }
    with tempfile.TemporaryDirectory(prefix="dynsync-ui-") as folder:
        file = Path(folder, "connections.json")
        file.write_text(json.dumps(connections))
        for arguments in (("db", "migrate"), ("connections", "import", "--overwrite", str(file))):
            command = [sys.executable, "-m", "airflow", *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                told = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
                raise UiError(f"`airflow {arguments[0]} {arguments[1]}` failed:\n{told}")


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log_file: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while not is_healthy(url):
        if process.poll() is not None or time.monotonic() > deadline:
            told = "\n".join(log_file.read_text(errors="replace").splitlines()[-20:])
            raise UiError(f"Airflow did not start; its last lines were:\n{told}")
        time.sleep(_LOOK_SECONDS)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End Airflow with all its parts, and the tasks under way with them."""
    try:
        parts = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        parts = []
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            part.terminate()
    _, alive = psutil.wait_procs(parts, timeout=_ENDED_WITHIN_SECONDS)
    for part in alive:
        part.kill()
    psutil.wait_procs(alive, timeout=_ENDED_WITHIN_SECONDS)


def _is_free(port: int) -> bool:
    with socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    sys.exit(main())
