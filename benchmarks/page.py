"""The figures of the benchmarks as JSON and as a page: docs/performance.json and docs/performance.md."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

_DOCS = Path(__file__).parent.parent / "docs"
_JSON = _DOCS / "performance.json"
_PAGE = _DOCS / "performance.md"
_PACKAGES = ("boto3", "botocore", "orjson", "urllib3")
_WORKS = ("nothing", "one rule", "eight rules", "every leaf")


def record(section: str, figures: dict[str, Any]) -> None:
    """Replace one benchmark's figures, with where and when they were measured, and make the page anew."""
    known = orjson.loads(_JSON.read_bytes()) if _JSON.exists() else {}
    known[section] = {"measured": _here(), **figures}
    _JSON.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    _PAGE.write_text(page(known), encoding="utf-8")


def _here() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def page(known: dict[str, Any]) -> str:
    """Return the page of all figures known."""
    parts = [_HEAD]
    if "sync" in known:
        parts.append(_sync(known["sync"]))
    if "workers" in known:
        parts.append(_workers(known["workers"]))
    if "engine" in known:
        parts.append(_engine(known["engine"]))
    if "memory" in known:
        parts.append(_memory(known["memory"]))
    if "end_to_end" in known:
        parts.append(_end_to_end(known["end_to_end"]))
    return "\n\n".join(parts) + "\n"


_HEAD = """# Performance

<!-- Made by the benchmarks from docs/performance.json; change benchmarks/page.py. -->

Doubt every benchmark, this one too: repeat it with `make bench` on your own machine. Ratios within a run mean more
than its figures, which other work on the same machine moves by a third."""


def _measured(measured: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in measured["packages"].items())
    return (
        f"Measured {measured['date']} on {measured['cores']} cores of {measured['cpu']}, {measured['system']}, "
        f"Python {measured['python']}, {packages}."
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sync(sync: dict[str, Any]) -> str:
    cpu = {(each["kind"], each["candidate"], each["work"]): each["cpu"] for each in sync["figures"]}
    kinds = sorted(sync["items"], key=lambda kind: sync["kinds"][kind]["bytes"])

    def row(name: str, candidate: str, work: str) -> list[str]:
        return [name, *(f"{cpu[kind, candidate, work]:,.0f}" for kind in kinds)]

    def ratio(name: str, over: tuple[str, str], under: tuple[str, str]) -> list[str]:
        return [name, *(f"{cpu[kind, *over] / cpu[kind, *under]:.1f}" for kind in kinds)]

    head = [f"{sync['kinds'][kind]['bytes']:,} bytes, {sync['kinds'][kind]['leaves']} leaves" for kind in kinds]
    floor = ("floor", "nothing")
    costs = [
        row("bare copy", "bare", "nothing"),
        row("floor: raw copy by the wire client", *floor),
        *(row(f"sync, {work}", "ours", work) for work in _WORKS),
        *(row(f"stock boto3, {work}", "stock", work) for work in _WORKS),
    ]
    ratios = [
        *(ratio(f"stock / sync, {work}", ("stock", work), ("ours", work)) for work in _WORKS),
        *(ratio(f"sync / floor, {work}", ("ours", work), floor) for work in _WORKS),
    ]
    repeat = (
        f"Medians of {sync['rounds']} processes each. {_measured(sync['measured'])} "
        "Again: `.venv/bin/python -m benchmarks.sync`."
    )
    return "\n\n".join(
        [_SYNC, _table(["client CPU, µs an item", *head], costs), _table(["ratio", *head], ratios), repeat]
    )


_SYNC = """## A whole sync

What an item costs the client, user and system time, from the first Scan to the last BatchWriteItem, against a
canned DynamoDB in another process. Imports and the making of clients are not counted. The work: nothing;
`transform_email` on one attribute; eight rules, which meet 14 values in an item of 1.2 KB (an e-mail address,
first and last name, a phone number, a shifted date, a scrambled street, the age of each of three pets, a masked
card number in each of five orders; items of 10 and 100 KB have 20 and 100 orders); `unmapped: anonymize` on every
leaf.

- **bare copy**: pages in, the same items out, with botocore's signer, urllib3 and orjson and nothing else, in one
  thread.
- **floor**: the same through the project's client on botocore, with its retries and error handling. Neither of
  the two has the garbage collector look at the items, which would double them.
- **sync**: `run_sync`, as the operator calls it: segments in as many threads as it takes, counters, checks.
- **stock boto3**: a paginator, `TypeDeserializer`, the same transformer functions on Python values, and
  `Table.batch_writer`, in one thread."""


def _workers(workers: dict[str, Any]) -> str:
    rows = [
        [
            f"{each['workers']}",
            f"{each['wall']:.1f}",
            f"{each['ratio']:.2f}",
            f"{each['ratio_less_server']:.2f}",
            f"{each['cpu']:.1f}",
            f"{each['server_cpu']:.1f}",
        ]
        for each in workers["figures"]
    ]
    return "\n\n".join(
        [
            f"## Several workers\n\n{workers['items']:,} items of 1.2 KB with {workers['work']}, moved by one "
            "process, and by two that share\nthe segments as mapped tasks do. What Airflow takes to start a task, "
            "some seconds, is not counted. The canned server\nruns on the same cores and takes its CPU time from "
            "two workers; *less the server* is without that part.",
            _table(["workers", "seconds", "of one's", "less the server", "CPU seconds", "the server's"], rows),
            f"Medians of {workers['rounds']} runs. {_measured(workers['measured'])} "
            "Again: `.venv/bin/python -m benchmarks.workers`.",
        ]
    )


def _engine(engine: dict[str, Any]) -> str:
    rows = [[each["work"], f"{each['cpu']:.2f}", f"{each['items_per_second']:,.0f}"] for each in engine["figures"]]
    return "\n\n".join(
        [
            _ENGINE,
            _table(["plan", "µs an item", "items per second and core"], rows),
            f"{_measured(engine['measured'])} Again: `.venv/bin/python -m benchmarks.engine`.",
        ]
    )


_ENGINE = """## The engine alone

`plan.apply` on as many items of 1.2 KB with 35 leaves as a sync parses at a time, one thread. Beside the eight
rules stands what somebody would write by hand for them alone: it knows every type, looks at no option, counts
nothing, and calls the same functions, each with a keyed stream of its own."""


def _memory(memory: dict[str, Any]) -> str:
    rows = [
        [f"{each['kind']}, {each['items']:,} items", f"{each['mb_before']:.0f}", f"{each['mb_above']:.0f}"]
        for each in memory["figures"]
    ]
    return "\n\n".join(
        [
            f"## Memory\n\nPeak resident memory of a sync with {memory['work']}, in MB: what the imports and the "
            "client take,\nand what the move itself adds to it.",
            _table(["table", "imports", "above them"], rows),
            f"{_measured(memory['measured'])} Again: `.venv/bin/python -m benchmarks.memory`.",
        ]
    )


def _end_to_end(end: dict[str, Any]) -> str:
    rows = [
        [f"{each['candidate']}, {each['work']}", f"{each['items_per_second']:,.0f}", f"{each['cpu']:,.0f}"]
        for each in end["figures"]
    ]
    return "\n\n".join(
        [
            f"## DynamoDB Local, end to end\n\n{end['items']:,} items of 1.2 KB from one table to another, on the "
            "machine where DynamoDB Local itself\nruns, which takes most of the time.",
            _table(["candidate", "items per second", "client CPU, µs an item"], rows),
            f"Medians of {end['rounds']} runs. {_measured(end['measured'])} "
            "Again: `DYNSYNC_DYNAMODB_LOCAL=1 .venv/bin/python -m benchmarks.end_to_end`.",
        ]
    )
