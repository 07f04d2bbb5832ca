"""Whether both sides allow what a job will call: tried, to no effect, before the first write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from airflow_dynsync.dynamodb.probes import Probed, refusal
from airflow_dynsync.sync.findings import Finding

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.errors import AccessDeniedError
    from airflow_dynsync.dynamodb.tables import TableDescription
    from airflow_dynsync.sync.preparation import Preparation

Access = Literal["read", "write"]

_READ_ACTIONS: Final = {"scan": "Scan", "query": "Query", "statement": "PartiQLSelect"}


@dataclass(frozen=True, slots=True)
class Need:
    """A call that a job makes on one of its tables.

    Attributes:
        access: the policy that has to allow it: ``read`` is the source's, ``write`` the destination's.
        operation: what is called.
        purpose: what for, in words that a sentence can begin with.
        verifies: whether it is verification alone that calls it, which a run can do without.
    """

    access: Access
    operation: Probed
    purpose: str
    verifies: bool = False


def needs(prepared: Preparation) -> tuple[Need, ...]:
    """Return what a job calls, each once, but for the reads of the source, which its first page tries."""
    job = prepared.job
    found = [Need("write", "BatchWriteItem", "writing")]
    if job.write_mode in ("mirror", "replace"):
        found.append(Need("write", "Scan", f"write_mode {job.write_mode}"))
    elif prepared.compares_beside:
        found.append(Need("write", "Scan", "write_only_changes"))
    if job.write_mode == "replace":
        found.append(Need("write", "BatchGetItem", "write_mode replace"))
    elif job.write_only_changes:
        found.append(Need("write", "BatchGetItem", "write_only_changes"))
    elif job.verify != "off":
        found.append(Need("write", "BatchGetItem", f"verify={job.verify}", verifies=True))
    if job.verify != "off":
        found.append(Need("read", "BatchGetItem", f"verify={job.verify}", verifies=True))
    return tuple(found)


def inspect_permissions(
    prepared: Preparation, source: DynamoDBClient, destination: DynamoDBClient
) -> tuple[Finding, ...]:
    """Return what the two sides deny of what a job needs, but for reads of the source."""
    sides = {"read": (source, prepared.source), "write": (destination, prepared.destination)}
    findings = []
    for need in needs(prepared):
        client, table = sides[need.access]
        denied = refusal(client, need.operation, table)
        if denied is None:
            continue
        if need.verifies:
            findings.append(verification_not_allowed(need, table, denied))
        else:
            findings.append(permission_missing(need.access, need.operation, need.purpose, table, denied))
    return tuple(findings)


def source_not_readable(prepared: Preparation, denied: AccessDeniedError) -> Finding:
    """Return the finding for a source whose first page is denied."""
    action = _READ_ACTIONS[prepared.selection.way]
    return permission_missing("read", action, "reading", prepared.source, denied)


def permission_missing(
    access: Access, action: str, purpose: str, table: TableDescription, denied: AccessDeniedError
) -> Finding:
    """Return the finding for a permission without which a job cannot do its work."""
    return Finding(
        "permission_missing",
        "error",
        table.name,
        f"{purpose} needs dynamodb:{action} on {table.arn}; {denied}",
        f"`dynsync policy {access} --table-arn {table.arn}` prints a policy that allows it",
    )


def verification_not_allowed(need: Need, table: TableDescription, denied: AccessDeniedError) -> Finding:
    """Return the finding for a permission without which nothing is verified."""
    return Finding(
        "verification_not_allowed",
        "warning",
        table.name,
        f"{need.purpose} needs dynamodb:{need.operation} on {table.arn}, so nothing will be verified; {denied}",
        f"allow it, as `dynsync policy {need.access} --table-arn {table.arn}` prints it, or set verify=off",
    )
