"""What a whole sync costs its client per item, beside stock boto3 and the floor: part of `make bench`.

Every run is a process of its own (`benchmarks.candidate`) against one canned server. The candidates take turns,
so a machine that slows down slows all of them. `--quick` makes one round of fewer items and records nothing.
"""

import argparse
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.canned_server import CannedServer, canned_server
from benchmarks.items import item_size, items, leaves
from benchmarks.page import record

ROUNDS = 5
ITEMS = {"200B": 80_000, "1KB": 20_000, "mixed": 20_000, "10KB": 4_000, "100KB": 800}
STOCK_SHARE = 0.2
"""Of the items: stock's cost per item does not depend on their number, and it takes long."""

RUNS = (
    ("bare", "nothing"),
    ("floor", "nothing"),
    ("ours", "nothing"),
    ("ours", "one rule"),
    ("ours", "eight rules"),
    ("ours", "every leaf"),
    ("stock", "nothing"),
    ("stock", "one rule"),
    ("stock", "eight rules"),
    ("stock", "every leaf"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: microseconds per item of the client's CPU, of the server's CPU, and of time."""

    cpu: float
    server_cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Figure:
    """The medians of a candidate's runs over items of one kind, in microseconds per item."""

    kind: str
    candidate: str
    work: str
    cpu: float
    server_cpu: float
    wall: float
    lowest_cpu: float
    highest_cpu: float


def run(server: CannedServer, candidate: str, work: str, kind: str, count: int) -> Run:
    """Measure one run in a process of its own; every item has to arrive."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.candidate",
        candidate,
        work,
        f"{kind}-{count}",
        server.endpoint_url,
    ]
    before = server.usage()
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    measured, after = orjson.loads(printed), server.usage()
    if not measured["items"] == after.puts - before.puts == count:
        raise RuntimeError(f"{candidate}, {work}: {after.puts - before.puts} of {count} items arrived")
    spent = (measured["cpu_seconds"], after.cpu_seconds - before.cpu_seconds, measured["wall_seconds"])
    return Run(*(seconds / count * 1e6 for seconds in spent))


def figures(server: CannedServer, kind: str, count: int, rounds: int, runs=RUNS) -> list[Figure]:
    """Measure the candidates over items of one kind, taking turns."""
    measured: dict[tuple[str, str], list[Run]] = {each: [] for each in runs}
    for _ in range(rounds):
        for (candidate, work), so_far in measured.items():
            share = STOCK_SHARE if candidate == "stock" else 1
            so_far.append(run(server, candidate, work, kind, round(count * share)))
    return [
        Figure(
            kind,
            candidate,
            work,
            *(statistics.median(getattr(each, name) for each in done) for name in ("cpu", "server_cpu", "wall")),
            min(each.cpu for each in done),
            max(each.cpu for each in done),
        )
        for (candidate, work), done in measured.items()
    ]


def printed(kind: str, of_kind: list[Figure]) -> Table:
    """Return the figures of one kind as a table."""
    by_run = {(each.candidate, each.work): each for each in of_kind}
    table = Table(
        "candidate", "work", "CPU µs/item", "from - to", "wall", "server", "of floor", "stock is", title=kind
    )
    for each in of_kind:
        floor, stock = by_run.get(("floor", "nothing")), by_run.get(("stock", each.work))
        table.add_row(
            each.candidate,
            each.work,
            f"{each.cpu:.1f}",
            f"{each.lowest_cpu:.1f} - {each.highest_cpu:.1f}",
            f"{each.wall:.1f}",
            f"{each.server_cpu:.1f}",
            f"{each.cpu / floor.cpu:.2f}" if floor else "",
            f"{stock.cpu / each.cpu:.1f}x" if stock and each.candidate != "stock" else "",
        )
    return table


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of fewer items; records nothing")
    parser.add_argument(
        "--kind", action="append", choices=[*ITEMS], help="only items of this kind; records nothing"
    )
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    options = parser.parse_args()
    rounds = options.rounds or (1 if options.quick else ROUNDS)
    console = Console(width=115)
    measured: list[Figure] = []
    with canned_server() as server:
        for kind, count in ITEMS.items():
            if options.kind is None or kind in options.kind:
                of_kind = figures(server, kind, max(100, count // 4) if options.quick else count, rounds)
                console.print(printed(kind, of_kind))
                measured += of_kind
    if not (options.quick or options.kind):
        of_each = {kind: items(kind, 1)[0] for kind in ITEMS}
        kinds = {kind: {"bytes": item_size(item), "leaves": leaves(item) - 1} for kind, item in of_each.items()}
        record("sync", {"rounds": rounds, "items": ITEMS, "kinds": kinds, "figures": [*map(asdict, measured)]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
