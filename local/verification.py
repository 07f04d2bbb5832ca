"""Whether a refreshed table is what its mapping promises: every item and every value, read back and compared.

Three questions are asked of each value, none of them answered by the run's own report:

- Does a rule protect it? A second plan, in which each rule only leaves its name behind, tells.
- Protected: is it exactly what the rule gives, computed anew from the source, and is it another value than the
  source's? A transform_* rule has to change its value. A generate_* rule or a constant does not look at the value
  and may hit upon the same one, as every second coin does; such hits are counted by themselves, not as changed.
- Not protected: is it the source's value, to the byte?

What is empty or NULL holds nothing to protect, so it may stay. A list or map that a rule replaces as a whole
counts as one value. So does a set; where it shares elements with the source's, it is no problem (one may have
become what another one was) but is not counted as changed either.
"""

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from airflow_dynsync.engine import Mapping, catalogue, compile_plan
from airflow_dynsync.engine.paths import Path, Wildcard, format_path
from airflow_dynsync.engine.plan import DEFAULTS

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.client import WireItem

_EMPTY = ({"NULL": True}, {"S": ""}, {"B": ""}, {"L": []}, {"M": {}})
_SETS = ("SS", "NS", "BS")
_STAY = ("passthrough", "drop")


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found; it holds no attribute value.

    Attributes:
        items: items of the source that are in the destination under the key that the plan gives them.
        values: how many protected values had which outcome: `changed`, `same by chance`, `removed`, `empty`.
        passed_through: values that no rule protects and that are byte-identical.
        problems: what is wrong, by what and where; empty when all is as it should be.
    """

    items: int
    values: Counter[str]
    passed_through: int
    problems: Counter[str]

    @property
    def holds(self) -> bool:
        """Whether something was verified and nothing was wrong."""
        return self.items > 0 and not self.problems


def verify(
    source: Sequence["WireItem"],
    destination: Sequence["WireItem"],
    mapping: Mapping,
    *,
    key_attributes: Sequence[str],
    secret: bytes,
) -> Verification:
    """Compare all items of a source table with all items of the destination that was refreshed from it."""
    token = secrets.token_hex(8)
    plan = compile_plan(mapping, key_attributes=key_attributes, secret=secret)
    naming = compile_plan(_naming(mapping, token), key_attributes=key_attributes, secret=secret)
    comparison = _Comparison(token, _rules_that_may_repeat(mapping))

    def key(item: "WireItem") -> tuple[str, ...]:
        return tuple(repr(item.get(name)) for name in key_attributes)

    arrived = {key(item): item for item in destination}
    items = 0
    for before, wanted, names in zip(source, plan.apply(source), naming.apply(source), strict=True):
        after = arrived.pop(key(wanted), None)
        if after is None:
            comparison.problems["an item is missing"] += 1
            continue
        items += 1
        comparison.members(before, wanted, names, after, ())
    if surplus := len(destination) - items:
        comparison.problems["an item is in the destination that the source does not have"] += surplus
    return Verification(items, comparison.values, comparison.passed_through, comparison.problems)


def protected_values(
    items: Sequence["WireItem"], mapping: Mapping, *, key_attributes: Sequence[str]
) -> Iterator[list[tuple[Path, Any]]]:
    """Yield for each item the values that a rule replaces or removes, as the source has them, with their paths."""
    token = secrets.token_hex(8)
    naming = compile_plan(_naming(mapping, token), key_attributes=key_attributes, secret=secrets.token_bytes(16))
    for item, names in zip(items, naming.apply(items), strict=True):
        yield list(_protected_in({"M": item}, {"M": names}, token, ()))


def _protected_in(value: Any, named: Any, token: str, trail: Path) -> Iterator[tuple[Path, Any]]:
    if named is None or named.get("S", "").startswith(token):
        yield trail, value
    elif "M" in named:
        for name, member in value["M"].items():
            yield from _protected_in(member, named["M"].get(name), token, (*trail, name))
    elif "L" in named:
        for element, name in zip_longest(value["L"], named["L"]):
            yield from _protected_in(element, name, token, (*trail, Wildcard.INDEX))


class _Comparison:
    """Walks one item after the other in four forms: as it was, as wanted, with rules' names, as it arrived."""

    def __init__(self, token: str, may_repeat: frozenset[str]) -> None:
        self._token = token
        self._may_repeat = may_repeat
        self.values: Counter[str] = Counter()
        self.passed_through = 0
        self.problems: Counter[str] = Counter()

    def members(self, before: Any, wanted: Any, names: Any, after: Any, trail: tuple[Any, ...]) -> None:
        """Compare the attributes of an item or a map."""
        for name in dict.fromkeys([*before, *wanted, *after]):
            four = (form.get(name) for form in (before, wanted, names, after))
            self._value(*four, (*trail, name))

    def _value(self, before: Any, wanted: Any, named: Any, after: Any, trail: tuple[Any, ...]) -> None:
        if named is None:
            if after is None:
                self.values["removed"] += 1
            else:
                self._problem("is there and was to be removed", trail)
        elif (rule := self._rule(named)) is not None:
            if _canonical(after) != _canonical(wanted):
                self._problem("is not what its rule gives", trail)
            self._protected(before, after, rule, trail)
        elif "M" in named and after and "M" in after:
            self.members(before["M"], wanted["M"], named["M"], after["M"], trail)
        elif "L" in named and after and len(before["L"]) == len(named["L"]) == len(after.get("L", ())):
            lists = (form["L"] for form in (before, wanted, named, after))
            for four in zip(*lists, strict=True):
                self._value(*four, (*trail, Wildcard.INDEX))
        elif _canonical(after) == _canonical(before):
            self.passed_through += 1
        else:
            self._problem("was to be passed through and is another value", trail)

    def _protected(self, before: Any, after: Any, rule: str, trail: tuple[Any, ...]) -> None:
        if before in _EMPTY and after == before:
            self.values["empty"] += 1
        elif before is None or not _shared(before, after):
            self.values["changed"] += 1
        elif rule in self._may_repeat or _canonical(after) != _canonical(before):
            self.values["same by chance"] += 1
        else:
            self._problem("is protected and unchanged", trail)

    def _rule(self, named: Any) -> str | None:
        text = named.get("S", "")
        return text.removeprefix(self._token) if text.startswith(self._token) else None

    def _problem(self, what: str, trail: tuple[Any, ...]) -> None:
        self.problems[f"{format_path(trail)} {what}"] += 1


def _shared(before: Any, after: Any) -> bool:
    """Return whether a value is the same, or for two sets of one type, whether any element is."""
    kind = next(iter(before))
    if kind in _SETS and after and kind in after:
        return not set(before[kind]).isdisjoint(after[kind])
    return bool(before == after)


def _canonical(value: Any) -> Any:
    """Return a value in the form in which equal ones compare equal: the elements of a set have no order."""
    if not value:
        return value
    ((kind, payload),) = value.items()
    if kind == "M":
        return {"M": {name: _canonical(member) for name, member in payload.items()}}
    if kind == "L":
        return {"L": [_canonical(element) for element in payload]}
    return {kind: sorted(payload)} if kind in _SETS else value


def _naming(mapping: Mapping, token: str) -> Mapping:
    """Return the mapping with every rule that protects replaced by one that writes down the rule's name."""

    rules, defaults = _rules(mapping)

    def named(config: Any, place: str) -> Any:
        if _transformer(config, mapping) in _STAY:
            return config
        written = {} if isinstance(config, str) else dict(config)
        kept = {name: written[name] for name in ("when_missing", "on_null") if name in written}
        return {"transformer": "constant", "value": f"{token}{place}", "allow_key_collisions": True, **kept}

    return Mapping(
        mappings={path: named(config, f"mappings.{path}") for path, config in rules.items()},
        unmapped={kind: named(config, f"unmapped.{kind}") for kind, config in defaults.items()}
        if isinstance(defaults, dict)
        else defaults,
        presets=mapping.presets,
    )


def _rules_that_may_repeat(mapping: Mapping) -> frozenset[str]:
    """Return the rules whose transformer does not look at the value, so that it may give the very same one."""

    def places() -> Iterator[tuple[str, Any]]:
        rules, defaults = _rules(mapping)
        yield from ((f"mappings.{path}", config) for path, config in rules.items())
        if isinstance(defaults, dict):
            yield from ((f"unmapped.{kind}", config) for kind, config in defaults.items())

    return frozenset(
        place for place, config in places() if not catalogue()[_transformer(config, mapping)].reads_input
    )


def _rules(mapping: Mapping) -> tuple[dict[str, Any], Any]:
    unmapped: Any = mapping.unmapped
    return mapping.mappings, DEFAULTS.get(unmapped, unmapped) if isinstance(unmapped, str) else unmapped


def _transformer(config: Any, mapping: Mapping) -> str:
    name = config if isinstance(config, str) else config["transformer"]
    return str(mapping.presets.get(name, {}).get("transformer", name))
