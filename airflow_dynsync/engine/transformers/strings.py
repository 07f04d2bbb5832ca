"""Strings of any kind: drawn anew, hashed, masked."""

from __future__ import annotations

import re
from math import log2
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from airflow_dynsync.engine.definitions import (
    Definition,
    Example,
    Parameters,
    Regex,
    Scalar,
    Uniqueness,
    uniqueness_of_random,
)
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.transformers.primitives import ALPHANUMERIC, LONGEST_STRING

HASH_ALPHABETS: Final = {
    "hex": "0123456789abcdef",
    "base32": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
}
"""base32: RFC 4648, section 6; base58: Bitcoin's, without 0, O, I and l."""

_WORDS: Final = r"[^\s!-/:-@\[-`{-~]+"
_BETWEEN_WORDS: Final = bytes(code for code in range(128) if not re.match(_WORDS, chr(code)))
"""The ASCII characters that are not masked by default."""


class TransformString(Parameters):
    """Parameters of transform_string."""

    preserve_length: bool = Field(
        default=False,
        description="Give the result as many characters as the value, whatever min_length and max_length say.",
    )
    min_length: int = Field(
        default=3, ge=1, le=LONGEST_STRING, description="The least characters that a result may have."
    )
    max_length: int = Field(
        default=100, ge=1, le=LONGEST_STRING, description="The most characters that a result may have."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_length > self.max_length:
            raise ValueError("min_length is above max_length")
        return self


def _transform_string(parameters: TransformString) -> Scalar:
    if parameters.preserve_length:
        return lambda value, stream: stream.text(ALPHANUMERIC, len(value))
    low, span = parameters.min_length, parameters.max_length - parameters.min_length + 1
    return lambda _value, stream: stream.text(ALPHANUMERIC, low + stream.below(span))


def _uniqueness_of_string(parameters: TransformString) -> Uniqueness:
    if parameters.preserve_length:
        return Uniqueness.NOT_GUARANTEED
    return uniqueness_of_random(parameters.min_length * log2(len(ALPHANUMERIC)))


class TransformHash(Parameters):
    """Parameters of transform_hash."""

    length: int = Field(
        default=32,
        ge=1,
        le=1024,
        description="Characters of the hash, without the prefix. From 128 bits on (hex 32, base32 26, base58 22)"
        " different values stay different; below 64 bits collisions have to be expected.",
    )
    encoding: Literal["hex", "base32", "base58"] = Field(
        default="hex", description="The characters it is made of."
    )
    prefix: str = Field(default="", max_length=1024, description="Put before the hash.")


def _transform_hash(parameters: TransformHash) -> Scalar:
    alphabet, length, prefix = HASH_ALPHABETS[parameters.encoding], parameters.length, parameters.prefix
    return lambda _value, stream: prefix + stream.text(alphabet, length)


class TransformMask(Parameters):
    """Parameters of transform_mask."""

    keep_first: int = Field(
        default=0, ge=0, le=LONGEST_STRING, description="How many of the characters to mask stay at the start."
    )
    keep_last: int = Field(
        default=0, ge=0, le=LONGEST_STRING, description="How many of the characters to mask stay at the end."
    )
    character: str = Field(default="*", min_length=1, max_length=1, description="What is put in their place.")
    pattern: Regex = Field(
        default=_WORDS,
        validate_default=True,
        description="Which characters to mask: those that this regular expression matches. By default all but"
        " white space and ASCII punctuation. Where it matches nothing, all are masked.",
    )


def _transform_mask(parameters: TransformMask) -> Scalar:
    keep_first, keep_last, character = parameters.keep_first, parameters.keep_last, parameters.character
    finditer = parameters.pattern.finditer

    def transform(value: str, _stream: Stream) -> str:
        matched = [position for match in finditer(value) for position in range(*match.span())]
        hidden = matched or range(len(value))
        if keep_first + keep_last < len(hidden):
            hidden = hidden[keep_first : len(hidden) - keep_last]
        characters = list(value)
        for position in hidden:
            characters[position] = character
        return "".join(characters)

    if parameters.pattern != re.compile(_WORDS) or not character.isascii():
        return transform

    masked = bytes(code if code in _BETWEEN_WORDS else ord(character) for code in range(256))

    def transform_ascii(value: str, stream: Stream) -> str:
        if value.isascii() and value.isalnum():
            if (hidden := len(value) - keep_first - keep_last) <= 0:
                return character * len(value)
            return value[:keep_first] + character * hidden + value[keep_first + hidden :]
        text = value.encode() if value.isascii() else b""
        count = len(text.translate(None, _BETWEEN_WORDS))
        if not count:
            return transform(value, stream)
        if keep_first + keep_last >= count:
            return text.translate(masked).decode()
        start = _reach(keep_first, text) if keep_first else 0
        end = len(text) - (_reach(keep_last, text[::-1]) if keep_last else 0)
        return (text[:start] + text[start:end].translate(masked) + text[end:]).decode()

    return transform_ascii


def _reach(count: int, text: bytes) -> int:
    """Return how many bytes of a text the first ``count`` are within that lie in words."""
    end = count
    while missing := count - len(text[:end].translate(None, _BETWEEN_WORDS)):
        end += missing
    return end


DEFINITIONS: Final = (
    Definition(
        name="transform_string",
        summary="Replaces a string by letters and digits, with or without its length",
        parameters=TransformString,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=_uniqueness_of_string,
        reads_input=True,
        example=Example("Rue de l'Église 7", "om1VQDUfCVuIhUruz", {"preserve_length": True}),
        scalar=_transform_string,
    ),
    Definition(
        name="transform_hash",
        summary="Replaces a value by its keyed hash (BLAKE2b)",
        parameters=TransformHash,
        accepts=frozenset({"S", "N", "B"}),
        returns=frozenset({"S"}),
        uniqueness=lambda parameters: uniqueness_of_random(
            parameters.length * log2(len(HASH_ALPHABETS[parameters.encoding]))
        ),
        reads_input=True,
        example=Example(
            "DE-4711", "c_zKxcqGxNrmuXEQrWd5tZKW", {"encoding": "base58", "length": 22, "prefix": "c_"}
        ),
        scalar=_transform_hash,
    ),
    Definition(
        name="transform_mask",
        summary="Masks the characters of a string; a string too short to keep some loses all",
        parameters=TransformMask,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.LOSSY,
        reads_input=True,
        has_realm=False,
        example=Example("4012 8888 8888 1881", "**** **** **** 1881", {"keep_last": 4}),
        scalar=_transform_mask,
    ),
)
