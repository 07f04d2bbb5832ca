"""From the text of a PartiQL condition to its parts: recursive descent, in PartiQL's precedence.

    condition  = all {OR all}
    all        = one {AND one}
    one        = NOT one | "(" condition ")" | function "(" path ["," literal] ")" | place rest
    rest       = operator (place | literal) | [NOT] BETWEEN literal AND literal | [NOT] IN list
               | IS [NOT] (MISSING | NULL)
    place      = path | SIZE "(" path ")"
    path       = name {"." name | "[" index "]"}
"""  # fmt: skip

from __future__ import annotations

import re

from airflow_dynsync.dynamodb.where.conditions import (
    Among,
    And,
    Between,
    Comparison,
    Condition,
    Function,
    Not,
    Or,
    Path,
    Place,
    Size,
    UntranslatableError,
    Value,
)
from airflow_dynsync.dynamodb.where.tokens import RESERVED_WORDS, Token, tokenize

_MAX_DEPTH = 32
_OPERATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_FUNCTIONS = {
    "begins_with": True,
    "contains": True,
    "attribute_type": True,
    "attribute_exists": False,
    "attribute_not_exists": False,
}  # whether it takes a literal behind the path
_INDEX = re.compile(r"0|[1-9][0-9]{0,3}")


def parse_condition(where: str) -> Condition:
    """Return the parts of what follows WHERE.

    Raises `UntranslatableError` where it is no condition, or one that this grammar does not cover.
    """
    parser = _Parser(list(tokenize(where)))
    condition = parser.condition()
    if parser.token.kind != "end":
        raise parser.unexpected()
    return condition


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._position]

    def unexpected(self) -> UntranslatableError:
        return UntranslatableError("a form other than comparisons joined by AND, OR and NOT")

    def condition(self) -> Condition:
        parts = [self._all()]
        while self._keyword("OR"):
            parts.append(self._all())
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def _all(self) -> Condition:
        parts: list[Condition] = []
        while True:
            part = self._one()
            parts += part.parts if isinstance(part, And) else (part,)
            if not self._keyword("AND"):
                return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise UntranslatableError(f"nesting deeper than {_MAX_DEPTH} levels")
        try:
            if self._keyword("NOT"):
                return Not(self._one())
            if self._symbol("("):
                condition = self.condition()
                self._expect(")")
                return condition
            return self._function() or self._term()
        finally:
            self._depth -= 1

    def _function(self) -> Condition | None:
        name = self.token.text.lower()
        if not self._calls() or name == "size":
            return None
        if name not in _FUNCTIONS:
            raise UntranslatableError("a function that filters do not have")
        self._position += 2
        place, argument = self._path(), None
        if _FUNCTIONS[name]:
            self._expect(",")
            argument = self._literal()
        self._expect(")")
        return Function(name, place, argument)

    def _term(self) -> Condition:
        if self._simple_literal() is not None:
            # DynamoDB Local reads 5 < "sort key" as "sort key" < 5 in a Query, but not in a Scan.
            raise UntranslatableError("a literal on the left")
        place = self._place()
        if self.token.kind == "symbol":
            operator = self.token.text.replace("!=", "<>")
            if operator not in _OPERATORS:
                raise self.unexpected()
            self._position += 1
            return Comparison(place, operator, self._simple_literal() or self._place())
        if self._keyword("IS"):
            return self._is(place)
        negated = self._keyword("NOT")
        term: Condition
        if self._keyword("BETWEEN"):
            low = self._literal()
            if not self._keyword("AND"):
                raise self.unexpected()
            term = Between(place, low, self._literal())
        elif self._keyword("IN"):
            term = Among(place, self._list())
        else:
            raise self.unexpected()
        return Not(term) if negated else term

    def _is(self, place: Place) -> Condition:
        negated = self._keyword("NOT")
        if isinstance(place, Path) and self._keyword("MISSING"):
            return Function("attribute_exists" if negated else "attribute_not_exists", place)
        if isinstance(place, Path) and self._keyword("NULL"):
            return Comparison(place, "<>" if negated else "=", Value("NULL", True))  # noqa: FBT003 - DynamoDB's own
        raise UntranslatableError("IS other than an attribute IS [NOT] MISSING or NULL")

    def _list(self) -> tuple[Value, ...]:
        close = "]" if self._symbol("[") else ")"
        if close == ")":
            self._expect("(")
        values = [self._literal()]
        while self._symbol(","):
            values.append(self._literal())
        self._expect(close)
        return tuple(values)

    def _place(self) -> Place:
        if self.token.says("SIZE") and self._calls():
            self._position += 2
            path = self._path()
            self._expect(")")
            return Size(path)
        return self._path()

    def _path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while True:
            if self._symbol("."):
                steps.append(self._name())
            elif self._symbol("["):
                if self.token.kind != "number" or not _INDEX.fullmatch(self.token.text):
                    raise UntranslatableError("an element that is not named by its index")
                steps.append(int(self._take()))
                self._expect("]")
            else:
                break
        if len(steps) > _MAX_DEPTH:
            raise UntranslatableError(f"a path deeper than {_MAX_DEPTH} levels")
        return Path(tuple(steps))

    def _name(self) -> str:
        token = self.token
        if token.kind == "word" and token.text.lower() in RESERVED_WORDS:
            raise UntranslatableError("a reserved word as an attribute's name without double quotes")
        if token.kind not in ("word", "name") or not token.text:
            raise self.unexpected()
        return self._take()

    def _literal(self) -> Value:
        value = self._simple_literal()
        if value is None:
            raise UntranslatableError("something other than a string, number, boolean or NULL as a value")
        return value

    def _simple_literal(self) -> Value | None:
        token = self.token
        if token.kind == "string":
            return Value("S", self._take())
        if token.kind == "number":
            return Value("N", self._take())
        if self._keyword("NULL"):
            return Value("NULL", True)  # noqa: FBT003
        if token.says("TRUE") or token.says("FALSE"):
            return Value("BOOL", self._take().upper() == "TRUE")
        return None

    def _calls(self) -> bool:
        return self.token.kind == "word" and self._tokens[self._position + 1] == Token("symbol", "(")

    def _take(self) -> str:
        text = self.token.text
        self._position += 1
        return text

    def _keyword(self, keyword: str) -> bool:
        """Step over the keyword if it is next, and tell whether it was."""
        found = self.token.says(keyword)
        self._position += found
        return found

    def _symbol(self, symbol: str) -> bool:
        """Step over the symbol if it is next, and tell whether it was."""
        found = self.token.kind == "symbol" and self.token.text == symbol
        self._position += found
        return found

    def _expect(self, symbol: str) -> None:
        if not self._symbol(symbol):
            raise self.unexpected()
