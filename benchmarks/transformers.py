"""Microseconds per value of single transformers, beside what one would write without them: `make bench`.

A figure is the median of five rounds over 1,000 values each, of which none comes twice, through the compiled step
as a plan calls it: wire value in, keyed stream, wire value out. The identity of each item is made before, as all
generators of a mapping share it. The alternatives take turns with ours, as a machine is not always equally fast;
they do less, being neither keyed nor repeatable.

Over its limit is JavaScript with all of ``input``: to write an item of 1 KB as JSON and to parse it in V8 alone
takes longer. A script that names what it reads, ``input.age`` or ``const {age} = input``, is spared it.
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
from airflow_dynsync.engine.definitions import Chunk, Column, Step
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.values import to_python

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


def microseconds(case: Case, step: Step) -> tuple[float, float | None]:
    """Return the median time per value of a case and of its alternative."""
    ours, theirs = [], []
    for number in range(ROUNDS + 1):
        values = [case.value(number * VALUES + position) for position in range(VALUES)]
        given = column(values)
        given.identities()
        ours.append(seconds(lambda: step(given)))
        if (alternative := case.alternative) is not None:
            theirs.append(seconds(lambda: [alternative(value) for value in values]))
    per_value = [statistics.median(rounds[1:]) / VALUES * 1e6 if rounds else None for rounds in (ours, theirs)]
    return per_value[0] or 0.0, per_value[1]


def seconds(run: Callable[[], Any]) -> float:
    """Return the time that a run takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


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
    v8.eval(f"const upper = {upper}; const withInput = (value, input) => value + input.age")
    item = to_python({"M": column(["Name"]).chunk.items[0]}) | {"age": 7}
    item["orders"] = [{**order, "price": 12.5} for order in item["orders"]]

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
        Case(
            "JavaScript with input of 1 KB",
            script("return value + input.age"),
            name,
            5,
            "a call into V8 each",
            lambda value: v8.call("withInput", value, item),
        ),
        Case(
            "JavaScript with input taken apart",
            script("const {age, notes} = input; return value + age + notes"),
            name,
            5,
        ),
        Case("JavaScript with all of input", script("return value + Object.keys(input).length"), name, 5),
        Case("JavaScript with one catalogue call", script("return neosync.transformFirstName(value)"), name, 15),
    ]


def main() -> int:
    """Measure every case and print a table."""
    compiler = RuleCompiler(Secret(bytes(16)), {})
    table = Table("transformer", "µs a value", "limit", "beside it", "µs a value", "ratio")
    for case in cases():
        ours, theirs = microseconds(case, compiler.nested_step(case.rule, "bench"))
        row = [case.name, f"{ours:.2f}", f"{case.limit:g}"]
        if theirs is not None:
            row += [case.beside, f"{theirs:.2f}", f"{theirs / ours:.1f}x"]
        table.add_row(*row)
    console = Console(width=110)
    console.print(f"Python {platform.python_version()}, {platform.machine()}, {ROUNDS} rounds of {VALUES} values")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
