"""E-mail addresses, URLs and IP addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from airflow_dynsync.engine.recognizers.findings import Finding
from airflow_dynsync.engine.recognizers.scripts import UNSPACED, UNSPACED_WORD, WORD

_MARKS: Final = ".!#$%&'+~\u0300-\u036f-"
"""For a character class: what a local part may have beside letters and digits (RFC 5322, section 3.4.1, with the
Unicode of RFC 6531), without those marks that mostly stand before an address, such as = and /."""

_LETTER: Final = rf"[^\W\d_{UNSPACED}]"
_AT_DOMAIN: Final = re.compile(
    rf"@(?:(?:(?:{WORD}|-)++|{UNSPACED_WORD}++)\.)+"
    rf"(?:xn--[0-9A-Za-z-]{{2,59}}|{_LETTER}{{2,63}}|{UNSPACED_WORD}{{2,63}})"
)
_IN_LOCAL_PART: Final = re.compile(rf"{WORD}|[{_MARKS}]")
_IN_ANY_LOCAL_PART: Final = re.compile(rf"[\w{_MARKS}]")
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_MARK: Final = re.compile(f"[{_MARKS}]")

_TRAILING: Final = ".,;:!?'*_~"
_BODY: Final = rf"(?:[^\s<>\"`{{}}|\\^\u2018-\u201f\u00ab\u00bb{UNSPACED}]|(?<=[/=?&#]){UNSPACED_WORD}++)++"
_AUTHORITY: Final = re.compile(rf"://{_BODY}")
_SCHEME: Final = re.compile(r"(?<![0-9A-Za-z+.-])[A-Za-z][0-9A-Za-z+.-]{1,30}\Z")
_WWW: Final = re.compile(rf"[Ww](?<![0-9A-Za-z+.@/-].)[Ww]{{2}}\.{_BODY}")

_TOP_LEVEL: Final = (
    "com|org|net|edu|gov|mil|info|biz|io|app|dev|eu|de|fr|nl|uk|ca|au|nz|jp|cn|kr|br|mx|pl|se|dk|fi|pt|ru|cz|ie"
)
"""Common top-level domains that are no word which may follow a full stop without a space."""

_HOST_END: Final = re.compile(
    rf"\.(?:(?i:{_TOP_LEVEL})(?![0-9A-Za-z_@-]|\.[0-9A-Za-z])(?:[/?#]{_BODY})?|[A-Za-z]{{2,24}}/{_BODY})"
)
_IN_HOST: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")
_LONGEST_HOST: Final = 253

_IPV4: Final = re.compile(r"[0-9](?<![\d.].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\d|\.\d)")
_IPV6_HINT: Final = re.compile(r":[0-9A-Fa-f]{0,4}:")
_IPV6: Final = re.compile(r"(?:(?<![0-9A-Za-z:.])|(?<=[0-9A-Za-z]:))[0-9A-Fa-f:]++(?:\.[0-9.]++)?+(?:%\w+)?")
_LONGEST_IPV6: Final = 45


def email_addresses(text: str) -> Iterator[Finding]:
    """Find e-mail addresses, in any script."""
    floor = 0
    for match in _AT_DOMAIN.finditer(text):
        at = start = match.start()
        belongs = _IN_ANY_LOCAL_PART if _UNSPACED.match(text, at - 1) else _IN_LOCAL_PART
        while start > floor and belongs.match(text, start - 1):
            start -= 1
        while start < at and _MARK.match(text, start):
            start += 1
        if start < at:
            yield Finding("EMAIL_ADDRESS", start, match.end(), 1.0)
        floor = match.end()


def urls(text: str) -> Iterator[Finding]:
    """Find URLs (RFC 3986), and hosts that begin with www, have a common top-level domain or a path."""
    for match in _AUTHORITY.finditer(text):
        if scheme := _SCHEME.search(text, max(0, match.start() - 32), match.start()):
            yield Finding("URL", scheme.start(), _without_trailing(text, *match.span()), 1.0)
    for match in _WWW.finditer(text):
        yield Finding("URL", match.start(), _without_trailing(text, *match.span()), 1.0)
    for match in _HOST_END.finditer(text):
        start = match.start()
        floor = max(0, start - _LONGEST_HOST)
        while start > floor and text[start - 1] in _IN_HOST:
            start -= 1
        if text[start : start + 1].isalnum() and text[start - 1 : start] not in tuple("@_+/:"):
            yield Finding("URL", start, _without_trailing(text, match.start(), match.end()), 0.5)


def _without_trailing(text: str, start: int, end: int) -> int:
    """Return where a URL ends: before the sentence's own punctuation and a bracket that opens outside."""
    unopened = {
        closing: text.count(closing, start, end) - text.count(opening, start, end)
        for opening, closing in ("()", "[]")
    }
    while end > start:
        last = text[end - 1]
        if last not in _TRAILING and unopened.get(last, 0) <= 0:
            break
        if last in unopened:
            unopened[last] -= 1
        end -= 1
    return end


def ip_addresses(text: str) -> Iterator[Finding]:
    """Find IPv4 and IPv6 addresses."""
    for match in _IPV4.finditer(text):
        if _is_address(match[0]):
            yield Finding("IP_ADDRESS", match.start(), match.end(), 0.95)
    if _IPV6_HINT.search(text):
        for match in _IPV6.finditer(text):
            end = match.end()
            while end > match.start() and text[end - 1] in ".:" and text[end - 2 : end] != "::":
                end -= 1
            address = text[match.start() : end]
            if ":" in address and len(address) > len("::") and _is_address(address):
                yield Finding("IP_ADDRESS", match.start(), end, 0.95)


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0] if len(text) <= _LONGEST_IPV6 else "")
    except ValueError:
        return False
    return True
