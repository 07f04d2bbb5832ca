"""Two accounts for real: roles in other accounts, external IDs, least privilege, credentials that end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_dynsync.dynamodb import client as client_module
from airflow_dynsync.dynamodb.policies import read_policy, write_policy
from airflow_dynsync.dynamodb.writer import write_items
from local.accounts import Accounts, set_up_accounts, table_arn
from local.dynamodb import AccessKey, Server
from tests.tables import read_all, wire_client

ITEMS = [{"Id": {"S": f"{number}"}, "Email": {"S": f"p{number}@corp.test"}} for number in range(60)]


@pytest.fixture
def accounts(
    ministack_server: Server, create_table: Callable[..., str], add_connection: Callable[..., str]
) -> Callable[..., tuple[Accounts, str, str]]:
    """`accounts(n)` sets up a home, a production and a staging account of their own, tables and connections."""

    def connect(number: int, source_id: str | None = None, **policies: Any) -> tuple[Accounts, str, str]:
        home, production, staging = (f"{number}{kind:011d}" for kind in range(3))
        source = create_table(ministack_server.client(key=AccessKey(production)), {"Id": "S"})
        destination = create_table(ministack_server.client(key=AccessKey(staging)), {"Id": "S"})
        documents = {
            "read_policy": read_policy(table_arn(ministack_server, production, source)),
            "write_policy": write_policy(table_arn(ministack_server, staging, destination)),
        }
        made = set_up_accounts(
            ministack_server, source, destination, account_ids=(home, production, staging), **documents | policies
        )
        for name, role, external_id in (
            ("source", made.reader, source_id or made.reader.external_id),
            ("destination", made.writer, made.writer.external_id),
        ):
            add_connection(
                f"sync_{name}",
                login=made.key.access_key_id,
                password=made.key.secret_access_key,
                extra={
                    "role_arn": role.arn,
                    "external_id_secret": external_id,
                    "region_name": ministack_server.region,
                    "endpoint_url": ministack_server.endpoint_url,
                    "sts_endpoint_url": ministack_server.endpoint_url,
                },
            )
        return made, source, destination

    return connect


def test_two_accounts_are_reached_through_roles_with_external_ids(
    accounts: Callable[..., tuple[Accounts, str, str]],
    ministack_server: Server,
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
) -> None:
    made, source, destination = accounts(4)
    production, staging = (wire_client(ministack_server, key) for key in (made.production, made.staging))
    write_items(production, source, ITEMS, key_names=["Id"])
    task = sync(source, destination, mapping_file(mappings={"Email": "transform_email"}, unmapped="passthrough"))
    assert task.state == "success"
    assert len(read_all(staging, destination)) == 60


def test_no_more_has_to_be_allowed_than_describe_scan_and_batch_write(
    accounts: Callable[..., tuple[Accounts, str, str]],
    ministack_server: Server,
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
) -> None:
    made, source, destination = accounts(5, read_policy=None, write_policy=None)
    write_items(wire_client(ministack_server, made.production), source, ITEMS, key_names=["Id"])
    task = sync(source, destination, mapping_file(mappings={}))
    assert task.state == "success"
    assert len(read_all(wire_client(ministack_server, made.staging), destination)) == 60


def test_a_wrong_external_id_is_refused_at_once_and_the_message_says_so(
    accounts: Callable[..., tuple[Accounts, str, str]],
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    _, source, destination = accounts(6, source_id="not the external id")
    task = sync(source, destination, mapping_file(mappings={}))
    assert (task.state, task.try_number) == ("failed", 1)
    printed = "".join(capfd.readouterr())
    assert "external ID" in printed
    assert "sync_source" in printed
    assert "not the external id" not in printed


def test_credentials_that_expire_in_the_middle_of_a_run_are_renewed(
    accounts: Callable[..., tuple[Accounts, str, str]],
    ministack_server: Server,
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, source, destination = accounts(7)
    write_items(wire_client(ministack_server, made.production), source, ITEMS, key_names=["Id"])
    used: set[str] = set()
    original = client_module.create_client

    def create_client(**arguments: Any) -> Any:
        client, credentials = original(**arguments), arguments["credentials"]

        def expire(request: Any, **_: Any) -> None:
            used.add(request.headers["Authorization"].split("Credential=")[1].split("/")[0])
            # As if the session's hour had passed since the last page.
            credentials._expiry_time = datetime.now(UTC) - timedelta(seconds=1)

        client.meta.events.register("before-send.dynamodb.Scan", expire)
        return client

    monkeypatch.setattr(client_module, "create_client", create_client)
    assert sync(source, destination, mapping_file(mappings={})).state == "success"
    assert len(used) >= 3
    assert len(read_all(wire_client(ministack_server, made.staging), destination)) == 60
