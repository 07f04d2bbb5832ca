"""Every parameter of every transformer: what it takes, and what it refuses with its path and what was expected."""

from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, catalogue, compile_plan
from airflow_dynsync.engine.definitions import EXAMPLE_SECRET, Definition
from tests.unit.catalogue_helpers import EVERY, parameter, refused, rule

PARAMETERS = [
    (definition, name) for definition in catalogue().values() for name in definition.parameters.model_fields
]

NOT_ORDERED = {
    "randomization_range_min": "it and randomization_range_max are distances, to either side of the value"
}

LIMITS = [
    (definition, lower, upper)
    for definition, lower in PARAMETERS
    for upper in (lower.replace("min", "max"), lower.replace("start", "end"))
    if upper != lower and upper in definition.parameters.model_fields and lower not in NOT_ORDERED
]
"""Two parameters that are the ends of one range, told by their names."""


def each(names: str, cases: list[Any]) -> pytest.MarkDecorator:
    assert cases
    return pytest.mark.parametrize(names, cases, ids=lambda part: getattr(part, "name", part))


def refusal(definition: Definition, **parameters: Any) -> MappingError | None:
    written = rule(definition, {**definition.example.parameters, **parameters})
    try:
        compile_plan({"mappings": {"Value": written}}, key_attributes=("Id",), secret=EXAMPLE_SECRET)
    except MappingError as error:
        return error
    return None


@each("definition, name", PARAMETERS)
def test_a_value_out_of_range_or_of_another_type_is_refused_at_its_path(definition: Definition, name: str) -> None:
    wanted = parameter(definition, name)
    wrong = list(refused(wanted))
    assert wrong or wanted.type is Any
    for steps, value in wrong:
        error = refusal(definition, **{name: value})
        assert error, f"{value!r} is taken"
        assert error.place == ".".join(map(str, ("mappings", "Value", name, *steps)))
        assert error.message.startswith("expected ")
        assert "instance" not in error.message


@each("definition, name", [case for case in PARAMETERS if parameter(*case).ends()])
def test_the_ends_of_a_range_and_all_choices_are_taken(definition: Definition, name: str) -> None:
    errors = [refusal(definition, **{name: end}) for end in parameter(definition, name).ends()]
    # With the example's other parameters an end may be a contradiction, which the rule as a whole has.
    assert {error.place for error in errors if error} <= {"mappings.Value"}


@each("definition, name", PARAMETERS)
def test_a_misspelt_name_is_refused_and_the_right_one_suggested(definition: Definition, name: str) -> None:
    error = refusal(definition, **{f"{name}x": 1})
    assert error
    assert error.place == f"mappings.Value.{name}x"
    assert f"unknown name (did you mean {name}?)" in error.message


@EVERY
def test_an_unknown_name_is_refused(definition: Definition) -> None:
    error = refusal(definition, surprise=1)
    assert error
    assert error.place == "mappings.Value.surprise"


@each("definition, name", [case for case in PARAMETERS if case[0].parameters.model_fields[case[1]].is_required()])
def test_a_parameter_without_a_default_is_required(definition: Definition, name: str) -> None:
    others = {key: value for key, value in definition.example.parameters.items() if key != name}
    with pytest.raises(MappingError, match="is required") as caught:
        compile_plan({"mappings": {"Value": rule(definition, others)}}, secret=EXAMPLE_SECRET)
    assert caught.value.place == f"mappings.Value.{name}"


@each("definition, lower, upper", LIMITS)
def test_of_two_ends_the_lower_is_not_above_the_upper(definition: Definition, lower: str, upper: str) -> None:
    assert refusal(definition, **{lower: 14, upper: 14}) is None
    error = refusal(definition, **{lower: 14, upper: 13})
    assert error
    assert error.place == "mappings.Value"
    assert lower in error.message
    assert upper in error.message
