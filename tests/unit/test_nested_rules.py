"""Transformers that call others, and the options that reach them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.automaton import KEEP, build_automaton
from airflow_dynsync.engine.compiler import Rule
from airflow_dynsync.engine.definitions import Chunk, Column, Definition, Drop, Example, Parameters, Uniqueness
from airflow_dynsync.engine.execution import Execution
from airflow_dynsync.engine.mapping import RuleOptions
from airflow_dynsync.engine.paths import parse_path
from airflow_dynsync.engine.statistics import Tally
from airflow_dynsync.engine.values import WireValue
from airflow_dynsync.engine.visits import compile_visits

SECRET = b"a secret for these tests"
KEY = {"Id": {"S": "1"}}


def test_a_preset_that_uses_itself_is_refused() -> None:
    recursive = {"transformer": "transform_template", "template": "A#{x}", "parts": {"x": "again"}}
    with pytest.raises(MappingError, match="look for a preset that uses itself"):
        compile_plan({"mappings": {"PK": "again"}, "presets": {"again": recursive}})


@pytest.mark.parametrize(
    "rule",
    [
        {"transformer": "transform_javascript", "code": "return Math.random()"},
        {"transformer": "generate_javascript", "code": "return Math.random()"},
        {"transformer": "generate_python", "callable": lambda rng: str(rng.random())},
    ],
)
def test_a_realm_gives_scripts_another_chance(rule: dict) -> None:
    results = {
        repr(
            compile_plan({"mappings": {"a": rule | realm}}, key_attributes=["Id"], secret=SECRET).apply(
                [KEY | {"a": {"S": "x"}}]
            )
        )
        for realm in ({}, {"realm": "one"}, {"realm": "two"}, {"realm": "two"})
    }
    assert len(results) == 3


@pytest.mark.parametrize(
    ("options", "expected"), [({}, KEY), ({"on_empty_set": "null"}, KEY | {"tags": {"NULL": True}})]
)
def test_a_set_that_a_script_empties_goes_by_the_policy(options: dict, expected: dict) -> None:
    rule = {"transformer": "transform_javascript", "code": "return value.filter(() => false)"}
    plan = compile_plan({"mappings": {"tags": rule | options}}, key_attributes=["Id"], secret=SECRET)
    assert plan.apply([KEY | {"tags": {"SS": ["a", "b"]}}]) == [expected]
    assert [row.outcome for row in plan.statistics.counts] == ["set_emptied"]


@pytest.mark.parametrize(
    "rule",
    [
        {"transformer": "constant", "value": 1},
        {"transformer": "transform_template", "template": "A#{x}", "parts": {"x": "transform_hash"}},
        {"transformer": "transform_json", "mappings": {}},
    ],
)
def test_a_realm_where_nothing_is_drawn_is_refused(rule: dict) -> None:
    with pytest.raises(MappingError, match=r"mappings\.a\.realm: .* draws nothing by itself"):
        compile_plan({"mappings": {"a": rule | {"realm": "people"}}})


# What is counted inside values


ANONYMIZED = (
    "S by transform_string(preserve_length=True), N by transform_character_scramble, BOOL by generate_bool,"
    " B by transform_binary, other types pass through (unmapped)"
)
INSIDE: dict[str, Any] = {
    "mappings": {
        "Payload": {
            "transformer": "transform_json",
            "mappings": {
                "card": "transform_mask",
                "people": {
                    "transformer": "transform_map_keys",
                    "keys": "transform_first_name",
                    "mappings": {"*": "null"},
                },
            },
        },
        "Plan": "passthrough",
    },
    "unmapped": {"S": {"transformer": "transform_json", "mappings": {"a": "drop"}, "unmapped": "passthrough"}},
}
ITEM = KEY | {
    "Payload": {"S": '{"card": "4242", "people": {"Mary": 1, "Tom": 2}, "note": "x", "Judith": true}'},
    "Plan": {"S": "gold"},
    "Other": {"S": '{"a": 1}'},
}
ROWS = [
    ("Payload", "mappings.Payload", "transform_json", "transformed", 1),
    ("Payload -> card", "mappings.Payload.mappings.card", "transform_mask", "transformed", 1),
    ("Payload -> people", "mappings.Payload.mappings.people", "transform_map_keys", "transformed", 1),
    ("Payload -> people -> *", "mappings.Payload.mappings.people.mappings.*", "null", "transformed", 2),
    ("Payload -> (unmapped)", "mappings.Payload.unmapped", "transform_string", "transformed", 1),
    ("Payload -> (unmapped)", "mappings.Payload.unmapped", "generate_bool", "transformed", 1),
    ("Plan", "mappings.Plan", "passthrough", "kept", 1),
    ("Other", "unmapped.S", "transform_json", "transformed", 1),
    ("(unmapped) -> a", "unmapped.S.mappings.a", "drop", "dropped", 1),
]


def rows(plan: Any) -> list[tuple[Any, ...]]:
    return [(row.path, row.rule, row.transformer, row.outcome, row.count) for row in plan.statistics.counts]


def test_rules_inside_values_are_counted_behind_their_rule_and_name_no_member() -> None:
    plan = compile_plan(INSIDE, key_attributes=["Id"], secret=SECRET)
    plan.apply([ITEM])
    assert rows(plan) == ROWS


def test_no_count_inside_is_lost_between_threads() -> None:
    plan = compile_plan(INSIDE, key_attributes=["Id"], secret=SECRET)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: plan.apply([ITEM, ITEM]), range(100)))
    assert rows(plan) == [(*row[:4], 200 * row[4]) for row in ROWS]


def test_a_chunk_tried_again_by_halves_is_counted_once() -> None:
    mapping = {"transformer": "transform_json", "mappings": {"a": "null"}, "on_type_mismatch": "drop"}
    form = {"transformer": "transform_map_keys", "keys": "transform_uuid", "mappings": {"*": "null"}}
    uuid = "123e4567-e89b-42d3-a456-426614174000"
    plan = compile_plan({"mappings": {"V": mapping, "M": form | {"on_type_mismatch": "drop"}}}, secret=SECRET)
    good, bad = {"S": '{"a": 1}'}, {"S": "no JSON"}
    maps = [{"M": {uuid: {"S": "x"}}}, {"M": {"no uuid": {"S": "x"}}}]
    plan.apply([{"V": bad if row in (3, 4) else good, "M": maps[row % 2]} for row in range(10)])
    counts = {(row[0], row[3]): row[4] for row in rows(plan)}
    assert counts == {
        ("V", "transformed"): 8,
        ("V", "mismatch_drop"): 2,
        ("V -> a", "transformed"): 8,
        ("M", "transformed"): 5,
        ("M", "mismatch_drop"): 5,
        ("M -> *", "transformed"): 5,
    }


def test_rules_that_a_script_makes_are_not_counted_as_their_paths_may_be_values() -> None:
    code = "return neosync.transformJson(value, {mappings: {[JSON.parse(value).name]: 'null'}})"
    rule = {"transformer": "transform_javascript", "code": code}
    plan = compile_plan({"mappings": {"a": rule}}, key_attributes=["Id"], secret=SECRET)
    assert plan.apply([KEY | {"a": {"S": '{"name":"judith","judith":1}'}}])[0]["a"]["S"].endswith('"judith":null}')
    assert rows(plan) == [("a", "mappings.a", "transform_javascript", "transformed", 1)]
    assert "judith" not in plan.explain()


def test_explain_lists_the_rules_inside_values_behind_their_rule() -> None:
    plan = compile_plan(INSIDE, key_attributes=["Id"], secret=SECRET)
    assert plan.explain().splitlines() == [
        "Payload: transform_json(mappings) (1 literal step)",
        "Payload -> card: transform_mask (1 literal step)",
        "Payload -> people: transform_map_keys(mappings, keys) (1 literal step)",
        "Payload -> people -> *: null (0 literal steps)",
        f"Payload -> people -> everything else: {ANONYMIZED}",
        f"Payload -> everything else: {ANONYMIZED}",
        "Plan: passthrough (1 literal step)",
        "(unmapped) -> a: drop (1 literal step)",
        "(unmapped) -> everything else: passes through (unmapped)",
        "Id: passes through (primary key)",
        "everything else: S by transform_json(mappings, unmapped), other types pass through (unmapped)",
    ]


def count_vowels(column: Column) -> list[WireValue | Drop]:
    for index, value in enumerate(column.values):
        if value["S"] == "wrong":
            raise TransformError("mappings.a", "a word was expected", row=column.rows[index], wrong_form=True)
        column.count(index, "found VOWEL", sum(value["S"].count(vowel) for vowel in "aeiou"))
    return [*column.values]


COUNTING = Definition(
    name="count_vowels",
    summary="Counts",
    accepts=frozenset({"S"}),
    returns=frozenset({"S"}),
    uniqueness=Uniqueness.PRESERVED,
    reads_input=True,
    example=Example("a", "a"),
    column=lambda _parameters, _compiler: count_vowels,
)


def test_what_a_transformer_counts_becomes_a_row_of_its_rule() -> None:
    path = parse_path("a", "mappings.a")
    options = RuleOptions(on_type_mismatch="drop")
    rule = Rule(0, 0, "mappings.a", path, "a", COUNTING, Parameters(), options, count_vowels, Uniqueness.PRESERVED)
    items = [{"a": {"S": text}} for text in ("oui", "wrong", "non", "xyz")] + [{"a": {"SS": ["a", "e"]}}]
    execution = Execution(compile_visits(build_automaton([rule], [path], KEEP, ())), [rule], Chunk(items, ()))
    execution.run()
    tally = Tally()
    tally.add(len(items), execution.counts)
    counts = {row.outcome: row.count for row in tally.snapshot().counts}
    assert counts == {"transformed": 4, "mismatch_drop": 1, "found VOWEL": 6}
