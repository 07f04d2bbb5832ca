"""Attribute values: DynamoDB's typed JSON ("wire form") and the Python values that transformers see.

Wire form is what DynamoDB's HTTP API speaks, ``{"N": "32"}`` or ``{"B": "<base64>"}``; see "AttributeValue" in
the Amazon DynamoDB API Reference. Numbers become ``Decimal`` and are checked against DynamoDB's limits: 38
significant digits, magnitudes from 1E-130 to 9.99...E+125.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from airflow_dynsync.engine.errors import TransformError

WireValue = dict[str, Any]
WireItem = dict[str, WireValue]

SCALARS: Final = frozenset({"S", "N", "B", "BOOL"})
CONTAINERS: Final = frozenset({"M", "L"})
ELEMENT_OF_SET: Final = {"SS": "S", "NS": "N", "BS": "B"}
EVERY_TYPE_BUT_SETS: Final = SCALARS | CONTAINERS | {"NULL"}
EVERY_TYPE: Final = EVERY_TYPE_BUT_SETS | ELEMENT_OF_SET.keys()

NULL: Final[WireValue] = {"NULL": True}

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

TYPE_IN_WORDS: Final = {
    "S": "a string (S)",
    "N": "a number (N)",
    "B": "a binary (B)",
    "BOOL": "a boolean (BOOL)",
    "NULL": "a null (NULL)",
    "M": "a map (M)",
    "L": "a list (L)",
    "SS": "a string set (SS)",
    "NS": "a number set (NS)",
    "BS": "a binary set (BS)",
}

A_NEW_TYPE: Final = "a value of a type that is not known here"
"""In words, what DynamoDB may add one day."""

MAX_DEPTH: Final = 32
"""Levels of an item, as many as DynamoDB has; a value that lies in no map or list is on the first."""

MAX_DIGITS: Final = 38
_TOO_MANY_DIGITS: Final = 10**MAX_DIGITS
MAX_EXPONENT: Final = 125
MIN_EXPONENT: Final = -130


class ValueRefusedError(Exception):
    """A value that a transformer cannot take, or a result that DynamoDB cannot store.

    The message names the cause, never the value.
    """

    wrong_form = False

    def at(self, place: str, row: int | None = None) -> TransformError:
        """Return the error of the rule at ``place``."""
        return TransformError(place, str(self), row=row, wrong_form=self.wrong_form)


class WrongFormError(ValueRefusedError):
    """A value is of an accepted type and not of the form that the transformer works on, such as no UUID."""

    wrong_form = True


def number_text(value: Decimal | int) -> str:
    """Return a number as DynamoDB itself would return it: plain digits, no trailing zeros.

    Raises:
        ValueRefusedError: not finite, more than 38 significant digits, or out of DynamoDB's range.
    """
    if type(value) is int and abs(value) < _TOO_MANY_DIGITS:
        return str(value)
    number = value if type(value) is Decimal else Decimal(value)
    if not number.is_finite():
        raise ValueRefusedError("the result is not a finite number")
    text = format(number, "f") if number.adjusted() < MAX_DIGITS else ""
    if 0 < len(text) <= MAX_DIGITS:  # so short a text has neither too many digits nor too small a number
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    sign, digits, exponent = number.as_tuple()
    significant = len(digits)
    while significant > 1 and digits[significant - 1] == 0:
        significant -= 1
    if digits[0] == 0 and significant == 1:
        return "0"
    if significant > MAX_DIGITS:
        raise ValueRefusedError(f"the result has {significant} significant digits, DynamoDB keeps {MAX_DIGITS}")
    if not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise ValueRefusedError("the result is out of DynamoDB's range, 1E-130 to 9.99E+125")
    trimmed = Decimal((sign, digits[:significant], int(exponent) + len(digits) - significant))
    return format(trimmed, "f")


DECODE: Final[dict[str, Callable[[Any], Any]]] = {
    "S": str,
    "N": Decimal,
    "B": a2b_base64,
    "BOOL": bool,
    "NULL": lambda _: None,
}


def to_python(value: WireValue) -> Any:
    """Return a wire value as Python: str, Decimal, bytes, bool, None, dict, list, and sets as ``set``."""
    ((kind, payload),) = value.items()
    if kind == "M":
        return {name: to_python(member) for name, member in payload.items()}
    if kind == "L":
        return [to_python(element) for element in payload]
    if element := ELEMENT_OF_SET.get(kind):
        return set(map(DECODE[element], payload))
    return DECODE[kind](payload)


def to_wire(value: Any) -> WireValue:
    """Return a Python value in wire form; a float is taken by its shortest exact decimal text.

    Raises:
        ValueRefusedError: a value of a type that DynamoDB does not have, an empty or mixed set, a number out of
            range, a text that has no UTF-8, an empty key, or too many levels.
    """
    return _to_wire(value, 0)


def _to_wire(value: Any, depth: int) -> WireValue:
    if depth >= MAX_DEPTH:
        raise ValueRefusedError(f"the result nests deeper than the {MAX_DEPTH} levels that DynamoDB has")
    match value:
        case str():
            return {"S": _utf8(value)}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": number_text(value)}
        case float():
            return {"N": number_text(Decimal(float.__repr__(value)))}
        case None:
            return NULL
        case bytes() | bytearray():
            return {"B": b2a_base64(value, newline=False).decode("ascii")}
        case dict():
            if not all(isinstance(name, str) and name for name in value):
                raise ValueRefusedError("the result is a map with a key that is no string, or an empty one")
            return {"M": {_utf8(name): _to_wire(member, depth + 1) for name, member in value.items()}}
        case list() | tuple():
            return {"L": [_to_wire(element, depth + 1) for element in value]}
        case set() | frozenset():
            return _set_to_wire(value)
    raise ValueRefusedError(f"the result is a {type(value).__name__}, which DynamoDB cannot store")


def _utf8(text: str) -> str:
    if not text.isascii() and _SURROGATE.search(text):
        raise ValueRefusedError("the result has half of a surrogate pair, which has no UTF-8")
    return text


def _set_to_wire(elements: set[Any] | frozenset[Any]) -> WireValue:
    wire = [to_wire(element) for element in elements]
    kinds = {kind for element in wire for kind in element}
    if not wire or len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise ValueRefusedError("the result is a set that is empty or not all of strings, numbers or binaries")
    (kind,) = kinds
    return {f"{kind}S": sorted({element[kind] for element in wire})}
