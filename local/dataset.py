"""A production table that never was: customers and their orders in one table, the same on every machine.

A customer is the partition `CUSTOMER#<e-mail>` with one item `PROFILE` and an item `ORDER#<date>#<number>` per
order. The index `referrals` finds the customers whom another one has brought (`referred_by`, `member_since`).
All ten attribute types occur, and much of it would be personal data if these people existed.
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from local.dynamodb import AccessKey, Server

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.dynamodb.client import WireItem

CUSTOMERS = 2000
KEYS = ("PK", "SK")

_FIRST_DAY = date(2019, 1, 1)
_DAYS = 1300  # to join, and from then on to order: nothing lies in the future
_DOMAINS = ("lakeside.example", "nordpost.example", "brightmail.example", "harbour.example", "ponte.example")
_STREETS = ("Maple Street", "Rue des Lilas", "Gartenweg", "Calle Mayor", "Harbour Road", "Lindenallee")
_CITIES = ("Lisbon", "Gent", "Malmö", "Graz", "Kraków", "Galway", "Turin", "Nantes")
_COUNTRIES = ("PT", "BE", "SE", "AT", "PL", "IE", "IT", "FR")
_TIERS = ("bronze", "silver", "gold")
_BRANDS = ("visa", "mastercard")
_CURRENCIES = ("EUR", "SEK", "PLN")
_STATUSES = ("placed", "paid", "shipped", "delivered", "returned")
_RELATIONS = ("partner", "child", "parent")
_ARTICLES = ("TEA-0017", "MUG-0403", "LAMP-0091", "RUG-1200", "BOOK-7781", "CHAIR-0065")
_NOTES = (
    "{first} asked to be called after 6 pm only, on {phone}. Very friendly 🙂",
    "Moved house in spring; the parcel for {name} goes to the neighbour on the left.",
    "Complained about a late delivery. {first}'s daughter is allergic to wool, no rugs please!",
    "Paid by transfer from an account of {name} senior, refund agreed with {email}.",
)


def items(customers: int = CUSTOMERS) -> Iterator["WireItem"]:
    """Yield every item of the table in wire form: a customer's profile, then the customer's orders."""
    from airflow_dynsync.engine.corpora import words

    random = Random(2026)  # noqa: S311 - invents people, no secrets
    first_names, last_names = words("first_names", "en"), words("last_names", "en")
    emails: list[str] = []
    number = 0
    for serial in range(customers):
        first, last = random.choice(first_names), random.choice(last_names)
        local_part = re.sub("[^a-z.]", "", f"{first}.{last}".lower())
        email = f"{local_part}{serial}@{random.choice(_DOMAINS)}"
        joined = _FIRST_DAY + timedelta(days=random.randrange(_DAYS))
        referrer = random.choice(emails) if emails and random.random() < 0.3 else None
        yield _profile(random, first, last, email, joined, referrer, first_names)
        for _ in range(random.choice((0, 1, 2, 2, 3, 4, 5, 7))):
            number += 1
            yield _order(random, f"{first} {last}", email, joined, number)
        emails.append(email)


def _profile(
    random: Random,
    first: str,
    last: str,
    email: str,
    joined: date,
    referrer: str | None,
    first_names: Sequence[str],
) -> "WireItem":
    name, phone = f"{first} {last}", _phone(random)
    note = random.choice(_NOTES).format(first=first, name=name, phone=phone, email=email)
    profile: WireItem = {
        "PK": {"S": f"CUSTOMER#{email}"},
        "SK": {"S": "PROFILE"},
        "entity": {"S": "customer"},
        "email": {"S": email},
        "name": {"S": name},
        "nickname": {"S": ""},
        "title": {"NULL": True},
        "birthday": {"S": _birthday(random, 1940, 2005)},
        "phone": {"S": phone},
        "address": _address(random),
        "cards": {"L": [_card(random, name) for _ in range(random.randrange(3))]},
        "household": {
            "L": [
                {
                    "M": {
                        "name": {"S": f"{random.choice(first_names)} {last}"},
                        "birthday": {"S": _birthday(random, 1940, 2024)},
                        "relation": {"S": random.choice(_RELATIONS)},
                    }
                }
                for _ in range(random.randrange(4))
            ]
        },
        "consent.marketing": {"BOOL": random.random() < 0.5},
        "loyalty": {"M": {"tier": {"S": random.choice(_TIERS)}, "points": {"N": str(random.randrange(100_000))}}},
        "lifetime_value": {"N": f"{random.randrange(100, 2_000_000)}.{random.randrange(1, 10)}7"},
        "devices": {"SS": [f"device-{random.randbytes(8).hex()}" for _ in range(random.randrange(1, 4))]},
        "favourite_shops": {"NS": [str(shop) for shop in random.sample(range(1, 200), 3)]},
        "passkeys": {"BS": [_binary(random, 24) for _ in range(random.randrange(1, 3))]},
        "avatar": {"B": _binary(random, 48)},
        "password_hash": {"S": f"scrypt${random.randbytes(16).hex()}"},
        "notes": {"S": note},
        "segments": {"L": []},
        "preferences": {"M": {}},
        "member_since": {"S": joined.isoformat()},
    }
    if referrer:
        profile["referred_by"] = {"S": f"CUSTOMER#{referrer}"}
    return profile


def _order(random: Random, name: str, email: str, joined: date, number: int) -> "WireItem":
    day = (joined + timedelta(days=random.randrange(_DAYS))).isoformat()
    lines = [
        {
            "M": {
                "article": {"S": random.choice(_ARTICLES)},
                "quantity": {"N": str(random.randrange(1, 5))},
                "price": {"N": f"{random.randrange(3, 400)}.99"},
            }
        }
        for _ in range(random.randrange(1, 4))
    ]
    order: WireItem = {
        "PK": {"S": f"CUSTOMER#{email}"},
        "SK": {"S": f"ORDER#{day}#{number:07}"},
        "entity": {"S": "order"},
        "customer_email": {"S": email},
        "status": {"S": random.choice(_STATUSES)},
        "placed_at": {"S": f"{day}T{random.randrange(24):02}:{random.randrange(60):02}:00Z"},
        "lines": {"L": lines},
        "currency": {"S": random.choice(_CURRENCIES)},
        "exchange_rate": {"N": f"1.{_digits(random, 37)}"},
        "ledger_position": {"N": _digits(random, 38)},
        "tax_rate": {"N": "0.00001"},
        "ship_to": {"M": {"name": {"S": name}, "phone": {"S": _phone(random)}, "address": _address(random)}},
        "ip_address": {"S": f"198.51.100.{random.randrange(1, 255)}"},
        "gift": {"BOOL": random.random() < 0.2},
        "signature": {"B": _binary(random, 32)},
        "coupon": {"NULL": True},
    }
    if random.random() < 0.2:
        order["gift_message"] = {"S": f"Happy birthday, dear {name.split(maxsplit=1)[0]}! 🎂"}
    return order


def _address(random: Random) -> dict[str, Any]:
    place = random.randrange(len(_CITIES))
    return {
        "M": {
            "street": {"S": f"{random.choice(_STREETS)} {random.randrange(1, 200)}"},
            "postcode": {"S": f"{random.randrange(1000, 99999):05}"},
            "city": {"S": _CITIES[place]},
            "country": {"S": _COUNTRIES[place]},
            "geo": {
                "M": {
                    "latitude": {"N": f"{random.randrange(36, 60)}.{random.randrange(1, 10**5):05}1"},
                    "longitude": {"N": f"{random.randrange(-9, 20)}.{random.randrange(1, 10**5):05}1"},
                }
            },
        }
    }


def _card(random: Random, name: str) -> dict[str, Any]:
    groups = " ".join(f"{random.randrange(10**4):04}" for _ in range(3))
    return {
        "M": {
            "brand": {"S": random.choice(_BRANDS)},
            "number": {"S": f"4000 {groups}"},
            "holder": {"S": name},
            "expires": {"S": f"{random.randrange(2026, 2031)}-{random.randrange(1, 13):02}"},
        }
    }


def _phone(random: Random) -> str:
    return f"+1 {random.randrange(201, 990)} 555 01{random.randrange(100):02}"


def _birthday(random: Random, first_year: int, last_year: int) -> str:
    # Never a first of January, which would stay as it is where only the year of birth is kept.
    day = date(random.randrange(first_year, last_year), 1, 2) + timedelta(days=random.randrange(360))
    return day.isoformat()


def _digits(random: Random, count: int) -> str:
    """Return so many digits; the first and the last are not 0, so that each of them counts."""
    inner = "".join(random.choices("0123456789", k=count - 2))
    return f"{random.randrange(1, 10)}{inner}{random.randrange(1, 10)}"


def _binary(random: Random, length: int) -> str:
    return b64encode(random.randbytes(length)).decode()


def create_table(client: "DynamoDBClient", name: str) -> None:
    """Create an empty table with the keys and the index of the data set."""
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "PK", "KeyType": "HASH"},
            {"AttributeName": "SK", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": "S"}
            for attribute in ("PK", "SK", "referred_by", "member_since")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "referrals",
                "KeySchema": [
                    {"AttributeName": "referred_by", "KeyType": "HASH"},
                    {"AttributeName": "member_since", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def wire_client(server: Server, key: AccessKey) -> "DynamoDBClient":
    """Return a client that speaks wire form, for one access key of a local server."""
    from botocore.credentials import Credentials

    from airflow_dynsync.dynamodb.client import create_client

    return create_client(
        credentials=Credentials(key.access_key_id, key.secret_access_key, key.session_token),
        region_name=server.region,
        endpoint_url=server.endpoint_url,
    )


def fill_table(server: Server, key: AccessKey, name: str, customers: int = CUSTOMERS) -> int:
    """Create a table, put the data set into it and return how many items that is."""
    from airflow_dynsync.dynamodb.writer import write_items

    client = wire_client(server, key)
    create_table(client, name)
    return write_items(client, name, list(items(customers)), key_names=KEYS).written


def read_table(server: Server, key: AccessKey, name: str) -> list["WireItem"]:
    """Return every item of a table."""
    from airflow_dynsync.dynamodb.reader import scan_pages

    pages = scan_pages(wire_client(server, key), name)
    return [item for page in pages for item in page.items]


@dataclass(frozen=True, slots=True)
class References:
    """Whether items still belong together.

    Attributes:
        keys: partition keys that name the e-mail address which stands beside them.
        orders: orders whose customer is there.
        referrals: referrals to a customer who is there.
        broken: what is wrong, and how often.
    """

    keys: int
    orders: int
    referrals: int
    broken: Counter[str]


def check_references(items: Sequence["WireItem"]) -> References:
    """Follow every reference of a table of this form, before or after a refresh."""
    customers = {item["PK"]["S"] for item in items if item["SK"]["S"] == "PROFILE"}
    keys = orders = referrals = 0
    broken: Counter[str] = Counter()
    for item in items:
        partition, is_order = item["PK"]["S"], item["SK"]["S"] != "PROFILE"
        if partition == f"CUSTOMER#{item['customer_email' if is_order else 'email']['S']}":
            keys += 1
        else:
            broken["a partition key does not agree with the e-mail address"] += 1
        if is_order and partition in customers:
            orders += 1
        elif is_order:
            broken["an order has no customer"] += 1
        referrer = item.get("referred_by")
        if referrer and referrer["S"] in customers:
            referrals += 1
        elif referrer:
            broken["a referral leads nowhere"] += 1
    return References(keys, orders, referrals, broken)
