"""Any mapping on any items: valid items come out, or one of our errors with its place; 20,000 in `make soak`."""

import os
import re
import signal
from binascii import a2b_base64
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from types import FrameType
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, event, given, seed, settings
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, Plan, TransformError, compile_plan
from airflow_dynsync.engine.values import ELEMENT_OF_SET, number_text
from tests import kills
from tests.unit.fuzzed_items import tables
from tests.unit.fuzzed_mappings import mappings
from tests.unit.marks import MARKS, everything_said
from tests.unit.strategies import SECRET

EXAMPLES = 20_000 if kills.SOAK else 1000
HANGS_AFTER = 20
"""Seconds that an example may take."""

CHANGES = {"transformed", "generated", "dropped", "set_emptied", "mismatch_null", "mismatch_drop"}


@contextmanager
def watched() -> Iterator[None]:
    """Fail where the block hangs: what fails is no `Exception`, so that nothing on the way takes it for one."""

    def fail(_number: int, frame: FrameType | None) -> None:
        pytest.fail(f"an example took more than {HANGS_AFTER} seconds, at {frame}")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(HANGS_AFTER)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def wrong(value: Any) -> str | None:
    """Return what DynamoDB would not take about a value, None for nothing."""
    if type(value) is not dict or len(value) != 1:
        return "no wire value"
    ((kind, payload),) = value.items()
    match kind:
        case "S":
            fits = type(payload) is str
        case "N":
            fits = type(payload) is str and number_text(Decimal(payload)) is not None
        case "B":
            fits = type(payload) is str and a2b_base64(payload, strict_mode=True) is not None
        case "BOOL":
            fits = type(payload) is bool
        case "NULL":
            fits = payload is True
        case "M":
            if not all(type(name) is str and name for name in payload):
                return "a name that is empty or no string"
            return next(filter(None, map(wrong, payload.values())), None)
        case "L":
            return next(filter(None, map(wrong, payload)), None)
        case _:
            element = ELEMENT_OF_SET[kind]
            members = [Decimal(member) if kind == "NS" else member for member in payload]
            if not members or len(set(members)) < len(members):
                return f"{kind} that is empty or has a member twice"
            return next(filter(None, (wrong({element: member}) for member in payload)), None)
    return None if fits else f"a payload of another type in {kind}"


def look_through(error: MappingError | TransformError) -> None:
    """Refuse an error that tells a value, names no place, or is about a transformer that broke."""
    said = everything_said(error)
    assert not MARKS.search(said), "an error tells a value"
    assert not re.search(r" failed with [A-Z]\w+$", error.message), error.message
    assert error.place
    assert error.message


def compiled(mapping: Any, keys: dict[str, str], secret: bytes | None) -> Plan | None:
    """Return the plan, None where the mapping is refused with a place."""
    try:
        plan = compile_plan(mapping, key_attributes=tuple(keys), secret=secret)
    except MappingError as error:
        look_through(error)
        return None
    assert not MARKS.search(f"{plan!r} {plan.explain()} {plan.explain('Email', 'Pets.a[0]')} {plan.rules!r}")
    return plan


def applied(plan: Plan, items: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Return the results, None where a value is refused with a place; each item alone comes to the same."""
    try:
        results = plan.apply(items)
    except TransformError as error:
        look_through(error)
        if error.row is not None:
            with pytest.raises(TransformError):
                plan.recompute([items[error.row]])
        return None
    assert [plan.recompute([item])[0] for item in items] == results, "an item alone becomes something else"
    return results


def check(mapping: Any, items: list[dict[str, Any]], keys: dict[str, str], secret: bytes | None) -> str:
    """Compile a mapping, apply it, look at all that comes of it, and return in words what that was."""
    before = orjson.dumps(items)
    plan = compiled(mapping, keys, secret)
    if plan is None:
        return "mapping refused"
    results = applied(plan, items)
    assert orjson.dumps(items) == before, "the source was changed"
    said = f"{plan.statistics!r} {plan.statistics.as_dict()}"
    assert not MARKS.search(said), "the statistics tell a value"
    if results is None:
        return "value refused"
    for item, result in zip(items, results, strict=True):
        assert not (found := wrong({"M": result})), found
        for name, kind in keys.items():
            assert result[name].keys() == {kind}, f"a key became {[*result[name]]}"
            assert result[name][kind] not in ("", b""), "a key became empty"
        plan.rules_in(item)
    orjson.dumps(results)
    acted = {count.outcome for count in plan.statistics.counts}
    return "values changed" if acted & CHANGES else "nothing to do"


def test_a_mapping_on_items_gives_valid_items_or_an_error_with_its_place_and_without_a_value() -> None:
    met = Counter[str]()

    @seed(kills.seed())
    @settings(
        max_examples=EXAMPLES,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        database=None if os.environ.get("DYNSYNC_SEED") else settings().database,
    )
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        keys = data.draw(
            st.sampled_from([{"Id": "S"}, {"Id": "S", "At": "N"}, {"Id": "N", "At": "S"}, {"Id": "B"}]), "keys"
        )
        items = data.draw(tables(keys), "items")
        mapping = data.draw(mappings(items, keys), "mapping")
        secret = data.draw(st.sampled_from([SECRET, SECRET, SECRET, None]))
        with watched():
            outcome = check(mapping, items, keys, secret)
        event(outcome)
        met[outcome] += 1

    fuzz()
    shares = {outcome: count / met.total() for outcome, count in met.items()}
    print(f"{met.total()} examples: {dict(met)}")  # noqa: T201 - with pytest -rP
    assert shares["values changed"] > 0.3
    assert shares["value refused"] > 0.1
    assert shares["mapping refused"] > 0.05
