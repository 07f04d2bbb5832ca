"""When a table counts as ready."""

import re
from dataclasses import replace

import pytest

from airflow_dynsync.dynamodb.readiness import Readiness
from airflow_dynsync.dynamodb.tables import Index, TableDescription

_TABLE = TableDescription(
    name="Users",
    arn="arn:aws:dynamodb:eu-west-1:111111111111:table/Users",
    table_id=None,
    status="ACTIVE",
    item_count=10,
    size_bytes=0,
    keys=(),
    indexes=(),
    billing_mode="PAY_PER_REQUEST",
    account_id="111111111111",
    region="eu-west-1",
)
_GROWING = replace(
    _TABLE, indexes=(Index("by_mail", "global", "CREATING", ()), Index("by_name", "global", "ACTIVE", ()))
)


def test_an_active_table_is_ready():
    assert Readiness().unmet(_TABLE) == ()


def test_a_table_that_does_not_exist_is_not_ready():
    assert Readiness().unmet(None) == ("the table does not exist yet",)


def test_a_table_of_another_status_is_not_ready():
    assert Readiness().unmet(replace(_TABLE, status="UPDATING")) == ("the table is UPDATING, not ACTIVE",)
    assert Readiness(target_status="UPDATING").unmet(replace(_TABLE, status="UPDATING")) == ()


def test_an_index_in_the_making_is_waited_for_unless_told_otherwise():
    assert Readiness().unmet(_GROWING) == ("its index by_mail is CREATING",)
    assert Readiness(indexes_active=False).unmet(_GROWING) == ()


@pytest.mark.parametrize(("least", "ready"), [(0, True), (10, True), (11, False)])
def test_the_item_count_decides_where_one_is_asked_for(least: int, ready: bool):
    assert (Readiness(min_item_count=least).unmet(_TABLE) == ()) is ready


def test_everything_that_lacks_is_told_at_once():
    lacks = Readiness(min_item_count=11).unmet(replace(_GROWING, status="CREATING"))
    assert [re.sub(r" is .*| counts.*", "", each) for each in lacks] == [
        "the table",
        "its index by_mail",
        "DynamoDB",
    ]


def test_a_status_that_dynamodb_does_not_know_is_refused():
    with pytest.raises(ValueError, match=r"target_status must be one of ACTIVE, .*, not 'READY'"):
        Readiness(target_status="READY")


def test_a_negative_item_count_is_refused():
    with pytest.raises(ValueError, match="min_item_count must be 0 or more, not -1"):
        Readiness(min_item_count=-1)
