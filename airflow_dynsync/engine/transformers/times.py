"""Dates and times, drawn from a span."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from airflow_dynsync.engine.definitions import Definition, Example, Parameters, Scalar, Uniqueness
from airflow_dynsync.engine.values import EVERY_TYPE_BUT_SETS

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)
DAY: Final = 24 * 60 * 60
EARLIEST: Final = int((datetime.min.replace(tzinfo=UTC) - EPOCH) / timedelta(seconds=1))
LATEST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(seconds=1)

DIRECTIVES: Final = {
    "Y": r"[0-9]{4}",
    "m": r"[0-9]{2}",
    "d": r"[0-9]{2}",
    "H": r"(?:[01][0-9]|2[0-4])",
    "M": r"[0-5][0-9]",
    "S": r"(?:[0-5][0-9]|60)",
    "f": r"[0-9]+",
    "z": r"(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)",
}
"""Of strftime's directives those that are the same in every language."""


def _epoch_seconds(bound: Any) -> Any:
    if isinstance(bound, str):
        try:
            bound = datetime.fromisoformat(bound)
        except ValueError:
            raise ValueError("expected a date as in 2024-12-31 or 2024-12-31T23:59:59Z") from None
    if isinstance(bound, date) and not isinstance(bound, datetime):
        bound = datetime.combine(bound, time.min)
    if isinstance(bound, datetime):
        bound = bound if bound.tzinfo else bound.replace(tzinfo=UTC)
        return (bound - EPOCH) // timedelta(seconds=1)
    return bound


Instant = Annotated[
    Annotated[int, Field(ge=EARLIEST, le=LATEST)],
    BeforeValidator(_epoch_seconds, json_schema_input_type=int | str),
]
"""A parameter that is a point in time: a date, in UTC where it names no zone, or seconds since 1970."""


def directives_of(pattern: str) -> list[str]:
    """Return the directives of a pattern such as %d.%m.%Y.

    Raises:
        ValueError: one that is not known, or occurs twice.
    """
    found = re.findall("%(.?)", pattern, re.DOTALL)
    for directive in found:
        if directive not in (*DIRECTIVES, "%"):
            raise ValueError(f"expected %{', %'.join(DIRECTIVES)} or %% where there is a %")
    named = [directive for directive in found if directive != "%"]
    if len(set(named)) < len(named):
        raise ValueError("each of the directives may occur once")
    return named


class GenerateUnixtimestamp(Parameters):
    """Parameters of generate_unixtimestamp."""

    start: Instant | None = Field(
        default=None,
        description="The earliest result: a date, such as 2024-01-31 or 2024-01-31T12:00:00Z, or seconds since"
        " 1970; by default 365 days before end.",
    )
    end: Instant | None = Field(
        default=None,
        description="The latest result, written like start; by default the start of the run's day, UTC.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        start, end = self.bounds()
        if start > end:
            raise ValueError("start is after end, which is the start of today where it is not given")
        return self

    def bounds(self) -> tuple[int, int]:
        """Return the earliest and the latest second."""
        today = int(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
        end = today if self.end is None else self.end
        return max(end - 365 * DAY, EARLIEST) if self.start is None else self.start, end


def _pattern_to_write(pattern: str) -> str:
    if pattern != "iso8601":
        directives_of(pattern)
    return pattern


class GenerateUtctimestamp(GenerateUnixtimestamp):
    """Parameters of generate_utctimestamp."""

    format: Annotated[str, AfterValidator(_pattern_to_write)] = Field(
        default="iso8601",
        min_length=1,
        description="iso8601, which is %Y-%m-%dT%H:%M:%SZ, or another pattern of these directives.",
    )


def _generate_unixtimestamp(parameters: GenerateUnixtimestamp) -> Scalar:
    start, end = parameters.bounds()
    return lambda _value, stream: stream.between(start, end)


_WRITTEN: Final = {
    "Y": "{0.year:04}",
    "m": "{0.month:02}",
    "d": "{0.day:02}",
    "H": "{0.hour:02}",
    "M": "{0.minute:02}",
    "S": "{0.second:02}",
    "f": "000000",
    "z": "+0000",
    "%": "%",
}
"""Directives for `str.format`; strftime writes years before 1000 differently on different systems."""


def _generate_utctimestamp(parameters: GenerateUtctimestamp) -> Scalar:
    start, end = parameters.bounds()
    if parameters.format == "iso8601":
        return lambda _value, stream: (
            (_NAIVE_EPOCH + timedelta(seconds=stream.between(start, end))).isoformat() + "Z"
        )
    escaped = parameters.format.replace("{", "{{").replace("}", "}}")
    write = re.sub("%(.)", lambda match: _WRITTEN[match[1]], escaped).format
    return lambda _value, stream: write(EPOCH + timedelta(seconds=stream.between(start, end)))


DEFINITIONS: Final = (
    Definition(
        name="generate_unixtimestamp",
        summary="Draws a time, as seconds since 1970",
        parameters=GenerateUnixtimestamp,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"N"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example(Decimal(1700000000), Decimal(1732075809), {"start": "2024-01-01", "end": "2024-12-31"}),
        scalar=_generate_unixtimestamp,
    ),
    Definition(
        name="generate_utctimestamp",
        summary="Draws a time, written in UTC",
        parameters=GenerateUtctimestamp,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example(
            "2023-11-14T22:13:20Z", "2024-01-18T10:53:38Z", {"start": "2024-01-01", "end": "2024-12-31"}
        ),
        scalar=_generate_utctimestamp,
    ),
)
