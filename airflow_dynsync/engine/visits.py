"""The states of the automaton as functions: each does what is to be done with the value at one place of an item.

`walks` writes the way of most values out, as source of its own; these functions are for all others.

They are made once, when a mapping is compiled, and hold what a chunk does not change; so a visit is one call. It
looks at mapped branches only, and goes through all of an item only where a default for unmapped leaves asks for
it. A function never changes the source: it puts what changes into the copies that the results are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from airflow_dynsync.engine.definitions import DROP, Chunk, Drop, Place
from airflow_dynsync.engine.values import CONTAINERS, ELEMENT_OF_SET, EVERY_TYPE, WireValue
from airflow_dynsync.engine.walks import compile_walks

if TYPE_CHECKING:
    from airflow_dynsync.engine.automaton import Cover, State
    from airflow_dynsync.engine.compiler import Rule
    from airflow_dynsync.engine.execution import Execution
    from airflow_dynsync.engine.lifting import Alone, Transform

Container = Any
"""The map or list of a result that holds a value."""

Visit = Callable[[WireValue, Container, str | int, int, Place, "Execution"], None]
"""``(value, container, key, row, trail, run)``: a value, and its place in the result, at the end of a trail."""

Branch = Callable[[Any, Container, int, Place, "Execution"], None]
"""``(payload, copy, row, place, run)``: the members of a map or the elements of a list, and their copy."""


class Visits(dict[str, "Visit | None"]):
    """By the type letter of a value what is done with it at one place; None where it stays as it is.

    Args:
        otherwise: what is done with a value of a type that nobody knows yet.
    """

    __slots__ = ("otherwise",)

    def __init__(self, otherwise: Visit | None = None) -> None:
        super().__init__(dict.fromkeys(EVERY_TYPE, otherwise))
        self.otherwise = otherwise

    def __missing__(self, kind: str) -> Visit | None:
        return self.otherwise


def compile_visits(root: State) -> Branch:
    """Give every state behind ``root`` its functions, and return the one for the members of an item."""
    states = [root]
    known = {root}
    for state in states:
        state.visits, state.walks = Visits(), {}  # filled below: each holds those of the states behind it
        behind = {*state.names.values(), state.other_name, *state.indexes.values(), state.other_index, None}
        fresh = [each for each in behind if each is not None and each not in known]
        states += fresh
        known.update(fresh)
    for state in states:
        made = _acting(state.rule) if state.rule is not None else _passing(state)
        state.visits.update(made)
        state.visits.otherwise = made.otherwise
        if state.descends:
            state.walks.update(M=_members(state), L=_elements(state))
    compile_walks(root, states)
    return root.walks["M"]


def _acting(rule: Rule) -> Visits:
    """Return the functions of a place where a rule acts."""
    index, single = rule.index, rule.single
    is_default = rule.path is None

    def put_aside(
        value: WireValue, container: Container, key: str | int, row: int, trail: Place, run: Execution
    ) -> None:
        run.slots[index].append((container, (*trail, key), value, row))

    if single is None:
        return Visits(put_aside)
    alone = single.alone

    def settle(
        result: WireValue | Drop | None,
        value: WireValue,
        container: Container,
        key: str | int,
        row: int,
        trail: Place,
        run: Execution,
    ) -> None:
        if result is None:
            put_aside(value, container, key, row, trail, run)
        elif result is DROP:
            run.remove(container, key)
            run.count(rule, (*trail, key), "dropped")
        else:
            container[key] = result
            if is_default:
                run.defaulted[index][trail[0] if trail else key] += 1
            else:
                run.transformed[index] += 1

    def visit_alone(
        value: WireValue, container: Container, key: str | int, row: int, trail: Place, run: Execution
    ) -> None:
        try:
            result = alone(value, run.chunk, row, trail, key)
            if result is None:
                result = _elements_alone(alone, value, run.chunk, row, (*trail, key))
        except Exception:  # noqa: BLE001 - put aside; the rule's step says what is wrong
            result = None
        settle(result, value, container, key, row, trail, run)

    def of_value(kind: str, remembered: dict[str, WireValue | Drop], transform: Transform) -> Visit:
        def visit(
            value: WireValue, container: Container, key: str | int, row: int, trail: Place, run: Execution
        ) -> None:
            try:
                payload = value[kind]
                result = remembered.get(payload)
                if result is None and payload:
                    result = transform(payload)
            except Exception:  # noqa: BLE001 - put aside; the rule's step says what is wrong
                result = None
            if result is None or result is DROP:
                settle(result, value, container, key, row, trail, run)
                return
            container[key] = result  # as `settle` does, without the call: this is the way of most values
            if is_default:
                run.defaulted[index][trail[0] if trail else key] += 1
            else:
                run.transformed[index] += 1

        return visit

    visits = Visits(visit_alone)
    visits.update((kind, of_value(kind, *each)) for kind, each in single.of_value.items())
    return visits


def _elements_alone(alone: Alone, value: WireValue, chunk: Chunk, row: int, place: Place) -> WireValue | None:
    """Return a set whose elements, ranked, are transformed alone, or None where that is not all there is to do."""
    ((kind, payload),) = value.items()
    of_elements = ELEMENT_OF_SET.get(kind)
    if of_elements is None or not payload or "" in payload:
        return None
    elements = []
    for ordinal, element in enumerate(sorted(payload)):
        result = alone({of_elements: element}, chunk, row, place, ordinal)
        if result is None or result is DROP or of_elements not in result:
            return None
        elements.append(result[of_elements])
    return {kind: [*dict.fromkeys(elements)]}


def _passing(state: State) -> Visits:
    """Return the functions of a place that no rule is written for, or only a shield."""
    shield, dropping = state.shield, state.cover.verdict == "drop"
    visits = _leaves(state.cover, leads=state.leads_to_rules)
    if state.descends:
        visits["M"] = _branch("M", visits["M"], state)
        visits["L"] = _branch("L", visits["L"], state)
    if shield is None:
        return visits

    def count(
        value: WireValue, container: Container, key: str | int, row: int, trail: Place, run: Execution
    ) -> None:
        run.count(shield, (*trail, key), "dropped" if dropping else "kept")
        (kind,) = value
        visit = visits[kind]
        if visit is not None:
            visit(value, container, key, row, trail, run)

    return Visits(count)


def _branch(kind: str, leaf: Visit | None, state: State) -> Visit:
    """Return what is done with a map or a list whose inside is looked at, or that is empty: then it is a leaf."""
    dropping, creates = state.cover.verdict == "drop", kind == "M" and bool(state.created)
    walks = state.walks

    def visit(
        value: WireValue, container: Container, key: str | int, row: int, trail: Place, run: Execution
    ) -> None:
        payload = value[kind]
        if payload or creates:
            copy = payload.copy()
            container[key] = {kind: copy}
            walks[kind](payload, copy, row, (*trail, key), run)
            if dropping and not creates and run.is_emptied(copy):
                run.remove(container, key)
        elif leaf is not None:
            leaf(value, container, key, row, trail, run)

    return visit


def _leaves(cover: Cover, *, leads: bool) -> Visits:
    """Return what is done with a leaf that no rule covers."""
    if cover.verdict == "keep":
        return Visits()

    def refuse(
        value: WireValue, container: Container, key: str | int, row: int, trail: Place, run: Execution
    ) -> None:
        (kind,) = value
        if cover.verdict == "drop":
            run.remove(container, key)
            if cover.dropping is not None:
                run.count(cover.dropping, (*trail, key), "dropped")
        elif not (leads and kind in CONTAINERS):  # an empty list whose elements are mapped is not unmapped
            raise run.unmapped((*trail, key), kind, row)

    if cover.verdict != "default":
        return Visits(refuse)
    visits = Visits()
    visits.update((kind, _acting(rule)[kind]) for kind, rule in cover.defaults.items())
    visits.otherwise = refuse  # no default was written with a type in mind that nobody knows yet
    return visits


def _members(state: State) -> Branch:
    """Return the function of the members of a map."""
    named = _active(state.names.items())
    other, created = state.other_name, state.created

    def of_names(payload: Any, copy: Container, row: int, place: Place, run: Execution) -> None:
        for name, visits in named:
            value = payload.get(name)
            if value is not None:
                (kind,) = value
                visit = visits[kind]
                if visit is not None:
                    visit(value, copy, name, row, place, run)
        for name, rule in created:
            if name not in payload:
                run.slots[rule.index].append((copy, (*place, name), None, row))

    if other is None or other.inert:
        return of_names
    visits_of = {name: child.visits for name, child in state.names.items()}
    visits_of_other = other.visits

    def of_all(payload: Any, copy: Container, row: int, place: Place, run: Execution) -> None:
        for name, value in payload.items():
            (kind,) = value
            visit = visits_of.get(name, visits_of_other)[kind]
            if visit is not None:
                visit(value, copy, name, row, place, run)
        for name, rule in created:
            if name not in payload:
                run.slots[rule.index].append((copy, (*place, name), None, row))

    return of_all


def _elements(state: State) -> Branch:
    """Return the function of the elements of a list."""
    indexed = _active(state.indexes.items())
    other = state.other_index

    def of_indexes(payload: Any, copy: Container, row: int, place: Place, run: Execution) -> None:
        for index, visits in indexed:
            if index < len(payload):
                (kind,) = value = payload[index]
                visit = visits[kind]
                if visit is not None:
                    visit(value, copy, index, row, place, run)

    if other is None or other.inert:
        return of_indexes
    visits_of = {index: child.visits for index, child in state.indexes.items()}
    visits_of_other = other.visits

    def of_all(payload: Any, copy: Container, row: int, place: Place, run: Execution) -> None:
        for index, value in enumerate(payload):
            (kind,) = value
            visit = visits_of.get(index, visits_of_other)[kind]
            if visit is not None:
                visit(value, copy, index, row, place, run)

    return of_all


def _active(steps: Iterable[tuple[Any, State]]) -> tuple[tuple[Any, Visits], ...]:
    return tuple((step, child.visits) for step, child in steps if not child.inert)
