"""What can go wrong in the engine: a mapping that is wrong, and a value that a rule cannot take.

Both name the place and the remedy. Neither ever carries an attribute value.
"""

from __future__ import annotations


class MappingError(ValueError):
    """The mapping cannot be compiled; ``place`` is where, such as ``mappings.Email.preserve_domain``."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message

    def __reduce__(self) -> tuple[type[MappingError], tuple[str, str]]:
        return type(self), (self.place, self.message)


class TransformError(Exception):
    """A rule cannot transform a value it met.

    ``place`` is the rule, such as ``mappings.Email``; ``row`` the item's position in the chunk, where one item
    is to blame.
    """

    def __init__(self, place: str, message: str, *, row: int | None = None) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message
        self.row = row

    def __reduce__(self) -> tuple[type[TransformError], tuple[str, str], dict[str, int | None]]:
        return type(self), (self.place, self.message), {"row": self.row}
