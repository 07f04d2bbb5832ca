"""``dynsync sync``: refresh a table, with a progress bar."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dynsync.cli import connections, creation

if TYPE_CHECKING:
    from airflow_dynsync.sync.estimate import Estimate
    from airflow_dynsync.sync.report import SyncReport


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("sync", help="refresh a table from another one, anonymized on the way")
    connections.add_job(parser)
    parser.add_argument(
        "--destination-table", metavar="TABLE", help="table to write (the mapping's, or the source's name)"
    )
    parser.add_argument("--total-segments", type=int, metavar="N", help="segments that a scan reads the table in")
    parser.add_argument(
        "--segments",
        metavar="FIRST-LAST",
        help="only these segments, as in 0-7: run one command for each part, all with the same secret",
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="how many such commands share the limits (1)"
    )
    connections.add_limits(parser)
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="keep there how far the run is: if it is interrupted, the same command continues it; needs a secret",
    )
    connections.add_write_mode(parser)
    parser.add_argument(
        "--max-delete-fraction",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="a mirror that would delete more of the destination ends with an error instead (0.1), and so does a"
        " replacement by nothing, unless it is 1",
    )
    connections.add_comparison(parser)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="write the report there, as FILE.json and as a page, FILE.html; one that is there already is that of"
        " the last run, with whose paths and types this run's are compared; that of a run that fails is"
        " FILE.failed.json",
    )
    parser.add_argument(
        "--report-copy",
        metavar="FILE",
        help="write it there, too, to keep it: FILE with the date in it, while the next run finds the other one",
    )
    parser.add_argument(
        "--exposure-check",
        choices=("sample", "all", "off"),
        default="sample",
        help="which written items are searched for the originals of what the mapping hides (one in 100)",
    )
    parser.add_argument("--on-exposure", choices=("warn", "fail"), default="warn", help="what to do then (warn)")
    parser.add_argument(
        "--drift", choices=("warn", "fail"), default="warn", help="what to do about new paths and types (warn)"
    )
    parser.add_argument(
        "--on-item-error",
        choices=("fail", "dead_letter"),
        default="fail",
        help="dead_letter puts aside an item that a rule fails on or DynamoDB refuses, and goes on (fail)",
    )
    parser.add_argument(
        "--max-item-errors", type=int, default=100, metavar="N", help="one more put aside ends the run (100)"
    )
    parser.add_argument(
        "--dead-letters",
        type=Path,
        metavar="FILE",
        help="list there what is put aside; `dynsync dead-letters` shows it",
    )
    parser.add_argument(
        "--dead-letter-items",
        choices=("none", "encrypted"),
        default="none",
        help="encrypted keeps the source items there, too, under a key derived from the secret (none)",
    )
    creation.add_options(parser)
    connections.add_side(parser, "source")
    connections.add_side(parser, "destination")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the sync, show its progress on standard error and its report on standard output."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from airflow_dynsync.sync.checkpoint import FileStore
    from airflow_dynsync.sync.dead_letters import DeadLetterFile
    from airflow_dynsync.sync.job import CONNECTIONS, run_sync
    from airflow_dynsync.sync.progress import Progress as Moment
    from airflow_dynsync.sync.report.files import NO_EARLIER_REPORT, read_report, write_report

    job = connections.job(options)
    source = connections.client(options, "source", CONNECTIONS)
    destination = connections.client(options, "destination", CONNECTIONS)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    columns = (
        TextColumn(f"{job.source_table} -> {job.destination_table}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f} items/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("sync", total=None, rate=0.0)

        def show(moment: Moment) -> None:
            expected = max(moment.items_expected or 0, moment.items_read) or None
            bar.update(task, completed=moment.items_done, total=expected, rate=moment.items_per_second)

        def tell(estimate: Estimate) -> None:
            bar.console.print(f"Estimate: {estimate}.", highlight=False)
            if estimate.verification:
                bar.console.print(f"{estimate.verification}.", highlight=False)

        def keep(report: SyncReport) -> None:
            for path in filter(None, (options.report, options.report_copy)):
                write_report(report, path)

        before = read_report(options.report) if options.report else None
        if options.report and before is None:
            bar.console.print(f"{NO_EARLIER_REPORT}.", highlight=False)
        report = run_sync(
            job,
            source,
            destination,
            before=before,
            checkpoints=FileStore(options.checkpoint) if options.checkpoint else None,
            dead_letters=DeadLetterFile(options.dead_letters) if options.dead_letters else None,
            on_report=keep,
            on_notice=lambda notice: bar.console.print(f"{notice}.", highlight=False),
            on_warning=lambda warning: bar.console.print(f"Warning: {warning}.", style="yellow", highlight=False),
            on_estimate=tell,
            on_progress=show,
            progress_seconds=0.25,
            stop=stop,
        )
        bar.update(task, completed=report.items_read, total=report.items_read)
    output = Console()
    if options.json:
        output.print_json(json.dumps(report.as_dict()))
    else:
        output.print(str(report), highlight=False)
        output.print(_counts(report.rules))
    return 0


def _counts(rules: Any) -> Any:
    from rich.table import Table

    table = Table("path", "transformer", "outcome")
    table.add_column("values", justify="right")
    for row in rules:
        table.add_row(row.path, row.transformer, row.outcome, f"{row.count:,}")
    return table
