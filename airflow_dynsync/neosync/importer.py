"""From what Neosync exports, a list of mappings or a job, to a mapping file and a DAG."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from airflow_dynsync.engine.paths import format_path
from airflow_dynsync.neosync.configs import NotImportedError, rule, short, snake_case
from airflow_dynsync.sync.errors import SyncError

UNMAPPED_KINDS: Final = {"s": "S", "n": "N", "boolean": "BOOL", "b": "B"}


class ImportFileError(SyncError):
    """The file has neither of the shapes that Neosync writes."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that did not come over.

    Attributes:
        place: table and path, or the field of the job.
        reason: why not, and what to do.
    """

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came over.

    Attributes:
        mapping_file: the content of a mapping file with ``tables``.
        left_out: what did not come over.
        name: the job's name; empty for a list of mappings.
        schedule: the job's cron expression; None for none.
    """

    mapping_file: dict[str, Any]
    left_out: tuple[LeftOut, ...]
    name: str = ""
    schedule: str | None = None

    def yaml(self) -> str:
        """Return the mapping file's text."""
        return yaml.safe_dump(self.mapping_file, sort_keys=False, allow_unicode=True, width=110)

    def dag(self, mapping_file: str) -> str:
        """Return the text of a DAG file that runs what the job ran; the mapping file lies beside it."""
        dag_id = re.sub(r"[^\w.-]+", "_", self.name) or "neosync_job"
        return _DAG.format(dag_id=dag_id, schedule=self.schedule, mapping_file=mapping_file)


_DAG: Final = '''"""The job {dag_id}, brought over from Neosync."""

from pathlib import Path

from airflow.sdk import DAG

from airflow_dynsync.task_groups.dynamodb import dynamodb_anonymize_sync_tables

with DAG({dag_id!r}, schedule={schedule!r}, catchup=False, max_active_runs=1, tags=["dynsync"]):
    dynamodb_anonymize_sync_tables(
        mapping_file=Path(__file__).parent / {mapping_file!r},
        source_conn_id="dynsync_source",
        destination_conn_id="dynsync_destination",
    )
'''


def import_document(document: Any) -> Imported:
    """Convert an exported list of mappings, or a job.

    Args:
        document: the parsed JSON, names in snake or camel case.

    Raises:
        ImportFileError: it is neither.
    """
    document = snake_case(document)
    if isinstance(document, list):
        tables, left_out = _tables(document)
        return Imported({"tables": tables}, tuple(left_out))
    if isinstance(document, dict):
        document = document.get("job", document)
    if not isinstance(document, dict) or not isinstance(document.get("mappings"), list):
        raise ImportFileError("expected a JSON list of mappings, or a job with mappings, as Neosync exports them")
    return _job(document)


def _job(job: dict[str, Any]) -> Imported:
    tables, left_out = _tables(job["mappings"])
    source = _at(job, "source", "options", "dynamodb")
    for option in source.get("tables") or ():
        entry = tables.setdefault(option["table"], {"mappings": {}})
        if option.get("where_clause"):
            entry["where"] = option["where_clause"]
    for destination in job.get("destinations") or ():
        for pair in _at(destination, "options", "dynamodb_options").get("table_mappings") or ():
            if pair["source_table"] in tables:
                tables[pair["source_table"]]["destination"] = pair["destination_table"]
    if len(job.get("destinations") or ()) > 1:
        left_out.append(LeftOut("destinations", "only one is refreshed; add a task group for each of the others"))
    if source.get("enable_consistent_read"):
        for entry in tables.values():
            entry["consistent_read"] = True
    unmapped: Any = "neosync"
    if defaults := source.get("unmapped_transforms"):
        unmapped = {}
        for kind, transformer in defaults.items():
            place = f"unmapped.{UNMAPPED_KINDS.get(kind, kind)}"
            try:
                converted = rule((transformer or {}).get("config"), place)
                unmapped[UNMAPPED_KINDS[kind]] = converted.rule
                if converted.missing:
                    left_out.append(LeftOut(place, converted.missing))
            except (KeyError, NotImportedError) as error:
                left_out.append(LeftOut(place, str(error)))
    if source.get("subset_by_foreign_key_constraints") or job.get("virtual_foreign_keys"):
        left_out.append(
            LeftOut("job", "foreign keys belong to SQL; here pseudonyms agree across tables by the secret")
        )
    return Imported(
        {"unmapped": unmapped, "tables": tables},
        tuple(left_out),
        name=job.get("name") or job.get("job_name") or "",
        schedule=job.get("cron_schedule") or None,
    )


def _tables(mappings: list[Any]) -> tuple[dict[str, dict[str, Any]], list[LeftOut]]:
    tables: dict[str, dict[str, Any]] = {}
    left_out = []
    for table, column, transformer in _mapped_columns(mappings):
        path = format_path(tuple(column.split(".")))
        place = f"{table}.{path}"
        rules = tables.setdefault(table, {"mappings": {}})["mappings"]
        try:
            converted = rule(transformer.get("config"), f"mappings.{path}")
        except NotImportedError as error:
            left_out.append(LeftOut(place, str(error)))
        else:
            rules[path] = short(converted.rule)
            if converted.missing:
                left_out.append(LeftOut(place, converted.missing))
    return tables, left_out


def _mapped_columns(mappings: list[Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for number, mapping in enumerate(mappings):
        try:
            yield mapping["table"], mapping["column"], mapping.get("transformer") or {}
        except (TypeError, KeyError):
            raise ImportFileError(f"mapping {number + 1}: table and column are required") from None


def _at(document: Any, *names: str) -> dict[str, Any]:
    for name in names:
        document = (document or {}).get(name)
    return document or {}
