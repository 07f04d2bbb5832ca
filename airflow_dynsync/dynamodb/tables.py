"""What a table is: its keys, indexes, size, throughput and identity, from DescribeTable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from airflow_dynsync.dynamodb.calls import call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - compared, not bound
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """An attribute of a primary key or an index key; `type` is S, N or B."""

    name: str
    type: Literal["S", "N", "B"]


@dataclass(frozen=True, slots=True)
class Throughput:
    """Capacity units per second."""

    read_units: float
    write_units: float


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index; `keys` has its partition key first, `status` is ACTIVE when it can be read.

    `provisioned` and `warm` are those of a global index; a local one shares its table's. `item_count` and
    `size_bytes` are None where the service does not tell.
    """

    name: str
    kind: Literal["global", "local"]
    status: str
    keys: tuple[KeyAttribute, ...]
    provisioned: Throughput | None = None
    warm: Throughput | None = None
    item_count: int | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class TableDescription:
    """A table as DescribeTable shows it.

    `item_count` and `size_bytes` are DynamoDB's own figures, which it renews about every six hours.
    `table_id` is None on DynamoDB Local, whose `region` is always `ddblocal`. `billing_mode` is
    PAY_PER_REQUEST or PROVISIONED. `keys` has the partition key first. `provisioned` throughput is None on
    demand; `warm` throughput, what the table can take at once, is None where the service does not tell it, as
    on DynamoDB Local. `stream_view` is what its stream shows, such as KEYS_ONLY; None without one. `replicas` are
    the other regions of a global table.
    """

    name: str
    arn: str
    table_id: str | None
    status: str
    item_count: int
    size_bytes: int
    keys: tuple[KeyAttribute, ...]
    indexes: tuple[Index, ...]
    billing_mode: str
    account_id: str
    region: str
    provisioned: Throughput | None = None
    warm: Throughput | None = None
    stream_view: str | None = None
    replicas: tuple[str, ...] = ()

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of the primary key's attributes, partition key first."""
        return tuple(key.name for key in self.keys)


def describe_table(client: DynamoDBClient, table_name: str) -> TableDescription:
    """Describe a table.

    Raises `TableNotFoundError`, `AccessDeniedError` or another `DynamoDBError`.
    """
    table = call(client, "DescribeTable", table_name, {"TableName": table_name})["Table"]
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    _, _, _, region, account_id, _ = table["TableArn"].split(":", 5)
    stream = table.get("StreamSpecification", {})
    local = [_index(index, "local", types) for index in table.get("LocalSecondaryIndexes", ())]
    global_ = [_index(index, "global", types) for index in table.get("GlobalSecondaryIndexes", ())]
    return TableDescription(
        name=table["TableName"],
        arn=table["TableArn"],
        table_id=table.get("TableId"),
        status=table["TableStatus"],
        item_count=table.get("ItemCount", 0),
        size_bytes=table.get("TableSizeBytes", 0),
        keys=_keys(table["KeySchema"], types),
        indexes=(*global_, *local),
        billing_mode=table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        account_id=account_id,
        region=region,
        provisioned=_throughput(table.get("ProvisionedThroughput", {}), "CapacityUnits"),
        warm=_throughput(table.get("WarmThroughput", {}), "UnitsPerSecond"),
        stream_view=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        replicas=tuple(each["RegionName"] for each in table.get("Replicas", ()) if each["RegionName"] != region),
    )


def time_to_live_attribute(client: DynamoDBClient, table_name: str) -> str | None:
    """Return the attribute that says when an item expires; None where none does.

    Raises `AccessDeniedError` without the permission dynamodb:DescribeTimeToLive, or another `DynamoDBError`.
    """
    told = call(client, "DescribeTimeToLive", table_name, {"TableName": table_name})
    described: dict[str, str] = told.get("TimeToLiveDescription", {})
    return described.get("AttributeName") if described.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") else None


def table_tags(client: DynamoDBClient, table_name: str, table_arn: str) -> dict[str, str]:
    """Return a table's tags, by their keys.

    Raises `AccessDeniedError` without the permission dynamodb:ListTagsOfResource, or another `DynamoDBError`.
    """
    tags: dict[str, str] = {}
    parameters = {"ResourceArn": table_arn}
    while True:
        answer = call(client, "ListTagsOfResource", table_name, parameters)
        tags |= {tag["Key"]: tag["Value"] for tag in answer.get("Tags", ())}
        if not (following := answer.get("NextToken")):
            return tags
        parameters["NextToken"] = following


def same_table(a: TableDescription, a_endpoint: str | None, b: TableDescription, b_endpoint: str | None) -> bool:
    """Whether two descriptions, each with the endpoint it came from (None for AWS's own), are of one table.

    The table IDs decide where both have one; otherwise account, region, endpoint and name do. On DynamoDB
    Local that cannot tell apart tables which one server keeps apart by access key: they count as one.
    """
    if a.table_id and b.table_id:
        return a.table_id == b.table_id
    return (a.account_id, a.region, a.name, _origin(a_endpoint)) == (
        b.account_id,
        b.region,
        b.name,
        _origin(b_endpoint),
    )


def _index(
    index: dict[str, Any], kind: Literal["global", "local"], types: dict[str, Literal["S", "N", "B"]]
) -> Index:
    status = index.get("IndexStatus", "ACTIVE")  # a local index has none: it lives and dies with its table
    return Index(
        index["IndexName"],
        kind,
        status,
        _keys(index["KeySchema"], types),
        _throughput(index.get("ProvisionedThroughput", {}), "CapacityUnits"),
        _throughput(index.get("WarmThroughput", {}), "UnitsPerSecond"),
        index.get("ItemCount"),
        index.get("IndexSizeBytes"),
    )


def _throughput(told: dict[str, Any], unit: str) -> Throughput | None:
    """Return a throughput, or None where it is not told; on demand the provisioned one is told as 0."""
    read, write = told.get(f"Read{unit}", 0), told.get(f"Write{unit}", 0)
    return Throughput(read, write) if read and write else None


def _keys(schema: list[dict[str, str]], types: dict[str, Literal["S", "N", "B"]]) -> tuple[KeyAttribute, ...]:
    names = [key["AttributeName"] for key in sorted(schema, key=lambda key: key["KeyType"] != "HASH")]
    return tuple(KeyAttribute(name, types[name]) for name in names)


def _origin(endpoint: str | None) -> tuple[str | None, int | None] | None:
    if endpoint is None:
        return None
    parts = urlsplit(endpoint)
    host = "localhost" if parts.hostname in _THIS_MACHINE else parts.hostname
    return host, parts.port or _DEFAULT_PORTS.get(parts.scheme)
