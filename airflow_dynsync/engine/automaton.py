"""The path trie, as an automaton: at every place of an item it knows which rule acts there.

Wildcards and ``**`` make a place match several paths at once. The states are the sets of what can still match, so
that one walk over an item, one transition a step, decides everything; conflicts between rules show while the
states are built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from airflow_dynsync.engine.compiler import Rule
from airflow_dynsync.engine.errors import MappingError
from airflow_dynsync.engine.paths import (
    Path,
    Rank,
    Wildcard,
    advance,
    rank,
    skip_depth,
)
from airflow_dynsync.engine.visits import Branch, Visits

SHIELDS: Final = frozenset({"passthrough", "drop"})
"""Transformers that say what becomes of a whole subtree and still let a more specific rule act inside it."""

MAX_STATES: Final = 10_000
"""Wildcards behind a ``**`` can double the states with every step; a mapping with more is refused."""

_OTHER_INDEX: Final = -1
_LEAST: Final[Rank] = (-1, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """What becomes of the leaves that no rule acts on.

    Attributes:
        verdict: what happens to them.
        defaults: with ``default``, the rule by type letter; types without one are kept.
        dropping: with ``drop``, what the removed values are counted for; None where a rule counts them itself.
    """

    verdict: Literal["keep", "drop", "fail", "default"]
    defaults: Mapping[str, Rule] = field(default_factory=dict)
    dropping: Rule | None = None


KEEP: Final = Cover("keep")
DROPPED: Final = Cover("drop")


@dataclass(slots=True, eq=False)
class State:
    """What is known at one place of an item.

    Attributes:
        rule: acts on the value here; None where none does.
        shield: the passthrough or drop rule that is written for this very place, to be counted.
        cover: what becomes of the leaves here and below that no rule acts on.
        descends: what lies below has to be looked at one by one.
        leads_to_rules: some path goes on from here.
        names: the states behind the keys of a map that some path names.
        other_name: the state behind every other key.
        indexes: likewise for the elements of a list.
        other_index: likewise.
        created: rules by name that create their attribute where it is missing.
        visits: do what is to be done here; `visits.compile_visits` makes them.
        walks: by M and L, do it with what lies inside a map or list here; `walks.compile_walks` makes them.
    """

    rule: Rule | None
    shield: Rule | None
    cover: Cover
    descends: bool = False
    leads_to_rules: bool = False
    names: dict[str, State] = field(default_factory=dict)
    other_name: State | None = None
    indexes: dict[int, State] = field(default_factory=dict)
    other_index: State | None = None
    created: tuple[tuple[str, Rule], ...] = ()
    visits: Visits = field(init=False, repr=False)
    walks: dict[str, Branch] = field(init=False, repr=False)

    @property
    def inert(self) -> bool:
        """Nothing happens here or below."""
        return self.rule is None and self.shield is None and self.cover.verdict == "keep" and not self.descends


_Config = frozenset[tuple[int, int]]
"""What can still match: a rule's index, and the step of its path that is expected next."""


class _Builder:
    def __init__(self, rules: Sequence[Rule], paths: Sequence[Path], unmapped: Cover) -> None:
        self._rules = rules
        self._paths = paths
        self._ranks = [rank(path) for path in paths]
        self._unmapped = unmapped
        self._states: dict[tuple[_Config, int | None, int | None], State] = {}
        self._unconnected: list[tuple[State, _Config, int | None]] = []
        self._replaced: dict[int, Rule] = {}
        """By rule, one that replaces as a whole what it lies inside."""

    def build(self) -> State:
        start = State(rule=None, shield=None, cover=self._unmapped, descends=True)
        config = frozenset((index, at) for index, path in enumerate(self._paths) for at in skip_depth(path, {0}))
        self._connect_names(start, config, None)
        while self._unconnected:
            if len(self._states) > MAX_STATES:
                raise MappingError(
                    "mappings", "too many wildcards behind ** to follow; name more steps of these paths"
                )
            state, open_, cover = self._unconnected.pop()
            self._connect_names(state, open_, cover)
            self._connect_indexes(state, open_, cover)
        effective = {accepted for _, _, accepted in self._states}
        for index, rule in enumerate(self._rules):
            if index not in effective:
                if index in self._replaced:
                    raise self._inside(index, self._replaced[index])
                raise MappingError(
                    rule.place,
                    "never takes effect: other rules decide about all that it matches; remove it or name its"
                    " attribute in full",
                )
        return start

    def _state(self, config: _Config, cover: int | None) -> State:
        """Return the state of a place where ``config`` matches, inside what the rule ``cover`` covers."""
        accepted = self._winner(config, cover)
        covering = cover if accepted is None else accepted
        floor = self._floor(covering)
        open_ = frozenset(
            (index, at) for index, at in config if at < len(self._paths[index]) and self._ranks[index] >= floor
        )
        rule = None if accepted is None else self._rules[accepted]
        acts = rule is not None and rule.definition.name not in SHIELDS
        if accepted is not None and acts:
            self._refuse_inside(accepted, open_)
            open_ = frozenset()
        key = (open_, covering, accepted)
        if (known := self._states.get(key)) is not None:
            return known
        state = self._states[key] = State(
            rule=rule if acts else None,
            shield=None if acts else rule,
            cover=self._cover(covering),
        )
        if not acts:
            state.leads_to_rules = bool(open_)
            state.descends = state.leads_to_rules or state.cover.verdict in ("fail", "default")
            self._unconnected.append((state, open_, covering))
        return state

    def _floor(self, cover: int | None) -> Rank:
        """Return the least rank that reaches inside what a rule covers."""
        return _LEAST if cover is None else self._ranks[cover]

    def _winner(self, config: _Config, cover: int | None) -> int | None:
        """Return the rule written for this place that outranks the others and what covers it."""
        floor = self._floor(cover)
        here = sorted(
            (index for index, at in config if at == len(self._paths[index]) and self._ranks[index] >= floor),
            key=lambda index: self._ranks[index],
            reverse=True,
        )
        if len(here) > 1 and self._ranks[here[0]] == self._ranks[here[1]]:
            first, second = sorted(here[:2])
            raise MappingError(
                self._rules[second].place,
                f"is as specific as {self._rules[first].place} and both can match one attribute;"
                " remove one or name the attribute in full",
            )
        return here[0] if here else None

    def _refuse_inside(self, outer: int, open_: _Config) -> None:
        """Refuse what is written for the inside of a value that is replaced as a whole."""
        for index, _ in sorted(open_):
            # A ** meets what the other rule replaces by chance, and acts elsewhere too.
            if Wildcard.DEPTH not in self._paths[index] and Wildcard.DEPTH not in self._paths[outer]:
                raise self._inside(index, self._rules[outer])
            self._replaced[index] = self._rules[outer]

    def _inside(self, inner: int, outer: Rule) -> MappingError:
        return MappingError(
            self._rules[inner].place,
            f"lies inside {outer.place}, which {outer.definition.name} replaces as a whole;"
            " remove one of the two, or map the outer one to passthrough or drop",
        )

    def _cover(self, covering: int | None) -> Cover:
        if covering is None:
            return self._unmapped
        return DROPPED if self._rules[covering].definition.name == "drop" else KEEP

    def _connect_indexes(self, state: State, open_: _Config, cover: int | None) -> None:
        indexes = {step for index, at in open_ if isinstance(step := self._paths[index][at], int)}
        state.other_index = self._after(open_, _OTHER_INDEX, cover)
        state.indexes = {index: self._after(open_, index, cover) for index in sorted(indexes)}

    def _connect_names(self, state: State, open_: _Config, cover: int | None) -> None:
        names = {step for index, at in open_ if isinstance(step := self._paths[index][at], str)}
        state.other_name = self._after(open_, _name_besides(names), cover)
        state.names = {name: self._after(open_, name, cover) for name in sorted(names)}
        state.created = tuple(
            (name, child.rule)
            for name, child in state.names.items()
            if child.rule is not None and child.rule.options.when_missing == "generate"
        )

    def _after(self, open_: _Config, step: str | int, cover: int | None) -> State:
        by_rule: dict[int, set[int]] = {}
        for index, at in open_:
            by_rule.setdefault(index, set()).add(at)
        return self._state(
            frozenset(
                (index, at)
                for index, positions in by_rule.items()
                for at in advance(self._paths[index], frozenset(positions), step)
            ),
            cover,
        )


def _name_besides(names: set[str]) -> str:
    """Return a name that is none of ``names``, to stand for all others."""
    other = "other"
    while other in names:
        other += "_"
    return other


def build_automaton(
    rules: Sequence[Rule], paths: Sequence[Path], unmapped: Cover, key_attributes: Sequence[str]
) -> State:
    """Return the state at an item's top level.

    Args:
        rules: the mapped rules.
        paths: their paths, in the same order.
        unmapped: what becomes of the leaves that no rule covers.
        key_attributes: the table's primary key; they pass through unless a rule's path is exactly their name.

    Raises:
        MappingError: two rules of equal rank can match one attribute, a rule lies inside one that replaces the
            whole value, or it never takes effect.
    """
    start = _Builder(rules, paths, unmapped).build()
    for name in key_attributes:
        if (name,) not in paths:
            start.names[name] = State(rule=None, shield=None, cover=KEEP)
    return start
