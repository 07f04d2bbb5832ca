"""The catalogue: every transformer by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_dynsync.engine.definitions import Definition

FAMILIES = (
    "structure",
    "templates",
    "primitives",
    "names",
    "people",
    "places",
    "emails",
    "strings",
    "scramble",
    "numbers",
    "binaries",
    "buckets",
    "patterns",
    "documents",
    "free_text",
    "fpe",
    "identifiers",
    "phones",
    "network",
    "times",
    "dates",
    "scripts",
)


@cache
def catalogue() -> Mapping[str, Definition]:
    """Return every transformer's definition by name, in the order of the families.

    Raises:
        ValueError: two definitions share a name.
    """
    definitions: dict[str, Definition] = {}
    for family in FAMILIES:
        module = import_module(f"airflow_dynsync.engine.transformers.{family}")
        for definition in module.DEFINITIONS:
            if definition.name in definitions:
                raise ValueError(f"two transformers are named {definition.name}")
            definitions[definition.name] = definition
    return MappingProxyType(definitions)
