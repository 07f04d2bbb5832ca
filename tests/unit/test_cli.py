"""The command line, as far as it needs no server."""

import json
from pathlib import Path

import pytest

from airflow_dynsync.cli import main

ARN = "arn:aws:dynamodb:eu-west-1:111111111111:table/Users"


def test_policy_read_allows_no_write(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "read", "--table-arn", ARN]) == 0
    document = json.loads(capsys.readouterr().out)
    actions = {action for statement in document["Statement"] for action in _list(statement["Action"])}
    assert {"dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:DescribeTable"} <= actions
    assert not any("Write" in action or "Put" in action or "Delete" in action for action in actions)


def _list(action: str | list[str]) -> list[str]:
    return [action] if isinstance(action, str) else action


def test_policy_write_allows_to_create_the_table_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    creating = {"dynamodb:CreateTable", "dynamodb:UpdateTimeToLive"}
    for options, allowed in (([], set()), (["--create-destination"], creating)):
        assert main(["policy", "write", "--table-arn", ARN, *options]) == 0
        (table, _) = json.loads(capsys.readouterr().out)["Statement"]
        assert creating & set(table["Action"]) == allowed


def test_policies_allow_what_a_created_table_is_to_get(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--create-destination", "--tag", "team=data", "--point-in-time-recovery"]
    for command, allowed in (
        (["write", *asked], {"dynamodb:TagResource", "dynamodb:UpdateContinuousBackups"}),
        (["write", "--create-destination", "--stream", "KEYS_ONLY"], set()),
        (["read", "--copy-tags"], {"dynamodb:ListTagsOfResource"}),
    ):
        assert main(["policy", *command, "--table-arn", ARN]) == 0
        (table, _) = json.loads(capsys.readouterr().out)["Statement"]
        named = {"TagResource", "UpdateContinuousBackups", "ListTagsOfResource"}
        assert {f"dynamodb:{name}" for name in named} & set(table["Action"]) == allowed


def test_policy_write_allows_a_side_table_of_that_name_alone_where_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["policy", "write", "--table-arn", ARN, "--replace"]) == 0
    statements = {each["Sid"]: each for each in json.loads(capsys.readouterr().out)["Statement"]}
    assert "dynamodb:DeleteTable" not in statements["Table"]["Action"]
    assert {"dynamodb:CreateTable", "dynamodb:DeleteTable"} <= set(statements["SideTable"]["Action"])
    assert statements["SideTable"]["Resource"] == [f"{ARN}.dynsync-new", f"{ARN}.dynsync-new/index/*"]


def test_policy_with_a_principal_adds_the_trust_policy(capsys: pytest.CaptureFixture[str]) -> None:
    principal = "arn:aws:iam::000000000000:role/airflow"
    command = ["policy", "write", "--table-arn", ARN, "--principal", principal, "--external-id", "e-1"]
    assert main(command) == 0
    trust = json.loads(capsys.readouterr().out)["trust"]["Statement"][0]
    assert trust["Principal"] == {"AWS": principal}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "e-1"}}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["policy", "read", "--table-arn", "Users"], "--table-arn"),
        (["policy", "read", "--table-arn", ARN, "--external-id", "e"], "belong together"),
        (["policy", "read", "--table-arn", ARN, "--create-destination"], "for the role that writes"),
        (["policy", "read", "--table-arn", ARN, "--replace"], "--replace is for the role that writes"),
        (["policy", "read", "--table-arn", ARN, "--tag", "a=b"], "--tag is for the role that writes"),
        (["policy", "write", "--table-arn", ARN, "--copy-tags"], "give --create-destination, too"),
        (
            ["policy", "write", "--table-arn", ARN, "--create-destination", "--tag", "team"],
            "--tag: expected KEY=VALUE",
        ),
        (
            ["policy", "write", "--table-arn", ARN, "--create-destination", "--tag", "AWS:x=1"],
            "keys that begin with aws: are AWS's own",
        ),
        (["transformers", "transform_emial"], "did you mean transform_email?"),
        (["validate", "no-such-file.yaml"], "no-such-file.yaml: cannot be read"),
    ],
)
def test_a_refused_command_says_why_in_one_line(
    command: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_validate_explains_every_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text("tables: {Users: {mappings: {Email: transform_email}}, Orders: {unmapped: drop}}")
    assert main(["validate", str(file), "--key", "Id"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "Users:"
    assert printed[1].startswith("Email: transform_email")
    assert "Id: passes through (primary key)" in printed
    assert printed[-1] == "everything else: is removed (unmapped)"


def test_validate_names_file_table_and_rule_of_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text("tables: {Users: {mappings: {Email: {transformer: transform_email, preserve_domian: true}}}}")
    assert main(["validate", str(file)]) == 1
    printed = capsys.readouterr().err
    assert f"{file}: tables.Users: mappings.Email.preserve_domian: unknown name" in printed
    assert "did you mean preserve_domain?" in printed


def test_transformers_lists_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    from airflow_dynsync.engine import catalogue

    assert main(["transformers"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in catalogue())


def test_transformers_shows_the_parameters_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transformers", "transform_email"]) == 0
    printed = capsys.readouterr().out
    assert "preserve_domain" in printed
    assert "uniqueness: " in printed
