"""Peak memory of a sync above its imports, by the number and the size of items: part of `make bench`.

Each figure is the peak resident memory of a process of its own, less its peak before the first Scan.
"""

import argparse
import subprocess
import sys

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.canned_server import canned_server
from benchmarks.page import record

WORK = "eight rules"
TABLES = (("mixed", 10_000), ("mixed", 100_000), ("mixed", 1_000_000), ("10KB", 5_000), ("400KB", 2_000))
QUICK = (("mixed", 10_000), ("mixed", 100_000), ("400KB", 1_100))


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer items; records nothing")
    options = parser.parse_args()
    table = Table("kind", "items", "MB before", "MB above it at the peak")
    figures = []
    with canned_server() as server:
        for kind, count in QUICK if options.quick else TABLES:
            command = [sys.executable, "-m", "benchmarks.candidate", "ours", WORK]
            printed = subprocess.run(
                [*command, f"{kind}-{count}", server.endpoint_url], check=True, stdout=subprocess.PIPE
            ).stdout
            run = orjson.loads(printed)
            above = run["mb_peak"] - run["mb_before"]
            figures.append({"kind": kind, "items": count, "mb_before": run["mb_before"], "mb_above": above})
            table.add_row(kind, f"{run['items']:,}", f"{run['mb_before']:.0f}", f"{above:.0f}")
    Console(width=100).print(table)
    if not options.quick:
        record("memory", {"work": WORK, "figures": figures})
    return 0


if __name__ == "__main__":
    sys.exit(main())
