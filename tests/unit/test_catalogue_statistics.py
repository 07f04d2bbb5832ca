"""What transformers draw: evenly over its domain, and independently of another secret and another realm."""

import pytest

from airflow_dynsync.engine import catalogue
from airflow_dynsync.engine.definitions import EXAMPLE_SECRET, Definition
from tests.unit.catalogue_helpers import results, variants
from tests.unit.drawn_parts import PARAMETERS, Part, drawn_parts
from tests.unit.significance import (
    SIGNIFICANCE,
    agreement,
    binomial_tail,
    chi_square_tail,
    dependence,
    unevenness,
)

DRAWING = [definition for definition in catalogue().values() if definition.has_realm]
EVERY_DRAWING = pytest.mark.parametrize("definition", DRAWING, ids=lambda definition: definition.name)


def drawn(
    definition: Definition, count: int, *, secret: bytes = EXAMPLE_SECRET, realm: str | None = None
) -> dict[str, Part]:
    # Numbers of six digits, so that the values all have the same length.
    values = variants(definition, count, None if definition.reads_input else "S", first=100_000)
    after = results(definition, values, PARAMETERS.get(definition.name), secret=secret, realm=realm)
    parts = drawn_parts(definition, values, after)
    assert parts
    return parts


@EVERY_DRAWING
def test_what_is_drawn_is_spread_evenly_over_its_domain(definition: Definition) -> None:
    for name, part in drawn(definition, 20_000).items():
        assert unevenness(part.outcomes, part.weights) > SIGNIFICANCE, name


@EVERY_DRAWING
@pytest.mark.parametrize(
    "other", [{"secret": b"another secret of the examples"}, {"realm": "another"}], ids=["secret", "realm"]
)
def test_another_secret_or_realm_gives_independent_results(definition: Definition, other: dict[str, str]) -> None:
    here, there = drawn(definition, 3000), drawn(definition, 3000, **other)
    assert here.keys() == there.keys()
    for name in here:
        assert dependence(here[name].outcomes, there[name].outcomes) > SIGNIFICANCE, name
        assert agreement(here[name].outcomes, there[name].outcomes) > SIGNIFICANCE, name


@pytest.mark.parametrize(
    ("statistic", "freedom", "probability"),
    # Abramowitz and Stegun, table 26.8.
    [(3.84146, 1, 0.05), (10.8276, 1, 0.001), (18.3070, 10, 0.05), (29.5883, 10, 0.001), (124.342, 100, 0.05)],
)
def test_the_tail_of_chi_square_is_that_of_the_tables(statistic: float, freedom: int, probability: float) -> None:
    assert chi_square_tail(statistic, freedom) == pytest.approx(probability, rel=1e-4)


def test_the_tail_of_a_binomial_distribution_is_exact() -> None:
    assert binomial_tail(2, 3, 0.5) == pytest.approx(0.5)
    assert binomial_tail(10, 10, 0.1) == pytest.approx(1e-10)
