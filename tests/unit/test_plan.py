"""A compiled plan: what it leaves alone, what it counts, what it explains, and several threads at once."""

import copy
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import Mapping, MappingError, TransformError, compile_plan
from airflow_dynsync.engine.statistics import MAX_ROWS, RuleCount
from tests.unit.strategies import COLLIDING_ITEMS, COLLIDING_RULES, SECRET, tables

S = {"S": "text"}


@given(
    tables(),
    st.sampled_from(["anonymize", "neosync", "drop", "passthrough", {"S": "drop", "N": "null"}]),
    st.sampled_from([{}, {"**.*": "drop"}, {"*": "passthrough"}, {"*.*": "null", "*[*]": "drop"}]),
)
def test_apply_never_changes_its_input(
    items: list[dict[str, Any]], unmapped: Any, mappings: dict[str, Any]
) -> None:
    plan = compile_plan({"mappings": mappings, "unmapped": unmapped}, key_attributes=("Id",), secret=SECRET)
    before = copy.deepcopy(items)
    results = plan.apply(items)
    assert items == before
    assert orjson.dumps(items) == orjson.dumps(before)
    assert len(results) == len(items)
    assert all(result is not item for result, item in zip(results, items, strict=True))


@given(COLLIDING_RULES, COLLIDING_ITEMS)
def test_apply_never_changes_its_input_whatever_the_rules(rules: dict[str, str], item: dict[str, Any]) -> None:
    rules = {path: "null" if action == "replace" else action for path, action in rules.items()}
    try:
        plan = compile_plan({"mappings": rules}, key_attributes=("Id",), secret=SECRET)
    except MappingError:
        return
    before = copy.deepcopy(item)
    assert plan.apply([item]) == plan.apply([before])
    assert item == before


def test_apply_never_changes_its_input_when_it_fails() -> None:
    item = {"a": {"L": [S, {"M": {"b": S}}]}, "c": {"N": "1"}}
    before = copy.deepcopy(item)
    with pytest.raises(TransformError):
        compile_plan({"mappings": {"a[*]": "drop", "c": "transform_string"}}).apply([item])
    assert item == before


def test_branches_that_no_rule_leads_into_are_shared_with_the_input() -> None:
    item = {"a": {"M": {"b": {"M": {"c": S}}, "d": {"L": [S]}}}, "e": {"L": [S]}, "f": S}
    plan = compile_plan({"mappings": {"a.b.c": "null", "e": "passthrough"}, "unmapped": "passthrough"})
    (result,) = plan.apply([item])
    assert result["e"] is item["e"]
    assert result["f"] is item["f"]
    assert result["a"]["M"]["d"] is item["a"]["M"]["d"]
    assert result["a"]["M"]["b"] is not item["a"]["M"]["b"]


def test_a_rule_that_looks_at_siblings_sees_them_as_they_were_in_the_source() -> None:
    def with_sibling(value: Any, item: dict[str, Any]) -> str:
        return f"{value} {item['a']}"

    rule = {"transformer": "transform_python", "callable": with_sibling}
    mapping = {"mappings": {"a": "null", "b": rule, "z": "drop"}}
    (result,) = compile_plan(mapping, secret=SECRET).apply([{"a": S, "b": {"S": "b"}, "z": S}])
    assert result == {"a": {"NULL": True}, "b": {"S": "b text"}}


def test_a_chunk_of_nothing_gives_nothing() -> None:
    plan = compile_plan({"mappings": {"a": "transform_email", "b": "generate_uuid"}}, secret=SECRET)
    assert plan.apply([]) == []
    assert plan.apply([{}]) == [{}]
    assert plan.statistics.items == 1


def test_a_mapping_object_and_the_dict_it_is_written_as_give_the_same_plan() -> None:
    written = {"mappings": {"a": "transform_hash"}, "unmapped": {"N": "null"}, "presets": {}}
    item = {"a": S, "b": {"N": "1"}}
    assert compile_plan(Mapping.parse(written), secret=SECRET).apply([item]) == compile_plan(
        written, secret=SECRET
    ).apply([item])


def test_presets_stand_for_a_transformer_and_its_parameters_and_can_be_refined() -> None:
    mapping = {
        "presets": {"end": {"transformer": "transform_mask", "keep_last": 1, "on_null": "keep"}},
        "mappings": {
            "a": "end",
            "b": {"transformer": "end", "character": "#"},
            "c": {"transformer": "end", "keep_last": 2},
        },
        "unmapped": {"S": "end"},
    }
    (result,) = compile_plan(mapping).apply([dict.fromkeys("abcd", S)])
    assert result == {"a": {"S": "***t"}, "b": {"S": "###t"}, "c": {"S": "**xt"}, "d": {"S": "***t"}}
    shield = {"presets": {"stay": {"transformer": "passthrough"}}, "mappings": {"a": "stay", "a.b": "null"}}
    (result,) = compile_plan(shield).apply([{"a": {"M": {"b": S, "c": S}}}])
    assert result == {"a": {"M": {"b": {"NULL": True}, "c": S}}}


# Statistics

COUNTED: dict[str, Any] = {
    "mappings": {
        "mask": "transform_mask",
        "stay": "passthrough",
        "go": "drop",
        "go.kept": "passthrough",
        "new": {"transformer": "generate_uuid", "when_missing": "generate"},
        "lax": {"transformer": "transform_mask", "on_type_mismatch": "null"},
        "list[*]": "null",
    },
}
MET = [
    {"Id": S, "mask": S, "stay": {"M": {"x": S}}, "go": {"M": {"kept": S, "x": S}}, "lax": {"N": "1"}},
    {"Id": S, "mask": {"NULL": True}, "go": S, "new": S, "list": {"L": [S, S, {"NULL": True}]}, "other": S},
    {"Id": S, "mask": {"S": ""}, "other": {"M": {"s": S, "n": {"N": "1"}, "ss": {"SS": ["a", "b"]}}}, "b.c": S},
]
ROWS = (
    ("mask", "mappings.mask", "transform_mask", "kept_empty", 1),
    ("mask", "mappings.mask", "transform_mask", "kept_null", 1),
    ("mask", "mappings.mask", "transform_mask", "transformed", 1),
    ("stay", "mappings.stay", "passthrough", "kept", 1),
    ("go", "mappings.go", "drop", "dropped", 2),
    ("go.kept", "mappings.go.kept", "passthrough", "kept", 1),
    ("new", "mappings.new", "generate_uuid", "generated", 2),
    ("new", "mappings.new", "generate_uuid", "transformed", 1),
    ("lax", "mappings.lax", "transform_mask", "mismatch_null", 1),
    ("list[*]", "mappings.list[*]", "null", "kept_null", 1),
    ("list[*]", "mappings.list[*]", "null", "transformed", 2),
    ('"b.c"', "unmapped", "transform_string", "transformed", 1),
    ("other", "unmapped", "transform_string", "transformed", 3),
    ("other", "unmapped", "transform_character_scramble", "transformed", 1),
)


def test_statistics_count_every_outcome_by_path_and_rule_in_the_order_of_the_rules() -> None:
    plan = compile_plan(COUNTED, key_attributes=("Id",), secret=SECRET)
    assert (plan.statistics.items, plan.statistics.counts) == (0, ())
    plan.apply(MET)
    assert plan.statistics.items == 3
    assert plan.statistics.counts == tuple(RuleCount(*row) for row in ROWS)
    plan.apply(list(reversed(MET)))
    assert plan.statistics.counts == tuple(RuleCount(*row[:4], 2 * row[4]) for row in ROWS)
    assert orjson.loads(orjson.dumps(plan.statistics.as_dict()))["counts"][0]["outcome"] == "kept_empty"


def test_a_chunk_that_is_refused_is_not_counted() -> None:
    plan = compile_plan({"mappings": {"a": "transform_string", "b": "passthrough"}})
    with pytest.raises(TransformError):
        plan.apply([{"a": S, "b": S}, {"a": {"N": "1"}}])
    assert (plan.statistics.items, plan.statistics.counts) == (0, ())


def test_statistics_of_endlessly_many_attribute_names_stay_small_and_complete() -> None:
    plan = compile_plan({"mappings": {"a": "transform_mask"}}, secret=SECRET)
    for start in range(0, 3 * MAX_ROWS, 500):
        plan.apply([{f"name {number}": S} for number in range(start, start + 500)])
    plan.apply([{"a": S}])
    counts = plan.statistics.counts
    assert len(counts) == MAX_ROWS + 2
    assert Counter(row.path for row in counts)["(other attributes)"] == 1
    assert sum(row.count for row in counts) == 3 * MAX_ROWS + 1


@given(tables(min_size=1))
def test_statistics_do_not_depend_on_the_chunks(items: list[dict[str, Any]]) -> None:
    whole, cut = (compile_plan({}, key_attributes=("Id",), secret=SECRET) for _ in range(2))
    whole.apply(items)
    for item in reversed(items):
        cut.apply([item])
    assert whole.statistics == cut.statistics


def test_several_threads_apply_one_plan_and_no_count_is_lost() -> None:
    plan = compile_plan(COUNTED, key_attributes=("Id",), secret=SECRET)
    expected = plan.apply(MET)
    with ThreadPoolExecutor(8) as threads:
        for result in threads.map(lambda _: plan.apply(MET), range(400)):
            assert result == expected
    assert plan.statistics.items == 401 * 3
    assert plan.statistics.counts == tuple(RuleCount(*row[:4], 401 * row[4]) for row in ROWS)


# Explanations


def test_explain_says_for_every_rule_how_specific_it_is_and_what_becomes_of_the_rest() -> None:
    mapping = {
        "mappings": {
            "Id": "transform_hash",
            "a.*.b": {"transformer": "transform_mask", "keep_last": 4},
            "**.ssn": "drop",
        },
        "unmapped": {"S": "generate_uuid", "BOOL": "null"},
    }
    plan = compile_plan(mapping, key_attributes=("Id", "At"), secret=SECRET)
    assert plan.explain().splitlines() == [
        "Id: transform_hash (1 literal step, primary key)",
        "a.*.b: transform_mask(keep_last=4) (2 literal steps)",
        "**.ssn: drop (1 literal step, 1 **)",
        "At: passes through (primary key)",
        "everything else: S by generate_uuid, BOOL by null, other types pass through (unmapped)",
    ]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("Id", "passes through (primary key)"),
        ("a.b", "transform_mask (mappings.a.b is the most specific, before a, **.b)"),
        ("a.c", "stays (mappings.a is the most specific)"),
        ("a.c.b", "stays (mappings.a is the most specific, before **.b)"),
        ("d.b", "drop (mappings.**.b is the most specific)"),
        ("d.b.e", "drop (mappings.**.b is the most specific)"),
        ("l[3]", "null (mappings.l[*] is the most specific)"),
        ("l[0].x", "transform_hash (mappings.l[0] is the most specific, before l[*])"),
        ('"x.y".z', "is removed (unmapped)"),
        ("d.Id", "is removed (unmapped)"),
    ],
)
def test_explain_says_which_rule_decides_about_a_path_and_before_which_others(path: str, answer: str) -> None:
    rules = {"a": "passthrough", "a.b": "transform_mask", "**.b": "drop", "l[*]": "null", "l[0]": "transform_hash"}
    plan = compile_plan({"mappings": rules, "unmapped": "drop"}, key_attributes=("Id",), secret=SECRET)
    assert plan.explain(path) == f"{path}: {answer}"


@pytest.mark.parametrize(("policy", "words"), [("passthrough", "passes through"), ("fail", "stops the run")])
def test_explain_names_the_policy_for_what_is_unmapped(policy: str, words: str) -> None:
    assert compile_plan({"unmapped": policy}).explain("a", "b").splitlines() == [
        f"a: {words} (unmapped)",
        f"b: {words} (unmapped)",
    ]


def test_explain_takes_one_attributes_own_path() -> None:
    with pytest.raises(MappingError, match="is a pattern; give one attribute's own path"):
        compile_plan({}).explain("a.*")


@pytest.mark.parametrize(
    ("mappings", "expected"),
    [
        ({"Name": "passthrough", "a.b": "transform_string"}, ("Id", "Name", "a")),
        ({"**.Name": "passthrough"}, None),
        ({"*": "passthrough"}, None),
        ({"Name": {"transformer": "transform_javascript", "code": "return input.Other"}}, None),
        ({"a": {"transformer": "transform_template", "template": "{b}", "parts": {"b": "p"}}}, None),
        ({"a": {"transformer": "transform_date_shift", "by": "Other"}}, None),
    ],
)
def test_what_is_dropped_need_not_be_read_unless_a_rule_looks_at_it(
    mappings: dict[str, Any], expected: tuple[str, ...] | None
) -> None:
    presets = {"p": {"transformer": "transform_python", "callable": "builtins:str"}}
    mapping = {"mappings": mappings, "unmapped": "drop", "presets": presets}
    assert compile_plan(mapping, key_attributes=("Id",)).attributes == expected
    assert compile_plan({**mapping, "unmapped": "passthrough"}, key_attributes=("Id",)).attributes is None
