"""The JSON schema of a report, made from its dataclasses and what their docstrings say about each field."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import TypeAdapter

from airflow_dynsync.engine import statistics
from airflow_dynsync.sync.report import course, found
from airflow_dynsync.sync.report.document import SCHEMA_VERSION, SyncReport

_FIELD = re.compile(r"^    (\w+): ", re.MULTILINE)


def report_schema() -> dict[str, Any]:
    """Return the schema of a report's JSON document, as JSON Schema of draft 2020-12."""
    schema = TypeAdapter(SyncReport).json_schema(mode="serialization")
    definitions = schema.pop("$defs")
    for name, definition in definitions.items():
        _describe(
            definition, next(getattr(part, name) for part in (course, found, statistics) if hasattr(part, name))
        )
    _describe(schema, SyncReport)
    schema["properties"]["schema_version"] |= {"const": SCHEMA_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "airflow-dynsync report",
        "$defs": definitions,
    }


def _describe(schema: dict[str, Any], model: type[Any]) -> None:
    """Give a schema and its fields the words of the docstring; a field that is there may be relied on."""
    text, described = described_fields(model)
    schema |= {"description": text, "required": list(schema["properties"])}
    schema.pop("title", None)
    for name, field in schema["properties"].items():
        field.pop("title", None)
        if name in described:
            field["description"] = described[name]


def described_fields(model: type[Any]) -> tuple[str, dict[str, str]]:
    """Return what a dataclass's docstring says of it, and of each field."""
    text, _, attributes = inspect.cleandoc(model.__doc__ or "").partition("\n\nAttributes:\n")
    parts = _FIELD.split(attributes)[1:]
    return _plain(text), {name: _plain(said) for name, said in zip(parts[::2], parts[1::2], strict=True)}


def _plain(text: str) -> str:
    """Return a docstring's words as those of a JSON document."""
    return re.sub(r"\bNone\b", "null", " ".join(text.split())).replace("``", "`")
