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

    from airflow_dynsync.engine import MappingError, compile_plan
    from airflow_dynsync.sync.errors import MappingFileError
    from airflow_dynsync.sync.mapping_file import read_mapping_file

    console = Console(highlight=False, markup=False, soft_wrap=True)
    file = read_mapping_file(options.mapping_file)
    for table in file.tables or [""]:
        try:
            # The plan's keys are thrown away; any secret serves to check the rules.
            plan = compile_plan(file.table(table), key_attributes=options.key, secret=bytes(16))
        except MappingError as error:
            place = f"{options.mapping_file}: tables.{table}: " if table else f"{options.mapping_file}: "
            raise MappingFileError(f"{place}{error}") from None
        if table:
            console.print(f"{table}:")
        console.print(plan.explain(*options.explain))
    return 0
