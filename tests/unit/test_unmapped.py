"""What becomes of attributes that no rule names (rule 7)."""

from typing import Any

import pytest
from hypothesis import given

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from tests.unit.strategies import SECRET, tables

S, N, BOOL, B, NULL = {"S": "text"}, {"N": "12.5"}, {"BOOL": True}, {"B": "AAECAwQFBgcICQ=="}, {"NULL": True}
LONG = "a text of more than twenty characters"


def apply(unmapped: Any, *items: dict[str, Any], mappings: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    plan = compile_plan({"mappings": mappings or {}, "unmapped": unmapped}, key_attributes=("Id",), secret=SECRET)
    return plan.apply(items)


def one(unmapped: Any, item: dict[str, Any], **mappings: Any) -> dict[str, Any]:
    (result,) = apply(unmapped, {"Id": {"S": "1"}, **item}, mappings=mappings)
    assert result.pop("Id") == {"S": "1"}
    return result


def same_shape(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether two values differ only in what their leaves say."""
    ((kind, was),) = before.items()
    if list(after) != [kind]:
        return False
    became = after[kind]
    match kind:
        case "M":
            return list(was) == list(became) and all(same_shape(was[name], became[name]) for name in was)
        case "L":
            return len(was) == len(became) and all(map(same_shape, was, became))
        case "SS" | "NS" | "BS":
            return 0 < len(became) <= len(was) and {len(text) for text in became} <= {len(text) for text in was}
        case "NULL":
            return became is True
        case "BOOL":
            return isinstance(became, bool)
        case "S" | "B":
            return len(was) == len(became)
    return [char if char in "-." else "digit" for char in was] == [
        char if char in "-." else "digit" for char in became
    ]


def leaves(value: dict[str, Any]) -> set[tuple[str, Any]]:
    ((kind, payload),) = value.items()
    if kind in ("M", "L"):
        inside = payload.values() if kind == "M" else payload
        return {leaf for each in inside for leaf in leaves(each)}
    return {(kind[0], text) for text in payload} if isinstance(payload, list) else {(kind, payload)}


@given(tables())
def test_anonymize_keeps_the_shape_and_no_leaf_that_says_much(items: list[dict[str, Any]]) -> None:
    for before, after in zip(items, apply("anonymize", *items), strict=True):
        assert before.pop("Id") == after.pop("Id")
        assert same_shape({"M": before}, {"M": after})
        survivors = leaves({"M": before}) & leaves({"M": after})
        assert not [text for kind, text in survivors if kind in "SNB" and len(str(text)) >= 20]


def test_anonymize_replaces_strings_numbers_booleans_and_binaries_wherever_they_are() -> None:
    inner = {"s": {"S": LONG}, "n": {"N": "12345678901234567890"}, "b": {"B": "AAECAwQFBgcICQoLDA0ODw=="}}
    sets = {"SS": [LONG]}, {"NS": ["12345678901234567890"]}, {"BS": ["AAECAwQFBgcICQoLDA0ODw=="]}
    item = {**inner, "m": {"M": inner}, "l": {"L": [*sets, {"M": {"deep": {"L": [{"M": inner}]}}}]}}
    result = one("anonymize", item)
    assert same_shape({"M": item}, {"M": result})
    assert not leaves({"M": item}) & leaves({"M": result})
    flags = {f"f{number}": BOOL for number in range(64)}
    assert {value["BOOL"] for value in one("anonymize", flags).values()} == {True, False}


def test_anonymize_replaces_a_nested_attribute_that_has_a_key_attributes_name() -> None:
    item = {"a": {"M": {"Id": {"S": LONG}, "b": {"L": [{"M": {"Id": {"S": LONG}}}]}}}}
    for mappings in ({}, {"**.x": "null"}, {"*.y": "null"}):
        result = one("anonymize", item, **mappings)
        assert not leaves({"M": item}) & leaves({"M": result})


def test_anonymize_is_the_policy_if_none_is_given() -> None:
    (result,) = compile_plan({}, secret=SECRET).apply([{"a": {"S": LONG}}])
    assert result == {"a": one("anonymize", {"a": {"S": LONG}})["a"]}
    assert result != {"a": {"S": LONG}}


def test_defaults_never_touch_what_is_mapped() -> None:
    item = {"a": {"M": {"b": S, "c": {"L": [S]}}}, "d": S}
    result = one("anonymize", item, a="passthrough")
    assert result["a"] == item["a"]
    assert result["d"] != S
    listed = one("anonymize", {"a": {"L": [S, S]}}, a={"transformer": "constant", "value": ["x"]})
    assert listed == {"a": {"L": [{"S": "x"}]}}


def test_passthrough_changes_nothing() -> None:
    item = {"a": S, "b": {"M": {"c": N}}, "d": {"SS": ["x"]}}
    assert one("passthrough", item) == item


def test_drop_removes_what_is_unmapped_also_inside_and_leaves_no_empty_shells() -> None:
    item = {
        "a": {"M": {"b": S, "c": N, "d": {"M": {"e": S}}}},
        "f": {"L": [S, {"M": {"g": S, "h": S}}, {"M": {"h": S}}]},
        "i": S,
        "j": {"M": {"k": {"L": [NULL]}}},
        "l": {"M": {}},
        "m": {"L": []},
    }
    kept = {"a.b": "passthrough", "f[*].g": "passthrough"}
    assert one("drop", item, **kept) == {"a": {"M": {"b": S}}, "f": {"L": [{"M": {"g": S}}]}}
    assert one("drop", item) == {}
    assert one("drop", item, **{"*": "passthrough"}) == item


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({"a": S}, "a"),
        ({"a": NULL}, "a"),
        ({"a": {"M": {"b": {"M": {"c": S}}}}}, "a.b.c"),
        ({"a": {"L": [{"M": {"b": S}}]}}, "a[0].b"),
        ({"a": {"M": {}}}, "a"),
        ({"a": {"L": []}}, "a"),
        ({"a.b": S}, '"a.b"'),
        ({"a": {"M": {"Id": S}}}, "a.Id"),
    ],
)
def test_fail_stops_at_an_unmapped_attribute_and_names_its_path(item: dict[str, Any], path: str) -> None:
    with pytest.raises(TransformError) as caught:
        apply("fail", {"Id": {"S": "1"}}, {"Id": {"S": "2"}, **item}, mappings={"ok": "passthrough"})
    assert caught.value.place == "unmapped"
    assert caught.value.row == 1
    assert f"no rule covers {path}," in caught.value.message
    assert "map it or choose another policy" in caught.value.message


@pytest.mark.parametrize("empty", [{"L": []}, {"M": {}}])
def test_fail_passes_an_empty_list_or_map_whose_inside_is_mapped(empty: dict[str, Any]) -> None:
    rule = "orders[*].card" if "L" in empty else "orders.*.card"
    plan = compile_plan({"mappings": {rule: "transform_string"}, "unmapped": "fail"}, key_attributes=("Id",))
    item = {"Id": {"S": "1"}, "orders": empty}
    assert plan.apply([item]) == [item]
    with pytest.raises(TransformError, match="no rule covers other"):
        plan.apply([{**item, "other": empty}])


def test_fail_passes_what_is_mapped_or_a_key() -> None:
    item = {"a": {"M": {"b": S, "c": {"L": [N]}}}, "d": {"M": {"e": S}}}
    assert one("fail", item, a="passthrough", **{"d.e": "passthrough"}) == item


def test_neosync_replaces_strings_and_booleans_as_neosyncs_defaults_do() -> None:
    item = {"s": {"S": LONG}, "n": N, "b": B, "null": NULL, "ns": {"NS": ["1"]}, "l": {"L": [{"S": LONG}, N]}}
    result = one("neosync", item)
    assert 1 <= len(result.pop("s")["S"]) <= 100
    assert result.pop("l")["L"][0] != {"S": LONG}
    assert result == {name: value for name, value in item.items() if name not in ("s", "l")}


def test_a_rule_by_type_acts_on_that_type_and_its_sets_and_others_pass_through() -> None:
    item = {"s": S, "n": N, "b": B, "f": BOOL, "ss": {"SS": ["ab"]}, "m": {"M": {"s": S, "n": N}}}
    assert one({"S": "transform_mask"}, item) == {
        **item,
        "s": {"S": "****"},
        "ss": {"SS": ["**"]},
        "m": {"M": {"s": {"S": "****"}, "n": N}},
    }
    assert one({"N": "null", "BOOL": "drop"}, item) == {
        "s": S,
        "n": NULL,
        "b": B,
        "ss": {"SS": ["ab"]},
        "m": {"M": {"s": S, "n": NULL}},
    }


def test_a_default_that_drops_closes_the_gaps_of_lists() -> None:
    assert one({"S": "drop"}, {"a": {"L": [S, N, S, {"M": {"b": S}}]}}) == {"a": {"L": [N, {"M": {}}]}}


@pytest.mark.parametrize(
    ("unmapped", "place", "cause"),
    [
        ("anonymise", "unmapped", "did you mean anonymize?"),
        ({"X": "null"}, "unmapped", "'X'"),
        ({"SS": "null"}, "unmapped", "'SS'"),
        (7, "unmapped", "got an integer"),
        ({"S": 7}, "unmapped.S", "got an integer"),
        ({"S": "transform_int64"}, "unmapped.S", "transform_int64 does not take S"),
        ({"N": "nul"}, "unmapped.N", "did you mean null?"),
        ({"S": {"transformer": "generate_string", "min": 0}}, "unmapped.S.min", "greater than or equal to 1"),
        (
            {"S": {"transformer": "generate_uuid", "when_missing": "generate"}},
            "unmapped.S.when_missing",
            "no path",
        ),
    ],
)
def test_a_wrong_policy_is_an_error_with_its_place(unmapped: Any, place: str, cause: str) -> None:
    with pytest.raises(MappingError) as caught:
        compile_plan({"unmapped": unmapped})
    assert caught.value.place == place
    assert cause in caught.value.message


def counted(unmapped: Any, item: dict[str, Any], **mappings: Any) -> dict[tuple[str, str, str], int]:
    plan = compile_plan({"mappings": mappings, "unmapped": unmapped}, key_attributes=("Id",), secret=SECRET)
    plan.apply([{"Id": {"S": "1"}, **item}])
    return {(row.path, row.rule, row.outcome): row.count for row in plan.statistics.counts}


def test_what_drop_removes_is_counted_by_top_level_attribute() -> None:
    item = {"a": {"M": {"b": S, "c": S, "d": {"L": [N]}}}, "e": N}
    assert counted("drop", item) == {("a", "unmapped", "dropped"): 1, ("e", "unmapped", "dropped"): 1}
    assert counted("drop", item, **{"a.b": "passthrough"}) == {
        ("a.b", "mappings.a.b", "kept"): 1,
        ("a", "unmapped", "dropped"): 2,
        ("e", "unmapped", "dropped"): 1,
    }


def test_a_default_that_passes_through_is_as_if_it_were_not_there() -> None:
    assert one({"S": "passthrough", "N": "null"}, {"a": S, "b": N}) == {"a": S, "b": NULL}
    assert counted({"S": "passthrough"}, {"a": S, "b": N}) == {}
