"""Several tables that refer to each other, refreshed side by side: one mapping file, one secret, a task per table.

An order names its customer by e-mail address, a device names its owner and the order it came with. Every task
makes the same pseudonym of the same value, so all of that still fits together in staging, keys of indexes
included, whichever task comes first and whichever has to be run again.

What makes it so:
- All tasks use one secret, here AIRFLOW__DYNSYNC__SECRET; without any, each run of each task would draw its own.
- What is one kind of identifier has one rule, a preset of mappings/shop.yaml, wherever it stands.
"""

from pathlib import Path

from airflow.sdk import DAG

from airflow_dynsync.task_groups.dynamodb import dynamodb_anonymize_sync_tables

with DAG("several_tables", schedule="0 3 * * *", max_active_runs=1, tags=["dynsync"]):
    dynamodb_anonymize_sync_tables(
        group_id="refresh",
        mapping_file=Path(__file__).parent / "mappings" / "shop.yaml",
        source_conn_id="dynsync_source",
        destination_conn_id="dynsync_destination",
    )
