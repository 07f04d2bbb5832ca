"""Whether what a mapping hides shows elsewhere in the written item: in keys, texts, JSON, sets, binaries.

The original of every value that a rule or a default changed, or removed, is searched for in the whole written
item. Which originals are searched for, and what counts as an occurrence, is said in `wanted`. Beyond that:

- A result that depends on nothing that was read, as of generate_* and constants, cannot leak and is passed over.
- In the result of a rule that sees its own value alone, an original that could be there by chance counts only
  where the source had it there too.
- What a rule that decides for itself lets stay, as a mask, free text, JSON or a script do, is no longer hidden. A
  rule that draws its results lets nothing stay: a value that comes out as it went in is a finding, of generate_*
  where it is telling.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from airflow_dynsync.engine import Plan
from airflow_dynsync.engine.compiler import Rule
from airflow_dynsync.engine.definitions import Place
from airflow_dynsync.engine.paths import Path, Wildcard, format_path
from airflow_dynsync.engine.values import ELEMENT_OF_SET, WireItem, WireValue
from airflow_dynsync.sync.disguises import binary_texts, compact, decoded_texts, json_texts
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.sampling import Sampler
from airflow_dynsync.sync.shapes import Shape
from airflow_dynsync.sync.wanted import Search, Wanted, is_worth_a_look, wanted_in

Kind = Literal["unchanged", "key", "attribute", "text", "json", "map key", "set", "binary"]

MANY_VALUES: Final = 16
"""Different values at one pair of places, above which they are no words of a fixed list."""

MOST_FINDINGS: Final = 1000
_FEWEST_KEPT: Final = 20
"""Values that a rule which decides for itself must all have kept, before that is worth a finding."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """Originals of one attribute seen at one place of written items; never a value.

    Attributes:
        severity: ``error`` where a value is telling (`Wanted.is_telling`) or there are more than `MANY_VALUES`
            different ones; ``warning`` where they could be words of a fixed list.
        kind: ``unchanged`` at its own place, or part of a ``key``, an ``attribute`` as a whole, part of a ``text``
            or ``json``, a ``map key``, an element of a ``set``, or in a ``binary``.
        rule: that was to hide it, such as ``mappings.Email``.
        path: of the original.
        seen_at: where it was seen.
        count: how often.
        values: how many different values; `MANY_VALUES` + 1 stands for more.
    """

    severity: Literal["error", "warning"]
    kind: Kind
    rule: str
    path: str
    seen_at: str
    count: int
    values: int

    def __str__(self) -> str:
        if self.kind == "unchanged":
            return f"{self.path}: {self.count} values came out of {self.rule} as they went in"
        return f"{self.path}: hidden by {self.rule}, seen {self.count} times at {self.seen_at} ({self.kind})"


class ExposureFoundError(SyncError):
    """A value that the mapping hides would be written at another place.

    Attributes:
        findings: those so far.
    """

    def __init__(self, findings: tuple[Exposure, ...]) -> None:
        told = "; ".join(str(finding) for finding in findings if finding.severity == "error")
        super().__init__(f"{told}. Map these places too, or drop them; nothing of this page was written")
        self.findings = findings


@dataclass(slots=True)
class _Seen:
    count: int = 0
    telling: bool = False
    digits: bool = False
    values: set[int] = field(default_factory=set)

    def note(self, wanted: Wanted) -> None:
        self.count += 1
        self.telling = self.telling or wanted.is_telling
        self.digits = self.digits or any(map(str.isdigit, wanted.letters))
        if len(self.values) <= MANY_VALUES:
            self.values.add(hash(wanted.letters))

    def merge(self, more: _Seen) -> None:
        self.count += more.count
        self.telling = self.telling or more.telling
        self.digits = self.digits or more.digits
        self.values |= more.values

    def severity(self, kind: Kind) -> Literal["error", "warning"] | None:
        """Return None for words in the role of map keys that are more likely the names of fields."""
        if self.telling or len(self.values) > MANY_VALUES:
            return "error"
        return None if kind == "map key" and not self.digits else "warning"


_Where = tuple[str, Path, Path, Kind]
_Hidden = tuple[Rule, Place, Wanted]


class _Piece(NamedTuple):
    """A text of a written item.

    Attributes:
        place: of the value it is in.
        letter: that value's type.
        kind: as far as it is known without a look at the text.
        forms: the text, then what it says once decoded.
        packed: their letters and digits.
    """

    place: Place
    letter: str
    kind: Kind | None
    forms: Sequence[str]
    packed: bytes


class ExposureCheck:
    """Searches written items for the originals of what was hidden; several threads may share it.

    Args:
        plan: that made the written items.
        sampler: chooses the items to check; None for all.
        search: from how many letters and digits on a value is searched for.
        fail: raise at the first finding that is an error.

    Attributes:
        checked: items so far.
        unlisted: occurrences beyond `MOST_FINDINGS` pairs of places, which are not told apart.
    """

    def __init__(
        self, plan: Plan, *, sampler: Sampler | None = None, search: Search | None = None, fail: bool = False
    ) -> None:
        self._plan = plan
        self._sampler = sampler
        self._search = search or Search()
        self._fail = fail
        self._lock = threading.Lock()
        self._shape = Shape.of_items()
        self._seen: dict[_Where, _Seen] = {}
        self._met: Counter[tuple[Rule, bool]] = Counter()
        self._failed = False
        self.checked = 0
        self.unlisted = 0

    def check(self, source: Sequence[WireItem], written: Sequence[WireItem]) -> None:
        """Check one chunk, before it is written.

        Args:
            source: items as they were read.
            written: what the plan made of them, in the same order.

        Raises:
            ExposureFoundError: an error was found, and ``fail`` was asked for.
        """
        chosen = range(len(source)) if self._sampler is None else self._sampler.choose(source)
        for position in chosen:
            self._check(source[position], written[position])
        if self._failed and self._fail:
            raise ExposureFoundError(self.findings)

    @property
    def findings(self) -> tuple[Exposure, ...]:
        """What was found so far: errors first, then by path."""
        with self._lock:
            merged: dict[_Where, _Seen] = {}
            for (rule, path, seen_at, kind), seen in self._seen.items():
                told = rule, self._shape.generalize(path), self._shape.generalize(seen_at), kind
                merged.setdefault(told, _Seen()).merge(seen)
            kept = [rule for (rule, changed), count in self._met.items() if not changed and count >= _FEWEST_KEPT]
            idle = [
                Exposure("warning", "unchanged", rule.place, rule.written, rule.written, self._met[rule, False], 0)
                for rule in kept
                if not self._met[rule, True]
            ]
        found = [
            Exposure(
                severity,
                kind,
                rule,
                format_path(path),
                format_path(seen_at),
                seen.count,
                min(len(seen.values), MANY_VALUES + 1),
            )
            for (rule, path, seen_at, kind), seen in merged.items()
            if (severity := seen.severity(kind))
        ]
        return tuple(sorted([*found, *idle], key=lambda each: (each.severity, each.path, each.seen_at, each.kind)))

    def _check(self, source: WireItem, written: WireItem) -> None:
        hidden: list[_Hidden] = []
        met: Counter[tuple[Rule, bool]] = Counter()
        for rule, place, value in self._plan.rules_in(source):
            if is_worth_a_look(value):
                hidden += self._hidden(rule, place, value, value_at(written, place), met)
        packed = _packed({"M": written})
        hits = [each for each in hidden if each[2].packed in packed]
        with self._lock:
            self.checked += 1
            self._met.update(met)
        if hits:
            pieces = list(_pieces({"M": written}, (), self._plan.key_attributes))
            noted: set[tuple[Place, int]] = set()
            for rule, place, wanted in hits:
                self._search_for(rule, place, wanted, pieces, source, noted)

    def _hidden(
        self,
        rule: Rule,
        place: Place,
        value: WireValue,
        result: WireValue | None,
        met: Counter[tuple[Rule, bool]],
    ) -> Iterator[_Hidden]:
        """Yield what of a value is to be hidden; note what came out unchanged, and what a rule let stay."""
        ((kind, payload),) = value.items()
        draws = _draws(rule, kind)
        decides = rule.definition.reads_input and not draws
        generates = rule.definition.has_realm and not rule.definition.reads_input
        kept: bytes | None = None
        for wanted in wanted_in(value, self._search):
            if result == value and (draws or (generates and wanted.is_telling)):
                self._note(rule, place, place, "unchanged", wanted)
                return
            if result is not None and (decides or (draws and wanted.text != payload)):
                kept = _packed(result) if kept is None else kept
                if wanted.packed in kept:
                    if decides:
                        met[rule, False] += 1
                    elif kind in ELEMENT_OF_SET:
                        self._note(rule, place, place, "unchanged", wanted)
                    continue
            if decides:
                met[rule, True] += 1
            yield rule, place, wanted

    def _search_for(
        self,
        rule: Rule,
        place: Place,
        wanted: Wanted,
        pieces: Sequence[_Piece],
        source: WireItem,
        noted: set[tuple[Place, int]],
    ) -> None:
        """Note the texts in which an original is seen, each once, whatever forms or parts of it are there."""
        for index, piece in enumerate(pieces):
            where = piece.place
            if wanted.packed not in piece.packed or (place, index) in noted:
                continue
            if not any(map(wanted.is_in, piece.forms)):
                continue
            inside = where[:-1] if piece.kind == "map key" else where
            acting = self._plan.rule_at(inside, piece.letter)
            if acting is None or _may_carry(acting, wanted, value_at(source, where)):
                kind = piece.kind or _kind_of_text(piece.forms[0], wanted)
                own = where == place and compact(piece.forms[0]) == wanted.packed and kind != "map key"
                self._note(rule, place, where, "unchanged" if own else kind, wanted)
                noted.add((place, index))

    def _note(self, rule: Rule, place: Place, where: Place, kind: Kind, wanted: Wanted) -> None:
        with self._lock:
            seen_at = self._shape.generalize(where[:-1] if kind == "map key" else where)
            if kind == "map key":
                seen_at = (*seen_at, Wildcard.NAME)
            key = rule.place, self._shape.generalize(place), seen_at, kind
            seen = self._seen.get(key)
            if seen is None:
                if len(self._seen) >= MOST_FINDINGS:
                    self.unlisted += 1
                    return
                seen = self._seen[key] = _Seen()
            seen.note(wanted)
            self._failed = self._failed or seen.severity(kind) == "error"


def value_at(item: WireItem, place: Place) -> WireValue | None:
    """Return the value at a place of an item, or the one it lies inside; None where there is none."""
    value: WireValue = {"M": item}
    for step in place:
        if "M" in value and isinstance(step, str):
            following = value["M"].get(step)
        elif "L" in value and isinstance(step, int):
            following = value["L"][step] if step < len(value["L"]) else None
        else:
            return value
        if following is None:
            return None
        value = following
    return value


def _draws(rule: Rule, kind: str) -> bool:
    """Tell whether a rule's results are drawn, so that none may equal its value."""
    definition = rule.definition
    return (
        definition.reads_input
        and definition.has_realm
        and not definition.reads_item
        and rule.options.on_type_mismatch != "passthrough"
    ) and (kind in definition.accepts or ELEMENT_OF_SET.get(kind) in definition.accepts)


def _may_carry(acting: Rule, wanted: Wanted, source: WireValue | None) -> bool:
    """Tell whether a rule's result can hold a value for another reason than chance."""
    definition = acting.definition
    if definition.reads_item:
        return True
    if not definition.reads_input:
        return False
    return wanted.is_telling or (source is not None and wanted.packed in _packed(source))


def _packed(value: WireValue) -> bytes:
    """Return the letters and digits of all texts of a value, in any form, with NULs between texts."""
    texts: list[str] = []
    open_ = [value]
    while open_:
        for kind, payload in open_.pop().items():
            if kind == "S":
                texts.append(payload)
                texts += decoded_texts(payload)
            elif kind == "N":
                texts.append(payload)
            elif kind == "M":
                for name in payload:
                    texts += _name_texts(name)
                open_ += payload.values()
            elif kind == "L":
                open_ += payload
            elif kind == "B":
                texts.append(payload)
                texts += binary_texts(payload)
            elif kind in ELEMENT_OF_SET:
                open_ += [{ELEMENT_OF_SET[kind]: element} for element in payload]
    return _packed_texts(texts)


@lru_cache(maxsize=1024)
def _name_texts(name: str) -> tuple[str, ...]:
    """Return a map key and what it says once decoded; most come again in every item."""
    return name, *decoded_texts(name)


def _packed_texts(texts: Sequence[str]) -> bytes:
    joined = "\0".join(texts)
    if joined.isascii():
        return compact(joined)
    plain = [text for text in texts if text.isascii()]
    others = [text for text in texts if not text.isascii()]
    return compact("\0".join(plain)) + b"\0" + compact("\0".join(others))


def _pieces(value: WireValue, place: Place, keys: Sequence[str], known: Kind | None = None) -> Iterator[_Piece]:
    """Yield the texts of a value, each with its place."""
    ((kind, payload),) = value.items()
    if kind == "M":
        for name, member in payload.items():
            yield _piece((*place, name), "M", "map key", name)
            yield from _pieces(member, (*place, name), keys, "key" if not place and name in keys else None)
    elif kind == "L":
        for index, element in enumerate(payload):
            yield from _pieces(element, (*place, index), keys)
    elif kind in ELEMENT_OF_SET:
        for element in payload:
            yield _piece(place, kind, "binary" if kind == "BS" else "set", element)
    elif kind in ("S", "N", "B"):
        yield _piece(place, kind, "binary" if kind == "B" else known, payload)


def _piece(place: Place, letter: str, kind: Kind | None, text: str) -> _Piece:
    forms = [text, *(binary_texts(text) if kind == "binary" else decoded_texts(text))]
    return _Piece(place, letter, kind, forms, _packed_texts(forms))


def _kind_of_text(text: str, wanted: Wanted) -> Kind:
    if compact(text) == wanted.packed:
        return "attribute"
    return "json" if json_texts(text) else "text"
