"""A task group that refreshes every table of a mapping file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from airflow.sdk import TaskGroup

from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator


def dynamodb_anonymize_sync_tables(
    *,
    mapping_file: str | Path,
    source_conn_id: str,
    destination_conn_id: str,
    group_id: str = "anonymize_sync_tables",
    **operator_arguments: Any,
) -> TaskGroup:
    """Make a task group, in the DAG being defined, with one `DynamoDBAnonymizeSyncOperator` per table of a file.

    Args:
        mapping_file: YAML with ``tables``, read when the DAG is parsed; a relative path begins at the working
            folder, so build it from ``__file__``.
        source_conn_id: connection of the production side.
        destination_conn_id: connection of the staging side.
        group_id: name of the group; the tasks are named after their source tables.
        operator_arguments: passed to every operator, such as ``secret_conn_id`` or ``pool``.

    Returns:
        the task group, to be put before or after other tasks.

    Raises:
        MappingFileError: the file is missing, wrong, or not one of several tables.
    """
    from airflow_dynsync.sync.errors import MappingFileError
    from airflow_dynsync.sync.mapping_file import read_mapping_file

    path = Path(mapping_file).resolve()
    tables = read_mapping_file(path).tables
    if not tables:
        raise MappingFileError(
            f"{path}: tables was expected, by source table name; for one table use the operator"
        )
    with TaskGroup(group_id) as group:
        for source_table, entry in tables.items():
            DynamoDBAnonymizeSyncOperator(
                task_id=re.sub(r"[^\w-]", "_", source_table),
                source_conn_id=source_conn_id,
                source_table=source_table,
                destination_conn_id=destination_conn_id,
                destination_table=entry.get("destination") or source_table,
                mapping_file=str(path),
                **operator_arguments,
            )
    return group
