"""What Hypothesis draws for the engine: items in wire form, and paths, rules and mappings over few names."""

from base64 import b64encode
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from airflow_dynsync.engine.paths import Path, Wildcard, format_path
from airflow_dynsync.engine.values import number_text

SECRET = b"a secret of the tests"

NAMES = st.one_of(
    st.sampled_from(["Email", "user.email", 'a "quoted" name', "*", "[0]", "🙂", " "]), st.text(min_size=1)
)
"""Attribute names, the awkward ones among them."""

NUMBERS = st.builds(
    lambda sign, digits, exponent: number_text(Decimal((sign, tuple(map(int, str(digits))), exponent))),
    st.integers(0, 1),
    st.integers(0, 10**38 - 1),
    st.integers(-130, 88),
)
"""Every number that DynamoDB stores, as it writes it."""

STRINGS = st.text()
BINARIES = st.binary().map(lambda content: b64encode(content).decode())

SCALARS = st.one_of(
    st.builds(lambda text: {"S": text}, STRINGS),
    st.builds(lambda text: {"N": text}, NUMBERS),
    st.builds(lambda text: {"B": text}, BINARIES),
    st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
    st.just({"NULL": True}),
)


def _sets(letter: str, elements: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(elements, min_size=1, max_size=4, unique=True).map(lambda chosen: {letter: chosen})


SETS = st.one_of(_sets("SS", STRINGS), _sets("NS", NUMBERS), _sets("BS", BINARIES))


def values(
    names: st.SearchStrategy[str] = NAMES, leaves: st.SearchStrategy[dict[str, Any]] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    """Values of all ten types, nested."""
    return st.recursive(
        st.one_of(SCALARS, SETS) if leaves is None else leaves,
        lambda inner: st.one_of(
            st.dictionaries(names, inner, max_size=3).map(lambda members: {"M": members}),
            st.lists(inner, max_size=3).map(lambda elements: {"L": elements}),
        ),
        max_leaves=8,
    )


def items(
    names: st.SearchStrategy[str] = NAMES, leaves: st.SearchStrategy[dict[str, Any]] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    """Items of a table with the primary key ``Id``."""
    attributes = st.dictionaries(names.filter(lambda name: name != "Id"), values(names, leaves), max_size=4)
    key = st.integers(0, 10**6).map(lambda number: {"Id": {"N": str(number)}})
    return st.builds(lambda own, others: own | others, key, attributes)


def tables(min_size: int = 0, max_size: int = 8) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Items with keys of their own."""
    return st.lists(items(), min_size=min_size, max_size=max_size, unique_by=lambda item: item["Id"]["N"])


def paths(names: st.SearchStrategy[str] = NAMES, *, max_steps: int = 4) -> st.SearchStrategy[Path]:
    """Paths that can be written: they begin at a name and do not end with ``**``."""
    named = st.one_of(names, st.just(Wildcard.NAME))
    indexed = st.one_of(st.integers(0, 1), st.just(Wildcard.INDEX))
    anywhere = st.one_of(named, indexed, st.just(Wildcard.DEPTH))
    beginning = st.one_of(named, st.just(Wildcard.DEPTH))
    return st.builds(
        lambda first, others: (first, *others), beginning, st.lists(anywhere, max_size=max_steps - 1)
    ).filter(lambda path: path[-1] is not Wildcard.DEPTH)


FEW_NAMES = st.sampled_from(["a", "b", "other"])
"""Names for items in which mappings over ``a`` and ``b`` meet."""

COLLIDING_ITEMS = items(
    FEW_NAMES,
    st.sampled_from(
        [{"S": "text"}, {"N": "7"}, {"BOOL": True}, {"NULL": True}, {"SS": ["x", "y"]}, {"B": "AA=="}]
    ),
)

COLLIDING_RULES = st.dictionaries(
    paths(st.sampled_from(["a", "b"]), max_steps=3).map(format_path),
    st.sampled_from(["passthrough", "drop", "replace"]),
    max_size=4,
)
"""What becomes of which path, where ``replace`` stands for any transformer that takes a value as a whole."""
