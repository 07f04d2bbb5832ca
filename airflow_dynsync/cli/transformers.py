"""``dynsync transformers``: the catalogue."""

from __future__ import annotations

import argparse
from typing import Any


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("transformers", help="list the transformers, or show one")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a transformer")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List all transformers, or show the parameters, types, uniqueness and example of one."""
    from rich.console import Console
    from rich.table import Table

    from airflow_dynsync.engine import MappingError, catalogue
    from airflow_dynsync.engine.mapping import did_you_mean

    console = Console(highlight=False, markup=False)
    definitions = catalogue()
    if options.name is None:
        table = Table("transformer", "what it does")
        for definition in definitions.values():
            table.add_row(definition.name, definition.summary)
        console.print(table)
        return 0
    definition = definitions.get(options.name)
    if definition is None:
        raise MappingError("transformers", f"no transformer is named so{did_you_mean(options.name, definitions)}")
    console.print(f"{definition.name}: {definition.summary}")
    console.print(f"accepts: {', '.join(sorted(definition.accepts))}")
    returns = "the type of its value" if definition.returns is None else ", ".join(sorted(definition.returns))
    console.print(f"returns: {returns}")
    uniqueness = definition.uniqueness
    console.print(f"uniqueness: {'by its parameters' if callable(uniqueness) else uniqueness.value}")
    example = definition.example
    console.print(f"example: {dict(example.parameters) or ''} {example.value!r} -> {example.result!r}")
    if definition.parameters.model_fields:
        table = Table("parameter", "default", "what it is")
        for name, field in definition.parameters.model_fields.items():
            default = "required" if field.is_required() else repr(field.get_default(call_default_factory=True))
            table.add_row(name, default, field.description or "")
        console.print(table)
    return 0
