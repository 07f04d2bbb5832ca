"""Transformers that call others, and the options that reach them."""

import pytest

from airflow_dynsync.engine import MappingError, compile_plan

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
