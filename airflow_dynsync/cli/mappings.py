"""``dynsync validate``: check a mapping file and say which rule applies where."""

from __future__ import annotations

import argparse
from typing import Any


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("validate", help="check a mapping file and explain it")
    parser.add_argument("mapping_file", metavar="MAPPING.yaml", help="the rules")
    parser.add_argument("--key", action="append", default=[], metavar="NAME", help="a primary-key attribute")
    parser.add_argument(
        "--explain", action="append", default=[], metavar="PATH", help="say which rule applies to this attribute"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compile the rules of every table of the file and print what they do."""
    from rich.console import Console

    from airflow_dynsync.sync.mapping_file import check_mapping, read_mapping_file

    console = Console(highlight=False, markup=False, soft_wrap=True)
    file = read_mapping_file(options.mapping_file)
    for table in file.tables or [""]:
        place = f"{options.mapping_file}: tables.{table}" if table else options.mapping_file
        plan = check_mapping(file.table(table), key_attributes=options.key, place=place)
        if table:
            console.print(f"{table}:")
        console.print(plan.explain(*options.explain))
    return 0
