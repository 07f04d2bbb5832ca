"""``dynsync import-neosync``: a mapping file, and for a job a DAG, from what Neosync exports."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from airflow_dynsync.sync.errors import SyncError


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "import-neosync", help="turn Neosync's mappings or job into a mapping file and a DAG"
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="exported mappings, or a job as its API returns it"
    )
    parser.add_argument("--job", action="store_true", help="write a mapping file and a DAG beside it")
    parser.add_argument(
        "--output", type=Path, default=Path(), metavar="FOLDER", help="where they go with --job (this folder)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the mapping file, or write it with its DAG; say on standard error what did not come over."""
    from airflow_dynsync.neosync.importer import ImportFileError, import_document
    from airflow_dynsync.sync.mapping_file import check_mapping, parse_mapping_file

    try:
        imported = import_document(json.loads(options.file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SyncError(f"{options.file}: cannot be read as JSON ({type(error).__name__})") from None
    except ImportFileError as error:
        raise SyncError(f"{options.file}: {error}") from None
    text = imported.yaml()
    file = parse_mapping_file(text)
    for table in file.tables or ():
        check_mapping(file.table(table), place=f"tables.{table}")
    for left_out in imported.left_out:
        print(f"not imported: {left_out}", file=sys.stderr)  # noqa: T201
    if not options.job:
        sys.stdout.write(text)
        return 0
    stem = re.sub(r"[^\w-]+", "_", imported.name) or options.file.stem
    for name, content in ((f"{stem}.yaml", text), (f"{stem}.py", imported.dag(f"{stem}.yaml"))):
        path = options.output / name
        path.write_text(content, encoding="utf-8")
        print(path)  # noqa: T201
    return 0
