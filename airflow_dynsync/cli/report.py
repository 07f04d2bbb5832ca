"""``dynsync report``: a report as a page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "report", help="render a run's report as one HTML page, without network or script"
    )
    parser.add_argument("report", type=Path, metavar="REPORT.json", help="what `dynsync sync --report` wrote")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to write the page (standard output without it)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the page."""
    from airflow_dynsync.sync.errors import SyncError
    from airflow_dynsync.sync.report import SyncReport
    from airflow_dynsync.sync.report.html import render

    try:
        page = render(SyncReport.from_json(options.report.read_bytes()))
        if options.output is None:
            sys.stdout.write(page)
        else:
            options.output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise SyncError(f"{error.filename}: {error.strerror}; give another path") from None
    except SyncError as error:
        raise SyncError(f"{options.report}: {error}") from None
    return 0
