"""Copy a part of a table: a `where` in PartiQL, as you would write it behind WHERE.

A developer wants a few realistic customers, not all of them. Start this DAG by hand; the form that Airflow
shows asks which items are wanted.

A `where` is read through PartiQL: the source's credentials need dynamodb:PartiQLSelect on the table. Unless it
names the partition key or an index's, DynamoDB reads (and bills) the whole table to answer it.
"""

from airflow.sdk import DAG, Param

from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator

SOURCE_TABLE = "Customers"
DESTINATION_TABLE = "CustomersSample"

with DAG(
    "subset_with_where",
    schedule=None,
    params={
        "where": Param(
            "entity = 'customer' AND loyalty.tier = 'gold'",
            title="Which items",
            description="What follows WHERE in PartiQL. Text in single quotes, reserved words in double quotes.",
            type="string",
        )
    },
    tags=["dynsync"],
):
    DynamoDBAnonymizeSyncOperator(
        task_id="copy",
        source_conn_id="dynsync_source",
        source_table=SOURCE_TABLE,
        destination_conn_id="dynsync_destination",
        destination_table=DESTINATION_TABLE,
        mapping_file="mappings/customers.yaml",
        where="{{ params.where }}",
    )
