"""Generators of what people are called and are: user names, genders, names of their businesses."""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import Field

from airflow_dynsync.engine.corpora import Locale, words
from airflow_dynsync.engine.definitions import Definition, Example, Parameters, Scalar, Uniqueness
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.transformers.emails import LETTERS
from airflow_dynsync.engine.transformers.lengths import redrawn_up_to
from airflow_dynsync.engine.transformers.names import SHORTEST_NAME
from airflow_dynsync.engine.transformers.primitives import LONGEST_STRING
from airflow_dynsync.engine.values import EVERY_TYPE_BUT_SETS

GENDERS: Final = ("female", "male", "nonbinary", "undefined")
LONGEST_GENDER: Final = max(map(len, GENDERS))


class GenerateBusinessName(Parameters):
    """Parameters of generate_business_name."""

    max_length: int = Field(
        default=100, ge=SHORTEST_NAME, le=LONGEST_STRING, description="The most characters that a result may have."
    )
    locale: Locale = Field(default="en", description="Where the business might be.")


def _generate_business_name(parameters: GenerateBusinessName) -> Scalar:
    last_names, forms = words("last_names", parameters.locale), words("companies", parameters.locale)

    def draw(stream: Stream) -> str:
        form = stream.choice(forms)
        return form.format(*(stream.choice(last_names) for _ in range(form.count("{}"))))

    return lambda _value, stream: redrawn_up_to(parameters.max_length, draw, stream)


class GenerateUsername(Parameters):
    """Parameters of generate_username."""

    max_length: int = Field(
        default=100, ge=SHORTEST_NAME, le=LONGEST_STRING, description="The most characters that a result may have."
    )


def _generate_username(parameters: GenerateUsername) -> Scalar:
    last_names = [re.sub("[^a-z]", "", word.lower()) for word in words("last_names", "en")]
    max_length = parameters.max_length

    def generate(_value: Any, stream: Stream) -> str:
        name = f"{stream.text(LETTERS, 1)}{stream.choice(last_names)}"
        name = name[: max_length - min(4, max_length // 2)]
        return name + stream.text("0123456789", min(4, max_length - len(name)))

    return generate


class GenerateGender(Parameters):
    """Parameters of generate_gender."""

    abbreviate: bool = Field(default=False, description="Write the first letter only: f, m, n or u.")
    max_length: int = Field(
        default=100,
        ge=1,
        le=LONGEST_STRING,
        description=f"The most characters that a result may have; below {LONGEST_GENDER} the first letter only.",
    )


def _generate_gender(parameters: GenerateGender) -> Scalar:
    abbreviate = parameters.abbreviate or parameters.max_length < LONGEST_GENDER
    genders = [gender[0] for gender in GENDERS] if abbreviate else GENDERS
    return lambda _value, stream: stream.choice(genders)


DEFINITIONS: Final = (
    Definition(
        name="generate_business_name",
        summary="Draws the name of a business",
        parameters=GenerateBusinessName,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("Featherstonehaugh Ltd", "Callinan Group"),
        scalar=_generate_business_name,
    ),
    Definition(
        name="generate_username",
        summary="Draws a user name: an initial, a last name and digits",
        parameters=GenerateUsername,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("wfeather", "fconnelly3132"),
        scalar=_generate_username,
    ),
    Definition(
        name="generate_gender",
        summary="Draws a gender: female, male, nonbinary or undefined",
        parameters=GenerateGender,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("female", "male"),
        scalar=_generate_gender,
    ),
)
