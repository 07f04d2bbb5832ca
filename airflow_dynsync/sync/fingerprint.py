"""What tells a mapping, or a secret, from every other one."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

from airflow_dynsync.engine import Mapping
from airflow_dynsync.engine.keyed import Secret


def mapping_fingerprint(mapping: Mapping) -> str:
    """Return what tells a mapping from every other one: BLAKE2b (RFC 7693) without a key, in hexadecimal.

    What does not change values is left out, and so is the condition, which may hold one.
    """
    described = canonical(mapping.model_dump(include=set(Mapping.model_fields)))
    text = orjson.dumps(described, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=16, person=b"dynsync mapping").hexdigest()


def secret_fingerprint(secret: bytes) -> str:
    """Return what tells a secret from every other one, and nothing else of one that was drawn at random."""
    return Secret(secret).keyed("secret fingerprint").digest(b"")[:16].hex()


def canonical(value: Any) -> Any:
    """Return a mapping as JSON values that tell it from every other one; a function counts by its name."""
    match value:
        case dict():
            return {str(name): canonical(member) for name, member in value.items()}
        case list() | tuple():
            return [canonical(element) for element in value]
        case None | bool() | int() | str():
            return value
    if callable(value):
        return f"{value.__module__}:{getattr(value, '__qualname__', type(value).__qualname__)}"
    return f"{type(value).__name__} {value}"
