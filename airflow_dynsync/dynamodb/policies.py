"""The least privilege that a refresh needs, as IAM policy documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_dynsync.dynamodb.side_tables import side_table_name

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.creation_options import CreationOptions

READ_ACTIONS = ("BatchGetItem", "DescribeTable", "DescribeTimeToLive", "GetItem", "PartiQLSelect", "Query", "Scan")
WRITE_ACTIONS = ("BatchWriteItem", "DeleteItem", "PartiQLInsert", "PartiQLUpdate", "PutItem", "UpdateItem")
CREATE_ACTIONS = ("CreateTable", "UpdateTimeToLive")
SIDE_TABLE_ACTIONS = (
    "BatchGetItem",
    "BatchWriteItem",
    "CreateTable",
    "DeleteTable",
    "DescribeTable",
    "DescribeTimeToLive",
    "ListTagsOfResource",
    "Scan",
    "TagResource",
)

_TABLE_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]{3,255}")


def read_policy(table_arn: str, *, copies_tags: bool = False) -> dict[str, Any]:
    """The policy of a role that reads one table and its indexes, and where asked its tags.

    Raises ValueError if `table_arn` is no table's.
    """
    return _policy(table_arn, READ_ACTIONS + (("ListTagsOfResource",) if copies_tags else ()))


def write_policy(
    table_arn: str, *, creates: CreationOptions | None = None, replaces: bool = False
) -> dict[str, Any]:
    """The policy of a role that reads and writes one table.

    Deletes of a mirror are BatchWriteItem, too.

    Args:
        table_arn: the table.
        creates: what it gets that the role may also create, as ``create_destination`` does; None creates nothing.
        replaces: whether it may also make, fill and delete the table's side table, as write mode ``replace`` does.

    Raises:
        ValueError: `table_arn` is no table's.
    """
    policy = _policy(table_arn, READ_ACTIONS + WRITE_ACTIONS + _creation_actions(creates))
    if replaces:
        place, _, name = table_arn.rpartition("/")
        side_table_arn = f"{place}/{side_table_name(name)}"
        policy["Statement"].append(_table_statement("SideTable", side_table_arn, SIDE_TABLE_ACTIONS))
    return policy


def _creation_actions(options: CreationOptions | None) -> tuple[str, ...]:
    if options is None:
        return ()
    tagging = ("TagResource",) if options.tags or options.copy_tags else ()
    recovery = ("UpdateContinuousBackups",) if options.point_in_time_recovery else ()
    return CREATE_ACTIONS + tagging + recovery


def trust_policy(principal: str, external_id: str) -> dict[str, Any]:
    """The trust policy of such a role: `principal` (an ARN or account ID) may assume it with the external ID.

    See "Access to AWS accounts owned by third parties" in the IAM User Guide.
    """
    return _document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        }
    )


def _policy(table_arn: str, actions: tuple[str, ...]) -> dict[str, Any]:
    if not _TABLE_ARN.fullmatch(table_arn):
        raise ValueError(
            f"{table_arn!r} is not the ARN of a table: expected arn:aws:dynamodb:REGION:ACCOUNT:table/NAME"
        )
    return _document(
        _table_statement("Table", table_arn, actions),
        # ListTables knows no resource; the connection test uses it where no table is named.
        {"Sid": "ListTables", "Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"},
    )


def _table_statement(name: str, table_arn: str, actions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "Sid": name,
        "Effect": "Allow",
        "Action": [f"dynamodb:{action}" for action in sorted(actions)],
        "Resource": [table_arn, f"{table_arn}/index/*"],
    }


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
