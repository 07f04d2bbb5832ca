"""The forms in which a value may stand in a text: other case and Unicode form, other punctuation, encoded."""

from __future__ import annotations

import html
import re
import unicodedata
import zlib
from base64 import b64decode
from binascii import Error as NoBase64Error
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final
from urllib.parse import unquote

import orjson

MOST_BYTES: Final = 1 << 20
"""Of a compressed binary, so many bytes are looked at."""

LONGEST_GAP: Final = 3
"""Characters that are neither letters nor digits and may stand between two of a value."""

_DEEPEST: Final = 4
_LOWER: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_PUNCTUATION: Final = bytes(code for code in range(1, 128) if not chr(code).isalnum())
_NO_LETTER_OR_DIGIT: Final = re.compile(r"(?:[^\w\0]|_)+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")


def fold(text: str) -> str:
    """Return a text without what does not tell values apart: letter case, Unicode form and diacritics.

    Compatibility decomposition (NFKD, Unicode Standard Annex 15) and case folding, without combining marks.
    """
    if text.isascii():
        return text.lower()
    return "".join(char for char in _decomposed(text) if not unicodedata.combining(char))


def compact(text: str) -> bytes:
    """Return the letters and digits of a folded text, and its NULs, in UTF-8."""
    if text.isascii():
        return text.encode().translate(_LOWER, _PUNCTUATION)
    return _NO_LETTER_OR_DIGIT.sub("", _decomposed(text)).encode("utf-8", "surrogatepass")


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


def occurrences(wanted: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield what stands before and behind each occurrence of a value in a text, both folded.

    Args:
        wanted: the letters and digits of the value, folded.
        text: to search; punctuation and spaces in it do not matter, up to `LONGEST_GAP` in a row.
    """
    folded = fold(text)
    positions = [position for position, char in enumerate(folded) if char.isalnum()]
    letters = "".join(folded[position] for position in positions)
    at = letters.find(wanted)
    while at >= 0:
        spread = positions[at : at + len(wanted)]
        if all(later - earlier <= LONGEST_GAP + 1 for earlier, later in pairwise(spread)):
            yield folded[: spread[0]], folded[spread[-1] + 1 :]
        at = letters.find(wanted, at + 1)


def decoded_texts(text: str, depth: int = 0) -> Iterator[str]:
    """Yield what a text says once its escapes are resolved: JSON, percent-encoding, HTML, Base64."""
    if depth == _DEEPEST:
        return
    decoded: list[str] = []
    if "\\" in text:
        decoded += json_texts(text) or [_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)]
    if "%" in text:
        decoded.append(unquote(text, errors="ignore"))
    if "&" in text and ";" in text:
        decoded.append(html.unescape(text))
    for part in _BASE64.findall(text):
        decoded += _printable(part)
    for form in decoded:
        if form != text:
            yield form
            yield from decoded_texts(form, depth + 1)


def json_texts(text: str) -> list[str]:
    """Return the keys and scalars of a JSON document as texts; none where the text is no object or list."""
    if not text.lstrip().startswith(("{", "[")):
        return []
    try:
        return list(_texts_in(orjson.loads(text)))
    except orjson.JSONDecodeError:
        return []


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _texts_in(member)
    elif isinstance(value, list):
        for element in value:
            yield from _texts_in(element)
    elif isinstance(value, str):
        yield value
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _printable(encoded: str) -> list[str]:
    if len(encoded) % 4 == 1:
        return []
    try:
        text = b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_").decode()
    except (NoBase64Error, UnicodeDecodeError):
        return []
    return [text] if text.isprintable() else []


def binary_texts(encoded: str) -> Iterator[str]:
    """Yield the texts in a binary, given as Base64: decompressed, as UTF-8 or Latin letters of UTF-16, decoded."""
    try:
        raw = b64decode(encoded)
    except (NoBase64Error, ValueError):
        return
    if raw[:2] == b"\x1f\x8b" or raw[:1] == b"\x78":
        with suppress(zlib.error):
            raw = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(raw, MOST_BYTES)
    texts = [raw.decode("utf-8", "replace")]
    if b"\0" in raw:
        texts.append(raw.replace(b"\0", b"").decode("latin-1"))
    for text in texts:
        yield text
        yield from decoded_texts(text)
