"""Conditions as DynamoDB's expressions, with placeholders for every name and value.

Limits: "Service, account, and table quotas in Amazon DynamoDB", section on expressions.
"""

from __future__ import annotations

from airflow_dynsync.dynamodb.where.conditions import (
    Among,
    And,
    Between,
    Comparison,
    Condition,
    Not,
    Or,
    Path,
    Place,
    Size,
    UntranslatableError,
    Value,
    WireValue,
)

_MAX_EXPRESSION_BYTES = 4096
_MAX_OPERATORS = 300
_MAX_OPERANDS_OF_IN = 100
_MAX_NAME_BYTES = 255
_MAX_SUBSTITUTED_BYTES = 2_000_000


class ExpressionWriter:
    """Writes the expressions of one request; `names` and `values` are what its placeholders stand for."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, WireValue] = {}
        self._placeholders: dict[str, str] = {}
        self._operators = 0

    def write(self, condition: Condition) -> str:
        """Return the expression of a condition.

        Raises `UntranslatableError` where it is beyond DynamoDB's limits.
        """
        expression = self._condition(condition)
        size = sum(len(name.encode()) for name in self.names.values())
        size += sum(len(str(content).encode()) for value in self.values.values() for content in value.values())
        if (
            len(expression) > _MAX_EXPRESSION_BYTES
            or self._operators > _MAX_OPERATORS
            or size > _MAX_SUBSTITUTED_BYTES
        ):
            raise UntranslatableError("a condition larger than DynamoDB's limits of an expression")
        return expression

    def _condition(self, condition: Condition) -> str:
        self._operators += len(condition.parts) - 1 if isinstance(condition, And | Or) else 1
        if isinstance(condition, And | Or):
            word = " AND " if isinstance(condition, And) else " OR "
            return word.join(self._part(part) for part in condition.parts)
        if isinstance(condition, Not):
            return f"NOT ({self._condition(condition.part)})"
        place = self._place(condition.place)
        if isinstance(condition, Comparison):
            return f"{place} {condition.operator} {self._operand(condition.operand)}"
        if isinstance(condition, Between):
            return f"{place} BETWEEN {self._operand(condition.low)} AND {self._operand(condition.high)}"
        if isinstance(condition, Among):
            if len(condition.values) > _MAX_OPERANDS_OF_IN:
                raise UntranslatableError(f"IN with more than {_MAX_OPERANDS_OF_IN} values")
            return f"{place} IN ({', '.join(self._operand(value) for value in condition.values)})"
        if condition.argument is None:
            return f"{condition.name}({place})"
        return f"{condition.name}({place}, {self._operand(condition.argument)})"

    def _part(self, condition: Condition) -> str:
        # Nowhere else: DynamoDB refuses redundant parentheses.
        text = self._condition(condition)
        return f"({text})" if isinstance(condition, And | Or) else text

    def _operand(self, operand: Place | Value) -> str:
        if not isinstance(operand, Value):
            return self._place(operand)
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = operand.wire
        return placeholder

    def _place(self, place: Place) -> str:
        if isinstance(place, Size):
            self._operators += 1
            return f"size({self._path(place.path)})"
        return self._path(place)

    def _path(self, path: Path) -> str:
        text = ""
        for step in path.steps:
            if isinstance(step, int):
                text += f"[{step}]"
            else:
                text += ("." if text else "") + self._name(step)
        return text

    def _name(self, name: str) -> str:
        if len(name.encode()) > _MAX_NAME_BYTES:
            raise UntranslatableError(f"an attribute name longer than {_MAX_NAME_BYTES} bytes")
        placeholder = self._placeholders.setdefault(name, f"#n{len(self._placeholders)}")
        self.names[placeholder] = name
        return placeholder
