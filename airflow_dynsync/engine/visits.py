"""The states of the automaton as functions: each does what is to be done with the value at one place of an item.

They are made once, when a mapping is compiled, and hold what a chunk does not change; so a visit is one call. It
looks at mapped branches only, and goes through all of an item only where a default for unmapped leaves asks for
it. A function never changes the source: it puts what changes into the copies that the results are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from airflow_dynsync.engine.definitions import DROP, Chunk, Place
from airflow_dynsync.engine.values import CONTAINERS, ELEMENT_OF_SET, EVERY_TYPE, WireValue

if TYPE_CHECKING:
    from airflow_dynsync.engine.automaton import Cover, State
    from airflow_dynsync.engine.compiler import Rule
    from airflow_dynsync.engine.execution import Execution
    from airflow_dynsync.engine.lifting import Alone

Container = Any
"""The map or list of a result that holds a value."""

Visit = Callable[[WireValue, Container, str | int, int, Place, "Execution"], None]
"""``(value, container, key, row, trail, run)``: a value, and its place in the result, at the end of a trail."""

Branch = Callable[[Any, Container, int, Place, "Execution"], None]
"""``(payload, copy, row, place, run)``: the members of a map or the elements of a list, and their copy."""


def compile_visits(root: State) -> Branch:
    """Give every state behind ``root`` its function, and return the one for the members of an item."""
    states = [root]
    known = {root}
    for state in states:
        state.visit = _acting(state.rule) if state.rule is not None else _passing(state)
        behind = {*state.names.values(), state.other_name, *state.indexes.values(), state.other_index, None}
        fresh = [each for each in behind if each is not None and each not in known]
        states += fresh
        known.update(fresh)
    return _members(root)


def _acting(rule: Rule) -> Visit:
    """Return the function of a place where a rule acts."""
    index, single = rule.index, rule.single
    is_default = rule.path is None

    def put_aside(
        value: WireValue, container: Container, key: str | int, row: int, trail: Place, run: Execution
    ) -> None:
        run.slots[index].append((container, (*trail, key), value, row))

    if single is None:
        return put_aside
    alone = single.alone
    remembered, transform = single.of_value

    def visit(
        value: WireValue, container: Container, key: str | int, row: int, trail: Place, run: Execution
    ) -> None:
        try:
            (kind,) = value
            if (known := remembered.get(kind)) is not None:
                payload = value[kind]
                result = known.get(payload)
                if result is None and payload:
                    result = transform(kind, payload, known)
            else:
                result = alone(value, run.chunk, row, trail, key)
                if result is None:
                    result = _elements_alone(alone, value, run.chunk, row, (*trail, key))
        except Exception:  # noqa: BLE001 - put aside; the rule's step says what is wrong
            result = None
        if result is None:
            run.slots[index].append((container, (*trail, key), value, row))
        elif result is DROP:
            run.remove(container, key)
            run.count(rule, (*trail, key), "dropped")
        else:
            container[key] = result
            if is_default:
                run.defaulted[index][trail[0] if trail else key] += 1
            else:
                run.transformed[index] += 1

    return visit


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


def _passing(state: State) -> Visit:
    """Return the function of a place that no rule is written for, or only a shield."""
    shield, dropping, descends = state.shield, state.cover.verdict == "drop", state.descends
    of_map, of_list = _members(state), _elements(state)
    leaves = _leaves(state.cover, leads=state.leads_to_rules)
    creates = bool(state.created)

    def visit(
        value: WireValue, container: Container, key: str | int, row: int, trail: Place, run: Execution
    ) -> None:
        if shield is not None:
            run.count(shield, (*trail, key), "dropped" if dropping else "kept")
        (kind,) = value
        if descends and kind in CONTAINERS and ((payload := value[kind]) or (creates and kind == "M")):
            copy = payload.copy()
            container[key] = {kind: copy}
            if kind == "M":
                of_map(payload, copy, row, (*trail, key), run)
                emptied = not copy and not creates
            else:
                of_list(payload, copy, row, (*trail, key), run)
                emptied = run.is_emptied(copy)
            if dropping and emptied:
                run.remove(container, key)
        elif (leaf := leaves.get(kind)) is not None:
            leaf(value, container, key, row, trail, run)

    return visit


def _leaves(cover: Cover, *, leads: bool) -> dict[str, Visit]:
    """Return what is done with a leaf that no rule covers, by its type; nothing where a type is not named."""
    if cover.verdict == "keep":
        return {}
    if cover.verdict == "default":
        return {kind: _acting(rule) for kind, rule in cover.defaults.items()}

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

    return dict.fromkeys(EVERY_TYPE, refuse)


def _members(state: State) -> Branch:
    """Return the function of the members of a map."""
    named = _active(state.names.items())
    other, names = state.other_name, state.names
    created = state.created

    def of_names(payload: Any, copy: Container, row: int, place: Place, run: Execution) -> None:
        for name, child in named:
            value = payload.get(name)
            if value is not None:
                child.visit(value, copy, name, row, place, run)
        for name, rule in created:
            if name not in payload:
                run.slots[rule.index].append((copy, (*place, name), None, row))

    if other is None or other.inert:
        return of_names

    def of_all(payload: Any, copy: Container, row: int, place: Place, run: Execution) -> None:
        for name, value in payload.items():
            names.get(name, other).visit(value, copy, name, row, place, run)
        for name, rule in created:
            if name not in payload:
                run.slots[rule.index].append((copy, (*place, name), None, row))

    return of_all


def _elements(state: State) -> Branch:
    """Return the function of the elements of a list."""
    indexed = _active(state.indexes.items())
    other, indexes = state.other_index, state.indexes

    def of_indexes(payload: Any, copy: Container, row: int, place: Place, run: Execution) -> None:
        for index, child in indexed:
            if index < len(payload):
                child.visit(payload[index], copy, index, row, place, run)

    if other is None or other.inert:
        return of_indexes

    def of_all(payload: Any, copy: Container, row: int, place: Place, run: Execution) -> None:
        for index, value in enumerate(payload):
            indexes.get(index, other).visit(value, copy, index, row, place, run)

    return of_all


def _active(steps: Iterable[tuple[Any, State]]) -> tuple[tuple[Any, State], ...]:
    return tuple((step, child) for step, child in steps if not child.inert)
