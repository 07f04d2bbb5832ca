"""Mapping files: the YAML in which people keep the rules of one table or of several."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from airflow_dynsync.engine import Mapping, MappingError, Plan, compile_plan
from airflow_dynsync.engine.mapping import RuleConfig, validate
from airflow_dynsync.sync.errors import MappingFileError
from airflow_dynsync.sync.findings import WARNINGS, parse_acknowledged
from airflow_dynsync.sync.risk import parse_quasi_identifiers


class TableMapping(Mapping):
    """The rules of one table and how it is read."""

    destination: str | None = Field(
        default=None, min_length=3, description="Name of the destination table; by default the source's own."
    )
    where: str | None = Field(
        default=None,
        min_length=1,
        description="What follows WHERE in PartiQL; without it the whole table is read.",
    )
    consistent_read: bool = Field(
        default=False, description="Read with strong consistency, at twice the capacity."
    )
    quasi_identifiers: tuple[str, ...] = Field(
        default=(),
        description="Paths of values that may identify a person together, such as Zip, BirthDate and Gender: the"
        " report tells how rare their combinations are, before and after.",
    )
    acknowledge: tuple[str, ...] = Field(
        default=(),
        description="Codes of preflight's warnings that are known and accepted: the log leaves them out.",
        json_schema_extra={"items": {"enum": list(WARNINGS)}},
    )

    @field_validator("quasi_identifiers")
    @classmethod
    def _are_paths(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        parse_quasi_identifiers(written)
        return written

    @field_validator("acknowledge")
    @classmethod
    def _are_codes(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        return parse_acknowledged(written)


class MappingFile(BaseModel):
    """A mapping file: ``mappings`` for one table, or ``tables`` by source table name.

    With ``tables``, ``presets`` and ``unmapped`` at the top serve every table that does not say otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mappings: dict[str, RuleConfig] | None = None
    tables: dict[str, dict[str, Any]] | None = None
    unmapped: Any = None
    presets: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def table(self, source_table: str) -> TableMapping:
        """Return the rules of one table.

        Raises:
            MappingError: the file has no rules for the table, or they are wrong.
        """
        config: dict[str, Any] = {"presets": self.presets}
        if self.unmapped is not None:
            config["unmapped"] = self.unmapped
        if self.tables is None:
            return validate(TableMapping, config | {"mappings": self.mappings or {}}, "")
        if source_table not in self.tables:
            raise MappingError(
                "tables", f"there is no entry for {source_table}; known are {', '.join(self.tables)}"
            )
        entry = dict(self.tables[source_table])
        entry["presets"] = {**self.presets, **entry.get("presets", {})}
        return validate(TableMapping, config | entry, f"tables.{source_table}")


def read_mapping_file(path: str | Path) -> MappingFile:
    """Read and validate a mapping file.

    Numbers are read as exact decimals; a name that is given twice is an error.

    Raises:
        MappingFileError: no such file, no YAML, or not the form of a mapping file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise MappingFileError(f"{path}: cannot be read, {reason}; give the path of a YAML file") from None
    try:
        return parse_mapping_file(text)
    except MappingError as error:
        raise MappingFileError(f"{path}: {error}") from None


def load_table_mapping(path: str | Path, source_table: str, *, key_attributes: Sequence[str] = ()) -> TableMapping:
    """Read the rules of one table from a mapping file and check them.

    Raises:
        MappingFileError: the file cannot be read, knows no such table, or its rules are wrong.
    """
    file = read_mapping_file(path)
    try:
        mapping = file.table(source_table)
    except MappingError as error:
        raise MappingFileError(f"{path}: {error}") from None
    place = f"{path}: tables.{source_table}" if file.tables else path
    check_mapping(mapping, key_attributes=key_attributes, place=place)
    return mapping


def check_mapping(mapping: Mapping, *, key_attributes: Sequence[str] = (), place: str | Path = "") -> Plan:
    """Compile a mapping to find out whether it is right.

    Args:
        mapping: the rules.
        key_attributes: the table's primary key, as far as it is known.
        place: the file and table that the rules come from, for the error.

    Returns:
        a plan to explain; its keys are drawn at random.

    Raises:
        MappingError: the mapping is wrong and has no place.
        MappingFileError: the mapping is wrong and comes from a file.
    """
    try:
        return compile_plan(mapping, key_attributes=key_attributes, secret=secrets.token_bytes(16))
    except MappingError as error:
        if not place:
            raise
        raise MappingFileError(f"{place}: {error}") from None


def parse_mapping_file(text: str) -> MappingFile:
    """Return the mapping file that a YAML text describes.

    Raises:
        MappingError: no YAML, or not the form of a mapping file.
    """
    try:
        config = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        raise MappingError(place, f"is no valid YAML, {error.problem}") from None
    except yaml.YAMLError as error:
        raise MappingError("the file", f"is no valid YAML ({type(error).__name__})") from None
    file = validate(MappingFile, config, "")
    if (file.mappings is None) == (file.tables is None):
        raise MappingError("the file", "expected either mappings (one table) or tables (several)")
    for table in file.tables or ():
        file.table(table)
    return file


class _Loader(yaml.SafeLoader):
    """Reads decimals exactly, takes NO for a text as YAML 1.2 does, and refuses a name that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = set()
        for key_node, _ in node.value:
            name = self.construct_object(key_node, deep=True)
            if name in names:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name} is given twice; remove one", key_node.start_mark
                )
            names.add(name)
        return super().construct_mapping(node, deep)


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal | float:
    try:
        return Decimal(loader.construct_scalar(node))
    except InvalidOperation:  # .inf, .nan and sexagesimal numbers: refused where they are used
        return float(yaml.SafeLoader.construct_yaml_float(loader, node))


_BOOLEAN = "tag:yaml.org,2002:bool"
_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile("(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
