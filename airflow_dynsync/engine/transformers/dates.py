"""Dates that are there: shifted by whole days, or truncated."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Context, Decimal
from functools import partial
from math import floor
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from airflow_dynsync.engine.columns import value_by_value
from airflow_dynsync.engine.definitions import (
    Compiler,
    Definition,
    Example,
    Parameters,
    Scalar,
    Step,
    Uniqueness,
)
from airflow_dynsync.engine.errors import MappingError
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.lifting import lift_transform
from airflow_dynsync.engine.paths import Wildcard, parse_path
from airflow_dynsync.engine.transformers.times import DAY, DIRECTIVES, EPOCH, directives_of
from airflow_dynsync.engine.values import ValueRefusedError, WireItem, WireValue, WrongFormError

_EXACT: Final = Context(prec=400)
_WHOLE: Final = Decimal(1)
_EPOCH: Final = EPOCH.toordinal()

_FIRST_MILLISECONDS: Final = 10**11
"""As seconds it is in the year 5138, as milliseconds in 1973."""

_TIME: Final = re.compile(
    "(?:[Tt ](?P<H>{H})(?::?(?P<M>{M})(?::?(?P<S>{S})(?:[.,](?P<f>{f}))?)?)?(?: ?{z})?)?".format_map(DIRECTIVES)
)
"""Times of ISO 8601, or none, behind a date; a space in place of the T as RFC 3339 allows it."""

_ISO: Final = re.compile(
    "(?P<Y>{Y})(?P<dash>-?)(?P<m>{m})(?P=dash)(?P<d>{d})".format_map(DIRECTIVES) + _TIME.pattern
)
"""Calendar dates of ISO 8601, with and without a time."""

_TO_ZERO: Final = str.maketrans("123456789", "000000000")

_DATE_LENGTH: Final = len("YYYY-MM-DD")

_EPOCH_TEXT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]+)?")
_LIKE_EPOCH: Final = re.compile(r"-?[1-9][0-9]{8,13}(?:\.[0-9]+)?")
"""A text of fewer digits could be a year or a date without hyphens."""

_EXPECTED: Final = "an ISO 8601 date or seconds or milliseconds since 1970"


def _pattern_to_read(pattern: str) -> str:
    if pattern not in ("auto", "iso8601", "seconds", "milliseconds") and not {"Y", "m", "d"} <= {
        *directives_of(pattern)
    }:
        raise ValueError("expected auto, iso8601, seconds, milliseconds, or a pattern with %Y, %m and %d")
    return pattern


class _Transform(Parameters):
    format: Annotated[str, AfterValidator(_pattern_to_read)] = Field(
        default="auto",
        description="How the values are written: iso8601; seconds or milliseconds since 1970; a pattern such as"
        " %d.%m.%Y, of the directives %Y, %m, %d, %H, %M, %S, %f and %z; or auto, which is ISO 8601 or, from 10^11"
        " on, milliseconds, else seconds.",
    )


class TransformDateShift(_Transform):
    """Parameters of transform_date_shift."""

    days_min: int = Field(default=-365, ge=-36525, le=36525, description="The least days to add.")
    days_max: int = Field(default=365, ge=-36525, le=36525, description="The most days to add.")
    by: str | None = Field(
        default=None,
        description="The path of another attribute, such as CustomerId: dates of items in which it is the same are"
        " shifted by the same days, so what lies between them stays. By default each date has a shift of its own.",
    )

    @model_validator(mode="after")
    def _something_to_add(self) -> Self:
        if self.days_min > self.days_max:
            raise ValueError("days_min is above days_max")
        if self.days_min == self.days_max == 0:
            raise ValueError("days_min and days_max are both 0; change one of them")
        return self


Unit = Literal["year", "quarter", "month", "week", "day", "hour", "minute", "second"]


class TransformDateTruncate(_Transform):
    """Parameters of transform_date_truncate."""

    unit: Unit = Field(
        default="year", description="What the result is the start of; a week starts on Monday (ISO 8601)."
    )


Day = Callable[[date], date]
"""What is done to a date. The time on its day stays, or is cut down to a multiple of ``grain``, in seconds."""


def _change_text(match: re.Match[str], day: Day, grain: int | None) -> str:
    """Return a text with the parts Y, m, d of its match, and maybe H, M, S, f, after the change."""
    year, month, day_of_month = match.group("Y", "m", "d")
    after = day(date(int(year), int(month), int(day_of_month)))
    parts = {"Y": f"{after.year:04}", "m": f"{after.month:02}", "d": f"{after.day:02}"}
    if grain is not None:
        groups = match.groupdict()
        parts |= {name: "0" * len(groups[name]) for name in _FINER[grain] if groups.get(name)}
    characters = [*match.string]
    for name, part in parts.items():
        start, end = match.span(name)
        characters[start:end] = part  # which is as long
    return "".join(characters)


def _change_time(match: re.Match[str], grain: int | None) -> str:
    """Return the time of ISO 8601 that matched after the change."""
    text, begin = match.string, match.start()
    if grain is None or not match[finer := _FINER[grain][0]]:
        return text[begin:]
    start, end = match.start(finer), match.end(match.lastgroup or finer)
    return text[begin:start] + text[start:end].translate(_TO_ZERO) + text[end:]


def _change_epoch(number: Decimal, per_second: int, day: Day, grain: int | None) -> Decimal | int:
    """Return seconds since 1970, or so many parts of them, after the change; as many decimals as before."""
    per_day = DAY * per_second
    whole = floor(number)
    days, time = divmod(whole, per_day)
    if grain is not None:
        time -= time % (grain * per_second)
    after = (day(date.fromordinal(_EPOCH + days)).toordinal() - _EPOCH) * per_day + time
    if number.same_quantum(_WHOLE):
        return after
    decimals = _EXACT.subtract(number, Decimal(whole))
    return _EXACT.add(Decimal(after), decimals if grain is None else 0 * decimals)


_FINER: Final = {DAY: "HMSf", 60 * 60: "MSf", 60: "Sf", 1: "f"}
"""The parts of a time that are finer than so many seconds."""


def _reader(written: str, grain: int | None = None) -> Callable[[str | Decimal, Day], str | Decimal | int]:
    """Return a function that changes a value written in a format, and refuses another."""
    expected = _EXPECTED if written == "auto" else f"a date of the format {written}"
    pattern = _pattern(written)
    is_time = _TIME.fullmatch
    takes_epoch = written in ("auto", "seconds", "milliseconds")
    is_epoch = (_LIKE_EPOCH if written == "auto" else _EPOCH_TEXT).fullmatch

    def changed(value: str | Decimal, day: Day) -> str | Decimal | int:
        try:
            if isinstance(value, Decimal):
                if takes_epoch:
                    return _change_epoch(value, _per_second(written, value), day, grain)
            elif pattern is _ISO and len(value) == _DATE_LENGTH and value[4] == value[7] == "-":
                return day(date.fromisoformat(value)).isoformat()
            elif pattern is _ISO and value[4:5] == value[7:8] == "-" and (time := is_time(value, _DATE_LENGTH)):
                return day(date.fromisoformat(value[:_DATE_LENGTH])).isoformat() + _change_time(time, grain)
            elif pattern and (match := pattern.fullmatch(value)):
                return _change_text(match, day, grain)
            elif takes_epoch and is_epoch(value):
                number = Decimal(value)
                return format(Decimal(_change_epoch(number, _per_second(written, number), day, grain)), "f")
        except (ValueError, OverflowError):
            pass
        raise WrongFormError(f"{expected}, from the year 1 to 9999, was expected; set format")

    return changed


def _pattern(written: str) -> re.Pattern[str] | None:
    match written:
        case "auto" | "iso8601":
            return _ISO
        case "seconds" | "milliseconds":
            return None
    pieces = re.split("%(.)", written)
    pieces[::2] = map(re.escape, pieces[::2])
    pieces[1::2] = [f"(?P<{name}>{DIRECTIVES[name]})" if name in DIRECTIVES else name for name in pieces[1::2]]
    return re.compile("".join(pieces))


def _per_second(written: str, number: Decimal) -> int:
    is_milliseconds = abs(number) >= _FIRST_MILLISECONDS if written == "auto" else written == "milliseconds"
    return 1000 if is_milliseconds else 1


def _transform_date_shift(parameters: TransformDateShift, compiler: Compiler) -> Step:
    changed, keyed, place = _reader(parameters.format), compiler.keyed, compiler.place
    shifts = [timedelta(days) for days in range(parameters.days_min, parameters.days_max + 1) if days]
    accepts = frozenset({"S", "N"})

    def shift(value: str | Decimal, picks: str) -> str | Decimal | int:
        by = keyed.stream(picks.encode("utf-8", "surrogatepass")).choice(shifts)
        return changed(value, lambda day: day + by)

    def shift_alone(value: str | Decimal, _stream: Stream) -> str | Decimal | int:
        return shift(value, str(value))

    if parameters.by is None:
        return lift_transform(shift_alone, None, place, "transform_date_shift", accepts=accepts, redraw=False)
    picked_by = _path_of_another(parameters.by, compiler)

    def shift_together(value: str | Decimal, item: WireItem) -> str | Decimal | int:
        picks = _scalar_at(picked_by, item)
        if picks is None:
            raise ValueRefusedError(
                f"{parameters.by}, which picks the shift, was expected to be a string, a number or a binary in"
                " every item; name another attribute or leave by out"
            )
        return shift(value, picks)

    return value_by_value(shift_together, place, accepts)


def _path_of_another(text: str, compiler: Compiler) -> tuple[str | int, ...]:
    place = f"{compiler.place}.by"
    steps = parse_path(text, place)
    literal = tuple(step for step in steps if not isinstance(step, Wildcard))
    if len(literal) < len(steps):
        raise MappingError(place, "expected the path of one attribute, without wildcards")
    return literal


def _scalar_at(path: tuple[str | int, ...], item: WireItem) -> str | None:
    """Return the text of the string, number or binary at a path of an item, or None."""
    value: WireValue = {"M": item}
    for step in path:
        inside = value.get("M", {}) if isinstance(step, str) else dict(enumerate(value.get("L", [])))
        if step not in inside:
            return None
        value = inside[step]
    ((kind, payload),) = value.items()
    return str(payload) if kind in ("S", "N", "B") else None


def _start_of(unit: Unit, day: date) -> date:
    match unit:
        case "year":
            return day.replace(month=1, day=1)
        case "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case "month":
            return day.replace(day=1)
        case "week":
            return day - timedelta(days=day.weekday())
    return day


def _transform_date_truncate(parameters: TransformDateTruncate) -> Scalar:
    grain = {"hour": 60 * 60, "minute": 60, "second": 1}.get(parameters.unit, DAY)
    changed, start = _reader(parameters.format, grain), partial(_start_of, parameters.unit)
    return lambda value, _stream: changed(value, start)


DEFINITIONS: Final = (
    Definition(
        name="transform_date_shift",
        summary="Adds days to a date, and keeps how it is written, its time and its zone",
        parameters=TransformDateShift,
        accepts=frozenset({"S", "N"}),
        returns=None,
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        reads_item=True,
        example=Example(
            "2023-11-14T22:13:20.500+01:00",
            "2023-11-01T22:13:20.500+01:00",
            {"days_min": -30, "days_max": 30},
        ),
        column=_transform_date_shift,
    ),
    Definition(
        name="transform_date_truncate",
        summary="Takes the start of a date's year, or of another unit, and keeps how it is written; numbers are"
        " truncated in UTC",
        parameters=TransformDateTruncate,
        accepts=frozenset({"S", "N"}),
        returns=None,
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        has_realm=False,
        example=Example("1987-03-14T15:09:26+01:00", "1987-01-01T00:00:00+01:00", {"unit": "year"}),
        scalar=_transform_date_truncate,
    ),
)
