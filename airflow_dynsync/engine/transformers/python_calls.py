"""Python functions as transformers: `transform_python` and `generate_python`."""

from __future__ import annotations

import inspect
import random
import traceback
from collections.abc import Callable, Iterable, Set, Sized
from decimal import Decimal
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from airflow_dynsync.engine.definitions import (
    Column,
    Compiler,
    Definition,
    Drop,
    Example,
    Parameters,
    Step,
    Uniqueness,
)
from airflow_dynsync.engine.errors import MappingError, TransformError
from airflow_dynsync.engine.values import (
    ELEMENT_OF_SET,
    EVERY_TYPE,
    ValueRefusedError,
    WireValue,
    to_python,
    to_wire,
)

_HOW_TO_NAME: Final = "write it as package.module:name, importable where the sync runs"

_BREAKS: Final = (Exception, SystemExit)
"""What a user's code may end with: one function that calls sys.exit is not to end the worker, nor to say why."""


def _function_or_name(written: Any) -> Any:
    if not isinstance(written, str) and not callable(written):
        raise PydanticCustomError("function", "Input should be a function or its name, package.module:name")
    return written


FunctionOrName = Annotated[
    str | Callable[..., Any], BeforeValidator(_function_or_name), WithJsonSchema({"type": "string"})
]


Vectorized = Annotated[
    bool,
    Field(
        description="Call the function with lists, once for many values. It returns as many results in their"
        " order: a list, a generator, an array of NumPy or a series of pandas. Which values come together, and how"
        " many, differs from run to run, so a result must not depend on the values beside its own."
    ),
]


class TransformPython(Parameters):
    """Parameters of transform_python."""

    callable: FunctionOrName = Field(
        description="The function, as package.module:name or, in a DAG, itself. It is called with the value, and"
        " with the whole source item too if it takes two arguments; what it returns is the new value. A vectorized"
        " one gets a list of each."
    )
    vectorized: Vectorized = False


class GeneratePython(Parameters):
    """Parameters of generate_python."""

    callable: FunctionOrName = Field(
        description="The function, as package.module:name or, in a DAG, itself. It is called without arguments or,"
        " if it takes one, with a random.Random that belongs to the item and the path: the only source of chance"
        " that gives the same result on every run. A vectorized one has to take them, one for each value."
    )
    vectorized: Vectorized = False


def _transform_python(parameters: TransformPython, compiler: Compiler) -> Step:
    function = _resolve(parameters.callable, compiler)
    if parameters.vectorized:
        return _vectorized_transform(function, compiler)
    takes_item = _takes(function, 2, "item")

    def step(column: Column) -> list[WireValue | Drop]:
        results: list[WireValue | Drop] = []
        items = column.chunk.items
        for row, value in zip(column.rows, column.values, strict=True):
            before = to_python(value)
            arguments = (before, to_python({"M": items[row]})) if takes_item else (before,)
            results.append(_call(function, arguments, value, compiler.place, row))
        return results

    return step


def _vectorized_transform(function: Callable[..., Any], compiler: Compiler) -> Step:
    takes_items = _takes(function, 2, "items")

    def step(column: Column) -> list[WireValue | Drop]:
        values = [to_python(value) for value in column.values]
        if not takes_items:
            return _call_for_all(function, (values,), column, compiler.place)
        items = {row: to_python({"M": column.chunk.items[row]}) for row in set(column.rows)}
        return _call_for_all(function, (values, [items[row] for row in column.rows]), column, compiler.place)

    return step


def _generate_python(parameters: GeneratePython, compiler: Compiler) -> Step:
    function = _resolve(parameters.callable, compiler)
    if parameters.vectorized:
        return _vectorized_generator(function, compiler)
    takes_random = _takes(function, 1, "rng")
    keyed = compiler.keyed

    def step(column: Column) -> list[WireValue | Drop]:
        results: list[WireValue | Drop] = []
        for row, value, identity in zip(column.rows, column.values, column.identities(), strict=True):
            arguments = (random.Random(keyed.digest(identity)),) if takes_random else ()  # noqa: S311 - keyed seed
            results.append(_call(function, arguments, value, compiler.place, row))
        return results

    return step


def _vectorized_generator(function: Callable[..., Any], compiler: Compiler) -> Step:
    if not _takes(function, 1, "rngs"):
        raise MappingError(
            f"{compiler.place}.callable",
            f"{_name(function)} takes no argument, so it cannot know how many results are needed; let it take the"
            " list of random.Random, one for each value",
        )
    keyed = compiler.keyed

    def step(column: Column) -> list[WireValue | Drop]:
        rngs = [random.Random(keyed.digest(identity)) for identity in column.identities()]  # noqa: S311 - keyed seed
        return _call_for_all(function, (rngs,), column, compiler.place)

    return step


def _call(
    function: Callable[..., Any], arguments: tuple[Any, ...], value: WireValue, place: str, row: int
) -> WireValue | Drop:
    try:
        result = function(*arguments)
    except _BREAKS as error:  # its message may hold the value
        raise _raised(function, error, place, row) from None
    return _stored(function, result, value, place, row)


def _call_for_all(
    function: Callable[..., Any], arguments: tuple[Any, ...], column: Column, place: str
) -> list[WireValue | Drop]:
    """Call a vectorized function; an error of its own is that of an item where there is but one."""
    count = len(column.values)
    if not count:
        return []
    try:
        returned = _plain(function(*arguments))
        in_order = isinstance(returned, Iterable) and not isinstance(returned, str | bytes | bytearray | Set)
        # A mapping has keys, and so has a data frame, which would give the names of its columns.
        results = list(islice(returned, count + 1)) if in_order and not hasattr(returned, "keys") else None
    except _BREAKS as error:  # its message may hold a value
        raise _raised(function, error, place, column.rows[0] if count == 1 else None) from None
    if results is None or len(results) != count:
        if results is None:
            came = f"a {type(returned).__name__}"
        elif isinstance(returned, Sized):
            came = f"{len(returned)} results"
        else:
            came = f"{len(results)} results" if len(results) < count else f"more than {count} results"
        raise TransformError(
            place,
            f"{_name(function)}{_defined(function)} returned {came} for a list of {count}; let it return a list or"
            " an array with one result for each value",
        )
    return [
        _stored(function, result, value, place, row)
        for result, value, row in zip(results, column.values, column.rows, strict=True)
    ]


def _stored(function: Callable[..., Any], result: Any, value: WireValue, place: str, row: int) -> WireValue | Drop:
    try:
        result = _plain(result)
    except _BREAKS as error:  # its message may hold the value
        raise _raised(function, error, place, row) from None
    if isinstance(result, Drop):
        return result
    if isinstance(result, set | frozenset) and not result:
        (kind,) = value
        empty_set: WireValue = {kind if kind in ELEMENT_OF_SET else "SS": []}
        return empty_set
    try:
        return to_wire(result)
    except ValueRefusedError as error:
        raise TransformError(place, f"{_name(function)}{_defined(function)}: {error}", row=row) from None


def _plain(result: Any) -> Any:
    """Return an array or a number of NumPy, a series of pandas and their like as Python has them."""
    return result.tolist() if hasattr(result, "tolist") else result


def _raised(function: Callable[..., Any], error: BaseException, place: str, row: int | None) -> TransformError:
    cause = f"{_name(function)} raised {type(error).__name__}{_line(error)}"
    return TransformError(place, f"{cause}; correct the function for values of this kind", row=row)


def _resolve(written: str | Callable[..., Any], compiler: Compiler) -> Callable[..., Any]:
    place = f"{compiler.place}.callable"
    if not isinstance(written, str):
        return written
    module_name, colon, name = written.partition(":")
    if not (colon and module_name and name):
        raise MappingError(place, f"expected the name of a function; {_HOW_TO_NAME}")
    try:
        found: Any = import_module(module_name)
    except _BREAKS as error:  # a module may raise anything while it is imported
        missing = f" ({error.name})" if isinstance(error, ModuleNotFoundError) else ""
        raise MappingError(
            place, f"importing {module_name} raised {type(error).__name__}{missing}; {_HOW_TO_NAME}"
        ) from None
    try:
        for attribute in name.split("."):
            found = getattr(found, attribute)
    except AttributeError:
        raise MappingError(place, f"the module {module_name} has no {name}; {_HOW_TO_NAME}") from None
    if not callable(found):
        raise MappingError(place, f"{written} is a {type(found).__name__}, not a function; name a function")
    return found  # type: ignore[no-any-return]


def _takes(function: Callable[..., Any], count: int, optional: str) -> bool:
    """Tell whether a function takes ``count`` arguments; one with a default counts if named ``optional``."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [
        parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and (parameter.default is parameter.empty or parameter.name == optional)
    ]
    return len(positional) >= count


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', None) or type(function).__module__}.{name}"


def _defined(function: Callable[..., Any]) -> str:
    """Say where a function is written, if it is in Python."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f" (line {code.co_firstlineno} of {Path(code.co_filename).name})" if code else ""


def _line(error: BaseException) -> str:
    """Say which line of the user's own file raised: the deepest frame in the file that was called first."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    own = [frame for frame in frames if frame.filename == frames[0].filename]
    return f" in line {own[-1].lineno} of {Path(own[-1].filename).name}" if own else ""


DEFINITIONS: Final = (
    Definition(
        name="transform_python",
        summary="Gives the value to a Python function",
        parameters=TransformPython,
        accepts=EVERY_TYPE,
        returns=EVERY_TYPE,
        uniqueness=Uniqueness.NOT_GUARANTEED,
        reads_input=True,
        reads_item=True,
        keeps_empty=False,
        has_realm=False,
        example=Example("o'neill, mary", "O'neill, Mary", {"callable": "string:capwords"}),
        wants_many=True,
        column=_transform_python,
    ),
    Definition(
        name="generate_python",
        summary="Takes what a Python function returns",
        parameters=GeneratePython,
        accepts=EVERY_TYPE,
        returns=EVERY_TYPE,
        uniqueness=Uniqueness.NOT_GUARANTEED,
        reads_input=False,
        keeps_empty=False,
        example=Example(Decimal("0.5"), Decimal("0.9291097878070351"), {"callable": "random:Random.random"}),
        wants_many=True,
        column=_generate_python,
    ),
)
