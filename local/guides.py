"""The guides in docs/transformers: written by hand, but for what the examples there give and what definitions say.

An example is a ```yaml block with a mapping, a table of paths with their values before, and either a column with
the values after or a ```text block with the error. `make docs` fills in the last; a test executes every example.
Values are JSON, but for strings with double quotes, which stand between single ones; sets and binaries are written
as DynamoDB does, ``{"SS": ["a"]}``. A path that comes again begins another item, and so does ``Id``, the primary
key; items without it are counted.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from textwrap import fill
from types import ModuleType
from typing import Any, Final

from airflow_dynsync.engine import MappingError, TransformError, catalogue, compile_plan
from airflow_dynsync.engine.definitions import EXAMPLE_SECRET, Definition
from airflow_dynsync.engine.paths import parse_path
from airflow_dynsync.engine.values import (
    ELEMENT_OF_SET,
    EVERY_TYPE,
    EVERY_TYPE_BUT_SETS,
    WireItem,
    WireValue,
    to_wire,
)
from airflow_dynsync.sync.mapping_file import parse_mapping_file

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
GUIDES: Final = DOCS / "transformers"

KEY: Final = "Id"
ABSENT: Final = "*absent*"
REMOVED: Final = "*removed*"
_TABLES: Final = r"(?:\n\| [^|\n]+ \| before \|[^\n]*\n(?:\|[^\n]*\n)+)*"
_EXAMPLE: Final = re.compile(
    rf"^```yaml\n(?P<mapping>.*?)^```\n(?P<tables>{_TABLES})(?P<error>\n```text\n(?:.*?\n)??```\n)?",
    re.MULTILINE | re.DOTALL,
)
_MODULE: Final = re.compile(r"^```python\n# (?P<name>\w+)\.py\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(
    r"^### (?P<names>[a-z_0-9]+(?:, [a-z_0-9]+)*)\n\n(?:.*\(\.\./reference\.md#[a-z_0-9]+\)\n)*\n*", re.MULTILINE
)


def guides() -> list[Path]:
    """Return the pages."""
    return sorted(GUIDES.glob("*.md"))


def transformers_on(page: str) -> list[str]:
    """Return the names in the headings of a page's sections."""
    return [name for heading in _HEADING.finditer(page) for name in heading["names"].split(", ")]


def sections(page: str) -> Iterator[tuple[list[str], str]]:
    """Yield for every section about transformers their names and its text."""
    headings = list(_HEADING.finditer(page))
    for heading in headings:
        text = page[heading.end() :]
        following = re.search("^##", text, re.MULTILINE)
        yield heading["names"].split(", "), text[: following.start() if following else None]


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def places() -> dict[str, str]:
    """Return for every transformer the link to its section, from docs/."""
    return {
        name: f"{GUIDES.name}/{path.name}#{slug(heading['names'])}"
        for path in guides()
        for heading in _HEADING.finditer(path.read_text())
        for name in heading["names"].split(", ")
    }


@dataclass(frozen=True, slots=True)
class Example:
    """A mapping and what it does to items, as a page shows them."""

    mapping: str
    tables: str
    error: bool
    text: str
    line: int

    @classmethod
    def read(cls, match: re.Match[str]) -> Example:
        """Return the example that was found."""
        line = match.string.count("\n", 0, match.start()) + 1
        return cls(match["mapping"], match["tables"], match["error"] is not None, match[0], line)

    def executed(self) -> str:
        """Return the example with what the engine makes of it.

        Raises:
            ValueError: it shows less than the items have, or neither values nor an error.
        """
        tables = [_Table.read(lines) for lines in re.findall(r"(?:^\|.*\n)+", self.tables, re.MULTILINE)]
        block = f"```yaml\n{self.mapping}```\n"
        if self.error:
            shown = "".join(f"\n{table.shown(None)}" for table in tables)
            return f"{block}{shown}\n```text\n{self._refusal(tables)}\n```\n"
        if not tables:
            raise ValueError("an example needs a table of values before and after, or an error")
        return block + "".join(f"\n{table.shown(self._apply(table))}" for table in tables)

    def _apply(self, table: _Table) -> list[WireItem]:
        mapping = parse_mapping_file(self.mapping).table(table.name)
        plan = compile_plan(mapping, key_attributes=(KEY,), secret=EXAMPLE_SECRET)
        return plan.apply([item for _, item in table.items()])

    def _refusal(self, tables: list[_Table]) -> str:
        try:
            for table in tables or [_Table("path", [])]:
                self._apply(table)
        except (MappingError, TransformError) as error:
            return fill(str(error), 110, break_long_words=False, break_on_hyphens=False)
        raise ValueError("an error was expected, and there is none")


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows of paths with their values, as written; the name tells the table where a mapping has several."""

    name: str
    rows: list[tuple[str, str]]

    @classmethod
    def read(cls, lines: str) -> _Table:
        cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines.splitlines()]
        head, _, *rows = cells
        return cls(head[0].strip("`"), [(path, before) for path, before, *_ in rows])

    def items(self) -> list[tuple[list[tuple[str, str]], WireItem]]:
        """Return the items before, each with its rows."""
        grouped: list[list[tuple[str, str]]] = []
        for path, before in self.rows:
            if not grouped or path == f"`{KEY}`" or path in dict(grouped[-1]):
                grouped.append([])
            grouped[-1].append((path, before))
        return [(rows, _item(rows, number)) for number, rows in enumerate(grouped, 1)]

    def shown(self, results: list[WireItem] | None) -> str:
        """Return the table, with the items after where there are any."""
        name = self.name if self.name == "path" else f"`{self.name}`"
        if results is None:
            lines = [
                f"| {name} | before |",
                "|---|---|",
                *(f"| {path} | {before} |" for path, before in self.rows),
            ]
            return "\n".join(lines) + "\n"
        lines = [f"| {name} | before | after |", "|---|---|---|"]
        for (rows, _), result in zip(self.items(), results, strict=True):
            left = {"M": result}
            for path, before in rows:
                found = _take(left, _steps(path))
                after = _cell(found) if found else ABSENT if before == ABSENT else REMOVED
                lines.append(f"| {path} | {before} | {after} |")
            if unseen := [*_leaves(left, [KEY] if f"`{KEY}`" not in dict(rows) else [])]:
                raise ValueError(f"an item has {', '.join(unseen)} afterwards, which no row shows")
        return "\n".join(lines) + "\n"


def _item(rows: list[tuple[str, str]], number: int) -> WireItem:
    item: WireValue = {"M": {KEY: {"S": str(number)}}}
    for path, before in rows:
        if before != ABSENT:
            _put(item, _steps(path), _read(_uncell(before)))
    return item["M"]


def _steps(path: str) -> list[str | int]:
    return [*parse_path(_uncell(path), "an example")]


def _put(container: WireValue, steps: list[str | int], value: WireValue) -> None:
    step, *following = steps
    inner = value
    ((_, members),) = container.items()
    if following:
        known = step in members if isinstance(members, dict) else step < len(members)
        inner = members[step] if known else {"L": []} if isinstance(following[0], int) else {"M": {}}
        _put(inner, following, value)
    if isinstance(members, dict):
        members[step] = inner
    else:
        members[step:] = [inner]


def _take(container: WireValue, steps: list[str | int]) -> WireValue | None:
    """Remove and return what is at a path; list elements leave a gap, so that the others keep their indexes."""
    step, *following = steps
    ((kind, members),) = container.items()
    if kind not in ("M", "L") or not (step in members if kind == "M" else step < len(members)):
        return None
    if following:
        return _take(members[step], following)
    found = members[step]
    members[step] = {}
    return found


def _leaves(value: WireValue, names: list[str]) -> Iterator[str]:
    for kind, payload in value.items():
        if kind in ("M", "L"):
            for name, member in payload.items() if kind == "M" else enumerate(payload):
                if name not in names:
                    yield from (f"{name}: {leaf}" for leaf in _leaves(member, []))
        else:
            yield kind


def _read(text: str) -> WireValue:
    return {"S": text[1:-1]} if text.startswith("'") else _wire(json.loads(text, parse_float=Decimal))


def _wire(value: Any) -> WireValue:
    if isinstance(value, dict):
        if len(value) == 1 and value.keys() <= {*ELEMENT_OF_SET, "B"}:
            return value
        return {"M": {name: _wire(member) for name, member in value.items()}}
    return {"L": [_wire(element) for element in value]} if isinstance(value, list) else to_wire(value)


def _json(value: WireValue) -> str:
    ((kind, payload),) = value.items()
    if kind == "M":
        return f"{{{', '.join(f'{json.dumps(name)}: {_json(member)}' for name, member in payload.items())}}}"
    if kind == "L":
        return f"[{', '.join(map(_json, payload))}]"
    if kind == "N":
        return str(payload)
    shown = value if kind == "B" or kind in ELEMENT_OF_SET else None if kind == "NULL" else payload
    return json.dumps(shown, ensure_ascii=False)


def _cell(value: WireValue) -> str:
    text = value.get("S", "")
    quoted = f"'{text}'" if '"' in text and not {"'", "\\"} & {*text} else _json(value)
    return f"`{quoted.replace('|', chr(92) + '|')}`"


def _uncell(cell: str) -> str:
    return cell.strip("`").replace("\\|", "|")


def examples(page: str) -> list[Example]:
    """Return the examples of a page."""
    _import_modules(page)
    return [Example.read(match) for match in _EXAMPLE.finditer(page)]


def rendered(page: str) -> str:
    """Return a page with the facts of its transformers and the results of its examples made anew."""
    _import_modules(page)
    return _EXAMPLE.sub(lambda match: Example.read(match).executed(), _HEADING.sub(_facts, page))


def _import_modules(page: str) -> None:
    """Make the Python modules that a page shows known under the names in their first lines."""
    for shown in _MODULE.finditer(page):
        module = ModuleType(shown["name"])
        exec(compile(f"\n{shown['code']}", f"{shown['name']}.py", "exec"), module.__dict__)  # noqa: S102
        sys.modules[shown["name"]] = module


def _facts(heading: re.Match[str]) -> str:
    facts = {name: _fact(catalogue()[name]) for name in heading["names"].split(", ")}
    lines = [f"- `{name}`: {fact}" for name, fact in facts.items()] if len(facts) > 1 else facts.values()
    return f"### {heading['names']}\n\n" + "\n".join(lines) + "\n\n"


def _fact(definition: Definition) -> str:
    accepts = _types(definition.accepts)
    returns = "the same type" if definition.returns is None else _types(definition.returns)
    unique = definition.uniqueness
    words = "by its parameters" if callable(unique) else unique.value.replace("_", " ")
    return (
        f"{accepts} → {returns}; [uniqueness](every-rule.md#uniqueness): {words};"
        f" [parameters](../reference.md#{definition.name})"
    )


def _types(kinds: frozenset[str]) -> str:
    if kinds in (EVERY_TYPE, EVERY_TYPE_BUT_SETS):
        return "any type"
    *others, last = sorted(kinds, key=lambda kind: (kind == "NULL", kind)) or ["nothing"]
    return f"{', '.join(others)} or {last}" if others else last


def main() -> None:
    """Bring every page up to date."""
    for path in guides():
        try:
            path.write_text(rendered(path.read_text()))
        except (MappingError, TransformError, ValueError, KeyError) as error:
            raise SystemExit(f"{path}: {type(error).__name__}: {error}") from error
        print(path)
