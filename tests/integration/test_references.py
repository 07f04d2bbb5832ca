"""Tables that refer to each other, synced with one secret: every reference leads where it led before."""

import re
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any

import orjson
import pytest
import yaml

from airflow_dynsync.sync.job import SyncJob, run_sync
from airflow_dynsync.sync.mapping_file import load_table_mapping
from local.dynamodb import AccessKey, Server
from tests.shop import PROTECTED, REFERENCES, TABLES, Graph, Shop, graph, items_of_the_shop, resolved
from tests.tables import wire_client

SECRET = b"one secret for three tables"

MAPPING = (Path(__file__).parents[2] / "dags_examples" / "mappings" / "shop.yaml").read_text()


@pytest.fixture(scope="module")
def source(dynamodb_local: Server) -> Shop:
    shop = Shop.opened(wire_client(dynamodb_local, AccessKey("shop")))
    shop.fill(items_of_the_shop())
    return shop


@pytest.fixture(scope="module")
def before(source: Shop) -> Graph:
    return graph(source)


@pytest.fixture
def synced(source: Shop, dynamodb_local: Server, tmp_path: Path) -> Callable[..., Shop]:
    """`synced(mapping)` returns a new shop with what one mapping file makes of the source's three tables."""

    def sync(mapping: dict[str, Any]) -> Shop:
        destination = Shop.opened(wire_client(dynamodb_local, AccessKey(f"staging{token_hex(6)}")), "Staging")
        file = tmp_path / "shop.yaml"
        file.write_text(yaml.safe_dump(mapping))
        for table, (keys, _) in TABLES.items():
            rules = load_table_mapping(file, table, key_attributes=keys)
            # Small pages, side by side: hardly anything comes together with what it refers to.
            assert rules.destination
            job = SyncJob(table, rules.destination, rules, secret=SECRET, page_size=20, total_segments=3)
            run_sync(job, source.client, destination.client)
        return destination

    return sync


def test_every_reference_between_three_tables_leads_where_it_led(
    source: Shop, before: Graph, synced: Callable[..., Shop]
) -> None:
    destination = synced(yaml.safe_load(MAPPING))

    for table in TABLES:
        assert len(destination.items(table)) == len(source.items(table)) >= 60
    counts = resolved(before)
    assert set(counts) == {reference.name for reference in REFERENCES}
    assert min(counts.values()) >= 20
    assert any(target is None for _, _, target in before)
    after = graph(destination)
    assert resolved(after) == counts
    assert after == before


def test_no_original_of_what_is_protected_is_left_anywhere(source: Shop, synced: Callable[..., Shop]) -> None:
    destination = synced(yaml.safe_load(MAPPING))
    before, after = (
        b"".join(orjson.dumps(shop.items(table)) for table in TABLES).decode() for shop in (source, destination)
    )
    for pattern in PROTECTED:
        originals = set(re.findall(pattern, before))
        assert len(originals) >= 30
        assert not [original for original in originals if original in after]


def in_another_realm(preset: dict[str, Any]) -> dict[str, Any]:
    """Return a preset that draws differently, in its parts if it has some."""
    if "parts" not in preset:
        return {**preset, "realm": "another"}
    parts = {
        name: part if part == "passthrough" else {"transformer": part, "realm": "another"}
        for name, part in preset["parts"].items()
    }
    return {**preset, "parts": parts}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_in_another_realm_breaks_what_leads_to_it_and_from_it(
    table: str, before: Graph, synced: Callable[..., Shop]
) -> None:
    mapping = yaml.safe_load(MAPPING)
    mapping["tables"][table]["presets"] = {
        name: in_another_realm(preset) for name, preset in mapping["presets"].items()
    }
    broken = resolved(before - graph(synced(mapping)))
    crossing = {
        reference.name for reference in REFERENCES if (reference.origin == table) != (reference.target == table)
    }
    assert crossing
    assert broken == {name: count for name, count in resolved(before).items() if name in crossing}
