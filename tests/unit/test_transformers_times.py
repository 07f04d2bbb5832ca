"""generate_unixtimestamp and generate_utctimestamp."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.definitions import Definition
from airflow_dynsync.engine.registry import catalogue

SECRET = b"a secret of the tests"


def apply(name: str, count: int, **parameters: Any) -> list[str]:
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}}, key_attributes=("Id",), secret=SECRET
    )
    items = plan.apply([{"Id": {"N": str(number)}, "A": {"S": "x"}} for number in range(count)])
    return [text for item in items for text in item["A"].values()]


def at(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def test_times_are_of_the_365_days_before_the_day_of_the_run() -> None:
    before = datetime.now(UTC)
    numbers = list(map(at, apply("generate_unixtimestamp", 500)))
    texts = [datetime.fromisoformat(text) for text in apply("generate_utctimestamp", 500)]
    after = datetime.now(UTC)
    for times in (numbers, texts):
        assert min(times) >= before.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=365)
        assert max(times) <= after.replace(hour=0, minute=0, second=0, microsecond=0)
        assert len({time.month for time in times}) == 12
        assert len({time.hour for time in times}) == 24


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (1704067200, 1704067203),
        ("2024-01-01", "2024-01-01T00:00:03"),
        ("2024-01-01T00:00:00Z", "2024-01-01T01:00:03+01:00"),
        (date(2024, 1, 1), datetime(2024, 1, 1, 0, 0, 3)),
        (
            datetime(2024, 1, 1, tzinfo=UTC),
            datetime(2024, 1, 1, 2, 0, 3, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
def test_a_span_is_written_in_seconds_or_as_dates_and_both_ends_belong_to_it(start: Any, end: Any) -> None:
    drawn = set(apply("generate_unixtimestamp", 100, start=start, end=end))
    assert drawn == {"1704067200", "1704067201", "1704067202", "1704067203"}


def test_a_start_is_by_default_365_days_before_the_end() -> None:
    times = list(map(at, apply("generate_unixtimestamp", 300, end="2001-01-01")))
    assert datetime(2000, 1, 2, tzinfo=UTC) <= min(times) <= max(times) <= datetime(2001, 1, 1, tzinfo=UTC)
    assert len({time.month for time in times}) == 12


def test_times_lie_anywhere_from_the_year_1_to_9999() -> None:
    whole = {"start": "0001-01-01", "end": "9999-12-31T23:59:59"}
    years = {int(text[:4]) for text in apply("generate_utctimestamp", 1000, **whole)}
    assert min(years) < 100
    assert max(years) > 9900
    assert len(apply("generate_unixtimestamp", 5, start="0001-01-01", end="0001-01-01")) == 5


@pytest.mark.parametrize(
    ("pattern", "form"),
    [
        ("iso8601", r"0999-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
        ("%d.%m.%Y", r"\d\d\.\d\d\.0999"),
        ("%Y%m%dT%H%M%S.%f%z 100 %%", r"0999\d{4}T\d{6}\.000000\+0000 100 %"),
        ("at noon", "at noon"),
    ],
)
def test_a_text_has_the_asked_format(pattern: str, form: str) -> None:
    year = {"start": "0999-01-01", "end": "0999-12-31"}
    for text in apply("generate_utctimestamp", 20, format=pattern, **year):
        assert re.fullmatch(form, text)


def test_a_text_is_the_time_that_its_number_is() -> None:
    definitions: list[Definition] = [catalogue()[f"generate_{name}timestamp"] for name in ("unix", "utc")]
    span = {"start": 0, "end": 10**9}
    number, text = (apply(definition.name, 50, realm="same", **span) for definition in definitions)
    assert [at(one) for one in number] == [datetime.fromisoformat(one) for one in text]


@pytest.mark.parametrize("name", ["generate_unixtimestamp", "generate_utctimestamp"])
@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({"start": "yesterday"}, "mappings.A.start"),
        ({"start": True}, "mappings.A.start"),
        ({"end": 1.5}, "mappings.A.end"),
        ({"end": 253402300800}, "mappings.A.end"),
        ({"start": -62135596801}, "mappings.A.start"),
        ({"start": "2024-01-02", "end": "2024-01-01"}, "mappings.A"),
        ({"start": "9999-01-01"}, "mappings.A"),
    ],
)
def test_wrong_spans_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        apply(name, 1, **parameters)
    assert error.value.place == place


@pytest.mark.parametrize("pattern", ["", "%B", "%Y-%Y", "%", "%-d"])
def test_wrong_formats_are_errors_when_compiled(pattern: str) -> None:
    with pytest.raises(MappingError) as error:
        apply("generate_utctimestamp", 1, format=pattern)
    assert error.value.place == "mappings.A.format"
