"""Task groups: one table by several tasks, and every table of a mapping file."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from airflow.sdk import TaskGroup

from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator
from airflow_dynsync.operators.dynamodb_shares import (
    DynamoDBAnonymizeSyncPlanOperator,
    DynamoDBAnonymizeSyncVerifyOperator,
)


def dynamodb_anonymize_sync_group(
    *,
    source_conn_id: str,
    source_table: str,
    destination_conn_id: str,
    destination_table: str,
    group_id: str = "anonymize_sync",
    workers: int = 4,
    **operator_arguments: Any,
) -> TaskGroup:
    """Make a task group, in the DAG being defined, in which several tasks move one table side by side.

    ``plan`` checks everything and shares the table's segments out, ``sync`` is mapped over them, and ``verify``
    returns one report and announces the destination's asset. A mapped task that fails is retried by itself, with
    its own segments and its own checkpoint. All tasks need one secret, which is never passed between them, and
    rules on the key must be of class preserved.

    Args:
        source_conn_id: connection of the production side.
        source_table: the table to read (templated).
        destination_conn_id: connection of the staging side.
        destination_table: the table to write (templated).
        group_id: name of the group.
        workers: 1 to 100 mapped tasks, fewer where the table has fewer segments. Each takes a core while it runs,
            some seconds to start, and an equal part of the limits, whether or not the others are running.
        operator_arguments: those of `DynamoDBAnonymizeSyncOperator`, and of any operator, such as ``retries`` or
            ``pool``; ``outlets`` are those of ``verify``.

    Returns:
        the task group, to be put before or after other tasks.

    Raises what the operator raises when the DAG is parsed.
    """
    outlets = operator_arguments.pop("outlets", [])
    arguments = operator_arguments | {
        "source_conn_id": source_conn_id,
        "source_table": source_table,
        "destination_conn_id": destination_conn_id,
        "destination_table": destination_table,
    }
    own = inspect.signature(DynamoDBAnonymizeSyncOperator.__init__).parameters
    with TaskGroup(group_id) as group:
        plan = DynamoDBAnonymizeSyncPlanOperator(task_id="plan", workers=workers, **arguments)
        sync = DynamoDBAnonymizeSyncOperator.partial(
            task_id="sync",
            map_index_template="segments {{ task.segments }} of {{ task.total_segments }}",
            **{name: value for name, value in arguments.items() if name != "total_segments"},
        ).expand_kwargs(plan.output)
        DynamoDBAnonymizeSyncVerifyOperator(
            task_id="verify",
            destination_conn_id=destination_conn_id,
            destination_table=destination_table,
            reports=sync.output,
            report_path=operator_arguments.get("report_path"),
            report_copy_path=operator_arguments.get("report_copy_path"),
            outlets=outlets,
            **{name: value for name, value in operator_arguments.items() if name not in own},
        )
    return group


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
