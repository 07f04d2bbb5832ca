"""Syncs what the run's configuration names by several tasks, whole or by a where."""

from airflow.sdk import DAG

from airflow_dynsync.task_groups.dynamodb import dynamodb_anonymize_sync_group

for suffix, where in (("", None), ("_where", "{{ dag_run.conf['where'] }}")):
    with DAG(f"sync_group{suffix}", schedule=None):
        dynamodb_anonymize_sync_group(
            group_id="refresh",
            workers=3,
            source_conn_id="sync_source",
            source_table="{{ dag_run.conf['source_table'] }}",
            destination_conn_id="sync_destination",
            destination_table="{{ dag_run.conf['destination_table'] }}",
            mapping_file="{{ dag_run.conf['mapping_file'] }}",
            where=where,
            page_size=20,
            retries=2,
            retry_delay=0,
        )
