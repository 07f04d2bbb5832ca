"""``dynsync policy``: the IAM policies that a sync needs, as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from airflow_dynsync.cli import creation
from airflow_dynsync.sync.errors import SyncError


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("policy", help="print the IAM policies that a sync needs")
    parser.add_argument("access", choices=("read", "write"), help="read for the source, write for the destination")
    parser.add_argument("--table-arn", required=True, metavar="ARN", help="the table")
    parser.add_argument(
        "--replace", action="store_true", help="of write: allows the side table of sync --write-mode replace"
    )
    parser.add_argument("--principal", metavar="ARN", help="who may assume the role: adds the trust policy")
    parser.add_argument("--external-id", metavar="ID", help="the external ID that the trust policy asks for")
    creation.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the permission policy, and with a principal the trust policy beside it."""
    from airflow_dynsync.dynamodb.policies import read_policy, trust_policy, write_policy

    if bool(options.principal) is not bool(options.external_id):
        raise SyncError("policy: --principal and --external-id belong together; give both or neither")
    if options.access == "read":
        _require_read_options(options)
    try:
        if options.access == "read":
            permissions = read_policy(options.table_arn, copies_tags=options.copy_tags)
        else:
            permissions = write_policy(
                options.table_arn, creates=creation.creation_options(options), replaces=options.replace
            )
    except ValueError as error:
        raise SyncError(f"policy: --table-arn: {error}") from None
    document: Any = permissions
    if options.principal:
        document = {
            "permissions": permissions,
            "trust": trust_policy(options.principal, options.external_id),
        }
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


def _require_read_options(options: argparse.Namespace) -> None:
    given = [f"--{name.replace('_', '-')}" for name in ("create_destination", "replace") if getattr(options, name)]
    given += [name for name in creation.options_given(options) if name != "--copy-tags"]
    if given:
        raise SyncError(f"policy: {given[0]} is for the role that writes")
