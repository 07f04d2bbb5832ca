"""The words, names, literals and symbols of a PartiQL condition."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from airflow_dynsync.dynamodb.where.conditions import UntranslatableError

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["word", "name", "string", "number", "symbol", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `text` is free of its quotes, its doubled quotes halved."""

    kind: Kind
    text: str = field(default="", repr=False)

    def says(self, keyword: str) -> bool:
        """Whether this is the given keyword, in any case of letters."""
        return self.kind == "word" and self.text.upper() == keyword


# Numbers with an exponent, a sign apart or a dot at an end are left out: so are comments and all that is not
# listed. A number must end where it ends: 5AND would else pass.
_TOKEN = re.compile(
    r"""
      [ \t\r\n]*
      (?:
        (?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
      | "(?P<name>(?:[^"]|"")*)"
      | '(?P<string>(?:[^']|'')*)'
      | (?P<number>-?[0-9]+(?:\.[0-9]+)?)(?![A-Za-z0-9_$.])
      | (?P<symbol><=|>=|<>|!=|[=<>()\[\],.])
      | (?P<end>\Z)
      )
    """,
    re.VERBOSE,
)


def tokenize(where: str) -> Iterator[Token]:
    """Yield the tokens of a condition, an `end` as the last.

    Raises `UntranslatableError` at a character that begins none.
    """
    position = 0
    while token := _TOKEN.match(where, position):
        kind, position = token.lastgroup, token.end()
        text = token[kind] if kind else ""
        if kind == "name":
            yield Token("name", text.replace('""', '"'))
        elif kind == "string":
            yield Token("string", text.replace("''", "'"))
        else:
            yield Token(kind, text)  # type: ignore[arg-type]
        if kind == "end":
            return
    raise UntranslatableError("a literal or sign other than plain strings, numbers and comparisons")


_RESERVED = """
    absolute action add all allocate alter and any are as asc assertion at authorization avg bag begin between
    bit bit_length blob bool boolean by cascade cascaded case cast catalog char char_length character
    character_length check clob close coalesce collate collation column commit conflict connect connection
    constraint constraints continue convert corresponding count create cross current current_date current_time
    current_timestamp current_user cursor date date_add date_diff deallocate dec decimal declare default
    deferrable deferred delete desc describe descriptor diagnostics disconnect distinct do domain double drop
    else end escape except exception exec execute exists external extract false fetch first float for foreign
    found from full get global go goto grant group having identity immediate in index indicator initially
    inner input insensitive insert int integer intersect interval into is isolation join key language last
    left let level like limit list local lower match max min missing modified module names national natural
    nchar new next no not nothing null nullif numeric octet_length of old on only open option or order outer
    output overlaps pad partial pivot position precision prepare preserve primary prior privileges procedure
    public read real references relative remove restrict returning revoke right rollback rows schema scroll
    section select session session_user set sexp size smallint some space sql sqlcode sqlerror sqlstate string
    struct substring sum symbol system_user table temporary then time timestamp to transaction translate
    translation trim true tuple union unique unknown unpivot update upper usage user using value values
    varchar varying view when whenever where with work write zone
"""

RESERVED_WORDS = frozenset(_RESERVED.split())
"""Words that PartiQL takes for an attribute's name in double quotes only: each was tried on DynamoDB Local."""
