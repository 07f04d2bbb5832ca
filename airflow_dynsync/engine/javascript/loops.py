"""Finds the loop that a script does not come out of: the same code, with a tick in every loop.

V8 does not tell where it was when it is stopped. So a script that took too long runs once more with a call of
``__tick()`` in each loop's condition, which throws when a value's loops have gone on for too long.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

TICK: Final = "__tick"

_TOKEN: Final = re.compile(
    r"""
      (?P<blank> \s+ | //[^\n]* | /\*.*?\*/ )
    | (?P<text> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `(?:[^`\\]|\\.)*` )
    | (?P<word> [A-Za-z_$][\w$]* | \d[\w.]* )
    | (?P<regex> / (?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+ / [a-z]* )
    | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BEFORE_A_REGEX: Final = frozenset({*"(,=:[!&|?{};+-*%~^<>", "return", "typeof", "case", "in", "of", "else", "do"})


class _Token(NamedTuple):
    text: str
    end: int


def with_ticks(code: str) -> str:
    """Return the code with a tick in its loops, on the same lines.

    Where a script is too intricate for this reading of it, the result may be no JavaScript any more.
    """
    tokens = _tokens(code)
    insertions: dict[int, str] = {}
    for index, token in enumerate(tokens[:-1]):
        is_loop = token.text in ("while", "for") and (index == 0 or tokens[index - 1].text != ".")
        if is_loop and tokens[index + 1].text == "(":
            if token.text == "while":
                insertions[tokens[index + 1].end] = f"{TICK}(),"
            else:
                _tick_in_for(tokens, index + 1, insertions)
    for end in sorted(insertions, reverse=True):
        code = code[:end] + insertions[end] + code[end:]
    return code


def _tokens(code: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while match := _TOKEN.match(code, position):
        if match.lastgroup == "regex" and tokens and tokens[-1].text not in _BEFORE_A_REGEX:
            tokens.append(_Token("/", match.start() + 1))
        elif match.lastgroup != "blank":
            tokens.append(_Token(match[0], match.end()))
        position = tokens[-1].end if match.lastgroup == "regex" else match.end()
    return tokens


def _tick_in_for(tokens: list[_Token], opening: int, insertions: dict[int, str]) -> None:
    """Put the tick into the condition of ``for (;;)``, or at the head of the block of ``for (... of ...)``."""
    depth = 0
    semicolons = []
    for index in range(opening, len(tokens)):
        text = tokens[index].text
        depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
        if text == ";" and depth == 1:
            semicolons.append(index)
        if depth == 0:
            if len(semicolons) == 2:
                first, second = semicolons
                condition_is_empty = second == first + 1
                insertions[tokens[first].end] = f"{TICK}(), true" if condition_is_empty else f"{TICK}(), "
            elif index + 1 < len(tokens) and tokens[index + 1].text == "{":
                insertions[tokens[index + 1].end] = f"{TICK}();"
            return
