"""The JSON schema of a mapping file, made from the transformers' definitions, for editors that check YAML."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel

from airflow_dynsync.engine import catalogue
from airflow_dynsync.engine.definitions import Definition
from airflow_dynsync.engine.mapping import Mapping, RuleOptions, UnmappedPolicy, UnmappedType
from airflow_dynsync.sync.mapping_file import TableMapping


def mapping_schema() -> dict[str, Any]:
    """Return the schema of a mapping file, as JSON Schema of draft 2020-12."""
    definitions = catalogue()
    table = _table_properties()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "airflow-dynsync mapping file",
        "type": "object",
        "additionalProperties": False,
        "oneOf": [{"required": ["mappings"]}, {"required": ["tables"]}],
        "properties": {
            **{name: table[name] for name in ("mappings", "unmapped", "presets")},
            "tables": {
                "description": "The rules of several tables, by the name of the source table.",
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": False, "properties": table},
            },
        },
        "$defs": {
            "rule": {
                "anyOf": [
                    {"description": "A transformer that needs no parameters.", "enum": list(definitions)},
                    {"description": "A preset.", "type": "string", "not": {"enum": list(definitions)}},
                    *({"$ref": f"#/$defs/{name}"} for name in definitions),
                    {
                        "description": "A preset with parameters of its own.",
                        "type": "object",
                        "required": ["transformer"],
                        "properties": {"transformer": {"type": "string", "not": {"enum": list(definitions)}}},
                    },
                ]
            },
            "unmapped": {
                "anyOf": [
                    {"enum": list(get_args(UnmappedPolicy))},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {kind: {"$ref": "#/$defs/rule"} for kind in get_args(UnmappedType)},
                    },
                ]
            },
            **{name: _rule(definition) for name, definition in definitions.items()},
        },
    }


def _table_properties() -> dict[str, Any]:
    by_path = {"type": "object", "additionalProperties": {"$ref": "#/$defs/rule"}}
    options = _properties(TableMapping)
    return {
        "mappings": {"description": "A rule by path, such as Pets.*.Age.", **by_path},
        "unmapped": {
            "description": "What happens to the leaves that no rule covers: a policy, or a rule by type.",
            "$ref": "#/$defs/unmapped",
        },
        "presets": {"description": "Rules by a name of one's own.", **by_path},
        **{name: schema for name, schema in options.items() if name not in Mapping.model_fields},
    }


def _rule(definition: Definition) -> dict[str, Any]:
    schema = definition.parameters.model_json_schema()
    return {
        "description": definition.summary,
        "type": "object",
        "additionalProperties": False,
        "required": ["transformer", *schema.get("required", ())],
        "properties": {
            "transformer": {"const": definition.name},
            **_properties(definition.parameters),
            **_properties(RuleOptions),
        },
    }


def _properties(model: type[BaseModel]) -> dict[str, Any]:
    properties: dict[str, dict[str, Any]] = model.model_json_schema().get("properties", {})
    for schema in properties.values():
        schema.pop("title", None)
    linked: dict[str, dict[str, Any]] = _linked(properties)
    return linked


def _linked(schema: Any) -> Any:
    """Return a schema with references in place of the rules, and policies for unmapped leaves, in it."""
    if isinstance(schema, list):
        return [_linked(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    linked = {name: _linked(part) for name, part in schema.items()}
    if linked.get("format") in ("rule", "unmapped"):
        return {"$ref": f"#/$defs/{linked.pop('format')}", **linked}
    return linked
