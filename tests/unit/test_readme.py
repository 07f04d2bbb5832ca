"""What the README shows is true: its links, commands, mapping and script."""

import json
import re
import shlex
from pathlib import Path

import pytest

from airflow_dynsync.cli import main
from airflow_dynsync.dynamodb.policies import trust_policy
from airflow_dynsync.sync.mapping_file import check_mapping, parse_mapping_file

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(*names: str) -> list[list[str]]:
    """Return the arguments of every command line of the README that calls one of dynsync's commands."""
    lines = "\n".join(blocks("sh")).replace("\\\n", " ").splitlines()
    called = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("dynsync ")]
    return [arguments for arguments in called if arguments[0] in names]


def test_every_linked_file_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("https://")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z]+)", README))
    assert {"demo", "test", "ui"} <= named <= targets


def test_the_mapping_is_a_right_one() -> None:
    (text,) = blocks("yaml")
    check_mapping(parse_mapping_file(text).table("Users"), key_attributes=["PK"])


def test_the_script_runs() -> None:
    (script,) = [block for block in blocks("python") if "compile_plan" in block]
    names: dict = {}
    exec(script, names)
    ((item,),) = [names["items"]]
    assert item["Id"] == {"S": "1"}
    assert "corp.test" not in item["Email"]["S"]


@pytest.mark.parametrize("arguments", commands("policy"))
def test_the_policy_commands_print_what_they_say(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)


def test_the_trust_policy_is_the_one_that_is_printed() -> None:
    (shown,) = map(json.loads, blocks("json"))
    statement = shown["Statement"][0]
    assert shown == trust_policy(
        statement["Principal"]["AWS"], statement["Condition"]["StringEquals"]["sts:ExternalId"]
    )


@pytest.mark.parametrize("arguments", commands("validate", "transformers"))
def test_the_commands_that_need_no_aws_run(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mapping.yaml").write_text(blocks("yaml")[0])
    assert main(arguments) == 0


@pytest.mark.parametrize("arguments", commands("sync", "preview"))
def test_the_commands_that_need_aws_are_understood(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no mapping.yaml: the command line is read, and nothing is called
    assert main(arguments) == 1
    assert "mapping.yaml: cannot be read" in capsys.readouterr().err
