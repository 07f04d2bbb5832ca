"""Invented customers of several sizes, the same on every machine: what the benchmarks move.

Each item of a kind is drawn once into a pool; the eight digits `MARK` in it become the item's number when it is
served. So what differs from person to person in real tables differs here (key, e-mail address, phone, street and
number, card numbers, amounts, texts), at the price of one join, and a cache of results helps no more than it would
there. Names, birthdays, cities, prices and states repeat.
"""

from base64 import b64encode
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from airflow_dynsync.engine.corpora import words

WireItem = dict[str, dict[str, Any]]

KEY: Final = "Id"
MARK: Final = "90210000"
"""Stands in a pooled item for the number of the served one."""

_STREETS = ("Maple Street", "Rue des Lilas", "Gartenweg", "Calle Mayor", "Harbour Road", "Lindenallee")
_CITIES = ("Lisbon", "Gent", "Malmö", "Graz", "Kraków", "Galway", "Turin", "Nantes")
_SENTENCE = "asked to be called after six about the parcel for the neighbour on the left and was very friendly"
_WORDS = tuple(dict.fromkeys(_SENTENCE.split()))
_POOL_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What the items of one kind hold.

    Attributes:
        size: bytes of an item by DynamoDB's counting, which `Text` fills up.
        nested: whether there are `Address`, `Pets`, `Tags` and the like.
        orders: elements of the list `Orders`.
        texts: attributes over which the text is spread.
    """

    size: int
    nested: bool
    orders: int
    texts: int = 1


KINDS: Final = {
    "200B": Kind(200, nested=False, orders=0),
    "1KB": Kind(1_000, nested=False, orders=5),
    "mixed": Kind(1_200, nested=True, orders=5),
    "10KB": Kind(10_000, nested=True, orders=20, texts=5),
    "100KB": Kind(100_000, nested=True, orders=100, texts=10),
    "400KB": Kind(400_000, nested=True, orders=100, texts=20),
}
"""By name; `mixed` has 35 leaves beside its key, of seven types."""


def pool(name: str) -> list[WireItem]:
    """Return the different items of a kind, in wire form, each with `MARK` for its number."""
    kind = KINDS[name]
    random = Random(f"dynsync {name}")
    return [_item(random, kind) for _ in range(max(4, min(1000, _POOL_BYTES // kind.size)))]


def items(name: str, count: int) -> list[WireItem]:
    """Return the first items of a kind as the server serves them."""
    import orjson

    texts = [orjson.dumps(item) for item in pool(name)]
    return [
        orjson.loads(texts[number % len(texts)].replace(MARK.encode(), b"%08d" % number))
        for number in range(count)
    ]


def leaves(value: Any) -> int:
    """Return how many leaves an item or the members of a map have."""
    return sum(
        leaves(inner["M"]) if "M" in inner else leaves(dict(enumerate(inner["L"]))) if "L" in inner else 1
        for inner in value.values()
    )


def item_size(item: WireItem) -> int:
    """Return an item's bytes; see "DynamoDB item sizes and formats" in the Developer Guide."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    ((kind, payload),) = value.items()
    match kind:
        case "S":
            return len(payload.encode())
        case "N":
            return len(payload.strip("-0.")) // 2 + 1
        case "B":
            return len(payload) * 3 // 4
        case "M":
            return 3 + item_size(payload) + len(payload)
        case "L":
            return 3 + sum(map(_value_size, payload)) + len(payload)
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: element}) for element in payload)
    return 1


def _item(random: Random, kind: Kind) -> WireItem:
    first_names = words("first_names", "en")
    first, last = random.choice(first_names), random.choice(words("last_names", "en"))
    item: WireItem = {
        KEY: {"S": f"customer-{MARK}"},
        "Email": {"S": f"{last.lower()}{MARK}@corp.example"},
        "FirstName": {"S": first},
        "LastName": {"S": last},
        "Phone": {"S": f"+49 30 {MARK}"},
        "BirthDate": {
            "S": f"{random.randrange(1940, 2006)}-0{random.randrange(1, 10)}-{random.randrange(10, 29)}"
        },
        "Newsletter": {"BOOL": random.random() < 0.5},
    }
    if kind.nested:
        item |= {
            "LifetimeValue": {"N": f"{random.randrange(1, 10)}{MARK}.{random.randrange(1, 10)}7"},
            "CreatedAt": {"N": f"1{random.randrange(5, 7)}{MARK}"},
            "Tags": {"SS": random.sample(_WORDS[:12], 3)},
            "Photo": {"B": MARK + b64encode(random.randbytes(42)).decode()},
            "Address": {
                "M": {
                    "Street": {"S": f"{random.choice(_STREETS)} {MARK}"},
                    "City": {"S": random.choice(_CITIES)},
                    "Zip": {"S": f"{random.randrange(10_000, 99_999)}"},
                }
            },
            "Pets": {
                "M": {
                    name: {"M": {"Kind": {"S": random.choice(("dog", "cat"))}, "Age": {"N": str(age)}}}
                    for age, name in enumerate(random.sample(first_names, 3), 1)
                }
            },
        }
    if kind.orders:
        item["Orders"] = {"L": [{"M": _order(random)} for _ in range(kind.orders)]}
    missing = kind.size - item_size(item) - 6 * kind.texts
    for text in range(kind.texts if missing > 20 else 0):
        item[f"Text{text}" if text else "Text"] = {"S": MARK + _text(random, missing // kind.texts - len(MARK))}
    return item


def _order(random: Random) -> WireItem:
    return {
        "Card": {"S": f"4012{random.randrange(1000, 9999)}{MARK}"},
        "Total": {"N": f"{random.randrange(3, 400)}.99"},
        "Status": {"S": random.choice(("placed", "paid", "shipped", "returned"))},
    }


def _text(random: Random, length: int) -> str:
    sentence = " ".join(random.choices(_WORDS, k=min(200, length // 4 + 1)))
    return (sentence * (length // len(sentence) + 1))[:length]
