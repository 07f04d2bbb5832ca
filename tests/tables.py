"""Clients in wire form and the items of tables, for tests and benchmarks against local servers."""

from collections.abc import Callable, Iterable
from typing import Any

from airflow_dynsync.dynamodb import client as client_module
from airflow_dynsync.dynamodb.client import create_client
from airflow_dynsync.dynamodb.reader import scan_pages
from local.dynamodb import AccessKey, Server


def wire_client(server: Server, key: AccessKey | None = None, **options: Any) -> Any:
    """Return a client in wire form for one side of a local server."""
    from botocore.credentials import Credentials

    key = key or AccessKey()
    credentials = Credentials(key.access_key_id, key.secret_access_key, key.session_token)
    return create_client(
        credentials=credentials, region_name=server.region, endpoint_url=server.endpoint_url, **options
    )


def looks_up(request: Any) -> bool:
    """Tell whether a BatchGetItem asks for items, and not only whether it is allowed."""
    return b"dynsync-preflight-" not in request.body


def before_first_lookup(monkeypatch: Any, action: Callable[[], object]) -> None:
    """Do something before the first item is looked up by any client that is made from now on."""
    original, pending = client_module.create_client, [action]

    def act(request: Any, **_: Any) -> None:
        if pending and looks_up(request):
            pending.pop()()

    def create(**arguments: Any) -> Any:
        client = original(**arguments)
        client.meta.events.register("before-send.dynamodb.BatchGetItem", act)
        return client

    monkeypatch.setattr(client_module, "create_client", create)


def read_all(client: Any, table_name: str) -> list[dict[str, Any]]:
    """Return every item of a table, in wire form."""
    return [item for page in scan_pages(client, table_name) for item in page.items]


def by_key(items: Iterable[dict[str, Any]], *names: str) -> dict[str, dict[str, Any]]:
    """Return items by their key."""
    return {repr([item[name] for name in names]): item for item in items}
