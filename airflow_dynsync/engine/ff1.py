"""FF1: format-preserving encryption by AES, after NIST SP 800-38G (Algorithm 7) and its revision 1.

FF1 permutes the strings of one length over one alphabet: each becomes one of that length, and no two the same.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

MIN_RADIX: Final = 2
MAX_RADIX: Final = 2**16
MIN_DOMAIN: Final = 10**6
"""The fewest strings that a domain may have after revision 1; of fewer, a table is soon made."""

MAX_LENGTH: Final = 4096
"""Our own limit (the standard leaves it open): the work grows with the square of the length."""

_BLOCK: Final = 16
_ROUNDS: Final = 10


def min_length(radix: int) -> int:
    """Return the fewest characters that make a domain of `MIN_DOMAIN`: 6 digits, 4 of 62 letters and digits."""
    length = 1
    while radix**length < MIN_DOMAIN:
        length += 1
    return length


class _BlockCipher(threading.local):
    """AES of single blocks; a context for each thread."""

    def __init__(self, key: bytes) -> None:
        self.encrypt = Cipher(AES(key), modes.ECB()).encryptor().update  # noqa: S305 - FF1 chains blocks itself


@dataclass(frozen=True, slots=True)
class _Layout:
    """What all strings of one length share; names as in the standard.

    Attributes:
        b: bytes of a half's number.
        d: bytes drawn in a round.
        moduli: radix**u and radix**v.
        tail: bytes of Q from the last block border before its variable part on.
        fixed: what ``tail`` begins with, as its high bits.
        state: the chained cipher over P and the blocks of Q before ``tail``.
    """

    b: int
    d: int
    moduli: tuple[int, int]
    tail: int
    fixed: int
    state: bytes


class FF1:
    """One permutation for each length.

    Args:
        key: of AES: 16, 24 or 32 bytes.
        radix: how many characters the alphabet has, 2 to 65536.
        tweak: public bytes; another tweak gives another permutation.
    """

    def __init__(self, key: bytes, radix: int, tweak: bytes = b"") -> None:
        if not MIN_RADIX <= radix <= MAX_RADIX:
            raise ValueError(f"the radix is {radix}, expected {MIN_RADIX} to {MAX_RADIX}")
        self.radix: Final = radix
        self._tweak = tweak
        self._cipher = _BlockCipher(key)
        self._layouts: dict[int, _Layout] = {}

    def __repr__(self) -> str:
        return f"FF1(***, radix={self.radix})"

    def encrypt(self, left: int, right: int, length: int) -> tuple[int, int]:
        """Return the halves of the encrypted string as numbers.

        Args:
            left: the number that the first ``length // 2`` characters make in the radix, first character highest.
            right: that of the others.
            length: characters of the whole string, 1 to `MAX_LENGTH`. Below `min_length` the result is still one
                to one, without the strength that the standard asks for.
        """
        layout = self._layouts.get(length)
        if layout is None:
            layout = self._layouts[length] = self._layout(length)
        for number in range(_ROUNDS):
            drawn = self._round(layout, number, right)
            left, right = right, (left + drawn) % layout.moduli[number % 2]
        return left, right

    def _layout(self, length: int) -> _Layout:
        if not 1 <= length <= MAX_LENGTH:
            raise ValueError(f"the length is {length}, expected 1 to {MAX_LENGTH}")
        radix, tweak = self.radix, self._tweak
        u = length // 2
        moduli = radix**u, radix ** (length - u)
        b = ((moduli[1] - 1).bit_length() + 7) // 8
        head = b"\x01\x02\x01" + radix.to_bytes(3, "big") + bytes([_ROUNDS, u % 256])
        p = head + length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
        start = tweak + bytes(-(len(tweak) + b + 1) % _BLOCK)
        border = len(start) // _BLOCK * _BLOCK
        rest = start[border:]
        return _Layout(
            b=b,
            d=4 * -(-b // 4) + 4,
            moduli=moduli,
            tail=len(rest) + 1 + b,
            fixed=int.from_bytes(rest, "big") << 8 * (1 + b),
            state=self._chain(bytes(_BLOCK), p + start[:border]),
        )

    def _chain(self, state: bytes, data: bytes) -> bytes:
        """Return the cipher block chaining of ``data`` from ``state`` on: the standard's PRF."""
        encrypt = self._cipher.encrypt
        for position in range(0, len(data), _BLOCK):
            mixed = int.from_bytes(state, "big") ^ int.from_bytes(data[position : position + _BLOCK], "big")
            state = encrypt(mixed.to_bytes(_BLOCK, "big"))
        return state

    def _round(self, layout: _Layout, number: int, half: int) -> int:
        """Return y, the number drawn in a round."""
        variable = layout.fixed | number << 8 * layout.b | half
        drawn = block = self._chain(layout.state, variable.to_bytes(layout.tail, "big"))
        base = int.from_bytes(block, "big")
        for counter in range(1, -(-layout.d // _BLOCK)):
            drawn += self._cipher.encrypt((base ^ counter).to_bytes(_BLOCK, "big"))
        return int.from_bytes(drawn[: layout.d], "big")
