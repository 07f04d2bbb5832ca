"""What every registered transformer says of itself: documented, made in one way, its example true."""

import re

from airflow_dynsync.engine import catalogue, compile_plan
from airflow_dynsync.engine.definitions import DROP, EXAMPLE_KEY, EXAMPLE_SECRET, Definition
from airflow_dynsync.engine.mapping import RuleOptions
from airflow_dynsync.engine.values import EVERY_TYPE, to_python, to_wire
from tests.unit.catalogue_helpers import EVERY, rule


@EVERY
def test_a_transformer_is_documented(definition: Definition) -> None:
    assert re.fullmatch(r"[A-Z][^\n]+[^.\s]", definition.summary)
    fields = definition.parameters.model_fields
    assert all(field.description and field.description.endswith(".") for field in fields.values())
    assert not fields.keys() & (RuleOptions.model_fields.keys() | {"transformer"})
    assert definition.parameters.model_json_schema()["additionalProperties"] is False


@EVERY
def test_a_transformer_is_made_in_one_way_and_speaks_of_known_types(definition: Definition) -> None:
    assert (definition.scalar is None) != (definition.column is None)
    assert definition.accepts
    assert definition.accepts | (definition.returns or set()) <= EVERY_TYPE


@EVERY
def test_an_example_is_reproduced(definition: Definition) -> None:
    plan = compile_plan({"mappings": {"Value": rule(definition)}}, key_attributes=("Id",), secret=EXAMPLE_SECRET)
    (item,) = plan.apply([{**EXAMPLE_KEY, "Value": to_wire(definition.example.value)}])
    assert (to_python(item["Value"]) if "Value" in item else DROP) == definition.example.result


@EVERY
def test_an_example_is_of_an_accepted_type_and_gives_a_declared_one(definition: Definition) -> None:
    (kind,) = to_wire(definition.example.value)
    assert kind in definition.accepts
    if definition.example.result is DROP:
        assert definition.returns == frozenset()
    else:
        (returned,) = to_wire(definition.example.result)
        assert returned in (definition.returns if definition.returns is not None else {kind})


def test_names_are_in_snake_case_and_few_do_not_say_whether_they_read_their_input() -> None:
    for name, definition in catalogue().items():
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", name)
        assert definition.name == name
        if name.startswith(("generate_", "transform_")):
            assert definition.reads_input is name.startswith("transform_")
