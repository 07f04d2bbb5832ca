"""When a run started and ended, and how long each part of it took."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from airflow_dynsync import __version__
from airflow_dynsync.sync.report.course import Phase, Run


class RunClock:
    """Starts when it is made; used by one thread."""

    def __init__(self) -> None:
        self._id = uuid4().hex
        self._started = dt.datetime.now(dt.UTC)
        self._seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a part of the run, such as ``prepare``; parts of one name add up."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.monotonic() - began

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The parts measured so far, in order."""
        return tuple(Phase(name, round(seconds, 3)) for name, seconds in self._seconds.items())

    def run(self) -> Run:
        """Return the run as one that ends now."""
        return Run(self._id, _written(self._started), _written(dt.datetime.now(dt.UTC)), __version__)


def _written(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
