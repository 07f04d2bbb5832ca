"""``dynsync estimate``: what a sync will cost, before it starts."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from airflow_dynsync.cli import connections


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    from airflow_dynsync.sync.estimate import CLIENT_RATE, READ_PRICE, WRITE_PRICE

    parser = commands.add_parser(
        "estimate", help="tell items, capacity units, dollars and time of a sync; nothing is read or written"
    )
    connections.add_job(parser)
    parser.add_argument(
        "--destination-table", metavar="TABLE", help="table to write (the mapping's, or the source's name)"
    )
    connections.add_write_mode(parser)
    connections.add_limits(parser)
    for direction, price in (("read", READ_PRICE), ("write", WRITE_PRICE)):
        parser.add_argument(
            f"--price-{direction}",
            type=float,
            metavar="DOLLARS",
            default=price,
            help=f"US dollars for a million {direction} request units ({price}: us-east-1 since November 2024)",
        )
    parser.add_argument(
        "--client-rate",
        type=float,
        metavar="N",
        default=CLIENT_RATE,
        help=f"items of up to one KB that this machine moves in a second ({CLIENT_RATE:g})",
    )
    parser.add_argument(
        "--execution-timeout", type=float, metavar="SECONDS", help="warn if the sync takes longer than that"
    )
    connections.add_verify(parser)
    parser.add_argument("--json", action="store_true", help="print the estimate as JSON")
    connections.add_side(parser, "source")
    connections.add_side(parser, "destination")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the estimate on standard output and a warning, if there is one, on standard error."""
    from airflow_dynsync.sync.estimate import estimate_job
    from airflow_dynsync.sync.preparation import prepare

    source, destination = (connections.client(options, side, 1) for side in ("source", "destination"))
    result = estimate_job(
        prepare(connections.job(options), source, destination),
        client_rate=options.client_rate,
        read_price=options.price_read,
        write_price=options.price_write,
    )
    if options.json:
        json.dump(result.as_dict(), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(f"{result}\n")
        if result.verification:
            sys.stdout.write(f"{result.verification}\n")
    if warning := result.warning(options.execution_timeout):
        sys.stderr.write(f"dynsync: {warning}\n")
    return 0
