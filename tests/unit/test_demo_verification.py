"""The demo's verification: what it finds wrong with a destination, and what it counts when nothing is."""

from collections import Counter
from copy import deepcopy
from typing import Any

import pytest

from airflow_dynsync.engine import Mapping, compile_plan
from local import dataset
from local.verification import Verification, verify

SECRET = b"a secret for these tests"
EMAIL_KEY = {
    "transformer": "transform_template",
    "template": "CUSTOMER#{email}",
    "parts": {"email": "transform_email"},
}
MAPPING = Mapping(
    mappings={
        "PK": EMAIL_KEY,
        "referred_by": EMAIL_KEY,
        "email": "transform_email",
        "customer_email": "transform_email",
        "name": "full_name",
        "password_hash": "drop",
        "household[*].relation": "passthrough",
        "**.country": "passthrough",
        "lines": "passthrough",
        "favourite_shops": "passthrough",
    },
    presets={"full_name": {"transformer": "transform_full_name"}},
)
SOURCE = list(dataset.items(40))


def refreshed(mapping: Mapping = MAPPING) -> list[dict[str, Any]]:
    plan = compile_plan(mapping, key_attributes=dataset.KEYS, secret=SECRET)
    return deepcopy(plan.apply(SOURCE))


def verified(destination: list[dict[str, Any]], mapping: Mapping = MAPPING) -> Verification:
    return verify(SOURCE, destination, mapping, key_attributes=dataset.KEYS, secret=SECRET)


def index_of(is_wanted: Any) -> int:
    return next(index for index, item in enumerate(SOURCE) if is_wanted(item))


PROFILE = index_of(lambda item: "household" in item and item["household"]["L"] and len(item["devices"]["SS"]) > 1)
ORDER = index_of(lambda item: item["entity"]["S"] == "order")


def test_a_refresh_as_the_mapping_promises_it_holds() -> None:
    found = verified(refreshed())
    assert found.holds
    assert found.items == len(SOURCE)
    assert not found.problems
    assert found.values["removed"] == 40
    assert found.values["empty"] == 40
    assert found.values["changed"] > found.values["same by chance"] > 0
    assert found.passed_through > 0


def test_the_order_of_items_and_of_the_elements_of_sets_does_not_matter() -> None:
    destination = refreshed()[::-1]
    for item in destination:
        for kind, elements in (next(iter(value.items())) for value in item.values()):
            if kind in ("SS", "NS", "BS"):
                elements.reverse()
    assert verified(destination).holds


def test_every_second_coin_that_falls_as_before_is_counted_by_itself() -> None:
    coins = Mapping(mappings={"gift": "generate_bool"}, unmapped="passthrough")
    found = verified(refreshed(coins), coins)
    orders = sum(item["entity"]["S"] == "order" for item in SOURCE)
    assert found.values["changed"] + found.values["same by chance"] == orders
    assert min(found.values["changed"], found.values["same by chance"]) > 0
    assert found.holds


def test_nothing_at_all_does_not_hold() -> None:
    assert not verify([], [], MAPPING, key_attributes=dataset.KEYS, secret=SECRET).holds


def test_a_missing_item_is_found() -> None:
    destination = refreshed()
    del destination[ORDER]
    assert verified(destination).problems == Counter({"an item is missing": 1})


def test_an_item_that_the_source_does_not_have_is_found() -> None:
    destination = refreshed()
    destination.append(destination[ORDER] | {"SK": {"S": "ORDER#2020-01-01#more"}})
    (problem,) = verified(destination).problems
    assert problem == "an item is in the destination that the source does not have"


def test_an_item_under_the_sources_own_key_is_found() -> None:
    destination = refreshed()
    destination[PROFILE]["PK"] = SOURCE[PROFILE]["PK"]
    assert "an item is missing" in verified(destination).problems


@pytest.mark.parametrize(
    ("index", "path"),
    [
        (PROFILE, "email"),
        (PROFILE, "name"),
        (PROFILE, "avatar"),
        (PROFILE, "lifetime_value"),
        (ORDER, "ip_address"),
    ],
)
def test_a_protected_value_that_is_unchanged_is_found(index: int, path: str) -> None:
    destination = refreshed()
    destination[index][path] = SOURCE[index][path]
    assert verified(destination).problems[f"{path} is protected and unchanged"] == 1


def test_a_protected_value_inside_a_list_that_is_unchanged_is_found() -> None:
    destination = refreshed()
    destination[PROFILE]["household"]["L"][0]["M"]["name"] = SOURCE[PROFILE]["household"]["L"][0]["M"]["name"]
    assert verified(destination).problems["household[*].name is protected and unchanged"] == 1


def test_a_protected_value_that_its_rule_does_not_change_is_found() -> None:
    lax = Mapping(
        mappings={"tax_rate": {"transformer": "transform_email", "on_type_mismatch": "passthrough"}},
        unmapped="passthrough",
    )
    assert set(verified(refreshed(lax), lax).problems) == {"tax_rate is protected and unchanged"}


def test_a_protected_set_that_is_unchanged_is_found() -> None:
    destination = refreshed()
    destination[PROFILE]["devices"]["SS"] = SOURCE[PROFILE]["devices"]["SS"][::-1]
    assert verified(destination).problems["devices is protected and unchanged"] == 1


def test_a_protected_set_with_one_element_of_the_sources_is_found() -> None:
    destination = refreshed()
    destination[PROFILE]["devices"]["SS"][0] = SOURCE[PROFILE]["devices"]["SS"][0]
    assert set(verified(destination).problems) == {"devices is not what its rule gives"}


def test_a_set_whose_elements_changed_places_is_not_counted_as_changed() -> None:
    shops = Mapping(mappings={"favourite_shops": "transform_character_scramble"}, unmapped="passthrough")
    found = verified(refreshed(shops), shops)
    assert found.holds
    assert found.values["changed"] + found.values["same by chance"] == 40


def test_a_protected_value_that_is_not_what_its_rule_gives_is_found() -> None:
    destination = refreshed()
    destination[PROFILE]["notes"] = {"S": "something else"}
    assert set(verified(destination).problems) == {"notes is not what its rule gives"}


def test_a_value_that_was_to_be_removed_and_is_there_is_found() -> None:
    destination = refreshed()
    destination[PROFILE]["password_hash"] = {"S": "anything"}
    assert set(verified(destination).problems) == {"password_hash is there and was to be removed"}


@pytest.mark.parametrize(
    ("index", "path", "value"),
    [
        (PROFILE, "favourite_shops", {"NS": ["1"]}),
        (PROFILE, "preferences", {"NULL": True}),
        (ORDER, "lines", {"L": []}),
    ],
)
def test_a_passed_through_value_that_is_another_one_is_found(index: int, path: str, value: dict[str, Any]) -> None:
    destination = refreshed()
    destination[index][path] = value
    assert set(verified(destination).problems) == {f"{path} was to be passed through and is another value"}


def test_a_passed_through_number_of_the_same_value_in_other_digits_is_found() -> None:
    destination = refreshed()
    price = destination[ORDER]["lines"]["L"][0]["M"]["price"]
    price["N"] += "0"
    assert set(verified(destination).problems) == {"lines[*].price was to be passed through and is another value"}


def test_a_missing_attribute_is_found() -> None:
    destination = refreshed()
    del destination[ORDER]["lines"]
    assert not verified(destination).holds


def test_references_that_lead_nowhere_are_found() -> None:
    whole = dataset.check_references(SOURCE)
    assert not whole.broken
    assert whole.keys == len(SOURCE)
    assert whole.orders
    assert whole.referrals
    customer = next(item["referred_by"]["S"] for item in SOURCE if "referred_by" in item)
    without = [item for item in SOURCE if (item["PK"]["S"], item["SK"]["S"]) != (customer, "PROFILE")]
    assert {"an order has no customer", "a referral leads nowhere"} & set(dataset.check_references(without).broken)
    swapped = [item | {"PK": {"S": "CUSTOMER#somebody@else.example"}} for item in SOURCE[:1]]
    assert dataset.check_references(swapped).broken["a partition key does not agree with the e-mail address"] == 1
