"""Every transformer with preserve_length: as many characters as before, whatever the characters are."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from airflow_dynsync.engine import catalogue
from airflow_dynsync.engine.definitions import Definition
from airflow_dynsync.engine.values import to_python
from tests.unit.catalogue_helpers import kinds, results, variations

PRESERVING = [
    definition
    for definition in catalogue().values()
    if "preserve_length" in definition.parameters.model_fields and definition.reads_input
]

AWKWARD = st.sampled_from(
    ["ß", "İ", "ŉ", "e\u0301", "\u200d", "👩‍👩‍👧", "𝔘", "٣", "a" * 1000, "é😀" * 400, " ", "\u3000", "0"]
)
"""Characters whose case has another length, that combine, lie outside the BMP; very long texts."""

TEXTS = st.one_of(st.text(min_size=1), st.lists(AWKWARD, min_size=1, max_size=5).map("".join))

ATOMS = st.text(st.characters(codec="utf-8", categories=["L", "M", "Nd", "So"]), min_size=1, max_size=70)

FORMS: dict[str, st.SearchStrategy[Any]] = {
    "transform_email": st.builds("{}@{}.{}".format, ATOMS, ATOMS, ATOMS),
    "transform_phone_number": st.builds("{}{}{}".format, TEXTS, st.characters(categories=["Nd"]), TEXTS),
    "transform_e164_phone_number": st.from_regex(r"\A\+[0-9]{7,15}\Z"),
    "transform_int64_phone_number": st.integers(0, 10**38 - 1).map(Decimal),
}
"""Values of those that take a form only: an address, a text with a digit, an international number, a number."""


def length(value: Any) -> int:
    return len(value if isinstance(value, str) else str(value))


def test_the_transformers_that_preserve_lengths_are_found() -> None:
    assert len(PRESERVING) >= 8
    assert FORMS.keys() <= {definition.name for definition in PRESERVING}


@pytest.mark.parametrize("definition", PRESERVING, ids=lambda definition: definition.name)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_preserve_length_is_exact_on_any_text(definition: Definition, data: st.DataObject) -> None:
    (kind,) = kinds(definition)
    assert kind in ("S", "N")
    values = data.draw(st.lists(FORMS.get(definition.name, TEXTS), min_size=1, max_size=8))
    parameters = data.draw(
        st.sampled_from([chosen for chosen in variations(definition) if chosen.get("preserve_length")])
    )
    event(str(parameters))
    after = [to_python(result) for result in results(definition, values, parameters)]
    assert list(map(length, after)) == list(map(length, values)), parameters
