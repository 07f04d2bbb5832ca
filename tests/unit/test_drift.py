"""What a table's items look like is remembered from run to run, what is new is told, and no value is kept."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_dynsync.engine import compile_plan
from airflow_dynsync.sync.drift import Drift, DriftWatch, Fingerprint, SchemaDriftError, compare
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.personal import sounds_personal
from airflow_dynsync.sync.sampling import Sampler
from airflow_dynsync.sync.shapes import MAX_KEYS, MAX_NAMES
from local.dataset import items as demo_items
from tests.unit.strategies import tables

SECRET = b"a secret of the tests"
PASSING = compile_plan({"unmapped": "passthrough"}, key_attributes=("Id",), secret=SECRET)


def text(value: str = "text") -> dict[str, Any]:
    return {"S": value}


def item(**attributes: Any) -> dict[str, Any]:
    return {"Id": {"N": "1"}, **attributes}


def fingerprint(*items: dict[str, Any]) -> Fingerprint:
    taken = Fingerprint()
    taken.observe(items)
    return taken


def types_by_path(taken: Fingerprint) -> dict[str, dict[str, int]]:
    return {entry["path"]: entry["types"] for entry in taken.as_dict()["paths"]}


def drifts(before: dict[str, Any], now: dict[str, Any], plan: Any = PASSING) -> list[Drift]:
    return list(compare(fingerprint(before), fingerprint(now), plan))


def test_paths_and_types_are_counted_and_list_elements_share_a_path() -> None:
    lines = {"L": [{"M": {"article": text()}}, {"M": {"article": {"N": "1"}}}, text()]}
    taken = fingerprint(item(lines=lines, tags={"SS": ["a"]}), item(lines={"L": []}))
    assert types_by_path(taken) == {
        "Id": {"N": 2},
        "lines": {"L": 2},
        "lines[*]": {"M": 2, "S": 1},
        "lines[*].article": {"S": 1, "N": 1},
        "tags": {"SS": 1},
    }


def test_map_keys_of_which_there_are_many_share_a_path() -> None:
    few = [item(by={"M": {f"k{chr(97 + n % 26)}{chr(97 + n // 26)}": text()}}) for n in range(MAX_KEYS)]
    assert len(types_by_path(fingerprint(*few))) == MAX_KEYS + 2
    many = [*few, item(by={"M": {"one-more": {"N": "1"}}})]
    assert types_by_path(fingerprint(*many)) == {
        "Id": {"N": MAX_KEYS + 1},
        "by": {"M": MAX_KEYS + 1},
        "by.*": {"S": MAX_KEYS, "N": 1},
    }


@pytest.mark.parametrize(
    "key",
    ["ann@lakeside.example", "+1 212 555 0147", "2026-01-31", "order-0000123", "198.51.100.7", "Judith", "x" * 65,
     "4000123456789017", "Ann Lindqvist"],
)  # fmt: skip
def test_a_map_key_that_looks_like_data_is_never_told(key: str) -> None:
    taken = fingerprint(item(by={"M": {key: {"M": {"age": {"N": "1"}}}, "total": {"N": "1"}}}))
    assert {"by.*", "by.*.age", "by.total"} <= types_by_path(taken).keys()
    assert key not in orjson.dumps(taken.as_dict(), option=orjson.OPT_INDENT_2).decode()


def test_an_attribute_whose_name_is_personal_is_not_told_and_the_others_are() -> None:
    taken = fingerprint({"ann@lakeside.example": text(), "Judith": text(), "line_1": text()})
    assert types_by_path(taken).keys() == {"*", "Judith", "line_1"}


@given(tables(min_size=1), st.randoms(use_true_random=False))
def test_order_and_pages_do_not_matter(items: list[dict[str, Any]], random: Random) -> None:
    wide = [item(by={"M": {f"key-{chr(97 + n % 26) * (1 + n // 26)}": text()}}) for n in range(MAX_KEYS + 5)]
    together = [*items, *wide]
    whole = fingerprint(*together)
    shuffled = random.sample(together, len(together))
    parts = fingerprint(*shuffled[: len(shuffled) // 2])
    parts.merge(fingerprint(*shuffled[len(shuffled) // 2 :]))
    assert types_by_path(parts) == types_by_path(whole)
    assert parts.items == whole.items


@given(tables(min_size=1))
def test_a_fingerprint_survives_its_json_form_and_does_not_differ_from_itself(items: list[dict[str, Any]]) -> None:
    taken = fingerprint(*items)
    kept = Fingerprint.from_dict(orjson.loads(orjson.dumps(taken.as_dict())))
    assert kept.as_dict() == taken.as_dict()
    assert compare(kept, taken, PASSING) == compare(taken, kept, PASSING) == ()


def test_a_fingerprint_of_another_version_is_refused() -> None:
    with pytest.raises(SyncError, match="version 1; remove it"):
        Fingerprint.from_dict({"version": 0})


def test_names_are_bounded_and_the_fingerprint_says_so() -> None:
    def items(count: int) -> list[dict[str, Any]]:
        names = [f"{a}{b}" for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst"]
        return [item(**{names[n // 40]: {"M": {f"f{names[n % 40]}": text()}}}) for n in range(count)]

    assert fingerprint(*items(1000)).as_dict()["complete"] is True
    capped = fingerprint(*items(MAX_NAMES + 3000))
    assert capped.as_dict()["complete"] is False
    assert len(capped.as_dict()["paths"]) <= 2 * MAX_NAMES


def test_a_new_path_and_a_new_type_are_told_and_a_null_is_no_type() -> None:
    before = item(total={"N": "1"}, state=text())
    now = item(total=text("1"), state={"NULL": True}, extra={"M": {"flag": {"BOOL": True}}})
    assert drifts(before, now) == [
        Drift("warning", "new_path", "extra.flag", ("BOOL",), (), hidden=False),
        Drift("warning", "new_type", "total", ("S",), (), hidden=False),
    ]


def test_what_is_gone_is_information() -> None:
    assert drifts(item(lines={"L": [text()]}), item()) == [
        Drift("info", "vanished", "lines[*]", ("S",), (), hidden=False)
    ]


@pytest.mark.parametrize("name", ["workEmail", "work_email", "work-email", "E-Mail", "Geburtsdatum", "ipAddress"])
def test_a_new_path_with_a_personal_name_is_an_error(name: str) -> None:
    (drift,) = drifts(item(), item(info={"M": {name: text()}}))
    assert (drift.severity, drift.personal) == ("error", ("name",))


def test_a_new_path_with_personal_values_is_an_error_and_tells_none_of_them() -> None:
    (drift,) = drifts(item(), item(x=text("write to ann@lakeside.example")))
    assert (drift.severity, drift.path, drift.personal) == ("error", "x", ("EMAIL_ADDRESS",))
    assert "ann" not in repr(drift) + str(drift)
    assert b"lakeside" not in orjson.dumps(fingerprint(item(x=text("ann@lakeside.example"))).as_dict())


def test_what_a_rule_or_a_default_hides_is_no_error() -> None:
    hiding = compile_plan({"mappings": {"a": "drop"}}, key_attributes=("Id",), secret=SECRET)
    told = drifts(item(), item(a=text("x"), email=text("ann@x.example"), tags={"SS": ["x"]}), hiding)
    assert [(drift.severity, drift.hidden) for drift in told] == [("warning", True)] * 3


def test_an_empty_container_or_null_of_a_personal_name_is_no_error_until_it_holds_something() -> None:
    before = item(email={"NULL": True}, phones={"L": []})
    assert {drift.severity for drift in drifts(item(), before)} == {"warning"}
    now = drifts(before, item(email=text(), phones={"L": [text()]}))
    assert [(drift.severity, drift.kind, drift.path) for drift in now] == [
        ("error", "new_type", "email"),
        ("error", "new_path", "phones[*]"),
    ]


def test_maps_whose_keys_became_data_meanwhile_have_not_drifted() -> None:
    few = fingerprint(item(by={"M": {"alpha": text(), "beta": text()}}))
    many = fingerprint(*(item(by={"M": {f"key-{chr(97 + n % 26) * (1 + n // 26)}": text()}}) for n in range(60)))
    assert "by.*" in types_by_path(many)
    assert compare(few, many, PASSING) == compare(many, few, PASSING) == ()


def test_fail_raises_at_the_first_page_with_something_new_and_not_for_what_is_gone() -> None:
    watch = DriftWatch(fingerprint(item(a=text(), b=text())), PASSING, fail=True)
    watch.observe([item(a=text())])
    with pytest.raises(SchemaDriftError, match=r"c \(S\) is new, and passes through") as caught:
        watch.observe([item(a=text(), c=text("secret"))])
    assert "secret" not in str(caught.value)
    assert {drift.path for drift in caught.value.drifts} == {"b", "c"}


def test_warn_raises_nothing_and_tells_the_same() -> None:
    watch = DriftWatch(fingerprint(item()), PASSING)
    watch.observe([item(c=text())])
    assert [drift.path for drift in watch.drifts] == ["c"]


def test_the_first_run_has_nothing_to_differ_from() -> None:
    watch = DriftWatch(None, PASSING, fail=True)
    watch.observe([item(email=text())])
    assert watch.drifts == ()
    assert watch.fingerprint.items == 1


def test_a_sample_of_the_demo_data_set_does_not_drift_from_itself() -> None:
    items = list(demo_items(300))
    plan = compile_plan({}, key_attributes=("PK", "SK"), secret=SECRET)
    first, second = (
        DriftWatch(before, plan, sampler=Sampler(("PK", "SK"), SECRET, 10))
        for before in (None, fingerprint(*items))
    )
    first.observe(items)
    second.observe(items[::-1])
    assert [drift for drift in second.drifts if drift.severity != "info"] == []
    assert types_by_path(first.fingerprint) == types_by_path(second.fingerprint)
    assert 50 < first.fingerprint.items < 300


def test_threads_count_together() -> None:
    pages = [[item(**{f"a{n % 7}": text("x")}) for n in range(70)] for _ in range(20)]
    watch = DriftWatch(fingerprint(), PASSING)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(watch.observe, pages))
    assert types_by_path(watch.fingerprint) == {"Id": {"N": 1400}} | {f"a{n}": {"S": 200} for n in range(7)}


@pytest.mark.parametrize(
    "name",
    ["email", "customerEmail", "customer_email", "IPAddress", "ip", "firstName", "dob", "homePhone2", "IBAN",
     "Straße", "prénom", "nombre", "apellido1", "telefoonnummer", "имя", "住所", "배송주소", "passportNo",
     "user-name"],
)  # fmt: skip
def test_names_that_promise_personal_data_are_known(name: str) -> None:
    assert sounds_personal(name)


@pytest.mark.parametrize(
    "name", ["total", "shipping", "quantity", "status", "ttl", "version", "price", "GSI1PK", "import"]
)
def test_names_that_promise_none_are_left_alone(name: str) -> None:
    assert not sounds_personal(name)
