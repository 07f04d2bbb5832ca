"""Generators of addresses and their parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pydantic import Field

from airflow_dynsync.engine.corpora import Locale, rows, words
from airflow_dynsync.engine.definitions import Definition, Example, Parameters, Scalar, Uniqueness
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.transformers.lengths import DRAWS, redrawn_up_to, up_to
from airflow_dynsync.engine.transformers.primitives import LONGEST_STRING
from airflow_dynsync.engine.values import EVERY_TYPE_BUT_SETS

LONGEST_LAST_LINE: Final = 40
"""Characters of an address without its street, at the most, in every locale."""

LONGEST_ZIPCODE: Final = 9


class AddressForm(NamedTuple):
    """How a country writes an address, in the fields number, street, zip, city and state."""

    street_address: str
    last_line: str
    whole: str = "{street_address}, {last_line}"
    highest_number: int = 200


ADDRESS_FORMS: Final[Mapping[Locale, AddressForm]] = MappingProxyType(
    {
        "en": AddressForm("{number} {street}", "{city}, {state} {zip}", highest_number=9999),
        "de": AddressForm("{street} {number}", "{zip} {city}"),
        "fr": AddressForm("{number} {street}", "{zip} {city}"),
        "es": AddressForm("{street}, {number}", "{zip} {city}"),
        "it": AddressForm("{street}, {number}", "{zip} {city} ({state})"),
        "ja": AddressForm("{street}{number}番地", "〒{zip} {state}{city}", "{last_line}{street_address}"),
        "pt_BR": AddressForm("{street}, {number}", "{city} - {state}, {zip}", highest_number=2000),
    }
)
"""On one line; German, French and Spanish addresses do not name the state, which the postal code tells."""


class GenerateWord(Parameters):
    """Parameters of generate_city."""

    max_length: int = Field(
        default=100,
        ge=2,
        le=LONGEST_STRING,
        description="The most characters that a result may have; where no word of the list is so short, all are"
        " cut.",
    )
    locale: Locale = Field(default="en", description="The country; for countries, the language.")


class GenerateCountry(GenerateWord):
    """Parameters of generate_country."""

    generate_full_name: bool = Field(
        default=False, description="Write the name, not the two letters of ISO 3166-1."
    )


class GenerateState(GenerateWord):
    """Parameters of generate_state."""

    generate_full_name: bool = Field(
        default=False,
        description="Write the name, not its abbreviation: US states, German Länder, French départements by"
        " number, Italian provinces, Brazilian states. Spanish provinces and Japanese prefectures"
        " have no abbreviation.",
    )


class GenerateStreetAddress(Parameters):
    """Parameters of generate_street_address."""

    max_length: int = Field(
        default=100,
        ge=10,
        le=LONGEST_STRING,
        description="The most characters that a result may have; where 16 draws have more, the last is cut.",
    )
    locale: Locale = Field(default="en", description="The country.")


class GenerateZipcode(Parameters):
    """Parameters of generate_zipcode."""

    max_length: int = Field(
        default=100,
        ge=LONGEST_ZIPCODE,
        le=LONGEST_STRING,
        description="The most characters that a result may have.",
    )
    locale: Locale = Field(default="en", description="The country.")


class GenerateFullAddress(Parameters):
    """Parameters of generate_full_address."""

    max_length: int = Field(
        default=100,
        ge=LONGEST_LAST_LINE,
        le=LONGEST_STRING,
        description="The most characters that a result may have; where 16 draws have more, the street is left"
        " out.",
    )
    locale: Locale = Field(
        default="en",
        description="The country. City and state are those of a real place, and the postal code is one of the"
        " city's (de, it) or lies within those of its state or region (en, es, fr, ja, pt_BR).",
    )


def _generate_city(parameters: GenerateWord) -> Scalar:
    cities = up_to(parameters.max_length, words("cities", parameters.locale))
    return lambda _value, stream: stream.choice(cities)


def _generate_country(parameters: GenerateCountry) -> Scalar:
    full = parameters.generate_full_name
    listed = words("countries", parameters.locale) if full else words("country_codes", "en")
    countries = up_to(parameters.max_length, listed)
    return lambda _value, stream: stream.choice(countries)


def _generate_state(parameters: GenerateState) -> Scalar:
    named = [row[parameters.generate_full_name] for row in rows("states", parameters.locale)]
    states = up_to(parameters.max_length, named)
    return lambda _value, stream: stream.choice(states)


def _draw_zipcode(lowest: str, highest: str, stream: Stream) -> str:
    """Return a postal code between two others, with the hyphen where they have it."""
    first, last = lowest.replace("-", ""), highest.replace("-", "")
    code = str(stream.between(int(first), int(last))).zfill(len(first))
    hyphen = lowest.find("-")
    return code if hyphen < 0 else f"{code[:hyphen]}-{code[hyphen:]}"


def _generate_zipcode(parameters: GenerateZipcode) -> Scalar:
    places = rows("places", parameters.locale)

    def generate(_value: Any, stream: Stream) -> str:
        _, _, lowest, highest = stream.choice(places)
        return _draw_zipcode(lowest, highest, stream)

    return generate


def _street_address(locale: Locale) -> Callable[[Stream], str]:
    form, last_names, streets = ADDRESS_FORMS[locale], words("last_names", locale), words("streets", locale)

    def draw(stream: Stream) -> str:
        street = stream.choice(streets).format(stream.choice(last_names))
        return form.street_address.format(number=1 + stream.below(form.highest_number), street=street)

    return draw


def _generate_street_address(parameters: GenerateStreetAddress) -> Scalar:
    draw, max_length = _street_address(parameters.locale), parameters.max_length
    return lambda _value, stream: redrawn_up_to(max_length, draw, stream)


def _generate_full_address(parameters: GenerateFullAddress) -> Scalar:
    form, max_length = ADDRESS_FORMS[parameters.locale], parameters.max_length
    places, draw_street_address = rows("places", parameters.locale), _street_address(parameters.locale)

    def generate(_value: Any, stream: Stream) -> str:
        city, state, lowest, highest = stream.choice(places)
        last_line = form.last_line.format(city=city, state=state, zip=_draw_zipcode(lowest, highest, stream))
        for _ in range(DRAWS):
            address = form.whole.format(street_address=draw_street_address(stream), last_line=last_line)
            if len(address) <= max_length:
                return address
        return last_line

    return generate


DEFINITIONS: Final = (
    Definition(
        name="generate_city",
        summary="Draws a city",
        parameters=GenerateWord,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("Leeds", "Jefferson City"),
        scalar=_generate_city,
    ),
    Definition(
        name="generate_country",
        summary="Draws a country: its code or its name",
        parameters=GenerateCountry,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("Norway", "Bahamas", {"generate_full_name": True}),
        scalar=_generate_country,
    ),
    Definition(
        name="generate_state",
        summary="Draws a state, province or prefecture: its abbreviation or its name",
        parameters=GenerateState,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("NV", "MD"),
        scalar=_generate_state,
    ),
    Definition(
        name="generate_street_address",
        summary="Draws a street and a house number",
        parameters=GenerateStreetAddress,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("7 Downing Street", "8667 Pike Mount"),
        scalar=_generate_street_address,
    ),
    Definition(
        name="generate_zipcode",
        summary="Draws a postal code",
        parameters=GenerateZipcode,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("89001", "40377"),
        scalar=_generate_zipcode,
    ),
    Definition(
        name="generate_full_address",
        summary="Draws an address, whose city, state and postal code belong together",
        parameters=GenerateFullAddress,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("7 Main Street, Alamo, NV 89001", "1818 Hopkins Prairie, Cheyenne, WY 82386"),
        scalar=_generate_full_address,
    ),
)
