"""Syncs what the run's configuration names, whole or by a where."""

from airflow.sdk import DAG

from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator

for suffix, where in (("", None), ("_where", "{{ dag_run.conf['where'] }}")):
    with DAG(f"anonymize_sync{suffix}", schedule=None):
        DynamoDBAnonymizeSyncOperator(
            task_id="sync",
            source_conn_id="sync_source",
            source_table="{{ dag_run.conf['source_table'] }}",
            destination_conn_id="sync_destination",
            destination_table="{{ dag_run.conf['destination_table'] }}",
            mapping_file="{{ dag_run.conf['mapping_file'] }}",
            where=where,
            page_size=20,
            retries=3,
            retry_delay=0,
        )
