"""Originals that are planted in the demo's table at places that pass through: each of them is found.

Value, form and place are drawn from a seed.
"""

import gzip
import html
import json
import unicodedata
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import yaml

from airflow_dynsync.engine import Mapping, Plan, compile_plan
from airflow_dynsync.engine.paths import format_path
from airflow_dynsync.sync.exposure import ExposureCheck
from local import dataset
from local.verification import protected_values
from tests.originals import scalars

PLANTS = 50
SECRET = b"a secret of the tests"
MAPPING = Path(__file__).parents[2] / "dags_examples" / "mappings" / "customers.yaml"

Item = dict[str, Any]

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "title case": str.title,
    "decomposed": lambda value: unicodedata.normalize("NFD", value),
    "full width": lambda value: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in value),
    "without spaces": lambda value: value.replace(" ", ""),
    "no-break spaces": lambda value: value.replace(" ", "\u00a0"),
    "two spaces": lambda value: value.replace(" ", "  "),
    "zero-width spaces": lambda value: value.replace(" ", "\u200b \u200b"),
    "lines": lambda value: value.replace(" ", "\n"),
    "hyphens": lambda value: value.replace(" ", "-"),
    "underscores": lambda value: value.replace(" ", "_"),
    "dots": lambda value: value.replace(" ", "."),
    "free text": lambda value: f"Please call {value}, after 6 pm!",
    "brackets": lambda value: f"(<{value}>)",
    "composite": lambda value: f"TENANT#{value}#OPEN",
    "bars": lambda value: f"1|{value}|open",
    "slug": lambda value: f"/customers/{value}/orders",
    "table": lambda value: f'1;"{value}";x',
    "JSON": lambda value: json.dumps({"user": [{"is": value}]}),
    "JSON key": lambda value: json.dumps({value: 1}),
    "JSON in JSON": lambda value: json.dumps({"body": json.dumps({"is": value, "quote": '"'})}),
    "JSON behind text": lambda value: "event: " + json.dumps({"is": value}),
    "percent-encoded": lambda value: f"https://shop.example/?q={quote(value)}",
    "form-encoded": lambda value: f"q={quote_plus(value)}&page=1",
    "all percent-encoded": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
    "HTML": lambda value: f"<p>{html.escape(value).encode('ascii', 'xmlcharrefreplace').decode()}</p>",
    "Base64": lambda value: b64encode(value.encode()).decode(),
    "Base64 in text": lambda value: f"token {b64encode(value.encode()).decode()} expired",
    "web token": lambda value: f"eyJhbGciOiJub25lIn0.{_for_urls(json.dumps({'sub': value}))}.x",
}

PLACES: dict[str, tuple[str, Callable[[Item, str], object]]] = {
    # name: where it is then seen, and what plants a text there
    "attribute": ("planted", lambda item, text: item.update(planted={"S": text})),
    "sort key": ("SK", lambda item, text: item.update(SK={"S": f"{item['SK']['S']}#{text}"})),
    "nested": ("planted.a[*].b", lambda item, text: item.update(planted=_nested(text))),
    "map key": ("planted.*", lambda item, text: item.update(planted={"M": {text: {"N": "1"}}})),
    "part of a map key": ("planted.*", lambda item, text: item.update(planted={"M": {f"by:{text}": {"N": "1"}}})),
    "string set": ("planted", lambda item, text: item.update(planted={"SS": ["vip", text]})),
    "binary": ("planted", lambda item, text: item.update(planted=_binary(b"\x01" + text.encode() + b"\xff"))),
    "compressed": ("planted", lambda item, text: item.update(planted=_binary(gzip.compress(text.encode())))),
    "binary set": ("planted", lambda item, text: item.update(planted={"BS": [_binary(text.encode())["B"]]})),
}


def _for_urls(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _nested(text: str) -> dict[str, Any]:
    return {"M": {"a": {"L": [{"M": {"b": {"S": text}}}]}}}


def _binary(content: bytes) -> dict[str, Any]:
    return {"B": b64encode(content).decode()}


@dataclass(frozen=True)
class Plant:
    """An original in a form at a place; its value is not told."""

    item: Item
    path: str
    form: str
    place: str

    def __str__(self) -> str:
        return f"{self.path}, {self.form}, {self.place}"


@pytest.fixture(scope="module")
def mapping() -> Mapping:
    rules = yaml.safe_load(MAPPING.read_text())
    rules["mappings"] |= {"planted": "passthrough"}
    return Mapping.parse(rules)


@pytest.fixture(scope="module")
def plan(mapping: Mapping) -> Plan:
    return compile_plan(mapping, key_attributes=dataset.KEYS, secret=SECRET)


def plants(mapping: Mapping, seed: int) -> Iterator[Plant]:
    """Yield plants in items of their own, no two of one path, form and place."""
    random, seen = Random(seed), set[tuple[str, str, str]]()
    items = list(dataset.items(100))
    rows = list(protected_values(items, mapping, key_attributes=dataset.KEYS))
    for item, row in random.sample(list(zip(items, rows, strict=True)), len(items)):
        path, value = random.choice(row)
        form, place = random.choice(list(FORMS)), random.choice(list(PLACES))
        text = next((text for kind, text in scalars(value) if kind in ("S", "N")), "")
        if not is_searched_for(text) or (format_path(path), form, place) in seen:
            continue
        if "map key" in place and text.isalpha():
            continue  # more likely the name of a field
        seen.add((format_path(path), form, place))
        planted = json.loads(json.dumps(item))
        PLACES[place][1](planted, FORMS[form](text))
        yield Plant(planted, format_path(path), form, place)


def is_searched_for(text: str) -> bool:
    """Tell whether a value is long enough, as the guarantees say."""
    if any(map(str.isalpha, text)):
        return sum(map(str.isalnum, text)) >= 5
    return len("".join(filter(str.isdigit, text)).strip("0")) >= 6


@pytest.mark.parametrize("seed", range(8))
def test_50_planted_leaks_are_all_found_where_they_are(mapping: Mapping, plan: Plan, seed: int) -> None:
    chosen = [plant for plant, _ in zip(plants(mapping, seed), range(PLANTS), strict=False)]
    assert len({str(plant) for plant in chosen}) == PLANTS
    missed = []
    for plant in chosen:
        check = ExposureCheck(plan)
        check.check([plant.item], plan.recompute([plant.item]))
        if (plant.path, PLACES[plant.place][0]) not in {(each.path, each.seen_at) for each in check.findings}:
            missed.append(str(plant))
    assert missed == []


def test_the_same_table_without_plants_has_no_finding(plan: Plan) -> None:
    items = list(dataset.items(100))
    check = ExposureCheck(plan)
    check.check(items, plan.recompute(items))
    assert check.findings == ()
    assert check.checked == len(items)
