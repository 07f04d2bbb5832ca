"""``dynsync dead-letters``: which items a run has put aside, and why."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_dynsync.cli import connections
from airflow_dynsync.sync.errors import SyncError

if TYPE_CHECKING:
    from airflow_dynsync.sync.dead_letters import DeadLetter, Sealing


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("dead-letters", help="list the items that a run has put aside, and why")
    parser.add_argument("file", type=Path, metavar="FILE", help="what `dynsync sync --dead-letters` wrote")
    parser.add_argument(
        "--key",
        metavar="JSON",
        help='only the item with this key of the source, as in \'{"Id": {"S": "111"}}\'; needs the secret',
    )
    parser.add_argument(
        "--decrypt",
        action="store_true",
        help="print the items themselves, as lines of JSON: personal data; needs the secret",
    )
    connections.add_secret(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the letters."""
    from airflow_dynsync.sync.dead_letters import Sealing, parse_dead_letters

    try:
        key_names, letters = parse_dead_letters(options.file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SyncError(f"{options.file}: cannot be read, {error.strerror}; give another path") from None
    except (UnicodeDecodeError, SyncError) as error:
        raise SyncError(f"{options.file}: {error if isinstance(error, SyncError) else 'is no text'}") from None
    if options.decrypt or options.key:
        secret = connections.read_secret(options.secret_file)
        if secret is None:
            raise SyncError("--key and --decrypt need the run's secret; give --secret-file or DYNSYNC_SECRET")
        try:
            sealing = Sealing(secret, key_names)
        except ValueError as error:
            raise SyncError(str(error)) from None
        if options.key:
            wanted = _digest(options.key, sealing, key_names)
            letters = [letter for letter in letters if letter.key == wanted]
        if options.decrypt:
            _print_items(letters, sealing)
            return 0
    _print_table(letters)
    return 0


def _digest(key: str, sealing: Sealing, key_names: tuple[str, ...]) -> str:
    try:
        item = json.loads(key)
        return sealing.digest(item)
    except (ValueError, KeyError, TypeError):
        raise SyncError(
            f"--key: a JSON object with {' and '.join(key_names)} was expected, each with its type letter, as in"
            f' {{"{key_names[0]}": {{"S": "111"}}}}'
        ) from None


def _print_items(letters: list[DeadLetter], sealing: Sealing) -> None:
    items = [sealing.open(letter) for letter in letters]
    if letters and not any(items):
        raise SyncError("--decrypt: the run kept no items; let it run with --dead-letter-items encrypted")
    for letter, item in zip(letters, items, strict=True):
        line = {"key": letter.key, "rule": letter.rule, "reason": letter.reason, "item": item}
        print(json.dumps(line, ensure_ascii=False))  # noqa: T201 - the command's own output


def _print_table(letters: list[DeadLetter]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("key (digest)", "rule", "reason")
    for letter in letters:
        table.add_row(letter.key, letter.rule or "refused by DynamoDB", letter.reason)
    console = Console()
    console.print(f"Items put aside: {len(letters):,}", highlight=False)
    if letters:
        console.print(table)
