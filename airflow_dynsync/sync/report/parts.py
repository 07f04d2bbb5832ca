"""Parts of a report from what the checks of a run found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from airflow_dynsync.sync.report.course import DeadLetters
from airflow_dynsync.sync.report.found import (
    Collisions,
    Drift,
    DriftFinding,
    Exposure,
    ExposureFinding,
    PathTypes,
    PreflightFinding,
    TypesSeen,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_dynsync.sync import drift
    from airflow_dynsync.sync.collisions import CollisionWatch
    from airflow_dynsync.sync.exposure import ExposureCheck
    from airflow_dynsync.sync.findings import Finding


def preflight_part(
    findings: Sequence[Finding], acknowledged: Collection[str] = ()
) -> tuple[PreflightFinding, ...]:
    """Return what was found before the first write; `acknowledged` has the codes that the mapping names."""
    return tuple(
        PreflightFinding(**asdict(finding), acknowledged=finding.code in acknowledged) for finding in findings
    )


def types_part(fingerprint: drift.Fingerprint) -> TypesSeen:
    """Return the paths and types of a run; `dataclasses.asdict` of it is what `Fingerprint.from_dict` takes."""
    plain = fingerprint.as_dict()
    paths = tuple(PathTypes(row["path"], row["types"], tuple(row["looks_like"])) for row in plain["paths"])
    return TypesSeen(plain["version"], plain["items"], plain["complete"], paths)


def drift_part(watch: drift.DriftWatch, compared_with: str | None) -> Drift:
    """Return what changed; `compared_with` is the id of the earlier run."""
    findings = tuple(DriftFinding(**asdict(each)) for each in watch.drifts)
    return Drift(compared_with, watch.fingerprint.items, len(findings), findings)


def exposure_part(check: ExposureCheck, mode: Literal["sample", "all"]) -> Exposure:
    """Return what an exposure check found."""
    findings = tuple(ExposureFinding(**asdict(each)) for each in check.findings)
    return Exposure(mode, check.checked, check.unlisted, len(findings), findings)


def collisions_part(watch: CollisionWatch | None, keys: int) -> Collisions:
    """Return what a watch over keys found; None stands for rules that cannot make two keys one."""
    if watch is None:
        return Collisions("not_needed", 0, 0)
    return Collisions("keyed_digests", keys, watch.collisions)


def put_aside_in_words(part: DeadLetters) -> str:
    """Return how many items were put aside, and where they are listed."""
    items = "1 item" if part.count == 1 else f"{part.count:,} items"
    return f"{items} could not be transformed or written, listed in {part.path}"
