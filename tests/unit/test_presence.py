"""Absent, NULL and empty attributes (rule 3)."""

from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, compile_plan
from tests.unit.strategies import SECRET

S, NULL = {"S": "text"}, {"NULL": True}


def apply(mappings: dict[str, Any], item: dict[str, Any], unmapped: Any = "passthrough") -> dict[str, Any]:
    plan = compile_plan({"mappings": mappings, "unmapped": unmapped}, key_attributes=("Id",), secret=SECRET)
    (result,) = plan.apply([{"Id": {"S": "1"}, **item}])
    assert result.pop("Id") == {"S": "1"}
    return result


def constant(value: Any, **options: Any) -> dict[str, Any]:
    return {"transformer": "constant", "value": value, **options}


@pytest.mark.parametrize("path", ["a", "a.b", "a[0]", "a[*].b", "*.b", "**.b"])
@pytest.mark.parametrize("rule", ["generate_uuid", "null", "drop", "passthrough", "transform_string"])
def test_an_absent_attribute_stays_absent(path: str, rule: str) -> None:
    assert apply({path: rule}, {"other": S}) == {"other": S}
    assert apply({path: rule}, {"c": {"M": {}}, "d": {"L": []}}) == {"c": {"M": {}}, "d": {"L": []}}


def test_when_missing_generate_creates_the_attribute_where_its_parent_is() -> None:
    new = constant("new", when_missing="generate")
    assert apply({"a": new}, {}) == {"a": {"S": "new"}}
    assert apply({"a": new}, {"a": S}) == {"a": {"S": "new"}}
    assert apply({"a.b": new}, {"a": {"M": {}}}) == {"a": {"M": {"b": {"S": "new"}}}}
    assert apply({"a.b": new}, {}) == {}
    assert apply({"a.b": new}, {"a": S}) == {"a": S}
    assert apply({"a[*].b": new}, {"a": {"L": [{"M": {}}, S, {"M": {"b": S}}]}}) == {
        "a": {"L": [{"M": {"b": {"S": "new"}}}, S, {"M": {"b": {"S": "new"}}}]}
    }
    assert apply({"*.b": new}, {"a": {"M": {}}, "c": {"M": {}}}) == {
        "a": {"M": {"b": {"S": "new"}}},
        "c": {"M": {"b": {"S": "new"}}},
    }


def test_when_missing_generate_creates_the_attribute_also_where_its_parent_is_dropped_or_unmapped() -> None:
    new = constant("new", when_missing="generate")
    created = {"a": {"M": {"b": {"S": "new"}}}}
    assert apply({"a": "drop", "a.b": new}, {"a": {"M": {"c": S}}}) == created
    assert apply({"a": "drop", "a.b": new}, {"a": {"M": {}}}) == created
    assert apply({"a.b": new}, {"a": {"M": {"c": S}}}, "drop") == created
    assert apply({"a.b": new}, {"a": {"M": {}}}, "fail") == created


def test_an_attribute_created_depends_on_its_item_and_its_path() -> None:
    rule = {"transformer": "generate_uuid", "when_missing": "generate"}
    plan = compile_plan({"mappings": {"a": rule, "b": rule}}, key_attributes=("Id",), secret=SECRET)
    missing, there = plan.apply([{"Id": {"S": "1"}}, {"Id": {"S": "1"}, "a": S, "b": NULL}])
    assert missing["a"] == there["a"]
    assert len({value["S"] for value in missing.values()}) == 3
    assert there["b"] == NULL


def test_null_stays_null_unless_the_rule_says_otherwise() -> None:
    assert apply({"a": constant("x"), "**.b": "generate_uuid"}, {"a": NULL, "c": {"M": {"b": NULL}}}) == {
        "a": NULL,
        "c": {"M": {"b": NULL}},
    }
    assert apply({"a": constant("x", on_null="transform")}, {"a": NULL}) == {"a": {"S": "x"}}


@pytest.mark.parametrize("unmapped", ["anonymize", "passthrough", "neosync", {"S": "generate_uuid"}])
def test_null_stays_null_under_the_defaults(unmapped: Any) -> None:
    item = {"a": NULL, "b": {"L": [NULL, {"M": {"c": NULL}}]}}
    assert apply({}, item, unmapped) == item


def test_drop_removes_null_too() -> None:
    assert apply({"a": "drop"}, {"a": NULL, "b": NULL}) == {"b": NULL}


@pytest.mark.parametrize("value", [{"S": ""}, {"B": ""}, {"L": []}, {"M": {}}])
def test_what_is_empty_stays_empty_under_the_defaults(value: dict[str, Any]) -> None:
    item = {"a": value, "b": {"L": [value, {"M": {"c": value}}]}}
    assert apply({}, item, "anonymize") == item


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("transform_string", {"S": ""}),
        ("transform_email", {"S": ""}),
        ("generate_uuid", {"S": ""}),
        ("transform_binary", {"B": ""}),
    ],
)
def test_an_empty_string_or_binary_stays_empty_under_a_rule(rule: str, value: dict[str, Any]) -> None:
    assert apply({"a": rule}, {"a": value}) == {"a": value}


def test_rules_that_take_everything_take_what_is_empty() -> None:
    assert apply({"a": constant("x"), "b": "null", "c": "drop"}, {name: {"S": ""} for name in "abc"}) == {
        "a": {"S": "x"},
        "b": NULL,
    }


@pytest.mark.parametrize(
    ("path", "rule", "option"),
    [
        ("a", {"transformer": "transform_string", "when_missing": "generate"}, "when_missing"),
        ("a", {"transformer": "drop", "when_missing": "generate"}, "when_missing"),
        ("a[*]", {"transformer": "generate_uuid", "when_missing": "generate"}, "when_missing"),
        ("a[0]", {"transformer": "generate_uuid", "when_missing": "generate"}, "when_missing"),
        ("a.*", {"transformer": "generate_uuid", "when_missing": "generate"}, "when_missing"),
        ("**.a", {"transformer": "generate_uuid", "when_missing": "generate"}, "when_missing"),
        ("a", {"transformer": "transform_string", "on_null": "transform"}, "on_null"),
    ],
)
def test_an_option_that_cannot_be_met_is_an_error(path: str, rule: dict[str, Any], option: str) -> None:
    with pytest.raises(MappingError) as caught:
        compile_plan({"mappings": {path: rule}})
    assert caught.value.place == f"mappings.{path}.{option}"
