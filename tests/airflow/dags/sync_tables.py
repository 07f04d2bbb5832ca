"""Syncs every table of a mapping file, a task for each."""

from pathlib import Path

from airflow.sdk import DAG

from airflow_dynsync.task_groups.dynamodb import dynamodb_anonymize_sync_tables

with DAG("sync_tables", schedule=None):
    dynamodb_anonymize_sync_tables(
        mapping_file=Path(__file__).parent / "mappings" / "tables.yaml",
        source_conn_id="sync_source",
        destination_conn_id="sync_destination",
        group_id="staging",
    )
