"""Several BatchWriteItems under way at once, in one thread, over real sockets."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.credentials import Credentials

from airflow_dynsync.dynamodb import errors
from airflow_dynsync.dynamodb.calls import Backoff
from airflow_dynsync.dynamodb.capacity import Pacer
from airflow_dynsync.dynamodb.client import create_client
from airflow_dynsync.dynamodb.limits import Budget
from airflow_dynsync.dynamodb.writer import MAX_ITEMS, write_items
from tests.unit.peers import Peer, Reply, message

NOW = Backoff(base_seconds=0, cap_seconds=0)
DONE = message({"UnprocessedItems": {}, "ConsumedCapacity": [{"TableName": "T", "CapacityUnits": 25.0}]})
DENIED = message({"__type": "x#AccessDeniedException", "Message": "no"}, status=400)
THROTTLED = message({"__type": "x#ThrottlingException"}, status=400)
ITEMS = [{"Id": {"S": f"{number}"}} for number in range(3 * MAX_ITEMS)]
SECONDS = 10


def client_of(peer: Peer) -> Any:
    return create_client(credentials=Credentials("AKID", "secret"), region_name="eu-west-1", endpoint_url=peer.url)


def items_in(peer: Peer) -> list[int]:
    return [body.count(b"PutRequest") for _, body in peer.requests]


def together(number: int, answer: bytes = DONE) -> Callable[[bytes], bytes]:
    """Return what answers none of some requests before all of them are there."""
    barrier = threading.Barrier(number)

    def answered(_: bytes) -> bytes:
        barrier.wait(SECONDS)
        return answer

    return answered


def test_requests_are_sent_before_the_first_is_answered() -> None:
    answer = together(3)
    with Peer(*[Reply(answer)] * 3).running() as peer:
        result = write_items(client_of(peer), "T", ITEMS, key_names=["Id"])

    assert (result.written, result.retried, result.consumed_capacity) == (75, 0, 75.0)
    assert items_in(peer) == [25, 25, 25]


def test_what_fails_for_now_is_sent_again_when_all_are_answered() -> None:
    left = message({"UnprocessedItems": {"T": [{"PutRequest": {"Item": ITEMS[1]}}]}})
    first = [Reply(left), Reply(THROTTLED), Reply(DONE[:-1], "reset")]
    with Peer(*first, DONE, DONE, DONE).running() as peer:
        result = write_items(client_of(peer), "T", ITEMS, key_names=["Id"], backoff=NOW)

    assert (result.written, result.retried) == (75, 1)
    assert items_in(peer)[:3] == [25, 25, 25]
    assert sorted(items_in(peer)[3:]) == [1, 25, 25]


def test_a_connection_that_ends_while_a_request_is_under_way_is_replaced() -> None:
    with Peer(DONE, Reply(then="close"), DONE).running() as peer:
        client = client_of(peer)
        write_items(client, "T", ITEMS[:1], key_names=["Id"])
        assert write_items(client, "T", ITEMS[:2], key_names=["Id"], backoff=NOW).written == 2

    assert items_in(peer) == [1, 2, 2]


def test_a_fatal_answer_ends_what_else_is_under_way() -> None:
    with Peer(DENIED, Reply(then="hold"), Reply(then="hold")).running() as peer:
        with pytest.raises(errors.AccessDeniedError):
            write_items(client_of(peer), "T", ITEMS, key_names=["Id"], backoff=NOW)
        assert peer.wait_until_open(1)  # the one that was answered is kept


def test_where_there_is_a_pace_each_answer_is_taken_before_the_next_request() -> None:
    busy = threading.Lock()

    def alone(_: bytes) -> bytes:
        if not busy.acquire(blocking=False):
            return DENIED
        threading.Event().wait(0.05)
        busy.release()
        return DONE

    with Peer(*[Reply(alone)] * 3).running() as peer:
        pacer = Pacer(Budget(units_per_second=1_000_000.0))
        assert write_items(client_of(peer), "T", ITEMS, key_names=["Id"], pacer=pacer).written == 75
