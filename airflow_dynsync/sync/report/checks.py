"""What a report says about each check, in words: made or not, and with what result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from airflow_dynsync.sync.report.document import SyncReport

State = Literal["passed", "findings", "failed", "not done"]


@dataclass(frozen=True, slots=True)
class Check:
    """A check, its state, and a sentence about it."""

    name: str
    state: State
    words: str


def checks(report: SyncReport) -> list[Check]:
    """Return all checks in the order they are made."""
    return [
        _preflight(report),
        _drift(report),
        _collisions(report),
        _exposure(report),
        _completeness(report),
        _dead_letters(report),
        _verification(report),
    ]


def _preflight(report: SyncReport) -> Check:
    name = "Preflight"
    if report.preflight is None:
        return Check(name, "passed", "The tables fit each other and the mapping: otherwise nothing is written.")
    if not report.preflight:
        return Check(name, "passed", "Nothing was found against the tables or the mapping before the first write.")
    known = sum(finding.acknowledged for finding in report.preflight)
    words = f"{_plural(len(report.preflight), 'finding')} before the first write, {known} of them acknowledged."
    return Check(name, "passed" if known == len(report.preflight) else "findings", words)


def _drift(report: SyncReport) -> Check:
    name, drift = "Schema drift", report.drift
    if drift is None:
        return Check(name, "not done", "Attribute paths were not compared with those of an earlier run.")
    if drift.compared_with is None:
        return Check(name, "not done", "There was no earlier run to compare with; the next one has this.")
    if not drift.found:
        examined = _plural(drift.items_examined, "item")
        return Check(name, "passed", f"No new path or type in {examined}, compared with the last run.")
    bare = sum(finding.severity == "error" for finding in drift.findings)
    words = (
        f"{_plural(drift.found, 'change')} since the last run, {bare} of which look personal and are not hidden."
    )
    return Check(name, "findings", words)


def _collisions(report: SyncReport) -> Check:
    name, watched = "Key collisions", report.collisions
    if watched is None:
        return Check(name, "not done", "Not recorded.")
    if watched.method == "not_needed":
        return Check(name, "passed", "No rule can give two items one key.")
    method = watched.method.replace("_", " ")
    words = f"{_plural(watched.keys_watched, 'key')} watched ({method}): {watched.found:,} are another item's."
    return Check(name, "failed" if watched.found else "passed", words)


def _exposure(report: SyncReport) -> Check:
    name, exposure = "Exposure", report.exposure
    if exposure is None or exposure.mode == "off":
        return Check(name, "not done", "Written items were not searched for original values.")
    searched = (
        f"Original values of mapped attributes looked for in {_plural(exposure.items_checked, 'item')}"
        f" ({'a sample' if exposure.mode == 'sample' else 'all'})"
    )
    if not exposure.found:
        return Check(name, "passed", f"{searched}: none was seen.")
    grave = any(finding.severity == "error" for finding in exposure.findings)
    words = f"{searched}: seen at {_plural(exposure.found, 'place')}."
    return Check(name, "failed" if grave else "findings", words)


def _completeness(report: SyncReport) -> Check:
    saved = report.capacity.writes_saved if report.capacity else 0
    aside = report.dead_letters.count_now if report.dead_letters else 0
    accounted = report.items_written + saved + aside
    parts = [f"{report.items_read:,} read", f"{report.items_written:,} written"]
    parts += [f"{saved:,} already there"] if saved else []
    parts += [f"{aside:,} put aside"] if aside else []
    parts += [f"{report.items_deleted:,} others deleted from the destination"] if report.items_deleted else []
    state: State = "passed" if accounted == report.items_read else "failed"
    return Check("Items accounted for", state, f"{', '.join(parts)}.")


def _dead_letters(report: SyncReport) -> Check:
    name, letters = "Dead letters", report.dead_letters
    if letters is None:
        return Check(name, "passed", "An item that cannot be transformed or written would have ended the run.")
    if not letters.count:
        return Check(name, "passed", "No item was put aside.")
    kept = f" They are listed in {letters.path}." if letters.path else ""
    return Check(name, "failed", f"{_plural(letters.count, 'item')} put aside, not written.{kept}")


def _verification(report: SyncReport) -> Check:
    name, verified = "Verification", report.verification
    if verified is None:
        return Check(name, "not done", "Nothing was read back from the destination.")
    extra = "" if verified.beyond is None else f", {verified.beyond:,} beyond the source"
    if verified.source_changed:
        or_before = " or were moved by the interrupted run" if report.items_written_before else ""
        extra += f"; {verified.source_changed:,} changed in the source meanwhile{or_before}, not compared"
    words = (
        f"{_plural(verified.items_checked, 'item')} read back"
        f" ({'a sample' if verified.mode == 'sample' else 'all'}) and compared with what the mapping gives:"
        f" {verified.different:,} differ, {verified.missing:,} missing{extra}."
    )
    return Check(name, "passed" if verified.passed else "failed", words)


def limits(report: SyncReport) -> Iterator[str]:
    """Yield what the report does not prove."""
    yield (
        "Pseudonyms are still personal data for whoever has the secret, and for whoever can tell a person by what"
        " was kept. This report shows what was done; it is no declaration that the data are anonymous."
    )
    yield (
        "Values that were kept were not judged. Whether a rule suits what an attribute holds is for a person to"
        " decide, path by path."
    )
    yield (
        "A table is read while it is written to: the copy holds each item as it was at some moment of the run, not"
        " all of one moment."
    )
    if report.exposure is None or report.exposure.mode == "off":
        yield "No search was made for original values that may still stand elsewhere in written items."
    else:
        sample = ", in a sample of the items" if report.exposure.mode == "sample" else ""
        yield (
            f"The exposure check looks for the values of mapped attributes{sample}. What no rule covers, or is"
            " written in another way, it does not find."
        )
    if report.verification is None or report.verification.mode == "sample":
        yield "Not every written item was read back."
    if report.risk is not None:
        yield (
            "k tells how far the chosen attributes single out items. It does not tell what somebody knows from"
            " elsewhere, and a pseudonym for each value leaves it as it was."
        )
    yield "Who can reach the destination, its backups, streams and exports was not examined."


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
