"""The operators around those that move a table's segments side by side: one plans, one verifies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import BaseOperator

from airflow_dynsync.operators.dynamodb import (
    DynamoDBAnonymizeSyncOperator,
    announce,
    asset_alias,
)
from airflow_dynsync.operators.places import keep_report, last_report

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_dynsync.sync.mapping_file import TableMapping


class DynamoDBAnonymizeSyncPlanOperator(DynamoDBAnonymizeSyncOperator):
    """Share a table out to several tasks, after the checks that `DynamoDBAnonymizeSyncOperator` makes.

    It writes no item, and reads the first few of the source. It logs what the sync will cost, all tasks together,
    and returns a list with the arguments ``segments``, ``total_segments``, ``workers`` and ``fingerprint`` of
    each task. The number of segments is fixed here, once: ``total_segments``, or four for each worker and more
    where the table is larger than 4 GB. A table that is a page long, or read by a Query or a statement, is one
    task's.

    Its arguments are those of `DynamoDBAnonymizeSyncOperator`, ``workers`` being how many tasks there are at most,
    and without ``segments`` and ``fingerprint``.
    """

    @property
    def is_part(self) -> bool:
        """Whether other tasks do the rest."""
        return True

    def _validate(self) -> None:
        for name in ("segments", "fingerprint"):
            if getattr(self, name) is not None:
                raise ValueError(f"{self.task_id}: {name} is what the plan finds out; leave it out")
        super()._validate()

    def _mapping(self) -> TableMapping:
        from airflow_dynsync.sync.mapping_file import check_mapping
        from airflow_dynsync.sync.segments import require_keys_kept_apart

        mapping = super()._mapping()
        if self.key_attributes and self.workers > 1:
            require_keys_kept_apart(check_mapping(mapping, key_attributes=self.key_attributes))
        return mapping

    def _perform(self, _: Context) -> list[dict[str, Any]]:
        from airflow_dynsync.sync.estimate import estimate_job
        from airflow_dynsync.sync.examination import examine
        from airflow_dynsync.sync.preparation import prepare
        from airflow_dynsync.sync.segments import share_out, written

        clients = self._clients(1)
        before = last_report(self.report_path)
        prepared = prepare(self._job(), *clients, stop=self._stop)
        prepared = examine(prepared, *clients, before=before, stop=self._stop)
        for warning in prepared.unacknowledged:
            self.log.warning("%s.", warning)
        shares = share_out(prepared.total_segments, prepared.workers)
        self._log_estimate(estimate_job(prepared))
        self.log.info(
            "%s is %s: %d segments, shared out to %d tasks.",
            self.source_table,
            prepared.selection.reason,
            prepared.total_segments,
            len(shares),
        )
        return [
            {
                "segments": written(segments),
                "total_segments": prepared.total_segments,
                "workers": len(shares),
                "fingerprint": prepared.fingerprint,
            }
            for segments in shares
        ]


class DynamoDBAnonymizeSyncVerifyOperator(BaseOperator):
    """Add up the reports of the tasks that shared a table, and announce the destination's asset.

    It fails unless every segment was moved exactly once and every item that was read was written. The destination
    is not counted: DescribeTable's count is up to six hours old, and a Scan would cost what the sync's did.

    Args:
        destination_conn_id: as the other tasks have it; both name the asset.
        destination_table: likewise (templated).
        reports: what the tasks returned (templated).
        report_path: as the other tasks have it (templated): each writes its own report, and this one the sum.
        report_copy_path: likewise.
    """

    template_fields: Sequence[str] = ("destination_table", "reports", "report_path", "report_copy_path")
    ui_color = DynamoDBAnonymizeSyncOperator.ui_color

    def __init__(
        self,
        *,
        destination_conn_id: str,
        destination_table: str,
        reports: Any,
        report_path: str | None = None,
        report_copy_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.destination_conn_id = destination_conn_id
        self.destination_table = destination_table
        self.reports = reports
        self.report_path = report_path
        self.report_copy_path = report_copy_path
        self._asset = asset_alias(destination_conn_id, destination_table)
        self.outlets = [*self.outlets, self._asset]

    def execute(self, context: Context) -> dict[str, Any]:
        """Return one report in the form of the tasks' own, its counts added up."""
        from airflow_dynsync.sync.errors import SyncError
        from airflow_dynsync.sync.report import SyncReport, combined

        try:
            report = combined([SyncReport.from_dict(each) for each in self.reports])
            self.log.info("All %d segments are moved, each once. %s", report.segments, report)
            if kept := keep_report(report, self.report_path, self.report_copy_path):
                self.log.info("The report is at %s.", ", ".join(kept))
        except SyncError as error:
            raise AirflowFailException(str(error)) from None
        announce(context, self._asset, report)
        return report.short().as_dict()
