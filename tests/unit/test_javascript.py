"""JavaScript: what scripts see of a value and its item, and what becomes of what they return."""

import subprocess
import sys
from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_dynsync.engine import TransformError, compile_plan
from airflow_dynsync.engine.values import number_text, to_wire
from tests.unit.javascript_helpers import SECRET, run, run_item, script_plan

B = {"B": b64encode(bytes(range(256))).decode()}
NUMBERS = [
    *("0", "-0", "1", "-1", "0.1", "1.50", "9007199254740993", "12345678901234567890", "0.00001", "-0.0000001"),
    *("1700000000.123456", "1700000000.123461", "9" * 38, "0." + "1" * 38, "1" + "0" * 100, "1E+100", "1e-130"),
    *("9.9999999999999999999999999999999999999E+125", "-1E-130", "100000000000000000000000.5", "1234567890123456"),
]
VALUES = [
    *({"N": text} for text in NUMBERS),
    *({"S": text} for text in ("", "Ada", "日本", "😀", "\0\u2028", "x" * 100_000, '"\\')),
    B,
    {"B": ""},
    {"BOOL": True},
    {"BOOL": False},
    {"SS": ["b", "a"]},
    {"NS": ["1", "0.5", "9" * 38]},
    {"BS": ["AA==", "AQ=="]},
    {"L": []},
    {"M": {}},
    {"L": [{"NULL": True}, {"L": [{"M": {"a": B}}]}, {"SS": ["x"]}]},
    {"M": {name: {"S": name} for name in ("__proto__", "constructor", "toString", "1", "a.b", "S")}},
    {"M": {"deep": {"M": {"tags": {"SS": ["x", "y"]}, "nothing": {"NULL": True}}}}},
]


def exact(value: Any) -> Any:
    """Return a wire value with its numbers as Decimals, which compare by what they are worth."""
    ((kind, payload),) = value.items()
    if kind == "N":
        return {"N": Decimal(payload)}
    if kind == "NS":
        return {"NS": sorted(map(Decimal, payload))}
    if kind in ("SS", "BS"):
        return {kind: sorted(payload)}
    if kind == "M":
        return {"M": {name: exact(member) for name, member in payload.items()}}
    return {"L": [exact(element) for element in payload]} if kind == "L" else value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value)[:40])
def test_a_value_that_is_returned_comes_back_exactly(value: dict[str, Any]) -> None:
    assert exact(run("return value", value)) == exact(value)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value)[:40])
def test_a_value_inside_a_new_object_is_exact_too(value: dict[str, Any]) -> None:
    assert exact(run("return {inside: [value]}", value)) == exact({"M": {"inside": {"L": [value]}}})


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value)[:40])
def test_an_item_is_seen_as_exactly_as_a_value(value: dict[str, Any]) -> None:
    assert exact(run_item("return input.Sibling", {"Value": {"S": "x"}, "Sibling": value})["Value"]) == exact(
        value
    )
    whole = run_item("const all = input; return all['Sibling']", {"Value": {"S": "x"}, "Sibling": value})
    assert exact(whole["Value"]) == exact(value)


numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30).filter(
    lambda number: len(number.as_tuple().digits) <= 38 and (not number or number.adjusted() >= -130)
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.one_of(st.none(), st.booleans(), texts, numbers, st.binary())
wire_values = st.recursive(
    scalars | st.sets(texts, min_size=1) | st.sets(numbers, min_size=1) | st.sets(st.binary(), min_size=1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts.filter(bool), inner, max_size=4),
    max_leaves=20,
).map(to_wire)


@given(values=st.lists(wire_values.filter(lambda value: "NULL" not in value), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_chunk_goes_through_a_script_unharmed(values: list[dict[str, Any]]) -> None:
    items = [{"Id": {"N": str(number)}, "Value": value} for number, value in enumerate(values)]
    for code in ("return value", "return input['Value']", "const {Value} = input; return Value"):
        results = script_plan(code).apply(items)
        assert [exact(result["Value"]) for result in results] == [exact(value) for value in values]


@given(number=st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=200, deadline=None)
def test_a_number_computed_by_a_script_becomes_its_shortest_exact_text(number: float) -> None:
    if number and not -130 <= Decimal(repr(number)).adjusted() <= 125:
        with pytest.raises(TransformError, match="out of DynamoDB's range"):
            run("return Number(value)", {"S": repr(number)})
    else:
        assert run("return Number(value)", {"S": repr(number)}) == {"N": number_text(Decimal(repr(number)))}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("32", "number"),
        ("0.1", "number"),
        ("1E+100", "number"),
        ("9007199254740993", "bigint"),
        ("9" * 38, "bigint"),
        ("0.12345678901234567890", "object"),
    ],
)
def test_a_number_arrives_as_a_number_where_that_is_exact(text: str, seen: str) -> None:
    assert run("return typeof value", {"N": text}) == {"S": seen}


def test_a_decimal_converts_to_text_exactly_and_to_a_number_nearly() -> None:
    text = "1234567890.12345678901234567890"
    assert run("return `${value}`", {"N": text}) == {"S": "1234567890.1234567890123456789"}
    assert run("return value + 1", {"N": text}) == {"N": "1234567891.1234567"}
    assert run("return new Decimal(`${value}1`)", {"N": text}) == {"N": "1234567890.12345678901234567891"}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("undefined", {"NULL": True}),
        ("null", {"NULL": True}),
        ("true", {"BOOL": True}),
        ("-0", {"N": "0"}),
        ("1e21", {"N": "1" + "0" * 21}),
        ("1e-7", {"N": "0.0000001"}),
        ("2n ** 100n", {"N": str(2**100)}),
        ("new Uint8Array([0, 255])", {"B": "AP8="}),
        ("new Uint16Array([1])", {"B": "AQA="}),
        ("new Uint8Array([1]).buffer", {"B": "AQ=="}),
        ("[1, 'a', undefined]", {"L": [{"N": "1"}, {"S": "a"}, {"NULL": True}]}),
        ("({a: 1, b: undefined})", {"M": {"a": {"N": "1"}}}),
        ("new Map([['a', 1]])", {"M": {"a": {"N": "1"}}}),
        ("new Set(['a', 'b', 'a'])", {"SS": ["a", "b"]}),
        ("new Set([1, 1n])", {"NS": ["1"]}),
        ("new Date(0)", {"S": "1970-01-01T00:00:00.000Z"}),
    ],
)
def test_what_a_script_returns_becomes_the_type_that_dynamodb_has_for_it(expression: str, result: Any) -> None:
    assert run(f"return {expression}", {"S": "x"}) == result


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("NaN", "NaN is not a number that DynamoDB has"),
        ("-Infinity", "-Infinity is not a number"),
        ("10n ** 38n + 1n", "39 significant digits"),
        ("1e126", "out of DynamoDB's range"),
        ("() => 1", "a function cannot be stored"),
        ("Symbol('x')", "a symbol cannot be stored"),
        ("new Date(NaN)", "an invalid Date"),
        ("new Set()", "an empty Set has no type"),
        ("new Set([true])", "a set holds strings, numbers or binaries"),
        ("new Set([1, 'a'])", "a number set stays one"),
        ("/x/", "an object of a class cannot be stored"),
        ("(async () => 1)()", "a Promise cannot be stored"),
        ("'\\ud800'", "half of a surrogate pair"),
        ("({'\\udfff': 1})", "half of a surrogate pair"),
        ("({'': 1})", "an attribute's name is empty"),
        ("(() => { const a = []; a.push(a); return a })()", "nests 32 levels deep"),
        ("new Decimal('twelve')", "a decimal was expected"),
    ],
)
def test_what_dynamodb_cannot_store_is_an_error_that_says_so(expression: str, said: str) -> None:
    with pytest.raises(TransformError, match=said) as caught:
        run(f"return {expression}", {"S": "x"})
    assert caught.value.place == "mappings.Value"
    assert caught.value.row == 0


@pytest.mark.parametrize(
    ("value", "code", "result"),
    [
        ({"SS": ["a", "b"]}, "return value.map(x => x + '!')", {"SS": ["a!", "b!"]}),
        ({"SS": ["a", "b"]}, "return value.map(x => 'same')", {"SS": ["same"]}),
        ({"NS": ["1", "2"]}, "return value.map(x => x * 2)", {"NS": ["2", "4"]}),
        ({"BS": ["AA==", "AQ=="]}, "return value.map(x => new Uint8Array(2))", {"BS": ["AAA="]}),
        ({"SS": ["a", "b"]}, "return new Set(value)", {"SS": ["a", "b"]}),
        ({"SS": ["a"]}, "return value.join()", {"S": "a"}),
        ({"SS": ["a"]}, "return {tags: value}", {"M": {"tags": {"SS": ["a"]}}}),
        (
            {"M": {"t": {"NS": ["1"]}}},
            "value.t = value.t.map(x => 2); return value",
            {"M": {"t": {"NS": ["2"]}}},
        ),
        ({"L": [{"SS": ["a"]}]}, "return value.map(set => [...set, 'b'])", {"L": [{"SS": ["a", "b"]}]}),
        ({"L": [{"S": "a"}]}, "return value.map(x => [x])", {"L": [{"L": [{"S": "a"}]}]}),
    ],
)
def test_a_set_arrives_as_an_array_and_goes_back_as_the_set_it_was(value: Any, code: str, result: Any) -> None:
    assert run(code, value) == result


def test_a_set_whose_elements_change_their_type_is_an_error() -> None:
    with pytest.raises(TransformError, match="a string set stays one"):
        run("return value.map(x => 1)", {"SS": ["a"]})


def test_siblings_are_seen_as_they_were_in_the_source() -> None:
    plan = compile_plan(
        {"mappings": {"A": "null", "B": {"transformer": "transform_javascript", "code": "return input.A"}}},
        key_attributes=("Id",),
        secret=SECRET,
    )
    (item,) = plan.apply([{"Id": {"S": "1"}, "A": {"S": "source"}, "B": {"S": "x"}}])
    assert item["B"] == {"S": "source"}


@pytest.mark.parametrize(
    "code",
    [
        "return input.Other",
        "return input?.Other",
        "return input['Other']",
        "const {Other} = input; return Other",
        "const {Value, Other : other,} = input\nreturn other",
        "let {length} = input.Other, {Other} = input; return length ? Other : length",
        "const {a = input.Other} = input; return a",
        "const {at} = input\n['Other']; return at.call('x sibling', 0) && input.Other",
        "const {length} = input // the item\n.Other; return length && input.Other",
        "let all, {Value} = all = input; return all.Other",
        "const {toString} = input; return toString && input.Other",
        "return Object.values(input).at(-1)",
        "return JSON.parse(JSON.stringify(input)).Other",
        "const all = arguments[1]; return all.Other",
        "return input.hasOwnProperty('Other') ? input.Other : 'none'",
        "return 'Other' in input && input.Other",
        "return in\\u0070ut.Other",
    ],
)
def test_the_item_is_there_however_a_script_reaches_for_it(code: str) -> None:
    item = {"Value": {"S": "x"}, "Other": {"S": "sibling"}}
    assert run_item(code, item)["Value"] == {"S": "sibling"}


def test_a_value_sees_the_item_unharmed_by_another_value_of_the_same_item() -> None:
    rule = {"transformer": "transform_javascript", "code": "input.Log.push(value); return input.Log.length"}
    plan = compile_plan({"mappings": {"L[*]": rule}, "unmapped": "passthrough"}, key_attributes=("Id",))
    (item,) = plan.apply([{"Id": {"S": "1"}, "L": {"L": [{"S": "a"}, {"S": "b"}]}, "Log": {"L": []}}])
    assert item["L"] == {"L": [{"N": "1"}, {"N": "1"}]}
    assert item["Log"] == {"L": []}


def test_a_generating_script_sees_neither_value_nor_item() -> None:
    code = "return [typeof value, typeof input, arguments.length].join()"
    assert run(code, {"S": "secret"}, "generate_javascript") == {"S": "undefined,undefined,0"}


def test_a_generating_script_creates_what_is_missing() -> None:
    item = run_item("return 7", {}, "generate_javascript", when_missing="generate")
    assert item["Value"] == {"N": "7"}


def test_scripts_on_keys_are_allowed() -> None:
    rule = {"transformer": "transform_javascript", "code": "return 'x' + value"}
    plan = compile_plan({"mappings": {"Id": rule}}, key_attributes=("Id",), secret=SECRET)
    assert plan.apply([{"Id": {"S": "1"}}]) == [{"Id": {"S": "x1"}}]


def test_empty_strings_and_null_reach_a_script_that_asks_for_them() -> None:
    assert run("return 'was empty'", {"S": ""}) == {"S": "was empty"}
    assert run("return 'was ' + value", {"NULL": True}, on_null="transform") == {"S": "was null"}
    assert run("return 'was ' + value", {"NULL": True}) == {"NULL": True}


def test_two_hundred_scripts_in_one_mapping_give_each_its_own_result() -> None:
    rules = {f"A{n}": {"transformer": "transform_javascript", "code": f"return value + {n}"} for n in range(200)}
    plan = compile_plan({"mappings": rules}, key_attributes=("Id",), secret=SECRET)
    items = [{"Id": {"N": str(row)}, **{f"A{n}": {"N": str(row)} for n in range(200)}} for row in range(3)]
    for row, item in enumerate(plan.apply(items)):
        assert [item[f"A{n}"] for n in range(200)] == [{"N": str(row + n)} for n in range(200)]


def test_a_mapping_without_scripts_starts_no_process_and_loads_no_v8() -> None:
    program = """
import sys
from airflow_dynsync.engine import compile_plan
plan = compile_plan({"mappings": {"a": "transform_string"}}, key_attributes=("Id",))
plan.apply([{"Id": {"S": "1"}, "a": {"S": "x"}}])
print([name for name in sys.modules if "racer" in name or "engine.javascript" in name])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
