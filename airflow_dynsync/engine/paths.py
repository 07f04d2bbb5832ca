r"""Paths: where in an item a rule applies, written without DynamoDB's type letters.

=================  =========================================================
``Pets.Judith``    a key of a map, at any nesting, type letters left out
``Orders[3]``      one element of a list, counted from 0
``Orders[*]``      every element of a list
``Pets.*.Age``     every key of a map
``**.ssn``         ``ssn`` at any depth, here included
``"user.email"``   a name that contains ``. [ ] * "``; inside, ``\"`` and ``\\``
=================  =========================================================

A parsed path is a tuple of steps: ``str`` for a name, ``int`` for an index, and the members of `Wildcard`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from airflow_dynsync.engine.errors import MappingError


class Wildcard(Enum):
    """A step that stands for many."""

    NAME = "*"
    INDEX = "[*]"
    DEPTH = "**"

    def __repr__(self) -> str:
        return self.value


Step = str | int | Wildcard
Path = tuple[Step, ...]
Rank = tuple[int, int]

_TOKEN = re.compile(
    r"""
      (?P<dot>\.)
    | \[ (?P<index>[0-9]{1,6}) \]
    | (?P<any_index>\[\*\])
    | (?P<depth>\*\*)
    | (?P<any_name>\*)
    | "(?P<quoted>(?:[^"\\]|\\["\\])*)"
    | (?P<name>[^.\[\]"*]+)
    """,
    re.VERBOSE,
)
_PLAIN_NAME = re.compile(r'[^.\[\]"*]+')
_HELP = 'write names joined by dots, [3] or [*] for list elements, and names with . [ ] * " in double quotes'


def parse_path(text: str, place: str) -> Path:
    """Return the steps of a written path.

    Args:
        text: the path, such as ``Pets.*.Age``.
        place: where it stands, for the error.

    Raises:
        MappingError: the text is no path.
    """
    steps: list[Step] = []
    position = 0
    step_allowed, index_allowed = True, False
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise MappingError(place, f"unexpected {text[position]!r} at character {position + 1}; {_HELP}")
        kind = token.lastgroup
        if kind == "dot":
            allowed = not step_allowed
            step_allowed = True
            index_allowed = False
        elif kind in ("index", "any_index"):
            allowed = index_allowed
            steps.append(int(token["index"]) if kind == "index" else Wildcard.INDEX)
        else:
            allowed = step_allowed
            step_allowed, index_allowed = False, True
            if kind == "name":
                steps.append(token["name"])
            elif kind == "quoted":
                steps.append(re.sub(r"\\(.)", r"\1", token["quoted"]))
            else:
                steps.append(Wildcard.DEPTH if kind == "depth" else Wildcard.NAME)
        if not allowed:
            raise MappingError(place, f"unexpected {token[0]!r} at character {position + 1}; {_HELP}")
        position = token.end()
    if step_allowed:
        raise MappingError(place, f"a path that ends with a name, an index or * was expected; {_HELP}")
    if "" in steps:
        raise MappingError(place, "DynamoDB has no empty attribute name; give the name between the quotes")
    if steps[-1] is Wildcard.DEPTH:
        raise MappingError(
            place, "a path cannot end with **; a rule covers all that lies inside its path, so leave .** out"
        )
    return tuple(steps)


def format_path(steps: Sequence[Step]) -> str:
    """Return the text that `parse_path` reads as ``steps``."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step is Wildcard.INDEX:
            text += "[*]"
        else:
            text += ("." if text else "") + _format_name(step)
    return text


def _format_name(step: str | Wildcard) -> str:
    if isinstance(step, Wildcard):
        return step.value
    if _PLAIN_NAME.fullmatch(step):
        return step
    return '"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"'


def rank(path: Path) -> Rank:
    """Return how specific a path is: more literal steps win, then fewer ``**``."""
    return sum(not isinstance(step, Wildcard) for step in path), -path.count(Wildcard.DEPTH)


def advance(path: Path, positions: frozenset[int], step: str | int) -> frozenset[int]:
    """Return where in ``path`` one may stand after ``step``, having stood at ``positions`` before it."""
    kind = Wildcard.NAME if isinstance(step, str) else Wildcard.INDEX
    reached = set()
    for position in positions:
        if position == len(path):
            continue
        expected = path[position]
        if expected is Wildcard.DEPTH:
            reached.add(position)
        elif expected is kind or (type(expected) is type(step) and expected == step):
            reached.add(position + 1)
    return skip_depth(path, reached)


def skip_depth(path: Path, positions: set[int] | frozenset[int]) -> frozenset[int]:
    """Add to ``positions`` what a ``**`` that matches nothing lets one reach."""
    reached = set(positions)
    for position in positions:
        following = position
        while following < len(path) and path[following] is Wildcard.DEPTH:
            following += 1
            reached.add(following)
    return frozenset(reached)
