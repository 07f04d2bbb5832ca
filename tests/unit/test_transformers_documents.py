"""transform_json and transform_map_keys."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.values import to_python, to_wire

SECRET = b"a secret of the tests"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\x7f'), max_size=9)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def apply(name: str, *values: Any, presets: Any = None, **parameters: Any) -> list[Any]:
    plan = compile_plan(
        {"mappings": {"V": {"transformer": name, **parameters}}, "presets": presets or {}},
        key_attributes=("Id",),
        secret=SECRET,
    )
    items = [{"Id": {"N": str(number)}, "V": to_wire(value)} for number, value in enumerate(values)]
    return [to_python(item["V"]) if "V" in item else "gone" for item in plan.apply(items)]


def in_json(text: str, **parameters: Any) -> str:
    (result,) = apply("transform_json", text, **parameters)
    assert isinstance(result, str)
    return result


@given(DOCUMENTS, st.sampled_from([(",", ":"), (", ", ": ")]), st.booleans())
def test_what_passes_through_is_the_same_text(document: Any, separators: Any, ascii_only: bool) -> None:
    text = json.dumps({"a": document}, separators=separators, ensure_ascii=ascii_only)
    assert in_json(text, unmapped="passthrough") == text


@pytest.mark.parametrize(
    "text",
    [
        '{"b":1.50,"a":1E5,"c":-0,"d":123456789012345678901234567890123456789012345.000,"e":1e999}',
        '{"$": 1.0, "": 2}',
        "[1.0,[2.50]]",
        "1.0",
        '{"a":"\\ud800"}',
        "{}",
        "[]",
        '""',
    ],
)
def test_numbers_keep_their_text_and_members_their_order(text: str) -> None:
    assert in_json(text, unmapped="passthrough") == text


def test_half_a_surrogate_pair_inside_json_does_not_keep_a_text_from_being_masked() -> None:
    mask = {"transformer": "transform_mask", "keep_first": 1}

    assert in_json('{"a":"\\ud800bc"}', mappings={"a": mask}) == '{"a":"\\ud800**"}'


def test_the_inside_goes_through_the_same_engine_as_the_item() -> None:
    plan = compile_plan(
        {
            "mappings": {
                "Email": "transform_email",
                "Age": "transform_int64",
                "Payload": {
                    "transformer": "transform_json",
                    "mappings": {"users[*].email": "transform_email", "users[*].age": "transform_int64"},
                    "unmapped": "passthrough",
                },
            }
        },
        key_attributes=("Id",),
        secret=SECRET,
    )
    payload = '{"users": [{"email": "mary@acme.com", "age": 41.0, "plan": "gold"}], "total": 1.0}'
    item = {"Id": {"N": "1"}, "Email": {"S": "mary@acme.com"}, "Age": {"N": "41"}, "Payload": {"S": payload}}
    (result,) = plan.apply([item])
    email, age = result["Email"]["S"], result["Age"]["N"]
    assert result["Payload"]["S"] == (
        f'{{"users": [{{"email": "{email}", "age": {age}, "plan": "gold"}}], "total": 1.0}}'
    )


def test_what_no_rule_covers_is_anonymized() -> None:
    result = json.loads(in_json('{"name": "Mary", "age": 41, "x": null}'))
    assert result["name"] != "Mary"
    assert result["age"] != 41
    assert result["x"] is None


def test_a_document_that_is_no_object_is_named_dollar() -> None:
    rules = {"mappings": {"$[*].name": {"transformer": "constant", "value": "N"}}, "unmapped": "passthrough"}
    assert in_json('[{"name": "Mary"}, {"name": "Tom"}]', **rules) == '[{"name": "N"}, {"name": "N"}]'
    assert apply("transform_json", "[1]", unmapped="drop") == ["gone"]
    assert in_json('{"a":1,"b":2}', mappings={"a": "passthrough"}, unmapped="drop") == '{"a":1}'


def test_generators_inside_depend_on_the_item_and_the_place() -> None:
    rules = {"mappings": {"**.id": "generate_uuid"}, "unmapped": "passthrough"}
    text = '{"id": 1, "inner": {"id": 1}}'
    one, other = map(json.loads, apply("transform_json", text, text, **rules))
    assert len({one["id"], one["inner"]["id"], other["id"], other["inner"]["id"]}) == 4
    assert in_json(text, **rules) == json.dumps(one)


def test_json_inside_json_is_reached() -> None:
    inner = {"transformer": "transform_json", "mappings": {"a": {"transformer": "constant", "value": 2}}}
    assert in_json('{"inner":"{\\"a\\":1}"}', mappings={"inner": inner}) == '{"inner":"{\\"a\\":2}"}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("secret", "a string that holds JSON was expected"),
        ('{"secret": NaN}', "a string that holds JSON was expected"),
        ('{"secret": 1', "a string that holds JSON was expected"),
        ('{"secret": 1, "secret": 2}', "two members of one name"),
    ],
)
def test_invalid_json_is_an_error_without_the_value(text: str, message: str) -> None:
    with pytest.raises(TransformError, match=message) as caught:
        apply("transform_json", "{}", text)
    assert (caught.value.place, caught.value.row) == ("mappings.V", 1)
    assert "secret" not in str(caught.value)


def test_json_nested_too_deeply_is_an_error() -> None:
    with pytest.raises(TransformError, match="nested too deeply"):
        in_json("[" * 100_000 + "]" * 100_000)
    with pytest.raises(TransformError, match="nested too deeply"):
        in_json("[" * 2000 + "]" * 2000)


def test_an_error_inside_names_the_rule_inside_and_the_item() -> None:
    rules = {"mappings": {"age": "transform_int64"}, "unmapped": "fail"}
    with pytest.raises(TransformError, match="takes N, and met a string") as caught:
        apply("transform_json", "{}", '{"age": "secret"}', **rules)
    assert (caught.value.place, caught.value.row) == ("mappings.V.mappings.age", 1)
    with pytest.raises(TransformError, match="no rule covers something inside a value") as caught:
        apply("transform_json", "{}", '{"name": "secret"}', **rules)
    assert (caught.value.place, caught.value.row) == ("mappings.V.unmapped", 1)


@pytest.mark.parametrize("name", ["transform_json", "transform_map_keys"])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"mappings": {"a": "transform_emil"}}, r"^mappings\.V\.mappings\.a: .*did you mean"),
        ({"mappings": {"a..b": "transform_email"}}, r"^mappings\.V\.mappings\.a\.\.b: unexpected"),
        ({"unmapped": "keep"}, r"^mappings\.V\.unmapped"),
        ({"unmapped": {"S": "transform_int64"}}, r"^mappings\.V\.unmapped\.S: transform_int64 does not take S"),
        ({"mapping": {}}, r"^mappings\.V\.mapping: unknown name"),
    ],
)
def test_a_wrong_mapping_inside_is_refused(name: str, parameters: dict[str, Any], message: str) -> None:
    keys = {"keys": "transform_hash"} if name == "transform_map_keys" else {}
    with pytest.raises(MappingError, match=message):
        apply(name, **keys, **parameters)


def test_a_preset_that_lies_inside_itself_is_refused() -> None:
    preset = {"transformer": "transform_json", "mappings": {"a": "nested"}}
    with pytest.raises(MappingError, match="more than 8 transformers deep"):
        compile_plan({"mappings": {"V": "nested"}, "presets": {"nested": preset}}, secret=SECRET)


def test_keys_agree_with_the_plain_attribute_and_values_follow_their_rules() -> None:
    plan = compile_plan(
        {
            "mappings": {
                "Name": "transform_first_name",
                "Pets": {
                    "transformer": "transform_map_keys",
                    "keys": "transform_first_name",
                    "mappings": {"*.age": "passthrough"},
                    "unmapped": {"S": {"transformer": "constant", "value": "x"}},
                },
            }
        },
        secret=SECRET,
    )
    pets = {"Judith": {"age": 7, "kind": "cat"}}
    (item,) = plan.apply([{"Name": {"S": "Judith"}, "Pets": to_wire(pets)}])
    assert to_python(item["Pets"]) == {item["Name"]["S"]: {"age": 7, "kind": "x"}}
    assert item["Name"]["S"] != "Judith"


def test_values_are_anonymized_by_default() -> None:
    (result,) = apply("transform_map_keys", {"Judith": "secret"}, keys="transform_hash")
    assert "secret" not in result.values()
    assert len(result) == 1


def test_a_key_that_is_dropped_takes_its_value_along() -> None:
    assert apply("transform_map_keys", {"Judith": 1}, {}, keys="drop", unmapped="passthrough") == [{}, {}]


def test_keys_that_become_the_same_are_an_error() -> None:
    rules = {"keys": {"transformer": "constant", "value": "K"}, "unmapped": "passthrough"}
    with pytest.raises(TransformError, match="two keys of one map become the same") as caught:
        apply("transform_map_keys", {"Judith": 1}, {"Judith": 1, "Tom": 2}, **rules)
    assert (caught.value.place, caught.value.row) == ("mappings.V.keys", 1)
    assert "Judith" not in str(caught.value)


def test_keys_that_become_the_same_are_numbered_where_the_rule_says_so_whatever_their_order() -> None:
    pattern = {"transformer": "transform_regex_replace", "pattern": "^[^-]+", "replacement": "K"}
    rules = {"keys": pattern, "unmapped": "passthrough", "on_collision": "number"}
    members = {"c": 3, "a": 1, "z-2": 0, "b": 2}
    numbered = {"K": 1, "K-3": 2, "K-4": 3, "K-2": 0}
    assert apply("transform_map_keys", members, **rules) == [numbered]
    assert apply("transform_map_keys", dict(sorted(members.items())), **rules) == [numbered]


@pytest.mark.parametrize(
    ("keys", "message"), [("null", "a null"), ({"transformer": "constant", "value": ""}, "not empty")]
)
def test_a_key_has_to_be_text(keys: Any, message: str) -> None:
    with pytest.raises(TransformError, match=message):
        apply("transform_map_keys", {"Judith": 1}, keys=keys)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, r"mappings\.V\.keys: is required"),
        ({"keys": "transform_int64"}, r"mappings\.V\.keys: transform_int64 does not take S"),
        ({"keys": "transform_emil"}, r"mappings\.V\.keys: .*did you mean"),
    ],
)
def test_wrong_keys_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        apply("transform_map_keys", **parameters)
