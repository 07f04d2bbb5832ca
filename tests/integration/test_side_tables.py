"""Side tables: their names, what they are made like, and how they go; on DynamoDB Local."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from airflow_dynsync.dynamodb.calls import Backoff
from airflow_dynsync.dynamodb.errors import DynamoDBError
from airflow_dynsync.dynamodb.side_tables import (
    TAG,
    create_side_table,
    delete_table,
    find_side_table,
    side_table_name,
    side_table_request,
)
from airflow_dynsync.dynamodb.tables import time_to_live_attribute
from local.dynamodb import AccessKey, Server
from tests.tables import wire_client

QUICK = Backoff(base_seconds=0.001, cap_seconds=0.01, patience_seconds=0.05)
INDEXES: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "Mail", "AttributeType": "S"}],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "local",
            "KeySchema": [
                {"AttributeName": "Id", "KeyType": "HASH"},
                {"AttributeName": "Mail", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "global",
            "KeySchema": [{"AttributeName": "Mail", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
            "ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
        }
    ],
}


@pytest.fixture
def client(dynamodb_local: Server) -> Any:
    return wire_client(dynamodb_local, AccessKey("sideTables"))


@pytest.mark.parametrize("length", [3, 200, 243, 244, 255])
def test_every_name_has_a_side_table_whose_name_dynamodb_takes(length: int) -> None:
    names = [side_table_name(letter * (length - 1) + end) for letter in "ab" for end in "12"]
    assert len({*names}) == 4
    assert all(re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", name) for name in names)
    assert names[0] == side_table_name("a" * (length - 1) + "1")


def test_a_side_table_has_the_keys_of_a_table_and_its_indexes_on_demand_and_nothing_that_expires(
    create_table: Callable[..., str], client: Any
) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    more = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units, **INDEXES}
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    name = create_table(client, {"Id": "S", "At": "N"}, StreamSpecification=stream, **more)
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "Ends"})
    made = create_side_table(client, name)
    assert (made.name, made.status, made.billing_mode) == (f"{name}.dynsync-new", "ACTIVE", "PAY_PER_REQUEST")
    assert made.stream_view is None
    assert time_to_live_attribute(client, made.name) is None
    described = client.describe_table(TableName=made.name)["Table"]
    assert [key.name for key in made.keys] == ["Id", "At"]
    indexes = [*described["LocalSecondaryIndexes"], *described["GlobalSecondaryIndexes"]]
    assert [index["IndexName"] for index in indexes] == ["local", "global"]
    assert all(index["Projection"] == {"ProjectionType": "KEYS_ONLY"} for index in indexes)
    assert create_side_table(client, name) == made
    delete_table(client, made.name, wait=True)
    assert find_side_table(client, name) is None
    delete_table(client, made.name, wait=True)


def test_a_request_has_the_tag_and_leaves_off_class_and_limits() -> None:
    request = side_table_request(
        {
            "TableName": "users",
            "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            "OnDemandThroughput": {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20},
            "TableClassSummary": {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
            "SSEDescription": {"SSEType": "KMS", "KMSMasterKeyArn": "arn:aws:kms:eu-west-1:1:key/k"},
        }
    )
    assert request == {
        "TableName": "users.dynsync-new",
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"Enabled": True, "SSEType": "KMS"},
        "Tags": [{"Key": TAG, "Value": "users"}],
    }


def test_a_table_that_does_not_go_in_time_is_told_and_can_be_waited_for_again(
    create_table: Callable[..., str], client: Any
) -> None:
    name, refused = create_table(client, {"Id": "S"}), []

    def refuse(request: Any, **_: Any) -> AWSResponse:
        refused.append(name)
        response = AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, None)
        response._content = b'{"__type": "com.amazon#ResourceInUseException", "message": "no"}'
        return response

    client.meta.events.register("before-send.dynamodb.DeleteTable", refuse)
    with pytest.raises(DynamoDBError, match=r"still there; run it again") as told:
        delete_table(client, name, wait=False, backoff=QUICK)
    assert told.value.kind == "transient"
    assert len(refused) > 1
    client.meta.events.unregister("before-send.dynamodb.DeleteTable", refuse)
