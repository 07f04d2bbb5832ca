"""Transformers that keep, remove or replace a value whatever it is."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from itertools import accumulate
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from airflow_dynsync.engine.definitions import (
    DROP,
    Column,
    Compiler,
    Definition,
    Drop,
    Example,
    Number,
    Parameters,
    Scalar,
    Step,
    TextList,
    Uniqueness,
)
from airflow_dynsync.engine.errors import MappingError
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.values import (
    EVERY_TYPE,
    EVERY_TYPE_BUT_SETS,
    NULL,
    ValueRefusedError,
    WireValue,
    to_wire,
)


def _passthrough(_parameters: Parameters, _compiler: Compiler) -> Step:
    def step(column: Column) -> list[WireValue | Drop]:
        return [*column.values]

    return step


def _repeat(result: WireValue | Drop) -> Step:
    def step(column: Column) -> list[WireValue | Drop]:
        return [result] * len(column.values)

    return step


class Constant(Parameters):
    """Parameters of constant."""

    value: Any = Field(
        description="The value, of any type: strings, numbers, booleans, null, lists and maps become S, N, BOOL,"
        " NULL, L and M."
    )


def _constant(parameters: Constant, compiler: Compiler) -> Step:
    try:
        return _repeat(to_wire(parameters.value))
    except ValueRefusedError as error:
        raise MappingError(
            f"{compiler.place}.value", f"{error}; write a string, number, boolean, null, list or map"
        ) from None


class GenerateCategorical(Parameters):
    """Parameters of generate_categorical."""

    categories: Annotated[TextList, Field(min_length=1)] = Field(
        description="The values to choose from: a list, or one text with commas between them."
    )
    weights: list[Annotated[Number, Field(ge=0)]] | None = Field(
        default=None,
        description="How often each is chosen in proportion to the others, in the order of the categories; without"
        " it, all alike.",
    )

    @model_validator(mode="after")
    def _one_weight_each(self) -> Self:
        if self.weights is not None:
            if len(self.weights) != len(self.categories):
                raise ValueError(
                    f"there are {len(self.categories)} categories and {len(self.weights)} weights; give each one"
                )
            if not any(self.weights):
                raise ValueError("all weights are 0; at least one must be above")
        return self


def _generate_categorical(parameters: GenerateCategorical) -> Scalar:
    categories = parameters.categories
    if parameters.weights is None:
        return lambda _value, stream: stream.choice(categories)
    bounds = _whole_bounds(parameters.weights)

    def generate(_value: Any, stream: Stream) -> str:
        return categories[bisect_right(bounds, stream.below(bounds[-1]))]

    return generate


def _whole_bounds(weights: list[Decimal]) -> list[int]:
    """Return where each weight ends on a common line, in whole units."""
    ratios = [weight.as_integer_ratio() for weight in weights]
    unit = max(denominator for _, denominator in ratios)
    for _, denominator in ratios:
        unit *= denominator if unit % denominator else 1
    return list(accumulate(numerator * (unit // denominator) for numerator, denominator in ratios))


DEFINITIONS: Final = (
    Definition(
        name="passthrough",
        summary="Keeps the value and all that is in it; no default for unmapped attributes applies there",
        accepts=EVERY_TYPE,
        returns=None,
        uniqueness=Uniqueness.PRESERVED,
        reads_input=True,
        keeps_empty=False,
        has_realm=False,
        example=Example("Mary", "Mary"),
        column=_passthrough,
    ),
    Definition(
        name="null",
        summary="Replaces the value by NULL",
        accepts=EVERY_TYPE,
        returns=frozenset({"NULL"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        keeps_empty=False,
        has_realm=False,
        example=Example("Mary", None),
        column=lambda _parameters, _compiler: _repeat(NULL),
    ),
    Definition(
        name="drop",
        summary="Removes the attribute",
        accepts=EVERY_TYPE,
        returns=frozenset(),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        keeps_empty=False,
        has_realm=False,
        example=Example("Mary", DROP),
        column=lambda _parameters, _compiler: _repeat(DROP),
    ),
    Definition(
        name="constant",
        summary="Replaces the value by a given one, of the type it is written in",
        parameters=Constant,
        accepts=EVERY_TYPE,
        returns=EVERY_TYPE,
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        keeps_empty=False,
        has_realm=False,
        example=Example("Mary", {"tier": "gold", "since": 2024}, {"value": {"tier": "gold", "since": 2024}}),
        column=_constant,
    ),
    Definition(
        name="generate_categorical",
        summary="Chooses one of the given categories",
        parameters=GenerateCategorical,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("red", "blue", {"categories": "red, green, blue"}),
        scalar=_generate_categorical,
    ),
)
