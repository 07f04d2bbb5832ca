"""Which items a check looks at: some of them, the same ones in every run with the same secret."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

import orjson

from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.values import WireItem

ONE_IN: Final = 100


class Sampler:
    """Chooses items by the keyed digest of their source key, so that runs agree whatever their order and pages.

    Args:
        key_names: the source table's primary key.
        secret: that of the run; None draws a random one, with which no other run agrees.
        one_in: one of how many items is chosen; 1 for all.
    """

    def __init__(self, key_names: Sequence[str], secret: bytes | None, one_in: int = ONE_IN) -> None:
        self._key = itemgetter(*key_names)
        self._digest = Secret(secret or secrets.token_bytes(32)).keyed("sample").digest
        self._below = (2**64 // one_in).to_bytes(9, "big")[1:]
        self.one_in: Final = one_in

    def choose(self, items: Sequence[WireItem]) -> Sequence[int]:
        """Return the positions of the chosen items."""
        if self.one_in == 1:
            return range(len(items))
        digest, key, below = self._digest, self._key, self._below
        return [position for position, item in enumerate(items) if digest(orjson.dumps(key(item))) < below]
