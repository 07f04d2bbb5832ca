"""``dynsync schema``: the JSON schema of a mapping file."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("schema", help="print the JSON schema of a mapping file, for editors")
    parser.set_defaults(run=run)


def run(_options: argparse.Namespace) -> int:
    """Print the schema."""
    from airflow_dynsync.sync.mapping_schema import mapping_schema

    json.dump(mapping_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0
