"""Values that are known again wherever they turn up, and all that an error says."""

import re
import traceback
from base64 import b64encode
from collections.abc import Iterator

MARK = "Winterbottom"
"""Stands in strings and binaries."""

MARKED_DIGITS = "57721566490153286060"
"""Stand in numbers."""

_IN_BASE64 = (b64encode(b"_" * before + MARK.encode()).decode()[4:12] for before in range(3))

MARKS = re.compile("|".join([MARK, MARKED_DIGITS[:14], *map(re.escape, _IN_BASE64)]), re.IGNORECASE)
"""Matches a text that tells a marked value, be it in part, in other letter case, or in base64."""


def everything_said(error: BaseException) -> str:
    """Return what anyone may write of an error and of those that it came from, as a traceback shows them."""
    own = (f"{each!s} {each!r} {each.args!r} {vars(each)!r}" for each in _shown(error))
    return " ".join([*own, *traceback.format_exception(error)])


def _shown(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
