"""The parts of a condition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

WireValue = dict[str, str | bool]
"""A scalar in DynamoDB's typed JSON: `{"N": "5"}`."""


class UntranslatableError(Exception):
    """A condition that a filter cannot say; the message says what of it, and holds no value."""


@dataclass(frozen=True, slots=True)
class Path:
    """An attribute, or what lies inside of it: names of map keys and indexes of list elements."""

    steps: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """`size(path)`."""

    path: Path


@dataclass(frozen=True, slots=True)
class Value:
    """A literal: `type` is S, N, BOOL or NULL; a number's text is as it was written."""

    type: str
    content: str | bool = field(repr=False)

    @property
    def wire(self) -> WireValue:
        """The literal in wire form."""
        return {self.type: self.content}


Place = Path | Size


@dataclass(frozen=True, slots=True)
class Comparison:
    """`place operator operand`, the operator one of = <> < <= > >=."""

    place: Place
    operator: str
    operand: Place | Value


@dataclass(frozen=True, slots=True)
class Between:
    """`place BETWEEN low AND high`."""

    place: Place
    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class Among:
    """`place IN [..]`."""

    place: Place
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is a condition, such as begins_with; `argument` is None where it takes a path alone."""

    name: str
    place: Path
    argument: Value | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """`NOT part`."""

    part: Condition


@dataclass(frozen=True, slots=True)
class And:
    """Two parts or more; none is itself an `And`."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two parts or more."""

    parts: tuple[Condition, ...]


Term = Comparison | Between | Among | Function
Condition = Term | Not | And | Or


def terms(condition: Condition) -> Iterator[Term]:
    """Yield what a condition is made of below AND, OR and NOT."""
    if isinstance(condition, And | Or):
        for part in condition.parts:
            yield from terms(part)
    elif isinstance(condition, Not):
        yield from terms(condition.part)
    else:
        yield condition


def places(term: Term) -> tuple[Place, ...]:
    """Return the places that a term looks at."""
    if isinstance(term, Comparison) and not isinstance(term.operand, Value):
        return term.place, term.operand
    return (term.place,)


def literals(term: Term) -> tuple[Value, ...]:
    """Return the literals of a term."""
    if isinstance(term, Between):
        return term.low, term.high
    if isinstance(term, Among):
        return term.values
    operand = term.operand if isinstance(term, Comparison) else term.argument
    return (operand,) if isinstance(operand, Value) else ()


def attribute(place: Place) -> str:
    """Return the name of the attribute that a place is or lies in."""
    path = place.path if isinstance(place, Size) else place
    return str(path.steps[0])
