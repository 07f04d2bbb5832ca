"""Errors name the rule, the path and the remedy, and never a value (rule 9)."""

import pickle
from base64 import b64encode
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, catalogue, compile_plan, compiler
from airflow_dynsync.engine.definitions import Chunk, Column
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.lifting import lift_generate, lift_transform
from tests.unit.marks import MARK, MARKED_DIGITS, MARKS, everything_said
from tests.unit.strategies import SECRET, values

MARKED = st.sampled_from(
    [
        {"S": MARK},
        {"S": f"{MARK}@{MARK}.example"},
        {"N": MARKED_DIGITS},
        {"B": b64encode(MARK.encode()).decode()},
        {"SS": [MARK, f"{MARK} II"]},
        {"NS": [MARKED_DIGITS]},
        {"BS": [b64encode(MARK.encode()).decode()]},
    ]
)


def _raise(value: Any) -> Any:
    raise RuntimeError(f"cannot take {value!r}")


def _refuse(value: Any) -> Any:
    return {value if isinstance(value, str) else str(value): {1: value}}


RULES: list[Any] = [
    "transform_string",
    "transform_email",
    "transform_full_name",
    "transform_binary",
    "transform_int64",
    "transform_float64",
    "transform_mask",
    "transform_hash",
    "transform_character_scramble",
    "generate_int64",
    {"transformer": "transform_python", "callable": _raise},
    {"transformer": "transform_python", "callable": _refuse},
    {"transformer": "transform_template", "template": "CUSTOMER#{email}", "parts": {"email": "transform_email"}},
]


@pytest.mark.parametrize(
    ("mapping", "place", "remedy"),
    [
        ({"mapings": {}}, "mapings", "did you mean mappings?"),
        ({"mappings": []}, "mappings", "expected a valid dictionary, got a list"),
        ({"mappings": {7: "null"}}, "mappings.7", "expected a valid string, got an integer"),
        ({"mappings": {"a": 7}}, "mappings.a", "expected a transformer's name or a mapping, got an integer"),
        ({"mappings": {"a": None}}, "mappings.a", 'to mean the word, write "null"'),
        ({"mappings": {"a": {}}}, "mappings.a.transformer", "is required"),
        ({"mappings": {"a": {"transformer": None}}}, "mappings.a.transformer", 'write "null"'),
        ({"mappings": {"a": "generate_uid"}}, "mappings.a", "did you mean generate_uuid?"),
        ({"mappings": {"a": {"transformer": "nul"}}}, "mappings.a.transformer", "did you mean null?"),
        ({"mappings": {"a": {"transformer": "null", "on_nul": 1}}}, "mappings.a.on_nul", "did you mean on_null?"),
        (
            {"mappings": {"a": {"transformer": "transform_email", "preserve_domian": True}}},
            "mappings.a.preserve_domian",
            "did you mean preserve_domain?",
        ),
        (
            {"mappings": {"a": {"transformer": "transform_email", "preserve_domain": "yes"}}},
            "mappings.a.preserve_domain",
            "expected a valid boolean, got a string",
        ),
        (
            {"mappings": {"a": {"transformer": "generate_string", "min": 0}}},
            "mappings.a.min",
            "expected greater than or equal to 1, got an integer",
        ),
        (
            {"mappings": {"a": {"transformer": "generate_string", "min": 9, "max": 8}}},
            "mappings.a",
            "min is above max",
        ),
        ({"mappings": {"a": {"transformer": "constant"}}}, "mappings.a.value", "is required; give it a value"),
        (
            {"mappings": {"a": {"transformer": "null", "realm": ""}}},
            "mappings.a.realm",
            "expected it to have at least 1 character, got a string",
        ),
        (
            {"mappings": {"a": {"transformer": "null", "on_type_mismatch": None}}},
            "mappings.a.on_type_mismatch",
            "expected 'fail', 'passthrough', 'null' or 'drop', got null",
        ),
        ({"presets": {"null": {"transformer": "drop"}}}, "presets.null", "choose another"),
        ({"presets": {"ours": "drop"}}, "presets.ours", "expected a valid dictionary, got a string"),
        ({"presets": {"ours": {}}}, "presets.ours.transformer", "is required"),
        ({"presets": {"ours": {"transformer": "dro"}}}, "presets.ours.transformer", "did you mean drop?"),
        (
            {"presets": {"ours": {"transformer": "generate_string"}}, "mappings": {"a": {"transformer": "our"}}},
            "mappings.a.transformer",
            "did you mean ours?",
        ),
        (None, "mapping", "got null"),
    ],
)
def test_a_wrong_mapping_is_an_error_with_its_place_and_the_remedy(mapping: Any, place: str, remedy: str) -> None:
    with pytest.raises(MappingError) as caught:
        compile_plan(mapping, secret=SECRET)
    assert caught.value.place == place
    assert remedy in caught.value.message
    assert str(caught.value) == f"{place}: {caught.value.message}"
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_an_error_names_the_item_in_the_chunk_that_is_to_blame() -> None:
    plan = compile_plan({"mappings": {"a": "transform_string"}}, secret=SECRET)
    with pytest.raises(TransformError) as caught:
        plan.apply([{"a": {"S": "x"}}, {"a": {"S": "y"}}, {"a": {"N": "1"}}])
    assert (caught.value.place, caught.value.row) == ("mappings.a", 2)
    plan = compile_plan({"mappings": {"a": {"transformer": "transform_python", "callable": _raise}}})
    with pytest.raises(TransformError) as caught:
        plan.apply([{}, {"a": {"S": "x"}}])
    assert (caught.value.place, caught.value.row) == ("mappings.a", 1)


@pytest.mark.parametrize(
    "error",
    [MappingError("mappings.a", "is wrong; mend it"), TransformError("mappings.a", "is wrong; mend it", row=7)],
)
def test_an_error_survives_the_way_to_another_process(error: MappingError | TransformError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error) == "mappings.a: is wrong; mend it"
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("rule", RULES, ids=str)
@given(value=values(st.just("name"), MARKED))
def test_what_a_rule_says_of_a_value_never_holds_it(rule: Any, value: dict[str, Any]) -> None:
    plan = compile_plan({"mappings": {"a": rule}, "unmapped": "fail"}, key_attributes=("Id",), secret=SECRET)
    said = f"{plan!r} {plan.explain()} {plan.explain('a.b')}"
    for item in ({"Id": {"S": MARK}, "a": value}, {"Id": {"S": MARK}, "b": value}):
        try:
            plan.apply([item])
        except TransformError as error:
            said += everything_said(error)
        said += f"{plan.statistics!r} {plan.statistics.as_dict()}"
    assert not MARKS.search(said)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_rule_refuses_some_value_and_the_error_names_the_rule(rule: Any) -> None:
    plan = compile_plan({"mappings": {"a": rule}}, key_attributes=("Id",), secret=SECRET)
    refusals = []
    for value in ({"S": MARK}, {"N": "1"}, {"B": "AA=="}, {"BOOL": True}, {"M": {}}, {"L": []}, {"BS": ["AA=="]}):
        try:
            plan.apply([{"Id": {"S": "1"}, "a": value}])
        except TransformError as error:
            refusals.append(error)
    assert refusals
    assert {refusal.place for refusal in refusals} == {"mappings.a"}


@pytest.mark.parametrize("lift", [partial(lift_transform, redraw=True), lift_generate])
def test_a_transformer_that_breaks_is_named_without_what_it_says(lift: Any) -> None:
    def breaks(value: Any, stream: Any) -> Any:
        raise KeyError(MARK)

    step = lift(breaks, Secret(SECRET).keyed("test"), "mappings.a", "transform_broken", accepts=frozenset("S"))
    chunk = Chunk([{"Id": {"S": MARK}, "a": {"S": MARK}}], ("Id",))
    with pytest.raises(TransformError) as caught:
        step(Column(chunk, [{"S": MARK}], [0], [("a",)]))
    assert str(caught.value) == "mappings.a: transform_broken failed with KeyError"
    assert not MARKS.search(everything_said(caught.value))


def test_a_column_transformer_that_breaks_is_named_without_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(column: Column) -> list[Any]:
        raise KeyError(column.values[0]["S"])

    broken = replace(catalogue()["passthrough"], name="transform_broken", column=lambda *_: breaks)
    monkeypatch.setattr(compiler, "catalogue", lambda: {**catalogue(), "transform_broken": broken})
    plan = compile_plan({"mappings": {"a": "transform_broken"}})
    with pytest.raises(TransformError) as caught:
        plan.apply([{"a": {"S": MARK}}])
    assert str(caught.value) == "mappings.a: transform_broken failed with KeyError"
    assert not MARKS.search(everything_said(caught.value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transform_json", {"S": f'{{"{MARK}": {{"{MARK}": 1}}}}'}),
        ("transform_map_keys", {"M": {MARK: {"S": "x"}}}),
    ],
)
def test_names_that_are_part_of_a_value_are_not_told(name: str, value: dict[str, Any]) -> None:
    rule = {"transformer": name, "unmapped": "fail"}
    if name == "transform_map_keys":
        rule["keys"] = "transform_hash"
    with pytest.raises(TransformError, match="something inside a value") as caught:
        compile_plan({"mappings": {"a": rule}}).apply([{"a": value}])
    assert caught.value.place == "mappings.a.unmapped"
    assert not MARKS.search(everything_said(caught.value))


def test_a_constant_in_a_mapping_is_not_shown_by_explain() -> None:
    plan = compile_plan({"mappings": {"a": {"transformer": "constant", "value": MARK}}})
    assert MARK not in plan.explain() + plan.explain("a")
