"""What a transformer is: one definition object, from which everything that speaks of it is derived.

A transformer works on scalars (`Definition.scalar`: most do) or on a whole column of wire values at once
(`Definition.column`: those for which a call is dear, such as JavaScript, or which call other transformers).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from airflow_dynsync.engine.errors import TransformError
from airflow_dynsync.engine.keyed import Keyed, Stream, join_parts
from airflow_dynsync.engine.values import ValueRefusedError, WireItem, WireValue, number_text

if TYPE_CHECKING:
    from airflow_dynsync.engine.compiler import Rule


class Uniqueness(Enum):
    """Whether different inputs stay different."""

    PRESERVED = "preserved"
    NOT_GUARANTEED = "not_guaranteed"
    LOSSY = "lossy"


def weakest(*classes: Uniqueness) -> Uniqueness:
    """Return the class of something that is made of results of these classes."""
    return max(classes, key=[*Uniqueness].index)


@dataclass(frozen=True, slots=True)
class Held:
    """What decides on the class of a transformer that holds others.

    Attributes:
        transformers: as written in a mapping.
        at_best: the class, where none of theirs is weaker.
    """

    transformers: Iterable[Any]
    at_best: Uniqueness = Uniqueness.PRESERVED


def _compile(text: Any) -> Any:
    try:
        return re.compile(text) if isinstance(text, str) else text
    except re.error as error:
        raise ValueError(f"expected a regular expression of Python's re: {error.msg}") from None


Regex = Annotated[re.Pattern[str], BeforeValidator(_compile, json_schema_input_type=str)]
"""A parameter that is a regular expression, as Python's ``re`` takes it."""


def uniqueness_of_random(bits: float) -> Uniqueness:
    """Return the class of results that carry ``bits`` of keyed randomness each.

    Among a billion results of 128 bits two are equal with a probability under 2E-21: as good as one to one. Of 64
    bits it is 3 %; with fewer, collisions have to be expected.
    """
    if bits >= 128:
        return Uniqueness.PRESERVED
    return Uniqueness.NOT_GUARANTEED if bits >= 64 else Uniqueness.LOSSY


class Drop(Enum):
    """The type of `DROP`."""

    DROP = "drop"


DROP: Final = Drop.DROP
"""A transformer returns it to remove the attribute."""


class Parameters(BaseModel):
    """Base of every transformer's parameters: strict types, unknown names refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def _exact(number: Any) -> Any:
    if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
        raise PydanticCustomError("number", "Input should be a number")
    exact = number if isinstance(number, Decimal) else Decimal(repr(number))
    try:
        number_text(exact)
    except ValueRefusedError:
        raise PydanticCustomError(
            "number", "Input should be a number that DynamoDB stores, of 38 digits, from 1E-130 to 9.99E+125"
        ) from None
    return exact


Number = Annotated[Decimal, BeforeValidator(_exact)]
"""A parameter that is an exact decimal, however it is written, of those that DynamoDB stores."""


def _split(text: Any) -> Any:
    return [part for part in map(str.strip, text.split(",")) if part] if isinstance(text, str) else text


TextList = Annotated[list[str], BeforeValidator(_split, json_schema_input_type=list[str] | str)]
"""A parameter that is a list of texts, or one text with commas between them."""


class Step(Protocol):
    """A compiled transformer: a column in, as many results out, each a wire value or ``DROP``."""

    def __call__(self, column: Column) -> list[WireValue | Drop]:
        """Return a result for each of the column's values."""
        ...


Inside = Callable[["Sequence[WireItem]", "Column"], "list[WireItem]"]
"""A compiled mapping for what lies inside a column's values: an item for each value in, as many out."""

Place = tuple[str | int, ...]
"""The steps to a value inside its item."""

Scalar = Callable[[Any, Stream], Any]
"""``(value, stream) -> value``: str for S, Decimal for N, bytes for B, bool for BOOL; None for NULL."""


class Chunk:
    """The source items of one chunk, who they are, and what the transformers of the acting rule counted there."""

    __slots__ = ("_identities", "_key_attributes", "counted", "items")

    def __init__(self, items: Sequence[WireItem], key_attributes: Sequence[str]) -> None:
        self.items = items
        self._key_attributes = key_attributes
        self._identities: dict[int, bytes] = {}
        self.counted: Counter[tuple[Rule | None, str | int | None, str]] = Counter()

    def identity(self, row: int) -> bytes:
        """Return the source primary key of an item as bytes; without key attributes, the whole item."""
        known = self._identities.get(row)
        if known is None:
            known = self._identities[row] = join_parts(*self._identity_parts(self.items[row], row))
        return known

    def identity_at(self, row: int, place: Place) -> bytes:
        """Return what a generator may depend on: the item's source key and the value's place in it."""
        return self.identity(row) + _place_bytes(place)

    def _identity_parts(self, item: WireItem, row: int) -> list[str]:
        if not self._key_attributes:
            return _flat({"M": item})
        for name in self._key_attributes:
            if name not in item:
                raise TransformError(
                    name,
                    "an item lacks this primary-key attribute, on which generated values depend; read whole items",
                    row=row,
                )
        return [part for name in self._key_attributes for part in _flat(item[name])]


def _flat(value: WireValue) -> list[str]:
    ((kind, payload),) = value.items()
    if isinstance(payload, str):
        return [kind, payload]
    if isinstance(payload, Mapping):
        inner = [part for name in sorted(payload) for part in (name, *_flat(payload[name]))]
    elif isinstance(payload, list):
        inner = [part for element in payload for part in _flat(element)] if kind == "L" else sorted(payload)
    else:
        inner = [str(payload)]
    return [kind, str(len(inner)), *inner]


@lru_cache(maxsize=4096)
def _place_bytes(place: Place) -> bytes:
    return join_parts(*(f"{type(step).__name__}{step}" for step in place))


@dataclass(frozen=True, slots=True)
class Column:
    """The values that one rule meets in one chunk.

    ``rows[i]`` is the position in ``chunk.items`` of the item that ``values[i]`` comes from, ``places[i]`` the
    steps to it inside that item.
    """

    chunk: Chunk
    values: list[WireValue]
    rows: list[int]
    places: list[Place]

    def identities(self) -> list[bytes]:
        """Return for each value what a generator may depend on: the item's source key and the value's place."""
        return [self.identity(index) for index in range(len(self.values))]

    def identity(self, index: int) -> bytes:
        """Return what a generator may depend on for one value."""
        return self.chunk.identity_at(self.rows[index], self.places[index])

    def with_values(self, values: list[WireValue]) -> Column:
        """Return the same places with other values in them."""
        return Column(self.chunk, values, self.rows, self.places)

    def count(self, index: int, outcome: str, count: int = 1) -> None:
        """Count something about one value; it becomes a row of the plan's statistics, under the rule at work.

        A `Step` calls it wherever it likes: a chunk that fails, or that is tried again, is not counted twice.

        Args:
            index: of the value in this column.
            outcome: in words, of which there are few; never a part of a value. ``found EMAIL_ADDRESS``.
            count: how often.
        """
        self.chunk.counted[None, self.places[index][0], outcome] += count


class Insides(Chunk):
    """What lies inside the values of a column; generators there depend on the item and the value's place in it."""

    __slots__ = ("_column",)

    def __init__(self, insides: Sequence[WireItem], column: Column) -> None:
        super().__init__(insides, ())
        self._column = column

    def identity(self, row: int) -> bytes:
        """Return the identity of the value that an inside is from."""
        return self._column.identity(row)


class Compiler(Protocol):
    """What a column transformer may ask for while it is compiled."""

    @property
    def place(self) -> str:
        """The rule, such as ``mappings.Email``: errors name it."""
        ...

    def step(self, config: Any, place: str) -> Step:
        """Compile another transformer, written as in a mapping, for use inside this one."""
        ...

    def text_step(self, config: Any, place: str) -> Step:
        """Compile another transformer that is to work on strings, or refuse one that cannot."""
        ...

    def definition(self, config: Any, place: str) -> Definition:
        """Return the definition of another transformer, written as in a mapping."""
        ...

    def inside(self, mapping: Mapping[str, Any]) -> Inside:
        """Compile the mapping for what lies inside this rule's values."""
        ...

    @property
    def keyed(self) -> Keyed:
        """The keyed function of this rule: that of its realm."""
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """One value before and after, for the secret `EXAMPLE_SECRET`; reproduced by the tests, shown in the docs."""

    value: Any
    result: Any
    parameters: Mapping[str, Any] = field(default_factory=dict)


EXAMPLE_SECRET: Final = b"the secret of the examples"
EXAMPLE_KEY: Final[WireItem] = {"Id": {"S": "example"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A transformer: its name, its parameters, what it accepts and returns, and how it is made.

    Attributes:
        name: as written in a mapping.
        summary: one line, without a full stop.
        parameters: a pydantic model.
        accepts: type letters it can take; a set letter means that it takes the set whole, otherwise sets are
            transformed element by element.
        returns: type letters of its results; None means each result has its value's type.
        uniqueness: of the results, or a function of the parameters that tells it, or on what it depends.
        reads_input: True for transform_*: the output depends on the value. False for generate_*: it depends on
            the item's source key and the path.
        reads_item: it may look at the item around its value, so that items have to be read whole.
        keeps_empty: "" and empty binaries are passed over.
        wants_many: a call takes its time whatever it is for, so it should be for many values.
        has_realm: it draws by itself, so that the option ``realm`` has a meaning.
        example: one value before and after.
        scalar: makes ``(value, stream) -> value`` from the parameters.
        column: makes a `Step` from the parameters and the compiler.
    """

    name: str
    summary: str
    parameters: type[Parameters] = Parameters
    accepts: frozenset[str]
    returns: frozenset[str] | None
    uniqueness: Uniqueness | Callable[[Any], Uniqueness | Held]
    reads_input: bool
    reads_item: bool = False
    keeps_empty: bool = True
    wants_many: bool = False
    has_realm: bool = True
    example: Example
    scalar: Callable[[Any], Scalar] | None = None
    column: Callable[[Any, Compiler], Step] | None = None

    def uniqueness_of(
        self,
        parameters: Parameters,
        class_of: Callable[[Any], Uniqueness] = lambda _: Uniqueness.LOSSY,
    ) -> Uniqueness:
        """Return the uniqueness class for these parameters.

        Args:
            parameters: of this transformer.
            class_of: tells the class of a transformer that this one holds, as written there; without it, the
                worst is assumed.
        """
        told = self.uniqueness(parameters) if callable(self.uniqueness) else self.uniqueness
        if isinstance(told, Uniqueness):
            return told
        return weakest(told.at_best, *map(class_of, told.transformers))
