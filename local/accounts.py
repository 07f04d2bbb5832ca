"""Users, roles and policies on a local ministack: three accounts as a company has them.

The home account's user, whose key Airflow holds, may do nothing but assume two roles: `reader` in the
production account and `writer` in the staging account. Each role's trust policy asks for an external ID.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.dynamodb import HOME_ACCOUNT, AccessKey

if TYPE_CHECKING:
    from local.dynamodb import Server

PRODUCTION_ACCOUNT = "111111111111"
STAGING_ACCOUNT = "222222222222"

Policy = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Role:
    """A role that can be assumed with its external ID."""

    arn: str
    external_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The home user's key, the two roles that it may assume, and the root keys of the roles' accounts."""

    key: AccessKey
    reader: Role
    writer: Role
    production: AccessKey
    staging: AccessKey


def set_up_accounts(
    server: "Server",
    source_table: str,
    destination_table: str,
    *,
    read_policy: Policy | None = None,
    write_policy: Policy | None = None,
    account_ids: tuple[str, str, str] = (HOME_ACCOUNT, PRODUCTION_ACCOUNT, STAGING_ACCOUNT),
) -> Accounts:
    """Create the home user `airflow` and the roles `reader` and `writer`, external IDs drawn at random.

    Parameters: `read_policy` and `write_policy` are policy documents; by default DescribeTable and Scan on
    the source table, and DescribeTable and BatchWriteItem on the destination table. `account_ids` are the
    home, production and staging accounts; any 12 digits will do, and other accounts are other worlds.
    """
    home, production, staging = account_ids
    source, destination = (
        table_arn(server, production, source_table),
        table_arn(server, staging, destination_table),
    )
    roles = [f"arn:aws:iam::{production}:role/reader", f"arn:aws:iam::{staging}:role/writer"]
    key = create_user(server, home, "airflow", allow(["sts:AssumeRole"], roles))
    user = f"arn:aws:iam::{home}:user/airflow"
    read = read_policy or allow(["dynamodb:DescribeTable", "dynamodb:Scan"], [source])
    write = write_policy or allow(["dynamodb:DescribeTable", "dynamodb:BatchWriteItem"], [destination])
    read_id, write_id = secrets.token_hex(8), secrets.token_hex(8)
    reader = Role(create_role(server, production, "reader", read, user, read_id), read_id)
    writer = Role(create_role(server, staging, "writer", write, user, write_id), write_id)
    return Accounts(key, reader, writer, AccessKey(production), AccessKey(staging))


def create_user(server: "Server", account_id: str, name: str, policy: Policy) -> AccessKey:
    """Create a user with one inline policy and return a key of it."""
    iam = server.client("iam", AccessKey(account_id))
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return AccessKey(key["AccessKeyId"], key["SecretAccessKey"])


def create_role(
    server: "Server", account_id: str, name: str, policy: Policy, trusted_principal: str, external_id: str
) -> str:
    """Create a role with one inline policy and return its ARN.

    Parameters: `trusted_principal`, the ARN that may assume it; `external_id`, what it has to say for that
    (the `sts:ExternalId` condition of the trust policy).
    """
    iam = server.client("iam", AccessKey(account_id))
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": trusted_principal},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    return str(role["Arn"])


def assume_role(server: "Server", key: AccessKey, role_arn: str, external_id: str | None = None) -> AccessKey:
    """Return the temporary key that STS hands out to `key` for a role."""
    asked = {"RoleArn": role_arn, "RoleSessionName": "local"}
    if external_id is not None:
        asked["ExternalId"] = external_id
    sts: Any = server.client("sts", key)
    handed_out = sts.assume_role(**asked)["Credentials"]
    return AccessKey(handed_out["AccessKeyId"], handed_out["SecretAccessKey"], handed_out["SessionToken"])


def allow(actions: list[str], resources: list[str]) -> Policy:
    """Return a policy document that allows `actions` on the ARNs `resources`, and nothing else."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resources}],
    }


def table_arn(server: "Server", account_id: str, table_name: str) -> str:
    """Return the ARN of a table in the server's region."""
    return f"arn:aws:dynamodb:{server.region}:{account_id}:table/{table_name}"
