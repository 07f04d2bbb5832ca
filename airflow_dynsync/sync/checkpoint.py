"""How far a sync is, kept outside the process, so that an interrupted one goes on where it was.

What is kept: per segment the position behind the last page whose every write is confirmed. Positions are key
values of the source, so they are sealed with a key derived from the secret (AES-256-GCM, NIST SP 800-38D). In
clear there is only a fingerprint, keyed by the secret too, of all that a resumed run must have in common with the
interrupted one.
"""

from __future__ import annotations

import os
import threading
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from airflow_dynsync.dynamodb.client import WireItem
from airflow_dynsync.engine.keyed import Secret

Position = WireItem | str
"""Where the next page begins, as `dynamodb.reader.Page` tells it."""

_FORMAT: Final = "dynsync checkpoint 1"
_NONCE_BYTES: Final = 12
_SHARE_OF_TIME: Final = 0.05
"""How much of a run may be spent on saving checkpoints, where every page would take more."""


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

    Args:
        path: a `pathlib.Path`, or an object with its methods whose writes replace the whole object at once.
    """

    def __init__(self, path: Any) -> None:
        self._path = path

    def load(self) -> str | None:
        """Return the file's text."""
        try:
            text: str = self._path.read_text()
        except FileNotFoundError:
            return None
        return text

    def save(self, text: str) -> None:
        """Write the file; one on this machine is written beside its place and then moved there."""
        if isinstance(self._path, Path):
            beside = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
            beside.write_text(text)
            beside.replace(self._path)
        else:
            self._path.write_text(text)

    def remove(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)


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
    """

    def __init__(
        self, segments: range, store: CheckpointStore | None, secret: bytes = b"", common: Any = None
    ) -> None:
        self._states = {segment: SegmentState() for segment in segments}
        self._store = store
        self._lock = threading.Lock()
        self._changed = False
        self._due = time.monotonic()
        self.interrupted_run = ""
        if store is not None:
            keyed = Secret(secret).keyed("checkpoint")
            self._cipher = AESGCM(keyed.digest(b"seal")[:32])
            described = orjson.dumps([_FORMAT, common, [*segments]], option=orjson.OPT_SORT_KEYS)
            self._fingerprint = keyed.digest(described)[:16].hex()
            self._resume(store.load())

    def _resume(self, text: str | None) -> None:
        if text is None:
            return
        try:
            kept = orjson.loads(text)
            if kept["fingerprint"] != self._fingerprint:
                self.interrupted_run = (
                    "another one was interrupted: its mapping, secret, tables, condition or segments are not those"
                    " of this run, which starts over"
                )
                return
            sealed = b64decode(kept["sealed"])
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._fingerprint.encode())
            states = {int(number): SegmentState(*state) for number, state in orjson.loads(opened).items()}
        except (ValueError, KeyError, TypeError, InvalidTag):
            self.interrupted_run = "its checkpoint cannot be read, so this run starts over"
            return
        self._states.update(states)
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
            self._changed = True

    @property
    def seconds_until_due(self) -> float | None:
        """How long until there is something to save and time to save it; None where nothing changed."""
        if self._store is None or not self._changed:
            return None
        return max(0.0, self._due - time.monotonic())

    def save(self) -> None:
        """Save the states as they are now; to be called from the thread that the store belongs to."""
        if self._store is None or not self._changed:
            return
        began = time.monotonic()
        with self._lock:
            self._changed = False
            opened = orjson.dumps(
                {
                    str(number): [state.position, state.done, state.items_written]
                    for number, state in self._states.items()
                }
            )
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, opened, self._fingerprint.encode())
        self._store.save(
            orjson.dumps({"fingerprint": self._fingerprint, "sealed": b64encode(sealed).decode()}).decode()
        )
        ended = time.monotonic()
        self._due = ended + (ended - began) / _SHARE_OF_TIME

    def remove(self) -> None:
        """Forget what was saved: the run is complete."""
        if self._store is not None:
            self._store.remove()
