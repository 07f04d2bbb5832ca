"""How far a sync is, kept outside the process, so that an interrupted one goes on where it was.

What is kept: per segment the position behind the last page whose every write is confirmed. Positions are key
values of the source, so they are sealed with a key derived from the secret (AES-256-GCM, NIST SP 800-38D). In
clear there is only a fingerprint, keyed by the secret too, of all that a resumed run must have in common with the
interrupted one.

A process may be killed at any moment: what was saved is replaced as a whole or not at all, and is never ahead of
what is written. So a resumed run repeats what was in flight (of each segment at work the chunk being written and
the one read behind it) and what was confirmed since the last save, and writing an item again changes nothing.
"""

from __future__ import annotations

import json
import os
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from airflow_dynsync.dynamodb.client import WireItem
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.sync.errors import SyncError

Position = WireItem | str
"""Where the next page begins, as `dynamodb.reader.Page` tells it."""

_FORMAT: Final = "dynsync checkpoint 1"
_BEGINNING: Final = b'{"format":"dynsync checkpoint '
_NONCE_BYTES: Final = 12
_SHARE_OF_TIME: Final = 0.05
"""How much of a run may be spent on saving checkpoints, where every page would take more."""

MAX_AGE_SECONDS: Final = 24 * 60 * 60
"""Since the first attempt began. What was written before would be older than the next night's run makes it."""

_LEAST_COST_SECONDS: Final = 0.001
_LONGEST_SECONDS: Final = 5.0
"""From one save to the next at most, and from a failed one to the next attempt."""


class CheckpointStore(Protocol):
    """Keeps one text."""

    def load(self) -> str | None:
        """Return what was saved last; None if there is nothing."""
        ...

    def save(self, text: str) -> None:
        """Put the text in place of the one before, all of it or nothing."""
        ...

    def remove(self) -> None:
        """Remove what was saved, if anything was."""
        ...


class FileStore:
    """A file on this machine or, as an Airflow ``ObjectStoragePath``, in an object store.

    Nobody but its owner may read one on this machine. It outlives the process at any moment, but is not forced to
    disk: after a power failure an older one may be found, or a damaged one, which is told and not used.

    Args:
        path: a `pathlib.Path`, or an object with its methods whose writes replace the whole object at once.
        what: is kept there, in the words of an error.
        beginning: of such a file; one that begins otherwise is somebody else's.
    """

    def __init__(self, path: Any, what: str = "checkpoint", beginning: bytes = _BEGINNING) -> None:
        self._path = path
        self._what = what
        self._beginning = beginning
        self._local = isinstance(path, Path)

    def __str__(self) -> str:
        return str(self._path)

    def load(self) -> str | None:
        """Return the file's text.

        Raises:
            SyncError: the file may not be read, is of another kind and so not to be replaced, or has no folder.
        """
        with self._explained("read"):
            try:
                content: bytes = self._path.read_bytes()
            except FileNotFoundError:
                if self._local and not self._path.parent.is_dir():
                    raise SyncError(
                        f"{self._what} {self._path}: the folder {self._path.parent} does not exist; make it"
                    ) from None
                return None
        if content[: len(self._beginning)] != self._beginning[: len(content)]:
            raise SyncError(
                f"{self._what} {self._path}: the file is no {self._what} and would be overwritten; name another"
            )
        return content.decode("ascii", "replace")

    def save(self, text: str) -> None:
        """Write the file; one on this machine is written beside its place and then moved there."""
        if self._local:
            beside = self._beside()
            beside.unlink(missing_ok=True)
            # Made anew: no link is followed that somebody else has put there, and its mode is ours.
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
            beside.replace(self._path)
        else:
            self._path.write_text(text)

    def remove(self) -> None:
        """Remove the file.

        Raises:
            SyncError: it may not be removed, and would make the next run believe that all is done.
        """
        with self._explained("removed"):
            self._path.unlink(missing_ok=True)
            if self._local:
                self._beside().unlink(missing_ok=True)

    def _beside(self) -> Path:
        beside: Path = self._path.with_name(f"{self._path.name}.new")
        return beside

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
            failure = SyncError(
                f"{self._what} {self._path}: it cannot be {doing}, {error.strerror or type(error).__name__};"
                " name a file in a folder that this process may write to, or remove it"
            )
        else:
            return
        raise failure


@dataclass(slots=True)
class SegmentState:
    """How far a segment is.

    Attributes:
        position: where its next page begins; None at its start, and at its end.
        done: it is written to its end.
        items_written: so far, earlier attempts included.
    """

    position: Position | None = None
    done: bool = False
    items_written: int = 0


class Checkpoint:
    """The states of a run's segments, and their place outside the process.

    Args:
        segments: the numbers of the segments that this run moves.
        store: None keeps nothing.
        secret: the run's; it must be the one that a resumed run will have.
        common: what a resumed run must have in common with the interrupted one; JSON values.
        on_notice: called with a sentence where the store fails, from the thread that saves.
        before_save: saves what must not be behind the checkpoint; where it fails, that is not saved either.

    Attributes:
        interrupted_run: what becomes of an earlier run that was interrupted; empty if there was none.
        continues: whether this run goes on where that one was.
        items_written_before: items of pages that it confirmed and that this run does not repeat.
    """

    def __init__(
        self,
        segments: range,
        store: CheckpointStore | None,
        secret: bytes = b"",
        common: Any = None,
        on_notice: Callable[[str], None] = lambda _: None,
        before_save: Callable[[], object] = lambda: None,
    ) -> None:
        self._states = {segment: SegmentState() for segment in segments}
        self._store = store
        self._on_notice = on_notice
        self._before_save = before_save
        self._lock = threading.Lock()
        self._advances = self._advances_saved = 0
        self._due = time.monotonic()
        self._cost = 0.0
        self._failing = False
        self._started_over: list[int] = []
        self._begun = time.time()
        self.interrupted_run = ""
        self.continues = False
        self.items_written_before = 0
        if store is not None:
            keyed = Secret(secret).keyed("checkpoint")
            self._cipher = AESGCM(keyed.digest(b"seal")[:32])
            # Not orjson, which refuses numbers of more than 64 bits, as a rule's parameter may be.
            described = json.dumps([_FORMAT, common, [*segments]], sort_keys=True)
            self._fingerprint = keyed.digest(described.encode())[:16].hex()
            self._resume(store.load())

    def _resume(self, text: str | None) -> None:
        if text is None:
            return
        try:
            kept = orjson.loads(text)
            if kept["fingerprint"] != self._fingerprint:
                self.interrupted_run = (
                    "another one was interrupted: its mapping, secret, tables, condition, segments or version of"
                    " airflow-dynsync are not those of this run, which starts over"
                )
                return
            sealed = b64decode(kept["sealed"])
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._fingerprint.encode())
            begun, numbered = orjson.loads(opened)
            states = {int(number): SegmentState(*state) for number, state in numbered.items()}
        except (ValueError, KeyError, TypeError, InvalidTag):
            self.interrupted_run = "its checkpoint cannot be read, so this run starts over"
            return
        if not 0 <= time.time() - begun <= MAX_AGE_SECONDS:
            self.interrupted_run = "it began more than a day ago, so this run starts over"
            return
        self._begun = begun
        self._states.update(states)
        self.continues = True
        self.items_written_before = self.items_written
        self.interrupted_run = (
            f"it is continued: {sum(state.done for state in states.values())} of {len(states)} segments and"
            f" {self.items_written:,} items are written"
        )

    @property
    def items_written(self) -> int:
        """Items of confirmed pages, earlier attempts included."""
        with self._lock:
            return sum(state.items_written for state in self._states.values())

    @property
    def items_written_by_segment(self) -> dict[int, int]:
        """The same for each segment."""
        with self._lock:
            return {segment: state.items_written for segment, state in self._states.items()}

    @property
    def unfinished(self) -> list[int]:
        """The segments that are not written to their end."""
        with self._lock:
            return [segment for segment, state in self._states.items() if not state.done]

    def position(self, segment: int) -> Position | None:
        """Return where the next page of a segment begins."""
        return self._states[segment].position

    def advance(self, segment: int, position: Position | None, items: int) -> None:
        """Note that all before a position is written; None for the segment's end. Any thread may call it."""
        with self._lock:
            state = self._states[segment]
            self._states[segment] = SegmentState(position, position is None, state.items_written + items)
            self._advances += 1

    def start_over(self, segment: int) -> None:
        """Note that DynamoDB refuses a segment's position. Any thread may call it; `save` tells of it."""
        with self._lock:
            self.items_written_before -= self._states[segment].items_written
            self._states[segment] = SegmentState()
            self._advances += 1
            self._started_over.append(segment)

    @property
    def seconds_until_due(self) -> float | None:
        """How long until there is something to save and time to save it; None where nothing changed."""
        if self._store is None or self._advances == self._advances_saved:
            return None
        return max(0.0, self._due - time.monotonic())

    def save(self) -> None:
        """Save the states as they are now; to be called from the thread that the store belongs to.

        A store that fails does not end the run: the first of several failures is told, and the next save comes.
        """
        if self._store is None or self._advances == self._advances_saved:
            return
        began = time.monotonic()
        with self._lock:
            advances = self._advances
            states = {
                str(number): [state.position, state.done, state.items_written]
                for number, state in self._states.items()
            }
            started_over, self._started_over = self._started_over, []
        for segment in started_over:
            self._on_notice(
                f"Segment {segment} starts over: DynamoDB takes the position that the interrupted run had reached"
                " no more"
            )
        try:
            self._before_save()
            self._store.save(self._seal(orjson.dumps([self._begun, states])))
        except Exception as error:  # noqa: BLE001 - a store may raise anything, and the run is worth more than it
            self._due = time.monotonic() + _LONGEST_SECONDS
            if not self._failing:
                self._failing = True
                cause = getattr(error, "strerror", None) or type(error).__name__
                self._on_notice(
                    f"How far this run is could not be saved ({cause}); it goes on and tries again, and if it is"
                    " interrupted meanwhile, what it wrote since the last save is repeated"
                )
        else:
            self._advances_saved = advances
            self._failing = False
            ended = time.monotonic()
            # One that took long may have waited for the threads that work; only several tell of a slow store.
            self._cost = min(ended - began, max(2 * self._cost, _LEAST_COST_SECONDS))
            self._due = ended + min(self._cost / _SHARE_OF_TIME, _LONGEST_SECONDS)

    def _seal(self, opened: bytes) -> str:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, opened, self._fingerprint.encode())
        kept = {"format": _FORMAT, "fingerprint": self._fingerprint, "sealed": b64encode(sealed).decode()}
        return orjson.dumps(kept).decode()

    def remove(self) -> None:
        """Forget what was saved: the run is complete."""
        if self._store is not None:
            self._store.remove()
