"""Scripts without spaces between words, where a word boundary of a regular expression is none."""

from __future__ import annotations

from typing import Final

UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
)
"""For a character class: Thai, Lao, Burmese, Khmer, Chinese, Japanese and Korean, whose particles follow a word
without a space, and full-width forms."""

WORD: Final = rf"[^\W{UNSPACED}]"
"""A letter, digit or underscore of any other script."""

UNSPACED_WORD: Final = rf"(?:(?=\w)[{UNSPACED}])"
"""A letter or digit of these scripts, which have punctuation marks of their own."""

SPACE_OR_HYPHEN: Final = " \u00a0\u2007\u2009\u202f\u2010\u2011\u2012\u2013-"
"""For a character class, last in it: what separates groups of digits."""
