"""Waits for the table that the run's configuration names, in both modes of the sensor."""

from airflow.sdk import DAG

from airflow_dynsync.sensors.dynamodb import DynamoDBTableSensor

for mode, deferrable in (("poking", False), ("deferrable", True)):
    with DAG(f"wait_for_table_{mode}", schedule=None):
        DynamoDBTableSensor(
            task_id="wait",
            conn_id="{{ dag_run.conf['conn_id'] }}",
            table_name="{{ dag_run.conf['table_name'] }}",
            deferrable=deferrable,
            poke_interval=0.1,
            timeout=60,
            retries=3,
            retry_delay=0,
        )
