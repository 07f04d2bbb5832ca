"""Which rule decides where several could (rules 1 and 2)."""

from typing import Any

import pytest
from hypothesis import Phase, event, given, settings

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.paths import Path, Wildcard, parse_path
from tests.unit.strategies import COLLIDING_ITEMS, COLLIDING_RULES, SECRET

S = {"S": "text"}


def constant(value: str) -> dict[str, Any]:
    return {"transformer": "constant", "value": value}


def apply(mappings: dict[str, Any], item: dict[str, Any], unmapped: Any = "passthrough") -> dict[str, Any]:
    plan = compile_plan({"mappings": mappings, "unmapped": unmapped}, key_attributes=("Id",), secret=SECRET)
    (result,) = plan.apply([{"Id": {"S": "1"}, **item}])
    assert result.pop("Id") == {"S": "1"}
    return result


@pytest.mark.parametrize(
    ("less", "more", "item", "result"),
    [
        ("*", "a", {"a": S}, {"a": {"S": "more"}}),
        ("a.*", "a.b", {"a": {"M": {"b": S}}}, {"a": {"M": {"b": {"S": "more"}}}}),
        ("*.b", "a.b", {"a": {"M": {"b": S}}}, {"a": {"M": {"b": {"S": "more"}}}}),
        ("a[*]", "a[0]", {"a": {"L": [S, S]}}, {"a": {"L": [{"S": "more"}, {"S": "less"}]}}),
        ("**.b", "a.b", {"a": {"M": {"b": S}}, "b": S}, {"a": {"M": {"b": {"S": "more"}}}, "b": {"S": "less"}}),
        ("**.b", "*.b", {"a": {"M": {"b": S}}, "b": S}, {"a": {"M": {"b": {"S": "more"}}}, "b": {"S": "less"}}),
        ("**.a.**.b", "**.a.b", {"a": {"M": {"b": S}}}, {"a": {"M": {"b": {"S": "more"}}}}),
    ],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_the_more_specific_path_decides_in_whatever_order_they_are_written(
    less: str, more: str, item: dict[str, Any], result: dict[str, Any], reverse: bool
) -> None:
    rules = [(less, constant("less")), (more, constant("more"))]
    assert apply(dict(reversed(rules) if reverse else rules), item) == result


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.*", "*.b"),
        ("a.*.c", "a.b.*"),
        ("a", '"a"'),
        ("a[07]", "a[7]"),
        ("a.**.c", "**.b.c"),
        ("**.x.*", "**.*.x"),
    ],
)
def test_equally_specific_rules_that_can_meet_are_an_error_that_names_both(first: str, second: str) -> None:
    with pytest.raises(MappingError) as caught:
        compile_plan({"mappings": {first: "passthrough", second: "passthrough"}})
    assert caught.value.place == f"mappings.{second}"
    assert f"as specific as mappings.{first} " in caught.value.message
    assert "remove one or name the attribute in full" in caught.value.message


@pytest.mark.parametrize(
    "mappings",
    [
        {"a.*": "null", "b.*": "null"},
        {"a.*": "null", "a[*]": "null"},
        {"a[0]": "null", "a[1]": "null"},
        {"a.*": "null", "*.b": "null", "a.b": "null"},
    ],
)
def test_equally_specific_rules_that_cannot_meet_are_none(mappings: dict[str, Any]) -> None:
    compile_plan({"mappings": mappings})


def test_a_mapped_path_covers_its_subtree_before_the_defaults() -> None:
    item = {"a": {"M": {"b": S, "c": {"L": [S, {"SS": ["x"]}]}}}, "d": S}
    assert apply({"a": "passthrough"}, item, {"S": constant("default")}) == {**item, "d": {"S": "default"}}
    assert apply({"a": "drop"}, item, "passthrough") == {"d": S}


def test_a_shield_lets_more_specific_rules_act_inside() -> None:
    item = {"a": {"M": {"b": S, "c": {"M": {"d": S, "e": S}}}}}
    rules = {"a": "passthrough", "a.c.d": constant("inner")}
    assert apply(rules, item, "drop") == {"a": {"M": {"b": S, "c": {"M": {"d": {"S": "inner"}, "e": S}}}}}


def test_a_rule_less_specific_than_what_covers_it_does_not_act_inside() -> None:
    item = {"a": {"M": {"ssn": S}}, "ssn": S}
    rules = {"a": "passthrough", "**.ssn": constant("hidden")}
    assert apply(rules, item) == {"a": {"M": {"ssn": S}}, "ssn": {"S": "hidden"}}


def test_a_rule_as_specific_as_what_covers_it_acts_inside() -> None:
    item = {"a": {"M": {"b": S, "c": S}}}
    assert apply({"a": "passthrough", "*.b": constant("inner")}, item) == {
        "a": {"M": {"b": {"S": "inner"}, "c": S}}
    }
    assert apply({"a.*": "drop", "a.*.*": "passthrough"}, {"a": {"M": {"b": S, "c": {"M": {"d": S}}}}}) == {
        "a": {"M": {"c": {"M": {"d": S}}}}
    }


def test_a_drop_keeps_what_a_rule_inside_keeps_and_no_empty_shells() -> None:
    item = {"a": {"M": {"b": {"M": {"c": S, "d": S}}, "e": {"M": {"f": S}}, "g": {"L": [S]}, "h": {"M": {}}}}}
    assert apply({"a": "drop", "a.b.c": "passthrough"}, item) == {"a": {"M": {"b": {"M": {"c": S}}}}}
    assert apply({"a": "drop", "a.x": "passthrough"}, item) == {}


def test_a_drop_inside_a_list_closes_the_gaps() -> None:
    elements = [{"M": {"keep": S, "go": S}}, {"M": {"go": S}}, S, {"M": {"keep": S}}]
    assert apply({"a": "drop", "a[*].keep": "passthrough"}, {"a": {"L": elements}}) == {
        "a": {"L": [{"M": {"keep": S}}, {"M": {"keep": S}}]}
    }
    assert apply({"a[0]": "drop", "a[2]": constant("new")}, {"a": {"L": [S, S, S]}}) == {
        "a": {"L": [S, {"S": "new"}]}
    }
    assert apply({"a[*]": "drop"}, {"a": {"L": [S] * 5000}}) == {"a": {"L": []}}


def test_a_passthrough_below_a_drop_keeps_what_is_in_it() -> None:
    item = {"a": {"M": {"b": {"M": {"c": {"M": {}}, "d": {"L": []}}}, "e": S}}}
    assert apply({"a": "drop", "a.b": "passthrough"}, item, "drop") == {
        "a": {"M": {"b": {"M": {"c": {"M": {}}, "d": {"L": []}}}}}
    }


@pytest.mark.parametrize("inner", ["a.b", "a[*]", "a.*.c", "*.b", "a.**.b"])
def test_a_rule_inside_one_that_replaces_the_whole_value_is_an_error_that_names_both(inner: str) -> None:
    with pytest.raises(MappingError) as caught:
        compile_plan({"mappings": {"a": "generate_uuid", inner: "passthrough"}})
    assert caught.value.place == f"mappings.{inner}"
    assert "inside mappings.a, which generate_uuid replaces as a whole" in caught.value.message


def test_a_rule_at_any_depth_leaves_alone_what_another_replaces_as_a_whole() -> None:
    item = {"a": {"M": {"ssn": S, "x": {"M": {"ssn": S}}}}, "b": {"M": {"x": {"M": {"ssn": S}}}}}
    rules = {"a": constant("whole"), "**.x.ssn": constant("deep")}
    assert apply(rules, item) == {"a": {"S": "whole"}, "b": {"M": {"x": {"M": {"ssn": {"S": "deep"}}}}}}


@pytest.mark.parametrize(
    ("other", "dead"),
    [
        ("*", "**.*"),
        ("**.b", "**.**.b"),
        ("**.*", "**.**.*"),
    ],
)
def test_a_rule_that_never_takes_effect_is_an_error(other: str, dead: str) -> None:
    with pytest.raises(MappingError, match="never takes effect") as caught:
        compile_plan({"mappings": {other: "passthrough", dead: "passthrough"}})
    assert caught.value.place == f"mappings.{dead}"


# A second reading of the rules: by brute force, over single concrete paths, one at a time.

Place = tuple[str | int, ...]
Decider = tuple[tuple[int, int], int, Path]
"""A rule's rank, how far down the place is that it is written for, and its path."""
KEYS = ("other",)


def _matches(pattern: Path, place: Place) -> bool:
    if not pattern:
        return not place
    if pattern[0] is Wildcard.DEPTH:
        return any(_matches(pattern[1:], place[skipped:]) for skipped in range(len(place) + 1))
    if not place:
        return False
    step = place[0]
    fits = (
        isinstance(step, str)
        if pattern[0] is Wildcard.NAME
        else isinstance(step, int)
        if pattern[0] is Wildcard.INDEX
        else pattern[0] == step
    )
    return fits and _matches(pattern[1:], place[1:])


def _rank(pattern: Path) -> tuple[int, int]:
    return len([step for step in pattern if not isinstance(step, Wildcard)]), -list(pattern).count(Wildcard.DEPTH)


class Reference:
    def __init__(self, rules: dict[str, str]) -> None:
        self.rules = {parse_path(path, ""): (path, action) for path, action in rules.items()}

    def exact(self, place: Place) -> list[Decider]:
        return [(_rank(pattern), len(place), pattern) for pattern in self.rules if _matches(pattern, place)]

    def decider(self, place: Place) -> Decider | None:
        """The highest in rank of what matches a place or one around it, and of these the nearest."""
        found = [decider for length in range(1, len(place) + 1) for decider in self.exact(place[:length])]
        return max(found, key=lambda decider: decider[:2], default=None)

    def refused(self) -> str | None:
        effective = set()
        places: list[Place] = [(name,) for name in ("a", "b", "other")]
        while places:
            place = places.pop()
            best = self.decider(place)
            replaced = False
            if best is not None and best[1] == len(place):
                if [decider[:2] for decider in self.exact(place)].count(best[:2]) > 1:
                    return "tie"
                effective.add(best[2])
                replaced = self.rules[best[2]][1] == "replace"
                if replaced and Wildcard.DEPTH not in best[2] and self.any_inside(best, place):
                    return "inside"
            if not replaced and len(place) < 4:
                places += [(*place, step) for step in ("a", "b", "other", 0, 1, 2)]
        return None if len(effective) == len(self.rules) else "never"

    def any_inside(self, outer: Decider, place: Place) -> bool:
        return any(
            len(pattern) > len(place)
            and Wildcard.DEPTH not in pattern
            and _rank(pattern) >= outer[0]
            and _matches(pattern[: len(place)], place)
            for pattern in self.rules
        )

    def apply(self, value: dict[str, Any], place: Place) -> dict[str, Any] | None:
        if place in [(key,) for key in KEYS]:
            return value
        decider = self.decider(place)
        path, cover = ("", "default") if decider is None else self.rules[decider[2]]
        if cover == "replace":
            return value if value == {"NULL": True} else {"S": path}
        ((kind, payload),) = value.items()
        if kind not in ("M", "L") or not payload:
            if cover == "drop":
                return None
            plain = cover == "passthrough" or kind in ("M", "L", "NULL")
            return value if plain else {"S": "default"}
        if kind == "M":
            members = {name: self.apply(member, (*place, name)) for name, member in payload.items()}
            inside: Any = {name: member for name, member in members.items() if member is not None}
        else:
            elements = [self.apply(element, (*place, index)) for index, element in enumerate(payload)]
            inside = [element for element in elements if element is not None]
        return {kind: inside} if inside or cover != "drop" else None


@settings(max_examples=300, phases=set(Phase) - {Phase.explain})
@given(COLLIDING_RULES, COLLIDING_ITEMS)
def test_rules_decide_as_a_brute_force_reading_of_them_says(rules: dict[str, str], item: dict[str, Any]) -> None:
    reference = Reference(rules)
    mapping = {
        "mappings": {path: constant(path) if action == "replace" else action for path, action in rules.items()},
        "unmapped": dict.fromkeys(("S", "N", "BOOL", "B"), constant("default")),
    }
    refused = reference.refused()
    event(refused or "compiled")
    if refused:
        with pytest.raises(MappingError, match=r"as specific|inside|never takes effect"):
            compile_plan(mapping, key_attributes=KEYS)
        return
    expected = {name: reference.apply(value, (name,)) for name, value in item.items()}
    (result,) = compile_plan(mapping, key_attributes=KEYS).apply([item])
    assert result == {name: value for name, value in expected.items() if value is not None}
