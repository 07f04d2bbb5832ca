"""transform_regex_replace."""

from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.compiler import RuleCompiler
from airflow_dynsync.engine.definitions import Uniqueness
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.values import to_python

SECRET = b"a secret of the tests"


def apply(*values: str, **parameters: Any) -> list[Any]:
    plan = compile_plan(
        {"mappings": {"V": {"transformer": "transform_regex_replace", **parameters}, "Plain": "transform_email"}},
        key_attributes=("Id",),
        secret=SECRET,
    )
    items = [{"Id": {"N": str(number)}, "V": {"S": value}} for number, value in enumerate(values)]
    return [to_python(item["V"]) if "V" in item else "gone" for item in plan.apply(items)]


def test_every_match_is_replaced() -> None:
    assert apply("born 1987-03-14, died 2019-11-02", pattern=r"(\d{4})-\d\d-\d\d", replacement=r"\1") == [
        "born 1987, died 2019"
    ]
    assert apply("a1b22", pattern="[0-9]", replacement="") == ["ab"]


def test_a_group_goes_through_its_transformer_and_agrees_with_the_plain_attribute() -> None:
    pattern = r"mail:(?P<email>\S+)"
    groups = {"email": "transform_email"}
    (result,) = apply("to mail:mary@acme.com or mail:mary@acme.com now", pattern=pattern, groups=groups)
    plan = compile_plan({"mappings": {"Email": "transform_email"}}, secret=SECRET)
    (item,) = plan.apply([{"Email": {"S": "mary@acme.com"}}])
    email = item["Email"]["S"]
    assert result == f"to mail:{email} or mail:{email} now"


def test_groups_have_a_transformer_each() -> None:
    (result,) = apply(
        "Mary (4711)",
        pattern=r"(?P<name>\w+) \((?P<number>\d+)\)",
        groups={"name": {"transformer": "constant", "value": "N"}, "number": "passthrough"},
    )
    assert result == "N (4711)"


def test_generators_draw_anew_for_each_match() -> None:
    (result,) = apply(
        "x x", pattern="(?P<x>x)", groups={"x": {"transformer": "generate_string", "min": 30, "max": 30}}
    )
    one, other = result.split()
    assert one != other


@pytest.mark.parametrize("config", ["drop", "null"])
def test_a_group_that_is_removed_leaves_the_rest(config: str) -> None:
    assert apply("a-b", pattern="(?P<x>-)", groups={"x": config}) == ["ab"]


@pytest.mark.parametrize(("policy", "result"), [("passthrough", "abc"), ("null", None), ("drop", "gone")])
@pytest.mark.parametrize("what", [{"replacement": "x"}, {"groups": {"x": "transform_email"}}])
def test_a_value_without_a_match_is_treated_as_the_rule_says(
    policy: str, result: Any, what: dict[str, Any]
) -> None:
    assert apply("abc", pattern=r"(?P<x>\d)", no_match=policy, **what) == [result]


@pytest.mark.parametrize("what", [{"replacement": "x"}, {"groups": {"x": "transform_string"}}])
def test_a_value_without_a_match_is_an_error_by_default(what: dict[str, Any]) -> None:
    with pytest.raises(TransformError, match=r"mappings\.V: the pattern finds nothing") as caught:
        apply("1", "secret", pattern=r"(?P<x>\d)", **what)
    assert caught.value.row == 1
    assert "secret" not in str(caught.value)


def test_an_optional_group_that_took_no_part_is_no_match() -> None:
    with pytest.raises(TransformError, match="finds nothing"):
        apply("abc", pattern=r"abc(?P<x>\d)?", groups={"x": "transform_string"})


def test_groups_inside_each_other_are_an_error() -> None:
    with pytest.raises(TransformError, match="keep groups apart"):
        apply("12", pattern=r"(?P<x>1(?P<y>2))", groups={"x": "transform_string", "y": "transform_string"})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"pattern": "a"}, "either replacement or groups"),
        ({"pattern": "a", "replacement": "b", "groups": {"x": "null"}}, "either replacement or groups"),
        ({"pattern": "(", "replacement": "b"}, "regular expression"),
        ({"pattern": "a", "replacement": r"\1"}, "replacement of Python's re"),
        ({"pattern": "a", "replacement": r"\g<x>"}, "replacement of Python's re"),
        ({"pattern": "a", "groups": {"x": "null"}}, "does not name"),
        ({"pattern": "(?P<x>a)(?P<y>b)", "groups": {"x": "null"}}, "groups lacks y"),
        (
            {"pattern": "(?P<x>a)", "groups": {"x": "transform_int64"}},
            r"groups\.x: transform_int64 does not take S",
        ),
        ({"pattern": "(?P<x>a)", "groups": {"x": "transform_emil"}}, r"groups\.x: .*did you mean"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        apply("a", **parameters)


@pytest.mark.parametrize(
    ("parameters", "uniqueness"),
    [
        ({"replacement": "x"}, Uniqueness.LOSSY),
        ({"groups": {"x": "transform_fpe"}}, Uniqueness.NOT_GUARANTEED),
        ({"groups": {"x": "transform_fpe"}, "no_match": "null"}, Uniqueness.LOSSY),
        ({"groups": {"x": "transform_mask"}}, Uniqueness.LOSSY),
    ],
)
def test_its_class_is_no_better_than_that_of_its_groups(
    parameters: dict[str, Any], uniqueness: Uniqueness
) -> None:
    rule = {"transformer": "transform_regex_replace", "pattern": "(?P<x>a)", **parameters}
    assert RuleCompiler(Secret(SECRET), {}).uniqueness(rule, "mappings.A") is uniqueness
