"""A destination that does not exist is created like the source: on DynamoDB Local."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from airflow_dynsync.dynamodb.calls import Backoff
from airflow_dynsync.dynamodb.creation import create_like, creation_request
from airflow_dynsync.dynamodb.creation_options import CreationOptions
from airflow_dynsync.dynamodb.errors import AccessDeniedError, DynamoDBError, StoppedError, TableNotFoundError
from airflow_dynsync.dynamodb.tables import time_to_live_attribute
from airflow_dynsync.engine import Mapping, MappingError
from airflow_dynsync.sync.job import SyncJob, run_sync
from local.dynamodb import AccessKey, Server
from tests.tables import read_all, wire_client

SECRET = b"a secret for these tests"
QUICK = Backoff(base_seconds=0.001, cap_seconds=0.01, patience_seconds=0.05)

INDEXES: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("Email", "Plan")],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by-plan",
            "KeySchema": [
                {"AttributeName": "Id", "KeyType": "HASH"},
                {"AttributeName": "Plan", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["Email"]},
        }
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-email",
            "KeySchema": [
                {"AttributeName": "Email", "KeyType": "HASH"},
                {"AttributeName": "At", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}
KEYS = {"Id": "S", "At": "N"}


@pytest.fixture
def source(dynamodb_local: Server) -> Any:
    return wire_client(dynamodb_local, AccessKey("creationSource"))


@pytest.fixture
def destination(dynamodb_local: Server) -> Iterator[Any]:
    client = wire_client(dynamodb_local, AccessKey("creationDestination"))
    yield client
    for name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)


def answer(operation: str, client: Any, code: str) -> list[str]:
    """Let an operation be refused with a code; return what gets a word for each refusal."""
    refused: list[str] = []

    def refuse(request: Any, **_: Any) -> AWSResponse:
        refused.append(code)
        body = b'{"__type": "com.amazon#' + code.encode() + b'", "message": "no"}'
        response = AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, None)
        response._content = body
        return response

    client.meta.events.register(f"before-send.dynamodb.{operation}", refuse)
    return refused


def test_a_created_table_has_keys_indexes_projections_and_expiry_of_the_source(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name = create_table(
        source, KEYS, StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, **INDEXES
    )
    source.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "Ends"})
    made = create_like(source, name, destination, "made")
    assert (made.name, made.status, made.billing_mode, made.stream_view) == (
        "made",
        "ACTIVE",
        "PAY_PER_REQUEST",
        None,
    )
    model, copy = (
        client.describe_table(TableName=table)["Table"]
        for client, table in ((source, name), (destination, "made"))
    )
    assert creation_request(copy, "same") == creation_request(model, "same")
    assert copy["LocalSecondaryIndexes"][0]["Projection"] == INDEXES["LocalSecondaryIndexes"][0]["Projection"]
    assert copy["GlobalSecondaryIndexes"][0]["KeySchema"] == INDEXES["GlobalSecondaryIndexes"][0]["KeySchema"]
    assert time_to_live_attribute(destination, "made") == "Ends"


def test_a_created_table_has_the_provisioned_throughput_of_the_source_and_its_indexes(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    units = {"ReadCapacityUnits": 7, "WriteCapacityUnits": 3}
    (index,) = INDEXES["GlobalSecondaryIndexes"]
    more = INDEXES | {"GlobalSecondaryIndexes": [index | {"ProvisionedThroughput": units}]}
    throughput = {"ReadCapacityUnits": 11, "WriteCapacityUnits": 5}
    name = create_table(source, KEYS, BillingMode="PROVISIONED", ProvisionedThroughput=throughput, **more)
    made = create_like(source, name, destination, "made")
    assert made.provisioned is not None
    assert (made.provisioned.read_units, made.provisioned.write_units) == (11, 5)
    by_kind = {index.kind: index.provisioned for index in made.indexes}
    assert by_kind["global"] is not None
    assert (by_kind["global"].read_units, by_kind["global"].write_units) == (7, 3)
    assert time_to_live_attribute(destination, "made") is None


def test_a_request_carries_class_and_encryption_and_leaves_off_what_costs_or_protects() -> None:
    described = {
        "TableName": "users",
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        "OnDemandThroughput": {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20},
        "TableClassSummary": {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
        "SSEDescription": {
            "Status": "ENABLED",
            "SSEType": "KMS",
            "KMSMasterKeyArn": "arn:aws:kms:eu-west-1:1:key/k",
        },
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        "DeletionProtectionEnabled": True,
        "Replicas": [{"RegionName": "us-east-1"}],
    }
    assert creation_request(described, "made") == {
        "TableName": "made",
        "KeySchema": described["KeySchema"],
        "AttributeDefinitions": described["AttributeDefinitions"],
        "BillingMode": "PAY_PER_REQUEST",
        "OnDemandThroughput": described["OnDemandThroughput"],
        "TableClass": "STANDARD_INFREQUENT_ACCESS",
        "SSESpecification": {"Enabled": True, "SSEType": "KMS"},
    }


def test_a_request_carries_the_sources_tags_but_for_those_of_aws_and_those_that_are_given() -> None:
    described = {
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    }
    copied = {"aws:cloudformation:stack-name": "shop", "owner": "shop", "stage": "production"}
    options = CreationOptions(tags={"stage": "test"}, copy_tags=True)
    assert creation_request(described, "made", options, copied)["Tags"] == [
        {"Key": "owner", "Value": "shop"},
        {"Key": "stage", "Value": "test"},
    ]
    assert "Tags" not in creation_request(described, "made", CreationOptions(), {})


def test_a_table_that_someone_else_creates_meanwhile_is_taken(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name = create_table(source, KEYS, **INDEXES)
    source.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "Ends"})
    first = create_like(source, name, destination, "made")
    assert create_like(source, name, destination, "made").arn == first.arn
    assert time_to_live_attribute(destination, "made") == "Ends"


def test_a_table_that_does_not_become_active_in_time_is_told_and_can_be_waited_for_again(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name = create_table(source, KEYS)
    refused = answer("DescribeTable", destination, "ResourceNotFoundException")
    with pytest.raises(DynamoDBError, match=r"does not exist yet.*run it again") as told:
        create_like(source, name, destination, "made", backoff=QUICK)
    assert told.value.kind == "transient"
    assert len(refused) > 1


def test_waiting_ends_as_soon_as_it_is_asked_to(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name, stop = create_table(source, KEYS), threading.Event()
    destination.meta.events.register("before-send.dynamodb.DescribeTable", lambda **_: stop.set())
    answer("DescribeTable", destination, "ResourceNotFoundException")
    with pytest.raises(StoppedError):
        create_like(source, name, destination, "made", stop=stop)


def test_a_permission_that_lacks_ends_it_before_anything_is_created(
    create_table: Callable[..., str], source: Any, destination: Any
) -> None:
    name = create_table(source, KEYS)
    answer("DescribeTimeToLive", source, "AccessDeniedException")
    with pytest.raises(AccessDeniedError, match="dynamodb:DescribeTimeToLive"):
        create_like(source, name, destination, "made")
    assert destination.list_tables()["TableNames"] == []


def job(source_table: str, **options: Any) -> SyncJob:
    mapping = options.pop("mapping", {"mappings": {"Email": "transform_email"}, "unmapped": "passthrough"})
    return SyncJob(source_table, "made", Mapping.parse(mapping), secret=SECRET, **options)


def test_a_sync_creates_its_destination_where_it_is_to_and_finds_it_the_next_time(
    fill: Callable[..., str], source: Any, destination: Any
) -> None:
    items = [{"Id": {"S": str(n)}, "At": {"N": "1"}, "Email": {"S": f"p{n}@corp.test"}} for n in range(30)]
    name = fill(source, KEYS, items, **INDEXES)
    with pytest.raises(TableNotFoundError):
        run_sync(job(name), source, destination)
    for _ in range(2):
        report = run_sync(job(name, create_destination=CreationOptions()), source, destination)
        assert (report.items_written, report.preflight) == (30, ())
    assert len(read_all(destination, "made")) == 30
    assert destination.query(
        TableName="made",
        IndexName="by-email",
        KeyConditionExpression="Email = :email",
        ExpressionAttributeValues={":email": read_all(destination, "made")[0]["Email"]},
    )["Items"]


def test_a_sync_waits_for_a_destination_that_is_still_being_created(
    fill: Callable[..., str], source: Any, destination: Any
) -> None:
    name = fill(source, KEYS, [{"Id": {"S": "1"}, "At": {"N": "1"}}])
    create_like(source, name, destination, "made")
    shown: list[str] = []

    def show(parsed: Any, **_: Any) -> None:
        if len(shown) < 3:
            parsed["Table"]["TableStatus"] = "CREATING"
        shown.append(parsed["Table"]["TableStatus"])

    destination.meta.events.register("after-call.dynamodb.DescribeTable", show)
    report = run_sync(job(name, create_destination=CreationOptions()), source, destination)
    assert (report.items_written, shown) == (1, ["CREATING"] * 3 + ["ACTIVE"])


def test_a_sync_with_a_wrong_mapping_creates_nothing(
    fill: Callable[..., str], source: Any, destination: Any
) -> None:
    name = fill(source, KEYS, [])
    with pytest.raises(MappingError):
        run_sync(
            job(name, create_destination=CreationOptions(), mapping={"mappings": {"Id": "null"}}),
            source,
            destination,
        )
    assert destination.list_tables()["TableNames"] == []
