"""Functions and scripts as users may write them: what they should not do, they do."""

import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from airflow_dynsync.engine.definitions import DROP


def _same(value: Any) -> Any:
    return value


def _raises(value: Any) -> Any:
    raise RuntimeError(f"cannot take {value!r}")


def _raises_unprintable(value: Any) -> Any:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise ValueError(value)

    raise UnprintableError(value) from KeyError(value)


def _exits(value: Any) -> Any:
    sys.exit(f"cannot take {value!r}")


def _with_item(value: Any, item: Any) -> Any:
    return item[next(iter(item))]


def _itself(value: Any) -> Any:
    result = [value]
    result.append(result)
    return result


class _Listing:
    def tolist(self) -> Any:
        raise TypeError("no list")


def _always(result: Any) -> Callable[[Any], Any]:
    def returns(value: Any) -> Any:
        return result

    return returns


def _around(value: Any) -> Any:
    return {"a": [value, (value,), {"b": value}], str(value): None}


FUNCTIONS: list[Any] = [
    _same,
    _raises,
    _raises_unprintable,
    _exits,
    _with_item,
    _itself,
    _around,
    str,
    len,
    "string:capwords",
    *map(
        _always,
        [
            None, "", "x", b"", 7, -0.0, 1e300, 5e-324, float("nan"), Decimal("NaN"), Decimal("1E+999999"), 10**60,
            True, DROP, set(), {1, "x"}, {1, 2.0}, frozenset(["x", ""]), {"": 1}, {1: 2}, [], {}, object(),
            "\ud800", {"a": {"\ud800"}}, 1j, range(3), _Listing(), iter("ab"),
        ],
    ),
]  # fmt: skip

VECTORIZED: list[Any] = [_same, _raises, _exits, _around, tuple, iter, *map(_always, [None, [], "x", {}, 7])]

GENERATORS: list[Any] = [
    "random:Random.random",
    lambda: "x",
    lambda rng: rng.random(),
    set,
    lambda: 1 / 0,
]

SCRIPTS = [
    "return value",
    "return value.toUpperCase()",
    "throw new Error(value)",
    "throw value",
    "throw {message: value, name: value, stack: value}",
    "class E extends Error { constructor(v) { super(v); this.name = v } } throw new E(value)",
    "return value.a.b.c",
    "return input",
    "return Object.entries(input)[0]",
    "return [value, {a: value}, new Set([value]), new Set()]",
    "return new Set()",
    "return NaN",
    "return -0",
    "return 10n ** 60n",
    "return 1e-300",
    "return '\\ud800'",
    "return {['x\\ud800']: [value, '\\udfff']}",
    "return {'': value}",
    "return {[value]: value}",
    "return Symbol(value)",
    "return () => value",
    "const a = [value]; a.push(a); return a",
    "return new Uint8Array([1, 2])",
    "return new Date(value)",
    "return new Map([[value, 1]])",
    "return Promise.reject(value)",
    "return neosync.transformEmail(value, {preserveDomain: true})",
    "return neosync.transformString(value)",
    "return neosync.transformString(value, {[value]: 1})",
    "return neosync.transformHash(value, {length: value})",
    "return neosync.generateString({min: String(value)})",
    "return neosync.transformJson(value, {mappings: {[value]: value}})",
    "return neosync.transformJson(value, {unmapped: 'fail'})",
    "return neosync.transformTemplate(value, {template: value})",
    "return neosync.transformPython(value, {callable: value + ':' + value})",
    "return neosync.transformRegexReplace(value, {pattern: value, replacement: value})",
    "return neosync.transformJavascript(value, {code: value})",
    "return neosync.transformMask(value, {pattern: '(' + value})",
    "return neosync.transformDateShift(value, {format: value, by: value})",
    "try { return neosync.transformUuid(value) } catch (e) { throw e }",
    "try { return neosync.transformUuid(value) } catch (e) { return e }",
    "neosync[value](value)",
    "return [1, 2, 3].map(() => Math.random())",
    "return 'x'.repeat(2 ** 30)",
    "return value.replaceAll(/./gu, c => neosync.generateInt64())",
]
