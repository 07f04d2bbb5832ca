"""What a regular expression matches in a string, replaced by a text or by transformers."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from airflow_dynsync.engine.definitions import (
    DROP,
    Column,
    Compiler,
    Definition,
    Drop,
    Example,
    Held,
    Parameters,
    Regex,
    Step,
    Uniqueness,
)
from airflow_dynsync.engine.errors import TransformError
from airflow_dynsync.engine.mapping import Rules
from airflow_dynsync.engine.values import NULL, TYPE_IN_WORDS, WireValue


class TransformRegexReplace(Parameters):
    """Parameters of transform_regex_replace."""

    pattern: Regex = Field(description="A regular expression; every match in the value is dealt with.")
    replacement: str | None = Field(
        default=None,
        description=r"What stands in place of a match; \1 and \g<name> are what its groups matched.",
    )
    groups: Rules | None = Field(
        default=None,
        min_length=1,
        description="In place of a replacement: for each named group, (?P<name>...), a transformer, written as in"
        " a mapping. What lies outside the groups stays; of a repeated group, only the last repetition changes.",
    )
    no_match: Literal["fail", "passthrough", "null", "drop"] = Field(
        default="fail", description="What happens to a value in which there is nothing to replace."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.replacement is None) == (self.groups is None):
            raise ValueError("give either replacement or groups")
        if self.replacement is not None:
            _check_replacement(self.pattern, self.replacement)
            return self
        named, given = self.pattern.groupindex.keys(), (self.groups or {}).keys()
        if unknown := sorted(given - named):
            raise ValueError(
                f"groups has {unknown[0]}, which the pattern does not name; write (?P<{unknown[0]}>...)"
            )
        if missing := sorted(named - given):
            raise ValueError(f"groups lacks {missing[0]}; say what becomes of it, be it passthrough")
        return self


def _check_replacement(pattern: re.Pattern[str], replacement: str) -> None:
    try:
        pattern.sub(replacement, "")
    except (re.error, IndexError) as error:
        raise ValueError(f"expected a replacement of Python's re: {error}") from None


def _transform_regex_replace(parameters: TransformRegexReplace, compiler: Compiler) -> Step:
    instead: dict[str, WireValue | Drop] = {"null": NULL, "drop": DROP}

    def unmatched(value: WireValue, row: int) -> WireValue | Drop:
        if parameters.no_match == "fail":
            raise TransformError(
                compiler.place,
                "the pattern finds nothing to replace in a value; correct it, or set no_match (passthrough, null,"
                " drop)",
                row=row,
            )
        return instead.get(parameters.no_match, value)

    def replace(column: Column) -> list[WireValue | Drop]:
        results = []
        for row, value in zip(column.rows, column.values, strict=True):
            text, count = parameters.pattern.subn(parameters.replacement or "", value["S"])
            results.append({"S": text} if count else unmatched(value, row))
        return results

    if parameters.groups is None:
        return replace
    steps = {name: compiler.text_step(config, f"groups.{name}") for name, config in parameters.groups.items()}

    def transform(column: Column) -> list[WireValue | Drop]:
        cut: list[list[str]] = []
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for index, (row, value) in enumerate(zip(column.rows, column.values, strict=True)):
            pieces, names = _cut(parameters.pattern, value["S"], compiler.place, row)
            cut.append(pieces)
            for position, name in enumerate(names):
                found[name].append((index, 2 * position + 1))
        for name, places in found.items():
            results = steps[name](
                Column(
                    column.chunk,
                    [{"S": cut[index][position]} for index, position in places],
                    [column.rows[index] for index, _ in places],
                    [(*column.places[index], name, position) for index, position in places],
                )
            )
            for (index, position), result in zip(places, results, strict=True):
                cut[index][position] = _text(result, name, compiler.place, column.rows[index])
        return [
            {"S": "".join(pieces)} if len(pieces) > 1 else unmatched(value, row)
            for pieces, value, row in zip(cut, column.values, column.rows, strict=True)
        ]

    return transform


def _cut(pattern: re.Pattern[str], text: str, place: str, row: int) -> tuple[list[str], list[str]]:
    """Return the pieces of a text, every second of which a group matched, and the names of these groups."""
    spans = sorted(
        (*match.span(name), name) for match in pattern.finditer(text) for name in pattern.groupindex if match[name]
    )
    pieces, end_before = [], 0
    for start, end, name in spans:
        if start < end_before:
            raise TransformError(
                place, f"the group {name} matches a part of what another one does; keep groups apart", row=row
            )
        pieces += [text[end_before:start], text[start:end]]
        end_before = end
    return [*pieces, text[end_before:]], [name for _, _, name in spans]


def _text(result: WireValue | Drop, name: str, place: str, row: int) -> str:
    if result is DROP or result == NULL:
        return ""
    ((kind, payload),) = result.items()
    if kind not in ("S", "N"):
        raise TransformError(place, f"the group {name} became {TYPE_IN_WORDS[kind]}, which has no text", row=row)
    return str(payload)


def _uniqueness(parameters: TransformRegexReplace) -> Uniqueness | Held:
    if parameters.groups is None or parameters.no_match in ("null", "drop"):
        return Uniqueness.LOSSY
    # A group's new text may match in another way than the old one, so it is never one to one.
    return Held(parameters.groups.values(), at_best=Uniqueness.NOT_GUARANTEED)


DEFINITIONS: Final = (
    Definition(
        name="transform_regex_replace",
        summary="Replaces what a regular expression matches by a text, or gives its named groups to transformers",
        parameters=TransformRegexReplace,
        accepts=frozenset({"S"}),
        returns=frozenset({"S", "NULL"}),
        uniqueness=_uniqueness,
        reads_input=True,
        has_realm=False,
        example=Example(
            "asked mary@acme.com twice",
            "asked 10c7b620402544c69fd566139cc6c43c@example.org twice",
            {"pattern": r"(?P<email>\S+@\S+)", "groups": {"email": "transform_email"}},
        ),
        column=_transform_regex_replace,
    ),
)
