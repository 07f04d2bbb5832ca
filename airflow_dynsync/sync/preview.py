"""The first items of a table before and after, for a person who asks to see values. Nothing is written."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from airflow_dynsync.dynamodb.tables import describe_table
from airflow_dynsync.dynamodb.where import plan_selection
from airflow_dynsync.engine import compile_plan
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.job import SyncJob
from airflow_dynsync.sync.preparation import read_pages

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def preview(job: SyncJob, source: DynamoDBClient, items: int) -> list[tuple[WireItem, WireItem]]:
    """Return the first items that the job would read, each with what would be written.

    Args:
        job: as for `run_sync`.
        source: a client that speaks wire form.
        items: how many, at most.
    """
    table = describe_table(source, job.source_table)
    plan = compile_plan(job.mapping, key_attributes=table.key_names, secret=job.secret)
    pages = read_pages(job, source, plan_selection(job.where, table.keys))
    before = list(islice((item for page in pages for item in page.items), items))
    return list(zip(before, plan.apply(before), strict=True))
