"""A whole sync from one table of DynamoDB Local to another, beside stock boto3 and a raw copy.

DynamoDB Local, a Java program on the same machine, is the slower part; so time and items per second say little of
the client, whose CPU stands beside them. It runs in memory and is emptied before every run.
"""

import argparse
import statistics
import subprocess
import sys
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.candidate import DESTINATION
from benchmarks.items import KEY, items
from benchmarks.page import record
from local.dynamodb import AccessKey, PartMissing, Server, dynamodb_local

ROUNDS = 3
ITEMS = 20_000
RUNS = (("floor", "nothing"), ("ours", "nothing"), ("ours", "eight rules"), ("stock", "eight rules"))
_KEY = AccessKey("access")


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of fewer items; records nothing")
    options = parser.parse_args()
    count = 3_000 if options.quick else ITEMS
    measured: dict[tuple[str, str], list[dict[str, float]]] = {each: [] for each in RUNS}
    try:
        with dynamodb_local() as server:
            source = f"mixed-{count}"
            _create(server, source)
            _fill(server, source, count)
            for _ in range(1 if options.quick else ROUNDS):
                for (candidate, work), so_far in measured.items():
                    _create(server, DESTINATION)
                    so_far.append(_run(server, candidate, work, source, count))
    except PartMissing as missing:
        print(missing)
        return 0
    table = Table("candidate", "work", "items/s", "client CPU µs/item")
    figures = []
    for (candidate, work), runs in measured.items():
        wall = statistics.median(run["wall_seconds"] for run in runs)
        cpu = statistics.median(run["cpu_seconds"] for run in runs) / count * 1e6
        figures.append({"candidate": candidate, "work": work, "items_per_second": count / wall, "cpu": cpu})
        table.add_row(candidate, work, f"{count / wall:,.0f}", f"{cpu:.0f}")
    Console(width=100).print(table)
    if not options.quick:
        record("end_to_end", {"rounds": ROUNDS, "items": count, "figures": figures})
    return 0


def _create(server: Server, name: str) -> None:
    client = server.client(key=_KEY)
    if name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _fill(server: Server, table: str, count: int) -> None:
    from botocore.credentials import Credentials

    from airflow_dynsync.dynamodb.client import create_client

    client: Any = create_client(
        credentials=Credentials(_KEY.access_key_id, _KEY.secret_access_key),
        region_name=server.region,
        endpoint_url=server.endpoint_url,
    )
    made = items("mixed", count)
    for start in range(0, count, 25):
        puts = [{"PutRequest": {"Item": item}} for item in made[start : start + 25]]
        client.batch_write_item(RequestItems={table: puts})


def _run(server: Server, candidate: str, work: str, source: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.candidate", candidate, work, source, server.endpoint_url]
    run: dict[str, float] = orjson.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    arrived = server.client(key=_KEY).describe_table(TableName=DESTINATION)["Table"]["ItemCount"]
    if not run["items"] == arrived == count:
        raise RuntimeError(f"{candidate}, {work}: {arrived} of {count} items arrived")
    return run


if __name__ == "__main__":
    sys.exit(main())
