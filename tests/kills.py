"""Syncs that are killed: what a process had read, confirmed and saved when SIGKILL ended it.

A watched process writes a line to a log for each page it asks for, each it has confirmed as written, and before
and after each save of its checkpoint. `python -m tests.kills LOG sync ...` is a watched `dynsync sync ...`.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from airflow_dynsync.dynamodb import client as client_module
from airflow_dynsync.sync.checkpoint import Checkpoint
from airflow_dynsync.sync.first_items import MOST_ITEMS
from airflow_dynsync.sync.pump import READERS

PAGE_SIZE = 250
"""Of the killed syncs: as many items as are put together before they are written, so that each page is a chunk."""

PAGES_IN_FLIGHT = READERS
"""At most: each segment has one, which is read, transformed or written."""

SOAK = os.environ.get("DYNSYNC_SOAK") == "1"

Page = tuple[int, str]
"""The segment, and the position where the page begins."""


def seed() -> int:
    """Return what the moments of the kills are drawn from: DYNSYNC_SEED, else a new one each time; prints it."""
    drawn = int(os.environ.get("DYNSYNC_SEED") or int.from_bytes(os.urandom(4)))
    sys.stdout.write(f"DYNSYNC_SEED={drawn}\n")
    return drawn


def items(count: int) -> list[dict[str, Any]]:
    """Return items with values of several types."""
    return [
        {
            "Id": {"S": f"user-{number}"},
            "Name": {"S": f"Person Number {number}"},
            "Email": {"S": f"person{number}@corp.test"},
            "Age": {"N": str(18 + number % 80)},
            "Tags": {"SS": [f"tag-{number}", "common-tag"]},
            "Address": {
                "M": {"Street": {"S": f"{number} Long Road"}, "Lines": {"L": [{"S": "x"}, {"NULL": True}]}}
            },
        }
        for number in range(count)
    ]


MAPPING: dict[str, Any] = {
    "mappings": {
        "Id": "transform_hash",
        "Name": "transform_full_name",
        "Email": "transform_email",
        "Tags": "transform_string",
        "Address.Street": "generate_street_address",
    },
    "unmapped": "passthrough",
}


def watch(log: Path) -> None:
    """Let this process write to the log."""
    create_client = client_module.create_client
    advance, save, remove = Checkpoint.advance, Checkpoint.save, Checkpoint.remove

    def note(what: str, *about: Any) -> None:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(file, json.dumps([os.getpid(), what, *about]).encode() + b"\n")
        finally:
            os.close(file)

    def watched_client(**options: Any) -> Any:
        client: Any = create_client(**options)
        client.meta.events.register("provide-client-params.dynamodb.Scan", asked)
        return client

    def asked(params: dict[str, Any], **_: Any) -> None:
        if params["Limit"] != MOST_ITEMS:  # that of preflight's look at the first items
            note("asked", params.get("Segment", 0), json.dumps(params.get("ExclusiveStartKey")))

    def watched_advance(self: Checkpoint, segment: int, *rest: Any) -> None:
        advance(self, segment, *rest)
        note("confirmed", segment)

    def watched_save(self: Checkpoint) -> None:
        note("saving")
        save(self)
        note("saved")

    def watched_remove(self: Checkpoint) -> None:
        note("complete")
        remove(self)

    client_module.create_client = watched_client
    Checkpoint.advance = watched_advance  # type: ignore[method-assign]
    Checkpoint.save = watched_save  # type: ignore[method-assign]
    Checkpoint.remove = watched_remove  # type: ignore[method-assign]


@dataclass
class Attempt:
    """What a process did: the pages it asked for, by segment in order, and how many it confirmed and saved."""

    process: int
    asked: dict[int, list[str]] = field(default_factory=dict)
    confirmed: Counter[int] = field(default_factory=Counter)
    saving: Counter[int] = field(default_factory=Counter)
    saved: Counter[int] = field(default_factory=Counter)
    complete: bool = False

    @property
    def pages(self) -> set[Page]:
        return {(segment, position) for segment, positions in self.asked.items() for position in positions}

    @property
    def in_flight(self) -> set[Page]:
        """Asked for and not confirmed."""
        return self._behind(self.confirmed)

    @property
    def unsaved(self) -> set[Page]:
        """Asked for, and not confirmed when the last save began that came to its end."""
        return self._behind(self.saved)

    def _behind(self, done: Counter[int]) -> set[Page]:
        return {(segment, position) for segment, all_ in self.asked.items() for position in all_[done[segment] :]}

    def note(self, what: str, segment: int = 0, position: str = "") -> None:
        if what == "asked" and position not in (before := self.asked.setdefault(segment, [])):
            before.append(position)
        elif what == "confirmed":
            self.confirmed[segment] += 1
        elif what == "saving":
            self.saving = Counter(self.confirmed)
        elif what == "saved":
            self.saved = self.saving
        elif what == "complete":
            self.complete = True


def read_log(log: Path) -> list[Attempt]:
    """Return the attempts that wrote to a log, in order."""
    attempts: dict[int, Attempt] = {}
    for line in log.read_text().splitlines() if log.exists() else ():
        process, *noted = json.loads(line)
        attempts.setdefault(process, Attempt(process)).note(*noted)
    return list(attempts.values())


@dataclass(frozen=True)
class Loss:
    """What a kill cost: the pages that later attempts read again, and how many of them had been in flight."""

    again: int
    in_flight: int


def losses(attempts: list[Attempt]) -> Iterable[Loss]:
    """Tell what each attempt but the last left to be read again; asserts that it is no more than it had to be.

    A process that is killed when its sync is complete leaves nothing; the next one begins anew.
    """
    for number, attempt in enumerate(attempts[:-1], 1):
        if attempt.complete:
            continue
        rest = attempts[number:]
        end = next((position for position, each in enumerate(rest, 1) if each.complete), len(rest))
        later: set[Page] = set().union(*(each.pages for each in rest[:end]))
        again = attempt.pages & later
        in_flight = Counter(segment for segment, _ in attempt.in_flight)
        assert len(in_flight) <= READERS
        assert all(pages == 1 for pages in in_flight.values())
        assert again <= attempt.unsaved, "what was saved is never read again"
        yield Loss(len(again), len(again & attempt.in_flight))


def tell(costs: Sequence[Loss], kills: int, runs: str) -> None:
    """Print what kills cost."""
    unsaved = [cost.again - cost.in_flight for cost in costs]
    sys.stdout.write(
        f"{kills} kills, {len(costs)} of them while pages were read, in {runs}. Read again: "
        f"{sum(cost.again for cost in costs)} pages, at most {max(cost.again for cost in costs)} after a kill; "
        f"{sum(unsaved)} of them, at most {max(unsaved)}, were confirmed and not yet saved, the others in flight "
        f"(at most {max(cost.in_flight for cost in costs)} of {PAGES_IN_FLIGHT})\n"
    )


def wire_bytes(items: Iterable[dict[str, Any]]) -> list[bytes]:
    """Return items in wire form, in an order of their own."""
    return sorted(orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in items)


if __name__ == "__main__":
    from airflow_dynsync.cli import main

    watch(Path(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
