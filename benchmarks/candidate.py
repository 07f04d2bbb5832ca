"""One measured run in a process of its own: `python -m benchmarks.candidate CANDIDATE WORK TABLE ENDPOINT`.

Prints a line of JSON: items, CPU seconds (user and system) and wall seconds of the move itself, and the process's
peak memory before and after it. Imports, the making of clients and their first answer come before, uncounted.

- `stock`: boto3 as its documentation shows it, in one thread: a paginator over Scan, TypeDeserializer, Python, and
  `Table.batch_writer` with its TypeSerializer.
- `floor`: the project's wire client in one thread, a page in and its items out as they are; no engine, and no
  garbage collector, which would double it.
- `bare`: the floor without botocore's client: SigV4 by botocore's signer, a pool of urllib3, orjson, CRC-32.
- `ours`: `run_sync`, as the operator and the command line call it.
"""

import gc
import resource
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

import orjson

from benchmarks.items import KEY
from benchmarks.rules import MAPPINGS, SECRET, by_hand

DESTINATION = "copy"
_REGION = "eu-west-1"
_BATCH = 25
_PAGE = 1000
Move = Callable[[], int]


def stock(work: str, table: str, endpoint: str) -> Move:
    """Return the pipeline in plain boto3."""
    import boto3
    from boto3.dynamodb.types import TypeDeserializer

    session: Any = boto3.Session("access", "secret", region_name=_REGION)
    client = session.client("dynamodb", endpoint_url=endpoint)
    destination = session.resource("dynamodb", endpoint_url=endpoint).Table(DESTINATION)
    client.describe_table(TableName=table)
    destination.load()
    transform, deserialize = by_hand(work), TypeDeserializer().deserialize

    def move() -> int:
        moved = 0
        with destination.batch_writer() as batch:
            pages = client.get_paginator("scan").paginate(TableName=table, PaginationConfig={"PageSize": _PAGE})
            for page in pages:
                for wire in page["Items"]:
                    item = {name: deserialize(value) for name, value in wire.items()}
                    transform(item)
                    batch.put_item(Item=item)
                moved += len(page["Items"])
        return moved

    return move


def _wire_client(endpoint: str) -> Any:
    from botocore.credentials import Credentials

    from airflow_dynsync.dynamodb.client import create_client

    client = create_client(credentials=Credentials("access", "secret"), region_name=_REGION, endpoint_url=endpoint)
    client.describe_table(TableName=DESTINATION)
    return client


def floor(work: str, table: str, endpoint: str) -> Move:
    """Return a raw copy through the wire client."""
    client = _wire_client(endpoint)
    return _raw_copy(work, table, client.scan, client.batch_write_item)


def bare(work: str, table: str, endpoint: str) -> Move:
    """Return a raw copy by a signer, a connection pool and orjson."""
    import urllib3
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signer = SigV4Auth(Credentials("access", "secret"), "dynamodb", _REGION)
    pool = urllib3.PoolManager(maxsize=1)

    def call(operation: str, parameters: dict[str, Any]) -> Any:
        body = orjson.dumps(parameters)
        headers = {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
        }
        request = AWSRequest("POST", endpoint, headers, body)
        signer.add_auth(request)
        answer = pool.request("POST", endpoint, body=body, headers=dict(request.headers.items()), retries=False)
        if answer.status != 200 or zlib.crc32(answer.data) != int(answer.headers["x-amz-crc32"]):
            raise RuntimeError(f"{operation} was answered with status {answer.status}")
        return orjson.loads(answer.data)

    call("DescribeTable", {"TableName": table})
    return _raw_copy(work, table, lambda **it: call("Scan", it), lambda **it: call("BatchWriteItem", it))


def _raw_copy(work: str, table: str, scan: Callable[..., Any], write: Callable[..., Any]) -> Move:
    if work != "nothing":
        raise ValueError(f"a raw copy transforms nothing, not {work!r}")

    def move() -> int:
        gc.disable()
        moved = 0
        parameters: dict[str, Any] = {"TableName": table, "Limit": _PAGE, "ReturnConsumedCapacity": "TOTAL"}
        while True:
            page = scan(**parameters)
            items = page["Items"]
            # As many bytes as ours puts into one request, which DynamoDB limits to 16 MB.
            step = _BATCH if not items else max(1, min(_BATCH, 15_000_000 // len(orjson.dumps(items[0]))))
            for start in range(0, len(items), step):
                puts = [{"PutRequest": {"Item": item}} for item in items[start : start + step]]
                write(RequestItems={DESTINATION: puts}, ReturnConsumedCapacity="TOTAL")
            moved += len(items)
            if "LastEvaluatedKey" not in page:
                return moved
            parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    return move


def ours(work: str, table: str, endpoint: str, **share: Any) -> Move:
    """Return the sync, of the whole table or of the share that fields of the job describe."""
    from airflow_dynsync.engine import Mapping, compile_plan
    from airflow_dynsync.engine.recognizers import find
    from airflow_dynsync.sync.job import SyncJob, run_sync

    # Reading 1,000 items back costs the same for any table; of these small ones it would be a large part.
    job = SyncJob(table, DESTINATION, Mapping.parse(MAPPINGS[work]), SECRET, verify="off", **share)
    compile_plan(job.mapping, key_attributes=(KEY,), secret=SECRET)  # imports what its transformers need
    find("1")  # imports what the samples are searched with
    client = _wire_client(endpoint)
    return lambda: run_sync(job, client, client).items_written


CANDIDATES: dict[str, Callable[[str, str, str], Move]] = {
    "stock": stock,
    "floor": floor,
    "bare": bare,
    "ours": ours,
}


def main(candidate: str, work: str, table: str, endpoint: str) -> int:
    """Measure one run and print it."""
    move = CANDIDATES[candidate](work, table, endpoint)
    memory, wall, cpu = _peak_mb(), time.perf_counter(), time.process_time()
    moved = move()
    measured = {
        "items": moved,
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "mb_before": memory,
        "mb_peak": _peak_mb(),
    }
    print(orjson.dumps(measured).decode())
    return 0


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform == "linux" else 1024**2)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
