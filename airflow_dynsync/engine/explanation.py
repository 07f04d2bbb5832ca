"""A plan in words: which rule applies to which path, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_dynsync.engine.automaton import Cover, State
from airflow_dynsync.engine.compiler import Rule
from airflow_dynsync.engine.errors import MappingError
from airflow_dynsync.engine.paths import Wildcard, advance, parse_path, rank, skip_depth
from airflow_dynsync.engine.values import ELEMENT_OF_SET

_POLICY_IN_WORDS = {
    "keep": "passes through (unmapped)",
    "drop": "is removed (unmapped)",
    "fail": "stops the run (unmapped)",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """A mapping compiled: that of a table, or one for what lies inside the values of a rule.

    Attributes:
        order: its position behind its rules.
        path_before: what the paths of its rules begin with in reports, such as ``Payload -> ``.
        rules: those written, then those for unmapped leaves.
        unmapped: what happens to the leaves that no rule covers.
    """

    order: int
    path_before: str
    rules: Sequence[Rule]
    unmapped: Cover


def explain(root: State, scopes: Sequence[Scope], key_attributes: Sequence[str], paths: Sequence[str]) -> str:
    """Return a line for each of ``paths``, or for every rule.

    Args:
        root: of the table's mapping.
        scopes: the table's, then those inside the values of rules.
        key_attributes: the table's primary key.
        paths: of the table's attributes.
    """
    rules = scopes[0].rules
    if paths:
        return "\n".join(_explain_path(root, rules, key_attributes, path) for path in paths)
    lines = {rule.order: _explain_rule(rule) for scope in scopes for rule in scope.rules if rule.path is not None}
    lines |= {
        scope.order: f"{scope.path_before}everything else: {_explain_cover(scope.unmapped)}" for scope in scopes
    }
    mapped = {rule.path[0] for rule in rules if rule.is_key and rule.path}
    keys = [f"{name}: passes through (primary key)" for name in key_attributes if name not in mapped]
    *ordered, last = (lines[order] for order in sorted(lines))
    return "\n".join([*ordered, *keys, last])


def _explain_rule(rule: Rule) -> str:
    literal, depth = rank(rule.path or ())
    why = f"{literal} literal step{'s' * (literal != 1)}" + (f", {-depth} **" if depth else "")
    key = ", primary key" if rule.is_key else ""
    return f"{rule.written}: {_transformer(rule)} ({why}{key})"


def _transformer(rule: Rule) -> str:
    given = rule.parameters.model_dump(exclude_unset=True) | rule.options.model_dump(exclude_unset=True)
    described = ", ".join(
        f"{name}={value!r}" if isinstance(value, bool | int) else name for name, value in given.items()
    )
    return rule.definition.name + (f"({described})" if described else "")


def _explain_cover(cover: Cover) -> str:
    if cover.verdict != "default":
        return _POLICY_IN_WORDS[cover.verdict]
    by_kind = [
        f"{kind} by {_transformer(rule)}" for kind, rule in cover.defaults.items() if kind not in ELEMENT_OF_SET
    ]
    return ", ".join([*by_kind, "other types pass through (unmapped)"])


def _explain_path(root: State, rules: Sequence[Rule], key_attributes: Sequence[str], text: str) -> str:
    path = parse_path(text, "explain")
    state = root
    nearest: Rule | None = None
    for step in path:
        if isinstance(step, Wildcard):
            raise MappingError("explain", f"{text} is a pattern; give one attribute's own path")
        following = (
            state.names.get(step, state.other_name)
            if isinstance(step, str)
            else state.indexes.get(step, state.other_index)
        )
        if following is None:
            break
        state = following
        nearest = state.rule or state.shield or nearest
        if state.rule is not None:
            break
    if nearest is not None:
        others = [
            rule.written
            for rule in rules
            if rule.path is not None and rule is not nearest and _may_match(rule, path)
        ]
        why = f"{nearest.place} is the most specific" + (f", before {', '.join(others)}" if others else "")
        effect = "stays" if nearest.definition.name == "passthrough" else _transformer(nearest)
        return f"{text}: {effect} ({why})"
    if path[0] in key_attributes:
        return f"{text}: passes through (primary key)"
    return f"{text}: {_explain_cover(state.cover)}"


def _may_match(rule: Rule, path: tuple[object, ...]) -> bool:
    pattern = rule.path or ()
    positions = skip_depth(pattern, {0})
    for step in path:
        if not isinstance(step, str | int):
            return False
        positions = advance(pattern, positions, step)
        if len(pattern) in positions:
            return True
    return False
