"""Source generated for a mapping does what the functions do that it stands for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, compile_plan, walks
from tests.unit.strategies import COLLIDING_ITEMS, COLLIDING_RULES, SECRET, values

MAPPINGS: list[dict[str, Any]] = [
    {"mappings": {"a": "transform_hash", "b.a": "transform_string", "c[*].a": "transform_character_scramble"}},
    {
        "mappings": {"a[0].c": "transform_hash", "a[2].b": "transform_hash", "a[*].a": "drop"},
        "unmapped": "anonymize",
    },
    {"mappings": {"**.a": "transform_hash", "b.*.c": "transform_string"}, "unmapped": "anonymize"},
    {"mappings": {"**.a": "drop", "*.b": "passthrough"}, "unmapped": "anonymize"},
    {"mappings": {"a": "drop", "a.b": "transform_hash", "b": "drop", "b[*].c": "passthrough"}},
    {"mappings": {"a": "passthrough", "a.b.c": "transform_hash"}, "unmapped": "fail"},
    {"mappings": {"a.b": "transform_hash", "b[*]": "null"}, "unmapped": "drop"},
    {
        "mappings": {
            "a.new": {"transformer": "generate_uuid", "when_missing": "generate"},
            "b.c": {"transformer": "transform_string", "on_type_mismatch": "drop"},
            "c": {"transformer": "transform_hash", "on_type_mismatch": "passthrough"},
        },
        "unmapped": "neosync",
    },
    {
        "mappings": {"b.b.b.b.a": "transform_hash", "c.*.*.*.*.a": "transform_mask"},
        "unmapped": {"S": "transform_hash", "N": "passthrough", "B": "transform_hash", "BOOL": "generate_bool"},
    },
]
NAMES = st.sampled_from(["a", "b", "c", "new"])
TABLES = st.lists(st.dictionaries(NAMES, values(NAMES), max_size=4), max_size=3)


def outcome(mapping: dict[str, Any], items: list[dict[str, Any]]) -> Any:
    try:
        plan = compile_plan(mapping, key_attributes=("Id",), secret=SECRET)
        return plan.apply(items), plan.statistics
    except MappingError:
        return "no such mapping"
    except TransformError:
        return "refused"  # of several reasons any may be told


def outcomes(mapping: dict[str, Any], items: list[dict[str, Any]]) -> list[Any]:
    """Return what the functions do, what some source and they do, and what source does as far as there is any."""
    found = []
    for most_places in (-1, 3, walks.MOST_PLACES):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(walks, "MOST_PLACES", most_places)
            found.append(outcome(mapping, items))
    return found


@pytest.mark.parametrize("mapping", MAPPINGS)
@given(TABLES)
def test_generated_source_does_what_the_functions_do(mapping: dict[str, Any], items: list[dict[str, Any]]) -> None:
    numbered = [{"Id": {"N": str(number)}, **item} for number, item in enumerate(items)]

    functions, some, source = outcomes(mapping, numbered)

    assert functions == some == source
    assert functions != "no such mapping"


@given(COLLIDING_RULES, COLLIDING_ITEMS, st.sampled_from(["passthrough", "anonymize", "drop", "fail"]))
def test_generated_source_does_what_the_functions_do_where_rules_collide(
    rules: dict[str, str], item: dict[str, Any], unmapped: str
) -> None:
    named = {path: "transform_hash" if rule == "replace" else rule for path, rule in rules.items()}

    functions, some, source = outcomes({"mappings": named, "unmapped": unmapped}, [item])

    assert functions == some == source


def test_nothing_of_a_mapping_becomes_a_part_of_the_source() -> None:
    name = "'];raise SystemExit#\n"

    plan = compile_plan({"mappings": {f'"{name}"': "transform_hash"}}, key_attributes=("Id",), secret=SECRET)
    (result,) = plan.apply([{"Id": {"S": "1"}, name: {"S": "x"}}])

    assert result[name] != {"S": "x"}
