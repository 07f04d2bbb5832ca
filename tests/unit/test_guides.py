"""The guides: every example is true, every transformer has its place, every link leads somewhere."""

import re
from itertools import chain
from pathlib import Path

import pytest

from airflow_dynsync.engine import catalogue
from local.guides import DOCS, Example, examples, guides, rendered, sections, slug, transformers_on

ROOT = DOCS.parent
INDEX = DOCS / "README.md"
EVERY_GUIDE = pytest.mark.parametrize("path", guides(), ids=lambda path: path.stem)
LINK = re.compile(r"\]\((?!https://)([^)#\s]*)(?:#([^)\s]+))?\)")


def without_code(page: str) -> str:
    return re.sub(r"^```.*?^```$|`[^`\n]+`", "", page, flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, id=f"{path.stem}:{example.line}")
        for path in guides()
        for example in examples(path.read_text())
    ],
)
def test_an_example_shows_what_the_engine_does(example: Example) -> None:
    assert example.text == example.executed(), "run `make docs`"


@EVERY_GUIDE
def test_a_guide_is_up_to_date(path: Path) -> None:
    assert path.read_text() == rendered(path.read_text()), "run `make docs`"


@EVERY_GUIDE
def test_every_mapping_on_a_page_is_an_example(path: Path) -> None:
    page = path.read_text()
    mappings = re.findall(r"^ *(?:```|~~~) *ya?ml", page, re.MULTILINE | re.IGNORECASE)
    assert 0 < len(mappings) == len(examples(page))


def test_every_transformer_is_on_exactly_one_page() -> None:
    placed = list(chain.from_iterable(transformers_on(path.read_text()) for path in guides()))
    assert sorted(placed) == sorted(catalogue())


@EVERY_GUIDE
def test_a_section_has_an_example_of_each_of_its_transformers(path: Path) -> None:
    for names, text in sections(path.read_text()):
        used = " ".join(example.mapping for example in examples(text))
        assert [name for name in names if not re.search(rf"\b{name}\b", used)] == []


@EVERY_GUIDE
def test_a_guide_begins_with_what_to_use_when(path: Path) -> None:
    page = path.read_text()
    title, beginning = re.split("^##", page, maxsplit=1, flags=re.MULTILINE)[0].split("\n\n", 1)
    assert title.startswith("# ")
    assert beginning.startswith("| you ")
    assert [name for name in transformers_on(page) if f"`{name}`" not in beginning] == []


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for file, anchor in LINK.findall(without_code(path.read_text())):
        target = (path.parent / file).resolve() if file else path
        assert target.is_relative_to(ROOT)
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), f"{file}#{anchor}"


def test_the_index_leads_to_every_page() -> None:
    linked = {(DOCS / file).resolve() for file, _ in LINK.findall(INDEX.read_text())}
    assert {*DOCS.rglob("*.md")} - {INDEX} <= linked
