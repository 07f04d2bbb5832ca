"""Memory does not grow with the table."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.dynamodb import AccessKey, Server
from tests.tables import wire_client

Fill = Callable[..., str]

MAX_PEAK_MB = 300
MAX_GROWTH = 1.2
PADDING = "x" * 400


def item(number: int) -> dict[str, Any]:
    """Return an item of about 1 KB by DynamoDB's counting."""
    return {
        "Id": {"S": f"customer-{number:08}"},
        "Name": {"S": f"Given{number} Family{number}"},
        "Email": {"S": f"given{number}.family@corp.test"},
        "Address": {
            "M": {"Street": {"S": f"{number} Long Road"}, "City": {"S": "Springfield"}, "Note": {"S": PADDING}}
        },
        "Orders": {"L": [{"M": {"Total": {"N": f"{number}.25"}, "Paid": {"BOOL": True}}} for _ in range(6)]},
        "Text": {"S": PADDING},
    }


_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small process between: a process's peak begins with that of the one that started it, and pytest is large."""


def sync_peak_mb(server: Server, source: str, destination: str, mapping: Path) -> float:
    """Run `dynsync sync` as a process of its own and return its peak resident memory, in MB."""
    sides = [
        option
        for side in ("source", "destination")
        for option in (f"--{side}-endpoint-url", server.endpoint_url, f"--{side}-region", server.region)
    ]
    command = [str(Path(sys.executable).with_name("dynsync")), "sync", str(mapping), "--source-table", source]
    measured = subprocess.run(
        [sys.executable, "-c", _MEASURE, *command, "--destination-table", destination, *sides],
        env=os.environ | {"AWS_ACCESS_KEY_ID": "memory", "AWS_SECRET_ACCESS_KEY": "local"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(measured.stdout.splitlines()[-1]) / 1024


def test_memory_stays_below_its_bound_and_does_not_grow_with_the_table(
    dynamodb_local: Server, fill: Fill, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("mappings: {Name: transform_full_name, Email: transform_email}\nunmapped: anonymize\n")
    client = wire_client(dynamodb_local, AccessKey("memory"))
    peaks = {}
    for count in (10_000, 100_000):
        source = fill(client, {"Id": "S"}, map(item, range(count)))
        destination = fill(client, {"Id": "S"}, [])
        peaks[count] = sync_peak_mb(dynamodb_local, source, destination, mapping)
        assert client.describe_table(TableName=destination)["Table"]["ItemCount"] == count
    assert peaks[100_000] < MAX_PEAK_MB
    assert peaks[100_000] < MAX_GROWTH * peaks[10_000]
