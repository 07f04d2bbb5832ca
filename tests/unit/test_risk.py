"""Re-identification risk: rarity of combinations against exact counts, uniqueness by sketch within its error."""

import math
import random
import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.sync.mapping_file import parse_mapping_file
from airflow_dynsync.sync.risk import MAX_ATTRIBUTES, MAX_QUASI_IDENTIFIERS, RiskWatch, parse_quasi_identifiers
from airflow_dynsync.sync.sketches import STANDARD_ERROR, HyperLogLog, RarityCounter

Item = dict[str, Any]


def digests(count: int, seed: int) -> list[int]:
    draw = random.Random(seed)
    return [draw.getrandbits(64) for _ in range(count)]


def estimate(values: list[int]) -> float:
    sketch = HyperLogLog()
    sketch.add(values)
    return sketch.estimate()


@pytest.mark.parametrize("count", [0, 1, 2, 10, 100])
def test_a_sketch_of_few_values_is_exact(count: int) -> None:
    assert round(estimate(digests(count, seed=1))) == pytest.approx(count, abs=1)


@pytest.mark.parametrize("count", [1_000, 4_096, 10_000, 12_288, 20_000, 200_000])
def test_a_sketch_errs_as_published(count: int) -> None:
    trials = max(4, 200_000 // count) if count < 200_000 else 4
    errors = [estimate(digests(count, seed)) / count - 1 for seed in range(min(trials, 40))]
    assert max(map(abs, errors)) < 4 * STANDARD_ERROR
    assert abs(sum(errors) / len(errors)) < 3 * STANDARD_ERROR / math.sqrt(len(errors))


def test_a_sketch_does_not_count_twice() -> None:
    values = digests(5_000, seed=3)
    assert estimate(values * 3) == estimate(values)


@given(st.lists(st.integers(0, 40)))
def test_combinations_are_counted_exactly_up_to_the_bound(drawn: list[int]) -> None:
    counter = RarityCounter(bound=41)
    counter.add(drawn)
    exact = Counter(drawn)
    found = counter.combinations()
    assert found.exact
    assert (found.items, found.distinct) == (len(drawn), len(exact))
    assert found.smallest == min(exact.values(), default=0)
    assert found.alone == sum(count == 1 for count in exact.values())
    assert found.below_five == sum(count < 5 for count in exact.values())


def test_beyond_the_bound_combinations_are_estimated_within_their_error() -> None:
    draw = random.Random(7)
    kinds = digests(20_000, seed=8)
    drawn = [kind for kind in kinds for _ in range(draw.randrange(1, 9))]
    draw.shuffle(drawn)
    counter = RarityCounter(bound=1_000)
    for start in range(0, len(drawn), 500):
        counter.add(drawn[start : start + 500])
        assert len(counter._counts) <= 1_000
    exact = Counter(drawn)
    found = counter.combinations()
    assert not found.exact
    assert found.items == len(drawn)
    assert 0 < found.standard_error < 0.05
    assert found.distinct == pytest.approx(20_000, rel=4 * found.standard_error)
    for name, true in (
        ("alone", sum(count == 1 for count in exact.values())),
        ("below_five", sum(count < 5 for count in exact.values())),
    ):
        assert getattr(found, name) == pytest.approx(true, rel=4 * found.standard_error * math.sqrt(20_000 / true))
    assert found.smallest >= min(exact.values())


def test_the_counts_of_a_sample_are_exact() -> None:
    kinds = digests(4_000, seed=9)
    counter = RarityCounter(bound=100)
    counter.add([kind for _ in range(3) for kind in kinds])
    assert set(counter._counts.values()) == {3}
    assert counter.combinations().smallest == 3


def person(number: int, zip_code: str, birth: str, gender: str) -> Item:
    return {
        "Id": {"S": str(number)},
        "Address": {"M": {"Zip": {"S": zip_code}}},
        "Born": {"L": [{"S": birth}]},
        "Gender": {"S": gender},
    }


QUASI_IDENTIFIERS = ("Address.Zip", "Born[0]", "Gender")


def people() -> list[Item]:
    draw = random.Random(5)
    return [
        person(number, f"8{draw.randrange(10)}000", f"19{draw.randrange(60, 75)}-01-01", draw.choice("fmx"))
        for number in range(400)
    ]


def test_risk_is_that_of_the_items_before_and_after() -> None:
    before = people()
    after = [{**item, "Address": {"M": {"Zip": {"S": item["Address"]["M"]["Zip"]["S"][:1]}}}} for item in before]
    watch = RiskWatch(QUASI_IDENTIFIERS)
    for start in range(0, 400, 60):
        watch.observe(before[start : start + 60], after[start : start + 60])
    risk = watch.risk()
    for found, items in ((risk.before, before), (risk.after, after)):
        exact = Counter(str([item["Address"], item["Born"], item["Gender"]]) for item in items)
        assert found.exact
        assert (found.items, found.distinct, found.smallest) == (400, len(exact), min(exact.values()))
        assert found.alone == sum(count == 1 for count in exact.values())
        assert found.below_five == sum(count < 5 for count in exact.values())
    assert risk.after.smallest > risk.before.smallest
    assert risk.after.below_five < risk.before.below_five
    assert risk.quasi_identifiers == QUASI_IDENTIFIERS


def test_pseudonyms_leave_k_as_it_was_and_buckets_raise_it() -> None:
    before: list[Item] = [{"Id": {"S": str(n)}, "Score": {"N": str(100_000 + n % 67)}} for n in range(140)]

    def smallest(rule: Any) -> int:
        plan = compile_plan({"mappings": {"Score": rule}}, key_attributes=("Id",), secret=b"0123456789abcdef")
        watch = RiskWatch(["Score"])
        watch.observe(before, plan.apply(before))
        risk = watch.risk()
        assert risk.before.smallest == 2
        return risk.after.smallest

    assert smallest({"transformer": "transform_fpe"}) == 2
    assert smallest({"transformer": "transform_bucket", "size": 20}) > 2


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"Address": {"S": "no map"}},
        {"Address": {"M": {}}},
        {"Address": {"M": {"Zip": {"S": "1"}}}, "Born": {"L": []}},
        {"Born": {"SS": ["no list"]}, "Gender": {"NULL": True}},
    ],
)
def test_what_is_absent_is_a_value_of_its_own(item: Item) -> None:
    watch = RiskWatch(QUASI_IDENTIFIERS)
    watch.observe([item, item, person(1, "8", "9", "f")], [{}, {}, {}])
    assert (watch.risk().before.distinct, watch.risk().before.alone) == (2, 1)
    assert (watch.risk().after.distinct, watch.risk().after.smallest) == (1, 3)


def test_null_and_absent_and_types_are_told_apart_and_the_order_of_a_map_is_not() -> None:
    values: list[Item] = [
        {},
        {"A": {"NULL": True}},
        {"A": {"S": "1"}},
        {"A": {"N": "1"}},
        {"A": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}},
        {"A": {"M": {"y": {"N": "2"}, "x": {"N": "1"}}}},
    ]
    watch = RiskWatch(["A"])
    watch.observe(values, values)
    assert watch.risk().before.distinct == 5


def test_uniqueness_is_that_of_each_top_level_attribute() -> None:
    before: list[Item] = [
        {
            "Id": {"S": str(n)},
            "Tier": {"S": "gold" if n % 2 else "free"},
            **({"Vip": {"BOOL": True}} if n < 5 else {}),
        }
        for n in range(2_000)
    ]
    after = [{"Id": item["Id"], "Tier": item["Tier"]} for item in before]
    watch = RiskWatch(["Tier"])
    watch.observe(before, after)
    found = {each.name: each for each in watch.risk().attributes}
    assert found.keys() == {"Id", "Tier", "Vip"}
    assert found["Id"].before.items == found["Id"].after.items == 2_000
    assert found["Id"].before.distinct == pytest.approx(2_000, rel=4 * STANDARD_ERROR)
    assert found["Id"].after == found["Id"].before
    assert found["Tier"].before.distinct in (1, 2)  # of two values one in some thousand pairs shares a register
    assert (found["Vip"].before.items, found["Vip"].after.items) == (5, 0)
    assert found["Id"].before.share > 0.9 > 0.01 > found["Tier"].before.share
    assert found["Vip"].after.share == 0.0


def test_attributes_beyond_the_bound_are_told_as_a_number() -> None:
    item: Item = {f"A{number}": {"S": "x"} for number in range(MAX_ATTRIBUTES + 5)}
    watch = RiskWatch(["A0"])
    watch.observe([item], [item])
    assert (len(watch.risk().attributes), watch.risk().attributes_left_out) == (MAX_ATTRIBUTES, 5)


def test_several_threads_find_what_one_finds() -> None:
    items = people()
    alone, shared = RiskWatch(QUASI_IDENTIFIERS), RiskWatch(QUASI_IDENTIFIERS)
    alone.observe(items, items)
    threads = [
        threading.Thread(target=shared.observe, args=(items[start::8], items[start::8])) for start in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (shared.risk().before, shared.risk().after) == (alone.risk().before, alone.risk().after)
    assert {each.name: each.before.items for each in shared.risk().attributes} == {
        each.name: each.before.items for each in alone.risk().attributes
    }


def test_nothing_that_is_kept_holds_a_value() -> None:
    watch = RiskWatch(["Gender"])
    watch.observe([{"Gender": {"S": "marked-value"}}], [{"Gender": {"S": "marked-value"}}])
    kept = [vars(watch._before), vars(watch._after), watch._names, watch._left_out, watch.risk()]
    assert "marked-value" not in repr(kept)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (["Zip", "a..b"], r"quasi_identifiers\[1\]: unexpected"),
        (["Orders[*].card"], r"quasi_identifiers\[0\]: expected the path of one value, got one with a wildcard"),
        (["**.Zip"], "wildcard"),
        (["Zip", "Zip"], r"quasi_identifiers\[1\]: is named twice; remove one"),
        ([f"A{n}" for n in range(MAX_QUASI_IDENTIFIERS + 1)], "expected at most 20, got 21"),
    ],
)
def test_a_wrong_quasi_identifier_is_refused_at_its_place(written: list[str], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        parse_quasi_identifiers(written)


def test_a_mapping_file_names_quasi_identifiers_by_table() -> None:
    file = parse_mapping_file("tables: {people: {mappings: {}, quasi_identifiers: [Zip, 'Born[0]']}}")
    assert file.table("people").quasi_identifiers == ("Zip", "Born[0]")
    with pytest.raises(MappingError, match=r"tables\.people\.quasi_identifiers: .*wildcard"):
        parse_mapping_file("tables: {people: {mappings: {}, quasi_identifiers: ['Zip.*']}}")
