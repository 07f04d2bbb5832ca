"""One chunk's way through a plan.

The source items are never changed: the results are new items that share the branches in which nothing happened. So
a rule that looks at an item's siblings sees them as they were in the source.

A value whose rule can transform it alone is transformed where it is met, and so is a set of such values. All
others are put aside: those of rules that work on whole columns, missing ones to be created, NULL, "", what is of a
type that the rule does not take, and what its transformer failed on. They are acted on rule by rule, by every
option that a rule has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from airflow_dynsync.engine.compiler import Rule
from airflow_dynsync.engine.definitions import DROP, Chunk, Column, Drop, Place
from airflow_dynsync.engine.errors import TransformError
from airflow_dynsync.engine.paths import format_path
from airflow_dynsync.engine.statistics import Occurrence
from airflow_dynsync.engine.values import (
    A_NEW_TYPE,
    ELEMENT_OF_SET,
    NULL,
    TYPE_IN_WORDS,
    WireItem,
    WireValue,
)
from airflow_dynsync.engine.visits import Branch, Container

Slot = tuple[Container, Place, WireValue | None, int]
"""A place in a result item where a rule acts, with what the source has there (None: nothing), and its row."""

_HOLE: Final[WireValue] = {}
"""Stands in a list for an element that is removed, until all indexes have served."""


class Execution:
    """One application of a plan to one chunk.

    Args:
        visit: the function of an item's members.
        rules: the plan's.
        chunk: the source items.

    Attributes:
        slots: by rule, what is put aside.
        transformed: by rule, how many values were transformed where they were met.
        defaulted: likewise for defaults, by the top-level attribute.
        counts: all other outcomes; after `run`, all of them.
    """

    def __init__(self, visit: Branch, rules: Sequence[Rule], chunk: Chunk) -> None:
        self._visit = visit
        self._rules = rules
        self.chunk = chunk
        self.slots: list[list[Slot]] = [[] for _ in rules]
        self.transformed = [0] * len(rules)
        self.defaulted: list[Counter[str | int]] = [Counter() for _ in rules]
        self._lists_with_holes: dict[int, list[WireValue]] = {}
        self.counts: Counter[Occurrence] = Counter()

    def run(self) -> list[WireItem]:
        """Return the chunk's items, transformed."""
        items, visit = self.chunk.items, self._visit
        results = [item.copy() for item in items]
        for row, result in enumerate(results):
            visit(items[row], result, row, (), self)
        for rule, slots in zip(self._rules, self.slots, strict=True):
            if slots:
                self._act(rule, slots)
        for elements in self._lists_with_holes.values():
            elements[:] = [element for element in elements if element is not _HOLE]
        for rule, count, defaulted in zip(self._rules, self.transformed, self.defaulted, strict=True):
            if count:
                self.counts[rule, None, "transformed"] += count
            for attribute, met in defaulted.items():
                self.counts[rule, attribute, "transformed"] += met
        return results

    def unmapped(self, place: Place, kind: str, row: int) -> TransformError:
        """Return the error of a leaf that no rule covers where none may be left."""
        return TransformError(
            "unmapped",
            f"no rule covers {format_path(place)}, {TYPE_IN_WORDS.get(kind, A_NEW_TYPE)}; map it or choose"
            " another policy for unmapped attributes",
            row=row,
        )

    def remove(self, container: Container, key: str | int) -> None:
        """Remove a value from a result."""
        if isinstance(container, list) and isinstance(key, int):
            container[key] = _HOLE
            self._lists_with_holes[id(container)] = container
        else:
            container.pop(key, None)

    def is_emptied(self, inside: Container) -> bool:
        """Tell whether every member of a map or element of a list was removed."""
        return not inside if isinstance(inside, dict) else all(element is _HOLE for element in inside)

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
                self.count(rule, place, "kept_null")
            elif value[kind] == "" and rule.definition.keeps_empty:
                self.count(rule, place, "kept_empty")
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
            self.chunk.counted.clear()
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
        column = Column(self.chunk, given, list(rows), list(places))
        for slot, result in zip(slots, rule.step(column), strict=True):
            container, place, value, _ = slot
            if rule.is_key:
                self._check_key(rule, slot, result)
            if result is DROP:
                self.remove(container, place[-1])
                self.count(rule, place, "dropped")
            elif _is_emptied_set(result):
                self._replace(rule, slot, rule.options.on_empty_set, "set_emptied")
            else:
                container[place[-1]] = result
                self.count(rule, place, "generated" if value is None else "transformed")

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
        results = iter(rule.step(Column(self.chunk, values, rows, places)))
        for slot, kind, kept, count in sets:
            given = [result for result in islice(results, count) if result is not DROP and result != NULL]
            if any(ELEMENT_OF_SET[kind] not in result for result in given):
                self._mismatch(rule, slot, kind)
            elif members := dict.fromkeys(kept + [result[ELEMENT_OF_SET[kind]] for result in given]):
                container, place, _, _ = slot
                container[place[-1]] = {kind: list(members)}
                self.count(rule, place, "transformed")
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
                cause = f"{name} takes {takes}, and met {TYPE_IN_WORDS.get(kind, A_NEW_TYPE)}"
            hint = {"L": "map its elements with [*] or ", "M": "map its keys or "}.get(kind, "")
            raise TransformError(
                rule.place, f"{cause}; {hint}set on_type_mismatch (passthrough, null, drop)", row=slot[3]
            )
        self._replace(rule, slot, action, f"mismatch_{action}")

    def _replace(self, rule: Rule, slot: Slot, action: str, outcome: str) -> None:
        container, place, _, _ = slot
        if action == "drop":
            self.remove(container, place[-1])
        elif action == "null":
            container[place[-1]] = NULL
        self.count(rule, place, outcome)

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
        for (inner, attribute, outcome), count in self.chunk.counted.items():
            self.counts[inner or rule, attribute if rule.path is None else None, outcome] += count
        self.chunk.counted.clear()

    def count(self, rule: Rule, place: Place, outcome: str) -> None:
        """Count what became of one value."""
        self.counts[rule, place[0] if rule.path is None else None, outcome] += 1


def _is_emptied_set(result: WireValue | Drop) -> bool:
    return not isinstance(result, Drop) and any(result.get(kind) == [] for kind in ELEMENT_OF_SET)
