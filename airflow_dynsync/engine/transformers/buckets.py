"""Generalization: a number gives way to the bucket it lies in."""

from __future__ import annotations

from bisect import bisect_right
from decimal import ROUND_CEILING, Context, Decimal
from itertools import pairwise
from string import Formatter
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from airflow_dynsync.engine.definitions import Definition, Example, Number, Parameters, Scalar, Uniqueness
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.values import ValueRefusedError, number_text

_EXACT: Final = Context(prec=400)
"""Wide enough for DynamoDB's largest number in units of its smallest."""


class TransformBucket(Parameters):
    """Parameters of transform_bucket."""

    size: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="How wide every bucket is; they begin at multiples of it."
    )
    boundaries: list[Number] | None = Field(
        default=None,
        min_length=1,
        description="Where buckets begin, ascending, where no size is given; below the first and from the last on"
        " there is one more.",
    )
    label: Annotated[
        list[str] | None,
        BeforeValidator(
            lambda label: [label] if isinstance(label, str) else label,
            json_schema_input_type=list[str] | str | None,
        ),
    ] = Field(
        default=None,
        min_length=1,
        description="What is written, such as {low}-{last}: low is where the bucket begins, high where the next"
        " one does, last the last whole number before. Buckets open below or above are then <{high} and {low}+."
        " A list gives each bucket of boundaries its own text. Without a label the result is low, a number.",
    )

    @field_validator("label")
    @classmethod
    def _well_formed(cls, label: list[str] | None) -> list[str] | None:
        for index, text in enumerate(label or ()):
            open_below, open_above = (len(label or ()) > 1 and index == end for end in (0, len(label or ()) - 1))
            known = {*(() if open_below else ("low",)), *(() if open_above else ("high", "last"))}
            for _, name, spec, conversion in Formatter().parse(text):
                if name is not None and (name not in known or spec or conversion):
                    raise ValueError(
                        "expected text with no other names in braces than {low}, {high} and {last},"
                        " and only the end that its bucket has"
                    )
        return label

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.size is None) == (self.boundaries is None):
            raise ValueError("give either size or boundaries")
        if self.boundaries and any(low >= high for low, high in pairwise(self.boundaries)):
            raise ValueError("boundaries has to ascend")
        if self.label is not None and len(self.label) > 1 and len(self.label) != len(self.boundaries or ()) + 1:
            raise ValueError(
                "a list of labels goes with boundaries and has one more than these; give one for each bucket"
            )
        return self


def _transform_bucket(parameters: TransformBucket) -> Scalar:
    label = parameters.label
    if parameters.size is not None:
        size = parameters.size

        def by_size(value: Decimal, _stream: Stream) -> Decimal | str:
            above = _EXACT.remainder(value, size)  # of the sign of the value
            low = _EXACT.subtract(value, _EXACT.add(above, size) if above < 0 else above)
            return low if label is None else _text(label[0], low, _EXACT.add(low, size))

        return by_size

    boundaries = parameters.boundaries or []
    buckets = pairwise([None, *boundaries, None])
    results = [
        low if label is None else _text(_label_of(label, index, low, high), low, high)
        for index, (low, high) in enumerate(buckets)
    ]

    def by_boundaries(value: Decimal, _stream: Stream) -> Decimal | str:
        result = results[bisect_right(boundaries, value)]
        if result is None:
            raise ValueRefusedError(
                "a number lies below the first of boundaries; put a lower one before it, or give a label"
            )
        return result

    return by_boundaries


def _label_of(label: list[str], index: int, low: Decimal | None, high: Decimal | None) -> str:
    if len(label) > 1:
        return label[index]
    return "<{high}" if low is None else "{low}+" if high is None else label[0]


def _text(label: str, low: Decimal | None, high: Decimal | None) -> str:
    """Return the label with the ends that the bucket has."""
    ends = {}
    if low is not None:
        ends["low"] = number_text(low)
    if high is not None:
        ends["high"] = number_text(high)
        ends["last"] = format(_EXACT.subtract(high.to_integral_value(ROUND_CEILING), 1), "f")
    return label.format(**ends)


DEFINITIONS: Final = (
    Definition(
        name="transform_bucket",
        summary="Replaces a number by the bucket it lies in",
        parameters=TransformBucket,
        accepts=frozenset({"N"}),
        returns=frozenset({"N", "S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        has_realm=False,
        example=Example(Decimal(37), "30-39", {"size": 10, "label": "{low}-{last}"}),
        scalar=_transform_bucket,
    ),
)
