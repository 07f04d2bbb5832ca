"""Mappings for given items: rules on paths that the items have and on others, whole and broken."""

from typing import Any

from hypothesis import strategies as st

from airflow_dynsync.engine import catalogue
from airflow_dynsync.engine.paths import Path, Wildcard, format_path
from tests.unit.catalogue_helpers import parameter, refused
from tests.unit.fuzzed_rules import Draw, often, rule, unmapped
from tests.unit.marks import MARKS
from tests.unit.strategies import NAMES, paths


def _place(draw: Draw, items: list[dict[str, Any]], but: dict[str, str]) -> tuple[Path, dict[str, Any]]:
    """Draw where a value is in an item, and that value."""
    members: dict[str, Any] = draw(st.sampled_from(items))
    name = draw(st.sampled_from([name for name in members if name not in but]))
    path: list[Any] = [name]
    value = members[name]
    while True:
        ((kind, payload),) = value.items()
        if kind not in ("M", "L") or not payload or often(draw, 30):
            return tuple(path), value
        step = draw(st.sampled_from([*payload] if kind == "M" else range(len(payload))))
        path.append(step)
        value = payload[step]


def _has_marked_keys(members: dict[str, Any]) -> bool:
    for name, value in members.items():
        ((kind, payload),) = value.items()
        inside = (
            payload
            if kind == "M"
            else {str(index): each for index, each in enumerate(payload)}
            if kind == "L"
            else {}
        )
        if MARKS.search(name) or _has_marked_keys(inside):
            return True
    return False


def _generalized(draw: Draw, path: Path) -> Path:
    """Draw a path that matches this one; the names of marked keys are never in it."""
    steps: list[Any] = []
    for step in path:
        if (isinstance(step, str) and MARKS.search(step)) or often(draw, 15):
            steps.append(Wildcard.NAME if isinstance(step, str) else Wildcard.INDEX)
        else:
            steps.append(step)
    if len(steps) > 1 and isinstance(steps[-1], str) and often(draw, 20):
        return (*steps[: draw(st.integers(0, len(steps) - 1))], Wildcard.DEPTH, steps[-1])
    return tuple(steps)


@st.composite
def mappings(draw: Draw, items: list[dict[str, Any]], keys: dict[str, str]) -> dict[str, Any]:
    """Draw a mapping for items, mostly a whole one."""
    written: dict[str, Any] = {}
    for _ in range(draw(st.integers(1, 4))):
        path, met = _place(draw, items, {} if often(draw, 10) else keys)
        (kind,) = met
        if often(draw, 20):
            path, kind, met = draw(paths()), None, None
        else:
            path = _generalized(draw, path)
        creatable = isinstance(path[-1], str) and Wildcard.DEPTH not in path
        config = rule(draw, kind, met=met, creatable=creatable)
        if path[0] in keys and len(path) == 1:
            config = {"transformer": config} if isinstance(config, str) else config
            config |= {"allow_key_collisions": True, "on_type_mismatch": "fail"}
        written[format_path(path)] = config
    mapping = {"mappings": written, "unmapped": unmapped(draw)}
    if mapping["unmapped"] == "fail" and any(map(_has_marked_keys, items)):
        mapping["unmapped"] = "drop"  # an error names the attribute, by what is a key of a map here
    if often(draw, 10):
        mapping["presets"] = {"ours": rule(draw, None)}
        if isinstance(mapping["presets"]["ours"], str):
            mapping["presets"]["ours"] = {"transformer": mapping["presets"]["ours"]}
        written[draw(st.sampled_from(["Email", "Pets.*", "**.a"]))] = draw(
            st.sampled_from(["ours", {"transformer": "ours", "on_type_mismatch": "null"}])
        )
    return broken(draw, mapping) if often(draw, 15) else mapping


JUNK: list[Any] = [
    None, 0, 7, True, -1.5, float("nan"), float("inf"), 10**400, "", "null", "nul", "transform_", "\ud800", b"x",
    [], ["null"], {}, {"": ""}, {"transformer": "transform_json", "mappings": []}, {"transformer": ["null"]},
    {1: 2}, {"transformer": "ours"}, {None: None}, object(), {"S": 7}, {"X": "null"}, (),
    {"transformer": "null", 3: 4},
]  # fmt: skip

_NO_PATHS: list[Any] = [7, None, "", "a..b", "a[", '"', "**", "\ud800", "a" * 300]

_LOOPS: list[Any] = [
    {"ours": {"transformer": "ours"}},
    {"ours": {"transformer": "transform_json", "mappings": {"**.a": "ours"}}},
    {"ours": {"transformer": "transform_template", "template": "{a} {b}", "parts": {"a": "ours", "b": "ours"}}},
    {"null": {"transformer": "drop"}},
    {"ours": {}},
]


def broken(draw: Draw, mapping: dict[str, Any]) -> Any:
    """Draw a mapping in which something is wrong: a parameter, a name, a path, a rule, or all of it."""
    rules = mapping["mappings"]
    way = draw(st.integers(0, 9))
    if way == 0:
        return draw(st.sampled_from(JUNK))
    if way == 1:
        mapping[draw(st.sampled_from(["mappings", "unmapped", "presets", "surprise"]))] = draw(
            st.sampled_from(JUNK)
        )
    elif way == 2:
        mapping["presets"] = draw(st.sampled_from(_LOOPS))
        rules["Email"] = "ours"
    elif way == 3:
        rules[draw(st.one_of(st.text(), st.sampled_from(_NO_PATHS)))] = "null"
    elif way == 4:
        steps = [Wildcard.DEPTH, *[Wildcard.NAME] * draw(st.integers(1, 20)), draw(NAMES)]
        rules[format_path(steps)] = "null"
    else:
        definition = catalogue()[draw(st.sampled_from([*catalogue()]))]
        config = {"transformer": definition.name, **definition.example.parameters}
        names = [*definition.parameters.model_fields]
        name = draw(st.sampled_from([*names, "on_null", "realm", "on_type_mismatch", "transformer", "surprise"]))
        wrong = JUNK
        if name in names:
            wrong = [value for steps, value in refused(parameter(definition, name))] or JUNK
        config[name] = draw(st.sampled_from(wrong if often(draw, 70) else JUNK))
        rules[draw(st.sampled_from(["Email", "Id", "Pets.*", "**.a"]))] = config
    return mapping
