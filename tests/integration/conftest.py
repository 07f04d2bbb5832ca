"""Tables filled with items."""

from collections.abc import Callable
from typing import Any

import pytest

from airflow_dynsync.dynamodb.writer import write_items


@pytest.fixture
def fill(create_table: Callable[..., str]) -> Callable[..., str]:
    """`fill(client, {"Id": "S"}, items)` makes a table that holds the items and returns its name."""

    def make(client: Any, keys: dict[str, str], items: list[dict[str, Any]], **more: Any) -> str:
        name = create_table(client, keys, **more)
        write_items(client, name, items, key_names=tuple(keys))
        return name

    return make
