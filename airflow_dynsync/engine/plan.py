"""The plan: a mapping compiled once, applied to chunk after chunk."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from airflow_dynsync.engine.automaton import KEEP, Cover, State, build_automaton
from airflow_dynsync.engine.compiler import Rule, RuleCompiler
from airflow_dynsync.engine.coverage import Acting, rule_at, rules_in
from airflow_dynsync.engine.definitions import Chunk, Column, Inside, Insides, Uniqueness
from airflow_dynsync.engine.errors import MappingError
from airflow_dynsync.engine.execution import Execution
from airflow_dynsync.engine.explanation import Scope, explain
from airflow_dynsync.engine.keyed import MIN_SECRET_BYTES, Secret
from airflow_dynsync.engine.mapping import Mapping, RuleConfig, type_in_words
from airflow_dynsync.engine.paths import Path, Wildcard, parse_path
from airflow_dynsync.engine.statistics import Statistics, Tally
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.engine.visits import Branch, compile_visits

DEFAULTS: Final[dict[str, dict[str, RuleConfig]]] = {
    "anonymize": {
        "S": {"transformer": "transform_string", "preserve_length": True},
        "N": "transform_character_scramble",
        "BOOL": "generate_bool",
        "B": "transform_binary",
    },
    "neosync": {
        "S": {"transformer": "generate_string", "min": 1, "max": 100},
        "BOOL": "generate_bool",
    },
}
"""The rules by type behind the policies for unmapped leaves."""


class Plan:
    """A compiled mapping; `compile_plan` makes it. Several threads may apply one plan at once.

    Attributes:
        key_attributes: the primary key it was compiled for.
        attributes: the top-level attributes that results depend on, where all others are dropped and need not be
            read; None for whole items.
    """

    def __init__(
        self,
        root: State,
        scopes: Sequence[Scope],
        key_attributes: Sequence[str],
        attributes: tuple[str, ...] | None = None,
    ) -> None:
        self._root = root
        self._visit: Branch | None = None
        self._compiling = threading.Lock()
        self._scopes = scopes
        self._rules = scopes[0].rules
        self._tally = Tally()
        self.key_attributes: Final = tuple(key_attributes)
        self.attributes: Final = attributes

    def apply(self, items: Sequence[WireItem]) -> list[WireItem]:
        """Transform one chunk.

        Args:
            items: in wire form, as read from the source. They are not changed; the results share the branches in
                which nothing happened.

        Returns:
            as many items, in the same order.

        Raises:
            TransformError: a rule cannot take a value; the whole chunk is refused.
        """
        execution = self._execution(items)
        results = execution.run()
        self._tally.add(len(items), execution.counts)
        return results

    def recompute(self, items: Sequence[WireItem]) -> list[WireItem]:
        """Transform items again, as `apply` does, without counting them in `statistics`."""
        return self._execution(items).run()

    def _execution(self, items: Sequence[WireItem]) -> Execution:
        with self._compiling:  # by one thread alone, and not where a mapping is only checked
            if self._visit is None:
                self._visit = compile_visits(self._root)
        return Execution(self._visit, self._rules, Chunk(items, self.key_attributes))

    @property
    def statistics(self) -> Statistics:
        """Counts by path, rule and outcome over all chunks so far, rules inside values included; never a value."""
        return self._tally.snapshot()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order they are written, those for unmapped leaves and inside values included."""
        rules = (rule for scope in self._scopes for rule in scope.rules)
        return tuple(sorted(rules, key=lambda rule: rule.order))

    @property
    def wants_many(self) -> bool:
        """Tell whether chunks should be of many items, though no cache holds them: some rule needs few calls."""
        return any(rule.definition.wants_many for rule in self.rules)

    @property
    def key_rules(self) -> tuple[Rule, ...]:
        """The rules that change primary-key attributes."""
        return tuple(rule for rule in self._rules if rule.is_key and rule.definition.name != "passthrough")

    def rules_in(self, item: WireItem) -> list[Acting]:
        """Return what a rule or a default is to change or remove in a source item: rule, place, value."""
        return rules_in(self._root, item)

    def rule_at(self, path: Path, kind: str) -> Rule | None:
        """Return the rule that acts on a value, or on what it lies inside; None where nothing does.

        Args:
            path: of the value; a wildcard stands for the names and indexes that no rule names.
            kind: the value's type letter.
        """
        return rule_at(self._root, path, kind)

    def explain(self, *paths: str) -> str:
        """Return in words which rule applies to which path and why.

        Args:
            paths: concrete paths such as ``Pets.Judith.Age``; none of them: every rule of the mapping.
        """
        return explain(self._root, self._scopes, self.key_attributes, paths)


def compile_plan(
    mapping: Mapping | dict[str, Any],
    *,
    key_attributes: Sequence[str] = (),
    secret: bytes | None = None,
) -> Plan:
    """Validate a mapping and compile it.

    Args:
        mapping: a `Mapping` or the dict it is written as (``mappings``, ``unmapped``, ``presets``).
        key_attributes: the source table's primary key, partition key first: passed through unless mapped by
            name, and what generated values depend on. Without it they depend on the whole item.
        secret: at least 16 bytes; the same secret gives the same output. None draws a random one, so that two
            plans agree on nothing.

    Raises:
        MappingError: the mapping is wrong; it names the path and the remedy.
    """
    mapping = Mapping.parse(mapping)
    if isinstance(key_attributes, str):
        raise MappingError("key_attributes", "expected a sequence of names, got a string; write (name,)")
    if secret is not None and not isinstance(secret, bytes):
        raise MappingError("secret", f"expected bytes, got {type_in_words(secret)}")
    if secret is not None and len(secret) < MIN_SECRET_BYTES:
        raise MappingError("secret", f"at least {MIN_SECRET_BYTES} bytes are needed, got {len(secret)}")
    compiler = RuleCompiler(Secret(secret or secrets.token_bytes(32)), mapping.presets)
    root, scope = _compile(compiler, mapping, key_attributes, has_secret=secret is not None)
    attributes = None if compiler.reads_items else _attributes_needed(root, scope, key_attributes)
    return Plan(root, [scope, *compiler.close()], key_attributes, attributes)


def _attributes_needed(root: State, scope: Scope, key_attributes: Sequence[str]) -> tuple[str, ...] | None:
    other = root.other_name
    if scope.unmapped.verdict != "drop" or not key_attributes or other is None:
        return None
    if other.rule is not None or other.shield is not None or other.leads_to_rules:
        return None
    return tuple(dict.fromkeys((*key_attributes, *root.names)))


def compile_inside(compiler: RuleCompiler, mapping: Any, place: str, written: str, depth: int) -> Inside:
    """Compile the mapping for what lies inside the values of a rule.

    Args:
        compiler: that of the rule.
        mapping: the dict it is written as.
        place: the rule, such as ``mappings.Payload``.
        written: its path as the reports show it.
        depth: how many transformers it lies inside.
    """
    root, scope = _compile(compiler, Mapping.parse(mapping, place), (), f"{place}.", f"{written} -> ", depth)
    visit = compile_visits(root)
    listed = compiler.list_inside(scope)

    def transform(insides: Sequence[WireItem], column: Column) -> list[WireItem]:
        execution = Execution(visit, scope.rules, Insides(insides, column))
        results = execution.run()
        if listed:
            for (rule, _, outcome), count in execution.counts.items():
                column.chunk.counted[rule, None, outcome] += count  # names inside a value are not told
        return results

    return transform


def _compile(
    compiler: RuleCompiler,
    mapping: Mapping,
    key_attributes: Sequence[str],
    place_before: str = "",
    path_before: str = "",
    depth: int = 0,
    *,
    has_secret: bool = False,
) -> tuple[State, Scope]:
    rules: list[Rule] = []
    paths: list[Path] = []
    for written, config in mapping.mappings.items():
        place = f"{place_before}mappings.{written}"
        path = parse_path(written, place)
        rule = compiler.rule(len(rules), config, place, path, f"{path_before}{written}", depth)
        if len(path) == 1 and path[0] in key_attributes:
            rule = _key_rule(rule, has_secret=has_secret)
        _check_creation(rule, path)
        rules.append(rule)
        paths.append(path)
    unmapped = _unmapped(mapping, compiler, rules, f"{place_before}unmapped", f"{path_before}(unmapped)", depth)
    root = build_automaton(rules[: len(paths)], paths, unmapped, key_attributes)
    return root, Scope(compiler.next_order(), path_before, rules, unmapped)


def _unmapped(
    mapping: Mapping, compiler: RuleCompiler, rules: list[Rule], written_at: str, path: str, depth: int
) -> Cover:
    """Return the cover for unmapped leaves; the rules it needs are added to ``rules``."""
    policy = mapping.unmapped
    if policy == "passthrough":
        return KEEP
    if policy == "fail":
        return Cover("fail")
    if policy == "drop":
        return Cover("drop", dropping=compiler.rule(len(rules), "drop", written_at, None, path))
    configs: dict[Any, RuleConfig] = DEFAULTS[policy] if isinstance(policy, str) else policy
    defaults = {}
    for kind, config in configs.items():
        place = written_at if isinstance(policy, str) else f"{written_at}.{kind}"
        rule = compiler.rule(len(rules), config, place, None, path, depth)
        _check_default(rule, kind)
        if rule.definition.name == "passthrough":
            continue
        rules.append(rule)
        defaults[kind] = rule
        if kind != "BOOL":
            defaults[f"{kind}S"] = rule
    return Cover("default", defaults)


def _check_default(rule: Rule, kind: str) -> None:
    if kind not in rule.definition.accepts:
        raise MappingError(rule.place, f"{rule.definition.name} does not take {kind}; choose one that does")
    if rule.options.when_missing == "generate":
        raise MappingError(f"{rule.place}.when_missing", "a default has no path; write a rule for the path")


def _key_rule(rule: Rule, *, has_secret: bool) -> Rule:
    """Return the rule of a primary-key attribute, or say why it cannot be one."""
    name = rule.definition.name
    if name in ("null", "drop"):
        raise MappingError(rule.place, f"{name} would take the primary key away; choose another transformer")
    if rule.options.on_type_mismatch in ("null", "drop"):
        raise MappingError(
            f"{rule.place}.on_type_mismatch", "would take the primary key away; choose fail or passthrough"
        )
    if name != "passthrough":
        uniqueness = rule.uniqueness
        if uniqueness is Uniqueness.LOSSY and not rule.options.allow_key_collisions:
            raise MappingError(
                rule.place,
                f"{name} gives different keys the same value, and items would overwrite each other; use one of"
                " class preserved or not_guaranteed, such as transform_hash, or set allow_key_collisions: true",
            )
        if not has_secret:
            raise MappingError(
                rule.place,
                "mapping a primary key needs a secret, or every run would write the table anew under other keys;"
                " give one of at least 16 bytes",
            )
    return replace(rule, is_key=True, single=None)  # its results are checked


def _check_creation(rule: Rule, path: Path) -> None:
    if rule.options.when_missing == "generate" and not (isinstance(path[-1], str) and Wildcard.DEPTH not in path):
        raise MappingError(
            f"{rule.place}.when_missing",
            "an attribute can be created where its path ends with a name and has no **; name it in full",
        )
