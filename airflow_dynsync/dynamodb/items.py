"""Items as the bytes they came in, parsed some at a time.

A parsed item takes ten times the memory of its JSON. A page of them goes through no processor's cache, and whoever
transforms, serializes and frees it afterwards waits for memory at each step; of a few items all is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, overload

import msgspec
import orjson

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.client import WireItem

PIECE_BYTES: Final = 40_000
"""Of JSON, which is about half a megabyte of parsed items: a core's second-level cache holds them, and a rest."""

PIECE_ITEMS: Final = 25
"""Where items are parsed already."""

_ANSWER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class SerializedItems(Sequence["WireItem"]):
    """The items of a page in wire form, each parsed anew whenever it is looked at."""

    __slots__ = ("_serialized",)

    def __init__(self, serialized: Sequence[msgspec.Raw]) -> None:
        self._serialized = serialized

    def __repr__(self) -> str:
        return f"<{len(self)} items>"

    def __len__(self) -> int:
        return len(self._serialized)

    @overload
    def __getitem__(self, index: int) -> WireItem: ...
    @overload
    def __getitem__(self, index: slice) -> SerializedItems: ...
    def __getitem__(self, index: int | slice) -> WireItem | SerializedItems:
        if isinstance(index, slice):
            return SerializedItems(self._serialized[index])
        return _parsed(self._serialized[index])

    def __iter__(self) -> Iterator[WireItem]:
        return map(_parsed, self._serialized)

    def pieces(self, most_bytes: int) -> Iterator[list[WireItem]]:
        """Yield the items in order, in lists of at least one and of so many bytes of JSON at most."""
        piece: list[WireItem] = []
        size = 0
        for serialized in self._serialized:
            more = len(memoryview(serialized))
            if piece and size + more > most_bytes:
                yield piece
                piece, size = [], 0
            piece.append(_parsed(serialized))
            size += more
        if piece:
            yield piece


def parse_answer(body: bytes) -> dict[str, Any]:
    """Parse the answer of an operation that reads, all but its `Items`.

    Raises ValueError if it is no JSON object, or its items are no list.
    """
    members = _ANSWER.decode(body)
    items = members.pop("Items", None)
    answer: dict[str, Any] = {name: orjson.loads(memoryview(value)) for name, value in members.items()}
    if items is not None:
        answer["Items"] = SerializedItems(_ITEMS.decode(items))
    return answer


def pieces(pages: Iterable[Sequence[WireItem]], most_bytes: int = PIECE_BYTES) -> Iterator[list[WireItem]]:
    """Yield the items of some pages in lists that are processed faster than whole pages are.

    Items that are parsed already are cut by their number; more bytes than `PIECE_BYTES` ask for whole pages.
    """
    for items in pages:
        if isinstance(items, SerializedItems):
            yield from items.pieces(most_bytes)
        else:
            most = PIECE_ITEMS if most_bytes <= PIECE_BYTES else max(1, len(items))
            yield from (list(items[first : first + most]) for first in range(0, len(items), most))


def _parsed(serialized: msgspec.Raw) -> WireItem:
    item: WireItem = orjson.loads(memoryview(serialized))
    return item
