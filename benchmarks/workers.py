"""One sync beside two that share a table, each a process of its own, as mapped tasks are: part of `make bench`.

The canned server takes CPU, too, which on AWS is not this machine's. It runs beside one sync on a core that has
nothing else to do, and takes its time from two. So the figures are told as measured, and less the server's part of
the time of two: its CPU seconds divided by the cores. Starting a process and its imports are not counted.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

import orjson
from rich.console import Console
from rich.table import Table

from airflow_dynsync.sync.segments import share_out
from benchmarks.candidate import ours
from benchmarks.canned_server import CannedServer, canned_server
from benchmarks.page import record

ITEMS = 200_000
SEGMENTS = 16
ROUNDS = 3
KIND = "mixed"
WORK = "eight rules"


def run(server: CannedServer, count: int, workers: int) -> dict[str, float]:
    """Move the table by this many processes; return seconds of time and of CPU, theirs and the server's."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.workers",
        "--worker",
        f"{KIND}-{count}",
        server.endpoint_url,
    ]
    with ExitStack() as ending:
        processes = [
            ending.enter_context(
                subprocess.Popen(
                    [*command, str(number), str(workers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            )
            for number in range(workers)
        ]
        for process in processes:
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError(f"a worker did not start: {' '.join(command)}")
        before, began = server.usage(), time.monotonic()
        for process in processes:
            process.stdin.write(b"\n")
            process.stdin.flush()
        told = [orjson.loads(process.stdout.readline()) for process in processes]
        wall, after = time.monotonic() - began, server.usage()
    moved = sum(each["items"] for each in told)
    if not moved == after.puts - before.puts == count:
        raise RuntimeError(f"{workers} workers moved {moved} of {count} items")
    return {
        "wall": wall,
        "cpu": sum(each["cpu_seconds"] for each in told),
        "server_cpu": after.cpu_seconds - before.cpu_seconds,
    }


def work_off(table: str, endpoint: str, number: int, workers: int) -> None:
    """Be a worker: get ready, say so, and move one's segments when told to."""
    segments = share_out(SEGMENTS, workers)[number]
    move = ours(WORK, table, endpoint, segments=segments, total_segments=SEGMENTS, workers=workers)
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    moved = move()
    print(orjson.dumps({"items": moved, "cpu_seconds": time.process_time() - cpu}).decode(), flush=True)


def figures(runs: dict[int, list[dict[str, float]]]) -> list[dict[str, float]]:
    """Return the medians for each number of workers, and what they are of one worker's time."""
    medians = [
        {"workers": workers} | {name: statistics.median(each[name] for each in done) for name in done[0]}
        for workers, done in runs.items()
    ]
    one = medians[0]
    for each in medians:
        less_server = each["wall"] - each["server_cpu"] / (os.cpu_count() or 1)
        each["ratio"] = each["wall"] / one["wall"]
        each["ratio_less_server"] = less_server / one["wall"] if each is not one else 1.0
    return medians


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of fewer items; records nothing")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        table_name, endpoint, number, workers = options.worker
        work_off(table_name, endpoint, int(number), int(workers))
        return 0
    count, rounds = (ITEMS // 5, 1) if options.quick else (ITEMS, ROUNDS)
    runs: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    with canned_server() as server:
        for _ in range(rounds):
            for workers, done in runs.items():
                done.append(run(server, count, workers))
    measured = figures(runs)
    columns = ("workers", "seconds", "of one's", "less the server", "CPU seconds", "the server's")
    table = Table(*columns, title=f"{count:,} items of 1.2 KB, {WORK}, {os.cpu_count()} cores")
    for each in measured:
        table.add_row(
            f"{each['workers']}",
            f"{each['wall']:.1f}",
            f"{each['ratio']:.2f}",
            f"{each['ratio_less_server']:.2f}",
            f"{each['cpu']:.1f}",
            f"{each['server_cpu']:.1f}",
        )
    Console(width=115).print(table)
    if not options.quick:
        record("workers", {"work": WORK, "rounds": rounds, "items": count, "figures": measured})
    return 0


if __name__ == "__main__":
    sys.exit(main())
