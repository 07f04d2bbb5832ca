"""What is found out before the first write: findings as data, each with its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from airflow_dynsync.dynamodb.tables import KeyAttribute, TableDescription, same_table
from airflow_dynsync.engine import Plan
from airflow_dynsync.sync.errors import SyncError


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the tables or the mapping that a person should know.

    Attributes:
        code: for programs, such as ``key_schema_differs``.
        severity: an ``error`` stops the sync before the first write.
        place: table or rule.
        message: what was found, in a sentence.
        remedy: what to do about it.
    """

    code: str
    severity: Literal["error", "warning"]
    place: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}; {self.remedy}"


class PreflightError(SyncError):
    """The sync would do harm or cannot succeed; nothing was written."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        errors = [finding for finding in findings if finding.severity == "error"]
        super().__init__(" ".join(map(str, errors)))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Side:
    """A table and the endpoint it was described at."""

    table: TableDescription
    endpoint_url: str | None


def inspect_tables(source: Side, destination: Side, key_attributes: Sequence[str] | None) -> tuple[Finding, ...]:
    """Return what stands in the way of copying one table to the other.

    Args:
        source: the table to read.
        destination: the table to write.
        key_attributes: the primary key that the mapping was written for; None if it names none.
    """
    findings = []
    if key_attributes is not None and tuple(key_attributes) != source.table.key_names:
        findings.append(
            Finding(
                "key_attributes_differ",
                "error",
                source.table.name,
                f"has the key {' + '.join(source.table.key_names)}, not {' + '.join(key_attributes)}",
                "correct key_attributes, or leave it out",
            )
        )
    if same_table(source.table, source.endpoint_url, destination.table, destination.endpoint_url):
        findings.append(
            Finding(
                "source_is_destination",
                "error",
                destination.table.name,
                "is the source and the destination at once, and production would be overwritten",
                "name another destination table or connection",
            )
        )
    findings += [
        Finding(
            "table_not_active",
            "error",
            side.table.name,
            f"has the status {side.table.status}",
            "wait until it is ACTIVE, for example with DynamoDBTableSensor",
        )
        for side in (source, destination)
        if side.table.status not in ("ACTIVE", "UPDATING")
    ]
    if source.table.keys != destination.table.keys:
        findings.append(
            Finding(
                "key_schema_differs",
                "error",
                destination.table.name,
                f"has the key {_key_in_words(destination.table.keys)}, but {source.table.name} has"
                f" {_key_in_words(source.table.keys)}",
                "create the destination with the source's key schema",
            )
        )
    return tuple(findings)


def inspect_keys(plan: Plan, source: TableDescription) -> tuple[Finding, ...]:
    """Return which rules on primary-key attributes cannot give a value of the key's type."""
    return tuple(
        Finding(
            "key_type_differs",
            "error",
            f"mappings.{key.name}",
            f"{rule.definition.name} cannot take or give {key.type}, the type of this key of {source.name}",
            "choose a transformer for that type",
        )
        for key in source.keys
        for rule in plan.key_rules
        if rule.path == (key.name,)
        and (key.type not in rule.definition.accepts or key.type not in (rule.definition.returns or {key.type}))
    )


def require_no_errors(findings: tuple[Finding, ...]) -> None:
    """Raise a `PreflightError` if one of the findings is an error."""
    if any(finding.severity == "error" for finding in findings):
        raise PreflightError(findings)


def _key_in_words(keys: tuple[KeyAttribute, ...]) -> str:
    return " + ".join(f"{key.name} ({key.type})" for key in keys)
