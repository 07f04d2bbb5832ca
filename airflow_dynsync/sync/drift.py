"""Schema drift: the attribute paths and types of a run, and what is new in them since the last one.

Elements of a list share a path, `lines[*]`; so do the keys of a map that are data, `by_customer.*` (`shapes`). No
value is kept: of the first few strings at each path it is only remembered what the recognizers find in them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from airflow_dynsync.engine import Plan
from airflow_dynsync.engine.paths import Path, Wildcard, format_path, parse_path
from airflow_dynsync.engine.recognizers import find
from airflow_dynsync.engine.values import CONTAINERS, WireItem, WireValue
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.personal import sounds_personal
from airflow_dynsync.sync.sampling import Sampler
from airflow_dynsync.sync.shapes import PERSONAL_ENTITIES, Shape

VERSION: Final = 1
"""Of the form in which a fingerprint is kept."""

EXAMINED: Final = 8
"""Strings at each path that the recognizers look at."""

_LONGEST_TEXT: Final = 1000
_HOLDS_NOTHING: Final = CONTAINERS | {"NULL"}


class Fingerprint:
    """The paths and types of a table's items, with counts; several threads may share it.

    Attributes:
        items: how many were looked at.
        changes: how often a path or a type was met for the first time.
        lock: held while it changes.
    """

    def __init__(self) -> None:
        self._shape = Shape.of_items()
        self.lock: Final = threading.RLock()
        self.items = 0
        self.changes = 0

    def observe(self, items: Sequence[WireItem]) -> None:
        """Take note of the paths and types of some items."""
        with self.lock:
            self.items += len(items)
            for item in items:
                self._observe_map(self._shape, item)

    def _observe_map(self, shape: Shape, members: dict[str, WireValue]) -> None:
        for name, member in members.items():
            known = shape.names.get(name)
            self._observe(shape.child(name) if known is None else known, member)

    def _observe(self, shape: Shape, value: WireValue) -> None:
        ((kind, payload),) = value.items()
        kinds = shape.kinds
        if kind in kinds:
            kinds[kind] += 1
        else:
            kinds[kind] = 1
            self.changes += 1
        if kind == "M":
            self._observe_map(shape, payload)
        elif kind == "L":
            if payload:
                elements = shape.element()
                for element in payload:
                    self._observe(elements, element)
        elif shape.examined < EXAMINED and kind in ("S", "SS") and payload:
            for text in (payload,) if kind == "S" else payload:
                shape.examined += 1
                shape.entities.update(found.entity for found in find(text[:_LONGEST_TEXT], PERSONAL_ENTITIES))

    def merge(self, more: Fingerprint) -> None:
        """Take over what another one knows, such as that of another part of the table."""
        with self.lock:
            self.items += more.items
            self._shape.merge(more._shape)
            self.changes += 1

    def paths(self) -> dict[Path, Shape]:
        """Return every path, with what is known of it."""
        with self.lock:
            return dict(_paths(self._shape, ()))

    def reached(self, path: Path) -> list[Shape]:
        """Return what is known of a path, be the keys of a map told apart in it and not here, or vice versa."""
        reached = [self._shape]
        for step in path:
            if step is Wildcard.INDEX:
                following = [shape.elements for shape in reached]
            elif isinstance(step, str):
                following = [shape.names.get(step, shape.other) for shape in reached]
            else:
                following = [each for shape in reached for each in (shape.other, *shape.names.values())]
            reached = [shape for shape in following if shape is not None]
        return reached

    def as_dict(self) -> dict[str, Any]:
        """Return the fingerprint as plain JSON values: ``version``, ``items``, ``complete`` and ``paths``.

        Each path has its ``types`` with counts and, under ``looks_like``, what was found in its values.
        ``complete`` is false where there are more names than are kept (`shapes.MAX_NAMES`).
        """
        with self.lock:
            paths = [
                {
                    "path": format_path(path),
                    "types": dict(sorted(shape.kinds.items())),
                    "looks_like": sorted(shape.entities),
                }
                for path, shape in self.paths().items()
            ]
            complete = self._shape.budget.left > 0
            return {"version": VERSION, "items": self.items, "complete": complete, "paths": paths}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Fingerprint:
        """Return the fingerprint that `as_dict` wrote down.

        Raises:
            SyncError: it is of another version.
        """
        if plain.get("version") != VERSION:
            raise SyncError(
                f"the fingerprint of the last run is not of version {VERSION}; remove it, and this run starts anew"
            )
        fingerprint = cls()
        fingerprint.items = plain["items"]
        for entry in plain["paths"]:
            shape = fingerprint._shape
            for step in parse_path(entry["path"], "fingerprint"):
                if isinstance(step, str):
                    shape = shape.child(step)
                else:
                    shape = shape.element() if step is Wildcard.INDEX else shape.behind_data()
            shape.kinds = dict(entry["types"])
            shape.entities = set(entry["looks_like"])
            shape.examined = EXAMINED
        return fingerprint


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as it was in the last run; never a value.

    Attributes:
        severity: ``error`` where something new looks personal and no rule hides it, ``info`` where something is
            gone, else ``warning``.
        kind: ``new_path``, ``new_type`` or ``vanished``.
        path: as in the fingerprint.
        types: the new ones, or those that are gone.
        personal: why it looks personal: ``name``, or what the recognizers found in values.
        hidden: a rule or a default changes or removes it.
    """

    severity: Literal["error", "warning", "info"]
    kind: Literal["new_path", "new_type", "vanished"]
    path: str
    types: tuple[str, ...]
    personal: tuple[str, ...]
    hidden: bool

    def __str__(self) -> str:
        types = ", ".join(self.types)
        if self.kind == "vanished":
            return f"{self.path} ({types}) is gone"
        what = "new" if self.kind == "new_path" else "of a new type"
        looks = f", looks personal ({', '.join(self.personal)})" if self.personal else ""
        return f"{self.path} ({types}) is {what}{looks}, and {'is hidden' if self.hidden else 'passes through'}"


class SchemaDriftError(SyncError):
    """The source has attributes or types that the last run did not have.

    Attributes:
        drifts: all differences so far.
    """

    def __init__(self, drifts: tuple[Drift, ...]) -> None:
        told = "; ".join(str(drift) for drift in drifts if drift.severity != "info")
        super().__init__(f"{told}. Map what is new, then accept it by a run with drift=warn")
        self.drifts = drifts


def compare(before: Fingerprint, now: Fingerprint, plan: Plan | None = None) -> tuple[Drift, ...]:
    """Return what differs between two runs: what looks personal first.

    A value that is NULL has no new type. A path below one that is new or gone is told, not the path above it.

    Args:
        before: the last run.
        now: this run.
        plan: tells what is hidden; without it nothing is.
    """
    drifts: list[Drift] = []
    with now.lock:
        for path, shape in now.paths().items():
            known = before.reached(path)
            new = shape.kinds.keys() - {kind for each in known for kind in each.kinds}
            if known and any(each.kinds for each in known):
                new -= {"NULL"}
                if new:
                    drifts.append(_new("new_type", path, shape, new, plan))
            elif not _holds_others(shape):
                drifts.append(_new("new_path", path, shape, new, plan))
        for path, shape in before.paths().items():
            if not any(each.kinds for each in now.reached(path)) and not _holds_others(shape):
                drifts.append(
                    Drift("info", "vanished", format_path(path), tuple(sorted(shape.kinds)), (), hidden=False)
                )
    return tuple(sorted(drifts, key=lambda each: (("error", "warning", "info").index(each.severity), each.path)))


def _new(
    kind: Literal["new_path", "new_type"], path: Path, shape: Shape, types: set[str], plan: Plan | None
) -> Drift:
    names = [step for step in path if isinstance(step, str)]
    personal = (*(("name",) if any(map(sounds_personal, names)) else ()), *sorted(shape.entities))
    hidden = plan is not None and all(plan.rule_at(path, each) is not None for each in types)
    exposed = bool(personal) and not hidden and not types <= _HOLDS_NOTHING
    severity: Literal["error", "warning"] = "error" if exposed else "warning"
    return Drift(severity, kind, format_path(path), tuple(sorted(types)), personal, hidden)


def _holds_others(shape: Shape) -> bool:
    return shape.kinds.keys() <= CONTAINERS and bool(shape.names or shape.other or shape.elements)


def _paths(shape: Shape, path: Path) -> Iterator[tuple[Path, Shape]]:
    if path and shape.kinds:
        yield path, shape
    for name in sorted(shape.names):
        yield from _paths(shape.names[name], (*path, name))
    if shape.other is not None:
        yield from _paths(shape.other, (*path, Wildcard.NAME))
    if shape.elements is not None:
        yield from _paths(shape.elements, (*path, Wildcard.INDEX))


class DriftWatch:
    """Takes a run's fingerprint and compares it with that of the last run; several threads may share it.

    Args:
        before: of the last run; None for the first.
        plan: of this run.
        sampler: chooses the items to look at; None for all.
        fail: raise at the first new path or type, before it is written. Sure only where all items are looked at.

    Attributes:
        fingerprint: of this run, as far as it is.
    """

    def __init__(
        self, before: Fingerprint | None, plan: Plan, *, sampler: Sampler | None = None, fail: bool = False
    ) -> None:
        self._before = before
        self._plan = plan
        self._sampler = sampler
        self._fail = fail
        self._compared = 0
        self.fingerprint: Final = Fingerprint()

    def observe(self, items: Sequence[WireItem]) -> None:
        """Look at items of the source, as they were read.

        Raises:
            SchemaDriftError: something is new, and ``fail`` was asked for.
        """
        if self._sampler is not None:
            items = [items[position] for position in self._sampler.choose(items)]
        self.fingerprint.observe(items)
        changes = self.fingerprint.changes
        if self._fail and changes != self._compared:
            drifts = self.drifts
            if any(drift.severity != "info" for drift in drifts):
                raise SchemaDriftError(drifts)
            self._compared = changes

    @property
    def drifts(self) -> tuple[Drift, ...]:
        """What differs from the last run, so far; what is gone is known only at the end."""
        return () if self._before is None else compare(self._before, self.fingerprint, self._plan)
