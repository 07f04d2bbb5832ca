"""What a run looks for in the items that it moves: key collisions, leaks, drift and re-identification risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.drift import DriftWatch, Fingerprint
from airflow_dynsync.sync.exposure import ExposureCheck
from airflow_dynsync.sync.report.parts import collisions_part, drift_part, exposure_part, types_part
from airflow_dynsync.sync.risk import RiskWatch
from airflow_dynsync.sync.sampling import Sampler

if TYPE_CHECKING:
    from airflow_dynsync.engine import Plan
    from airflow_dynsync.sync.collisions import CollisionWatch
    from airflow_dynsync.sync.report import SyncReport

ExposureMode = Literal["sample", "all", "off"]
OnFinding = Literal["warn", "fail"]


class Checks:
    """Looks at every chunk before it is written; several threads may share it.

    Args:
        plan: that transforms the items.
        secret: of the run; the same items are chosen in every run with it.
        exposure_check: which items are searched for the originals of what was hidden.
        on_exposure: ``fail`` stops the run at the first finding that is an error.
        drift: ``fail`` looks at all items, and stops the run before one with a new path or type is written, if the
            earlier run has looked at all items, too; else what is rare would be taken for new.
        before: an earlier run's report, whose paths and types are compared with; None for the first run.
        quasi_identifiers: whose combinations' rarity is measured; () for none.
        watch: over the keys, where different ones might become one; None where they cannot.
    """

    def __init__(
        self,
        plan: Plan,
        secret: bytes | None,
        *,
        exposure_check: ExposureMode,
        on_exposure: OnFinding,
        drift: OnFinding,
        before: SyncReport | None,
        quasi_identifiers: Sequence[str],
        watch: CollisionWatch | None,
    ) -> None:
        self._watch = watch
        self._sampler = Sampler(plan.key_attributes, secret)
        self._mode: Literal["sample", "all"] = "all" if exposure_check == "all" else "sample"
        self._exposure = None if exposure_check == "off" else ExposureCheck(plan, fail=on_exposure == "fail")
        self._compared_with = before if before is not None and before.types is not None else None
        knows_all = self._compared_with is not None and _saw_all(self._compared_with)
        self._drift_in_all = drift == "fail" or knows_all
        self._drift = DriftWatch(_fingerprint(self._compared_with), plan, fail=drift == "fail" and knows_all)
        self._risk = RiskWatch(quasi_identifiers) if quasi_identifiers else None

    def look(self, source: Sequence[WireItem], written: Sequence[WireItem]) -> None:
        """Look at one chunk, before it is written.

        Args:
            source: items as they were read.
            written: what the plan made of them, in the same order.

        Raises:
            KeyCollisionsFoundError: two items have one key.
            ExposureFoundError: what is hidden would be written elsewhere, and the run is to fail then.
            SchemaDriftError: something is new, and the run is to fail then.
        """
        if self._watch is not None:
            self._watch.admit(written)
        chosen = self._sampler.choose(source)
        sample = [source[position] for position in chosen]
        self._drift.observe(source if self._drift_in_all else sample)
        if self._mode == "sample" and self._exposure is not None:
            self._exposure.check(sample, [written[position] for position in chosen])
        elif self._exposure is not None:
            self._exposure.check(source, written)
        if self._risk is not None:
            self._risk.observe(source, written)

    def parts(self, items: int) -> dict[str, Any]:
        """Return what was found in that many items, as parts of a report by their names."""
        run = self._compared_with.run if self._compared_with is not None else None
        return {
            "collisions": collisions_part(self._watch, items if self._watch is not None else 0),
            "types": types_part(self._drift.fingerprint),
            "drift": drift_part(self._drift, run.id if run is not None else None),
            "exposure": None if self._exposure is None else exposure_part(self._exposure, self._mode),
            "risk": None if self._risk is None else self._risk.risk(),
        }

    def warnings(self) -> list[str]:
        """Return in sentences what a person should look at."""
        exposures = [] if self._exposure is None else self._exposure.findings
        told = [f"Exposure: {exposure}" for exposure in exposures if exposure.severity == "error"]
        return told + [f"Drift: {drift}" for drift in self._drift.drifts if drift.severity == "error"]


def _saw_all(report: SyncReport) -> bool:
    """Tell whether a report's types are those of all items: of no sample, nor of what an interruption left."""
    return report.types is not None and report.types.items >= report.items_read and not report.items_written_before


def _fingerprint(report: SyncReport | None) -> Fingerprint | None:
    if report is None or report.types is None:
        return None
    return Fingerprint.from_dict(asdict(report.types))
