"""Types that a rule takes and sets, element by element (rules 5 and 6)."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given

from airflow_dynsync.engine import TransformError, compile_plan
from tests.unit.strategies import SECRET, tables, values

NULL = {"NULL": True}
ONE_OF_EACH: dict[str, dict[str, Any]] = {
    "S": {"S": "text"},
    "N": {"N": "99999999999999999999999999999999999999"},
    "B": {"B": "AAEC"},
    "BOOL": {"BOOL": True},
    "M": {"M": {"x": {"S": "text"}}},
    "L": {"L": [{"S": "text"}]},
    "SS": {"SS": ["b", "a"]},
    "NS": {"NS": ["2", "10"]},
    "BS": {"BS": ["AA==", "AQ=="]},
}


def python(function: Any) -> dict[str, Any]:
    return {"transformer": "transform_python", "callable": function}


def apply(rule: Any, value: dict[str, Any]) -> dict[str, Any] | None:
    plan = compile_plan({"mappings": {"a": rule}}, key_attributes=("Id",), secret=SECRET)
    (result,) = plan.apply([{"Id": {"S": "1"}, "a": value}])
    return result.get("a")


def outcomes(rule: Any, value: dict[str, Any]) -> dict[str, int]:
    plan = compile_plan({"mappings": {"a": rule}}, key_attributes=("Id",), secret=SECRET)
    plan.apply([{"Id": {"S": "1"}, "a": value}])
    return {row.outcome: row.count for row in plan.statistics.counts}


def _nested(depth: int, *, wire: bool = False) -> Any:
    nested: Any = {"S": "text"} if wire else "text"
    for _ in range(depth):
        nested = {"L": [nested]} if wire else [nested]
    return nested


@pytest.mark.parametrize("kind", ["N", "B", "BOOL", "M", "L", "NS", "BS"])
def test_a_value_of_another_type_fails_and_the_message_names_both_types_and_the_remedy(kind: str) -> None:
    with pytest.raises(TransformError) as caught:
        apply("transform_string", ONE_OF_EACH[kind])
    assert caught.value.place == "mappings.a"
    assert caught.value.row == 0
    assert "transform_string takes S, and met a " in caught.value.message
    assert f"({kind})" in caught.value.message
    assert "on_type_mismatch" in caught.value.message
    assert ("map its elements" in caught.value.message) == (kind == "L")
    assert ("map its keys" in caught.value.message) == (kind == "M")


@pytest.mark.parametrize("kind", ["N", "B", "BOOL", "M", "L", "NS", "BS"])
def test_a_value_of_another_type_is_kept_nulled_or_dropped_if_the_rule_says_so(kind: str) -> None:
    value = ONE_OF_EACH[kind]

    def rule(action: str) -> dict[str, Any]:
        return {"transformer": "transform_string", "on_type_mismatch": action}

    assert apply(rule("passthrough"), value) == value
    assert apply(rule("null"), value) == NULL
    assert apply(rule("drop"), value) is None
    for action in ("passthrough", "null", "drop"):
        assert outcomes(rule(action), value) == {f"mismatch_{action}": 1}


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_a_generator_replaces_a_value_of_any_type_but_sets_of_another(kind: str) -> None:
    if kind in ("NS", "BS"):
        with pytest.raises(TransformError, match="generate_uuid gave elements of another type for a"):
            apply("generate_uuid", ONE_OF_EACH[kind])
    elif kind == "SS":
        result = apply("generate_uuid", ONE_OF_EACH[kind])
        assert result is not None
        assert [len(element) for element in result["SS"]] == [36, 36]
    else:
        result = apply("generate_uuid", ONE_OF_EACH[kind])
        assert result is not None
        assert len(result["S"]) == 36


def test_numbers_are_exact_decimals() -> None:
    seen: list[Any] = []

    def remember(value: Any) -> Any:
        seen.append(value)
        return value

    for text in ("99999999999999999999999999999999999999", "0.1", "-1E-130", "1E+125"):
        apply(python(remember), {"N": text})
    assert seen == [
        Decimal("99999999999999999999999999999999999999"),
        Decimal("0.1"),
        Decimal("-1E-130"),
        Decimal("1E+125"),
    ]
    assert {type(value) for value in seen} == {Decimal}


@pytest.mark.parametrize(
    ("result", "wire"),
    [
        (Decimal("0.10"), {"N": "0.1"}),
        (10**37, {"N": "1" + "0" * 37}),
        (0.1, {"N": "0.1"}),
        (True, {"BOOL": True}),
        (None, NULL),
        (b"\0", {"B": "AA=="}),
        ([1, "a"], {"L": [{"N": "1"}, {"S": "a"}]}),
        ({"a": 1}, {"M": {"a": {"N": "1"}}}),
        (_nested(31), _nested(31, wire=True)),
    ],
)
def test_a_result_of_any_type_is_written_as_dynamodb_writes_it(result: Any, wire: dict[str, Any]) -> None:
    assert apply(python(lambda value: result), {"S": "text"}) == wire


@pytest.mark.parametrize(
    ("result", "cause"),
    [
        (10**38 + 1, "39 significant digits"),
        (Decimal("1E+126"), "out of DynamoDB's range"),
        (Decimal("1E-131"), "out of DynamoDB's range"),
        (float("nan"), "not a finite number"),
        (object(), "DynamoDB cannot store"),
        ({"a", 1}, "not all of strings"),
        ({1: "a"}, "a key that is no string"),
        ({"": "a"}, "or an empty one"),
        ("\ud800", "half of a surrogate pair"),
        ({"a": [{"\udfff": "a"}]}, "half of a surrogate pair"),
        ({"a", "\ud800"}, "half of a surrogate pair"),
        (_nested(32), "nests deeper than the 32 levels"),
    ],
)
def test_a_result_that_dynamodb_cannot_store_is_an_error_that_names_the_rule(result: Any, cause: str) -> None:
    with pytest.raises(TransformError, match=cause) as caught:
        apply(python(lambda value: result), {"S": "text"})
    assert caught.value.place == "mappings.a"


def test_a_set_is_transformed_element_by_element_and_keeps_its_type() -> None:
    mask = {"transformer": "transform_mask", "keep_last": 1}
    assert apply(mask, {"SS": ["bcd", "abc", "xyz"]}) == {"SS": ["**c", "**d", "**z"]}
    (result,) = compile_plan({"unmapped": "anonymize"}, secret=SECRET).apply(
        [{"a": ONE_OF_EACH["SS"], "b": ONE_OF_EACH["NS"], "c": ONE_OF_EACH["BS"]}]
    )
    assert [list(value) for value in result.values()] == [["SS"], ["NS"], ["BS"]]


def test_elements_that_become_equal_are_one() -> None:
    assert apply("transform_mask", {"SS": ["ab", "cd", "e"]}) == {"SS": ["**", "*"]}


@pytest.mark.parametrize("rule", ["transform_hash", "generate_uuid", "transform_mask"])
def test_the_order_in_which_a_set_is_read_does_not_matter(rule: str) -> None:
    assert apply(rule, {"SS": ["a", "b", "c"]}) == apply(rule, {"SS": ["c", "a", "b"]})


def test_an_element_and_a_string_of_the_same_text_give_the_same() -> None:
    result = apply("transform_hash", {"SS": ["a", "b"]})
    assert result is not None
    assert {"S": result["SS"][0]} == apply("transform_hash", {"S": "a"})


def test_an_empty_string_in_a_set_stays() -> None:
    assert apply("transform_email", {"SS": [""]}) == {"SS": [""]}
    result = apply("transform_hash", {"SS": ["b", "", "a"]})
    assert result is not None
    assert result["SS"][0] == ""
    assert len(result["SS"]) == 3


def test_a_set_never_becomes_empty() -> None:
    email = {"transformer": "transform_email", "invalid_email_action": "null", "preserve_domain": True}
    result = apply(email, {"SS": ["no e-mail", "mary@example.com", "none either"]})
    assert result is not None
    (remaining,) = result["SS"]
    assert remaining.endswith("@example.com")
    none = {"SS": ["no e-mail", "none either"]}
    assert apply(email, none) is None
    assert apply({**email, "on_empty_set": "null"}, none) == NULL
    assert outcomes(email, none) == {"set_emptied": 1}


def test_elements_of_another_type_are_a_mismatch() -> None:
    numbers = {"NS": ["1", "2"]}
    with pytest.raises(
        TransformError, match=r"transform_hash gave elements of another type for a number set \(NS\)"
    ):
        apply("transform_hash", numbers)
    for action, result in (("passthrough", numbers), ("null", NULL), ("drop", None)):
        assert apply({"transformer": "transform_hash", "on_type_mismatch": action}, numbers) == result


def test_several_sets_of_one_column_do_not_mix() -> None:
    plan = compile_plan({"mappings": {"a": "transform_mask"}, "unmapped": "passthrough"})
    sets = [["ab"], ["c", "defg"], ["", "hij"]]
    masked = [item["a"]["SS"] for item in plan.apply([{"a": {"SS": elements}} for elements in sets])]
    assert masked == [["**"], ["*", "****"], ["", "***"]]


@pytest.mark.parametrize("rule", ["passthrough", "null", "drop", {"transformer": "constant", "value": "x"}])
@given(value=values())
def test_rules_that_take_everything_take_every_type(rule: Any, value: dict[str, Any]) -> None:
    result = apply(rule, value)
    if rule == "passthrough":
        assert result == value
    elif rule == "drop":
        assert result is None
    elif rule == "null" or value == NULL:
        assert result == NULL
    else:
        assert result == {"S": "x"}


@pytest.mark.parametrize(
    "mapping",
    [
        {"mappings": {"a": "transform_hash"}},
        {"mappings": {"a": "transform_json"}},
        {"unmapped": "anonymize"},
        {"unmapped": "fail"},
        {"unmapped": "fail", "mappings": {"a.b": "transform_hash"}},
    ],
)
def test_a_type_that_nobody_knows_yet_never_passes_by_a_rule_or_policy_that_hides(mapping: dict[str, Any]) -> None:
    plan = compile_plan(mapping, key_attributes=("Id",), secret=SECRET)

    with pytest.raises(TransformError, match="a value of a type that is not known here"):
        plan.apply([{"Id": {"S": "1"}, "a": {"V": ["0.1", "0.2"]}}])


def test_a_type_that_nobody_knows_yet_is_dropped_and_kept_like_all_others() -> None:
    item = {"Id": {"S": "1"}, "a": {"V": ["0.1", "0.2"]}}

    dropped = compile_plan({"unmapped": "drop"}, key_attributes=("Id",), secret=SECRET).apply([item])
    kept = compile_plan({"unmapped": "passthrough"}, key_attributes=("Id",), secret=SECRET).apply([item])

    assert dropped == [{"Id": {"S": "1"}}]
    assert kept == [item]


@given(tables())
def test_passthrough_is_identical_to_the_byte(items: list[dict[str, Any]]) -> None:
    source = orjson.dumps(items)
    for mapping in (
        {"unmapped": "passthrough"},
        {"unmapped": "fail", "mappings": {"*": "passthrough"}},
        {"unmapped": "passthrough", "mappings": {"**.no such attribute": "null", "a.*[*].c": "drop"}},
    ):
        plan = compile_plan(mapping, key_attributes=("Id",), secret=SECRET)
        assert orjson.dumps(plan.apply(orjson.loads(source))) == source
