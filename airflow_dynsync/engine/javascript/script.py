"""One script: checked when the mapping is compiled, then run over a chunk's values at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from airflow_dynsync.engine.definitions import DROP, Column, Compiler, Drop, Step
from airflow_dynsync.engine.errors import MappingError, TransformError
from airflow_dynsync.engine.javascript.functions import Answer, Answers, Call, functions
from airflow_dynsync.engine.javascript.process import (
    JAVASCRIPT,
    MEMORY_LIMIT,
    JavaScriptSyntaxError,
    OutOfMemoryError,
    OutOfTimeError,
)
from airflow_dynsync.engine.javascript.searches import endless_loop, hungry_line
from airflow_dynsync.engine.values import WireValue

_INPUT: Final = re.compile(
    r"""
      \b(?:const|let|var) \s* \{ (?P<names>[\w$\s,:]+) \} \s* = \s* input\b
        (?= \s* (?: [;,}] | \n \s* [\w$] | $ ) )
    | \binput\b (?:
        \s* (?:\?\.|\.) \s* (?P<name>[A-Za-z_$][\w$]*)
      | \s* \[ \s* (?P<quote>["']) (?P<quoted>[^"'\\\n]*) (?P=quote) \s* \]
      )?
    """,
    re.VERBOSE,
)
_OTHER_WAYS_TO_INPUT: Final = re.compile(r"\b(?:arguments|eval)\b|\\u")
_MAY_GO_ON_AFTERWARDS: Final = re.compile(r"\b(?:async|import|Promise|Function|eval|constructor)\b")
_INHERITED: Final = frozenset(
    {
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    }
)
_ERRORS: Final = frozenset(
    {
        "AggregateError",
        "Error",
        "EvalError",
        "RangeError",
        "ReferenceError",
        "SyntaxError",
        "TypeError",
        "URIError",
    }
)
_TYPES: Final = frozenset({"bigint", "boolean", "function", "number", "object", "string", "symbol", "undefined"})


def transform_step(code: str, seconds: float, compiler: Compiler) -> Step:
    """Return the step that runs ``code`` with each value, as ``value``, and its source item, as ``input``.

    Args:
        code: a function's body.
        seconds: how long one chunk may take.

    Raises:
        MappingError: the code is no function body; with line and column.
    """

    def chance(column: Column) -> Iterable[bytes]:
        return (compiler.keyed.digest(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)) for value in column.values)

    return _step(code, ("value", "input"), seconds, compiler, Answers(compiler, code, chance))


def generate_step(code: str, seconds: float, compiler: Compiler) -> Step:
    """Return the step that runs ``code`` for each place; as `transform_step`, but the code sees no value."""

    def chance(column: Column) -> Iterable[bytes]:
        return map(compiler.keyed.digest, column.identities())

    return _step(code, (), seconds, compiler, Answers(compiler, code, chance))


def _step(code: str, parameters: tuple[str, ...], seconds: float, compiler: Compiler, answers: Answers) -> Step:
    try:
        JAVASCRIPT.compile(code, parameters, functions())
    except JavaScriptSyntaxError as error:
        where = f"line {error.line}, column {error.column}"
        raise MappingError(
            f"{compiler.place}.code", f"{where}: {error.message}; write the body of a function, with return"
        ) from None
    except (OutOfTimeError, OutOfMemoryError):
        raise MappingError(f"{compiler.place}.code", "V8 cannot compile code of this size; shorten it") from None
    attributes = _attributes_read(code) if parameters else frozenset()
    settle = _MAY_GO_ON_AFTERWARDS.search(code) is not None
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    now = int(today.timestamp() * 1000)

    def step(column: Column) -> list[WireValue | Drop]:
        results: list[WireValue | None] = [None] * len(column.values)
        given: dict[int, list[Answer]] = {}
        running = list(range(len(column.values)))
        seconds_left = seconds
        while running:
            request: dict[str, Any] = {"count": len(running), "now": now}
            if parameters:
                request["values"] = [column.values[index] for index in running]
            if attributes is None or attributes:
                request |= _items(column, running, attributes)
            if given:
                request["answers"] = [given[index] for index in running]
            try:
                answer, took = JAVASCRIPT.run(code, parameters, functions(), request, seconds_left, settle=settle)
            except OutOfTimeError:
                raise TransformError(compiler.place, _too_slow(seconds, endless_loop(code, request))) from None
            except OutOfMemoryError:
                raise TransformError(compiler.place, _too_big(hungry_line(code, request))) from None
            if "failed" in answer:
                raise TransformError(
                    compiler.place, _thrown(answer, code), row=column.rows[running[answer["failed"]]]
                )
            for index, result in zip(running, answer["results"], strict=True):
                results[index] = result
            calls = [Call(running[position], *call) for position, *call in answer["pending"]]
            for call, reply in zip(calls, answers.answer(calls, column), strict=True):
                given.setdefault(call.run, []).append(reply)
            running = [call.run for call in calls]
            seconds_left -= took
            if running and seconds_left <= 0:
                raise TransformError(compiler.place, _too_slow(seconds, None))
        return [DROP if result is None else result for result in results]

    return step


def _attributes_read(code: str) -> frozenset[str] | None:
    """Return the attributes of ``input`` that a script reads by name; None: it may read any.

    To bring a whole item to V8 costs more than most scripts do.
    """
    if _OTHER_WAYS_TO_INPUT.search(code):
        return None
    names: set[str] = set()
    for mention in _INPUT.finditer(code):
        if mention.lastgroup is None:
            return None
        if mention["names"] is not None:
            names.update(part.partition(":")[0].strip() for part in mention["names"].split(","))
        else:
            names.add(mention["name"] or mention["quoted"])
    return None if names & _INHERITED else frozenset(names)


def _items(column: Column, running: list[int], attributes: frozenset[str] | None) -> dict[str, Any]:
    """Return the items of the values that run, each once, and which value belongs to which."""
    positions: dict[int, int] = {}
    rows = [positions.setdefault(column.rows[index], len(positions)) for index in running]
    items = [column.chunk.items[row] for row in positions]
    if attributes is not None:
        items = [{name: item[name] for name in attributes if name in item} for item in items]
    return {"items": items, "rows": rows}


def _too_slow(seconds: float, line: int | None) -> str:
    where = f", in the loop at line {line}" if line else ""
    return (
        f"the script took more than the {seconds:g} seconds a chunk may take{where}; look for an endless loop,"
        " or raise timeout"
    )


def _too_big(line: int | None) -> str:
    where = f", at line {line}" if line else ""
    return (
        f"the script took more than the {MEMORY_LIMIT >> 20} MB of memory it may take{where}; look for what grows"
        " without end"
    )


def _thrown(failure: dict[str, Any], code: str) -> str:
    """Say what a script threw and where; a message is told only where it is the runtime's own, without a value."""
    place = failure["place"]
    where = f" at line {place[0]}, column {place[1]}" if place else ""
    if failure["message"] is not None:
        return f"{failure['message']} (in the script{where})" if where else str(failure["message"])
    name = failure["error"]
    if name in _TYPES:
        thrown = f"a value of type {name}"
    else:
        thrown = name if name in _ERRORS or re.search(rf"\b{re.escape(name)}\b", code) else "an error"
    return f"the script threw {thrown}{where}; correct it for values of this kind"
