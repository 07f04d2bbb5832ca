"""The catalogue as scripts see it: ``neosync.transformEmail(value, {preserveDomain: true})``.

Names and options are those of the definitions in camel case; where Neosync writes a name in another way, that name
works too.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from airflow_dynsync.engine.definitions import Column, Compiler, Definition, Drop, Step
from airflow_dynsync.engine.errors import MappingError
from airflow_dynsync.engine.registry import catalogue
from airflow_dynsync.engine.values import ELEMENT_OF_SET, NULL, TYPE_IN_WORDS, WireValue, to_python

NEOSYNC_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "generateInternationalPhoneNumber": "generate_e164_phone_number",
        "generateRandomString": "generate_string",
        "generateSHA256Hash": "generate_sha256hash",
        "generateSSN": "generate_ssn",
        "generateUTCTimestamp": "generate_utctimestamp",
        "generateUUID": "generate_uuid",
        "generateUnixTimestamp": "generate_unixtimestamp",
        "transformStringPhoneNumber": "transform_phone_number",
    }
)
"""Neosync's names that are not our own in camel case."""

RANDOM: Final = "Math.random"
_STEPS_KEPT: Final = 1024

Answer = dict[str, Any] | None
"""A wire value; None: the attribute is removed; ``{"refused": message}`` is thrown; ``{"seed": [...]}``."""


def camel_case(name: str) -> str:
    """Return a name of ours as JavaScript writes it: ``generate_e164_phone_number``, generateE164PhoneNumber."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


@cache
def functions() -> Mapping[str, tuple[str, bool]]:
    """Return for each function's name its transformer, and whether that reads its input."""
    known = catalogue()
    names = {camel_case(name): name for name in known}
    names |= {alias: name for alias, name in NEOSYNC_NAMES.items() if name in known}
    return {function: (name, known[name].reads_input) for function, name in names.items()}


class Call(NamedTuple):
    """A call that a script waits for.

    Attributes:
        run: the position of the value whose run made it.
        function: as in `functions`, or ``Math.random``.
        value: the first argument of a function that reads its input.
        options: ``{"M": ...}``, or None.
        ordinal: how many calls of the same generator with the same options the run made before.
    """

    run: int
    function: str
    value: WireValue | None
    options: WireValue | None
    ordinal: int


class Answers:
    """Answers the calls of one rule's script."""

    def __init__(self, compiler: Compiler, code: str, chance: Callable[[Column], Iterable[bytes]]) -> None:
        self._code = code
        self._chance = chance
        self._compiler = compiler
        self._transformer = lru_cache(_STEPS_KEPT)(self._compile)

    def answer(self, calls: Sequence[Call], column: Column) -> list[Answer]:
        """Return the answers, those of one function with the same options found together.

        Args:
            calls: `Call.run` counts in ``column``.
            column: the script's own values: generators draw for their items and places.
        """
        alike = defaultdict(list)
        for position, call in enumerate(calls):
            options = orjson.dumps(call.options, option=orjson.OPT_SORT_KEYS)
            alike[call.function, options].append(position)
        answers: list[Answer] = [None] * len(calls)
        for (function, options), positions in alike.items():
            group = [calls[position] for position in positions]
            for position, answer in zip(
                positions, self._answer_group(function, options, group, column), strict=True
            ):
                answers[position] = answer
        return answers

    def _answer_group(self, function: str, options: bytes, calls: list[Call], column: Column) -> list[Answer]:
        rows = [column.rows[call.run] for call in calls]
        if function == RANDOM:
            values = [column.values[call.run] for call in calls]
            own = Column(column.chunk, values, rows, [column.places[call.run] for call in calls])
            return [{"seed": struct.unpack_from(">4I", digest)} for digest in self._chance(own)]
        here = Column(
            column.chunk, [call.value or NULL for call in calls], rows, [_place(column, call) for call in calls]
        )
        try:
            definition, step = self._transformer(function, options)
        except MappingError as error:
            return [{"refused": self._refusal(error, function, options)}] * len(calls)
        if not definition.reads_input:
            return [_answer(result) for result in step(here)]
        return _transform(function, definition, step, here)

    def _refusal(self, error: MappingError, function: str, options: bytes) -> str:
        """Say what is wrong with options, in full where they are written in the script and not made of values."""
        if all(text in self._code for text in _texts(to_python(orjson.loads(options) or NULL))):
            written = error.place.removeprefix(f"{self._compiler.place}.")
            return f"neosync.{camel_case(f'{written}: {error.message}')}"
        return f"neosync.{function} does not take these options; write them out in the script to be told why"

    def _compile(self, function: str, options: bytes) -> tuple[Definition, Step]:
        name, _ = functions()[function]
        written = orjson.loads(options)
        config = _config(function, name, {} if written is None else to_python(written))
        return self._compiler.definition(config, function), self._compiler.step(config, function)


def _place(column: Column, call: Call) -> tuple[str | int, ...]:
    """Return where a call's result belongs: the first one where the value is, as if its rule called Python."""
    place = column.places[call.run]
    return (*place, f"call {call.ordinal}") if call.ordinal else place


def _config(function: str, name: str, options: Any) -> dict[str, Any]:
    """Return a rule as in a mapping from a function's options."""
    if not isinstance(options, dict):
        raise MappingError(function, "expected an object of options")
    known = {camel_case(field): field for field in catalogue()[name].parameters.model_fields}
    config: dict[str, Any] = {"transformer": name}
    for option, setting in options.items():
        if setting is None:
            continue
        config[known.get(str(option), str(option))] = _plain(setting)
    seed = config.pop("seed", None)
    if seed is not None:
        config["realm"] = f"{config.get('realm', name)} seed {seed}"
    return config


def _texts(options: Any) -> Iterator[str]:
    """Yield every name and text in options."""
    if isinstance(options, str):
        yield options
    elif isinstance(options, dict):
        for name, setting in options.items():
            yield name
            yield from _texts(setting)
    elif isinstance(options, list):
        for element in options:
            yield from _texts(element)


def _plain(setting: Any) -> Any:
    """Return an option as YAML would have given it: whole numbers as int, others as float where that is exact."""
    match setting:
        case Decimal() if setting == setting.to_integral_value():
            return int(setting)
        case Decimal():
            return float(setting) if Decimal(repr(float(setting))) == setting else setting
        case dict():
            return {name: _plain(member) for name, member in setting.items()}
        case list():
            return [_plain(element) for element in setting]
    return setting


def _answer(result: WireValue | Drop) -> Answer:
    return None if isinstance(result, Drop) else result


def _transform(function: str, definition: Definition, step: Step, column: Column) -> list[Answer]:
    """Apply a transformer to what the scripts gave it, under the rules that hold for attributes.

    NULL and what is empty stay, sets are transformed element by element, other types are refused.
    """
    answers: list[Answer] = [*column.values]
    taken = Column(column.chunk, [], [], [])
    positions: list[tuple[int, str | None]] = []
    for index, (value, row, place) in enumerate(zip(column.values, column.rows, column.places, strict=True)):
        ((kind, payload),) = value.items()
        if kind == "NULL" or (payload == "" and definition.keeps_empty):
            continue
        element = ELEMENT_OF_SET.get(kind)
        if kind in definition.accepts:
            parts, kind_of_set = [(value, place)], None
        elif element in definition.accepts:
            ranked = enumerate(sorted(payload))
            parts, kind_of_set = [({element: text}, (*place, ordinal)) for ordinal, text in ranked], kind
            answers[index] = {kind: []}
        else:
            takes = " or ".join(TYPE_IN_WORDS[name] for name in sorted(definition.accepts - ELEMENT_OF_SET.keys()))
            answers[index] = {"refused": f"neosync.{function} takes {takes}, and was given {TYPE_IN_WORDS[kind]}"}
            continue
        for part, where in parts:
            taken.values.append(part)
            taken.rows.append(row)
            taken.places.append(where)
            positions.append((index, kind_of_set))
    for (index, kind_of_set), result in zip(positions, step(taken), strict=True):
        if kind_of_set is None:
            answers[index] = _answer(result)
        elif not isinstance(result, Drop) and result != NULL:
            _add_to_set(answers, index, kind_of_set, result, function)
    return answers


def _add_to_set(answers: list[Answer], index: int, kind: str, element: WireValue, function: str) -> None:
    members = (answers[index] or {}).get(kind)
    if members is None:
        return
    text = element.get(ELEMENT_OF_SET[kind])
    if text is None:
        answers[index] = {"refused": f"neosync.{function} gave elements of another type for {TYPE_IN_WORDS[kind]}"}
    elif text not in members:
        members.append(text)
