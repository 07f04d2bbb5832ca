"""Finds where a script does not come to an end, or takes too much memory: the same code, with ticks in it.

V8 does not tell where it was when it is stopped. So the script runs once more with a call of ``__tick()`` in each
loop's condition, and where lines begin with a statement; it throws when there were too many, or for too long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
_NO_STATEMENT: Final = frozenset(
    {"case", "catch", "default", "else", "finally", "in", "instanceof", "of", "while"}
)
_BEFORE_A_BLOCK: Final = frozenset({*")>;{}", "do", "else", "finally", "try"})
_BEFORE_A_REGEX: Final = frozenset({*"(,=:[!&|?{};+-*%~^<>", "return", "typeof", "case", "in", "of", "else", "do"})


class _Token(NamedTuple):
    text: str
    end: int

    @property
    def start(self) -> int:
        return self.end - len(self.text)


def with_ticks(code: str, *, statements: bool = False) -> str:
    """Return the code with a tick in its loops, on the same lines.

    Where a script is too intricate for this reading of it, the result may be no JavaScript any more.

    Args:
        code: a function's body.
        statements: put ticks before the statements too with which lines begin.
    """
    tokens = _tokens(code)
    insertions = dict.fromkeys(_statements(code, tokens), f"{TICK}();") if statements else {}
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


def _statements(code: str, tokens: list[_Token]) -> Iterator[int]:
    """Yield where lines begin with a statement, as far as ``;``, ``{`` or ``}`` before it tells."""
    open_brackets = ["block"]
    before = _Token(";", 0)
    for token in tokens:
        begins_line = before.end == 0 or "\n" in code[before.end : token.start]
        is_word = token.text[0].isalpha() or token.text[0] in "_$"
        in_block = before.text in (";", "{", "}") and open_brackets[-1] == "block"
        if begins_line and in_block and is_word and token.text not in _NO_STATEMENT:
            yield token.start
        if token.text in ("(", "["):
            open_brackets.append("list")
        elif token.text == "{":
            open_brackets.append("block" if before.text in _BEFORE_A_BLOCK else "members")
        elif token.text in (")", "]", "}") and len(open_brackets) > 1:
            open_brackets.pop()
        before = token


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
