"""Production in one AWS account, staging in another, and an Airflow that may enter each only by a role.

Airflow's own credentials, in a third account, may do one thing: assume two roles.

    home account        Airflow's user or instance profile: sts:AssumeRole on the two roles
    production account  role `reader`: dynamodb:DescribeTable, Scan on its table  (dynsync policy read)
    staging account     role `writer`: DescribeTable, BatchWriteItem on its table (dynsync policy write)

Each role's trust policy names Airflow's principal and asks for an external ID (condition sts:ExternalId), so
that nobody else who may assume roles gets in by guessing an ARN.

In the UI, Admin, Connections, type "Amazon DynamoDB (DynSync)": leave the keys empty to use the machine's own
credentials, and fill in Role ARN, External ID and Region. The same from a shell:

    airflow connections add dynsync_source --conn-type dynsync_dynamodb --conn-extra '{
        "role_arn": "arn:aws:iam::111111111111:role/reader",
        "external_id_secret": "the external ID of reader",
        "region_name": "eu-west-1"}'
    airflow connections add dynsync_destination --conn-type dynsync_dynamodb --conn-extra '{
        "role_arn": "arn:aws:iam::222222222222:role/writer",
        "external_id_secret": "the external ID of writer",
        "region_name": "eu-west-1"}'

A connection of Airflow's type `aws` serves as well; there the external ID is written
{"role_arn": "...", "assume_role_kwargs": {"ExternalId": "..."}}.

The secret that pseudonyms are made from is the password of a connection of its own:

    airflow connections add dynsync_secret --conn-type generic --conn-password "$(openssl rand -hex 32)"
"""

from airflow.sdk import DAG

from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator

SOURCE_TABLE = "Customers"
DESTINATION_TABLE = "CustomersStaging"

with DAG("cross_account_role", schedule=None, tags=["dynsync"]):
    DynamoDBAnonymizeSyncOperator(
        task_id="refresh",
        source_conn_id="dynsync_source",
        source_table=SOURCE_TABLE,
        destination_conn_id="dynsync_destination",
        destination_table=DESTINATION_TABLE,
        mapping_file="mappings/customers.yaml",
        secret_conn_id="dynsync_secret",
        # Give the key here, and wrong rules on it show when the DAG is parsed, not at 3 a.m.
        key_attributes=["PK", "SK"],
        # The roles' sessions are renewed while the task runs, however long that takes.
        total_segments=4,
    )
