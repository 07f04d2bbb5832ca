"""Which segments of a table each of several workers moves, and what has to hold for them to share one."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_dynsync.engine.definitions import Uniqueness
from airflow_dynsync.sync.errors import SyncError

if TYPE_CHECKING:
    from airflow_dynsync.engine import Plan
    from airflow_dynsync.engine.compiler import Rule


def share_out(total_segments: int, workers: int) -> list[range]:
    """Return the segments of each worker: neighbours, as many as another's or one more."""
    bounds = [total_segments * worker // workers for worker in range(workers + 1)]
    return [range(*pair) for pair in pairwise(bounds)]


def parse_segments(written: str) -> range:
    """Read segments as people write them: `0-7` for the first eight, `3` for one.

    Raises ValueError if the text has another form or its end comes before its beginning.
    """
    found = re.fullmatch(r"([0-9]{1,7})(?:-([0-9]{1,7}))?", written)
    segments = range(int(found[1]), int(found[2] or found[1]) + 1) if found else range(0)
    if not segments:
        raise ValueError("segments are written as the first and the last of them, as in 0-7, counted from 0")
    return segments


def written(segments: range) -> str:
    """Return segments as `parse_segments` reads them."""
    return f"{segments[0]}-{segments[-1]}"


def rules_that_mix_keys(plan: Plan) -> list[Rule]:
    """Return the rules on the key that do not promise that different keys stay different."""
    return [rule for rule in plan.key_rules if rule.uniqueness is not Uniqueness.PRESERVED]


def require_keys_kept_apart(plan: Plan) -> None:
    """Raise a `SyncError` if keys might become one: each of several workers sees its own keys alone."""
    for rule in rules_that_mix_keys(plan):
        raise SyncError(
            f"{rule.place}: {rule.definition.name} may give different keys one value, which several workers cannot"
            " watch for; map the key with a transformer of class preserved, such as transform_hash, or let one"
            " worker move all segments"
        )
