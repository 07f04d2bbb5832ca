"""Items that cannot be transformed or written, put aside so that the run goes on without them.

They are kept as lines of JSON. The first line tells what the file is; each other one is an item: the keyed digest
of its source key, by which whoever has the secret and the key finds it, the rule and the reason, which hold no
value, and, where that was asked for, the source item itself. It is sealed by AES-256-GCM (NIST SP 800-38D) with a
key of its own, derived from the run's secret by HKDF (RFC 5869), and bound to its digest.
"""

from __future__ import annotations

import json
import os
import threading
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, cast

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from airflow_dynsync.engine import Plan, TransformError
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.values import WireItem
from airflow_dynsync.sync.checkpoint import FileStore
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.report.course import DeadLetterReason
from airflow_dynsync.sync.report.course import DeadLetters as DeadLettersPart
from airflow_dynsync.sync.report.parts import put_aside_in_words

OnItemError = Literal["fail", "dead_letter"]
DeadLetterItems = Literal["none", "encrypted"]

MAX_ITEM_ERRORS: Final = 100

_FORMAT: Final = "dynsync dead letters 1"
_BEGINNING: Final = b'{"format": "dynsync dead letters '
_DIGEST_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_NAMED: Final = 3  # reasons, in a message


class TooManyItemErrorsError(SyncError):
    """More items could not be transformed or written than the run may put aside."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An item that was put aside.

    Attributes:
        key: the keyed digest of its key in the source, in hexadecimal.
        rule: that failed on it, such as ``mappings.Email``; None where DynamoDB refused what the rules gave.
        reason: in a sentence.
        item: the source item, sealed, in Base64; None where it is not kept.
    """

    key: str
    rule: str | None
    reason: str
    item: str | None = None


class Sealing:
    """Tells keys apart and seals items, by keys derived from a secret.

    Args:
        secret: of the run, at least 16 bytes.
        key_names: the source table's primary key.
    """

    def __init__(self, secret: bytes, key_names: Sequence[str]) -> None:
        self._key_names = tuple(key_names)
        self._keyed = Secret(secret).keyed("dead letters")
        derived = HKDF(SHA256(), length=32, salt=None, info=b"dynsync dead letters").derive(secret)
        self._cipher = AESGCM(derived)

    def digest(self, item: WireItem) -> str:
        """Return the keyed digest of an item's key."""
        key = orjson.dumps([item[name] for name in self._key_names])
        return self._keyed.digest(key)[:_DIGEST_BYTES].hex()

    def seal(self, item: WireItem, digest: str) -> str:
        """Return an item that `open` opens again."""
        nonce = os.urandom(_NONCE_BYTES)
        return b64encode(nonce + self._cipher.encrypt(nonce, orjson.dumps(item), digest.encode())).decode()

    def open(self, letter: DeadLetter) -> WireItem | None:
        """Return the source item of a letter; None where it is not kept.

        Raises:
            SyncError: it was sealed with another secret, or changed since.
        """
        if letter.item is None:
            return None
        try:
            sealed = b64decode(letter.item)
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], letter.key.encode())
        except (ValueError, InvalidTag):
            raise SyncError(
                f"the item of key {letter.key} cannot be decrypted; give the secret of the run that put it aside"
            ) from None
        return cast("WireItem", orjson.loads(opened))


class DeadLetterFile(FileStore):
    """Where dead letters are kept: a file of this machine, for its owner alone, or an object of a store.

    Args:
        path: as `FileStore` takes it.
    """

    def __init__(self, path: Any) -> None:
        super().__init__(path, "dead-letter file", _BEGINNING)


class DeadLetters:
    """The items that one run puts aside; several threads may share it.

    Args:
        file: where they are kept.
        secret: of the run; None for one that is drawn now, and then nobody can tell a digest's key.
        source_table: name of the table that is read.
        key_names: its primary key.
        most: how many may be put aside.
        items: ``encrypted`` keeps the source items, in memory too until the run ends.
        continues: whether the run continues one that has put items aside; else the file is begun anew.

    Raises:
        SyncError: the file cannot be read or written, or is something else.
    """

    def __init__(
        self,
        file: FileStore,
        *,
        secret: bytes | None,
        source_table: str,
        key_names: Sequence[str],
        most: int,
        items: DeadLetterItems,
        continues: bool,
    ) -> None:
        if items == "encrypted" and secret is None:
            raise SyncError(
                "dead_letter_items: nobody could decrypt what is encrypted with a secret drawn for this run; give"
                " one that stays, or keep none"
            )
        self._file = file
        self._table_name = source_table
        self._key_names = tuple(key_names)
        self._sealing = Sealing(secret or os.urandom(32), key_names)
        self._most = most
        self._items: DeadLetterItems = items
        self._lock = threading.Lock()
        text = file.load()
        kept = parse_dead_letters(text)[1] if continues and text else []
        self._letters = {letter.key: letter for letter in kept}
        self._met: set[str] = set()
        self._saved = -1
        self._changes = 0
        self.save()

    def add(self, item: WireItem, error: Exception) -> None:
        """Put an item of the source aside.

        Args:
            item: as it was read.
            error: whose sentence, which holds no value, is the reason.

        Raises:
            TooManyItemErrorsError: it is one too many.
        """
        digest = self._sealing.digest(item)
        sealed = self._sealing.seal(item, digest) if self._items == "encrypted" else None
        rule, reason = (error.place, error.message) if isinstance(error, TransformError) else (None, str(error))
        with self._lock:
            self._letters[digest] = DeadLetter(digest, rule, reason, sealed)
            self._met.add(digest)
            self._changes += 1
            count = len(self._letters)
        if count > self._most:
            raise TooManyItemErrorsError(
                f"table {self._table_name}: more than max_item_errors ({self._most:,}) items could not be"
                f" transformed or written: {self._reasons_in_words()}; correct the rules, or allow more; the items"
                f" are listed in {self._file}"
            )

    def save(self) -> None:
        """Write the file, if there is something new; to be called from one thread.

        Raises:
            SyncError: it cannot be written.
        """
        with self._lock:
            changes, letters = self._changes, list(self._letters.values())
        if changes == self._saved:
            return
        try:
            self._file.save(_written(self._table_name, self._key_names, letters))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SyncError(f"dead-letter file {self._file}: cannot be written, {reason}; name another") from None
        self._saved = changes

    def part(self) -> DeadLettersPart:
        """Return the report's part."""
        with self._lock:
            letters, met = list(self._letters.values()), len(self._met)
        counts = Counter((letter.rule, letter.reason) for letter in letters)
        return DeadLettersPart(
            count=len(letters),
            path=str(self._file),
            count_before=len(letters) - met,
            items=self._items,
            reasons=tuple(DeadLetterReason(*place, count) for place, count in counts.most_common()),
        )

    def warning(self) -> str | None:
        """Return in a sentence what was put aside; None where nothing was."""
        if not self._letters:
            return None
        return f"Dead letters: {put_aside_in_words(self.part())}: {self._reasons_in_words()}"

    def _reasons_in_words(self) -> str:
        reasons = self.part().reasons
        named = [
            f"{each.count:,} x {each.reason if each.rule is None else f'{each.rule}: {each.reason}'}"
            for each in reasons[:_NAMED]
        ]
        more = [f"and {len(reasons) - _NAMED} more reasons"] if len(reasons) > _NAMED else []
        return "; ".join(named + more)


def transform_others(
    plan: Plan, items: Sequence[WireItem], put_aside: Callable[[WireItem, TransformError], object]
) -> tuple[list[WireItem], list[WireItem]]:
    """Transform the items of a chunk that can be transformed, and put the others aside.

    Where none fails it takes as long as ``plan.apply``.

    Returns:
        the items that were transformed, and what became of them, in the same order.
    """
    sources: list[WireItem] = []
    results: list[WireItem] = []
    pending = [list(items)]
    while pending:
        part = pending.pop()
        try:
            results += plan.apply(part)
            sources += part
        except TransformError as error:
            if len(part) == 1:
                put_aside(part[0], error)
                continue
            blamed = error.row if error.row is not None and error.row < len(part) else None
            cuts = (len(part) // 2,) if blamed is None else (blamed, blamed + 1)
            parts = [part[first:last] for first, last in zip((0, *cuts), (*cuts, len(part)), strict=True)]
            pending += [each for each in reversed(parts) if each]
    return sources, results


def destination_key(plan: Plan, item: WireItem) -> WireItem | None:
    """Return the key that a source item has at the destination, though it cannot be transformed as a whole.

    None where that cannot be told: a rule on the key fails, or looks at other attributes.
    """
    key = {name: item[name] for name in plan.key_attributes}
    if not plan.key_rules:
        return key
    if any(rule.definition.reads_item for rule in plan.key_rules):
        return None
    try:
        return plan.recompute([key])[0]
    except TransformError:
        return None


def parse_dead_letters(text: str) -> tuple[tuple[str, ...], list[DeadLetter]]:
    """Return the names of the source table's key, and the letters, of what a run wrote.

    Raises:
        SyncError: it is no dead-letter file of this version, or damaged.
    """
    try:
        head, *lines = map(json.loads, text.splitlines())
        if head["format"] != _FORMAT:
            raise ValueError
        return tuple(head["key_names"]), [DeadLetter(**line) for line in lines]
    except (ValueError, KeyError, TypeError):
        raise SyncError(
            "a dead-letter file of this version was expected; give, or remove, one that a sync wrote"
        ) from None


def _written(table_name: str, key_names: Sequence[str], letters: Sequence[DeadLetter]) -> str:
    head = {"format": _FORMAT, "table": table_name, "key_names": [*key_names]}
    return "".join(f"{json.dumps(line)}\n" for line in (head, *map(_plain, letters)))


def _plain(letter: DeadLetter) -> dict[str, str | None]:
    return {name: value for name, value in asdict(letter).items() if name != "item" or value is not None}
