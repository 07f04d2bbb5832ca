"""What is found out before the first write: findings as data, each with its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_dynsync.dynamodb.limits import CapacityLimit
from airflow_dynsync.dynamodb.side_tables import TAG, find_side_table, is_side_table
from airflow_dynsync.dynamodb.tables import Index, KeyAttribute, TableDescription, same_table
from airflow_dynsync.engine import Plan
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.findings import Finding

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.sync.report import SyncReport


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


def inspect_side_table(client: DynamoDBClient, destination_table: str, source: Side) -> tuple[Finding, ...]:
    """Return what stands in the way of making a new copy in the destination's side table.

    Args:
        client: of the destination.
        destination_table: the table to write.
        source: the table to read.

    Raises:
        DynamoDBError: the side table may not be described, or its tags not be read.
    """
    found = find_side_table(client, destination_table)
    if found is None or found.status == "CREATING":
        return ()
    is_source = same_table(source.table, source.endpoint_url, found, client.meta.endpoint_url)
    if not is_source and is_side_table(client, found, destination_table):
        return ()
    return (
        Finding(
            "side_table_is_foreign",
            "error",
            found.name,
            "has the name of the table in which write_mode replace makes a new copy, and is the source"
            if is_source
            else f"has the name of the table in which write_mode replace makes a new copy, but not its tag {TAG}",
            "rename or delete it, or use another write_mode",
        ),
    )


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


def inspect_expiry(
    plan: Plan, destination: TableDescription, expires_by: str | None, source_expires_by: str | None
) -> tuple[Finding, ...]:
    """Return what a time to live at the destination may do to the items that are written.

    Args:
        plan: the rules.
        destination: the table to write.
        expires_by: its time-to-live attribute; None where nothing expires, or where it is not known.
        source_expires_by: likewise of the source.
    """
    if expires_by is None:
        return ()
    rule = plan.rule_at((expires_by,), "N")
    if rule is not None:
        return (
            Finding(
                "ttl_attribute_changed",
                "warning",
                rule.place,
                f"changes {expires_by}, by which items of {destination.name} expire: they may vanish or stay",
                f"map {expires_by} to passthrough, or disable the destination's time to live",
            ),
        )
    if expires_by != source_expires_by:
        return (
            Finding(
                "ttl_only_on_destination",
                "warning",
                destination.name,
                f"its items expire by {expires_by}, those of the source do not as far as it is known: where that"
                " time is past, they vanish after they are written",
                "disable the destination's time to live, or exclude such items with where",
            ),
        )
    return ()


def inspect_listeners(destination: TableDescription) -> tuple[Finding, ...]:
    """Return who else receives what is written to the destination."""
    findings = []
    if destination.stream_view is not None:
        findings.append(
            Finding(
                "stream_on_destination",
                "warning",
                destination.name,
                f"has a stream ({destination.stream_view}), and every write fires what listens to it",
                "disable the stream, or detach its consumers while the sync runs",
            )
        )
    if destination.replicas:
        findings.append(
            Finding(
                "replicas_of_destination",
                "warning",
                destination.name,
                f"is replicated to {', '.join(destination.replicas)}, where every write is repeated and paid for",
                "remove the replicas, or expect as many times the writes",
            )
        )
    return tuple(findings)


def inspect_limits(
    source: TableDescription,
    destination: TableDescription,
    read_limit: CapacityLimit | None,
    write_limit: CapacityLimit | None,
) -> tuple[Finding, ...]:
    """Return which limits, in units, are above what a provisioned table and its global indexes have."""
    findings = []
    written: list[TableDescription | Index] = [destination]
    written += [index for index in destination.indexes if index.kind == "global"]
    for name, limit, table, parts in (
        ("read", read_limit, source, [source]),
        ("write", write_limit, destination, written),
    ):
        if limit is None or limit.unit != "units" or table.billing_mode != "PROVISIONED":
            continue
        units = {
            part.name: part.provisioned.read_units if name == "read" else part.provisioned.write_units
            for part in parts
            if part.provisioned is not None
        }
        if units and limit.amount > sum(units.values()):
            terms = " + ".join(f"{amount:g} ({part})" for part, amount in units.items())
            findings.append(
                Finding(
                    "limit_above_throughput",
                    "warning",
                    table.name,
                    f"the {name}_limit of {limit} is above the {sum(units.values()):g} provisioned units/s,"
                    f" {terms}: the sync would throttle itself and whoever uses the table",
                    f"lower {name}_limit, raise the table's throughput, or switch it to on demand",
                )
            )
    return tuple(findings)


def inspect_changes(
    before: SyncReport | None,
    source_table: str,
    *,
    mapping_fingerprint: str,
    corpus_version: str,
    secret_fingerprint: str | None,
    changes_keys: bool,
) -> tuple[Finding, ...]:
    """Return why pseudonyms will differ from the last run's.

    Args:
        before: the last run's report; None compares nothing.
        source_table: the table to read.
        mapping_fingerprint: of this run.
        corpus_version: of this run.
        secret_fingerprint: of this run; None where a secret is drawn for it.
        changes_keys: whether a rule acts on the primary key.
    """
    if before is None:
        return ()
    of_keys, remedy = "", "refresh all tables that share pseudonyms with this one, in whole"
    if changes_keys:
        of_keys = ", those of keys, too, and items of the last run stay beside the new ones"
        remedy += ", into an empty destination or by write_mode mirror or replace"
    findings = []
    if before.corpus_version != corpus_version:
        findings.append(
            Finding(
                "corpus_changed",
                "warning",
                source_table,
                f"names and places come from the word lists {corpus_version}, in the last run from"
                f" {before.corpus_version}: pseudonyms change",
                remedy,
            )
        )
    if before.mapping is None:
        return tuple(findings)
    if before.mapping.fingerprint != mapping_fingerprint:
        findings.append(
            Finding(
                "mapping_changed",
                "warning",
                source_table,
                f"the mapping is not that of the last run: pseudonyms may change{of_keys}",
                remedy,
            )
        )
    if before.mapping.secret_fingerprint not in (None, secret_fingerprint):
        findings.append(
            Finding(
                "secret_changed",
                "warning",
                source_table,
                f"the secret is not that of the last run: pseudonyms change{of_keys}",
                f"give the secret of the last run; or {remedy}",
            )
        )
    return tuple(findings)


def require_no_errors(findings: tuple[Finding, ...]) -> None:
    """Raise a `PreflightError` if one of the findings is an error."""
    if any(finding.severity == "error" for finding in findings):
        raise PreflightError(findings)


def _key_in_words(keys: tuple[KeyAttribute, ...]) -> str:
    return " + ".join(f"{key.name} ({key.type})" for key in keys)
