"""Jobs between two tables, with one secret."""

from typing import Any

from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.job import SyncJob

SECRET = b"a secret for these tests"
KEEP = {"mappings": {}, "unmapped": "passthrough"}


def job(source_table: str, destination_table: str, mapping: dict[str, Any] = KEEP, **options: Any) -> SyncJob:
    """Return a job that keeps everything unless a mapping is given."""
    options.setdefault("secret", SECRET)
    return SyncJob(source_table, destination_table, Mapping.parse(mapping), **options)
