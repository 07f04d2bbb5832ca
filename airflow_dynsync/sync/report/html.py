"""A report as one HTML page that needs no network and no script: for a browser, a printer, a compliance file."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from airflow_dynsync.engine import catalogue
from airflow_dynsync.sync.report.charts import KINDS, bars, plots
from airflow_dynsync.sync.report.checks import checks, limits
from airflow_dynsync.sync.report.document import SyncReport

MOST_BARS: Final = 400
"""Paths that are drawn; those of more are told as a number."""


def render(report: SyncReport) -> str:
    """Return the page. All text in it is escaped."""
    known = catalogue()
    drawn = bars(report.rules)
    read_limit, write_limit = (
        (report.capacity.read_limit, report.capacity.write_limit) if report.capacity else (None, None)
    )
    values = {kind: sum(bar.counts.get(kind, 0) for bar in drawn) for kind in KINDS}
    met = {row.rule for row in report.rules}
    rules = report.mapping.rules if report.mapping else ()
    return _template().render(
        report=report,
        checks=checks(report),
        limits=list(limits(report)),
        bars=drawn[:MOST_BARS],
        bars_left_out=len(drawn[MOST_BARS:]),
        values=values,
        values_total=sum(values.values()),
        kinds=KINDS,
        plots=plots(report.timeline or (), read_limit, write_limit),
        rules_by_place={rule.rule: rule for rule in rules},
        summaries={name: definition.summary for name, definition in known.items()},
        rules_without_values=[rule for rule in rules if rule.rule not in met],
        met_inside=[row for row in report.rules if row.outcome.startswith("found ")],
        uncovered=_uncovered(report),
    )


def _uncovered(report: SyncReport) -> list[str]:
    """Return the top-level attributes that were seen and that no count tells of: they passed through."""
    if report.types is None:
        return []
    counted = {_first_step(row.path) for row in report.rules}
    return list(dict.fromkeys(top for row in report.types.paths if (top := _first_step(row.path)) not in counted))


def _first_step(path: str) -> str:
    """Return the name that a written path begins with, in the quotes it may have."""
    if path.startswith('"'):
        end = path.find('"', 1)
        while end > 0 and path[end - 1] == "\\":
            end = path.find('"', end + 1)
        return path[: end + 1]
    return path.split(".", 1)[0].split("[", 1)[0].split(" ->", 1)[0]


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": _number,
        "dollars": _dollars,
        "duration": _duration,
        "moment": _moment,
        "share": lambda part, whole: f"{100 * part / whole:.1f} %" if whole else "–",
    }
    return environment.get_template("report.html.j2")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.2f}"


def _dollars(value: float | None) -> str:
    if value is None:
        return "provisioned"
    return f"${value:,.2f}" if value >= 0.01 or value == 0 else f"${value:.2g}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _moment(written: str) -> str:
    """Return a time as people read it; it stays in UTC."""
    moment = dt.datetime.fromisoformat(written)
    return f"{moment.day} {moment:%B %Y, %H:%M:%S} UTC"
