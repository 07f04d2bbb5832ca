"""The reference, made from the definitions: `make docs`, which brings the guides up to date too."""

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow_dynsync.engine import catalogue
from airflow_dynsync.engine.definitions import DROP, Definition
from airflow_dynsync.engine.mapping import RuleOptions
from airflow_dynsync.engine.registry import FAMILIES
from airflow_dynsync.engine.values import EVERY_TYPE
from airflow_dynsync.sync.mapping_schema import mapping_schema
from airflow_dynsync.sync.report.schema import report_schema
from local import guides
from local.guides import DOCS

REPORT_FIELDS = "<!-- Fields: made by `make docs` from the dataclasses; change those. -->"


def pages() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    return {
        DOCS / "reference.md": reference(),
        DOCS / "mapping.schema.json": json.dumps(mapping_schema(), indent=2, ensure_ascii=False) + "\n",
        DOCS / "report.schema.json": json.dumps(report_schema(), indent=2, ensure_ascii=False) + "\n",
        DOCS / "report.md": report_page(),
    }


def report_page() -> str:
    """Return the page about reports: its words as they are, and the fields anew."""
    words, marker, _ = (DOCS / "report.md").read_text().partition(REPORT_FIELDS)
    schema = report_schema()
    parts = [words + marker, _fields(schema)]
    for name, part in schema["$defs"].items():
        parts += [f"### {name}", part["description"], _fields(part)]
    return "\n\n".join(parts) + "\n"


def _fields(schema: Mapping[str, Any]) -> str:
    rows = [
        f"| `{name}` | {_json_type(field)} | {field.get('description', '').replace('|', chr(92) + '|')} |"
        for name, field in schema["properties"].items()
    ]
    return "\n".join(["| field | type | what it is |", "|---|---|---|", *rows])


def _json_type(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_json_type(choice) for choice in field["anyOf"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if field.get("type") == "array" and "items" in field:
        return f"list of {_json_type(field['items'])}"
    return str(field.get("type", "any"))


def reference() -> str:
    """Return the reference of all transformers, family by family."""
    families = [import_module(f"airflow_dynsync.engine.transformers.{family}") for family in FAMILIES]
    places = guides.places()
    parts = [
        "# Reference of the transformers",
        "<!-- Made by `make docs` from the definitions; change those. -->",
        f"{len(catalogue())} transformers. `transform_*` depend on the value: the same input gives the same output"
        " within a realm. `generate_*` depend on the item's source key and the path. Examples are made with the"
        " secret of the test suite, which reproduces every one of them.",
        "Every rule takes, beside the parameters of its transformer ([what holds for every"
        " rule](transformers/every-rule.md)):",
        _parameters(RuleOptions.model_json_schema()),
    ]
    for family in families:
        parts.append(f"## {_title(family.__doc__ or '')}")
        parts += [_transformer(definition, places.get(definition.name)) for definition in family.DEFINITIONS]
    return "\n\n".join(parts) + "\n"


def _title(docstring: str) -> str:
    return docstring.strip().splitlines()[0].rstrip(".")


def _transformer(definition: Definition, guide: str | None) -> str:
    uniqueness = definition.uniqueness
    example = definition.example
    given = ", ".join(f"{name}: {_plain(value)}" for name, value in example.parameters.items())
    returns = "the value's type" if definition.returns is None else _types(definition.returns)
    unique = "by its parameters" if callable(uniqueness) else uniqueness.value.replace("_", " ")
    parts = [
        f"### {definition.name}",
        f"{definition.summary}.",
        f"Accepts {_types(definition.accepts)}; returns {returns}; uniqueness: {unique}."
        + (f" [Guide]({guide})." if guide else ""),
        f"`{_plain(example.value)}` → `{_plain(example.result)}`" + (f" with `{given}`" if given else ""),
    ]
    if definition.parameters.model_fields:
        parts.append(_parameters(definition.parameters.model_json_schema()))
    return "\n\n".join(parts)


def _types(kinds: frozenset[str]) -> str:
    return "every type" if kinds == EVERY_TYPE else ", ".join(sorted(kinds)) or "nothing"


def _plain(value: Any) -> str:
    if value is DROP:
        return "(removed)"
    return ("NULL" if value is None else str(value)).replace("|", "\\|").replace("\n", "\\n")


def _parameters(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        f"| `{name}` | {'required' if name in required else _default(field.get('default'))} "
        f"| {field.get('description', '').replace('|', chr(92) + '|')} |"
        for name, field in schema.get("properties", {}).items()
    ]
    return "\n".join(["| parameter | default | what it is |", "|---|---|---|", *rows])


def _default(value: Any) -> str:
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def main() -> int:
    """Write every page, the guides first: the reference links to their sections."""
    guides.main()
    for path, text in pages().items():
        path.write_text(text)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
