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
    is to blame; ``wrong_form`` tells that the value is of an accepted type and not of the form that the
    transformer works on, so that the rule's ``on_type_mismatch`` decides.
    """

    def __init__(self, place: str, message: str, *, row: int | None = None, wrong_form: bool = False) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message
        self.row = row
        self.wrong_form = wrong_form

    def __reduce__(self) -> tuple[type[TransformError], tuple[str, str], dict[str, int | bool | None]]:
        return type(self), (self.place, self.message), {"row": self.row, "wrong_form": self.wrong_form}
