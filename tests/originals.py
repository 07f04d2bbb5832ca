"""The originals that a mapping hides, and the search for them in whatever a run leaves behind.

Which they are follows from the source's items and the mapping alone (`local.verification.protected_values`). How
each is searched for depends on how much it tells:

- ``everywhere``: at least `LONG` characters with a letter, or `MANY_DIGITS` digits. It may stand nowhere, whatever
  is around it.
- ``in its item``: as long, but somebody else's pseudonym may be the same: a name of the word lists, a number of
  few digits. It may not stand in the item that is made of its own, nor in anything but the destination.
- ``as a word``: `WORD` characters or more, with a letter. Likewise, as a whole word.
- ``in place``: what is shorter, such as a postal code or a yes. It would mean nothing elsewhere; whether its place
  holds what the rule gives, computed anew, is for `local.verification.verify`.
"""

import json
import re
import threading
from base64 import b64decode, b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args
from urllib.parse import quote

from airflow_dynsync.engine import Mapping, compile_plan
from airflow_dynsync.engine.corpora import Locale, words
from airflow_dynsync.engine.paths import format_path
from local.verification import protected_values

PATIENCE_SECONDS = 180

LONG = 8
MANY_DIGITS = 10
WORD = 4
FEW = 300
"""Of so many each is looked for by itself; more are met on one way through the content."""

Way = Literal["everywhere", "in its item", "as a word", "in place"]

_PUNCTUATION = bytes(code for code in range(128) if not chr(code).isalnum())
_WORDS = re.compile(rb"[0-9a-z\x80-\xff]+")
_TIMES = re.compile(rb"[0-9]{2}:[0-9]{2}:[0-9]{2}[.,][0-9]+|[0-9]{10}\.[0-9]+")
"""Of day and since the epoch, with fractions: among ten thousands of them in a log, some end like a coordinate."""
_SCALARS = {"SS": "S", "NS": "N", "BS": "B"}


class Originals:
    """What is searched for; of what is found only paths and counts are told.

    Attributes:
        ways: by path, how its values are searched for, and how many of them.
    """

    def __init__(self, source: Sequence[Any], mapping: Mapping, key_attributes: Sequence[str]) -> None:
        self._source = source
        self._mapping = mapping
        self._key_attributes = tuple(key_attributes)
        self.ways: defaultdict[str, Counter[Way]] = defaultdict(Counter)
        self._of_items: list[_Needles] = []
        self._everywhere, self._anywhere = _Needles(), _Needles()
        for row in protected_values(source, mapping, key_attributes=key_attributes):
            own = _Needles()
            for path, value in row:
                self._add(own, format_path(path), value)
            self._of_items.append(own)

    def _add(self, own: "_Needles", path: str, value: Any) -> None:
        for kind, text in scalars(value):
            way = _way(kind, text)
            self.ways[path][way] += 1
            if way == "in place":
                continue
            for needles in (own, self._anywhere, *([self._everywhere] if way == "everywhere" else [])):
                needles.add(path, kind, text, as_word=way == "as a word")

    def left_in(self, content: bytes | str) -> Counter[str]:
        """Return the paths whose originals stand in something that a run leaves behind, but the destination."""
        return self._anywhere.found_in(_TIMES.sub(b" ", content.encode() if isinstance(content, str) else content))

    def left_in_files(self, *folders: Path) -> Counter[str]:
        """Return the same of all files below some folders, of which there has to be one."""
        files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        assert files
        return sum((self.left_in(file.read_bytes()) for file in files), Counter())

    def left_in_table(self, items: Sequence[Any], secret: bytes) -> Counter[str]:
        """Return the paths whose originals stand in the items of the destination, which a secret has made."""
        plan = compile_plan(self._mapping, key_attributes=self._key_attributes, secret=secret)
        rows = zip(plan.recompute(self._source), self._of_items, strict=True)
        by_key = {self._key(item): own for item, own in rows}
        found = self._everywhere.found_in(b"\n".join(map(_written, items)))
        for item in items:
            found += by_key[self._key(item)].found_in(_written(item))
        return found

    def _key(self, item: Any) -> str:
        return repr([item[name] for name in self._key_attributes])


_Forms = defaultdict[bytes, defaultdict[bytes, set[str]]]
"""By the first `LONG` bytes of a form: the paths of the originals that look so."""


class _Needles:
    """Texts in the forms in which they may stand somewhere, and the path of each."""

    def __init__(self) -> None:
        self._verbatim: _Forms = defaultdict(_paths_by_form)
        self._packed: _Forms = defaultdict(_paths_by_form)
        self._words = _paths_by_form()

    def add(self, path: str, kind: str, text: str, *, as_word: bool) -> None:
        raw = b64decode(text) if kind == "B" else text.encode()
        if as_word:
            self._words[_spaced(raw)].add(path)
            return
        told = {raw, text.encode(), json.dumps(text)[1:-1].encode(), quote(text).encode(), raw.hex().encode()}
        for form in told | {b64encode(raw[: len(raw) // 3 * 3])}:
            self._verbatim[form.lower()[:LONG]][form.lower()].add(path)
        for packed in (_packed(text.encode()), _packed(json.dumps(text).encode())):
            if len(packed) >= MANY_DIGITS:
                self._packed[packed[:LONG]][packed].add(path)

    def found_in(self, content: bytes) -> Counter[str]:
        """Return the paths of what stands there, and how often."""
        lowered = content.lower()
        found = Counter(_paths_in(lowered, self._verbatim))
        found.update(_paths_in(_packed(content), self._packed))
        if self._words:
            spaced = b" %b " % _spaced(lowered)
            found.update(chain.from_iterable(at for word, at in self._words.items() if b" %b " % word in spaced))
        return found


def _paths_by_form() -> defaultdict[bytes, set[str]]:
    return defaultdict(set)


def _paths_in(content: bytes, needles: "_Forms") -> Iterator[str]:
    if len(needles) < FEW:
        all_forms = chain.from_iterable(forms.items() for forms in needles.values())
        yield from chain.from_iterable(paths for form, paths in all_forms if form in content)
        return
    for at in [at for at in range(len(content) - LONG + 1) if content[at : at + LONG] in needles]:
        forms = needles[content[at : at + LONG]]
        yield from chain.from_iterable(paths for form, paths in forms.items() if content.startswith(form, at))


def scalars(value: Any) -> Iterator[tuple[str, str]]:
    """Yield type letter and text of a value, or of all that it holds, map keys as strings; no empty ones."""
    for kind, payload in value.items():
        if kind in ("M", "L"):
            for member in payload.values() if kind == "M" else payload:
                yield from scalars(member)
            yield from (("S", name) for name in (payload if kind == "M" else ()))
        elif kind in _SCALARS:
            yield from ((_SCALARS[kind], element) for element in payload)
        elif kind in ("S", "N", "B") and payload:
            yield kind, payload
        elif kind == "BOOL":
            yield kind, str(payload)


def _way(kind: str, text: str) -> Way:
    has_letter = any(map(str.isalpha, text))
    if kind == "BOOL" or len(text) < (WORD if has_letter else LONG):
        return "in place"
    if len(text) < LONG:
        return "as a word"
    tells = sum(map(str.isdigit, text)) >= MANY_DIGITS or (has_letter and not _of_the_lists(text))
    return "everywhere" if tells else "in its item"


def _of_the_lists(text: str) -> bool:
    return set(_WORDS.findall(text.lower().encode())) <= _vocabulary()


@cache
def _vocabulary() -> frozenset[bytes]:
    lists = (words(name, locale) for name in ("first_names", "last_names") for locale in get_args(Locale))
    return frozenset(_WORDS.findall("\n".join(chain.from_iterable(lists)).lower().encode()))


def _spaced(content: bytes) -> bytes:
    return b" ".join(_WORDS.findall(content.lower()))


def _packed(content: bytes) -> bytes:
    return content.lower().translate(None, _PUNCTUATION)


def _written(item: Any) -> bytes:
    """Return all texts of an item, names and binaries as they are included, one a line."""
    return b"\n".join(_all_texts({"M": item}))


def _all_texts(value: Any) -> Iterable[bytes]:
    for kind, text in scalars(value):
        yield text.encode()
        if kind == "B":
            yield b64decode(text)


class Watch:
    """The plan of a `fault_proxy` that looks at all files of some folders while writes wait for their answers.

    Args:
        folders: where a run may leave something.
        every: of how many writes one is looked at.
        refuse: which write is refused for good, counted from 1; None for none.
        hold: which write, and what comes behind it, waits until `go_on` is set; None for none.

    Attributes:
        contents: of the files that were there, each once.
        holds: set when a write waits.
        go_on: to be set then.
    """

    def __init__(self, *folders: Path, every: int = 1, refuse: int | None = None, hold: int | None = None) -> None:
        self._folders = folders
        self._every = every
        self._refuse, self._hold = refuse, hold
        self._writes = 0
        self.contents: set[bytes] = set()
        self.holds, self.go_on = threading.Event(), threading.Event()

    def __call__(self, operation: str, body: bytes, times: int) -> tuple[str | None, Random]:
        if operation != "BatchWriteItem":
            return None, Random()
        self._writes += 1
        if self._writes == self._hold:
            self.holds.set()
            self.go_on.wait(PATIENCE_SECONDS)
        if self._writes % self._every == 0:
            self.contents.update(self._look())
        return ("AccessDeniedException" if self._writes == self._refuse else None), Random()

    def _look(self) -> Iterator[bytes]:
        for file in (file for folder in self._folders for file in folder.rglob("*") if file.is_file()):
            with suppress(FileNotFoundError):  # one is moved to the place of another
                yield file.read_bytes()
