"""The catalogue's definitions under test: values of the form that each takes, and variations of its parameters."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from itertools import product
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import pytest
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from airflow_dynsync.engine import catalogue, compile_plan
from airflow_dynsync.engine.definitions import DROP, EXAMPLE_SECRET, Definition
from airflow_dynsync.engine.values import EVERY_TYPE, to_wire

CHUNK = 1000
"""Items that a plan is given at once."""

EVERY = pytest.mark.parametrize("definition", catalogue().values(), ids=lambda definition: definition.name)

NOT_VARIED = {
    ("transform_fpe", "length"): "values of another length than it says are refused",
    ("transform_python", "vectorized"): "it asks for another kind of function",
    ("generate_python", "vectorized"): "it asks for another kind of function",
    ("transform_javascript", "timeout"): "it does not act on results",
    ("generate_javascript", "timeout"): "it does not act on results",
}
"""Parameters that variations leave as the example has them, and why."""


def rule(definition: Definition, parameters: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Return a rule as it is written, with the example's parameters or others."""
    given = definition.example.parameters if parameters is None else parameters
    return {"transformer": definition.name, **given, **options}


def results(
    definition: Definition,
    values: list[Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    secret: bytes = EXAMPLE_SECRET,
    first: int = 0,
    **options: Any,
) -> list[Any]:
    """Return what becomes of each value, in wire form, in an item of its own; DROP where it is gone.

    The items are numbered from ``first`` on.
    """
    mapping = {"mappings": {"Value": rule(definition, parameters, **options)}, "unmapped": "passthrough"}
    plan = compile_plan(mapping, key_attributes=("Id",), secret=secret)
    after = []
    for start in range(0, len(values), CHUNK):
        chunk = enumerate(values[start : start + CHUNK], first + start)
        items = [{"Id": {"N": str(number)}, "Value": to_wire(value)} for number, value in chunk]
        after += [item.get("Value", DROP) for item in plan.apply(items)]
    return after


class Parameter(NamedTuple):
    """A parameter's type without ``None`` and ``Annotated``, its annotations, and whether None is one."""

    type: Any
    metadata: list[Any]
    optional: bool

    @classmethod
    def of(cls, annotation: Any, metadata: Any = ()) -> "Parameter":
        found, optional = list(metadata), False
        while True:
            if get_origin(annotation) is Annotated:
                annotation, *more = get_args(annotation)
                found += [inner for outer in more for inner in getattr(outer, "metadata", [outer])]
            elif get_origin(annotation) in (Union, UnionType) and type(None) in get_args(annotation):
                optional = True
                others = [member for member in get_args(annotation) if member is not type(None)]
                annotation = Union[tuple(others)]  # noqa: UP007 - of as many as there are
            else:
                return cls(annotation, found, optional)

    @property
    def kind(self) -> Any:
        """The type that says what may be written: int, list, Literal, Union..."""
        origin = get_origin(self.type)
        return Union if origin is UnionType else origin or self.type

    def ends(self) -> list[Any]:
        """Return the choices that there are, or the ends of the range."""
        if self.kind is bool:
            return [False, True]
        if self.kind is Literal:
            return [*get_args(self.type)]
        if self.kind is list:
            return [[end] for end in Parameter.of(get_args(self.type)[0]).ends() if isinstance(end, str)]
        return [
            limit.ge if isinstance(limit, Ge) else limit.le
            for limit in self.metadata
            if isinstance(limit, Ge | Le)
        ]


def parameter(definition: Definition, name: str) -> Parameter:
    """Return a parameter of a definition."""
    field: FieldInfo = definition.parameters.model_fields[name]
    return Parameter.of(field.annotation, field.metadata)


def beyond(limit: Any) -> Any:
    """Return a value just outside of a limit of a range of numbers, None where it limits something else."""
    match limit:
        case Ge():
            return limit.ge - (1 if isinstance(limit.ge, int) else abs(limit.ge) / 10)
        case Le():
            return limit.le + (1 if isinstance(limit.le, int) else abs(limit.le) / 10)
        case Gt():
            return limit.gt
        case Lt():
            return limit.lt
    return None


_WRONG: dict[Any, list[Any]] = {
    bool: ["yes", 1],
    int: ["seven", 1.5, True, float("nan"), 10**60, -(10**60)],
    float: ["seven", True, float("nan"), float("inf"), 1e60, -1e60],
    Decimal: ["seven", True, float("nan"), float("inf"), 1e200, -1e200, Decimal("1E+999999")],
    str: [7, [], True],
    re.Pattern: [7, "(", []],
    list: [7, {}, True],
    dict: [7, [], "text"],
    Literal: ["no such choice", 7],
    Union: [7, 1.5, True],
}
"""For a kind of parameters, what none of them takes: other types, and numbers too large for anything."""


def refused(wanted: Parameter) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Return what a parameter has to refuse, each with the steps from the parameter to what is wrong."""
    if wanted.type is Any:
        return
    for value in _WRONG[wanted.kind]:
        yield (), value
    if not wanted.optional:
        yield (), None
    for limit in wanted.metadata:
        if isinstance(limit, MinLen):
            yield (), ("x" * (limit.min_length - 1) if wanted.kind is str else [])
        elif isinstance(limit, MaxLen):
            yield (), ("x" if wanted.kind is str else [None]) * (limit.max_length + 1)
        elif (outside := beyond(limit)) is not None:
            yield (), outside
    if wanted.kind is list:
        for steps, value in refused(Parameter.of(get_args(wanted.type)[0])):
            yield (0, *steps), [value]


def variations(definition: Definition) -> list[dict[str, Any]]:
    """Return the example's parameters, all choices of booleans and literals, and each number's ends.

    With more than 64 combinations of choices, one choice is made at a time. Those that contradict a parameter
    beside them are left out.
    """
    example = dict(definition.example.parameters)
    ends = {
        name: parameter(definition, name).ends()
        for name in definition.parameters.model_fields
        if (definition.name, name) not in NOT_VARIED
    }
    choices = {name: ends[name] for name in ends if parameter(definition, name).kind in (bool, Literal)}
    combined = [example | dict(zip(choices, chosen, strict=True)) for chosen in product(*choices.values())]
    if len(combined) > 64:
        combined = [example | {name: choice} for name in choices for choice in choices[name]]
    combined += [example | {name: end} for name in ends if name not in choices for end in ends[name]]
    return [example, *filter(lambda parameters: _is_valid(definition, parameters), combined)]


def _is_valid(definition: Definition, parameters: dict[str, Any]) -> bool:
    try:
        definition.parameters.model_validate(parameters)
    except ValidationError:
        return False
    return True


def kinds(definition: Definition) -> list[str]:
    """Return the types of values to try: all accepted ones, of user's code only that of the example's value."""
    (kind,) = to_wire(definition.example.value)
    is_users_code = definition.reads_input and definition.returns == EVERY_TYPE
    return [kind] if is_users_code else sorted(definition.accepts - {"NULL", "BOOL"})


def numbered(value: str) -> Callable[[int], str]:
    """Return a function that writes a number into a value, and keeps the form that its transformer asks for."""
    if re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value):
        return lambda number: f"{value[:-6]}{number:06X}"
    if re.fullmatch(r"\d+(\.\d+){3}", value):
        return lambda number: str(IPv4Address(value) + number)
    if re.fullmatch(r"\+\d+", value):
        return lambda number: f"+{int(value) + number}"
    if re.match(r"\d{4}-\d\d-\d\dT", value):
        return lambda number: (datetime.fromisoformat(value) + timedelta(seconds=number)).isoformat()
    before, at, after = value.rpartition("@")
    return lambda number: f"{before}{number}@{after}" if at else f"{value}{number}"


def variants(definition: Definition, count: int, kind: str | None = None, first: int = 0) -> list[Any]:
    """Return distinct values of one type, by default the example's, and of the form of the example's value."""
    value = definition.example.value
    (own,) = to_wire(value)
    kind = kind or own
    numbers = range(first, first + count)
    match kind:
        case "S":
            return list(map(numbered(value if own == "S" else "a text of some length, "), numbers))
        case "N":
            return [(value if own == "N" else Decimal(1_700_000_000_000)) + number for number in numbers]
        case "B":
            return [(value if own == "B" else b"0123456789") + number.to_bytes(3, "big") for number in numbers]
        case "BOOL":
            return [number % 2 == 0 for number in numbers[:2]]
        case "M":
            name, member = next(iter(value.items())) if own == "M" else ("name", "text")
            return [{f"{name}{number}": member} for number in numbers]
        case "L":
            return [[f"element {number}"] for number in numbers]
        case "SS":
            return [{f"a {number}", f"b {number}"} for number in numbers]
        case "NS":
            return [{number, -1 - number} for number in numbers]
        case "BS":
            return [{number.to_bytes(3, "big"), b"b"} for number in numbers]
    raise ValueError(kind)
