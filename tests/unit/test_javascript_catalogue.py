"""The catalogue in JavaScript: every function gives what its Python transformer gives."""

import json
from typing import Any

import pytest

from airflow_dynsync.engine import TransformError, catalogue, compile_plan
from airflow_dynsync.engine.definitions import EXAMPLE_KEY, Definition
from airflow_dynsync.engine.javascript.functions import NEOSYNC_NAMES, camel_case, functions
from airflow_dynsync.engine.values import to_wire
from tests.unit.javascript_helpers import SECRET, run, script_plan

BEFORE = {"S": "before"}
EVERY = pytest.mark.parametrize("definition", catalogue().values(), ids=lambda definition: definition.name)


def of_rule(rule: Any, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what becomes of items whose Value has a rule."""
    mapping = {"mappings": {"Value": rule}, "unmapped": "passthrough"}
    return compile_plan(mapping, key_attributes=("Id",), secret=SECRET).apply(items)


def call(definition: Definition, **options: Any) -> str:
    """Return the JavaScript that calls a transformer with the parameters of its example."""
    written = {camel_case(name): value for name, value in definition.example.parameters.items()} | options
    arguments = ["value"] if definition.reads_input else []
    return f"neosync.{camel_case(definition.name)}({', '.join([*arguments, json.dumps(written)])})"


@EVERY
def test_a_function_gives_what_its_python_transformer_gives(definition: Definition) -> None:
    items = [{**EXAMPLE_KEY, "Value": to_wire(definition.example.value)}]
    python = {"transformer": definition.name, **definition.example.parameters}
    script = {"transformer": "transform_javascript", "code": f"return {call(definition)}"}
    assert of_rule(script, items) == of_rule(python, items)


@EVERY
def test_functions_of_a_whole_chunk_give_each_item_its_own_result(definition: Definition) -> None:
    items = [{"Id": {"N": str(row)}, "Value": to_wire(definition.example.value)} for row in range(5)]
    python = {"transformer": definition.name, **definition.example.parameters}
    script = {"transformer": "transform_javascript", "code": f"return {call(definition)}"}
    assert of_rule(script, items) == of_rule(python, items)


def test_every_transformer_has_a_function_and_every_known_name_of_neosync_too() -> None:
    assert {name for name, _ in functions().values()} == set(catalogue())
    assert {alias for alias, name in NEOSYNC_NAMES.items() if name in catalogue()} <= functions().keys()
    assert run("return Object.keys(neosync).length", {"S": "x"}) == {"N": str(len(functions()))}


def test_a_name_of_neosync_is_the_same_function() -> None:
    assert run("return neosync.generateUUID()", BEFORE) == run("return neosync.generateUuid()", BEFORE)
    assert run("return neosync.generateRandomString({max: 9})", BEFORE) == run(
        "return neosync.generateString({max: 9})", BEFORE
    )


def test_a_generating_script_draws_what_the_generator_draws() -> None:
    items = [{"Id": {"S": str(row)}, "Value": {"S": "x"}} for row in range(20)]
    script = {"transformer": "generate_javascript", "code": "return neosync.generateFirstName()"}
    assert of_rule(script, items) == of_rule("generate_first_name", items)


@pytest.mark.parametrize("kind", ["SS", "NS", "BS"])
def test_a_set_given_to_a_function_is_transformed_element_by_element(kind: str) -> None:
    value = {"SS": ["b", "a", "c"], "NS": ["3", "1"], "BS": ["AAAA", "AQID"]}[kind]
    name = {"SS": "transform_string", "NS": "transform_int64", "BS": "transform_binary"}[kind]
    items = [{**EXAMPLE_KEY, "Value": {kind: value}}]
    script = {"transformer": "transform_javascript", "code": f"return neosync.{camel_case(name)}(value)"}
    (by_script,) = of_rule(script, items)
    (by_rule,) = of_rule(name, items)
    assert sorted(by_script["Value"][kind]) == sorted(by_rule["Value"][kind])


def test_null_and_what_is_empty_stay_in_a_function_as_in_a_rule() -> None:
    code = "return [neosync.transformEmail(null), neosync.transformEmail(undefined), neosync.transformEmail('')]"
    assert run(code, {"S": "x"}) == {"L": [{"NULL": True}, {"NULL": True}, {"S": ""}]}


def test_calls_may_depend_on_each_other_and_on_the_value() -> None:
    code = """
      const first = neosync.transformFirstName(value);
      if (first === value) return "unchanged";
      const again = neosync.transformFirstName(first);
      return [first, again, neosync.transformFirstName(value) === first];
    """
    ada = run(code, {"S": "Ada"})
    (first,) = of_rule("transform_first_name", [{**EXAMPLE_KEY, "Value": {"S": "Ada"}}])
    (again,) = of_rule("transform_first_name", [first])
    assert ada == {"L": [first["Value"], again["Value"], {"BOOL": True}]}


def test_a_generator_called_again_draws_anew_but_first_as_in_python() -> None:
    items = [{"Id": {"S": str(row)}, "Value": {"S": "x"}} for row in range(50)]
    code = "return Array.from({length: 3}, () => neosync.generateUuid())"
    drawn = [item["Value"]["L"] for item in of_rule({"transformer": "transform_javascript", "code": code}, items)]
    assert len({uuid["S"] for uuids in drawn for uuid in uuids}) == 150
    assert [uuids[0] for uuids in drawn] == [item["Value"] for item in of_rule("generate_uuid", items)]


def test_a_seed_picks_another_stream_and_always_the_same() -> None:
    code = "return [0, 1, 1, 'a'].map(seed => neosync.transformString(value, {seed, preserveLength: true}))"
    zero, one, again, letter = run(code, {"S": "a long enough string"})["L"]
    assert one == again
    plain = run("return neosync.transformString(value, {preserveLength: true})", {"S": "a long enough string"})
    assert len({text["S"] for text in (zero, one, letter, plain)}) == 4


def test_options_left_undefined_or_null_are_as_if_not_given() -> None:
    assert run("return neosync.generateString({min: undefined, max: null})", BEFORE) == run(
        "return neosync.generateString()", BEFORE
    )


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("neosync.transformEmail(5)", "transformEmail takes a string .S., and was given a number .N."),
        ("neosync.transformEmail(value, {preservDomain: true})", "preservDomain: unknown name"),
        ("neosync.transformEmail(value, {preserveDomain: 'yes'})", "preserveDomain: expected a valid boolean"),
        ("neosync.generateString({min: 5, max: 1})", "neosync.generateString"),
        ("neosync.generateString('long')", "expected an object of options"),
    ],
)
def test_a_wrong_call_is_an_error_that_names_the_function_and_its_place(expression: str, said: str) -> None:
    with pytest.raises(TransformError, match=said) as caught:
        run(f"const text = 'x';\nreturn {expression}", BEFORE)
    assert caught.value.place == "mappings.Value"
    assert "line 2, column 16" in caught.value.message


@pytest.mark.parametrize(
    "call",
    [
        "transformString(value, {[value]: 1})",
        "transformJson('{}', {mappings: {[value]: 'nul'}})",
        "transformRegexReplace(value, {pattern: `(?P<${value.toLowerCase()}`, replacement: ''})",
        "transformPython(value, {callable: `${value}:x`})",
    ],
)
def test_options_made_of_a_value_are_refused_without_it(call: str) -> None:
    with pytest.raises(TransformError, match="does not take these options; write them out") as caught:
        run(f"return neosync.{call}", {"S": "Winterbottom-7"})
    assert "winterbottom" not in str(caught.value).lower()


def test_an_unknown_function_is_an_error_of_the_script() -> None:
    with pytest.raises(TransformError, match="TypeError at line 1, column 16"):
        run("return neosync.transformMail(value)", BEFORE)


@pytest.mark.parametrize(
    "code",
    [
        "try { return neosync.transformString(value) } catch { return 'swallowed' }",
        "try { neosync.transformString(value) } catch {} return neosync.transformString(value)",
        "try { return neosync.transformString(value) } finally { value = 'other' }",
        "for (let n = 0; n < 9; n++) try { return neosync.transformString(value) } catch {} return 'x'",
    ],
)
def test_a_script_cannot_swallow_the_end_of_a_run_that_waits(code: str) -> None:
    assert run(code, BEFORE) == run("return neosync.transformString(value)", BEFORE)


def test_an_error_of_a_function_can_be_caught() -> None:
    assert run("try { return neosync.transformEmail(5) } catch (error) { return 'caught' }", BEFORE) == {
        "S": "caught"
    }


def test_a_removed_attribute_is_what_drop_returns() -> None:
    assert run("return value === 'before' ? neosync.drop(value) : value", BEFORE) is None
    assert run("return value === 'before' ? neosync.drop(value) : value", {"S": "after"}) == {"S": "after"}


def test_chance_belongs_to_the_value_and_repeats_in_every_run() -> None:
    plan = script_plan("return [Math.random(), Math.random()]")
    items = [{"Id": {"S": str(row)}, "Value": {"S": str(row % 50)}} for row in range(100)]
    drawn = [item["Value"]["L"] for item in plan.apply(items)]
    assert drawn[:50] == drawn[50:]
    assert drawn == [item["Value"]["L"] for item in plan.apply(items)]
    numbers = [float(number["N"]) for pair in drawn[:50] for number in pair]
    assert len(set(numbers)) == 100
    assert all(0 <= number < 1 for number in numbers)
    assert 0.35 < sum(numbers) / 100 < 0.65


def test_chance_in_a_generating_script_belongs_to_the_item() -> None:
    plan = script_plan("return Math.random()", "generate_javascript")
    drawn = plan.apply([{"Id": {"S": str(row)}, "Value": {"S": "same"}} for row in range(50)])
    assert len({item["Value"]["N"] for item in drawn}) == 50


def test_chance_and_catalogue_mix_without_getting_in_each_others_way() -> None:
    code = "const a = Math.random(); const s = neosync.transformString(value); return [a === Math.random(), s]"
    different, text = run(code, BEFORE)["L"]
    assert different == {"BOOL": False}
    assert text == run("return neosync.transformString(value)", BEFORE)


def test_the_clock_stands_at_the_start_of_a_day_in_utc() -> None:
    code = """
      const now = new Date();
      return [now.getTime() === Date.now(), now.getHours(), now.getMinutes(), now.getTimezoneOffset(),
              new Date(2024, 0, 31, 12).toISOString(), Date().slice(16), typeof Temporal.Now, now instanceof Date,
              new Intl.DateTimeFormat("en").format() === new Intl.DateTimeFormat("en").format(now)]
    """
    values = [next(iter(element.values())) for element in run(code, BEFORE)["L"]]
    expected = [True, "0", "0", "0", "2024-01-31T12:00:00.000Z"]
    assert values == [*expected, "00:00:00 GMT+0000 (Coordinated Universal Time)", "undefined", True, True]


NEOSYNC_FUNCTIONS = [
    "transformCharacterScramble",
    "transformE164PhoneNumber",
    "transformEmail",
    "transformFirstName",
    "transformLastName",
    "transformFullName",
    "transformFloat64",
    "transformInt64",
    "transformInt64PhoneNumber",
    "transformPiiText",
    "transformString",
    "transformStringPhoneNumber",
    "transformUuid",
    "generateBool",
    "generateBusinessName",
    "generateCardNumber",
    "generateCategorical",
    "generateCity",
    "generateCountry",
    "generateEmail",
    "generateFirstName",
    "generateFloat64",
    "generateFullAddress",
    "generateFullName",
    "generateGender",
    "generateInt64",
    "generateInt64PhoneNumber",
    "generateInternationalPhoneNumber",
    "generateIpAddress",
    "generateLastName",
    "generateRandomString",
    "generateSHA256Hash",
    "generateSSN",
    "generateState",
    "generateStreetAddress",
    "generateStringPhoneNumber",
    "generateUnixTimestamp",
    "generateUsername",
    "generateUTCTimestamp",
    "generateUUID",
    "generateZipcode",
]


@pytest.mark.parametrize("function", NEOSYNC_FUNCTIONS)
def test_neosyncs_own_names_give_what_the_python_transformer_gives(function: str) -> None:
    definition = catalogue()[functions()[function][0]]
    items = [{"Id": {"S": "1"}, "Value": to_wire(definition.example.value)}]
    rule = {"transformer": definition.name, **definition.example.parameters}
    written = call(definition).replace(f"neosync.{camel_case(definition.name)}(", f"neosync.{function}(")
    script = {"transformer": "transform_javascript", "code": f"return {written}"}
    assert of_rule(script, items) == of_rule(rule, items)
