"""A position that was kept for the next attempt, and that DynamoDB takes no more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials

from airflow_dynsync.dynamodb.client import create_client
from airflow_dynsync.dynamodb.errors import AccessDeniedError, InvalidRequestError
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.checkpoint import FileStore
from airflow_dynsync.sync.job import SyncJob, run_sync

ITEMS = [{"Id": {"S": f"marked-{number}"}} for number in range(900)]
PAGE = 300
"""More than the pump puts together with the next page."""
REFUSED = "DynamoDB takes the position that the interrupted run had reached no more"


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


@pytest.fixture(params=["statement", "scan"])
def job(request: pytest.FixtureRequest) -> SyncJob:
    return SyncJob(
        "users",
        "staging",
        Mapping.parse({"mappings": {}, "unmapped": "passthrough"}),
        secret=b"a secret for these tests",
        where="Id IN ('a', 'b')" if request.param == "statement" else None,
        total_segments=1,
        segments=range(1),
        verify="off",
    )


def attempt(job: SyncJob, service: Service, folder: Path) -> tuple[Any, list[str]]:
    notices: list[str] = []
    store = FileStore(folder / "checkpoint")
    report = run_sync(job, service.client, service.client, checkpoints=store, on_notice=notices.append)
    return report, notices


@pytest.fixture
def interrupted(job: SyncJob, tmp_path: Path) -> Service:
    """A service whose sync ended behind its second page, with the first one confirmed."""
    service = Service()
    service.stops_at = 2 * PAGE
    with pytest.raises(AccessDeniedError):
        attempt(job, service, tmp_path)
    service.stops_at = None
    service.asked.clear()
    service.written.clear()
    return service


def test_position_when_it_is_taken_is_where_the_next_attempt_goes_on(
    job: SyncJob, interrupted: Service, tmp_path: Path
) -> None:
    report, notices = attempt(job, interrupted, tmp_path)

    assert interrupted.asked == [str(PAGE), str(2 * PAGE)]
    assert (report.items_written_before, report.items_written) == (PAGE, len(ITEMS) - PAGE)
    assert not [notice for notice in notices if REFUSED in notice]


def test_position_when_it_has_expired_makes_its_segment_start_over_with_a_notice(
    job: SyncJob, interrupted: Service, tmp_path: Path
) -> None:
    interrupted.expired = [str(PAGE)]

    report, notices = attempt(job, interrupted, tmp_path)

    assert interrupted.asked == [str(PAGE), None, str(PAGE), str(2 * PAGE)]
    assert len(interrupted.written) == len(ITEMS)
    assert (report.items_written_before, report.items_written) == (0, len(ITEMS))
    assert [notice for notice in notices if REFUSED in notice] == [f"Segment 0 starts over: {REFUSED}"]
    assert "marked" not in " ".join(notices)
    assert not list(tmp_path.iterdir())


def test_request_when_refused_without_a_position_too_ends_the_run_as_such(
    job: SyncJob, interrupted: Service, tmp_path: Path
) -> None:
    interrupted.expired = [str(PAGE), None]

    with pytest.raises(InvalidRequestError) as caught:
        attempt(job, interrupted, tmp_path)

    assert interrupted.asked == [str(PAGE), None]
    assert "marked" not in str(caught.value)


def test_position_when_refused_in_the_middle_of_a_run_is_an_error(
    job: SyncJob, interrupted: Service, tmp_path: Path
) -> None:
    interrupted.expired = [str(2 * PAGE)]

    with pytest.raises(InvalidRequestError):
        attempt(job, interrupted, tmp_path)

    assert interrupted.asked == [str(PAGE), str(2 * PAGE)]
