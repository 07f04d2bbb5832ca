"""What the engine alone costs per item, in a process of its own per plan: part of `make bench`.

A chunk is as many items of 1.2 KB with 35 leaves as a sync parses and transforms at a time; the figure is the
median of five processes, each of which applies its plan to chunk after chunk, never twice to the same items. Next
to the eight rules stands what somebody would write by hand for them alone, with the catalogue's functions.
"""

import argparse
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import orjson
from rich.console import Console
from rich.table import Table

from airflow_dynsync.dynamodb.items import PIECE_BYTES, parse_answer
from benchmarks.items import WireItem
from benchmarks.page import record
from benchmarks.rules import MAPPINGS, SECRET, eight_rules_by_hand

ROUNDS = 5
ITEMS = 10_000
BY_HAND = "eight rules, by hand"
LIMITS = {"nothing": None, "one rule": 400_000, "eight rules": 80_000, BY_HAND: None, "every leaf": 20_000}
"""Items per second and core that each plan has to reach."""


def measure(work: str) -> float:
    """Return the CPU seconds per item of a plan, in this process."""
    from benchmarks.items import items

    made = items("mixed", ITEMS)
    read = parse_answer(orjson.dumps({"Items": made}))["Items"]
    apply = _applying(work)
    apply(made[:1000])
    del made  # the garbage collector would visit these items again and again
    gc.disable()  # a run lets it look at items rarely
    spent, done = 0.0, 0
    for chunk in read.pieces(PIECE_BYTES):
        started = time.process_time()
        results = apply(chunk)
        spent += time.process_time() - started
        done += len(results)
        chunk.clear()  # what the parser made is not freed at the engine's cost
        del results
    if done != ITEMS:
        raise RuntimeError(f"{done} of {ITEMS} items came out")
    return spent / ITEMS


def _applying(work: str) -> Callable[[list[WireItem]], list[WireItem]]:
    from airflow_dynsync.engine import compile_plan
    from benchmarks.items import KEY

    if work == BY_HAND:
        transformed = eight_rules_by_hand()
        return lambda chunk: [transformed(item) for item in chunk]
    return compile_plan(MAPPINGS[work], key_attributes=(KEY,), secret=SECRET).apply


def main() -> int:
    """Measure, print and record; with `--child`, measure one plan and print its figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round; records nothing")
    parser.add_argument("--child", choices=[*LIMITS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(measure(options.child))
        return 0
    seconds: dict[str, list[float]] = {work: [] for work in LIMITS}
    for _ in range(1 if options.quick else ROUNDS):
        for work, so_far in seconds.items():
            command = [sys.executable, "-m", "benchmarks.engine", "--child", work]
            so_far.append(float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    table = Table("plan", "µs an item", "items per second and core", "at least")
    figures = []
    for work, done in seconds.items():
        median, limit = statistics.median(done), LIMITS[work]
        figures.append({"work": work, "cpu": median * 1e6, "items_per_second": 1 / median, "at_least": limit})
        table.add_row(work, f"{median * 1e6:.2f}", f"{1 / median:,.0f}", f"{limit:,}" if limit else "")
    Console(width=100).print(table)
    if not options.quick:
        record("engine", {"rounds": ROUNDS, "figures": figures})
    return 0


if __name__ == "__main__":
    sys.exit(main())
