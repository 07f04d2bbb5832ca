"""First names, last names and full names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from pydantic import Field

from airflow_dynsync.engine.corpora import Locale, WordList, words
from airflow_dynsync.engine.definitions import Definition, Example, Parameters, Scalar, Uniqueness
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.transformers.lengths import up_to
from airflow_dynsync.engine.transformers.primitives import LONGEST_STRING
from airflow_dynsync.engine.values import EVERY_TYPE_BUT_SETS

SHORTEST_NAME: Final = 2
"""Characters that a name has at the least; where a list has none so short, one is cut."""

FAMILY_NAME_FIRST: Final[frozenset[Locale]] = frozenset({"ja"})

_ENOUGH: Final = 30
"""With fewer names of a wanted length than this, a name of that length is made up."""

_WORD: Final = re.compile(r"\S+")


def names_up_to(name: WordList, locale: Locale, max_length: int) -> Sequence[str]:
    """Return the names of a list that have at most so many characters; where none has, all are cut."""
    return up_to(max_length, words(name, locale))


def _of_length(name: WordList, locale: Locale) -> Callable[[int, Stream], str]:
    """Return a function that draws a name of exactly the length asked for, whatever it is."""
    names = words(name, locale)
    by_length: dict[int, list[str]] = {}
    for word in names:
        by_length.setdefault(len(word), []).append(word)
    by_length = {length: same for length, same in by_length.items() if len(same) >= _ENOUGH}

    def draw(length: int, stream: Stream) -> str:
        if same := by_length.get(length):
            return stream.choice(same)
        made_up = ""
        while len(made_up) < length:
            made_up += stream.choice(names)
        return made_up[:length].capitalize()

    return draw


class GenerateName(Parameters):
    """Parameters of generate_first_name and generate_last_name."""

    max_length: int = Field(
        default=100, ge=SHORTEST_NAME, le=LONGEST_STRING, description="The most characters that a result may have."
    )
    locale: Locale = Field(default="en", description="Whose names.")


class GenerateFullName(GenerateName):
    """Parameters of generate_full_name."""

    max_length: int = Field(
        default=100,
        ge=2 * SHORTEST_NAME + 1,
        le=LONGEST_STRING,
        description="The most characters that a result may have.",
    )


class TransformName(GenerateName):
    """Parameters of transform_first_name and transform_last_name."""

    preserve_length: bool = Field(
        default=False, description="Give the result as many characters as the value, whatever max_length says."
    )


class TransformFullName(GenerateName):
    """Parameters of transform_full_name."""

    preserve_length: bool = Field(
        default=False, description="Give each word as many characters as it had, whatever max_length says."
    )
    max_length: int = Field(
        default=100,
        ge=SHORTEST_NAME,
        le=LONGEST_STRING,
        description="The most characters that a result may have; where it would have more, preserve_length is"
        " used.",
    )


def _generate_from(name: WordList) -> Callable[[GenerateName], Scalar]:
    def factory(parameters: GenerateName) -> Scalar:
        names = names_up_to(name, parameters.locale, parameters.max_length)
        return lambda _value, stream: stream.choice(names)

    return factory


def _generate_full_name(parameters: GenerateFullName) -> Scalar:
    longest, locale = parameters.max_length - 1, parameters.locale
    first_names = names_up_to("first_names", locale, longest - SHORTEST_NAME)
    last_names = {
        length: sorted(names_up_to("last_names", locale, longest - length), key=len)
        for length in set(map(len, first_names))
    }
    family_name_first = locale in FAMILY_NAME_FIRST

    def generate(_value: Any, stream: Stream) -> str:
        first = stream.choice(first_names)
        last = stream.choice(last_names[len(first)])
        return f"{last} {first}" if family_name_first else f"{first} {last}"

    return generate


def _transform_from(name: WordList) -> Callable[[TransformName], Scalar]:
    def factory(parameters: TransformName) -> Scalar:
        if parameters.preserve_length:
            of_length = _of_length(name, parameters.locale)
            return lambda value, stream: of_length(len(value), stream)
        names = names_up_to(name, parameters.locale, parameters.max_length)
        return lambda _value, stream: stream.choice(names)

    return factory


def _transform_full_name(parameters: TransformFullName) -> Scalar:
    locale = parameters.locale
    first_names, last_names = words("first_names", locale), words("last_names", locale)
    first_of_length, last_of_length = _of_length("first_names", locale), _of_length("last_names", locale)
    preserve_length, max_length = parameters.preserve_length, parameters.max_length
    place_of_family_name = 0 if locale in FAMILY_NAME_FIRST else -1

    def transform(value: str, stream: Stream) -> str:
        before = value.split()
        count = len(before)
        if not preserve_length:
            lists = [first_names] * count
            if count > 1:
                lists[place_of_family_name] = last_names
            result = _with_words(value, before, map(stream.choice, lists))
            if len(result) <= max_length:
                return result
        draws = [first_of_length] * count
        if count > 1:
            draws[place_of_family_name] = last_of_length
        drawn = [draw(len(word), stream) for draw, word in zip(draws, before, strict=True)]
        return _with_words(value, before, drawn)

    return transform


def _with_words(text: str, before: list[str], after: Iterable[str]) -> str:
    """Return a text with other words and what was between the ones before."""
    if " ".join(before) == text:
        return " ".join(after)
    others = iter(after)
    return _WORD.sub(lambda _match: next(others), text)


DEFINITIONS: Final = (
    Definition(
        name="generate_first_name",
        summary="Draws a first name",
        parameters=GenerateName,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("Wilhelmina", "Dayna"),
        scalar=_generate_from("first_names"),
    ),
    Definition(
        name="generate_last_name",
        summary="Draws a last name",
        parameters=GenerateName,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("Featherstonehaugh", "Dobbin"),
        scalar=_generate_from("last_names"),
    ),
    Definition(
        name="generate_full_name",
        summary="Draws a first and a last name",
        parameters=GenerateFullName,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=False,
        example=Example("Wilhelmina Featherstonehaugh", "Fred Black"),
        scalar=_generate_full_name,
    ),
    Definition(
        name="transform_first_name",
        summary="Replaces a first name by another",
        parameters=TransformName,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        example=Example("Wilhelmina", "Dale"),
        scalar=_transform_from("first_names"),
    ),
    Definition(
        name="transform_last_name",
        summary="Replaces a last name by another",
        parameters=TransformName,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        example=Example("Featherstonehaugh", "Torpey"),
        scalar=_transform_from("last_names"),
    ),
    Definition(
        name="transform_full_name",
        summary="Replaces each word of a name: the last (ja: the first) by a last name, the others by first names",
        parameters=TransformFullName,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        example=Example("Wilhelmina van Featherstonehaugh", "Todd Jerome McIlroe"),
        scalar=_transform_full_name,
    ),
)
