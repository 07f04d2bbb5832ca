"""The ways through the maps and lists of an item, as source that is made for a mapping.

A value is replaced at less cost than it is handed from function to function until somebody replaces it. So what
most values need stands where they are met: what is remembered of them, the call of their transformer, the way into
the next map or list, and counters that are local. All else is left to the functions of `visits`. Nothing of a
mapping becomes a part of the source: names and functions are constants of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from airflow_dynsync.engine.definitions import DROP

if TYPE_CHECKING:
    from airflow_dynsync.engine.automaton import State
    from airflow_dynsync.engine.compiler import Rule
    from airflow_dynsync.engine.lifting import OfValue

_DEEPEST: Final = 8
"""Maps and lists that one function goes through, one inside the other; Python has room for 20 blocks."""

MOST_PLACES: Final = 200
"""Places of an item that have their own source, which takes some 0.5 ms each to be compiled."""


def compile_walks(root: State, states: Iterable[State]) -> None:
    """Put functions of generated source into `State.walks` of ``root``, and of what is behind it while it pays."""
    source = _Source(root, states)
    lines = [*source.functions()]
    for (state, kind), name in source.names.items():
        source.constants[name] = state.walks[kind]
    exec(compile("\n".join(lines), "<walks of a mapping>", "exec"), source.constants)  # noqa: S102 - made here
    for (state, kind), name in source.names.items():
        state.walks[kind] = source.constants[name]


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where in the source the inside of a map or list is written.

    Attributes:
        depth: maps and lists of this function around it; `payload`, `copy` and `key` have it in their names.
        place: the steps to the map or list, as they are written.
        indent: of the lines.
    """

    depth: int
    place: tuple[str, ...]
    indent: str

    def trail(self, *more: str) -> str:
        """Return the tuple of the steps, as it is written."""
        return "()" if not (steps := (*self.place, *more)) else f"({', '.join(steps)},)"


class _Source:
    """The functions for a root and what can be met behind it, and the constants in them."""

    def __init__(self, root: State, states: Iterable[State]) -> None:
        self.constants: dict[str, Any] = {"DROP": DROP}
        self.names: dict[tuple[State, str], str] = {}
        self._root = root
        self._wanted: list[tuple[State, str]] = []
        self._counted: dict[int, Rule] = {}
        self._places = 0
        self._ways = Counter(
            child
            for state in states
            for child in (*state.names.values(), *state.indexes.values(), state.other_name, state.other_index)
            if child is not None
        )
        self._call(root, "M")

    def functions(self) -> Iterator[str]:
        """Yield the functions, each a `visits.Branch`."""
        for state, kind in self._wanted:  # which grows meanwhile
            if self._places > MOST_PLACES:
                return
            self._counted = {}
            place = () if state is self._root else ("*place",)
            body = [*self._inside(state, kind, _Spot(0, place, "    "))]
            yield f"def {self.names[state, kind]}(payload_0, copy_0, row, place, run):"
            yield from (f"    count_{index} = 0" for index in self._counted)
            yield from body
            for index, rule in self._counted.items():
                if rule.path is not None or place:
                    counter = (
                        f"run.defaulted[{index}][place[0]]" if rule.path is None else f"run.transformed[{index}]"
                    )
                    yield f"    if count_{index}:"
                    yield f"        {counter} += count_{index}"
            yield "    return"

    def _call(self, state: State, kind: str) -> str:
        """Return the name of a function that shall be there."""
        if (state, kind) not in self.names:
            self.names[state, kind] = f"walk_{len(self.names)}"
            self._wanted.append((state, kind))
        return self.names[state, kind]

    def _inside(self, state: State, kind: str, spot: _Spot) -> Iterator[str]:
        """Yield what is done with the members of a map or the elements of a list."""
        steps: Mapping[Any, State] = state.names if kind == "M" else state.indexes
        other = state.other_name if kind == "M" else state.other_index
        for step, child in steps.items():
            if not child.inert:
                yield from self._named(step, child, kind, spot)
        if other is not None and not other.inert:
            yield from self._others(steps.keys(), other, kind, spot)
        if kind == "M":
            for name, rule in state.created:
                key = self._constant(name)
                yield f"{spot.indent}if {key} not in payload_{spot.depth}:"
                slot = f"(copy_{spot.depth}, {spot.trail(key)}, None, row)"
                yield f"{spot.indent}    run.slots[{rule.index}].append({slot})"

    def _named(self, step: str | int, child: State, kind: str, spot: _Spot) -> Iterator[str]:
        """Yield what is done with one member or element that is asked for."""
        key, indent, payload = self._constant(step), spot.indent, f"payload_{spot.depth}"
        if kind == "M":
            yield f"{indent}value = {payload}.get({key})"
            yield f"{indent}if value is not None:"
        else:
            yield f"{indent}if {key} < len({payload}):"
            yield f"{indent}    value = {payload}[{key}]"
        yield f"{indent}    (kind,) = value"
        yield from self._value(child, key, replace(spot, indent=f"{indent}    "))

    def _others(self, named: Iterable[Any], other: State, kind: str, spot: _Spot) -> Iterator[str]:
        """Yield what is done with all members or elements but those that are asked for."""
        key, indent, payload = f"key_{spot.depth}", spot.indent, f"payload_{spot.depth}"
        yield f"{indent}for {key}, value in {f'{payload}.items()' if kind == 'M' else f'enumerate({payload})'}:"
        if named:
            yield f"{indent}    if {key} in {self._constant(frozenset(named))}:"
            yield f"{indent}        continue"
        yield f"{indent}    (kind,) = value"
        yield from self._value(other, key, replace(spot, indent=f"{indent}    "))

    def _value(self, child: State, key: str, spot: _Spot) -> Iterator[str]:
        """Yield what is done with a value."""
        indent, visits = spot.indent, self._constant(child.visits)
        otherwise = "if"
        self._places += 1
        for kind, (rule, of_value) in _direct(child).items():
            yield f"{indent}{otherwise} kind == {kind!r}:"
            yield f"{indent}    try:"
            yield f"{indent}        before = value[{kind!r}]"
            yield f"{indent}        result = {self._constant(of_value.remembered)}.get(before)"
            yield f"{indent}        if result is None and before:"
            yield f"{indent}            result = {self._constant(of_value.transform)}(before)"
            yield f"{indent}    except Exception:"
            yield f"{indent}        result = None"
            yield f"{indent}    if result is None or result is DROP:"
            yield f"{indent}        {self._visit(visits, repr(kind), key, spot)}"
            yield f"{indent}    else:"
            yield f"{indent}        copy_{spot.depth}[{key}] = result"
            if rule.path is None and not spot.place:
                yield f"{indent}        run.defaulted[{rule.index}][{key}] += 1"
            else:
                self._counted[rule.index] = rule
                yield f"{indent}        count_{rule.index} += 1"
            otherwise = "elif"
        for kind in "ML" if child.descends else "":
            if kind not in _plain(child):
                self._call(child, kind)  # by its function of `visits`
                continue
            yield f"{indent}{otherwise} kind == {kind!r} and value[{kind!r}]:"
            yield from self._into(child, kind, key, replace(spot, indent=f"{indent}    "))
            otherwise = "elif"
        yield f"{indent}{'else' if otherwise == 'elif' else 'if True'}:"
        yield f"{indent}    if {visits}[kind] is not None:"
        yield f"{indent}        {self._visit(visits, 'kind', key, spot)}"

    def _into(self, child: State, kind: str, key: str, spot: _Spot) -> Iterator[str]:
        """Yield the way into a map or list of a result: written out, or a call of a function."""
        indent, inner = spot.indent, spot.depth + 1
        yield f"{indent}payload_{inner} = value[{kind!r}]"
        yield f"{indent}copy_{inner} = payload_{inner}.copy()"
        yield f"{indent}copy_{spot.depth}[{key}] = {{{kind!r}: copy_{inner}}}"
        if self._ways[child] > 1 or inner == _DEEPEST or self._places > MOST_PLACES:
            call = self._call(child, kind)
            yield f"{indent}{call}(payload_{inner}, copy_{inner}, row, {spot.trail(key)}, run)"
            return
        yield from self._inside(child, kind, _Spot(inner, (*spot.place, key), indent))
        if not spot.place:
            for index, rule in self._counted.items():
                if rule.path is None:
                    yield f"{indent}if count_{index}:"
                    yield f"{indent}    run.defaulted[{index}][{key}] += count_{index}"
                    yield f"{indent}    count_{index} = 0"

    def _visit(self, visits: str, kind: str, key: str, spot: _Spot) -> str:
        return f"{visits}[{kind}](value, copy_{spot.depth}, {key}, row, {spot.trail()}, run)"

    def _constant(self, value: Any) -> str:
        """Return the name of a constant; strings and numbers become one each."""
        name = f"step_{len(self.constants)}" if isinstance(value, str | int) else f"constant_{id(value)}"
        self.constants[name] = value
        return name


def _direct(state: State) -> Mapping[str, tuple[Rule, OfValue]]:
    """Return by type the rules whose result of a value is all that there is to do with it."""
    if state.rule is not None:
        rules = dict.fromkeys(("S", "N", "B"), state.rule)
    elif state.shield is None and state.cover.verdict == "default":
        rules = dict(state.cover.defaults)
    else:
        rules = {}
    return {
        kind: (rule, rule.single.of_value[kind])
        for kind, rule in rules.items()
        if rule.single is not None and kind in rule.single.of_value
    }


def _plain(state: State) -> str:
    """Return the types, M and L, whose inside is looked at here, and is all that counts of a value."""
    if not state.descends or state.shield is not None or state.cover.verdict == "drop":
        return ""
    return "L" if state.created else "ML"
