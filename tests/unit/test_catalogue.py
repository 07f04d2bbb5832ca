"""What holds for every registered transformer, whichever they are."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any

import pytest

from airflow_dynsync.engine import catalogue, compile_plan
from airflow_dynsync.engine.compiler import RuleCompiler
from airflow_dynsync.engine.definitions import (
    DROP,
    EXAMPLE_KEY,
    EXAMPLE_SECRET,
    Chunk,
    Column,
    Definition,
    Uniqueness,
)
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.mapping import RuleOptions
from airflow_dynsync.engine.values import EVERY_TYPE, to_python, to_wire

EVERY = pytest.mark.parametrize("definition", catalogue().values(), ids=lambda definition: definition.name)


def applied(definition: Definition, value: Any) -> Any:
    """Return what becomes of ``value`` in the item of the examples; DROP where it is gone."""
    plan = compile_plan(
        {"mappings": {"Value": {"transformer": definition.name, **definition.example.parameters}}},
        key_attributes=("Id",),
        secret=EXAMPLE_SECRET,
    )
    (item,) = plan.apply([{**EXAMPLE_KEY, "Value": to_wire(value)}])
    return to_python(item["Value"]) if "Value" in item else DROP


def numbered(value: str) -> Callable[[int], str]:
    """Return a function that writes a number into a value, and keeps the form that its transformer asks for."""
    if re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value):
        return lambda number: f"{value[:-6]}{number:06X}"
    if re.fullmatch(r"\d+(\.\d+){3}", value):
        return lambda number: str(IPv4Address(value) + number)
    if re.match(r"\d{4}-\d\d-\d\dT", value):
        return lambda number: (datetime.fromisoformat(value) + timedelta(seconds=number)).isoformat()
    before, at, after = value.rpartition("@")
    return lambda number: f"{before}{number}@{after}" if at else f"{value}{number}"


def variants(definition: Definition, count: int) -> list[Any]:
    """Return distinct values of the form of the example's, each of a type that the transformer accepts."""
    value = definition.example.value
    if isinstance(value, str):
        return list(map(numbered(value), range(count)))
    if isinstance(value, bytes):
        return [value + number.to_bytes(3, "big") for number in range(count)]
    if isinstance(value, Decimal):
        return [value + number for number in range(count)]
    return []


def results(definition: Definition, values: list[Any]) -> list[Any]:
    """Return what becomes of each value, in an item of its own."""
    step = RuleCompiler(Secret(EXAMPLE_SECRET), {}).nested_step(
        {"transformer": definition.name, **definition.example.parameters}, "mappings.Value"
    )
    items = [{"Id": {"N": str(number)}, "Value": to_wire(value)} for number, value in enumerate(values)]
    column = Column(
        Chunk(items, ("Id",)),
        [item["Value"] for item in items],
        list(range(len(items))),
        [("Value",)] * len(items),
    )
    return step(column)


@EVERY
def test_a_transformer_is_documented(definition: Definition) -> None:
    assert re.fullmatch(r"[A-Z][^\n]+[^.\s]", definition.summary)
    fields = definition.parameters.model_fields
    assert all(field.description and field.description.endswith(".") for field in fields.values())
    assert not fields.keys() & (RuleOptions.model_fields.keys() | {"transformer"})
    assert definition.parameters.model_json_schema()["additionalProperties"] is False


@EVERY
def test_a_transformer_is_made_in_one_way_and_speaks_of_known_types(definition: Definition) -> None:
    assert (definition.scalar is None) != (definition.column is None)
    assert definition.accepts
    assert definition.accepts | (definition.returns or set()) <= EVERY_TYPE


@EVERY
def test_an_example_is_reproduced(definition: Definition) -> None:
    assert applied(definition, definition.example.value) == definition.example.result


@EVERY
def test_an_example_is_of_an_accepted_type_and_gives_a_declared_one(definition: Definition) -> None:
    (kind,) = to_wire(definition.example.value)
    assert kind in definition.accepts
    if definition.example.result is DROP:
        assert definition.returns == frozenset()
    else:
        (returned,) = to_wire(definition.example.result)
        assert returned in (definition.returns if definition.returns is not None else {kind})


@EVERY
def test_null_stays_null_where_the_attribute_stays(definition: Definition) -> None:
    removes = definition.returns == frozenset()
    assert applied(definition, None) is (DROP if removes else None)


@EVERY
def test_an_empty_string_and_an_empty_binary_stay(definition: Definition) -> None:
    if definition.keeps_empty:
        for kind, empty in (("S", ""), ("B", b"")):
            if kind in definition.accepts:
                assert applied(definition, empty) == empty


@EVERY
def test_results_are_of_the_declared_types(definition: Definition) -> None:
    values = variants(definition, 200)
    for value, result in zip(values, results(definition, values), strict=True):
        if result is DROP:
            assert definition.returns == frozenset()
        else:
            assert result.keys() <= (to_wire(value).keys() if definition.returns is None else definition.returns)


@EVERY
def test_a_transformed_value_is_a_function_of_the_value_alone(definition: Definition) -> None:
    values = variants(definition, 50)
    forwards, backwards = results(definition, values), results(definition, values[::-1])
    assert (forwards == backwards[::-1]) or not definition.reads_input


@EVERY
def test_a_transformed_value_is_rarely_the_same(definition: Definition) -> None:
    if definition.reads_input and definition.example.value != definition.example.result:
        values = variants(definition, 1000)
        kept = sum(
            to_wire(value) == result for value, result in zip(values, results(definition, values), strict=True)
        )
        assert kept <= 2


@EVERY
def test_different_values_stay_different_unless_the_class_is_lossy(definition: Definition) -> None:
    rule = {"transformer": definition.name, **definition.example.parameters}
    if RuleCompiler(Secret(EXAMPLE_SECRET), {}).uniqueness(rule, "mappings.Value") is not Uniqueness.LOSSY:
        values = variants(definition, 100_000)
        assert len({json.dumps(result) for result in results(definition, values)}) == len(values) == 100_000


def test_names_are_in_snake_case_and_few_do_not_say_whether_they_read_their_input() -> None:
    for name, definition in catalogue().items():
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", name)
        assert definition.name == name
        if name.startswith(("generate_", "transform_")):
            assert definition.reads_input is name.startswith("transform_")


_RESULTS = """
from airflow_dynsync.engine import catalogue, compile_plan
from airflow_dynsync.engine.definitions import EXAMPLE_KEY, EXAMPLE_SECRET
from airflow_dynsync.engine.values import to_wire
for name, definition in catalogue().items():
    example = definition.example
    plan = compile_plan(
        {"mappings": {"Value": {"transformer": name, **example.parameters}}},
        key_attributes=("Id",),
        secret=EXAMPLE_SECRET,
    )
    print(plan.apply([{**EXAMPLE_KEY, "Value": to_wire(example.value)}]))
"""


def test_another_process_with_another_hash_seed_gives_the_same_results() -> None:
    one, other = (
        subprocess.run(
            [sys.executable, "-c", _RESULTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert one == other
    assert one.count(b"\n") == len(catalogue())
