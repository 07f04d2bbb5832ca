"""What holds for every transformer whatever its parameters: all choices, and both ends of each range."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_dynsync.engine import TransformError, catalogue
from airflow_dynsync.engine.compiler import RuleCompiler
from airflow_dynsync.engine.definitions import DROP, EXAMPLE_SECRET, Definition, Uniqueness
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.values import ELEMENT_OF_SET, NULL, to_wire
from tests.unit.catalogue_helpers import EVERY, kinds, results, rule, variants, variations

ENOUGH = 4 * 1024 * 1024
"""Characters of results after which no more values are tried: some variations make each as large as an item."""

MAY_STAY = {"transform_date_truncate": "a date that is the start of its unit is its own truncation"}

ROOT = Path(__file__).parents[2]

SETS = {element: letter for letter, element in ELEMENT_OF_SET.items()}


def is_lossy(definition: Definition, parameters: dict[str, Any]) -> bool:
    compiler = RuleCompiler(Secret(EXAMPLE_SECRET), {})
    return compiler.uniqueness(rule(definition, parameters), "mappings.Value") is Uniqueness.LOSSY


def kind_of(result: Any) -> str | None:
    return None if result is DROP else next(iter(result))


@EVERY
def test_null_and_what_is_empty_stay(definition: Definition) -> None:
    for parameters in variations(definition):
        assert results(definition, [None], parameters) == [DROP if definition.returns == frozenset() else NULL]
        if definition.keeps_empty:
            empty = [value for kind, value in (("S", ""), ("B", b"")) if kind in definition.accepts]
            assert results(definition, empty, parameters) == list(map(to_wire, empty)), parameters


@EVERY
def test_results_are_of_the_values_type_or_of_a_declared_one(definition: Definition) -> None:
    for parameters in variations(definition):
        for kind in kinds(definition):
            given = set(map(kind_of, results(definition, variants(definition, 20, kind), parameters)))
            declared = {kind} if definition.returns is None else definition.returns | {None}
            assert given <= declared, (kind, parameters)


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        pytest.param(definition, kind, id=f"{definition.name}-{kind}")
        for definition in catalogue().values()
        if not is_lossy(definition, dict(definition.example.parameters))
        for kind in (kinds(definition) if definition.reads_input else ["S"])
        if kind in ("S", "N", "B")
    ],
)
def test_of_a_hundred_thousand_values_all_stay_different_unless_the_class_is_lossy(
    definition: Definition, kind: str
) -> None:
    values = variants(definition, 100_000, kind)
    assert len(set(values)) == len(set(map(json.dumps, results(definition, values)))) == 100_000


@EVERY
def test_values_stay_different_with_all_parameters_for_which_the_class_is_not_lossy(
    definition: Definition,
) -> None:
    for parameters in variations(definition):
        if not is_lossy(definition, parameters):
            for kind in kinds(definition) if definition.reads_input else ["S"]:
                count = characters = 0
                seen = set()
                while count < 3_000 and characters < ENOUGH:
                    values = variants(definition, 20 if count == 0 else 500, kind, first=count)
                    texts = list(map(json.dumps, results(definition, values, parameters, first=count)))
                    count += len(values)
                    characters += sum(map(len, texts))
                    seen.update(texts)
                assert len(seen) == count, (kind, parameters)


@EVERY
def test_a_transformed_value_is_rarely_the_same(definition: Definition) -> None:
    if definition.reads_input and definition.example.value != definition.example.result:
        for parameters in variations(definition):
            for kind in kinds(definition):
                values = variants(definition, 300, kind)
                after = results(definition, values, parameters)
                kept = sum(to_wire(value) == result for value, result in zip(values, after, strict=True))
                assert kept <= 2 or definition.name in MAY_STAY, (kind, parameters)


@EVERY
def test_a_transformed_value_is_a_function_of_the_value_alone(definition: Definition) -> None:
    if definition.reads_input:
        for parameters in variations(definition):
            for kind in kinds(definition):
                values = variants(definition, 20, kind)
                backwards = results(definition, values[::-1], parameters, first=1000)
                assert results(definition, values, parameters) == backwards[::-1], (kind, parameters)


@EVERY
def test_a_generated_value_does_not_depend_on_the_value(definition: Definition) -> None:
    if not definition.reads_input:
        for parameters in variations(definition):
            values = [variants(definition, 1, kind)[0] for kind in kinds(definition)]
            given = [results(definition, [value], parameters) for value in values]
            assert given.count(given[0]) == len(given) > 1, parameters


@EVERY
def test_a_set_is_transformed_element_by_element_into_one_without_doubles(definition: Definition) -> None:
    for kind in sorted(definition.accepts & SETS.keys()):
        letter = SETS[kind]
        if letter in definition.accepts:
            continue
        for parameters in variations(definition):
            elements = variants(definition, 12, kind)
            alone = [result for result in results(definition, elements, parameters) if result is not DROP]
            if {kind} != set(map(kind_of, alone)):
                with pytest.raises(TransformError, match="gave elements of another type"):
                    results(definition, [set(elements)], parameters)
                continue
            (result,) = results(definition, [set(elements)], parameters)
            assert result.keys() == {letter}, parameters
            members = result[letter]
            assert 1 <= len(members) == len(set(members)) <= len(elements), parameters
            if definition.reads_input:
                assert set(members) == {element[kind] for element in alone}, parameters


_RESULTS = """
from hashlib import sha256
from airflow_dynsync.engine import catalogue
from tests.unit.catalogue_helpers import kinds, results, variants, variations
for definition in catalogue().values():
    for parameters in variations(definition):
        for kind in kinds(definition):
            text = repr(results(definition, variants(definition, 2, kind), parameters))
            print(definition.name, kind, sorted(map(str, parameters.items())), sha256(text.encode()).hexdigest())
"""


def test_another_process_with_another_hash_seed_gives_the_same_results() -> None:
    one, other = (
        subprocess.run(
            [sys.executable, "-c", _RESULTS],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert one == other
    assert one.count(b"\n") == sum(
        len(variations(definition)) * len(kinds(definition)) for definition in catalogue().values()
    )
