"""Which rule acts where in an item, told without transforming anything."""

from __future__ import annotations

from airflow_dynsync.engine.automaton import State
from airflow_dynsync.engine.compiler import Rule
from airflow_dynsync.engine.definitions import Place
from airflow_dynsync.engine.paths import Path, Wildcard
from airflow_dynsync.engine.values import WireItem, WireValue

Acting = tuple[Rule, Place, WireValue]
"""A rule, the place of a value that it changes or removes, and the value."""


def rules_in(root: State, item: WireItem) -> list[Acting]:
    """Return every value of a source item that a rule or a default is to change or remove.

    A value that a rule replaces as a whole stands there as a whole. What passes through does not occur.

    Args:
        root: the state at an item's top level.
        item: in wire form.
    """
    found: list[Acting] = []
    _in_map(root, item, (), root.cover.dropping, found)
    return found


def rule_at(root: State, path: Path, kind: str) -> Rule | None:
    """Return the rule that acts on a value, or on what it lies inside; None where nothing does.

    Args:
        root: the state at an item's top level.
        path: of the value; a wildcard stands for the names and indexes that no rule names.
        kind: the value's type letter.
    """
    state: State = root
    dropping = root.cover.dropping
    for step in path:
        if isinstance(step, str):
            following = state.names.get(step, state.other_name)
        elif isinstance(step, int):
            following = state.indexes.get(step, state.other_index)
        else:
            following = state.other_index if step is Wildcard.INDEX else state.other_name
        if following is None:
            break
        state = following
        dropping = _dropping(state, dropping)
        if state.rule is not None:
            return state.rule
    return state.cover.defaults.get(kind) or (dropping if state.cover.verdict == "drop" else None)


def _dropping(state: State, before: Rule | None) -> Rule | None:
    if state.shield is not None:
        return state.shield if state.cover.verdict == "drop" else None
    return state.cover.dropping or before


def _in_map(
    state: State, members: dict[str, WireValue], trail: Place, dropping: Rule | None, found: list[Acting]
) -> None:
    other = state.other_name
    if other is None or other.inert:
        for name, child in state.names.items():
            value = members.get(name)
            if value is not None:
                _at(child, value, (*trail, name), dropping, found)
    else:
        names = state.names
        for name, value in members.items():
            _at(names.get(name, other), value, (*trail, name), dropping, found)


def _at(state: State, value: WireValue, place: Place, dropping: Rule | None, found: list[Acting]) -> None:
    rule = state.rule
    if rule is None:
        dropping = _dropping(state, dropping)
        (kind,) = value
        if kind == "M" and state.descends:
            _in_map(state, value["M"], place, dropping, found)
            return
        if kind == "L" and state.descends:
            for index, element in enumerate(value["L"]):
                child = state.indexes.get(index, state.other_index)
                if child is not None:
                    _at(child, element, (*place, index), dropping, found)
            return
        rule = state.cover.defaults.get(kind) or (dropping if state.cover.verdict == "drop" else None)
        if rule is None:
            return
    found.append((rule, place, value))
