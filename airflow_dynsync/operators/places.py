"""Where operators keep what outlives a task: reports, checkpoints, dead letters, on this machine or in a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dynsync.sync.checkpoint import CheckpointStore
    from airflow_dynsync.sync.dead_letters import DeadLetterFile
    from airflow_dynsync.sync.report import SyncReport


def open_path(path: str) -> Any:
    """Return a local path, or that of an object store, with the methods of `pathlib.Path`."""
    if "://" not in path:
        return Path(path)
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(path)


def last_report(path: str | None, share: str = "") -> SyncReport | None:
    """Return the report of the last run that succeeded; None where there is none, or no path."""
    from airflow_dynsync.sync.report.files import read_report

    return read_report(path, share=share, open_path=open_path) if path else None


def keep_report(report: SyncReport, *paths: str | None, share: str = "") -> list[str]:
    """Write a report as JSON and as a page at each path that is given, and return where they are."""
    from airflow_dynsync.sync.report.files import write_report

    places = (write_report(report, path, share=share, open_path=open_path) for path in paths if path)
    return [place for pair in places for place in pair]


def checkpoint_store(path: str | None, share: str, context: Context) -> CheckpointStore | None:
    """Return where a task keeps how far it is: a path, or Airflow's own store where it has one."""
    from airflow_dynsync.sync.checkpoint import FileStore

    if path:
        return FileStore(open_path(_shared(path, share)))
    store = context.get("task_state_store")
    return None if store is None else _TaskStateStore(store)


def dead_letter_file(path: str | None, share: str) -> DeadLetterFile | None:
    """Return where a task keeps what it puts aside; None without a path."""
    from airflow_dynsync.sync.dead_letters import DeadLetterFile

    return DeadLetterFile(open_path(_shared(path, share))) if path else None


def _shared(path: str, share: str) -> str:
    return f"{path}.{share}" if share else path


class _TaskStateStore:
    """Airflow's task state store as a place for a checkpoint; it outlives retries, and clearing the task."""

    KEY = "dynsync_checkpoint"

    def __init__(self, store: Any) -> None:
        self._store = store

    def load(self) -> str | None:
        text: str | None = self._store.get(self.KEY)
        return text

    def save(self, text: str) -> None:
        self._store.set(self.KEY, text)

    def remove(self) -> None:
        self._store.delete(self.KEY)
