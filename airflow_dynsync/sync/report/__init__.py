"""What a sync did: one document per run, its schema, and its rendering as a page."""

from airflow_dynsync.sync.report.combination import combined
from airflow_dynsync.sync.report.document import SCHEMA_VERSION, SyncReport

__all__ = ["SCHEMA_VERSION", "SyncReport", "combined"]
