"""Searches the line where a script was when its process was ended: with `loops`, by running it once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_dynsync.engine.javascript.functions import functions
from airflow_dynsync.engine.javascript.loops import TICK, with_ticks
from airflow_dynsync.engine.javascript.process import (
    JAVASCRIPT,
    JavaScriptSyntaxError,
    OutOfMemoryError,
    OutOfTimeError,
)

_SECONDS: Final = 5.0
_TOO_FAR: Final = "too far"
_MANY_TICKS: Final = 1024
_ENDED_AT_MOST: Final = 6


def endless_loop(code: str, request: Mapping[str, Any]) -> int | None:
    """Return the line of the loop that goes on when a request that took too long is tried once more."""
    try:
        return _line(with_ticks(code), request, {})
    except (JavaScriptSyntaxError, OutOfTimeError, OutOfMemoryError):
        return None


def hungry_line(code: str, request: Mapping[str, Any]) -> int | None:
    """Return the line where a request is when it takes too much memory once more."""
    for ticking in (with_ticks(code, statements=True), with_ticks(code)):
        try:
            return _last_line(ticking, request)
        except JavaScriptSyntaxError:
            continue
    return None


def _last_line(ticking: str, request: Mapping[str, Any]) -> int | None:
    """Return the line of the last tick, or in a loop of many ticks of one late in it.

    The script may go on for more and more ticks until it takes too much; then halves tell the last one. Each end
    costs a process, so a loop is taken at its word.
    """
    line, survived, too_many, ended, ticks = None, -1, None, 0, 0
    while too_many is None or too_many - survived > 1:
        try:
            line = _line(ticking, request, {"ticks": ticks})
        except (OutOfMemoryError, OutOfTimeError):
            too_many, ended = ticks, ended + 1
            if survived >= _MANY_TICKS or ended == _ENDED_AT_MOST:
                break
        else:
            if line is None:
                break
            survived = ticks
        ticks = max(1, 2 * ticks) if too_many is None else (survived + too_many) // 2
    return line


def _line(ticking: str, request: Mapping[str, Any], until: Mapping[str, int]) -> int | None:
    """Run a script with ticks, and return the line where it went too far."""
    answer, _ = JAVASCRIPT.run(
        ticking, ("value", "input", TICK), functions(), {**request, "ticking": until}, _SECONDS, settle=True
    )
    return answer["place"][0] if answer.get("message") == _TOO_FAR and answer["place"] else None
