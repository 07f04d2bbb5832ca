"""Makes the word lists anew from Faker's: ``python -m airflow_dynsync.engine.corpora.build``.

Faker (MIT licence, see ``NOTICE``) is needed only here. After a change of the lists, raise ``CORPUS_VERSION``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any, Final
from unicodedata import normalize

from airflow_dynsync.engine.corpora.regions import (
    BRAZILIAN_CITIES,
    GERMAN_CITIES,
    GERMAN_STATES,
    JAPANESE_REGIONS,
    SPANISH_CITIES,
    US_CITIES,
)

SOURCES: Final = {
    "en": ("en_US", "en_GB", "en_IE", "en_NZ"),
    "de": ("de_DE", "de_AT"),
    "fr": ("fr_FR", "fr_CH"),
    "es": ("es_ES", "es_MX"),
    "it": ("it_IT",),
    "ja": ("ja_JP",),
    "pt_BR": ("pt_BR", "pt_PT"),
}
"""The Faker locales that make up each locale of ours; places and companies are those of the first."""

STREETS: Final = {
    "en": ("{} ", "street_suffixes"),
    "de": ("{}", "street_suffixes_short"),
    "it": (" {}", "street_suffixes"),
    "ja": ("", "towns"),
}
"""Where the last name goes that a street is called by, and Faker's list of what is put to it."""

LONGEST_CITY: Final = 26

_ONE_WORD = re.compile(r"[^\W\d_]{2,}(?:['-][^\W\d_]+)*|[^\W\d_]'[^\W\d_]+")
_FIELD = re.compile(r"\{\{(\w+)\}\}")


def _provider(subject: str, source: str) -> Any:
    return import_module(f"faker.providers.{subject}.{source}").Provider


def _names(locale: str, name: str) -> set[str]:
    return {
        word
        for source in SOURCES[locale]
        for word in getattr(_provider("person", source), name)
        if _ONE_WORD.fullmatch(word)
    }


def _on_the_map(country: str) -> set[str]:
    cities = import_module("faker.providers.geo").Provider.land_coords
    return {city for _, _, city, code, _ in cities if code == country and not city[-1].isdigit()}


def _listed(cities: dict[str, str]) -> Iterator[tuple[str, ...]]:
    for state, text in cities.items():
        for each in text.split(", "):
            city, zips = each.rsplit(" ", 1)
            yield (city, state, *zips.split(".."))


def _places(locale: str) -> Iterable[tuple[str, ...]]:
    """Return city, state, lowest and highest postal code."""
    address = _provider("address", SOURCES[locale][0])
    match locale:
        case "en":
            zips = {state: f"{low:05}..{high:05}" for state, (low, high) in address.states_postcode.items()}
            return _listed(
                {
                    state: ", ".join(f"{city} {zips[state]}" for city in cities.split(", "))
                    for state, cities in US_CITIES.items()
                }
            )
        case "de":
            return _listed(GERMAN_CITIES)
        case "pt_BR":
            return _listed(BRAZILIAN_CITIES)
        case "fr":
            return _french_places()
        case "es":
            return (
                (each.split(": ")[-1], each.split(":")[0], f"{code:02}001", f"{code:02}999")
                for code, each in enumerate(SPANISH_CITIES, 1)
            )
        case "it":
            return _italian_places(address.cap_city_province)
    return _japanese_places(address.cities)


def _french_places() -> Iterator[tuple[str, ...]]:
    for code, _, _, city in _provider("ssn", "fr_FR").departments_and_municipalities:
        low = {"2A": "20000", "2B": "20200"}.get(code, code.ljust(5, "0"))
        high = {"2A": "20199", "2B": "20699"}.get(code, code.ljust(5, "9"))
        yield city, code, low, high


def _italian_places(towns_by_zip: dict[str, list[list[str]]]) -> Iterator[tuple[str, ...]]:
    """Give each postal code the largest of its towns: that which has most postal codes."""
    codes = Counter(tuple(town) for towns in towns_by_zip.values() for town in towns)
    for code, towns in towns_by_zip.items():
        town, province = min(map(tuple, towns), key=lambda each: (-codes[each], len(each[0]), each))
        yield town, province, code, code


def _japanese_places(cities: Iterable[str]) -> Iterator[tuple[str, ...]]:
    region = ""
    for city in cities:
        region = JAPANESE_REGIONS.get(city, region)
        state, zips = region.split(" ")
        yield (city, state, *zips.split(".."))


def _states(locale: str) -> Iterable[tuple[str, ...]]:
    """Return abbreviation and name; where a country has no abbreviations, the name twice."""
    address = _provider("address", SOURCES[locale][0])
    match locale:
        case "en":
            abbreviations = [state for state in address.states_abbr if state != "DC"]
            return [*zip(abbreviations, address.states, strict=True), ("DC", "District of Columbia")]
        case "de":
            return GERMAN_STATES.items()
        case "fr":
            return list(address.departments)
        case "es":
            return ((each.split(":")[0],) * 2 for each in SPANISH_CITIES)
        case "it":
            named = dict(zip(address.states_abbr, address.states, strict=True)) | {"SU": "Sud Sardegna"}
            return ((state, named[state]) for state in {place[1] for place in _places("it")})
        case "pt_BR":
            return list(address.estados)
    return ((name,) * 2 for name in address.prefectures)


def _cities(locale: str) -> set[str]:
    found = {place[0] for place in _places(locale)}
    match locale:
        case "en":
            if unknown := _on_the_map("US") - found:
                raise ValueError(f"regions.py does not say in which state these are: {sorted(unknown)}")
        case "de":
            found |= set(_provider("address", "de_DE").cities)
        case "es" | "fr" | "pt_BR":
            found |= _on_the_map(locale[-2:].upper())
    return found


def _streets(locale: str) -> set[str]:
    called, name = STREETS.get(locale, (" {}", "street_prefixes"))
    kinds = getattr(_provider("address", SOURCES[locale][0]), name)
    return {kind + called if called.startswith(" ") else called + kind for kind in kinds}


def _companies(locale: str) -> set[str]:
    """Return Faker's forms of business names, with {} for each last name; those that need more are left out."""
    company = _provider("company", SOURCES[locale][0])
    lists = {
        "last_name": ("{}",),
        "company_suffix": company.company_suffixes,
        "company_prefix": getattr(company, "company_prefixes", ()),
        "company_category": getattr(company, "company_categories", ()),
        "company_type": getattr(company, "company_types", ()),
    }
    found = set()
    for form in company.formats:
        pattern = _FIELD.sub("{}", form)
        for choice in product(*(lists.get(field, ()) for field in _FIELD.findall(form))):
            found.add(pattern.format(*choice))
    return found


def _lists(locale: str) -> dict[str, Iterable[str]]:
    address = _provider("address", SOURCES[locale][0])
    lists: dict[str, Iterable[str]] = {
        "first_names": _names(locale, "first_names"),
        "last_names": _names(locale, "last_names"),
        "cities": (city for city in _cities(locale) if len(city) <= LONGEST_CITY),
        "companies": _companies(locale),
        "countries": address.countries,
        "places": ("\t".join(place) for place in _places(locale) if len(place[0]) <= LONGEST_CITY),
        "states": map("\t".join, _states(locale)),
        "streets": _streets(locale),
    }
    return lists | ({"country_codes": address.alpha_2_country_codes} if locale == "en" else {})


def build(folder: Path) -> None:
    """Write ``<locale>/<list>.txt`` below ``folder``: each line once, sorted by code points."""
    for locale in SOURCES:
        (folder / locale).mkdir(exist_ok=True)
        for name, found in _lists(locale).items():
            lines = sorted({normalize("NFC", line) for line in found})
            (folder / locale / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    build(Path(__file__).parent)
