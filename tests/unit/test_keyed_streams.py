"""Every output is a function of the secret, the value or the item, the path and the rule (rule 8)."""

import os
import subprocess
import sys
from collections import Counter
from hashlib import blake2b
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, compile_plan
from airflow_dynsync.engine.keyed import Secret, join_parts
from airflow_dynsync.engine.transformers.primitives import ALPHANUMERIC
from tests.unit.strategies import SECRET, tables

MAPPING: dict[str, Any] = {
    "mappings": {
        "Mail": "transform_email",
        "Name": "generate_full_name",
        "Tags": "transform_hash",
        "Marks": "generate_string",
        "Orders[*].card": {"transformer": "transform_character_scramble"},
        "Token": {"transformer": "generate_uuid", "when_missing": "generate"},
    },
    "unmapped": "anonymize",
}
EVERYWHERE = {"mappings": {"**.*": {"transformer": "generate_uuid", "on_type_mismatch": "null"}}}
ITEMS: list[dict[str, Any]] = [
    {
        "Id": {"N": str(number)},
        "Mail": {"S": f"mary{number % 3}@example.com"},
        "Name": {"S": "Mary Miller"},
        "Tags": {"SS": ["b", "a", f"c{number}"]},
        "Marks": {"SS": ["x", "y"]},
        "Orders": {"L": [{"M": {"card": {"S": "4012888888881881"}, "sku": {"S": "A-1"}}}] * 2},
        "Flag": {"BOOL": True},
        "Raw": {"B": "AAECAwQFBgcICQ=="},
    }
    for number in range(7)
]
PROGRAM = """
import sys, orjson
from airflow_dynsync.engine import compile_plan
mapping, items, secret = orjson.loads(sys.stdin.buffer.read())
plan = compile_plan(mapping, key_attributes=("Id",), secret=secret.encode())
sys.stdout.buffer.write(orjson.dumps(plan.apply(items)))
"""


def apply(
    items: list[dict[str, Any]], mapping: Any = MAPPING, secret: bytes | None = SECRET, keys: Any = ("Id",)
) -> list[dict[str, Any]]:
    return compile_plan(mapping, key_attributes=keys, secret=secret).apply(items)


def one(rule: Any, value: dict[str, Any], secret: bytes | None = SECRET) -> Any:
    return apply([{"Id": {"N": "1"}, "a": value}], {"mappings": {"a": rule}}, secret)[0]["a"]


@pytest.mark.parametrize("hash_seed", ["0", "1", "4711"])
def test_another_process_with_the_same_secret_gives_the_same(hash_seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=orjson.dumps([MAPPING, ITEMS, SECRET.decode()]),
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
    )
    assert done.stdout == orjson.dumps(apply(ITEMS))


def test_another_secret_gives_other_values() -> None:
    for first, second in zip(apply(ITEMS), apply(ITEMS, secret=b"another secret of the tests"), strict=True):
        for name in ("Mail", "Tags", "Marks", "Orders", "Token"):
            assert first[name] != second[name]


def test_without_a_secret_two_plans_agree_on_nothing_and_one_plan_agrees_with_itself() -> None:
    assert apply(ITEMS, secret=None) != apply(ITEMS, secret=None)
    plan = compile_plan(MAPPING, key_attributes=("Id",))
    assert plan.apply(ITEMS) == plan.apply(ITEMS)


@given(
    tables(min_size=1),
    st.sampled_from([MAPPING, {}, {"unmapped": "neosync"}, EVERYWHERE]),
    st.data(),
)
def test_however_items_are_ordered_and_cut_into_chunks_each_gives_the_same(
    items: list[dict[str, Any]], mapping: dict[str, Any], data: st.DataObject
) -> None:
    items += [item | {"Id": {"N": f"-{position + 1}"}} for position, item in enumerate(ITEMS)]
    plan = compile_plan(mapping, key_attributes=("Id",), secret=SECRET)
    whole = {result["Id"]["N"]: result for result in plan.apply(items)}
    shuffled = data.draw(st.permutations(items))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(items)))))
    cut: list[dict[str, Any]] = []
    for start, end in zip([0, *cuts], [*cuts, len(items)], strict=True):
        cut += plan.apply(shuffled[start:end])
    assert [result["Id"] for result in cut] == [item["Id"] for item in shuffled]
    assert {result["Id"]["N"]: result for result in cut} == whole


def test_transform_gives_the_same_for_the_same_value_wherever_it_stands() -> None:
    results = apply(ITEMS)
    assert len({result["Mail"]["S"] for result in results}) == 3
    moved = apply(
        [{"Other": {"N": "9"}, "Contact": {"M": {"mail": ITEMS[0]["Mail"]}}}],
        {"mappings": {"Contact.mail": "transform_email"}},
        keys=("Other",),
    )
    assert moved[0]["Contact"]["M"]["mail"] == results[0]["Mail"]


def test_generate_depends_on_the_items_key_and_the_path_not_on_the_value() -> None:
    mapping = {"mappings": {"a": "generate_uuid", "b": "generate_uuid", "c[*]": "generate_uuid"}}
    value = {"S": "text"}
    item = {"a": value, "b": value, "c": {"L": [value, value]}}
    first, second, third = apply(
        [{"Id": {"N": "1"}, **item}, {"Id": {"N": "2"}, **item}, {"Id": {"N": "1"}, **item, "a": {"N": "7"}}],
        mapping,
    )
    drawn = [first["a"], first["b"], *first["c"]["L"], second["a"], second["b"], *second["c"]["L"]]
    assert len({uuid["S"] for uuid in drawn}) == 8
    assert third == first


def test_without_key_attributes_generated_values_depend_on_the_whole_item() -> None:
    mapping = {
        "mappings": {"new": {"transformer": "generate_uuid", "when_missing": "generate"}},
        "unmapped": "passthrough",
    }
    texts = [
        {"a": {"S": "x"}},
        {"b": {"S": "x"}},
        {"a": {"S": "y"}},
        {"a": {"N": "1"}},
        {"a": {"L": [{"S": "x"}]}},
    ]
    assert len({item["new"]["S"] for item in apply(texts, mapping, keys=())}) == len(texts)
    orders = [
        {"a": {"M": {"b": {"S": "x"}, "c": {"SS": ["1", "2"]}}}, "d": {"N": "1"}},
        {"d": {"N": "1"}, "a": {"M": {"c": {"SS": ["2", "1"]}, "b": {"S": "x"}}}},
    ]
    assert len({item["new"]["S"] for item in apply(orders, mapping, keys=())}) == 1


def test_rules_of_one_realm_agree_and_of_two_realms_do_not() -> None:
    def hashed(**options: Any) -> Any:
        return one({"transformer": "transform_hash", **options}, {"S": "mary@example.com"})

    assert hashed() == hashed(realm="transform_hash") == hashed(realm="transform_hash", prefix="")
    assert len({hashed()["S"], hashed(realm="customers")["S"], hashed(realm="staff")["S"]}) == 3
    assert hashed(realm="customers") == hashed(realm="customers")


def test_presets_share_the_realm_of_their_transformer() -> None:
    mapping = {
        "presets": {"ours": {"transformer": "transform_hash"}},
        "mappings": {"a": "ours", "b": "transform_hash"},
    }
    (result,) = apply([{"a": {"S": "x"}, "b": {"S": "x"}}], mapping, keys=())
    assert result["a"] == result["b"]


@pytest.mark.parametrize("realm", ["a", "b", "c", "d", "e", "f", "g", "h"])
def test_a_value_is_never_transformed_into_itself_where_there_is_another(realm: str) -> None:
    rule = {"transformer": "transform_string", "min_length": 1, "max_length": 1, "realm": realm}
    items = [{"a": {"S": character}} for character in ALPHANUMERIC]
    for before, after in zip(items, apply(items, {"mappings": {"a": rule}}), strict=True):
        assert before["a"] != after["a"]


def test_the_secret_has_at_least_16_bytes() -> None:
    with pytest.raises(MappingError, match=r"^secret: at least 16 bytes are needed, got 15"):
        compile_plan({}, secret=b"x" * 15)
    with pytest.raises(MappingError, match=r"^secret: expected bytes, got a string"):
        compile_plan({}, secret="a secret of the tests")  # type: ignore[arg-type]
    with pytest.raises(MappingError, match=r"^secret: at least 16 bytes"):
        compile_plan({}, secret=b"")
    compile_plan({}, secret=b"x" * 16)


def test_the_secret_is_in_no_representation() -> None:
    secret = Secret(SECRET)
    plan = compile_plan(MAPPING, key_attributes=("Id",), secret=SECRET)
    shown = f"{secret!r} {secret.keyed('a')!r} {secret.keyed('a').stream(b'b')!r} {plan!r} {plan.explain()}"
    assert SECRET.decode() not in shown
    assert SECRET.hex() not in shown


def test_a_stream_is_keyed_blake2b_in_counter_mode() -> None:
    root = blake2b(SECRET, digest_size=64, person=b"dynsync secret").digest()
    key = blake2b(b"\0\0\0\x01a\0\0\0\x02bc", key=root, digest_size=64).digest()
    blocks = [
        blake2b(bytes([0, 0, 0, counter]) + b"data", key=key, digest_size=64).digest() for counter in range(3)
    ]
    stream = Secret(SECRET).keyed("a", "bc").stream(b"data")
    assert stream.bytes(10) + stream.bytes(0) + stream.bytes(100) + stream.bytes(82) == b"".join(blocks)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_joined_parts_tell_where_one_ends(first: list[str], second: list[str]) -> None:
    assert (join_parts(*first) == join_parts(*second)) == (first == second)


@given(st.binary(min_size=60, max_size=70), st.binary(min_size=60, max_size=70))
def test_data_of_any_length_has_its_own_stream(first: bytes, second: bytes) -> None:
    keyed = Secret(SECRET).keyed("test")
    assert (keyed.stream(first).bytes(32) == keyed.stream(second).bytes(32)) == (first == second)


def chi_square(observed: Counter[Any], cells: int) -> float:
    expected = observed.total() / cells
    missing = cells - len(observed)
    return sum((count - expected) ** 2 / expected for count in observed.values()) + missing * expected


# The limits are those that one in 100,000 uniform samples exceeds (chi-square, cells - 1 degrees of freedom).


@pytest.mark.parametrize(("cells", "limit"), [(2, 19.6), (10, 40.5), (62, 121.5), (100, 171.3)])
def test_draws_are_uniform_across_values_and_within_one(cells: int, limit: float) -> None:
    keyed = Secret(SECRET).keyed("uniform")
    across = Counter(keyed.stream(str(number).encode()).below(cells) for number in range(20_000))
    assert chi_square(across, cells) < limit
    stream = keyed.stream(b"one")
    assert chi_square(Counter(stream.below(cells) for _ in range(20_000)), cells) < limit
    alphabet = "".join(chr(32 + index) for index in range(min(cells, 95)))
    if cells <= 95:
        assert chi_square(Counter(stream.text(alphabet, 20_000)), cells) < limit
    assert chi_square(Counter(stream.choice(range(cells)) for _ in range(20_000)), cells) < limit


def test_a_text_of_no_characters_draws_nothing() -> None:
    one, other = (Secret(SECRET).keyed("text").stream(b"one") for _ in range(2))

    assert one.text("ab", 0) == ""
    assert one.bytes(8) == other.bytes(8)


def test_chances_are_even_and_bounds_are_included() -> None:
    stream = Secret(SECRET).keyed("chance").stream(b"one")
    assert chi_square(Counter(stream.chance() for _ in range(20_000)), 2) < 19.6
    assert {stream.between(-1, 1) for _ in range(100)} == {-1, 0, 1}
    assert {stream.below(1) for _ in range(10)} == {0}
    wide = [stream.below(1 << 192) for _ in range(2_000)]
    assert chi_square(Counter(number >> 188 for number in wide), 16) < 49.6
    assert chi_square(Counter(number & 15 for number in wide), 16) < 49.6
