"""The reference pages and the schema of mapping files, made from the definitions."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from airflow_dynsync.cli import main
from airflow_dynsync.engine import catalogue
from airflow_dynsync.sync.mapping_schema import mapping_schema
from local.reference import pages

ROOT = Path(__file__).parents[2]


TEMPLATE = {"transformer": "transform_template", "template": "A#{id}"}
REPLACE = {"transformer": "transform_regex_replace", "pattern": "(?P<x>a)"}
JSON = {"transformer": "transform_json"}


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = mapping_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_the_generated_pages_are_those_of_the_definitions(path: Path) -> None:
    assert path.read_text() == pages()[path], "run `make docs`"


def test_the_schema_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == mapping_schema()


@pytest.mark.parametrize("file", sorted((ROOT / "dags_examples").rglob("*.yaml")), ids=lambda path: path.name)
def test_the_schema_accepts_the_example_mappings(file: Path, validator: Any) -> None:
    validator.validate(yaml.safe_load(file.read_text()))


def test_the_schema_accepts_every_transformers_example(validator: Any) -> None:
    for name, definition in catalogue().items():
        written = json.loads(json.dumps(dict(definition.example.parameters), default=str))
        validator.validate({"mappings": {"a": {"transformer": name, **written}}})


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"mappings": {}, "tables": {}},
        {"mapping": {}},
        {"mappings": {"a": {"transformer": "transform_email", "preserve_domian": True}}},
        {"mappings": {"a": {"transformer": "transform_email", "preserve_domain": "yes"}}},
        {"mappings": {"a": {"transformer": "transform_int64", "randomization_range_min": -1}}},
        {"mappings": {"a": {"transformer": "transform_template"}}},
        {"mappings": {"a": {"transformer": "transform_email", "on_null": "drop"}}},
        {"mappings": {}, "unmapped": "scramble"},
        {"mappings": {"a": {**TEMPLATE, "parts": {"id": {"transformer": "transform_hash", "lenght": 8}}}}},
        {"mappings": {"a": {**TEMPLATE, "parts": {"id": 8}}}},
        {"mappings": {"a": {**JSON, "mappings": {"b": {**JSON, "mappings": {"c": {**TEMPLATE, "part": {}}}}}}}},
        {"mappings": {"a": {**JSON, "mapping": {}}}},
        {"mappings": {"a": {**JSON, "unmapped": "scramble"}}},
        {"mappings": {"a": {**JSON, "unmapped": {"S": {"transformer": "transform_email", "realm": 5}}}}},
        {"mappings": {"a": {**JSON, "unmapped": {"SS": "transform_email"}}}},
        {
            "mappings": {
                "a": {"transformer": "transform_map_keys", "keys": {"transformer": "transform_hash", "x": 1}}
            }
        },
        {"mappings": {"a": {**REPLACE, "groups": {"x": {"transformer": "transform_hash", "length": "8"}}}}},
        {"presets": {"b": {**REPLACE, "groups": {"x": ["transform_hash"]}}}, "mappings": {}},
        {"mappings": {}, "unmapped": {"SS": "transform_string"}},
        {"tables": {"Users": {"were": "x"}}},
    ],
)
def test_the_schema_refuses_what_the_engine_refuses(file: dict[str, Any], validator: Any) -> None:
    assert not validator.is_valid(file)


def test_the_schema_knows_the_rules_that_lie_inside_rules(validator: Any) -> None:
    template = {**TEMPLATE, "parts": {"id": "transform_email"}}
    keys = {"transformer": "transform_map_keys", "keys": {**REPLACE, "groups": {"x": "a_preset"}}}
    inner = {**JSON, "mappings": {"a.b": template, "c": keys}, "unmapped": {"S": template, "B": "drop"}}
    validator.validate({"mappings": {"a": {**JSON, "mappings": {"*": inner}, "unmapped": "fail"}, "b": inner}})
