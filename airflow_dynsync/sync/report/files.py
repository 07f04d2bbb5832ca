"""Where a report is kept: the JSON document and the page, beside each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.report.document import SyncReport

NO_EARLIER_REPORT: Final = (
    "There is no report of an earlier run at the report's path: mapping, secret, paths and types are compared with"
    " the last run's from the next run on, if the path stays the same"
)

_ENDINGS = (".json", ".html")


def report_paths(path: str, share: str = "") -> tuple[str, str]:
    """Return the paths of the JSON document and of the page.

    Args:
        path: with the ending of either, or without one.
        share: what tells a worker's report from those of the others; it goes before the ending.
    """
    for ending in _ENDINGS:
        path = path.removesuffix(ending)
    stem = f"{path}.{share}" if share else path
    return f"{stem}.json", f"{stem}.html"


def read_report(path: str, *, share: str = "", open_path: Callable[[str], Any] = Path) -> SyncReport | None:
    """Return the report that an earlier run wrote; None if there is none.

    The arguments are those of `write_report`. Raises `SyncError` where the file cannot be read, or is no report.
    """
    written, _ = report_paths(path, share)
    try:
        return SyncReport.from_json(open_path(written).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SyncError(
            f"{written}: the report of an earlier run cannot be read ({type(error).__name__}); remove it, and this"
            " run starts anew"
        ) from None


def write_report(
    report: SyncReport, path: str, *, share: str = "", open_path: Callable[[str], Any] = Path
) -> tuple[str, str]:
    """Write a report as JSON and as a page, and return their paths.

    That of a failed run is written beside: ``failed`` goes before the ending, and the report of the last run that
    succeeded stays, with which the next one is compared.

    Args:
        report: what the run did.
        path: as `report_paths` takes it; missing folders of this machine are made.
        share: likewise.
        open_path: gives a path's `pathlib.Path`, or an object with its methods.

    Raises:
        SyncError: a file cannot be written.
    """
    from airflow_dynsync.sync.report.html import render

    suffixes = (share, "failed" if report.outcome == "failed" else "")
    paths = report_paths(path, ".".join(filter(None, suffixes)))
    for written, text in zip(paths, (report.as_json(), render(report)), strict=True):
        try:
            place = open_path(written)
            if isinstance(place, Path):
                place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SyncError(
                f"{written}: the report cannot be written, {reason}; the items are, so give another path"
            ) from None
    return paths
