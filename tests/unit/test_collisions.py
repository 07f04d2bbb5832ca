"""Two source items that would get one destination key are found before one overwrites the other."""

import os
import subprocess
import sys
from array import array
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psutil
import pytest

from airflow_dynsync.sync.collisions import CollisionWatch, KeyCollisionsFoundError
from airflow_dynsync.sync.key_digests import DigestSet

PAGE = 1000
SOAK = os.environ.get("DYNSYNC_SOAK") == "1"
KEYS, COLLISIONS = (10_000_000, 10_000) if SOAK else (200_000, 500)

_MEASURE = """
import sys
from tests.unit.test_collisions import count_collisions
print(*count_collisions(int(sys.argv[1]), int(sys.argv[2])))
"""


def item(key: str, number: int = 0, **attributes: Any) -> dict[str, Any]:
    return {"PK": {"S": key}, "SK": {"N": str(number)}, **attributes}


def watch() -> CollisionWatch:
    return CollisionWatch("Staging", ("PK", "SK"))


def admit(watch: CollisionWatch, items: list[dict[str, Any]]) -> int:
    try:
        watch.admit(items)
    except KeyCollisionsFoundError as error:
        return error.collisions
    return 0


def count_collisions(keys: int, collisions: int) -> tuple[int, int, int]:
    """Return how many collisions a watch finds among so many keys, how many it says it has found, and the memory
    of this process in bytes while it holds them."""
    random = Random(6)
    twice = set(random.sample(range(keys), collisions))
    repeated = watch()
    found = 0
    page: list[dict[str, Any]] = []
    for number in range(keys):
        page.append(item("CUSTOMER", number))
        if number in twice:
            page.append(item("CUSTOMER", random.randrange(number + 1)))
        if len(page) >= PAGE:
            found += admit(repeated, page)
            page = []
    found += admit(repeated, page)
    return found, repeated.collisions, psutil.Process().memory_info().rss


def test_every_seeded_collision_is_found_and_no_other_within_200_megabytes() -> None:
    measured = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(KEYS), str(COLLISIONS)], capture_output=True, text=True, check=True
    )
    found, told, resident = map(int, measured.stdout.split())
    assert found == told == COLLISIONS
    assert resident < 200_000_000


def test_a_key_that_comes_again_on_another_page_is_refused_with_its_count() -> None:
    pages = watch()
    pages.admit([item("a"), item("b"), item("c")])
    with pytest.raises(KeyCollisionsFoundError, match=r"table Staging: 2 items .* PK, SK") as caught:
        pages.admit([item("d"), item("c", other={"S": "text"}), item("a")])
    assert caught.value.collisions == 2
    assert pages.collisions == 2


def test_two_items_of_one_page_collide() -> None:
    assert admit(watch(), [item("a"), item("b"), item("a"), item("a")]) == 2


def test_both_parts_of_a_key_count() -> None:
    parts = watch()
    assert admit(parts, [item("a", 1), item("a", 2), item("b", 1)]) == 0
    assert admit(CollisionWatch("Staging", ("PK",)), [item("a", 1), item("a", 2)]) == 1


def test_keys_that_only_read_alike_are_different() -> None:
    alike = [
        {"PK": {"S": "a"}, "SK": {"S": 'b","c'}},
        {"PK": {"S": 'a","b'}, "SK": {"S": "c"}},
        {"PK": {"S": "1"}, "SK": {"S": "c"}},
        {"PK": {"N": "1"}, "SK": {"S": "c"}},
    ]
    assert admit(watch(), alike) == 0


def test_what_is_known_survives_the_growth_of_every_table() -> None:
    digests = os.urandom(8 * 100_000)
    known = DigestSet()
    assert known.add(digests) == 0
    assert known.add(digests) == 100_000
    assert known.add(os.urandom(8 * 10_000)) == 0


def test_neighbours_and_the_greatest_number_are_kept_apart() -> None:
    close = array("Q", [*range(1, 300), 2**64 - 1]).tobytes()
    known = DigestSet()
    assert known.add(close) == 0
    assert known.add(close) == 300


def test_threads_find_together_what_one_finds() -> None:
    shared = watch()
    pages = [[item("a", number) for number in range(start, start + 500)] for start in range(0, 20_000, 250)]
    with ThreadPoolExecutor(4) as threads:
        found = sum(threads.map(lambda page: admit(shared, page), pages))
    # Each page repeats half of the one before it.
    assert found == shared.collisions == (len(pages) - 1) * 250


def test_the_error_names_no_key() -> None:
    with pytest.raises(KeyCollisionsFoundError) as caught:
        watch().admit([item("ann@lakeside.example"), item("ann@lakeside.example")])
    assert "ann" not in str(caught.value)
