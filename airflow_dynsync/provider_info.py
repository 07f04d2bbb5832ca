"""What Airflow learns about this provider: connection form, config option, asset scheme, modules.

Airflow reads it while it is itself being imported, so nothing of Airflow or boto3 is imported here.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from airflow_dynsync import __version__

CONNECTION_TYPE = "dynsync_dynamodb"
CONNECTION_TYPE_NAME = "Amazon DynamoDB (DynSync)"

CONNECTION_FIELDS: dict[str, dict[str, Any]] = {
    # Airflow's API masks an extra by its name: "token" and "secret" in these names are what hides the values.
    "aws_session_token": {
        "label": "Session token",
        "description": "Only for temporary access keys, which come with one.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "role_arn": {
        "label": "Role ARN",
        "description": "IAM role to assume, often in another account: arn:aws:iam::123456789012:role/name",
        "schema": {"type": ["string", "null"], "pattern": r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$"},
    },
    "external_id_secret": {
        "label": "External ID",
        "description": "The sts:ExternalId that the role's trust policy asks for.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "duration_seconds": {
        "label": "Role session seconds",
        "description": "1800 to 43200 and at most the role's own maximum; renewed before it ends.",
        "schema": {"type": ["integer", "null"], "minimum": 1800, "maximum": 43200, "default": 3600},
    },
    "region_name": {
        "label": "Region",
        "description": "As in eu-west-1. Empty: AWS_DEFAULT_REGION or the profile's region.",
        "schema": {"type": ["string", "null"], "pattern": "^[a-z0-9-]+$"},
    },
    "endpoint_url": {
        "label": "Endpoint URL",
        "description": "DynamoDB's address, for VPC endpoints and local servers. STS is never called there.",
        "schema": {"type": ["string", "null"], "pattern": "^https?://.+$"},
    },
    "sts_endpoint_url": {
        "label": "STS endpoint URL",
        "description": "Where roles are assumed. Empty: AWS STS of the region.",
        "schema": {"type": ["string", "null"], "pattern": "^https?://.+$"},
    },
    "profile_name": {
        "label": "Profile",
        "description": "Profile of the AWS configuration files on the machines where tasks run.",
        "schema": {"type": ["string", "null"]},
    },
    "retry_mode": {
        "label": "Retry mode",
        "description": "botocore's retry mode. Empty: standard.",
        "schema": {"type": ["string", "null"], "enum": ["standard", "adaptive"]},
    },
    "client": {
        "label": "Client",
        "description": "botocore, several times slower, if the fast client meets a problem. Empty: wire.",
        "schema": {"type": ["string", "null"], "enum": ["wire", "botocore"]},
    },
    "test_table": {
        "label": "Test table",
        "description": "Table that the Test button describes. Empty: ListTables, a permission more.",
        "schema": {
            "type": ["string", "null"],
            "pattern": r"^(arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/)?[A-Za-z0-9_.-]{3,255}$",
        },
    },
}
"""The form's fields below login and password, by the name under which a connection's extra keeps them."""

HIDDEN_FIELDS = ["host", "port", "schema"]
RELABELING = {"login": "Access key ID", "password": "Secret access key"}
PLACEHOLDERS = {
    "login": "empty: environment, IRSA or instance profile",
    "password": "empty: environment, IRSA or instance profile",
}
if version("apache-airflow-core") in ("3.3.1", "3.3.2"):
    # Their Test button is refused for connections without a port: it sends 0 (apache/airflow#73298).
    HIDDEN_FIELDS.remove("port")
    PLACEHOLDERS["port"] = "0 lets the Test button work, on Airflow 3.3.1 and 3.3.2; else unused"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, in the form of Airflow's `provider_info.schema.json`."""
    integration = "Amazon DynamoDB (DynSync)"

    def modules(*names: str) -> list[dict[str, Any]]:
        return [{"integration-name": integration, "python-modules": [f"airflow_dynsync.{name}" for name in names]}]

    return {
        "package-name": "airflow-dynsync",
        "name": "DynSync",
        "description": "Refresh a staging DynamoDB table from production, anonymized on the way.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": integration,
                "external-doc-url": "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/",
                "tags": ["aws"],
            }
        ],
        "hooks": modules("hooks.dynamodb"),
        "operators": modules("operators.dynamodb", "operators.dynamodb_shares"),
        "sensors": modules("sensors.dynamodb"),
        "triggers": modules("triggers.dynamodb"),
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": "airflow_dynsync.hooks.dynamodb.DynamoDBSyncHook",
                "hook-name": CONNECTION_TYPE_NAME,
                "ui-field-behaviour": {
                    "hidden-fields": HIDDEN_FIELDS,
                    "relabeling": RELABELING,
                    "placeholders": PLACEHOLDERS,
                },
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
        "asset-uris": [{"schemes": ["dynamodb"], "handler": "airflow_dynsync.assets.sanitize_uri"}],
        "config": {
            "dynsync": {
                "description": "Settings of the DynSync provider.",
                "options": {
                    "secret": {
                        "description": (
                            "Secret of at least 16 bytes from which pseudonyms are derived, where an "
                            "operator names no secret_conn_id. The same secret gives the same pseudonyms "
                            "every night; empty, each run draws a random one."
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "sensitive": True,
                        "example": None,
                        "default": "",
                    }
                },
            }
        },
    }
