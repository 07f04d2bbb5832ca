"""Microseconds per value of single transformers, beside what one would write without them: `make bench`.

A figure is the median of five rounds over 1,000 distinct values, through the compiled step as a plan calls it:
wire value in, keyed stream, wire value out. The alternatives do less: they are neither keyed nor repeatable.
"""

import platform
import random
import statistics
import string
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faker import Faker
from py_mini_racer import MiniRacer
from rich.console import Console
from rich.table import Table

from airflow_dynsync.engine.compiler import RuleCompiler
from airflow_dynsync.engine.definitions import Chunk, Column
from airflow_dynsync.engine.keyed import Secret

VALUES = 1000
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Case:
    """One transformer, its limit in microseconds a value, and what stands beside it."""

    name: str
    rule: Any
    value: Callable[[int], str]
    limit: float
    beside: str = ""
    alternative: Callable[[str], Any] | None = None


def microseconds(run: Callable[[], Any]) -> float:
    """Return the median time of a run per value."""
    run()
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        run()
        rounds.append(time.perf_counter() - started)
    return statistics.median(rounds) / VALUES * 1e6


def column(values: list[str]) -> Column:
    """Return the values as a plan would hand them over, each from an item of about 1 KB."""
    items = [
        {
            "Id": {"S": f"customer-{number}"},
            "value": {"S": value},
            "age": {"N": str(number)},
            "address": {"M": {"street": {"S": "x" * 60}, "city": {"S": "Springfield"}}},
            "orders": {"L": [{"M": {"sku": {"S": f"sku-{line}"}, "price": {"N": "12.50"}}} for line in range(8)]},
            "notes": {"S": "y" * 400},
        }
        for number, value in enumerate(values)
    ]
    rows = list(range(len(values)))
    return Column(Chunk(items, ("Id",)), [item["value"] for item in items], rows, [("value",)] * len(values))


def scrambled(value: str) -> str:
    """Replace each letter and digit by another, as a loop over characters does."""
    return "".join(
        random.choice(string.ascii_lowercase)
        if character.islower()
        else random.choice(string.ascii_uppercase)
        if character.isupper()
        else random.choice(string.digits)
        if character.isdigit()
        else character
        for character in value
    )


def cases() -> list[Case]:
    """Return what is measured."""
    faker, v8 = Faker(), MiniRacer()
    upper = "(value => value.toUpperCase())"
    v8.eval(f"const upper = {upper}")

    def script(code: str) -> dict[str, str]:
        return {"transformer": "transform_javascript", "code": code}

    def name(number: int) -> str:
        return f"Name{number}"

    return [
        Case("transform_first_name", "transform_first_name", name, 1.5, "Faker", lambda _: faker.first_name()),
        Case("generate_city", "generate_city", name, 1.5, "Faker", lambda _: faker.city()),
        Case(
            "transform_email", "transform_email", lambda n: f"p{n}@corp.test", 4, "Faker", lambda _: faker.email()
        ),
        Case(
            "transform_character_scramble, 20 characters",
            "transform_character_scramble",
            lambda n: f"Order {n:06} of Mary",
            8,
            "a loop",
            scrambled,
        ),
        Case("transform_fpe, 16 digits", "transform_fpe", lambda n: f"{n:016}", 60),
        Case(
            "JavaScript expression",
            script("return value.toUpperCase()"),
            name,
            1.5,
            "a call into V8 each",
            lambda value: v8.call("upper", value),
        ),
        Case("JavaScript with input of 1 KB", script("return value + input.age"), name, 5),
        Case(
            "JavaScript with all of input",
            script("return value + Object.keys(input).length"),
            name,
            5,
        ),
        Case("JavaScript with one catalogue call", script("return neosync.transformFirstName(value)"), name, 15),
    ]


def main() -> int:
    """Measure every case and print a table."""
    compiler = RuleCompiler(Secret(bytes(16)), {})
    table = Table("transformer", "µs a value", "limit", "beside it", "µs a value", "ratio")
    for case in cases():
        values = [case.value(number) for number in range(VALUES)]
        given, step = column(values), compiler.nested_step(case.rule, "bench")
        ours = microseconds(lambda: step(given))
        row = [case.name, f"{ours:.2f}", f"{case.limit:g}"]
        if case.alternative is not None:
            theirs = microseconds(lambda: [case.alternative(value) for value in values])
            row += [case.beside, f"{theirs:.2f}", f"{theirs / ours:.1f}x"]
        table.add_row(*row)
    console = Console(width=110)
    console.print(f"Python {platform.python_version()}, {platform.machine()}, {ROUNDS} rounds of {VALUES} values")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
