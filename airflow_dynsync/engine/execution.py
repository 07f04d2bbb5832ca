"""One chunk's way through a plan: gather what the rules act on, transform it column by column, put it back.

Everything is read before anything is written, so a rule that looks at an item's siblings sees them as they were in
the source. The source items are never changed: the results are new items that share the branches in which nothing
happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from airflow_dynsync.engine.automaton import Cover, State
from airflow_dynsync.engine.compiler import Rule
from airflow_dynsync.engine.definitions import DROP, Chunk, Column, Drop
from airflow_dynsync.engine.errors import TransformError
from airflow_dynsync.engine.paths import format_path
from airflow_dynsync.engine.statistics import Occurrence
from airflow_dynsync.engine.values import (
    ELEMENT_OF_SET,
    NULL,
    TYPE_IN_WORDS,
    WireItem,
    WireValue,
)

Place = tuple[str | int, ...]
Container = Any
"""The dict or list of a result item that holds a value, addressed by the last step of its place."""


class Slot(NamedTuple):
    """A place in a result item where a rule acts, with what the source has there (None: nothing)."""

    container: Container
    place: Place
    value: WireValue | None
    row: int


_HOLE: Final[WireValue] = {}
"""Stands in a list for an element that is removed, until all indexes have served."""


class Execution:
    """One application of a plan to one chunk."""

    def __init__(self, root: State, rules: Sequence[Rule], chunk: Chunk) -> None:
        self._root = root
        self._rules = rules
        self._chunk = chunk
        self._slots: list[list[Slot]] = [[] for _ in rules]
        self._lists_with_holes: dict[int, list[WireValue]] = {}
        self.counts: Counter[Occurrence] = Counter()

    def run(self) -> list[WireItem]:
        """Return the chunk's items, transformed."""
        results = [dict(item) for item in self._chunk.items]
        for row, result in enumerate(results):
            self._visit_map(self._root, result, row, ())
        for rule, slots in zip(self._rules, self._slots, strict=True):
            if slots:
                self._act(rule, slots)
        for elements in self._lists_with_holes.values():
            elements[:] = [element for element in elements if element is not _HOLE]
        return results

    def _visit_map(self, state: State, members: dict[str, WireValue], row: int, trail: Place) -> None:
        other = state.other_name
        if other is None or other.inert:
            for name, child in state.names.items():
                value = members.get(name)
                if value is not None:
                    self._visit(child, members, (*trail, name), value, row)
        else:
            for name, value in list(members.items()):
                self._visit(state.names.get(name, other), members, (*trail, name), value, row)
        for name, rule in state.created:
            if name not in members:
                self._slots[rule.index].append(Slot(members, (*trail, name), None, row))

    def _visit_list(self, state: State, elements: list[WireValue], row: int, trail: Place) -> None:
        other = state.other_index
        indexes = state.indexes if other is None or other.inert else range(len(elements))
        for index in indexes:
            if index < len(elements):
                child = state.indexes.get(index, other)
                if child is not None:
                    self._visit(child, elements, (*trail, index), elements[index], row)

    def _visit(self, state: State, container: Container, place: Place, value: WireValue, row: int) -> None:
        if state.rule is not None:
            self._slots[state.rule.index].append(Slot(container, place, value, row))
            return
        if state.shield is not None:
            self._count(state.shield, place, "dropped" if state.cover.verdict == "drop" else "kept")
        ((kind, payload),) = value.items()
        if state.descends and kind == "M" and (payload or state.created):
            members = dict(payload)
            container[place[-1]] = {"M": members}
            self._visit_map(state, members, row, place)
            if state.cover.verdict == "drop" and not members and not state.created:
                self._remove(container, place[-1])
        elif state.descends and kind == "L" and payload:
            elements = list(payload)
            container[place[-1]] = {"L": elements}
            self._visit_list(state, elements, row, place)
            if state.cover.verdict == "drop" and all(element is _HOLE for element in elements):
                self._remove(container, place[-1])
        else:
            self._visit_leaf(state.cover, container, place, value, kind, row)

    def _visit_leaf(
        self, cover: Cover, container: Container, place: Place, value: WireValue, kind: str, row: int
    ) -> None:
        if cover.verdict == "default":
            rule = cover.defaults.get(kind)
            if rule is not None:
                self._slots[rule.index].append(Slot(container, place, value, row))
        elif cover.verdict == "drop":
            self._remove(container, place[-1])
            if cover.dropping is not None:
                self._count(cover.dropping, place, "dropped")
        elif cover.verdict == "fail":
            raise TransformError(
                "unmapped",
                f"no rule covers {format_path(place)}, {TYPE_IN_WORDS[kind]}; map it or choose"
                " another policy for unmapped attributes",
                row=row,
            )

    def _remove(self, container: Container, key: str | int) -> None:
        if isinstance(container, list) and isinstance(key, int):
            container[key] = _HOLE
            self._lists_with_holes[id(container)] = container
        else:
            container.pop(key, None)

    def _act(self, rule: Rule, slots: list[Slot]) -> None:
        """Hand a rule's column to its transformer and put the results in place."""
        whole: list[Slot] = []
        sets: list[Slot] = []
        for slot in slots:
            if slot.value is None:
                whole.append(slot)
                continue
            ((kind, payload),) = slot.value.items()
            if kind == "NULL" and rule.keeps_null:
                self._count(rule, slot.place, "kept_null")
            elif payload == "" and rule.definition.keeps_empty:
                self._count(rule, slot.place, "kept_empty")
            elif kind in rule.definition.accepts or kind == "NULL":
                whole.append(slot)
            elif ELEMENT_OF_SET.get(kind) in rule.definition.accepts:
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
        column = Column(
            self._chunk,
            [NULL if slot.value is None else slot.value for slot in slots],
            [slot.row for slot in slots],
            [slot.place for slot in slots],
        )
        for slot, result in zip(slots, rule.step(column), strict=True):
            if rule.is_key:
                self._check_key(rule, slot, result)
            if result is DROP:
                self._remove(slot.container, slot.place[-1])
                self._count(rule, slot.place, "dropped")
            elif _is_emptied_set(result):
                self._replace(rule, slot, rule.options.on_empty_set, "set_emptied")
            else:
                slot.container[slot.place[-1]] = result
                self._count(rule, slot.place, "generated" if slot.value is None else "transformed")

    def _act_on_sets(self, rule: Rule, slots: list[Slot]) -> None:
        """Transform sets element by element; elements are ranked, so that a set's order does not matter."""
        column = Column(self._chunk, [], [], [])
        sets = []
        for slot in slots:
            ((kind, payload),) = (slot.value or NULL).items()
            kept = [""] if rule.definition.keeps_empty and "" in payload else []
            elements = sorted(element for element in payload if element not in kept)
            column.values.extend({ELEMENT_OF_SET[kind]: element} for element in elements)
            column.rows.extend([slot.row] * len(elements))
            column.places.extend((*slot.place, ordinal) for ordinal in range(len(elements)))
            sets.append((slot, kind, kept, len(elements)))
        results = iter(rule.step(column))
        for slot, kind, kept, count in sets:
            given = [result for result in islice(results, count) if result is not DROP and result != NULL]
            if any(ELEMENT_OF_SET[kind] not in result for result in given):
                self._mismatch(rule, slot, kind)
            elif members := dict.fromkeys(kept + [result[ELEMENT_OF_SET[kind]] for result in given]):
                slot.container[slot.place[-1]] = {kind: list(members)}
                self._count(rule, slot.place, "transformed")
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
            hint = "; map its elements with [*]" if kind == "L" else "; map its keys" if kind == "M" else ""
            raise TransformError(
                rule.place, f"{cause}{hint} or set on_type_mismatch (passthrough, null, drop)", row=slot.row
            )
        self._replace(rule, slot, action, f"mismatch_{action}")

    def _replace(self, rule: Rule, slot: Slot, action: str, outcome: str) -> None:
        if action == "drop":
            self._remove(slot.container, slot.place[-1])
        elif action == "null":
            slot.container[slot.place[-1]] = NULL
        self._count(rule, slot.place, outcome)

    def _check_key(self, rule: Rule, slot: Slot, result: WireValue | Drop) -> None:
        before = next(iter(slot.value or NULL))
        if result is DROP or result.get(before, "") == "":
            raise TransformError(
                rule.place,
                f"a primary key keeps its type and is never empty: {TYPE_IN_WORDS[before]} was expected of"
                f" {rule.definition.name}; use another transformer",
                row=slot.row,
            )

    def _take_over(self, rule: Rule) -> None:
        """Take over what a rule's transformer counted itself, and the rules inside its values."""
        for (inner, attribute, outcome), count in self._chunk.counted.items():
            self.counts[inner or rule, attribute if rule.path is None else None, outcome] += count
        self._chunk.counted.clear()

    def _count(self, rule: Rule, place: Place, outcome: str) -> None:
        self.counts[rule, place[0] if rule.path is None else None, outcome] += 1


def _is_emptied_set(result: WireValue | Drop) -> bool:
    return result in ({"SS": []}, {"NS": []}, {"BS": []})
