"""Values of an accepted type that have not the form a transformer works on: ``on_type_mismatch`` decides."""

from typing import Any

import pytest

from airflow_dynsync.engine import TransformError, compile_plan

SECRET = b"a secret for these tests"
UUID = "123e4567-e89b-42d3-a456-426614174000"
MARK = "marked-value"

RULES: list[tuple[dict[str, Any], str]] = [
    ({"transformer": "transform_uuid"}, UUID),
    ({"transformer": "transform_ip_address"}, "198.51.100.7"),
    ({"transformer": "transform_url"}, "https://corp.test/a"),
    ({"transformer": "transform_date_truncate", "unit": "year"}, "2020-05-06"),
    ({"transformer": "transform_e164_phone_number"}, "+12125550123"),
    ({"transformer": "transform_json"}, '{"a": 1}'),
    ({"transformer": "transform_fpe", "alphabet": "digits"}, "1234567890"),
    (
        {"transformer": "transform_template", "template": "USER#{id}", "parts": {"id": "transform_hash"}},
        "USER#someone",
    ),
    (
        {"transformer": "transform_template", "template": "{id}#x", "parts": {"id": "transform_uuid"}},
        f"{UUID}#x",
    ),
]

with_every_rule = pytest.mark.parametrize(("rule", "right"), RULES, ids=lambda each: str(each)[:60])


def plan(rule: dict[str, Any], **options: Any) -> Any:
    return compile_plan({"mappings": {"a": {**rule, **options}}}, key_attributes=["Id"], secret=SECRET)


def items(*values: Any) -> list[dict[str, Any]]:
    return [{"Id": {"S": str(number)}, "a": value} for number, value in enumerate(values)]


@with_every_rule
def test_a_value_of_a_wrong_form_fails_by_default_and_is_not_shown(rule: dict[str, Any], right: str) -> None:
    with pytest.raises(TransformError, match="or set on_type_mismatch") as caught:
        plan(rule).apply(items({"S": right}, {"S": MARK}))
    assert MARK not in str(caught.value)
    assert caught.value.row == 1


@with_every_rule
@pytest.mark.parametrize("policy", ["passthrough", "null", "drop"])
def test_the_policy_meets_the_wrong_ones_alone(rule: dict[str, Any], right: str, policy: str) -> None:
    values = [{"S": MARK} if number % 7 == 3 else {"S": right} for number in range(20)]
    one = plan(rule, on_type_mismatch=policy)
    expected = plan(rule).apply(items({"S": right}))[0]["a"]
    results = one.apply(items(*values))
    instead = {"passthrough": {"S": MARK}, "null": {"NULL": True}, "drop": None}[policy]
    assert [result.get("a") for result in results] == [
        instead if value == {"S": MARK} else expected for value in values
    ]
    counts = {row.outcome: row.count for row in one.statistics.counts}
    assert counts == {"transformed": 17, f"mismatch_{policy}": 3}


def test_a_set_with_an_element_of_a_wrong_form_goes_as_a_whole() -> None:
    good, bad = {"SS": [UUID]}, {"SS": [UUID, MARK]}
    results = plan({"transformer": "transform_uuid"}, on_type_mismatch="drop").apply(items(good, bad, good))
    assert ["a" in result for result in results] == [True, False, True]


def test_a_key_of_a_wrong_form_passes_through_where_the_policy_says_so() -> None:
    mapping = {"mappings": {"Id": {"transformer": "transform_uuid", "on_type_mismatch": "passthrough"}}}
    keyed = compile_plan(mapping, key_attributes=["Id"], secret=SECRET)
    assert keyed.apply([{"Id": {"S": MARK}}]) == [{"Id": {"S": MARK}}]
