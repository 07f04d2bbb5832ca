"""What the engine alone costs per item, in a process of its own per plan: part of `make bench`.

A chunk is 1,000 items of 1.2 KB with 35 leaves, as a page of a Scan holds them; the figure is the median of five
processes, each of which applies its plan to chunk after chunk, never twice to the same items.
"""

import argparse
import statistics
import subprocess
import sys
import time

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.page import record
from benchmarks.rules import MAPPINGS, SECRET

ROUNDS = 5
CHUNK = 1000
CHUNKS = 10
LIMITS = {"nothing": None, "one rule": 400_000, "eight rules": 80_000, "every leaf": 20_000}
"""Items per second and core that each plan has to reach."""


def measure(work: str) -> float:
    """Return the CPU seconds per item of a plan, in this process."""
    from airflow_dynsync.engine import compile_plan
    from benchmarks.items import KEY, items

    made = items("mixed", CHUNK * CHUNKS)
    served = [orjson.dumps(made[start : start + CHUNK]) for start in range(0, len(made), CHUNK)]
    del made  # the garbage collector would visit these items again and again
    plan = compile_plan(MAPPINGS[work], key_attributes=(KEY,), secret=SECRET)
    plan.apply(items("mixed", CHUNK))
    spent = 0.0
    for body in served:
        chunk = orjson.loads(body)
        started = time.process_time()
        results = plan.apply(chunk)
        spent += time.process_time() - started
        if len(results) != CHUNK:
            raise RuntimeError(f"{len(results)} of {CHUNK} items came out")
    return spent / (CHUNK * CHUNKS)


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
