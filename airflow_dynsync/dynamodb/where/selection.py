"""Which way a condition is read: Scan, Query or ExecuteStatement."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from airflow_dynsync.dynamodb.errors import InvalidRequestError
from airflow_dynsync.dynamodb.where.conditions import (
    Among,
    And,
    Between,
    Comparison,
    Condition,
    Function,
    Or,
    Path,
    Term,
    UntranslatableError,
    Value,
    WireValue,
    attribute,
    literals,
    places,
    terms,
)
from airflow_dynsync.dynamodb.where.expressions import ExpressionWriter
from airflow_dynsync.dynamodb.where.parser import parse_condition

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.tables import KeyAttribute

_SURROGATE = re.compile("[\ud800-\udfff]")
_ORDERED = frozenset({"S", "N"})
_ATTRIBUTE_TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"})
_MAX_DIGITS = 38
_MAX_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Selection:
    """How to read what a condition selects.

    Attributes:
        way: `scan` in parallel segments, `query` one partition, or `statement`: the condition as it is
            written, by ExecuteStatement, in one sequence.
        reason: why, in one sentence without any value of the condition.
        filter_expression: a Scan's or a Query's FilterExpression, if any.
        key_condition_expression: a Query's KeyConditionExpression.
        names: ExpressionAttributeNames; the placeholders are #n0, #n1, ...
        values: ExpressionAttributeValues, in wire form; the placeholders are :v0, :v1, ...
        attributes: the top-level attributes to read, placeholders #a0, #a1, ...; None for whole items.
    """

    way: Literal["scan", "query", "statement"]
    reason: str
    filter_expression: str | None = None
    key_condition_expression: str | None = None
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, WireValue] = field(default_factory=dict)
    attributes: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return f"Selection({self.way}: {self.reason})"

    @property
    def parameters(self) -> dict[str, Any]:
        """What a Scan or Query request takes of it; DynamoDB refuses empty ones, so they are left out."""
        projected = {f"#a{number}": name for number, name in enumerate(self.attributes or ())}
        given = {
            "FilterExpression": self.filter_expression,
            "KeyConditionExpression": self.key_condition_expression,
            "ProjectionExpression": ", ".join(projected),
            "ExpressionAttributeNames": {**self.names, **projected},
            "ExpressionAttributeValues": self.values,
        }
        return {name: value for name, value in given.items() if value}


def plan_selection(where: str | None, keys: tuple[KeyAttribute, ...]) -> Selection:
    """Choose how to read what a condition selects.

    Args:
        where: what follows WHERE in PartiQL; None for the whole table.
        keys: the table's primary key, partition key first.

    A condition becomes a Query where it pins the partition key, else a Scan with a filter. What would not
    mean exactly the same that way, what DynamoDB refuses, and what is no PartiQL at all is for
    ExecuteStatement, so that DynamoDB itself judges it.

    Raises `InvalidRequestError` for a text that cannot be sent.
    """
    if where is None:
        return Selection("scan", "read by Scan: the whole table")
    if surrogate := _SURROGATE.search(where):
        raise InvalidRequestError(
            f"where: Unicode text was expected, got half a surrogate pair at character {surrogate.start() + 1};"
            " write it in UTF-8",
            code="ValidationException",
        )
    try:
        condition = parse_condition(where)
        for term in terms(condition):
            _require_exact(term, {key.name: key for key in keys})
        return _query(condition, keys) or _scan(condition, keys)
    except UntranslatableError as error:
        return _statement(f"{error} cannot be said as a filter")


def _statement(cause: str) -> Selection:
    return Selection("statement", f"read by ExecuteStatement, in one sequence: {cause}")


def _scan(condition: Condition, keys: tuple[KeyAttribute, ...]) -> Selection:
    parts = _parts(condition)
    if len(keys) > 1 and len(parts) > 2 and any(_is_sort_condition(part, keys[1].name) for part in parts):
        # DynamoDB Local's PartiQL loses such a condition (3.3.1). Until it is known what AWS does, a filter,
        # which keeps it, would not be the same.
        return _statement(
            f"among three or more joined by AND, a condition on the sort key {keys[1].name} without the "
            "partition key does not mean the same as a filter"
        )
    writer = ExpressionWriter()
    expression = writer.write(condition)
    reason = "read by Scan: the condition is applied as its filter"
    return Selection("scan", reason, expression, None, writer.names, writer.values)


def _query(condition: Condition, keys: tuple[KeyAttribute, ...]) -> Selection | None:
    """Return a Query, or None if the condition leaves the partition open."""
    partition_key, key_names = keys[0].name, {key.name for key in keys}
    if not _pins(condition, partition_key):
        return None
    parts = _parts(condition)
    on_keys = [part for part in parts if any(attribute(p) in key_names for t in terms(part) for p in places(t))]
    on_partition = [part for part in on_keys if _is_equality(part, partition_key)]
    on_sort = [part for part in on_keys if len(keys) > 1 and _is_sort_condition(part, keys[1].name)]
    if len(on_partition) != 1 or len(on_sort) > 1 or len(on_partition) + len(on_sort) < len(on_keys):
        return _statement("the condition says more of the key than a Query can, and a Scan would read every item")
    writer = ExpressionWriter()
    key_expression = writer.write(_all(on_partition + on_sort))
    rest = [part for part in parts if part not in on_keys]
    expression = writer.write(_all(rest)) if rest else None
    reason = f"read by Query: the condition pins the partition key {partition_key}"
    if on_sort:
        reason += f" and narrows the sort key {keys[1].name}"
    return Selection("query", reason, expression, key_expression, writer.names, writer.values)


def _parts(condition: Condition) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, And) else (condition,)


def _all(parts: list[Condition]) -> Condition:
    return And(tuple(parts)) if len(parts) > 1 else parts[0]


def _pins(condition: Condition, name: str) -> bool:
    """Whether a condition allows only certain values of an attribute, so that DynamoDB need not scan."""
    if isinstance(condition, And):
        return any(_pins(part, name) for part in condition.parts)
    if isinstance(condition, Or):
        return all(_pins(part, name) for part in condition.parts)
    return _is_equality(condition, name) or (isinstance(condition, Among) and _is(condition, name))


def _is_equality(condition: Condition, name: str) -> bool:
    return isinstance(condition, Comparison) and condition.operator == "=" and _is(condition, name)


def _is_sort_condition(condition: Condition, name: str) -> bool:
    if isinstance(condition, Comparison):
        return condition.operator != "<>" and _is(condition, name)
    return (
        isinstance(condition, Between) or (isinstance(condition, Function) and condition.name == "begins_with")
    ) and _is(condition, name)


def _is(term: Term, name: str) -> bool:
    return term.place == Path((name,))


def _require_exact(term: Term, keys: dict[str, KeyAttribute]) -> None:
    """Raise `UntranslatableError` where PartiQL refuses the term, or treats it other than a filter would."""
    for value in literals(term):
        if value.type == "N":
            _require_number(str(value.content))
    if isinstance(term, Comparison):
        _require_comparable(term)
    elif isinstance(term, Between):
        _require_bounds(term.low, term.high)
    elif isinstance(term, Function):
        _require_argument(term)
    for place in places(term):
        if (key := keys.get(attribute(place))) is not None:
            _require_key_literals(term, key)


def _require_number(text: str) -> None:
    digits = text.lstrip("-").replace(".", "")
    if len(digits) > _MAX_DIGITS:
        raise UntranslatableError(f"a number of more than {_MAX_DIGITS} digits")
    if text.startswith("-") and not digits.strip("0"):
        raise UntranslatableError("a negative zero")


def _require_comparable(term: Comparison) -> None:
    if term.place == term.operand:
        raise UntranslatableError("a comparison of an attribute with itself")
    if isinstance(term.operand, Value) and term.operator not in ("=", "<>") and term.operand.type not in _ORDERED:
        raise UntranslatableError("an order of booleans or NULL")


def _require_bounds(low: Value, high: Value) -> None:
    if low.type != high.type or low.type not in _ORDERED:
        raise UntranslatableError("BETWEEN with bounds other than two strings or two numbers")
    if _order(low) > _order(high):
        raise UntranslatableError("BETWEEN with its upper bound first")


def _order(value: Value) -> Any:
    return Decimal(str(value.content)) if value.type == "N" else str(value.content).encode()


def _require_argument(term: Function) -> None:
    argument = term.argument
    if argument is None or term.name == "contains":
        return
    if argument.type != "S":
        raise UntranslatableError(f"{term.name} with something other than a string")
    if term.name == "attribute_type" and argument.content not in _ATTRIBUTE_TYPES:
        raise UntranslatableError("attribute_type with something other than a type's name")


def _require_key_literals(term: Term, key: KeyAttribute) -> None:
    # PartiQL checks what a key attribute is compared with, a filter does not.
    values = literals(term)
    textual = not isinstance(term, Function) or (key.type == "S" and term.name in ("begins_with", "contains"))
    if not _is(term, key.name) or not values or not textual:
        raise UntranslatableError(f"more about the key attribute {key.name} than a comparison with literals")
    for value in values:
        size = len(str(value.content).encode())
        if value.type != key.type or not 0 < size <= _MAX_KEY_BYTES:
            raise UntranslatableError(f"a literal that cannot be a value of the key attribute {key.name}")
