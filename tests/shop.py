"""Three tables that refer to each other, as a shop has them, and every way that leads from an item to others.

A customer is found by e-mail address and by phone, an order by its customer and its number, a device by its UUID
and by its owner; each of them names the others in keys, indexes, sets, nested maps and JSON.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import orjson

from airflow_dynsync.dynamodb.writer import write_items
from tests.tables import read_all

Item = dict[str, Any]

TABLES: Mapping[str, tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]] = {
    "Customers": (("PK", "SK"), {"by-phone": ("phone",)}),
    "Orders": (("PK", "SK"), {"by-customer": ("customerEmail", "orderId")}),
    "Devices": (("deviceId",), {"by-owner": ("ownerEmail",)}),
}
"""The primary key of each table, and the keys of its indexes; all are strings."""

PROTECTED = (r"[\w+-]+@[\w.]+", r"\+\d{12}", r"\b\d{10}\b", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""E-mail addresses, phone numbers, order numbers and UUIDs of devices."""


def items_of_the_shop(customers: int = 60) -> dict[str, list[Item]]:
    """Return the items of the three tables; ``serial`` is an item's own and stays what it is."""
    random = Random(20240229)
    emails = [f"{random.choice('abcdefgh')}ay+{number:03}@corp{number % 7}.test" for number in range(customers)]
    phones = [f"+49{random.randrange(10**9, 10**10)}" for _ in range(customers * 3 // 4)]
    devices = [str(UUID(int=random.getrandbits(128), version=4)) for _ in range(customers * 3 // 2)]
    tables: dict[str, list[Item]] = {name: [] for name in TABLES}
    keys = []
    for email in emails:
        numbers: list[tuple[str, str]] = []
        for _ in range(random.choice((0, 1, 2, 3, 5))):
            day = (date(2024, 1, 1) + timedelta(days=random.randrange(600))).isoformat()
            numbers.append((str(random.randrange(10**9, 10**10)), day))
        for position, (number, day) in enumerate(numbers):
            order: Item = {
                "PK": text(f"CUSTOMER#{email}"),
                "SK": text(f"ORDER#{number}#{day}"),
                "customerEmail": text(email),
                "orderId": text(number),
                "lines": {
                    "L": [
                        {"M": {"device": text(random.choice(devices))}},
                        {"M": {"product": text("TEA-0017")}},
                    ]
                },
            }
            if random.random() < 0.5:
                order["giftTo"] = text(random.choice(emails))
            if position:
                order["replaces"] = tables["Orders"][-1]["SK"]
            tables["Orders"].append(order)
            keys.append((email, number, day))
        customer: Item = {
            "PK": text(f"CUSTOMER#{email}"),
            "SK": text("PROFILE"),
            "email": text(email),
            "phone": text(random.choice(phones)),
            "devices": {"SS": random.sample(devices, 2)},
        }
        if numbers:
            last = [{"M": {"number": text(number), "day": text(day)}} for number, day in numbers[-2:]]
            customer["lastOrders"] = {"L": last}
        if tables["Customers"] and random.random() < 0.5:
            customer["referredBy"] = random.choice(tables["Customers"])["PK"]
        tables["Customers"].append(customer)
    for device in devices:
        email, number, day = random.choice(keys)
        registration = {"by": email, "orders": [{"number": number}]}
        tables["Devices"].append(
            {
                "deviceId": text(device),
                "ownerEmail": text(random.choice(emails)),
                "contactPhone": random.choice(tables["Customers"])["phone"],
                "sharedWith": {"SS": [*random.sample(emails, 2), f"nobody-{device[:8]}@else.test"]},
                "bought": {
                    "M": {"order": {"M": {"PK": text(f"CUSTOMER#{email}"), "SK": text(f"ORDER#{number}#{day}")}}}
                },
                "registration": text(orjson.dumps(registration).decode()),
            }
        )
    for serial, item in enumerate(item for items in tables.values() for item in items):
        item["serial"] = {"N": str(serial)}
    return tables


def text(value: str) -> Item:
    return {"S": value}


@dataclass(frozen=True, slots=True)
class Shop:
    """The three tables on one side, and how an application asks them; ``suffix`` ends their names there.

    They are filled before they are asked: the answer to a request is kept.
    """

    client: Any
    suffix: str = ""
    answers: dict[bytes, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def opened(cls, client: Any, suffix: str = "") -> "Shop":
        """Create the tables, empty."""
        for name, (keys, indexes) in TABLES.items():
            client.create_table(
                TableName=name + suffix,
                KeySchema=_schema(keys),
                AttributeDefinitions=[
                    {"AttributeName": attribute, "AttributeType": "S"}
                    for attribute in {*keys, *(key for index in indexes.values() for key in index)}
                ],
                GlobalSecondaryIndexes=[
                    {"IndexName": index, "KeySchema": _schema(keys), "Projection": {"ProjectionType": "ALL"}}
                    for index, keys in indexes.items()
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        return cls(client, suffix)

    def fill(self, items: Mapping[str, list[Item]]) -> None:
        """Put the items of each table into it."""
        for table, those in items.items():
            write_items(self.client, table + self.suffix, those, key_names=TABLES[table][0])

    def items(self, table: str) -> list[Item]:
        """Return every item of a table."""
        return read_all(self.client, table + self.suffix)

    def get(self, table: str, **key: Item) -> list[str]:
        """Return the serial number of the item with this key, if there is one."""
        item = self._ask("get_item", table, Key=key).get("Item")
        return [item["serial"]["N"]] if item else []

    def query(
        self, table: str, index: str | None = None, begins_with: str | None = None, **key: Item
    ) -> list[str]:
        """Return the serial numbers of the items with this key and, if told, a sort key SK that begins so."""
        conditions = [f"{name} = :{name}" for name in key]
        values = {f":{name}": value for name, value in key.items()}
        if begins_with is not None:
            conditions.append("begins_with(SK, :begin)")
            values[":begin"] = text(begins_with)
        answer = self._ask(
            "query",
            table,
            KeyConditionExpression=" AND ".join(conditions),
            ExpressionAttributeValues=values,
            **({"IndexName": index} if index else {}),
        )
        return [item["serial"]["N"] for item in answer["Items"]]

    def customer(self, email: str) -> list[str]:
        """Return the customer with this e-mail address, found by the composite key."""
        return self.get("Customers", PK=text(f"CUSTOMER#{email}"), SK=text("PROFILE"))

    def _ask(self, operation: str, table: str, **request: Any) -> Any:
        asked = orjson.dumps([operation, table, request])
        if asked not in self.answers:
            self.answers[asked] = getattr(self.client, operation)(TableName=table + self.suffix, **request)
        return self.answers[asked]


def _schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    roles = ("HASH", "RANGE")
    return [{"AttributeName": key, "KeyType": role} for key, role in zip(keys, roles, strict=False)]


Follow = Callable[[Shop, Item], Iterator[list[str]]]


@dataclass(frozen=True, slots=True)
class Reference:
    """A way from the items of one table to those of another; ``follow`` yields what each step of it finds."""

    name: str
    origin: str
    target: str
    follow: Follow


REFERENCES: list[Reference] = []


def reference(origin: str, target: str) -> Callable[[Follow], Follow]:
    def note(follow: Follow) -> Follow:
        REFERENCES.append(Reference(follow.__name__, origin, target, follow))
        return follow

    return note


@reference("Customers", "Customers")
def referrer_by_composite_key(shop: Shop, customer: Item) -> Iterator[list[str]]:
    if "referredBy" in customer:
        yield shop.get("Customers", PK=customer["referredBy"], SK=text("PROFILE"))


@reference("Customers", "Orders")
def orders_by_partition_key(shop: Shop, customer: Item) -> Iterator[list[str]]:
    yield shop.query("Orders", PK=customer["PK"], begins_with="ORDER#")


@reference("Customers", "Orders")
def orders_by_index_on_the_email(shop: Shop, customer: Item) -> Iterator[list[str]]:
    yield shop.query("Orders", "by-customer", customerEmail=customer["email"])


@reference("Customers", "Orders")
def last_orders_by_beginning_of_the_sort_key(shop: Shop, customer: Item) -> Iterator[list[str]]:
    for order in customer.get("lastOrders", {"L": []})["L"]:
        number = order["M"]["number"]["S"]
        yield shop.query("Orders", PK=text(f"CUSTOMER#{customer['email']['S']}"), begins_with=f"ORDER#{number}#")


@reference("Customers", "Devices")
def devices_in_a_set(shop: Shop, customer: Item) -> Iterator[list[str]]:
    for device in customer["devices"]["SS"]:
        yield shop.get("Devices", deviceId=text(device))


@reference("Customers", "Devices")
def devices_by_index_on_the_owner(shop: Shop, customer: Item) -> Iterator[list[str]]:
    yield shop.query("Devices", "by-owner", ownerEmail=customer["email"])


@reference("Orders", "Customers")
def customer_by_partition_key(shop: Shop, order: Item) -> Iterator[list[str]]:
    yield shop.get("Customers", PK=order["PK"], SK=text("PROFILE"))


@reference("Orders", "Customers")
def receiver_of_a_gift_by_email(shop: Shop, order: Item) -> Iterator[list[str]]:
    if "giftTo" in order:
        yield shop.customer(order["giftTo"]["S"])


@reference("Orders", "Orders")
def replaced_order_by_sort_key(shop: Shop, order: Item) -> Iterator[list[str]]:
    if "replaces" in order:
        yield shop.get("Orders", PK=order["PK"], SK=order["replaces"])


@reference("Orders", "Devices")
def device_of_a_line(shop: Shop, order: Item) -> Iterator[list[str]]:
    for line in order["lines"]["L"]:
        if "device" in line["M"]:
            yield shop.get("Devices", deviceId=line["M"]["device"])


@reference("Devices", "Customers")
def owner_by_email(shop: Shop, device: Item) -> Iterator[list[str]]:
    yield shop.customer(device["ownerEmail"]["S"])


@reference("Devices", "Customers")
def contacts_by_index_on_the_phone(shop: Shop, device: Item) -> Iterator[list[str]]:
    yield shop.query("Customers", "by-phone", phone=device["contactPhone"])


@reference("Devices", "Customers")
def people_in_a_set(shop: Shop, device: Item) -> Iterator[list[str]]:
    for email in device["sharedWith"]["SS"]:
        yield shop.customer(email)


@reference("Devices", "Orders")
def order_in_a_nested_map(shop: Shop, device: Item) -> Iterator[list[str]]:
    yield shop.get("Orders", **device["bought"]["M"]["order"]["M"])


@reference("Devices", "Customers")
def customer_in_json(shop: Shop, device: Item) -> Iterator[list[str]]:
    yield shop.customer(orjson.loads(device["registration"]["S"])["by"])


@reference("Devices", "Orders")
def orders_in_json_by_both_keys_of_an_index(shop: Shop, device: Item) -> Iterator[list[str]]:
    registration = orjson.loads(device["registration"]["S"])
    for order in registration["orders"]:
        email, number = text(registration["by"]), text(order["number"])
        yield shop.query("Orders", "by-customer", customerEmail=email, orderId=number)


Graph = Counter[tuple[str, str, str | None]]
"""How often a reference of this name leads from one item to another, by serial numbers; None: to no item."""


def graph(shop: Shop) -> Graph:
    """Follow every reference by the requests that an application would send."""
    edges: Graph = Counter()
    items = {table: shop.items(table) for table in TABLES}
    for reference in REFERENCES:
        for item in items[reference.origin]:
            for found in reference.follow(shop, item):
                edges.update((reference.name, item["serial"]["N"], serial) for serial in found or [None])
    return edges


def resolved(edges: Graph) -> Counter[str]:
    """Return how many references of each name lead somewhere."""
    return Counter(name for name, _, target in edges.elements() if target is not None)
