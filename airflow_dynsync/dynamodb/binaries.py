"""Binaries (B, BS) between wire form, base64 text, and botocore's own form of an item, bytes."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any


def to_bytes(value: Any) -> Any:
    """Return parameters of an item operation, or a part of them, with the base64 text of binaries decoded.

    What stands beside other keys or is named "B" itself is safe: a text under the key B, or a list of texts under
    BS, is nowhere but in an attribute value.

    Raises: binascii.Error for what is not base64.
    """
    if isinstance(value, list):
        return [to_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _decoded(key, each) for key, each in value.items()}


def _decoded(key: str, value: Any) -> Any:
    if key == "B" and isinstance(value, str):
        return b64decode(value, validate=True)
    if key == "BS" and isinstance(value, list):
        return [b64decode(each, validate=True) if isinstance(each, str) else each for each in value]
    return to_bytes(value)


def to_text(value: Any) -> Any:
    """Return an answer, or a part of it, with bytes as base64 text."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, dict):
        return {key: to_text(each) for key, each in value.items()}
    return [to_text(each) for each in value] if isinstance(value, list) else value
