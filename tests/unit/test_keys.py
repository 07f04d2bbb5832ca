"""Primary-key attributes (rule 4)."""

from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.definitions import Uniqueness
from tests.unit.strategies import SECRET

KEYS = ("Id", "At")
ITEM = {"Id": {"S": "CUSTOMER#mary@example.com"}, "At": {"N": "1700000000.123456"}, "a": {"S": "text"}}


def apply(mappings: dict[str, Any], item: dict[str, Any] = ITEM, unmapped: Any = "anonymize") -> dict[str, Any]:
    plan = compile_plan({"mappings": mappings, "unmapped": unmapped}, key_attributes=KEYS, secret=SECRET)
    return plan.apply([item])[0]


@pytest.mark.parametrize("unmapped", ["anonymize", "neosync", "drop", "fail", {"S": "null", "N": "drop"}])
@pytest.mark.parametrize(
    "mappings",
    [
        {"a": "passthrough"},
        {"*": {"transformer": "constant", "value": "x"}},
        {"**.*": {"transformer": "constant", "value": "x"}},
        {"**.Id": "generate_uuid", "**.At": "drop", "a": "passthrough"},
        {"*": "drop", "a": "passthrough"},
    ],
)
def test_keys_pass_through_whatever_wildcards_and_policies_say(mappings: dict[str, Any], unmapped: Any) -> None:
    result = apply(mappings, unmapped=unmapped)
    assert {name: result[name] for name in KEYS} == {name: ITEM[name] for name in KEYS}


def test_a_nested_attribute_with_a_keys_name_is_no_key() -> None:
    item = {**ITEM, "a": {"M": {"Id": {"S": "text"}, "b": {"L": [{"M": {"At": {"S": "text"}}}]}}}}
    result = apply({"**.Id": "null", "**.At": "drop"}, item)
    assert result == {**ITEM, "a": {"M": {"Id": {"NULL": True}, "b": {"L": [{"M": {}}]}}}}


@pytest.mark.parametrize("rule", ["transform_hash", "generate_uuid", "passthrough"])
def test_a_key_is_mapped_by_a_rule_that_keeps_keys_apart(rule: str) -> None:
    plan = compile_plan({"mappings": {"Id": rule}}, key_attributes=KEYS, secret=SECRET)
    items = [{**ITEM, "Id": {"S": f"CUSTOMER#{number}"}} for number in range(50)]
    results = plan.apply(items)
    assert len({item["Id"]["S"] for item in results}) == 50
    assert [item["At"] for item in results] == [item["At"] for item in items]
    assert [rule.written for rule in plan.key_rules] == ([] if rule == "passthrough" else ["Id"])


@pytest.mark.parametrize(
    "rule",
    [
        "transform_mask",
        "generate_full_name",
        "generate_bool",
        {"transformer": "constant", "value": "x"},
        {"transformer": "transform_hash", "length": 4},
        {"transformer": "generate_categorical", "categories": ["x", "y"]},
    ],
)
def test_a_lossy_rule_on_a_key_is_refused_unless_collisions_are_allowed(rule: Any) -> None:
    with pytest.raises(MappingError) as caught:
        apply({"Id": rule})
    assert caught.value.place == "mappings.Id"
    assert "items would overwrite each other" in caught.value.message
    assert "allow_key_collisions: true" in caught.value.message
    written = {"transformer": rule} if isinstance(rule, str) else rule
    plan = compile_plan(
        {"mappings": {"Id": {**written, "allow_key_collisions": True}}}, key_attributes=KEYS, secret=SECRET
    )
    assert [rule.uniqueness for rule in plan.key_rules] == [Uniqueness.LOSSY]


def test_a_mapped_key_needs_a_secret() -> None:
    with pytest.raises(MappingError, match="needs a secret") as caught:
        compile_plan({"mappings": {"Id": "transform_hash"}}, key_attributes=KEYS)
    assert caught.value.place == "mappings.Id"
    compile_plan({"mappings": {"Id": "passthrough", "a": "transform_hash"}}, key_attributes=KEYS)


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("null", "mappings.Id"),
        ("drop", "mappings.Id"),
        ({"transformer": "null", "allow_key_collisions": True}, "mappings.Id"),
        ({"transformer": "transform_hash", "on_type_mismatch": "null"}, "mappings.Id.on_type_mismatch"),
        ({"transformer": "transform_hash", "on_type_mismatch": "drop"}, "mappings.Id.on_type_mismatch"),
    ],
)
def test_a_rule_that_takes_a_key_away_is_refused(rule: Any, place: str) -> None:
    with pytest.raises(MappingError, match="take the primary key away") as caught:
        apply({"Id": rule})
    assert caught.value.place == place


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("At", "transform_hash"),
        ("Id", {"transformer": "transform_python", "callable": lambda value: 7, "allow_key_collisions": True}),
        ("Id", {"transformer": "transform_python", "callable": lambda value: "", "allow_key_collisions": True}),
        ("Id", {"transformer": "transform_python", "callable": lambda value: None, "allow_key_collisions": True}),
    ],
)
def test_a_key_that_would_change_its_type_or_become_empty_is_an_error(key: str, rule: Any) -> None:
    with pytest.raises(TransformError, match="a primary key keeps its type and is never empty") as caught:
        apply({key: rule})
    assert caught.value.place == f"mappings.{key}"
    assert caught.value.row == 0


def test_a_key_and_an_attribute_with_the_same_value_stay_equal() -> None:
    item = {**ITEM, "a": ITEM["Id"]}
    result = apply({"Id": "transform_hash", "a": "transform_hash"}, item)
    assert result["Id"] == result["a"] != item["a"]


def test_generated_values_depend_on_the_source_key_not_on_the_one_written() -> None:
    generated = {"a": "generate_uuid"}
    assert apply({"Id": "transform_hash", **generated})["a"] == apply(generated)["a"]


def test_key_attributes_are_a_sequence_of_names() -> None:
    with pytest.raises(MappingError, match="expected a sequence of names, got a string") as caught:
        compile_plan({}, key_attributes="Id")
    assert caught.value.place == "key_attributes"


def test_an_item_without_its_key_is_an_error_where_generated_values_depend_on_it() -> None:
    plan = compile_plan({"mappings": {"a": "generate_uuid"}}, key_attributes=KEYS, secret=SECRET)
    with pytest.raises(TransformError, match=r"^At: an item lacks this primary-key attribute") as caught:
        plan.apply([ITEM, {"Id": {"S": "2"}, "a": {"S": "text"}}])
    assert caught.value.row == 1
