"""``create_destination`` as people write it."""

from __future__ import annotations

from typing import Any

from airflow_dynsync.dynamodb.creation_options import CreationOptions
from airflow_dynsync.engine import MappingError
from airflow_dynsync.engine.mapping import type_in_words, validate


def parse_create_destination(written: Any) -> CreationOptions | None:
    """Return what a destination that is created gets; None where none is to be created.

    Args:
        written: ``like_source``, or a dict of `CreationOptions`' fields, or None.

    Raises:
        MappingError: it is none of those; its place is the field.
    """
    place = "create_destination"
    if written is None:
        return None
    if written == "like_source":
        return CreationOptions()
    if not isinstance(written, dict):
        raise MappingError(
            place, f"expected like_source, or a mapping such as {{copy_tags: true}}, got {type_in_words(written)}"
        )
    return validate(CreationOptions, written, place)
