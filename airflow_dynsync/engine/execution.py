"""One chunk's way through a plan.

The source items are never changed: the results are new items that share the branches in which nothing happened. So
a rule that looks at an item's siblings sees them as they were in the source.

A value whose rule can transform it alone is transformed where it is met. All others are put aside: those of rules
that work on whole columns, missing ones to be created, NULL, "", sets, what is of a type that the rule does not
take, and what its transformer failed on. They are acted on rule by rule, by every option that a rule has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final

from airflow_dynsync.engine.automaton import State
from airflow_dynsync.engine.compiler import Rule
from airflow_dynsync.engine.definitions import DROP, Chunk, Column, Drop, Place
from airflow_dynsync.engine.errors import TransformError
from airflow_dynsync.engine.paths import format_path
from airflow_dynsync.engine.statistics import Occurrence
from airflow_dynsync.engine.values import (
    CONTAINERS,
    ELEMENT_OF_SET,
    NULL,
    TYPE_IN_WORDS,
    WireItem,
    WireValue,
)

Container = Any
"""The dict or list of a result item that holds a value, addressed by the last step of its place."""


Slot = tuple[Container, Place, WireValue | None, int]
"""A place in a result item where a rule acts, with what the source has there (None: nothing), and its row."""

_HOLE: Final[WireValue] = {}
"""Stands in a list for an element that is removed, until all indexes have served."""


class Execution:
    """One application of a plan to one chunk."""

    def __init__(self, root: State, rules: Sequence[Rule], chunk: Chunk) -> None:
        self._root = root
        self._rules = rules
        self._chunk = chunk
        self._slots: list[list[Slot]] = [[] for _ in rules]
        self._transformed = [0] * len(rules)
        self._lists_with_holes: dict[int, list[WireValue]] = {}
        self.counts: Counter[Occurrence] = Counter()

    def run(self) -> list[WireItem]:
        """Return the chunk's items, transformed."""
        results = [item.copy() for item in self._chunk.items]
        for row, result in enumerate(results):
            self._visit_map(self._root, result, row, ())
        for rule, slots in zip(self._rules, self._slots, strict=True):
            if slots:
                self._act(rule, slots)
        for elements in self._lists_with_holes.values():
            elements[:] = [element for element in elements if element is not _HOLE]
        for rule, count in zip(self._rules, self._transformed, strict=True):
            if count:
                self.counts[rule, None, "transformed"] += count
        return results

    def _visit_map(self, state: State, members: dict[str, WireValue], row: int, trail: Place) -> None:
        other = state.other_name
        if other is None or other.inert:
            for name, child in state.names.items():
                value = members.get(name)
                if value is not None:
                    self._visit(child, members, (*trail, name), value, row)
        else:
            names = state.names
            for name, value in list(members.items()):
                self._visit(names.get(name, other), members, (*trail, name), value, row)
        for name, rule in state.created:
            if name not in members:
                self._slots[rule.index].append((members, (*trail, name), None, row))

    def _visit_list(self, state: State, elements: list[WireValue], row: int, trail: Place) -> None:
        other = state.other_index
        indexes = state.indexes if other is None or other.inert else range(len(elements))
        for index in indexes:
            if index < len(elements):
                child = state.indexes.get(index, other)
                if child is not None:
                    self._visit(child, elements, (*trail, index), elements[index], row)

    def _visit(self, state: State, container: Container, place: Place, value: WireValue, row: int) -> None:
        rule = state.rule
        if rule is None:
            if state.shield is not None:
                self._count(state.shield, place, "dropped" if state.cover.verdict == "drop" else "kept")
            (kind,) = value
            if kind == "M" and state.descends and (value["M"] or state.created):
                members = value["M"].copy()
                container[place[-1]] = {"M": members}
                self._visit_map(state, members, row, place)
                if state.cover.verdict == "drop" and not members and not state.created:
                    self._remove(container, place[-1])
                return
            if kind == "L" and state.descends and value["L"]:
                elements = value["L"].copy()
                container[place[-1]] = {"L": elements}
                self._visit_list(state, elements, row, place)
                if state.cover.verdict == "drop" and all(element is _HOLE for element in elements):
                    self._remove(container, place[-1])
                return
            rule = state.cover.defaults.get(kind)
            if rule is None:
                if state.cover.verdict in ("drop", "fail"):
                    self._refuse(state, container, place, kind, row)
                return
        if rule.alone is not None:
            try:
                result = rule.alone(value, self._chunk, row, place)
            except Exception:  # noqa: BLE001 - put aside; the rule's step says what is wrong
                result = None
            if result is DROP:
                self._remove(container, place[-1])
                self._count(rule, place, "dropped")
                return
            if result is not None:
                container[place[-1]] = result
                if rule.path is None:
                    self._count(rule, place, "transformed")
                else:
                    self._transformed[rule.index] += 1
                return
        self._slots[rule.index].append((container, place, value, row))

    def _refuse(self, state: State, container: Container, place: Place, kind: str, row: int) -> None:
        """Do what is done to an unmapped leaf that may not stay; an empty list whose elements are mapped may."""
        cover = state.cover
        if cover.verdict == "fail":
            if state.leads_to_rules and kind in CONTAINERS:
                return
            raise TransformError(
                "unmapped",
                f"no rule covers {format_path(place)}, {TYPE_IN_WORDS[kind]}; map it or choose"
                " another policy for unmapped attributes",
                row=row,
            )
        self._remove(container, place[-1])
        if cover.dropping is not None:
            self._count(cover.dropping, place, "dropped")

    def _remove(self, container: Container, key: str | int) -> None:
        if isinstance(container, list) and isinstance(key, int):
            container[key] = _HOLE
            self._lists_with_holes[id(container)] = container
        else:
            container.pop(key, None)

    def _act(self, rule: Rule, slots: list[Slot]) -> None:
        """Hand a rule's column to its transformer and put the results in place."""
        accepts = rule.definition.accepts
        whole: list[Slot] = []
        sets: list[Slot] = []
        for slot in slots:
            _, place, value, _ = slot
            if value is None:
                whole.append(slot)
                continue
            (kind,) = value
            if kind == "NULL" and rule.keeps_null:
                self._count(rule, place, "kept_null")
            elif value[kind] == "" and rule.definition.keeps_empty:
                self._count(rule, place, "kept_empty")
            elif kind in accepts or kind == "NULL":
                whole.append(slot)
            elif ELEMENT_OF_SET.get(kind) in accepts:
                sets.append(slot)
            else:
                self._mismatch(rule, slot, kind)
        if whole:
            self._act_where_it_fits(self._act_on_values, rule, whole)
        if sets:
            self._act_where_it_fits(self._act_on_sets, rule, sets)

    def _act_where_it_fits(self, act: Callable[[Rule, list[Slot]], None], rule: Rule, slots: list[Slot]) -> None:
        """Act on a column; where values in it have a wrong form, find them by halves and do what the rule says."""
        try:
            act(rule, slots)
            self._take_over(rule)
        except TransformError as error:
            self._chunk.counted.clear()
            if not error.wrong_form:
                raise
            policy = rule.options.on_type_mismatch
            if policy == "fail":
                hint = "or set on_type_mismatch (passthrough, null, drop)"
                raise TransformError(error.place, f"{error.message}, {hint}", row=error.row) from None
            if len(slots) == 1:
                self._replace(rule, slots[0], policy, f"mismatch_{policy}")
            else:
                middle = len(slots) // 2
                self._act_where_it_fits(act, rule, slots[:middle])
                self._act_where_it_fits(act, rule, slots[middle:])

    def _act_on_values(self, rule: Rule, slots: list[Slot]) -> None:
        _, places, values, rows = zip(*slots, strict=True)
        given = [NULL if value is None else value for value in values]
        column = Column(self._chunk, given, list(rows), list(places))
        for slot, result in zip(slots, rule.step(column), strict=True):
            container, place, value, _ = slot
            if rule.is_key:
                self._check_key(rule, slot, result)
            if result is DROP:
                self._remove(container, place[-1])
                self._count(rule, place, "dropped")
            elif _is_emptied_set(result):
                self._replace(rule, slot, rule.options.on_empty_set, "set_emptied")
            else:
                container[place[-1]] = result
                self._count(rule, place, "generated" if value is None else "transformed")

    def _act_on_sets(self, rule: Rule, slots: list[Slot]) -> None:
        """Transform sets element by element; elements are ranked, so that a set's order does not matter."""
        values: list[WireValue] = []
        rows: list[int] = []
        places: list[Place] = []
        sets = []
        for slot in slots:
            _, place, value, row = slot
            ((kind, payload),) = (value or NULL).items()
            kept = [""] if rule.definition.keeps_empty and "" in payload else []
            elements = sorted(element for element in payload if element not in kept)
            values.extend({ELEMENT_OF_SET[kind]: element} for element in elements)
            rows.extend([row] * len(elements))
            places.extend((*place, ordinal) for ordinal in range(len(elements)))
            sets.append((slot, kind, kept, len(elements)))
        results = iter(rule.step(Column(self._chunk, values, rows, places)))
        for slot, kind, kept, count in sets:
            given = [result for result in islice(results, count) if result is not DROP and result != NULL]
            if any(ELEMENT_OF_SET[kind] not in result for result in given):
                self._mismatch(rule, slot, kind)
            elif members := dict.fromkeys(kept + [result[ELEMENT_OF_SET[kind]] for result in given]):
                container, place, _, _ = slot
                container[place[-1]] = {kind: list(members)}
                self._count(rule, place, "transformed")
            else:
                self._replace(rule, slot, rule.options.on_empty_set, "set_emptied")

    def _mismatch(self, rule: Rule, slot: Slot, kind: str) -> None:
        """Do what the rule says about a value that its transformer cannot take, or a set it cannot fill."""
        action = rule.options.on_type_mismatch
        if action == "fail":
            name = rule.definition.name
            if ELEMENT_OF_SET.get(kind) in rule.definition.accepts:
                cause = f"{name} gave elements of another type for {TYPE_IN_WORDS[kind]}"
            else:
                takes = ", ".join(sorted(rule.definition.accepts))
                cause = f"{name} takes {takes}, and met {TYPE_IN_WORDS[kind]}"
            hint = {"L": "map its elements with [*] or ", "M": "map its keys or "}.get(kind, "")
            raise TransformError(
                rule.place, f"{cause}; {hint}set on_type_mismatch (passthrough, null, drop)", row=slot[3]
            )
        self._replace(rule, slot, action, f"mismatch_{action}")

    def _replace(self, rule: Rule, slot: Slot, action: str, outcome: str) -> None:
        container, place, _, _ = slot
        if action == "drop":
            self._remove(container, place[-1])
        elif action == "null":
            container[place[-1]] = NULL
        self._count(rule, place, outcome)

    def _check_key(self, rule: Rule, slot: Slot, result: WireValue | Drop) -> None:
        _, _, value, row = slot
        before = next(iter(value or NULL))
        if result is DROP or result.get(before, "") == "":
            raise TransformError(
                rule.place,
                f"a primary key keeps its type and is never empty: {TYPE_IN_WORDS[before]} was expected of"
                f" {rule.definition.name}; use another transformer",
                row=row,
            )

    def _take_over(self, rule: Rule) -> None:
        """Take over what a rule's transformer counted itself, and the rules inside its values."""
        for (inner, attribute, outcome), count in self._chunk.counted.items():
            self.counts[inner or rule, attribute if rule.path is None else None, outcome] += count
        self._chunk.counted.clear()

    def _count(self, rule: Rule, place: Place, outcome: str) -> None:
        self.counts[rule, place[0] if rule.path is None else None, outcome] += 1


def _is_emptied_set(result: WireValue | Drop) -> bool:
    return not isinstance(result, Drop) and any(result.get(kind) == [] for kind in ELEMENT_OF_SET)
