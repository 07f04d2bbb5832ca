"""An item with a value of every type that DynamoDB has, as wire form."""

import base64
from typing import Any

B64 = [base64.b64encode(bytes([number, 255 - number])).decode() for number in range(3)]


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "innermost"}
    for level in range(levels):
        value = {"L": [value]} if level % 2 else {"M": {"in": value}}
    return value


# Numbers and sets as DynamoDB gives them back: normalized, sorted.
EVERY_TYPE: dict[str, dict[str, Any]] = {
    "S": {"S": 'Zoë 🦄 \u0000 "quoted" \\ line\nbreak'},
    "S empty": {"S": ""},
    "N": {"N": "-12.5"},
    "N of 38 digits": {"N": "9" * 38},
    "N small": {"N": "0.00001"},
    "N large": {"N": "1" + "0" * 125},
    "N time": {"N": "1700000000.123456"},
    "B": {"B": B64[1]},
    "B empty": {"B": ""},
    "BOOL": {"BOOL": False},
    "NULL": {"NULL": True},
    "M": {"M": {"a": {"N": "1"}, "L": {"L": [{"S": "L"}]}}},
    "M empty": {"M": {}},
    "L": {"L": [{"S": "a"}, {"N": "1"}, {"NULL": True}, {"SS": ["x"]}]},
    "L empty": {"L": []},
    "SS": {"SS": ["a", "b", "ä"]},
    "NS": {"NS": ["-1", "0", "9" * 38]},
    "BS": {"BS": B64},
    "dotted.name": {"S": "dot"},
    '"quoted" name': {"S": "quote"},
    "😀": {"S": "emoji"},
    "deep": nested(31),
}
