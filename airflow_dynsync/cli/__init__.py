"""The command line: the same sync without Airflow, and what helps to write a mapping."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from airflow_dynsync import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``dynsync`` and return its exit code: 0 done, 1 refused or failed, 2 a wrong command line."""
    from airflow_dynsync.cli import (
        dead_letters,
        estimate,
        import_neosync,
        mappings,
        policy,
        preflight,
        preview,
        report,
        schema,
        sync,
        transformers,
    )
    from airflow_dynsync.dynamodb.errors import DynamoDBError
    from airflow_dynsync.engine import MappingError, TransformError
    from airflow_dynsync.sync.errors import SyncError

    parser = argparse.ArgumentParser(
        prog="dynsync", description="Refresh a staging DynamoDB table from production, anonymized on the way."
    )
    parser.add_argument("--version", action="version", version=f"dynsync {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    moving = (sync, preflight, estimate, preview, report, dead_letters)
    for module in (*moving, mappings, transformers, schema, policy, import_neosync):
        module.add_command(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (SyncError, MappingError, TransformError, DynamoDBError) as error:
        print(f"dynsync: {error}", file=sys.stderr)  # noqa: T201 - the command's own output
        return 1
    except KeyboardInterrupt:
        return 130
