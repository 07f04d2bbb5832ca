"""What is wrong with the arguments of an operator, as far as it is known when the DAG is parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator

MAX_WORKERS = 100

_CHOICES = {
    "write_mode": ("upsert", "mirror", "replace"),
    "exposure_check": ("sample", "all", "off"),
    "on_exposure": ("warn", "fail"),
    "drift": ("warn", "fail"),
    "verify": ("sample", "all", "off"),
    "on_item_error": ("fail", "dead_letter"),
    "dead_letter_items": ("none", "encrypted"),
}


def check_arguments(operator: DynamoDBAnonymizeSyncOperator) -> None:
    """Raise ValueError, or one of its kind, if something is wrong with an operator's arguments, but its rules."""
    from airflow_dynsync.sync.creation import parse_create_destination
    from airflow_dynsync.sync.findings import parse_acknowledged
    from airflow_dynsync.sync.risk import parse_quasi_identifiers

    place = operator.task_id
    for name, choices in _CHOICES.items():
        if getattr(operator, name) not in choices:
            raise ValueError(f"{place}: {name} is one of {', '.join(choices)}")
    for name in ("total_segments", "page_size"):
        value = getattr(operator, name)
        if value is not None and (type(value) is not int or not 1 <= value <= 1_000_000):
            raise ValueError(f"{place}: {name} is a whole number from 1 to 1,000,000, or None")
    if operator.write_mode == "replace" and operator.write_only_changes:
        raise ValueError(f"{place}: write_only_changes is part of write_mode replace; leave it out")
    if not 0 <= operator.max_delete_fraction <= 1:
        raise ValueError(f"{place}: max_delete_fraction is from 0 to 1")
    if operator.report_copy_path and not operator.report_path:
        raise ValueError(
            f"{place}: report_copy_path is a second place for the report, which no later run looks at; give"
            " report_path, too, which stays the same from run to run"
        )
    _check_rules_and_file(operator)
    _check_item_errors(operator)
    _check_shares(operator)
    _check_limits(operator)
    refuse_blank_where(operator.where)
    parse_create_destination(operator.create_destination)
    parse_quasi_identifiers(operator.quasi_identifiers or ())
    parse_acknowledged(operator.acknowledge or ())


def parse_shared_segments(operator: DynamoDBAnonymizeSyncOperator) -> range | None:
    """Return the segments that an operator moves; None for all."""
    from airflow_dynsync.sync.segments import parse_segments

    if operator.segments is None:
        return None
    try:
        return parse_segments(operator.segments)
    except ValueError as error:
        raise ValueError(f"{operator.task_id}: {error}") from None


def refuse_blank_where(where: str | None) -> None:
    """Raise MappingError for a condition that says nothing."""
    from airflow_dynsync.engine import MappingError

    if where is not None and not where.strip():
        raise MappingError("where", "is blank; leave it out to copy the whole table")


def _check_rules_and_file(operator: DynamoDBAnonymizeSyncOperator) -> None:
    if operator.mapping_file is None:
        return
    for name, given in (
        ("mappings", operator.mappings is not None),
        ("presets", operator.presets is not None),
        ("unmapped", operator.unmapped != "anonymize"),
    ):
        if given:
            raise ValueError(
                f"{operator.task_id}: {name} and mapping_file exclude each other; write {name} in the file"
            )


def _check_item_errors(operator: DynamoDBAnonymizeSyncOperator) -> None:
    most = operator.max_item_errors
    if type(most) is not int or not 0 <= most <= 1_000_000:
        raise ValueError(f"{operator.task_id}: max_item_errors is a whole number from 0 to 1,000,000")
    if operator.on_item_error == "fail":
        return
    if not operator.dead_letters:
        raise ValueError(f"{operator.task_id}: on_item_error dead_letter needs dead_letters, a path")
    if operator.write_mode == "replace":
        raise ValueError(
            f"{operator.task_id}: on_item_error is fail with write_mode replace, which takes over a complete copy"
        )


def _check_shares(operator: DynamoDBAnonymizeSyncOperator) -> None:
    if type(operator.workers) is not int or not 1 <= operator.workers <= MAX_WORKERS:
        raise ValueError(f"{operator.task_id}: workers is a whole number from 1 to {MAX_WORKERS}")
    if operator.workers > 1 and not operator.is_part:
        raise ValueError(
            f"{operator.task_id}: workers is for tasks that have segments each;"
            " dynamodb_anonymize_sync_group makes them"
        )
    if operator.write_mode == "replace" and operator.is_part:
        raise ValueError(f"{operator.task_id}: write_mode replace takes a single task, without segments")
    if operator.segments is not None and operator.total_segments is None:
        raise ValueError(f"{operator.task_id}: segments needs total_segments, the same in every task")
    parse_shared_segments(operator)


def _check_limits(operator: DynamoDBAnonymizeSyncOperator) -> None:
    from airflow_dynsync.dynamodb.limits import parse_limit

    for name in ("read_limit", "write_limit"):
        limit = getattr(operator, name)
        if "{{" not in str(limit):
            parse_limit(limit, f"{operator.task_id}: {name}")
