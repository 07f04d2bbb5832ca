"""Addresses and their parts."""

import re
from collections import Counter
from itertools import pairwise
from typing import Any, get_args

import pytest

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.corpora import Locale, rows, words
from airflow_dynsync.engine.transformers.places import ADDRESS_FORMS, LONGEST_LAST_LINE, LONGEST_ZIPCODE

LOCALES = pytest.mark.parametrize("locale", get_args(Locale))

LAST_LINE = {
    "en": r"(?P<city>[^,]+), (?P<state>[A-Z]{2}) (?P<zip>\d{5})",
    "de": r"(?P<zip>\d{5}) (?P<city>[^,]+)",
    "fr": r"(?P<zip>\d{5}) (?P<city>[^,]+)",
    "es": r"(?P<zip>\d{5}) (?P<city>[^,]+)",
    "it": r"(?P<zip>\d{5}) (?P<city>[^,]+) \((?P<state>[A-Z]{2})\)",
    "ja": r"〒(?P<zip>\d{3}-\d{4}) (?P<state>東京都|..県|...県)(?P<city>[^0-9]+?)",
    "pt_BR": r"(?P<city>[^,]+) - (?P<state>[A-Z]{2}), (?P<zip>\d{5}-\d{3})",
}


def generate(name: str, count: int, **parameters: Any) -> list[str]:
    """Return what a generator draws for as many items."""
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}},
        key_attributes=("Id",),
        secret=b"a secret of the tests",
    )
    items = plan.apply([{"Id": {"N": str(number)}, "A": {"S": "x"}} for number in range(count)])
    return [item["A"]["S"] for item in items]


def is_a_place(locale: Any, city: str, code: str, state: str | None) -> bool:
    """Tell whether a city in that state may have that postal code."""
    return any(
        city == place[0] and state in {None, place[1]} and place[2] <= code <= place[3]
        for place in rows("places", locale)
    )


@LOCALES
def test_places_are_in_a_state_of_the_list_and_fit_the_shortest_address(locale: Any) -> None:
    states = {abbreviation for abbreviation, _ in rows("states", locale)}
    for city, state, lowest, highest in rows("places", locale):
        assert state in states
        assert city in words("cities", locale)
        assert len(lowest) == len(highest) <= LONGEST_ZIPCODE
        assert lowest <= highest
        last_line = ADDRESS_FORMS[locale].last_line.format(city=city, state=state, zip=lowest)
        assert len(last_line) <= LONGEST_LAST_LINE


@pytest.mark.parametrize("locale", ["en", "es", "fr", "de", "it", "pt_BR"])
def test_every_state_has_a_place(locale: Any) -> None:
    assert {state for state, _ in rows("states", locale)} == {place[1] for place in rows("places", locale)}


@pytest.mark.parametrize("locale", ["en", "es", "fr", "de", "pt_BR"])
def test_postal_codes_of_one_state_are_not_anothers(locale: Any) -> None:
    ranges = sorted({(low, high, state) for _, state, low, high in rows("places", locale)})
    for (_, high, state), (low, _, next_state) in pairwise(ranges):
        assert high < low or state == next_state


@pytest.mark.parametrize(
    ("city", "state", "code"),
    [("Boston", "MA", "02108"), ("Tyler", "TX", "75701"), ("Cheyenne", "WY", "82001"), ("Kahului", "HI", "96732")],
)
def test_real_addresses_are_among_the_places(city: str, state: str, code: str) -> None:
    assert is_a_place("en", city, code, state)


@LOCALES
def test_city_state_and_postal_code_of_an_address_are_of_one_place(locale: Any) -> None:
    form = ADDRESS_FORMS[locale].whole
    pattern = re.compile(form.format(last_line=LAST_LINE[locale], street_address="(?P<street_address>.+)"))
    cities = set()
    for address in generate("generate_full_address", 300, locale=locale):
        match = pattern.fullmatch(address)
        assert match
        found = match.groupdict()
        if locale == "ja":
            places = [place for place in rows("places", "ja") if f"{place[1]}{place[0]}" in address]
            assert any(place[2] <= found["zip"] <= place[3] for place in places)
            cities |= {place[0] for place in places}
        else:
            assert is_a_place(locale, found["city"], found["zip"], found.get("state"))
            cities.add(found["city"])
    assert len(cities) > 20


@LOCALES
@pytest.mark.parametrize("max_length", [LONGEST_LAST_LINE, 45, 60])
def test_an_address_within_max_length_keeps_the_whole_last_line(locale: Any, max_length: int) -> None:
    ending = ".*" if locale == "ja" else ""
    for address in generate("generate_full_address", 200, locale=locale, max_length=max_length):
        assert len(address) <= max_length
        assert re.search(LAST_LINE[locale] + ending + "$", address)


@LOCALES
def test_a_street_address_is_a_street_of_the_locale_and_a_number(locale: Any) -> None:
    form = ADDRESS_FORMS[locale]
    pattern = re.compile(form.street_address.format(street="(?P<street>.+?)", number="(?P<number>[1-9][0-9]*)"))
    for address in generate("generate_street_address", 100, locale=locale):
        match = pattern.fullmatch(address)
        assert match
        assert int(match["number"]) <= form.highest_number
        called = [name for name in words("last_names", locale) if name in address]
        kinds = words("streets", locale)
        assert match["street"] in {kind.format(name) for kind in kinds for name in called or [""]}


@LOCALES
@pytest.mark.parametrize("max_length", [10, 14, 20])
def test_a_street_address_has_at_most_max_length(locale: Any, max_length: int) -> None:
    drawn = generate("generate_street_address", 100, locale=locale, max_length=max_length)
    assert 1 < min(map(len, drawn)) <= max(map(len, drawn)) <= max_length


@LOCALES
def test_a_postal_code_is_one_of_a_place(locale: Any) -> None:
    for code in generate("generate_zipcode", 200, locale=locale):
        assert any(lowest <= code <= highest for _, _, lowest, highest in rows("places", locale))
        assert len(code) == len(rows("places", locale)[0][2])


def test_a_postal_code_keeps_its_leading_zeros() -> None:
    codes = generate("generate_zipcode", 500)
    assert all(re.fullmatch("[0-9]{5}", code) for code in codes)
    assert any(code.startswith("0") for code in codes)


@LOCALES
def test_cities_countries_and_states_come_from_the_lists(locale: Any) -> None:
    states = rows("states", locale)
    assert set(generate("generate_city", 200, locale=locale)) <= set(words("cities", locale))
    named = {"locale": locale, "generate_full_name": True}
    assert set(generate("generate_country", 200, **named)) <= set(words("countries", locale))
    assert set(generate("generate_state", 200, **named)) <= {name for _, name in states}
    assert set(generate("generate_country", 200, locale=locale)) <= set(words("country_codes", "en"))
    assert set(generate("generate_state", 200, locale=locale)) <= {abbreviation for abbreviation, _ in states}


@pytest.mark.parametrize(
    ("locale", "abbreviation", "state"),
    [
        ("en", "VT", "Vermont"),
        ("en", "DC", "District of Columbia"),
        ("de", "BY", "Bayern"),
        ("fr", "29", "Finistère"),
        ("it", "SU", "Sud Sardegna"),
        ("pt_BR", "SP", "São Paulo"),
        ("es", "Vizcaya", "Vizcaya"),
        ("ja", "京都府", "京都府"),
    ],
)
def test_a_state_has_its_abbreviation(locale: Any, abbreviation: str, state: str) -> None:
    assert (abbreviation, state) in rows("states", locale)


@LOCALES
@pytest.mark.parametrize("kind", ["city", "country", "state"])
@pytest.mark.parametrize("max_length", [2, 3, 5, 8])
def test_a_word_has_at_most_max_length(kind: str, locale: Any, max_length: int) -> None:
    full = {} if kind == "city" else {"generate_full_name": True}
    drawn = generate(f"generate_{kind}", 50, locale=locale, max_length=max_length, **full)
    assert 1 < min(map(len, drawn)) <= max(map(len, drawn)) <= max_length


@LOCALES
@pytest.mark.parametrize("name", ["cities", "companies", "countries", "streets"])
def test_a_list_is_distinct_and_clean(name: Any, locale: Any) -> None:
    found = words(name, locale)
    assert len(found) == len(set(found)) > 3
    assert all(entry == entry.strip() and entry and "\t" not in entry for entry in found)


def test_each_city_is_drawn_as_often() -> None:
    cities = words("cities", "fr")
    drawn = Counter(generate("generate_city", 100 * len(cities), locale="fr"))
    chi_square = sum((drawn[city] - 100) ** 2 / 100 for city in cities)
    assert chi_square < len(cities) + 6 * (2 * len(cities)) ** 0.5


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("generate_city", {"max_length": 1}, "mappings.A.max_length"),
        ("generate_city", {"locale": "xx"}, "mappings.A.locale"),
        ("generate_country", {"generate_full_name": 1}, "mappings.A.generate_full_name"),
        ("generate_state", {"generate_full_name": "no"}, "mappings.A.generate_full_name"),
        ("generate_street_address", {"max_length": 9}, "mappings.A.max_length"),
        ("generate_zipcode", {"max_length": 8}, "mappings.A.max_length"),
        ("generate_full_address", {"max_length": 39}, "mappings.A.max_length"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        generate(name, 0, **parameters)
    assert error.value.place == place
