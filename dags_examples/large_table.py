"""A table that one task would take too long for: several tasks move it side by side, on any executor.

    plan    checks tables and rules, says in its log what the night will cost, and shares the segments out
    sync    mapped over them: each task takes a core, and an equal part of the limits below
    verify  adds the reports up, fails unless every segment was moved once, and announces the asset

A task that fails is retried by itself and goes on where its own segments were. Other DAGs wait for `verify` as for
a single task, or are scheduled on its asset as in nightly_staging_refresh.py.

What several tasks ask for:
- One secret, in AIRFLOW__DYNSYNC__SECRET or in a connection: the tasks read it where they run, on every machine.
- Rules on the key that promise to keep different keys different, such as transform_hash or transform_fpe: each
  task sees its own keys alone, so none could watch for two that become one, as a single task does.
- Tasks that do run at once: mind the pool's slots and the executor's parallelism. A task that waits leaves its
  part of the limits unused.
"""

from datetime import timedelta

from airflow.sdk import DAG

from airflow_dynsync.task_groups.dynamodb import dynamodb_anonymize_sync_group

SOURCE_TABLE = "Customers"
DESTINATION_TABLE = "CustomersStaging"

CUSTOMER = {
    "transformer": "transform_template",
    "template": "CUSTOMER#{email}",
    "parts": {"email": "transform_hash"},
}

with DAG("large_table", schedule="0 1 * * 6", max_active_runs=1, tags=["dynsync"]):
    dynamodb_anonymize_sync_group(
        group_id="refresh",
        workers=4,
        source_conn_id="dynsync_source",
        source_table=SOURCE_TABLE,
        destination_conn_id="dynsync_destination",
        destination_table=DESTINATION_TABLE,
        mappings={
            "PK": CUSTOMER,
            "referred_by": CUSTOMER,
            "email": "transform_hash",
            "customer_email": "transform_hash",
            "name": "transform_full_name",
            "entity": "passthrough",
            "lines": "passthrough",
        },
        # Left out, there are four for each task, and more in a table larger than 16 GB.
        total_segments=16,
        # Of all tasks together, in capacity units per second; "25%" would be a share of what the table has.
        read_limit=4000,
        retries=3,
        retry_delay=timedelta(minutes=2),
        # The plan warns in its log where the tables' size says that this cannot be met.
        execution_timeout=timedelta(hours=6),
    )
