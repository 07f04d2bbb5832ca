"""How many bytes an item has by DynamoDB's own counting ("Item sizes and formats" in its developer guide)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.client import WireItem


def item_bytes(item: WireItem) -> int:
    """Return an item's size in bytes: its names and values, without what indexing adds.

    The size of a number is DynamoDB's approximation: one byte for two significant digits, and one more.
    """
    return sum(_text_bytes(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((letter, payload),) = value.items()
    match letter:
        case "S":
            return _text_bytes(payload)
        case "N":
            return _number_bytes(payload)
        case "B":
            return _binary_bytes(payload)
        case "M":
            return 3 + len(payload) + item_bytes(payload)
        case "L":
            return 3 + len(payload) + sum(map(_value_bytes, payload))
        case "SS":
            return sum(map(_text_bytes, payload))
        case "NS":
            return sum(map(_number_bytes, payload))
        case "BS":
            return sum(map(_binary_bytes, payload))
    return 1  # BOOL and NULL


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _number_bytes(text: str) -> int:
    mantissa = text.lower().partition("e")[0].lstrip("-+").replace(".", "")
    return (len(mantissa.strip("0")) + 1) // 2 + 1


def _binary_bytes(base64_text: str) -> int:
    return len(base64_text) * 3 // 4 - base64_text[-2:].count("=")
