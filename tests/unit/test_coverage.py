"""A plan tells which rule acts where in an item, and then does just that."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.paths import Wildcard, parse_path
from tests.unit.strategies import COLLIDING_ITEMS, COLLIDING_RULES, SECRET

MARK = {"S": "replaced"}
TEXT = {"S": "text"}


def leaves(value: dict[str, Any], place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Yield the values that hold no others, an empty list or map among them."""
    ((kind, payload),) = value.items()
    if kind == "M" and payload:
        for name, member in payload.items():
            yield from leaves(member, (*place, name))
    elif kind == "L" and payload:
        for index, element in enumerate(payload):
            yield from leaves(element, (*place, index))
    elif kind not in ("M", "L"):
        yield place, value


def told(place: tuple[Any, ...], value: dict[str, Any]) -> tuple[Any, ...]:
    return (*(Wildcard.INDEX if isinstance(step, int) else step for step in place), orjson.dumps(value))


@given(
    COLLIDING_RULES,
    COLLIDING_ITEMS,
    st.sampled_from(["drop", "passthrough", {"S": {"transformer": "constant", "value": "replaced"}}]),
)
def test_what_a_plan_tells_is_what_it_does(rules: dict[str, str], item: dict[str, Any], unmapped: Any) -> None:
    constant = {"transformer": "constant", "value": "replaced", "on_null": "transform"}
    mappings = {path: constant if action == "replace" else action for path, action in rules.items()}
    try:
        plan = compile_plan({"mappings": mappings, "unmapped": unmapped}, key_attributes=("Id",), secret=SECRET)
    except MappingError:
        return
    acting = plan.rules_in(item)
    expected = Counter(
        told(place, MARK) for rule, place, _ in acting if rule.definition.name == "constant"
    ) + Counter(
        told(place, value)
        for place, value in leaves({"M": item})
        if not any(place[: len(acted)] == acted for _, acted, _ in acting)
    )
    (result,) = plan.apply([item])
    assert Counter(told(place, value) for place, value in leaves({"M": result})) == expected
    for rule, place, value in acting:
        assert plan.rule_at(place, next(iter(value))) is rule
    for place, value in leaves({"M": item}):
        covered = any(place[: len(acted)] == acted for _, acted, _ in acting)
        assert (plan.rule_at(place, next(iter(value))) is not None) == covered


def test_a_wildcard_stands_for_what_no_rule_names() -> None:
    plan = compile_plan(
        {"mappings": {"Pets.Judith.Age": "null", "Pets.*.Name": "drop"}, "unmapped": "passthrough"}
    )

    def rule_at(path: str) -> str | None:
        rule = plan.rule_at(parse_path(path, "test"), "S")
        return rule and rule.place

    assert rule_at("Pets.*.Name") == rule_at("Pets.Judith.Name") == "mappings.Pets.*.Name"
    assert rule_at("Pets.Judith.Age") == "mappings.Pets.Judith.Age"
    assert rule_at("Pets.*.Age") is None


def test_a_list_that_a_rule_replaces_is_told_as_a_whole_and_rules_inside_it_by_their_place() -> None:
    item = {"all": {"L": [TEXT, TEXT]}, "each": {"L": [TEXT, TEXT]}}
    plan = compile_plan({"mappings": {"all": "null", "each[*]": "null"}, "unmapped": "passthrough"})
    assert [place for _, place, _ in plan.rules_in(item)] == [("all",), ("each", 0), ("each", 1)]
