"""The attribute paths of a table, generalized: `[*]` for the elements of a list, `*` for map keys that are data.

Keys of a map are data, and may be personal, where there are many of them or where one looks like it. The others
are names that somebody gave to a field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, get_args

from airflow_dynsync.engine.corpora import Locale, words
from airflow_dynsync.engine.paths import Path, Step, Wildcard
from airflow_dynsync.engine.recognizers import find

MAX_KEYS: Final = 50
"""Different keys of a map, in all items together; of one with more, all are data."""

MAX_ATTRIBUTES: Final = 500
"""Likewise for the attributes of an item, whose names are rarely data."""

MAX_NAMES: Final = 5000
"""Names that are kept of one table; every further one is taken for data."""

LONGEST_KEY: Final = 64
FEW_DIGITS: Final = 3
"""Characters and digits that a key may have which is no data."""

PERSONAL_ENTITIES: Final = (
    "CREDIT_CARD",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "PHONE_NUMBER",
    "US_SSN",
)
"""What the recognizers find that speaks of a person; a date or a URL may well not."""

_PLAIN: Final = re.compile(r"[A-Za-z_-]*")
_SPACE_OR_AT: Final = re.compile(r"[\s@]")


class Budget:
    """How many more names are kept, in all shapes of one table together."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_NAMES


class Shape:
    """What is at one path of a table: the types met there, and what lies below.

    Attributes:
        kinds: values met, by type letter.
        names: the shapes behind map keys that are names.
        other: the shape behind every map key that is data.
        elements: the shape of a list's elements.
        entities: what the recognizers found in values, such as ``EMAIL_ADDRESS``.
        examined: how many values they looked at.
        budget: shared by all shapes of a table.
    """

    __slots__ = ("_most", "_strange", "budget", "elements", "entities", "examined", "kinds", "names", "other")

    def __init__(self, budget: Budget | None = None, *, most: int = MAX_KEYS) -> None:
        self._most = most
        self._strange = 0
        self.budget = budget or Budget()
        self.kinds: dict[str, int] = {}
        self.names: dict[str, Shape] = {}
        self.other: Shape | None = None
        self.elements: Shape | None = None
        self.entities: set[str] = set()
        self.examined = 0

    @classmethod
    def of_items(cls) -> Shape:
        """Return the empty shape of a table's items."""
        return cls(most=MAX_ATTRIBUTES)

    def child(self, name: str) -> Shape:
        """Return the shape behind a map key."""
        known = self.names.get(name)
        if known is not None:
            return known
        if self._strange <= self._most and self.budget.left:
            if looks_like_data(name, is_attribute=self._most == MAX_ATTRIBUTES):
                self._strange += 1
            else:
                self.names[name] = known = Shape(self.budget)
                self.budget.left -= 1
            if len(self.names) + self._strange > self._most:
                self.forget_names()
            elif known is not None:
                return known
        return self.behind_data()

    def behind_data(self) -> Shape:
        """Return the shape behind the map keys that are data."""
        if self.other is None:
            self.other = Shape(self.budget)
        return self.other

    def element(self) -> Shape:
        """Return the shape of a list's elements."""
        if self.elements is None:
            self.elements = Shape(self.budget)
        return self.elements

    def forget_names(self) -> None:
        """Take every key here for data, from now on."""
        self._strange = self._most + 1
        named, self.names = self.names, {}
        self.budget.left += len(named)
        for shape in named.values():
            self.behind_data().merge(shape)

    def merge(self, more: Shape) -> None:
        """Take over what another shape knows."""
        for kind, count in more.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + count
        self.entities |= more.entities
        self.examined += more.examined
        if more.elements is not None:
            self.element().merge(more.elements)
        if more.other is not None:
            self.behind_data().merge(more.other)
        if more.budget is self.budget:
            self.budget.left += len(more.names)
        for name, shape in more.names.items():
            self.child(name).merge(shape)
        self._strange += more._strange
        if self.names and len(self.names) + self._strange > self._most:
            self.forget_names()

    def generalize(self, steps: Sequence[Step]) -> Path:
        """Return a path as it may be told, and know it from now on."""
        shape, told = self, list[Step]()
        for step in steps:
            if isinstance(step, int) or step is Wildcard.INDEX:
                shape = shape.element()
                told.append(Wildcard.INDEX)
            elif isinstance(step, str) and (following := shape.child(step)) is not shape.other:
                shape = following
                told.append(step)
            else:
                shape = shape.behind_data()
                told.append(Wildcard.NAME)
        return tuple(told)


def looks_like_data(name: str, *, is_attribute: bool) -> bool:
    """Tell whether a map key is no name that somebody gave to a field.

    Of an item's attributes only what the recognizers find is. A key inside a map is also data where it is longer
    than `LONGEST_KEY`, has a space, an @ or more than `FEW_DIGITS` digits, or is a first name.
    """
    if not is_attribute and (
        len(name) > LONGEST_KEY
        or _SPACE_OR_AT.search(name)
        or sum(map(str.isdigit, name)) > FEW_DIGITS
        or name in _first_names()
    ):
        return True
    return _PLAIN.fullmatch(name) is None and bool(find(name, PERSONAL_ENTITIES))


@cache
def _first_names() -> frozenset[str]:
    return frozenset(name for locale in get_args(Locale) for name in words("first_names", locale))
