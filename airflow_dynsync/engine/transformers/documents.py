"""Documents inside a value: JSON that a string holds, and maps whose keys are personal data themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import Field

from airflow_dynsync.engine.definitions import (
    DROP,
    Column,
    Compiler,
    Definition,
    Drop,
    Example,
    Inside,
    Parameters,
    Step,
    Uniqueness,
)
from airflow_dynsync.engine.errors import TransformError
from airflow_dynsync.engine.mapping import RuleInside, Rules, Unmapped
from airflow_dynsync.engine.values import (
    ELEMENT_OF_SET,
    NULL,
    TYPE_IN_WORDS,
    ValueRefusedError,
    WireItem,
    WireValue,
    WrongFormError,
    number_text,
)

ROOT: Final = "$"
"""The name of a JSON document that is no object: its elements are ``$[*]``, as in JSONPath."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SPACED: Final = re.compile(r'(?:[^"]|"(?:[^"\\]|\\.)*+"(?!:))*+"(?:[^"\\]|\\.)*+": ', re.DOTALL)
"""A document whose first member has a space behind its colon."""


class _Inside(Parameters):
    mappings: Rules = Field(
        default={},
        description="A rule by path, as in the mapping of a table, counted from the inside of the value.",
    )
    unmapped: Unmapped = Field(
        default="anonymize",
        description="What happens inside to the leaves that no rule covers: anonymize, passthrough, fail, drop,"
        " neosync, or a rule by type letter.",
    )


class TransformJson(_Inside):
    """Parameters of transform_json."""


class TransformMapKeys(_Inside):
    """Parameters of transform_map_keys."""

    keys: RuleInside = Field(description="The transformer of the keys, written as in a mapping.")
    on_collision: Literal["fail", "number"] = Field(
        default="fail",
        description="What happens where two keys of a map become the same: number adds -2, -3 to all but the"
        " first.",
    )


_UNMAPPED_INSIDE: Final = (
    "no rule covers something inside a value; map it, or choose another policy for what is unmapped there"
)


def _engine(parameters: _Inside, compiler: Compiler) -> Inside:
    """Return the engine for the insides of values; its errors name the rule inside and the item outside."""
    transform = compiler.inside({"mappings": parameters.mappings, "unmapped": parameters.unmapped})

    def apply(insides: Sequence[WireItem], column: Column) -> list[WireItem]:
        try:
            return transform(insides, column)
        except TransformError as error:
            inside = error.place if error.place.startswith(compiler.place) else f"{compiler.place}.{error.place}"
            row = None if error.row is None else column.rows[error.row]
            # The path that an unmapped member would be told by consists of names that are part of the value here.
            message = _UNMAPPED_INSIDE if error.place == "unmapped" else error.message
            raise TransformError(inside, message, row=row) from None

    return apply


class _Number(dict[str, Any]):
    """A number in wire form that remembers how the JSON writes it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            super().__init__(N=number_text(Decimal(text)))
        except ValueRefusedError:  # no number of DynamoDB's, but one of JSON's
            super().__init__(N=text)


def _object(pairs: list[tuple[str, Any]]) -> WireValue:
    members = {name: _wire(member) for name, member in pairs}
    if len(members) < len(pairs):
        raise WrongFormError("an object in the JSON has two members of one name, of which one would be lost")
    return {"M": members}


def _no_constant(_name: str) -> None:
    raise ValueError


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_Number, parse_float=_Number, parse_constant=_no_constant
)


def _wire(value: Any) -> WireValue:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case list():
            return {"L": [_wire(element) for element in value]}
        case dict():
            return value
    return NULL


def _read(text: str) -> WireItem:
    try:
        document = _wire(_DECODER.decode(text))
    except ValueError:
        raise WrongFormError("a string that holds JSON was expected; map others by another rule") from None
    members: WireItem = document.get("M", {ROOT: document})
    return members


def _write(value: WireValue, quote: Callable[[str], str], comma: str, colon: str) -> str:
    if isinstance(value, _Number):
        return value.text
    ((kind, payload),) = value.items()
    if kind == "M":
        members = (
            f"{quote(name)}{colon}{_write(member, quote, comma, colon)}" for name, member in payload.items()
        )
        return f"{{{comma.join(members)}}}"
    if kind in ELEMENT_OF_SET:
        payload = [{ELEMENT_OF_SET[kind]: element} for element in payload]
        kind = "L"
    if kind == "L":
        return f"[{comma.join(_write(element, quote, comma, colon) for element in payload)}]"
    if kind == "N":
        return str(payload)
    return "null" if kind == "NULL" else ("true" if payload else "false") if kind == "BOOL" else quote(payload)


def _text(value: WireValue, source: str) -> str:
    """Return a document as JSON that looks like its source: spaces behind , and : or none, non-ASCII or none."""
    quote = json.JSONEncoder(ensure_ascii=source.isascii()).encode
    text = _write(value, quote, *((", ", ": ") if _SPACED.match(source) else (",", ":")))
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _transform_json(parameters: TransformJson, compiler: Compiler) -> Step:
    apply = _engine(parameters, compiler)

    def read(value: WireValue, row: int) -> WireItem:
        try:
            return _read(value["S"])
        except ValueRefusedError as error:
            raise error.at(compiler.place, row) from None

    def write(document: WireItem, source: str) -> WireValue | Drop:
        if source.lstrip().startswith("{"):
            return {"S": _text({"M": document}, source)}
        return {"S": _text(document[ROOT], source)} if ROOT in document else DROP

    def step(column: Column) -> list[WireValue | Drop]:
        try:
            documents = [read(value, row) for row, value in zip(column.rows, column.values, strict=True)]
            results = apply(documents, column)
            return [write(result, value["S"]) for result, value in zip(results, column.values, strict=True)]
        except RecursionError:
            raise TransformError(
                compiler.place, "the JSON of a value is nested too deeply; drop it, or map it by another rule"
            ) from None

    return step


def _transform_map_keys(parameters: TransformMapKeys, compiler: Compiler) -> Step:
    apply, rename = _engine(parameters, compiler), compiler.text_step(parameters.keys, "keys")

    def step(column: Column) -> list[WireValue | Drop]:
        maps = apply([value["M"] for value in column.values], column)
        names = [(index, name) for index, members in enumerate(maps) for name in members]
        results = rename(
            Column(
                column.chunk,
                [{"S": name} for _, name in names],
                [column.rows[index] for index, _ in names],
                [(*column.places[index], name) for index, name in names],
            )
        )
        renamed: list[dict[str, str]] = [{} for _ in maps]
        for (index, name), result in zip(names, results, strict=True):
            if result is not DROP:
                renamed[index][name] = _name(result, compiler.place, column.rows[index])
        return [
            {"M": {new: members[old] for old, new in distinct(names, row).items()}}
            for members, names, row in zip(maps, renamed, column.rows, strict=True)
        ]

    def distinct(renamed: dict[str, str], row: int) -> dict[str, str]:
        """Return the names by the old ones, with a number where one is given twice."""
        taken = set(renamed.values())
        if len(taken) == len(renamed):
            return renamed
        if parameters.on_collision == "fail":
            raise TransformError(
                f"{compiler.place}.keys",
                "two keys of one map become the same; use a transformer of class preserved, such as"
                " transform_hash, or set on_collision: number",
                row=row,
            )
        given: set[str] = set()
        numbered = {}
        for old in sorted(renamed):
            new, number = renamed[old], 1
            while new in given or (number > 1 and new in taken):
                number += 1
                new = f"{renamed[old]}-{number}"
            given.add(new)
            numbered[old] = new
        return {old: numbered[old] for old in renamed}

    return step


def _name(result: WireValue, place: str, row: int) -> str:
    ((kind, payload),) = result.items()
    if kind not in ("S", "N") or not payload:
        raise TransformError(
            f"{place}.keys", f"a key became {TYPE_IN_WORDS[kind]}; expected a string that is not empty", row=row
        )
    return str(payload)


DEFINITIONS: Final = (
    Definition(
        name="transform_json",
        summary="Takes a string that holds JSON and applies a mapping to its inside; numbers and order stay",
        parameters=TransformJson,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        has_realm=False,
        example=Example(
            '{"email": "mary@acme.com", "visits": 1.50}',
            '{"email": "10c7b620402544c69fd566139cc6c43c@example.org", "visits": 1.50}',
            {"mappings": {"email": "transform_email", "visits": "passthrough"}},
        ),
        column=_transform_json,
    ),
    Definition(
        name="transform_map_keys",
        summary="Replaces the keys of a map, and applies a mapping to what lies behind them",
        parameters=TransformMapKeys,
        accepts=frozenset({"M"}),
        returns=frozenset({"M"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        has_realm=False,
        example=Example(
            {"Judith": {"age": 7}, "Tom": {"age": 4}},
            {"Darragh": {"age": 7}, "Cora": {"age": 4}},
            {"keys": "transform_first_name", "unmapped": "passthrough"},
        ),
        column=_transform_map_keys,
    ),
)
