"""Translated conditions against the originals: the same items, or both refused, on DynamoDB Local."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_dynsync.dynamodb import errors
from airflow_dynsync.dynamodb.reader import query_pages, scan_pages, select_statement, statement_pages
from airflow_dynsync.dynamodb.tables import describe_table
from airflow_dynsync.dynamodb.where import Selection, plan_selection
from airflow_dynsync.dynamodb.where.tokens import RESERVED_WORDS
from local.dynamodb import AccessKey, Server
from tests.tables import wire_client

SEED = int(os.environ.get("DYNSYNC_SEED", "20261103"))
CLAUSES = int(os.environ.get("DYNSYNC_CLAUSES", "900"))

STRINGS = ["", "a", "ab", "abc", "B", "b'c", "ä", "5", "🦄", "x y"]
NUMBERS = ["0", "-1", "1", "2", "3", "5", "5.5", "-0.25", "9" * 38, "0.00000001"]
KEY_STRINGS = [text for text in STRINGS if text]
TYPES = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L"]
PLAIN = ["v", "w", "A", "name"]
QUOTED = ["order", "x-y", "a.b", 'q"q', "ünï"]

Items = dict[str, dict[str, Any]]
Shape = dict[str, str]
BINARY_KEYED: Shape = {"bin": "B", "at": "N"}
SHAPES: list[Shape] = [{"pk": "S", "sk": "N"}, {"id": "N", "order": "S"}, {"pk": "S"}, BINARY_KEYED]


def scalar(rng: random.Random) -> dict[str, Any]:
    return rng.choice(
        [
            {"S": rng.choice(STRINGS)},
            {"S": rng.choice(STRINGS)},
            {"N": rng.choice(NUMBERS)},
            {"N": rng.choice(NUMBERS)},
            {"BOOL": rng.random() < 0.5},
            {"NULL": True},
            {"B": rng.choice(["", "YQ==", "YWI="])},
        ]
    )


def attribute_value(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    kind = rng.random()
    if kind < 0.45 or depth > 2:
        return scalar(rng)
    if kind < 0.65:
        names = rng.sample(PLAIN + QUOTED, rng.randint(0, 4))
        return {"M": {name: attribute_value(rng, depth + 1) for name in names}}
    if kind < 0.85:
        return {"L": [attribute_value(rng, depth + 1) for _ in range(rng.randint(0, 3))]}
    size = rng.randint(1, 3)
    sets = {"SS": KEY_STRINGS, "NS": NUMBERS, "BS": ["YQ==", "YWI=", "Yg=="]}
    letter = rng.choice(list(sets))
    return {letter: sorted(rng.sample(sets[letter], size))}


def key_value(rng: random.Random, letter: str) -> dict[str, Any]:
    return {letter: rng.choice({"S": KEY_STRINGS, "N": NUMBERS, "B": ["YQ==", "YWI=", "Yg=="]}[letter])}


def items(rng: random.Random, shape: Shape) -> list[dict[str, Any]]:
    made: Items = {}
    for _ in range(60):
        item = {name: key_value(rng, letter) for name, letter in shape.items()}
        for name in PLAIN + QUOTED:
            if name not in shape and rng.random() < 0.6:
                item[name] = attribute_value(rng)
        if rng.random() < 0.5:
            item["indexed"] = key_value(rng, "S")
        made[repr([item[name] for name in shape])] = item
    return list(made.values())


class Grammar:
    """Writes conditions as people might, and some that nobody should."""

    def __init__(self, rng: random.Random, shape: Shape) -> None:
        self.rng = rng
        self.shape = shape

    def where(self) -> str:
        condition = self.condition(self.rng.choice([0, 1, 1, 2, 3]))
        name, letter = next(iter(self.shape.items()))
        if self.rng.random() < 0.3 and letter != "B":
            pin = f"{self.name(name)} = {self.key_literal(letter)}"
            parts = [pin, condition] if self.rng.random() < 0.8 else [pin]
            if len(self.shape) > 1 and self.rng.random() < 0.6:
                parts.append(self.sort_condition())
            self.rng.shuffle(parts)
            condition = self.word(" AND ").join(f"({part})" if " OR " in part.upper() else part for part in parts)
        return condition

    def sort_condition(self) -> str:
        name, letter = list(self.shape.items())[1]
        choices = [
            f" {self.operator()} {self.key_literal(letter)}",
            f"{self.word(' BETWEEN ')}{self.bounds(letter)}",
        ]
        return self.name(name) + self.rng.choice(choices)

    def condition(self, depth: int) -> str:
        if not depth:
            return self.term()
        kind = self.rng.random()
        if kind < 0.2:
            return f"{self.word('NOT ')}{self.condition(depth - 1)}"
        if kind < 0.45:
            return f"({self.condition(depth - 1)})"
        word = self.word(self.rng.choice([" AND ", " OR "]))
        return word.join(self.condition(depth - 1) for _ in range(self.rng.randint(2, 3)))

    def term(self) -> str:
        if self.rng.random() < 0.12:
            return self.key_term()
        place = self.path() if self.rng.random() < 0.85 else f"{self.word('size')}({self.path()})"
        negation = self.word(" NOT") if self.rng.random() < 0.3 else ""
        kind = self.rng.randrange(10)
        if kind < 3:
            return f"{place}{self.space()}{self.operator()}{self.space()}{self.literal()}"
        if kind == 3 and self.rng.random() < 0.3:
            return f"{self.literal()} {self.operator()} {place}"
        if kind == 4:
            return f"{place} {self.operator()} {self.path()}"
        if kind == 5:
            return f"{place}{negation}{self.word(' BETWEEN ')}{self.bounds(self.rng.choice(['S', 'N', None]))}"
        if kind == 6:
            opening, closing = self.rng.choice(["[]", "()"])
            values = ", ".join(self.literal() for _ in range(self.rng.randint(1, 4)))
            return f"{place}{negation}{self.word(' IN ')}{opening}{values}{closing}"
        if kind == 7:
            return f"{place}{self.word(' IS')}{negation}{self.word(self.rng.choice([' MISSING', ' NULL']))}"
        return f"{self.word('NOT ') if negation else ''}{self.function()}"

    def key_term(self) -> str:
        name, letter = self.rng.choice(list(self.shape.items()))
        name, low, high = self.name(name), self.key_literal(letter), self.key_literal(letter)
        return self.rng.choice(
            [
                f"{name} {self.operator()} {low}",
                f"{name} IN [{low}, {high}]",
                f"{name} BETWEEN {low} AND {high}",
                f"begins_with({name}, {low})",
                f"contains({name}, {low})",
                f"size({name}) > 1",
                f"{name} IS NOT NULL",
            ]
        )

    def function(self) -> str:
        path = self.path()
        kind = self.rng.randrange(5)
        if kind == 0:
            return f"{self.word('begins_with')}({path}, {self.literal('S')})"
        if kind == 1:
            return f"{self.word('contains')}({path}, {self.literal()})"
        if kind == 2:
            return f"{self.word('attribute_type')}({path}, '{self.rng.choice(TYPES)}')"
        return f"{self.word(self.rng.choice(['attribute_exists', 'attribute_not_exists']))}({path})"

    def path(self) -> str:
        names = [
            name for name in (*PLAIN, *QUOTED, "indexed") if name not in self.shape or self.rng.random() < 0.1
        ]
        text = self.name(self.rng.choice(names))
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
            inner = f".{self.name(self.rng.choice(PLAIN + QUOTED))}"
            text += inner if self.rng.random() < 0.6 else f"[{self.rng.randrange(3)}]"
        return text

    def name(self, name: str) -> str:
        quoted = '"' + name.replace('"', '""') + '"'
        plain = name.isascii() and name.isidentifier() and name not in RESERVED_WORDS
        return name if plain and self.rng.random() < 0.9 else quoted

    def operator(self) -> str:
        return self.rng.choice(["=", "=", "<>", "!=", "<", "<=", ">", ">="])

    def key_literal(self, letter: str) -> str:
        # PartiQL has no literal of a binary; a few others have the wrong type too.
        return self.literal(letter if letter != "B" and self.rng.random() < 0.95 else None)

    def bounds(self, letter: str | None) -> str:
        low, high = (self.literal(letter) for _ in range(2))
        if letter == "N" and self.rng.random() < 0.9 and float(low) > float(high):
            low, high = high, low
        return f"{low}{self.word(' AND ')}{high}"

    def literal(self, letter: str | None = None) -> str:
        kind = letter or self.rng.choices(["S", "N", "BOOL", "NULL", "odd"], [12, 12, 2, 2, 1])[0]
        if kind == "S":
            return "'" + self.rng.choice(STRINGS).replace("'", "''") + "'"
        if kind == "N":
            odd = ["05", "5.0", "5.50", "-0", "5.", "5e0", "-0.0", "1" * 39]
            return self.rng.choice(odd if self.rng.random() < 0.05 else NUMBERS)
        if kind == "BOOL":
            return self.word(self.rng.choice(["true", "false"]))
        if kind == "NULL":
            return self.word("null")
        return self.rng.choice(["[1]", "{'v': 1}", "<<'a', 'b'>>", "`5`", "(5)", "''''", "1 + 1"])

    def word(self, text: str) -> str:
        return self.rng.choice([text.upper(), text.lower(), text.title()])

    def space(self) -> str:
        return self.rng.choice(["", " ", " ", "\n\t"])


@pytest.fixture(scope="module")
def client(dynamodb_local: Server) -> Any:
    return wire_client(dynamodb_local, AccessKey("where"))


def selected(client: Any, table: str, selection: Selection, **options: Any) -> Iterator[dict[str, Any]]:
    assert selection.way != "statement"
    read = query_pages if selection.way == "query" else scan_pages
    return (item for page in read(client, table, selection=selection, **options) for item in page.items)


def stated(client: Any, table: str, where: str) -> Iterator[dict[str, Any]]:
    return (item for page in statement_pages(client, table, select_statement(table, where)) for item in page.items)


def outcome(items: Iterator[dict[str, Any]], shape: Shape) -> Items | str:
    found: Items = {}
    try:
        for item in items:
            key = repr([item[name] for name in shape])
            assert key not in found, "an item came twice"
            found[key] = item
    except (errors.InvalidRequestError, errors.ServiceError):
        return "refused"
    return found


INDEX = {
    "AttributeDefinitions": [{"AttributeName": "indexed", "AttributeType": "S"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-indexed",
            "KeySchema": [{"AttributeName": "indexed", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}


@pytest.mark.parametrize("shape", SHAPES, ids="-".join)
def test_condition_when_translated_selects_what_the_original_statement_selects(
    client: Any, fill: Callable[..., str], shape: Shape
) -> None:
    rng = random.Random(f"{SEED} {shape}")
    table = fill(client, shape, items(rng, shape), **INDEX)
    keys = describe_table(client, table).keys
    grammar, seen = Grammar(rng, shape), Counter[str]()
    for _ in range(CLAUSES):
        where = grammar.where()
        selection = plan_selection(where, keys)
        seen[selection.way] += 1
        if selection.way == "statement":
            continue
        expected = outcome(stated(client, table, where), shape)
        seen["refused" if expected == "refused" else "selective" if expected else "empty"] += 1
        assert outcome(selected(client, table, selection), shape) == expected, f"seed {SEED}: {where}"

    print(f"seed {SEED}, {CLAUSES} conditions on {'-'.join(shape)}: {dict(seen)}")  # noqa: T201 - with pytest -s
    assert seen["scan"] + seen["query"] > CLAUSES * 0.5
    assert seen["query"] > CLAUSES * 0.08 or shape == BINARY_KEYED
    assert seen["selective"] > CLAUSES * 0.2
    assert seen["refused"] < CLAUSES * 0.1


@pytest.fixture
def table(client: Any, fill: Callable[..., str]) -> str:
    rng, shape = random.Random(SEED), SHAPES[0]
    others = items(rng, shape)
    same = [{**item, "pk": {"S": "one"}, "sk": {"N": str(n)}} for n, item in enumerate(items(rng, shape))]
    return fill(client, shape, others + same, **INDEX)


def test_scan_when_filtered_in_segments_and_short_pages_reads_each_selected_item_once(
    client: Any, table: str
) -> None:
    where = "attribute_type(v, 'M') OR v = null OR NOT (w IS MISSING AND \"x-y\" <> 'a')"
    selection = plan_selection(where, describe_table(client, table).keys)

    segments = [
        list(scan_pages(client, table, selection=selection, segment=n, total_segments=4, page_size=7))
        for n in range(4)
    ]

    read = [item for pages in segments for page in pages for item in page.items]
    assert outcome(iter(read), SHAPES[0]) == outcome(stated(client, table, where), SHAPES[0])
    assert 0 < len(read) < sum(page.scanned_count for pages in segments for page in pages)


def test_query_when_pages_are_short_reads_in_order_and_goes_on_behind_each_page(client: Any, table: str) -> None:
    selection = plan_selection("w IS NOT MISSING AND pk = 'one' AND sk >= 20", describe_table(client, table).keys)

    pages = list(query_pages(client, table, selection, page_size=5, consistent_read=True))
    resumed = list(query_pages(client, table, selection, page_size=5, position=pages[2].position))  # type: ignore[arg-type]

    keys = [int(item["sk"]["N"]) for page in pages for item in page.items]
    assert keys == sorted(keys)
    assert keys[0] >= 20
    assert sum(page.scanned_count for page in pages) == len(range(20, len(keys_of_partition(client, table))))
    assert len(pages) > 3
    assert [[*page.items] for page in resumed] == [[*page.items] for page in pages[3:]]
    assert pages[0].consumed_capacity


def keys_of_partition(client: Any, table: str) -> list[str]:
    return [item["sk"]["N"] for item in stated(client, table, "pk = 'one'")]


def test_reserved_words_when_they_name_an_attribute_without_quotes_are_refused_by_dynamodb(
    client: Any, table: str
) -> None:
    taken = {
        word for word in RESERVED_WORDS if outcome(stated(client, table, f"v.{word} = 1"), SHAPES[0]) != "refused"
    }

    assert taken == set()
