"""A position that was kept for the next attempt, and that DynamoDB takes no more."""

from pathlib import Path
from typing import Any

import pytest

from airflow_dynsync.dynamodb.errors import AccessDeniedError, InvalidRequestError
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.checkpoint import FileStore
from airflow_dynsync.sync.job import SyncJob, run_sync
from tests.unit.paged_service import ITEMS, PAGE, Service

REFUSED = "DynamoDB takes the position that the interrupted run had reached no more"


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
    """A service whose sync ended behind its first page, which was confirmed."""
    service = Service()
    service.stops_at = PAGE
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
