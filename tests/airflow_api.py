"""A running Airflow as its REST API shows it, to tests that wait for what it does."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_PATIENCE_SECONDS = 180
_LOOK_SECONDS = 0.05

T = TypeVar("T")


def wait_for(look: Callable[[], T | None]) -> T:
    """Look again and again until there is something."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(_LOOK_SECONDS)
    return found


@dataclass(frozen=True)
class Api:
    """Airflow's REST API, whose DAGs are called."""

    url: str
    token: str

    @classmethod
    def of(cls, url: str) -> "Api":
        """Sign in as administrator."""
        with urlopen(f"{url}/auth/token") as response:
            return cls(url, json.load(response)["access_token"])

    def call(self, path: str, body: Any = None) -> Any:
        """Return the answer; None where there is nothing."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        try:
            with urlopen(Request(f"{self.url}/api/v2/dags/{path}", content, headers)) as response:
                return json.load(response)
        except HTTPError as error:
            if error.code != 404:
                raise
            return None

    def start(self, dag_id: str, configuration: dict[str, str]) -> str:
        """Run a DAG when it is known, and return the path of its task ``sync``."""
        wait_for(lambda: self.call(dag_id))
        run = self.call(f"{dag_id}/dagRuns", {"logical_date": None, "conf": configuration})["dag_run_id"]
        return f"{dag_id}/dagRuns/{run}/taskInstances/sync"
