"""Items in wire form with marked values of every type and of the forms that transformers ask for."""

from base64 import b64encode
from typing import Any

from hypothesis import strategies as st

from tests.unit.marks import MARK, MARKED_DIGITS
from tests.unit.strategies import NAMES, NUMBERS, values

TEXTS = st.one_of(
    st.sampled_from(
        [
            MARK,
            f"Mary {MARK}",
            f"{MARK}@acme.com",
            f"mary.{MARK}+x@{MARK}.co.uk",
            f"@{MARK}",
            f"CUSTOMER#{MARK}#2024",
            f"https://mary:{MARK}@acme.com:99/{MARK}?q={MARK}#f",
            f"http://[{MARK}",
            f'{{"{MARK}": ["{MARK}", 1.50, null, {{"a": {MARKED_DIGITS}}}], "a": {{"b": "{MARK}"}}}}',
            f'[{MARKED_DIGITS}, "{MARK}", 1e400, -0]',
            f'{{"a": "{MARK}", "a": 1}}',
            f'{{"a": "{MARK}\\ud800", "\\udfff": "x"}}',
            f'{{"": "{MARK}"}}',
            f'"{MARK}"',
            "[" * 3000 + f'"{MARK}"' + "]" * 3000,
            f"{{{MARK}",
            f"Mary {MARK} ({MARK}@acme.com) rang from +1 415 555 0132 on 2024-02-29, card 4012 8888 8888 1881.",
            f"{MARKED_DIGITS}",
            f"{MARK} {MARKED_DIGITS[:16]}",
            "+14155550132",
            "(415) 392-7000 x12",
            "0049 30 22732152",
            "81.2.69.142",
            "::ffff:81.2.69.142",
            "fe80::1%eth0",
            "6FA459EA-EE8A-3CA4-894E-DB77E160355E",
            "6fa459eaee8a3ca4894edb77e160355e",
            "2023-11-14T22:13:20.500+01:00",
            "0001-01-01",
            "9999-12-31T24:00:00Z",
            "20240229",
            "14.11.2023",
            "1700000000",
            "-62135596800",
            "4012 8888 8888 1881",
            "078-05-1120",
            "12345",
            "",
            " ",
            "\u0000",
            "e\u0301\u202e🙂👩‍👩‍👧ﬁ\u2028İßẞ",
            "٣١٤ ٧",
        ]
    ),
    st.text(max_size=40).map(lambda text: MARK + text),
    st.text(max_size=40).map(lambda text: text + MARK),
    st.text(max_size=40),
)
"""Strings, most of them marked."""

FIGURES = st.one_of(
    st.sampled_from(
        [
            MARKED_DIGITS,
            f"-{MARKED_DIGITS}.5",
            f"0.0{MARKED_DIGITS}",
            f"{MARKED_DIGITS}123456789012345678",
            f"{MARKED_DIGITS}12345678901234567.8",
            MARKED_DIGITS + "0" * 106,
            "0." + "0" * 109 + MARKED_DIGITS,
            "0." + "0" * 129 + "1",
            "9" * 38 + "0" * 88,
            "-" + "9" * 38,
            "0",
            "-1",
            "7",
            "32.5",
            "4155550132",
            "4012888888881881",
            "1700000000",
            "1700000000500",
            "-62135596800",
            "253402300800",
        ]
    ),
    NUMBERS,
)
"""Numbers, most of them marked or at the ends of what DynamoDB stores."""

BYTES = st.binary(max_size=20).flatmap(
    lambda content: st.sampled_from(
        [content, MARK.encode(), content + MARK.encode(), MARK.encode() + content, b""]
    )
)
BINARIES = BYTES.map(lambda content: b64encode(content).decode())


def _sets(letter: str, elements: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(elements, min_size=1, max_size=4, unique=True).map(lambda chosen: {letter: chosen})


LEAVES = st.one_of(
    TEXTS.map(lambda text: {"S": text}),
    TEXTS.map(lambda text: {"S": text}),
    FIGURES.map(lambda text: {"N": text}),
    BINARIES.map(lambda text: {"B": text}),
    st.sampled_from([{"BOOL": True}, {"BOOL": False}, {"NULL": True}, {"M": {}}, {"L": []}]),
    _sets("SS", TEXTS),
    _sets("NS", FIGURES),
    _sets("BS", BINARIES),
)

MEMBERS = st.one_of(NAMES, st.sampled_from(["a", "b", "Age", MARK, f"{MARK} II", "0"]))
"""Keys of maps, some of them marked."""


def _nested(leaf: dict[str, Any], depth: int) -> dict[str, Any]:
    for level in range(depth):
        leaf = {"L": [leaf]} if level % 3 else {"M": {"a": leaf}}
    return leaf


VALUES = st.one_of(
    LEAVES, values(MEMBERS, LEAVES), values(MEMBERS, LEAVES), st.builds(_nested, LEAVES, st.integers(2, 31))
)

_ATTRIBUTES = st.dictionaries(
    st.one_of(st.sampled_from(["Email", "Name", "Age", "Pets", "user.email", "*"]), NAMES).filter(
        lambda name: name not in ("Id", "At")
    ),
    VALUES,
    min_size=1,
    max_size=4,
)

_KEY_VALUES = {
    "S": TEXTS.filter(bool).map(lambda text: {"S": text}),
    "N": FIGURES.map(lambda text: {"N": text}),
    "B": BINARIES.filter(bool).map(lambda text: {"B": text}),
}


def tables(keys: dict[str, str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return a few items whose primary key has these attributes, of these types."""
    own = st.fixed_dictionaries({name: _KEY_VALUES[kind] for name, kind in keys.items()})
    return st.lists(st.builds(lambda key, others: key | others, own, _ATTRIBUTES), min_size=1, max_size=3)
