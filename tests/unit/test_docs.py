"""The pages on guarantees, threats and operations name what there is: links, errors, messages, arguments."""

import ast
import builtins
import importlib
import inspect
import pkgutil
import re
from dataclasses import fields
from pathlib import Path

import pytest

import airflow_dynsync
from airflow_dynsync.cli import main
from airflow_dynsync.engine import catalogue
from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator
from airflow_dynsync.sync.findings import ERRORS, WARNINGS
from airflow_dynsync.sync.report import SyncReport
from local.guides import DOCS, slug

ROOT = DOCS.parent
PACKAGE = Path(airflow_dynsync.__file__).parent
PAGES = [DOCS / name for name in ("guarantees.md", "threat-model.md", "operations.md")]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
RUNBOOK = (DOCS / "operations.md").read_text()
CODES = {*ERRORS, *WARNINGS}
FINDING = re.compile(rf"({'|'.join(sorted({code.partition('_')[0] for code in CODES}))})_\w+")
ARGUMENTS = [
    name
    for name, parameter in inspect.signature(DynamoDBAnonymizeSyncOperator.__init__).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
]


def code(text: str) -> list[str]:
    """Return what stands between backticks, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def messages() -> str:
    """Return every text of the package, one to a line; what is filled in is an ellipsis."""
    texts = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(" ".join(text.split()) for text in texts)


def error_classes() -> set[str]:
    modules = [
        importlib.import_module(found.name)
        for part in ("dynamodb", "engine", "sync")
        for found in pkgutil.iter_modules([str(PACKAGE / part)], f"airflow_dynsync.{part}.")
    ]
    return {name for module in modules for name in vars(module) if name.endswith("Error")} - set(dir(builtins))


def test_every_finding_that_is_made_is_known() -> None:
    sources = "".join(path.read_text() for path in (PACKAGE / "sync").glob("*.py"))
    assert set(re.findall(r'Finding\(\s*"(\w+)"', sources)) == CODES
    assert set(ERRORS).isdisjoint(WARNINGS)


@EVERY_PAGE
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https://)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text())
    assert links
    for path, anchor in links:
        target = (page.parent / path) if path else page
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in map(slug, headings), f"{path}#{anchor}"


@EVERY_PAGE
def test_the_index_links_to_the_page(page: Path) -> None:
    assert f"]({page.name})" in (DOCS / "README.md").read_text()


@EVERY_PAGE
def test_every_transformer_named_exists(page: Path) -> None:
    named = {name for name in code(page.read_text()) if re.fullmatch(r"(transform|generate)_\w+", name)}
    assert named <= set(catalogue()), named - set(catalogue())


@EVERY_PAGE
def test_every_error_named_exists(page: Path) -> None:
    named = {name for name in code(page.read_text()) if re.fullmatch(r"\w+Error", name)}
    assert named <= error_classes(), named - error_classes()


def test_the_runbook_has_every_error_of_dynamodb_and_sync() -> None:
    from airflow_dynsync.dynamodb import errors as dynamodb
    from airflow_dynsync.sync import collisions, dead_letters, drift, exposure, mirror, preflight, verification
    from airflow_dynsync.sync import errors as sync

    classes = {
        name
        for module in (dynamodb, sync, collisions, dead_letters, drift, exposure, mirror, preflight, verification)
        for name, each in vars(module).items()
        if inspect.isclass(each) and issubclass(each, Exception) and each.__module__ == module.__name__
    }
    assert len(classes) > 10
    assert classes - set(code(RUNBOOK)) == set()


@EVERY_PAGE
def test_every_finding_named_exists(page: Path) -> None:
    named = {name for name in code(page.read_text()) if FINDING.fullmatch(name)}
    named -= {*ARGUMENTS, *(field.name for field in fields(SyncReport))}
    assert named <= CODES, named - CODES


def test_the_runbook_has_every_finding() -> None:
    assert CODES - set(code(RUNBOOK)) == set()


def test_every_message_quoted_in_the_runbook_is_one() -> None:
    rows = RUNBOOK[RUNBOOK.index("## When it fails") :]
    quoted = re.findall(r'^\| "([^|]+?)"(?= )', rows, re.MULTILINE)
    assert len(quoted) > 40
    known = messages()
    assert [phrase for phrase in quoted if phrase not in known] == []


@EVERY_PAGE
def test_every_argument_given_in_an_example_exists(page: Path) -> None:
    given = {name for name in re.findall(r"`(\w+)=[^`]+`", page.read_text()) if name != "PYTHON"}
    assert given - {"max_active_runs"} <= set(ARGUMENTS)


@EVERY_PAGE
def test_every_command_named_exists(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in {
        command for text in code(page.read_text()) for command in re.findall(r"^dynsync ([a-z]\S*)", text)
    }:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0, command
        assert command in capsys.readouterr().out


def test_the_nightly_dag_can_be_parsed(tmp_path: Path) -> None:
    from datetime import timedelta

    from airflow.sdk import DAG

    (block,) = re.findall(r"^```python\n(with DAG.*?)^```$", RUNBOOK, re.MULTILINE | re.DOTALL)
    mapping = tmp_path / "users.yaml"
    mapping.write_text("mappings: {Email: transform_email}\n")
    names = {
        "DAG": DAG,
        "DynamoDBAnonymizeSyncOperator": DynamoDBAnonymizeSyncOperator,
        "timedelta": timedelta,
    }
    exec(block.replace('"users.yaml"', repr(str(mapping))), names)


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_every_argument_of_the_operator_is_documented(argument: str) -> None:
    pages = [ROOT / "README.md", DOCS / "report.md", *PAGES]
    assert any(re.search(rf"`{argument}\b|\b{argument}=", page.read_text()) for page in pages)
