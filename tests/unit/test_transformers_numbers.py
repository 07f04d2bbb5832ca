"""transform_int64 and transform_float64."""

from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, catalogue, compile_plan
from airflow_dynsync.engine.definitions import Uniqueness
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.values import number_text

SECRET = b"a secret of the tests"
LARGEST = Decimal("9" * 38).scaleb(88, Context(prec=38))
NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent)),
    st.integers(0, 1),
    st.integers(0, 10**38 - 1),
    st.integers(-130, 88),
).filter(lambda number: not number or -130 <= number.adjusted() <= 125)
EXACT = Context(prec=400)


def transform(name: str, value: Decimal, **parameters: Any) -> Decimal:
    definition = catalogue()[name]
    function = definition.scalar(definition.parameters.model_validate(parameters))
    return Decimal(function(value, Secret(SECRET).keyed("test").stream(str(value).encode())))


def ranges(name: str) -> dict[str, Any]:
    return {f"randomization_range_{end}": value for end, value in (("min", name[0]), ("max", name[1]))}


@given(NUMBERS, st.tuples(st.integers(0, 10**6), st.integers(1, 10**38 - 1)))
@example(LARGEST, (0, 1))
@example(LARGEST.copy_negate(), (0, 1))
@example(Decimal("1E-130"), (0, 1))
def test_a_result_can_be_stored_and_is_another_number(value: Decimal, around: Any) -> None:
    for name in ("transform_int64", "transform_float64"):
        result = transform(name, value, **ranges(around))
        assert Decimal(number_text(result)) == result
        assert result != value


@given(st.decimals(-(10**12), 10**12, places=4), st.integers(0, 10**6), st.integers(1, 10**6))
def test_an_integer_lies_in_the_range_around_the_value(value: Decimal, below: int, above: int) -> None:
    result = transform("transform_int64", value, **ranges((below, above)))
    assert result == result.to_integral_value()
    assert value - below <= result <= value + above


def test_every_other_integer_of_the_range_is_drawn() -> None:
    definition = catalogue()["transform_int64"]
    function = definition.scalar(definition.parameters.model_validate(ranges((2, 3))))
    stream = Secret(SECRET).keyed("test").stream(b"")
    assert {int(function(Decimal(10), stream)) for _ in range(200)} == {8, 9, 11, 12, 13}


def test_an_integer_of_38_digits_stays_exact() -> None:
    value = Decimal("12345678901234567890123456789012345678")
    result = transform("transform_int64", value)
    assert 0 < abs(EXACT.subtract(result, value)) <= 10000


@given(st.decimals(-(10**12), 10**12, places=4), st.decimals(0, 1000, places=2), st.decimals(1, 1000, places=3))
def test_a_float_lies_in_the_range_with_the_decimals_of_the_value_or_the_range(
    value: Decimal, below: Decimal, above: Decimal
) -> None:
    result = transform("transform_float64", value, **ranges((below, above)))
    assert value - below <= result <= value + above
    assert result == round(result, 4)


@given(
    st.decimals(-(10**6), 10**6, places=6), st.integers(1, 38), st.none() | st.integers(0, 130), st.integers(1, 99)
)
def test_a_float_has_at_most_the_wanted_precision_and_scale(
    value: Decimal, precision: int, scale: int | None, around: int
) -> None:
    result = transform("transform_float64", value, precision=precision, scale=scale, **ranges((around, around)))
    text = number_text(result)
    assert len(text.strip("-").replace(".", "").strip("0")) <= precision
    assert scale is None or len(text.partition(".")[2]) <= scale
    assert result != value


def test_a_plan_takes_numbers_as_they_are_written() -> None:
    plan = compile_plan(
        {
            "mappings": {
                "Price": {
                    "transformer": "transform_float64",
                    "randomization_range_min": 0.1,
                    "randomization_range_max": 0.2,
                }
            }
        },
        secret=SECRET,
    )
    (item,) = plan.apply([{"Price": {"N": "5"}}])
    assert item["Price"]["N"] in {"4.9", "5.1", "5.2"}


@pytest.mark.parametrize(
    ("above", "more", "expected"),
    [
        (10000, {}, Uniqueness.LOSSY),
        (10**20, {}, Uniqueness.NOT_GUARANTEED),
        (10**100, {}, Uniqueness.NOT_GUARANTEED),
        (10**20, {"precision": 5}, Uniqueness.LOSSY),
    ],
)
def test_the_uniqueness_class_follows_the_width_of_the_range(above: int, more: Any, expected: Uniqueness) -> None:
    definition = catalogue()["transform_float64"]
    parameters = definition.parameters.model_validate({"randomization_range_max": above, **more})
    assert definition.uniqueness_of(parameters) is expected


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("transform_int64", ranges((0, 0)), "mappings.A"),
        ("transform_int64", ranges((-1, 5)), "mappings.A.randomization_range_min"),
        ("transform_int64", ranges((1.5, 5)), "mappings.A.randomization_range_min"),
        ("transform_float64", ranges((0, 0)), "mappings.A"),
        ("transform_float64", ranges((1, float("nan"))), "mappings.A.randomization_range_max"),
        ("transform_float64", {"precision": 0}, "mappings.A.precision"),
        ("transform_float64", {"scale": -1}, "mappings.A.scale"),
        ("transform_float64", {"scale": "2"}, "mappings.A.scale"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        compile_plan({"mappings": {"A": {"transformer": name, **parameters}}}, secret=SECRET)
    assert error.value.place == place
