"""``dynsync preview``: the first items before and after. The only command that prints values."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from airflow_dynsync.cli import connections


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "preview", help="show the first items before and after (prints values); nothing is written"
    )
    connections.add_job(parser)
    parser.add_argument("-n", "--items", type=int, default=5, metavar="N", help="how many items (5)")
    connections.add_side(parser, "source")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show each item's attributes side by side."""
    from rich.console import Console

    from airflow_dynsync.sync.preview import preview

    job = connections.job(options)
    console = Console()
    for before, after in preview(job, connections.client(options, "source", 2), options.items):
        console.print(side_by_side(before, after))
    return 0


def side_by_side(before: dict[str, Any], after: dict[str, Any]) -> Any:
    """Return a table of the leaves of an item before and after, changed ones highlighted."""
    from rich.table import Table
    from rich.text import Text

    was, became = dict(_leaves(before, "")), dict(_leaves(after, ""))
    table = Table("path", "before", "after")
    for path in dict.fromkeys([*was, *became]):
        old, new = was.get(path, "(absent)"), became.get(path, "(absent)")
        table.add_row(Text(path), Text(old), Text(new, style="bold green" if old != new else ""))
    return table


def _leaves(value: dict[str, Any], trail: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every leaf of an item in wire form."""
    from airflow_dynsync.engine.paths import format_path

    for name, wire in value.items():
        step = format_path((name,))
        yield from _value_leaves(wire, f"{trail}.{step}" if trail else step)


def _value_leaves(wire: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    ((kind, payload),) = wire.items()
    if kind == "M" and payload:
        yield from _leaves(payload, path)
    elif kind == "L" and payload:
        for index, element in enumerate(payload):
            yield from _value_leaves(element, f"{path}[{index}]")
    else:
        shown = ", ".join(sorted(payload)) if kind in ("SS", "NS", "BS") else str(payload)
        yield path, "NULL" if kind == "NULL" else f"{kind} {shown}"
