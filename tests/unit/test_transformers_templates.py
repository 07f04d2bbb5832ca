"""transform_template."""

from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.compiler import RuleCompiler
from airflow_dynsync.engine.definitions import Uniqueness
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.values import NULL

SECRET = b"a secret of the tests"


def apply(*values: str, **parameters: Any) -> list[Any]:
    plan = compile_plan(
        {"mappings": {"A": {"transformer": "transform_template", **parameters}}},
        key_attributes=("Id",),
        secret=SECRET,
    )
    items = plan.apply([{"Id": {"N": str(number)}, "A": {"S": value}} for number, value in enumerate(values)])
    return [item.get("A") and item["A"].get("S") for item in items]


def test_a_part_agrees_with_the_plain_attribute() -> None:
    plan = compile_plan(
        {
            "mappings": {
                "PK": {
                    "transformer": "transform_template",
                    "template": "CUSTOMER#{email}",
                    "parts": {"email": {"transformer": "transform_email", "preserve_domain": True}},
                },
                "Email": {"transformer": "transform_email", "preserve_domain": True},
            }
        },
        key_attributes=("PK",),
        secret=SECRET,
    )
    (item,) = plan.apply([{"PK": {"S": "CUSTOMER#mary@acme.com"}, "Email": {"S": "mary@acme.com"}}])
    assert item["PK"]["S"] == f"CUSTOMER#{item['Email']['S']}"
    assert item["Email"]["S"].endswith("@acme.com")


def test_several_parts_are_transformed_each_by_its_own() -> None:
    parts = {"id": "transform_hash", "day": "passthrough"}
    (result,) = apply("ORDER#4711#2024-01-31", template="ORDER#{id}#{day}", parts=parts)
    order, hashed, day = result.split("#")
    assert (order, len(hashed), day) == ("ORDER", 32, "2024-01-31")


def test_a_part_goes_up_to_the_first_separator_and_the_last_takes_the_rest() -> None:
    parts = {"first": "passthrough", "rest": {"transformer": "constant", "value": "x"}}
    assert apply("a#b#c\nd", template="{first}#{rest}", parts=parts) == ["a#x"]


def test_the_first_form_that_fits_is_used() -> None:
    template = ["PROFILE", "ORDER#{id}", "{other}"]
    parts = {"id": {"transformer": "constant", "value": "1"}, "other": {"transformer": "constant", "value": "2"}}
    assert apply("PROFILE", "ORDER#4711", "x#y", template=template, parts=parts) == ["PROFILE", "ORDER#1", "2"]


def test_doubled_braces_and_the_signs_of_regular_expressions_are_text() -> None:
    parts = {"id": {"transformer": "constant", "value": "1"}}
    assert apply("{a}.*7+", template="{{a}}.*{id}+", parts=parts) == ["{a}.*1+"]


def test_an_empty_part_stays() -> None:
    assert apply("ORDER##x", template="ORDER#{id}#{x}", parts={"id": "transform_hash", "x": "passthrough"}) == [
        "ORDER##x"
    ]


def test_a_number_is_written_into_its_place() -> None:
    parts = {"n": {"transformer": "generate_int64", "min": 7, "max": 7}}
    assert apply("N#1", template="N#{n}", parts=parts) == ["N#7"]


def test_equal_generators_draw_different_parts() -> None:
    (result,) = apply("a b", template="{x} {y}", parts={"x": "generate_uuid", "y": "generate_uuid"})
    one, other = result.split(" ")
    assert one != other


@pytest.mark.parametrize(("transformer", "expected"), [("null", {"A": NULL}), ("drop", {})])
def test_the_whole_goes_the_way_of_a_part_that_goes(transformer: str, expected: Any) -> None:
    rule = {"transformer": "transform_template", "template": "N#{n}", "parts": {"n": transformer}}
    plan = compile_plan({"mappings": {"A": rule}}, secret=SECRET)
    assert plan.apply([{"A": {"S": "N#1"}}]) == [expected]


def test_a_value_of_another_form_is_an_error_that_names_the_form_and_not_the_value() -> None:
    with pytest.raises(TransformError) as error:
        apply("CUSTOMER#1", "secret-value", template=["CUSTOMER#{id}", "X"], parts={"id": "transform_hash"})
    assert str(error.value) == (
        "mappings.A: a string of the form CUSTOMER#{id} or X was expected,"
        " or set on_type_mismatch (passthrough, null, drop)"
    )
    assert error.value.row == 1


def test_a_part_that_its_transformer_cannot_take_is_an_error_with_its_place() -> None:
    with pytest.raises(TransformError) as error:
        apply("C#a@b.c", "C#nobody", template="C#{email}", parts={"email": "transform_email"})
    assert error.value.place == "mappings.A.parts.email"
    assert error.value.row == 1
    assert "nobody" not in str(error.value)


def test_a_part_that_becomes_what_has_no_text_is_an_error() -> None:
    with pytest.raises(TransformError, match=r"the part \{x\} became a map"):
        apply("x", template="{x}", parts={"x": {"transformer": "constant", "value": {}}})


def test_a_new_part_with_the_separator_in_it_is_an_error() -> None:
    parts = {"a": {"transformer": "constant", "value": "1#2"}, "b": "passthrough"}
    with pytest.raises(TransformError, match="could not be taken apart") as error:
        apply("a#b", template="{a}#{b}", parts=parts)
    assert "1#2" not in str(error.value)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"a": "transform_hash", "b": "passthrough"}, Uniqueness.PRESERVED),
        ({"a": "transform_hash", "b": "transform_email"}, Uniqueness.NOT_GUARANTEED),
        ({"a": "transform_hash", "b": "generate_bool"}, Uniqueness.LOSSY),
        ({"a": "transform_hash", "b": {"transformer": "transform_hash", "length": 8}}, Uniqueness.LOSSY),
        ({"a": "transform_hash", "b": {"transformer": "transform_hash", "realm": "x"}}, Uniqueness.PRESERVED),
        ({"a": "transform_hash", "b": "short"}, Uniqueness.LOSSY),
        ({"a": "transform_hash", "b": {"transformer": "short", "length": 32}}, Uniqueness.PRESERVED),
        ({"a": "transform_hash", "b": "inner"}, Uniqueness.NOT_GUARANTEED),
    ],
)
def test_the_whole_is_as_unique_as_its_weakest_part(parts: Any, expected: Uniqueness) -> None:
    rule = {"transformer": "transform_template", "template": "{a}#{b}", "parts": parts}
    presets = {
        "short": {"transformer": "transform_hash", "length": 8},
        "inner": {"transformer": "transform_template", "template": "<{c}", "parts": {"c": "transform_email"}},
    }
    assert RuleCompiler(Secret(SECRET), presets).uniqueness(rule, "mappings.A") is expected


def test_a_key_is_mapped_by_a_template_of_presets_that_keep_keys_apart() -> None:
    rule = {"transformer": "transform_template", "template": "CUSTOMER#{id}", "parts": {"id": "pseudonym"}}
    mapping: dict[str, Any] = {
        "mappings": {"Id": rule},
        "presets": {"pseudonym": {"transformer": "transform_hash"}},
    }
    plan = compile_plan(mapping, key_attributes=("Id",), secret=SECRET)
    assert [rule.uniqueness for rule in plan.key_rules] == [Uniqueness.PRESERVED]
    with pytest.raises(MappingError, match="items would overwrite each other"):
        compile_plan(
            mapping | {"presets": {"pseudonym": {"transformer": "transform_mask"}}}, key_attributes=("Id",)
        )


@pytest.mark.parametrize(
    ("template", "parts", "place", "message"),
    [
        ("C#{a}", {}, "mappings.A", "parts lacks a"),
        ("C#{a}", {"a": "passthrough", "b": "passthrough"}, "mappings.A", "parts has b"),
        ("C#{a", {}, "mappings.A.template", "for a brace"),
        ("C#{}", {}, "mappings.A.template", "nothing but a name"),
        ("C#{a!r}", {"a": "passthrough"}, "mappings.A.template", "nothing but a name"),
        ("C#{a:>5}", {"a": "passthrough"}, "mappings.A.template", "nothing but a name"),
        ("{a}{b}", {"a": "passthrough", "b": "passthrough"}, "mappings.A.template", "put a separator"),
        ("{a}#{a}", {"a": "passthrough"}, "mappings.A.template", "occurs twice"),
        ([], {}, "mappings.A.template", "at least 1"),
        (7, {}, "mappings.A.template", "list"),
        ("C#{a}", {"a": "transform_emial"}, "mappings.A.parts.a", "did you mean transform_email"),
        ("C#{a}", {"a": 1}, "mappings.A.parts.a", "a transformer's name"),
        ("C#{a}", {"a": {"transformer": "transform_hash", "length": 0}}, "mappings.A.parts.a.length", "than or"),
        ("C#{a}", {"a": "transform_int64"}, "mappings.A.parts.a", "does not take S"),
    ],
)
def test_a_wrong_template_is_an_error_when_compiled(template: Any, parts: Any, place: str, message: str) -> None:
    with pytest.raises(MappingError, match=message) as error:
        apply("x", template=template, parts=parts)
    assert error.value.place == place
