"""The keyed stream: the engine's only source of randomness.

Everything is drawn from BLAKE2b (RFC 7693) in its keyed mode, as a pseudorandom function of the run's secret and
what identifies the value, so the same secret gives the same output on any machine, in any order, after any retry.
A block is ``BLAKE2b(key=subkey, counter || data)``; subkeys are derived from the secret by purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar

MIN_SECRET_BYTES = 16
_BLOCK = 64

T = TypeVar("T")


def join_parts(*parts: str | bytes) -> bytes:
    """Return the parts as one byte string that no other sequence of parts gives (each carries its length)."""
    joined = b""
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        joined += len(encoded).to_bytes(4, "big") + encoded
    return joined


class Secret:
    """The run's secret, from which each purpose gets a key of its own.

    Args:
        secret: at least 16 bytes.
    """

    __slots__ = ("_root",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"the secret has {len(secret)} bytes, at least {MIN_SECRET_BYTES} are needed")
        self._root = blake2b(secret, digest_size=64, person=b"dynsync secret").digest()

    def __repr__(self) -> str:
        return "Secret(***)"

    def keyed(self, *purpose: str) -> Keyed:
        """Return the keyed function of one purpose, such as ``("transform", realm)``."""
        return Keyed(blake2b(join_parts(*purpose), key=self._root, digest_size=64).digest())


class Keyed:
    """A keyed function: the same data gives the same stream, and nobody without the key can tell which."""

    __slots__ = ("_base", "_first")

    def __init__(self, key: bytes) -> None:
        self._base = blake2b(key=key, digest_size=_BLOCK)
        self._first = self._base.copy()
        self._first.update(bytes(4))  # the counter of a stream's first block

    def __repr__(self) -> str:
        return "Keyed(***)"

    def digest(self, data: bytes) -> bytes:
        """Return 64 keyed bytes for ``data``."""
        state = self._first.copy()
        state.update(data)
        return state.digest()

    def stream(self, data: bytes) -> Stream:
        """Return the stream that belongs to ``data``; long data is hashed once, not for every block."""
        if len(data) > _BLOCK:
            data = self.digest(data)
        state = self._first.copy()
        state.update(data)
        return Stream(self._base, data, state.digest())


class Stream:
    """Uniform random draws that belong to one value."""

    __slots__ = ("_base", "_blocks", "_data", "_position")

    def __init__(self, base: blake2b, data: bytes, first: bytes) -> None:
        self._base = base
        self._data = data
        self._blocks = first
        self._position = 0

    def bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        start = self._position
        self._position = end = start + count
        if end > len(self._blocks):
            self._extend(end)
        return self._blocks[start:end]

    def _extend(self, end: int) -> None:
        blocks = [self._blocks]
        for counter in range(len(self._blocks) // _BLOCK, -(-end // _BLOCK)):
            state = self._base.copy()
            state.update(counter.to_bytes(4, "big") + self._data)
            blocks.append(state.digest())
        self._blocks = b"".join(blocks)

    def below(self, bound: int) -> int:
        """Return an integer from 0 to ``bound - 1``; its bias is under 2**-56."""
        start = self._position
        self._position = end = start + (bound.bit_length() + 63) // 8
        if end > len(self._blocks):
            self._extend(end)
        return int.from_bytes(self._blocks[start:end], "big") % bound

    def between(self, low: int, high: int) -> int:
        """Return an integer from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def chance(self) -> bool:
        """Return True or False, each with probability 1/2."""
        return self.bytes(1)[0] < 128

    def choice(self, options: Sequence[T]) -> T:
        """Return one of ``options``."""
        return options[self.below(len(options))]

    def text(self, alphabet: str, length: int) -> str:
        """Return ``length`` characters of ``alphabet`` (at most 256 distinct ASCII characters), each as likely."""
        table, rejected = _byte_table(alphabet)
        drawn = b""
        while (missing := length - len(drawn)) > 0:
            drawn += self.bytes(missing + missing // 8 + 2).translate(table, rejected)
        return drawn[:length].decode("ascii")


@lru_cache(maxsize=64)
def _byte_table(alphabet: str) -> tuple[bytes, bytes]:
    """Map bytes to letters; those past the last full round of the alphabet are rejected, so none is favoured."""
    usable = 256 - 256 % len(alphabet)
    letters = alphabet.encode("ascii")
    return bytes(letters[byte % len(letters)] for byte in range(256)), bytes(range(usable, 256))
