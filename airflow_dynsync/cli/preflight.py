"""``dynsync preflight``: what stands in the way of a sync, before it starts."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from airflow_dynsync.cli import connections


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "preflight", help="check tables and mapping as a sync does before its first write; nothing is written"
    )
    connections.add_job(parser)
    parser.add_argument(
        "--destination-table", metavar="TABLE", help="table to write (the mapping's, or the source's name)"
    )
    connections.add_limits(parser)
    connections.add_write_mode(parser)
    connections.add_comparison(parser)
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="the last run's report, with which mapping, secret and word lists are compared",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    connections.add_side(parser, "source")
    connections.add_side(parser, "destination")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the findings on standard output; return 1 if one of them is an error, otherwise 0."""
    from airflow_dynsync.sync.examination import examine
    from airflow_dynsync.sync.preflight import PreflightError
    from airflow_dynsync.sync.preparation import prepare
    from airflow_dynsync.sync.report.files import read_report
    from airflow_dynsync.sync.report.parts import preflight_part

    job = connections.job(options)
    source, destination = (connections.client(options, side, 1) for side in ("source", "destination"))
    before = read_report(options.report) if options.report else None
    try:
        findings = examine(prepare(job, source, destination), source, destination, before=before).findings
    except PreflightError as error:
        findings = error.findings
    rows = preflight_part(findings, job.acknowledge)
    if options.json:
        json.dump([asdict(row) for row in rows], sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        for row, finding in zip(rows, findings, strict=True):
            known = " (acknowledged)" if row.acknowledged else ""
            sys.stdout.write(f"{row.severity} {row.code}{known}: {finding}\n")
        sys.stdout.write("" if rows else "Nothing was found against the tables or the mapping.\n")
    return int(any(row.severity == "error" for row in rows))
