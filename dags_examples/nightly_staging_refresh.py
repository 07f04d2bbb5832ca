"""Every night: bring the staging table up to date with production, anonymized, and start what waits for it.

What to change in your copy: the four names below, and the rules in mappings/customers.yaml.

Before the first run:
- Two connections of the type "Amazon DynamoDB (DynSync)": `dynsync_source` may read production,
  `dynsync_destination` may write staging. Roles in other accounts: see cross_account_role.py.
- The destination table, created by you, with the key of the source table.
- A secret of 16 bytes or more in AIRFLOW__DYNSYNC__SECRET (or as [dynsync] secret in any way that Airflow
  knows). With the same secret, the same customer has the same pseudonym every night.
"""

from datetime import timedelta

from airflow.sdk import DAG, task

from airflow_dynsync.assets import table_asset
from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator
from airflow_dynsync.sensors.dynamodb import DynamoDBTableSensor

SOURCE_TABLE = "Customers"
DESTINATION_TABLE = "CustomersStaging"
DESTINATION_REGION = "eu-west-1"
MAPPING_FILE = "mappings/customers.yaml"  # beside this file

with DAG(
    "nightly_staging_refresh",
    schedule="0 2 * * *",
    max_active_runs=1,  # two refreshes of one table at once would only wait for each other's capacity
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["dynsync"],
):
    # Somebody may be restoring a table or adding an index: wait for both, then begin.
    source_is_ready = DynamoDBTableSensor(
        task_id="source_is_ready", conn_id="dynsync_source", table_name=SOURCE_TABLE, timeout=3600
    )
    destination_is_ready = DynamoDBTableSensor(
        task_id="destination_is_ready",
        conn_id="dynsync_destination",
        table_name=DESTINATION_TABLE,
        timeout=3600,
    )
    refresh = DynamoDBAnonymizeSyncOperator(
        task_id="refresh",
        source_conn_id="dynsync_source",
        source_table=SOURCE_TABLE,
        destination_conn_id="dynsync_destination",
        destination_table=DESTINATION_TABLE,
        mapping_file=MAPPING_FILE,
    )
    [source_is_ready, destination_is_ready] >> refresh

# The refresh announces the asset dynamodb://eu-west-1/CustomersStaging. A DAG that is scheduled on it, here or
# in any other file, starts as soon as the table is complete; nobody has to guess how long the night's run takes.
staging = table_asset(DESTINATION_REGION, DESTINATION_TABLE)

with DAG("after_staging_refresh", schedule=[staging], tags=["dynsync"]):

    @task
    def say_what_arrived(triggering_asset_events=None):
        for event in triggering_asset_events.get(staging, ()):
            print(f"{staging.uri}: {event.extra['items_written']} items written")

    say_what_arrived()
