"""`make ui`: Airflow comes up with the examples and their connections, works, and goes with all its parts."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil

ROOT = Path(__file__).parents[2]
WITHIN_SECONDS = 180


def test_the_ui_runs_the_nightly_refresh_and_what_waits_for_it_and_leaves_nothing_running(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "local.ui", "--home", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as ui:
        try:
            printed = ""
            while "Ctrl-C" not in printed and (line := ui.stdout.readline()):
                printed += line
            shown = re.search(
                r"(?P<url>http://127\.0\.0\.1:\d+) +user (?P<user>\S+) +password (?P<password>\S+)", printed
            )
            assert shown, printed
            airflow = Api(shown["url"], shown["user"], shown["password"])

            connections = airflow.get("connections")["connections"]
            assert {"dynsync_source", "dynsync_destination"} <= {each["connection_id"] for each in connections}
            for each in connections:
                if each["conn_type"] == "dynsync_dynamodb":
                    # As the Test button does it, which sends 0 for a port that is missing.
                    tested = airflow.post("connections/test", each | {"port": each["port"] or 0})
                    assert tested["status"], tested["message"]

            airflow.post("dags/nightly_staging_refresh/dagRuns", {"logical_date": None})
            assert airflow.end_of("nightly_staging_refresh") == "success"
            assert airflow.end_of("after_staging_refresh") == "success"
        finally:
            running = psutil.Process(ui.pid).children(recursive=True)
            ui.send_signal(signal.SIGINT)
        assert "Nothing is left running" in ui.communicate()[0]
    assert len(running) > 5
    assert not psutil.wait_procs(running, timeout=30)[1]


class Api:
    """Airflow's API, as the user whose password was printed."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url, self._headers = url, {"Content-Type": "application/json"}
        token = self._call("/auth/token", {"username": user, "password": password})["access_token"]
        self._headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Any:
        return self._call(f"/api/v2/{path}", None)

    def post(self, path: str, body: Any) -> Any:
        return self._call(f"/api/v2/{path}", body)

    def end_of(self, dag_id: str) -> str:
        """Wait for the end of a DAG's first run and return its state."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while time.monotonic() < deadline:
            states = [run["state"] for run in self.get(f"dags/{dag_id}/dagRuns")["dag_runs"]]
            if states and states[0] in ("success", "failed"):
                return str(states[0])
        return "still running"

    def _call(self, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self._url + path, data, self._headers), timeout=60) as answer:
            return json.load(answer)
