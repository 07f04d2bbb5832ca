"""transform_date_shift and transform_date_truncate."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, compile_plan

SECRET = b"a secret of the tests"
DAY = 24 * 60 * 60


def wire(value: Any) -> dict[str, Any]:
    return {"S": value} if isinstance(value, str) else {"N": str(value)} if isinstance(value, int) else value


def apply_to(items: list[dict[str, Any]], name: str, **parameters: Any) -> list[str]:
    """Return what becomes of the attribute A of each item."""
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}, "unmapped": "passthrough"},
        key_attributes=("Id",),
        secret=SECRET,
    )
    numbered = [{"Id": {"N": str(number)}, **item} for number, item in enumerate(items)]
    return [text for item in plan.apply(numbered) for text in item["A"].values()]


def apply(name: str, *values: Any, **parameters: Any) -> list[str]:
    return apply_to([{"A": wire(value)} for value in values], name, **parameters)


def shift(*values: Any, **parameters: Any) -> list[str]:
    return apply("transform_date_shift", *values, **parameters)


@pytest.mark.parametrize(
    ("value", "shifted"),
    [
        ("2024-02-28", "2024-02-29"),
        ("20240228", "20240229"),
        ("2023-12-31T23:59:60Z", "2024-01-01T23:59:60Z"),
        ("2024-02-28T07:08", "2024-02-29T07:08"),
        ("2024-02-28 07:08:09.120000000", "2024-02-29 07:08:09.120000000"),
        ("2024-02-28T07:08:09,5+05:30", "2024-02-29T07:08:09,5+05:30"),
        ("20240228t070809z", "20240229t070809z"),
        ("2024-02-28T07:08:09 -0330", "2024-02-29T07:08:09 -0330"),
        ("0001-01-01", "0001-01-02"),
        (1700000000, "1700086400"),
        (0, "86400"),
        (-1, "86399"),
        ({"N": "1700000000.123456"}, "1700086400.123456"),
        (1700000000000, "1700086400000"),
        (100000000000, "100086400000"),
        (99999999999, "100000086399"),
        ("1700000000", "1700086400"),
        ("1700000000.500", "1700086400.500"),
        ("1700000000123", "1700086400123"),
        ("-100000000", "-99913600"),
    ],
)
def test_a_date_keeps_its_form_its_time_its_precision_and_its_zone(value: Any, shifted: str) -> None:
    assert shift(value, days_min=1, days_max=1) == [shifted]


@pytest.mark.parametrize(
    ("written", "value", "shifted"),
    [
        ("%d.%m.%Y", "28.02.2024", "29.02.2024"),
        ("%m/%d/%Y %H:%M %z", "02/28/2024 23:59 +01:00", "02/29/2024 23:59 +01:00"),
        ("%%%Y(%m)%d", "%2024(02)28", "%2024(02)29"),
        ("seconds", "100000000000", "100000086400"),
        ("seconds", 10**11, "100000086400"),
        ("seconds", "0", "86400"),
        ("milliseconds", 5, "86400005"),
        ("iso8601", "2024-02-28", "2024-02-29"),
    ],
)
def test_a_named_format_is_taken_as_it_is(written: str, value: Any, shifted: str) -> None:
    assert shift(value, days_min=1, days_max=1, format=written) == [shifted]


def test_shifts_are_all_days_of_the_range_but_none_of_zero() -> None:
    for low, high in ((-3, 3), (0, 2), (-2, 0), (4, 5), (-7, -7)):
        values = [f"2024-06-15T00:{number // 60:02}:{number % 60:02}Z" for number in range(200)]
        shifted = shift(*values, days_min=low, days_max=high)
        days = {(date.fromisoformat(text[:10]) - date(2024, 6, 15)).days for text in shifted}
        assert days == {*range(low, high + 1)} - {0}


@given(st.datetimes(min_value=datetime(1002, 1, 1), max_value=datetime(5000, 1, 1)))
def test_a_text_and_its_seconds_are_shifted_to_the_same_time(time: datetime) -> None:
    seconds = (time.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    items = [{"A": wire(value), "By": {"S": "x"}} for value in (time.isoformat(), seconds)]
    text, number = apply_to(items, "transform_date_shift", by="By")
    assert (datetime.fromisoformat(text) - time) // timedelta(seconds=1) == int(number) - seconds


def test_dates_of_one_person_move_together_and_those_of_others_by_other_days() -> None:
    dates = ["2024-01-31", "2024-03-01T12:00:00Z", 1700000000]
    people = [{"S": f"person {number}"} for number in range(40)]
    items = [{"Who": {"M": {"Ids": {"L": [who]}}}, "A": wire(value)} for who in people for value in dates]
    shifted = apply_to(items, "transform_date_shift", by="Who.Ids[0]")
    shifts = []
    for one, two, three in zip(*[iter(shifted)] * 3, strict=True):
        shifts.append((date.fromisoformat(one) - date(2024, 1, 31)).days)
        assert (date.fromisoformat(two[:10]) - date(2024, 3, 1)).days == shifts[-1]
        assert int(three) - 1700000000 == shifts[-1] * DAY
    assert len(set(shifts)) > 30


def test_a_number_and_its_text_pick_the_same_shift() -> None:
    items = [{"A": {"S": "2024-01-31"}, "By": by} for by in ({"N": "42"}, {"S": "42"}, {"S": "43"})]
    number, text, another = apply_to(items, "transform_date_shift", by="By")
    assert number == text != another


def test_the_attribute_that_picks_is_taken_as_it_was_before_its_own_transformer() -> None:
    mapping = {"By": "transform_string", "A": {"transformer": "transform_date_shift", "by": "By"}}
    plan = compile_plan({"mappings": mapping}, key_attributes=("Id",), secret=SECRET)
    (item,) = plan.apply([{"Id": {"N": "0"}, "By": {"S": "x"}, "A": {"S": "2024-01-31"}}])
    assert item["By"] != {"S": "x"}
    items = [{"A": {"S": "2024-01-31"}, "By": {"S": "x"}}]
    assert [item["A"]["S"]] == apply_to(items, "transform_date_shift", by="By")


@pytest.mark.parametrize(
    "by", [None, {"NULL": True}, {"BOOL": True}, {"M": {}}, {"L": [{"S": "secret"}]}, {"SS": ["secret"]}]
)
def test_an_item_without_what_picks_the_shift_is_refused(by: Any) -> None:
    items = [{"A": {"S": "2024-01-31"}, "By": {"S": "x"}}, {"A": {"S": "2024-01-31"}}]
    if by is not None:
        items[1]["By"] = by
    with pytest.raises(TransformError, match="By, which picks the shift") as error:
        apply_to(items, "transform_date_shift", by="By")
    assert error.value.row == 1
    assert not re.search("secret|2024", str(error.value))


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("year", "2024-01-01T00:00:00.000+01:00"),
        ("quarter", "2024-10-01T00:00:00.000+01:00"),
        ("month", "2024-11-01T00:00:00.000+01:00"),
        ("week", "2024-11-11T00:00:00.000+01:00"),
        ("day", "2024-11-14T00:00:00.000+01:00"),
        ("hour", "2024-11-14T22:00:00.000+01:00"),
        ("minute", "2024-11-14T22:13:00.000+01:00"),
        ("second", "2024-11-14T22:13:20.000+01:00"),
    ],
)
def test_a_date_is_cut_down_to_its_unit_in_every_form(unit: str, text: str) -> None:
    def truncate(value: Any) -> str:
        (result,) = apply("transform_date_truncate", value, unit=unit)
        return result

    start = datetime.fromisoformat(text).replace(tzinfo=UTC)
    seconds = int(start.timestamp())
    given_seconds = int(datetime(2024, 11, 14, 22, 13, 20, tzinfo=UTC).timestamp())
    assert truncate("2024-11-14T22:13:20.999+01:00") == text
    assert truncate("2024-11-14") == text[:10]
    assert truncate(given_seconds) == str(seconds)
    assert truncate({"N": f"{given_seconds}.75"}) == str(seconds)
    assert truncate(f"{given_seconds}.75") == f"{seconds}.00"
    assert truncate(1000 * given_seconds + 999) == str(1000 * seconds)


@given(st.integers(-(10**10), 10**11 - 1), st.sampled_from(["year", "month", "week", "day", "hour", "minute"]))
def test_a_truncated_number_is_at_most_the_number_and_stays_when_truncated_again(number: int, unit: str) -> None:
    (once,) = apply("transform_date_truncate", number, unit=unit)
    (twice,) = apply("transform_date_truncate", int(once), unit=unit)
    assert once == twice
    assert number - 366 * DAY < Decimal(once) <= number


@pytest.mark.parametrize("name", ["transform_date_shift", "transform_date_truncate"])
@pytest.mark.parametrize(
    ("value", "parameters"),
    [
        ("born in 1987", {}),
        ("2024-02-30", {}),
        ("2024-13-01", {}),
        ("2024-01-01T25:00", {}),
        ("2024-01-01T00:00:00 Mary", {}),
        ("2024-01-01\n", {}),
        ("2024-0101", {}),
        ("1987", {}),
        ("٢٠٢٤-٠١-٠١", {}),
        ("14.03.1987", {}),
        ("1987-03-14", {"format": "%d.%m.%Y"}),
        ("1987-03-14", {"format": "seconds"}),
        ("1700000000", {"format": "iso8601"}),
        ({"N": "1700000000"}, {"format": "iso8601"}),
        ({"N": "19870314"}, {"format": "%Y%m%d"}),
        ({"N": "1E+30"}, {}),
        ({"N": "9E+125"}, {}),
        ("0000-01-01", {}),
    ],
)
def test_what_is_no_date_is_refused_without_the_value(name: str, value: Any, parameters: Any) -> None:
    with pytest.raises(TransformError, match="was expected; set format") as error:
        apply(name, value, **parameters)
    assert error.value.row == 0
    assert next(iter(wire(value).values())) not in str(error.value)


def test_a_date_that_would_leave_the_calendar_is_refused() -> None:
    with pytest.raises(TransformError, match="from the year 1 to 9999"):
        shift("9999-12-31", days_min=1, days_max=1)


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("transform_date_shift", {"days_min": -36526}, "mappings.A.days_min"),
        ("transform_date_shift", {"days_max": 36526}, "mappings.A.days_max"),
        ("transform_date_shift", {"days_min": 2, "days_max": 1}, "mappings.A"),
        ("transform_date_shift", {"days_min": 0, "days_max": 0}, "mappings.A"),
        ("transform_date_shift", {"by": "Orders[*].Id"}, "mappings.A.by"),
        ("transform_date_shift", {"by": "a..b"}, "mappings.A.by"),
        ("transform_date_shift", {"format": "%d.%m"}, "mappings.A.format"),
        ("transform_date_shift", {"format": "%d.%b.%Y"}, "mappings.A.format"),
        ("transform_date_truncate", {"format": "dates"}, "mappings.A.format"),
        ("transform_date_truncate", {"unit": "decade"}, "mappings.A.unit"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        apply(name, "2024-01-01", **parameters)
    assert error.value.place == place
