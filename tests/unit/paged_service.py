"""A source of three pages and a destination, answered in the client, for runs that need nothing else."""

from collections.abc import Iterator
from typing import Any

import orjson
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials

from airflow_dynsync.dynamodb.client import create_client

ITEMS = [{"Id": {"S": f"marked-{number}"}} for number in range(900)]
PAGE = 300
"""More than the pump puts together with the next page."""


class Service:
    """Answers a client: pages of a source, by statement or scan, and writes.

    Positions that are `expired` are refused, once each; no permission is left at the item `stops_at`.
    """

    def __init__(self) -> None:
        self.written: dict[str, Any] = {}
        self.asked: list[Any] = []
        self.expired: list[str | None] = []
        self.stops_at: int | None = None
        self.client: Any = create_client(
            credentials=Credentials("AKID", "secret"),
            region_name="eu-west-1",
            endpoint_url="http://dynamodb.invalid",
        )
        self.client.meta.events.register("before-send.dynamodb", self._answer)

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        target: Any = request.headers["X-Amz-Target"]
        operation = (target if isinstance(target, str) else target.decode()).rpartition(".")[2]
        status, told = getattr(self, operation)(orjson.loads(bytes(request.body)))
        return AWSResponse(request.url, status, {}, _Raw(orjson.dumps(told)))

    def DescribeTable(self, asked: Any) -> tuple[int, Any]:  # noqa: N802 - as DynamoDB names it
        name = asked["TableName"]
        return 200, {
            "Table": {
                "TableName": name,
                "TableArn": f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name}",
                "TableId": name,
                "TableStatus": "ACTIVE",
                "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
                "ItemCount": len(ITEMS),
                "TableSizeBytes": 1000,
            }
        }

    def DescribeTimeToLive(self, _: Any) -> tuple[int, Any]:  # noqa: N802
        return 200, {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}

    def ExecuteStatement(self, asked: Any) -> tuple[int, Any]:  # noqa: N802
        return self._page(asked.get("NextToken"), "NextToken", str)

    def Scan(self, asked: Any) -> tuple[int, Any]:  # noqa: N802
        key = asked.get("ExclusiveStartKey")
        position = key and key["Id"]["S"].removeprefix("after-")
        return self._page(position, "LastEvaluatedKey", lambda first: {"Id": {"S": f"after-{first}"}})

    def BatchWriteItem(self, asked: Any) -> tuple[int, Any]:  # noqa: N802
        for put in asked["RequestItems"]["staging"]:
            item = put["PutRequest"]["Item"]
            self.written[item["Id"]["S"]] = item
        return 200, {"UnprocessedItems": {}}

    def _page(self, position: str | None, name: str, told: Any) -> tuple[int, Any]:
        self.asked.append(position)
        first = int(position or 0)
        if first == self.stops_at:
            return 400, {"__type": "x#AccessDeniedException", "message": "no permission"}
        if position in self.expired:
            self.expired.remove(position)
            return 400, {"__type": "x#ValidationException", "message": "The NextToken marked has expired"}
        following = {name: told(first + PAGE)} if first + PAGE < len(ITEMS) else {}
        return 200, {"Items": ITEMS[first : first + PAGE], "ScannedCount": PAGE, **following}


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body
