"""DynamoDB tables as Airflow assets: `dynamodb://region/table`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.sdk import Asset

_REGION = re.compile(r"[a-z0-9-]+")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Accept an asset URI of the form `dynamodb://region/table`, as it is.

    Airflow calls this for every asset with the scheme `dynamodb`. The characters of a table name are those of
    the Amazon DynamoDB Developer Guide, "Naming rules".

    Raises:
        ValueError: the URI has another form.
    """
    table = uri.path.removeprefix("/")
    if not _REGION.fullmatch(uri.netloc) or not _TABLE.fullmatch(table) or uri.query or uri.fragment:
        raise ValueError(
            "A DynamoDB asset is written dynamodb://region/table, as in dynamodb://eu-west-1/Users, with a "
            "table name of 3 to 255 letters, digits, '_', '-' and '.', and nothing after it"
        )
    return uri


def table_asset(region: str, table: str) -> Asset:
    """Return the asset of a table, named by its URI.

    Two assets of one URI and different names make the later one inactive in Airflow, so a DAG that is
    scheduled on a synced table should get its asset here as the operator does.

    Args:
        region: AWS region, as in `eu-west-1`.
        table: table name.

    Raises:
        ValueError: the region or the table name has characters that DynamoDB does not allow.
    """
    from airflow.sdk import Asset

    return Asset(f"dynamodb://{region}/{table}")
