"""The nightly refresh from end to end on this machine: `make demo`.

Starts the servers, puts a production table there, lets Airflow run the example DAG, shows what became of the
items, and compares the whole destination with what the mapping promises. Exits with 0 only if that holds.
"""

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from local import dataset, run_dag
from local.dynamodb import ServerError
from local.parts import PartMissing
from local.processes import guarded
from local.sides import DESTINATION_TABLE, SOURCE_TABLE, Side, Sides, sides_on_dynamodb_local, sides_on_ministack
from local.verification import Verification, verify

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.client import WireItem
    from airflow_dynsync.engine import Mapping

DAG_ID = "nightly_staging_refresh"
MAPPING_FILE = run_dag.EXAMPLES / "mappings" / "customers.yaml"

# The same on every machine, so that everybody sees the same pseudonyms. A real one is drawn at random and kept.
SECRET = "known to everybody, good for a demo only"  # noqa: S105

_NARROWEST = 110
_LOG_LINES = 60
_SHOWN_FIRST = ("PK", "SK", "entity", "email", "customer_email", "name")
_LOG_LINE = re.compile(r"\S+ \[\w+ *\] (?P<text>.*?) +\[(?P<logger>[\w.]+)\]")
_EXCEPTION = re.compile(r"[\w.]+(Exception|Error): (?P<message>.+)")
_STATE_CHANGES = re.compile(r" new_state=(?P<state>\w+)")
_TASK_ENDS = re.compile(r"\[DAG TEST\] end task task_id=(?P<task>\S+)")


class DemoError(RuntimeError):
    """The demo cannot go on; the message says why, and `log` is what Airflow printed, if it comes from there."""

    def __init__(self, message: str, log: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log = log


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="The nightly refresh, end to end.")
    parser.add_argument("--dynamodb", choices=("ministack", "local"), default="ministack")
    parser.add_argument("--customers", type=int, default=dataset.CUSTOMERS, metavar="N", help="from 300 on (2000)")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)
    began = time.monotonic()
    try:
        holds = _demo(console, options.dynamodb, options.customers)
    except (PartMissing, ServerError, DemoError) as error:
        for line in getattr(error, "log", ())[-_LOG_LINES:]:
            console.print(Text(line, style="dim"), soft_wrap=True)
        console.print(Text(f"\n{error}", style="bold red"))
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped. Nothing is left running.")
        return 130
    console.print(f"[dim]{time.monotonic() - began:.0f} seconds; nothing is left running.[/]")
    return 0 if holds else 1


def _demo(console: Console, dynamodb: str, customers: int) -> bool:
    console.print(
        "\n[bold]A staging table, refreshed from production and anonymized on the way[/]\n"
        "[dim]Everything happens on this machine, with invented customers.[/]"
    )
    ministack = dynamodb == "ministack"
    _title(console, 1, "Three AWS accounts" if ministack else "Two DynamoDB Local servers")
    with sides_on_ministack() if ministack else sides_on_dynamodb_local() as sides:
        _say_who_may_what(console, ministack=ministack)

        _title(console, 2, f"The production table {SOURCE_TABLE}")
        with console.status("writing ..."):
            count = dataset.fill_table(sides.source.server, sides.source.key, SOURCE_TABLE, customers)
        console.print(f"   {count:,} items: {customers:,} customers with their orders, much of it personal data")

        _title(console, 3, "Two connections, as one would create them in Airflow")
        _show_connection(console, "dynsync_source", sides.source)
        _show_connection(console, "dynsync_destination", sides.destination)

        _title(console, 4, f"Airflow runs the DAG {DAG_ID}")
        result = _run_dag(console, sides)

        with console.status("reading both tables ..."):
            before, after = sides.source.read(SOURCE_TABLE), sides.destination.read(DESTINATION_TABLE)
    mapping = _mapping()
    _title(console, 5, "Five items in production and in staging")
    _show_items(console, before, after, mapping)
    _title(console, 6, "What the rules did, as the task reports it")
    console.print(_counts(result["report"]["rules"]))
    _title(console, 7, "Read back from staging, and compared with production and the mapping")
    with console.status("comparing every value ..."):
        found = verify(before, after, mapping, key_attributes=dataset.KEYS, secret=SECRET.encode())
        references = dataset.check_references(after)
    holds = _show_verification(console, found, references, expected=count)
    _say_what_next(console)
    return holds


def _title(console: Console, number: int, text: str) -> None:
    console.print(f"\n[bold cyan]{number}[/]  [bold]{text}[/]")


def _say_who_may_what(console: Console, *, ministack: bool) -> None:
    if not ministack:
        console.print("   production and staging, each with an access key of its own")
        return
    accounts = Table.grid(padding=(0, 3))
    accounts.add_row("   home", "user airflow", "may assume the two roles, and nothing else")
    for account, role, actions in (
        ("production", "reader", f"DescribeTable, Scan and BatchGetItem {SOURCE_TABLE}"),
        ("staging", "writer", f"DescribeTable, BatchWriteItem and BatchGetItem {DESTINATION_TABLE}"),
    ):
        accounts.add_row(f"   {account}", f"role {role}", f"may {actions}; asks for an external ID")
    console.print(accounts)


def _show_connection(console: Console, conn_id: str, side: Side) -> None:
    extra = {name: "***" if "secret" in name else value for name, value in side.connection["extra"].items()}
    fields = {"access key": side.connection["login"], "secret key": "***", **extra}
    grid = Table.grid(padding=(0, 2))
    for name, value in fields.items():
        grid.add_row("     ", Text(name.replace("_", " "), style="dim"), value)
    console.print(f"   {conn_id}")
    console.print(grid)


def _run_dag(console: Console, sides: Sides) -> dict[str, Any]:
    """Let Airflow run the DAG in a process of its own, pass on what matters, and return what came of it."""
    with tempfile.TemporaryDirectory(prefix="dynsync-demo-") as folder:
        home, result = Path(folder, "airflow"), Path(folder, "result.json")
        home.mkdir()
        environment = run_dag.environment(home) | sides.environment() | {"AIRFLOW__DYNSYNC__SECRET": SECRET}
        command = [sys.executable, "-m", "local.run_dag", DAG_ID, str(result)]
        log: list[str] = []
        state = ""
        with console.status("Airflow starts ...") as status:
            for line in _output(command, environment):
                log.append(line)
                if changed := _STATE_CHANGES.search(line):
                    state = changed["state"]
                elif ended := _TASK_ENDS.search(line):
                    mark = "[green]✓[/]" if state == "success" else "[red]✗[/]"
                    console.print(f"   {mark} {ended['task']}")
                elif (said := _LOG_LINE.match(line)) and said["logger"].endswith("SyncOperator"):
                    console.print(f"     [dim]{said['text']}[/]")
                elif "[DAG TEST] starting" in line:
                    status.update("a task runs ...")
        if not result.exists():
            raise DemoError(f"Airflow could not run the DAG. {_cause(log)}", log)
        outcome: dict[str, Any] = json.loads(result.read_text())
    if set(outcome["tasks"].values()) != {"success"}:
        raise DemoError(f"The DAG did not succeed. {_cause(log)}", log)
    (event,) = outcome["asset_events"]
    waiting = ", ".join(outcome["queued_dags"])
    console.print(f"   announced the asset {event['uri']}\n   queued the DAG that waits for it, {waiting}")
    return outcome


def _cause(log: Sequence[str]) -> str:
    """Return the last exception in a log, without the name of its class."""
    causes = [raised["message"] for line in log if (raised := _EXCEPTION.match(line))]
    return causes[-1] if causes else "Its log, above, says why."


def _output(command: Sequence[str], environment: dict[str, str]) -> Iterator[str]:
    """Run a command and yield the lines it prints; it ends when the caller stops listening."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as log, guarded(command, environment, log), os.fdopen(reading) as lines:
        log.close()
        for line in lines:
            yield line.rstrip("\n")


def _mapping() -> "Mapping":
    from airflow_dynsync.sync.mapping_file import read_mapping_file

    return read_mapping_file(MAPPING_FILE).table(SOURCE_TABLE)


def _show_items(
    console: Console, before: Sequence["WireItem"], after: Sequence["WireItem"], mapping: "Mapping"
) -> None:
    """Show a referred customer with two orders, and the customer who referred them with one."""
    from airflow_dynsync.cli.preview import side_by_side
    from airflow_dynsync.engine import compile_plan

    chosen = _five_items(before)
    plan = compile_plan(mapping, key_attributes=dataset.KEYS, secret=SECRET.encode())
    arrived = {_key(item): item for item in after}
    titles = ("a customer", "an order", "another order", "the customer who brought the first one", "an order")
    for title, item, wanted in zip(titles, chosen, plan.apply(chosen), strict=True):
        table = side_by_side(_in_order(item), arrived.get(_key(wanted), {}))
        table.title, table.title_justify, table.title_style = title, "left", "italic"
        table.box, table.expand = None, True
        table.columns[0].no_wrap = True
        for column in table.columns[1:]:
            column.overflow, column.ratio = "fold", 1
        console.print(Padding(table, (0, 0, 1, 3)))


def _five_items(items: Sequence["WireItem"]) -> list["WireItem"]:
    partitions: dict[str, list[WireItem]] = {}
    for item in sorted(items, key=_key):
        partitions.setdefault(item["PK"]["S"], []).append(item)
    for partition in partitions.values():
        *orders, profile = partition  # ORDER# sorts before PROFILE
        if (
            len(orders) < 2
            or "gift_message" not in orders[0]
            or not (profile["cards"]["L"] and profile["household"]["L"])
        ):
            continue
        referrer = partitions.get(profile.get("referred_by", {}).get("S", ""), [])
        if len(referrer) > 1:
            return [profile, *orders[:2], referrer[-1], referrer[0]]
    raise DemoError("The production table has no customer like the one to be shown")


def _in_order(item: "WireItem") -> "WireItem":
    """Return an item with what tells it apart first; DynamoDB keeps no order of attributes."""
    first = {name: item[name] for name in _SHOWN_FIRST if name in item}
    return first | item


def _key(item: "WireItem") -> tuple[str, str]:
    return item["PK"]["S"], item["SK"]["S"]


def _counts(rules: Sequence[dict[str, Any]]) -> Padding:
    table = Table(box=None, padding=(0, 2))
    for heading in ("path", "transformer", "outcome"):
        table.add_column(heading)
    table.add_column("values", justify="right")
    for row in rules:
        table.add_row(Text(row["path"]), row["transformer"], row["outcome"].replace("_", " "), f"{row['count']:,}")
    return Padding(table, (0, 0, 0, 1), expand=False)


def _show_verification(
    console: Console, found: Verification, references: dataset.References, *, expected: int
) -> bool:
    values, problems = found.values, found.problems + references.broken
    drawn_anew = values["changed"] + values["same by chance"]
    claims = (
        (
            f"{found.items:,} of {expected:,} items are there and no others, each under the key its rule gives",
            found.items == expected,
        ),
        (f"{values['changed']:,} protected values are other ones than in production", values["changed"] > 0),
        (
            f"{values['same by chance']:,} more were drawn without a look at the value, as a coin is tossed, and"
            " came out the same",
            True,
        ),
        (f"All {drawn_anew:,} are what their rules give, computed anew from production and the secret", True),
        (f"{values['removed']:,} values were removed; {values['empty']:,} were empty or NULL, and stay so", True),
        (
            f"{found.passed_through:,} values passed through and are identical, byte for byte",
            found.passed_through > 0,
        ),
        (
            f"{references.keys:,} keys agree with the e-mail address beside them; {references.orders:,} orders and"
            f" {references.referrals:,} referrals lead to a customer",
            references.keys == expected and references.orders > 0 and references.referrals > 0,
        ),
    )
    holds = found.holds and not problems and all(true for _, true in claims)
    for claim, true in claims:
        # With a problem found, no claim is made; the problems follow.
        mark = "[red]✗[/]" if not true else "[yellow]?[/]" if problems else "[green]✓[/]"
        console.print(Padding(f"{mark} {claim}", (0, 0, 0, 3), expand=False))
    for problem, count in problems.items():
        console.print(Padding(Text(f"✗ {problem}: {count:,} times", style="red"), (0, 0, 0, 3), expand=False))
    verdict = "[bold green]Verified.[/]" if holds else "[bold red]This is not what the mapping promises.[/]"
    console.print(f"\n{verdict}")
    return holds


def _say_what_next(console: Console) -> None:
    console.print(
        "\n[bold]Next[/]\n"
        "   make ui                                  the same in Airflow's UI, to look around and to click\n"
        "   dags_examples/nightly_staging_refresh.py the DAG; copy it, change the four names at its top\n"
        "   dags_examples/mappings/customers.yaml    the rules; change one and run the demo again\n"
        "   .venv/bin/dynsync transformers           all there is to choose from\n"
    )


if __name__ == "__main__":
    sys.exit(main())
