"""From the fields of a connection to the extras of the Amazon provider."""

from typing import Any

import pytest

from airflow_dynsync.hooks.connection import access_keys, amazon_extras


def test_the_fields_of_the_form_become_the_nested_extras_of_an_aws_connection():
    form = {
        "role_arn": "arn:aws:iam::111111111111:role/reader",
        "external_id_secret": "ext-1",
        "duration_seconds": 1800,
        "region_name": "eu-west-1",
        "endpoint_url": "http://127.0.0.1:8009",
        "sts_endpoint_url": "https://sts.eu-west-1.amazonaws.com",
        "retry_mode": "adaptive",
        "profile_name": "home",
        "aws_session_token": "token-1",
        "test_table": "Users",
        "client": "botocore",
    }
    assert amazon_extras(form, conn_id="prod") == {
        "role_arn": "arn:aws:iam::111111111111:role/reader",
        "assume_role_kwargs": {"ExternalId": "ext-1", "DurationSeconds": 1800},
        "region_name": "eu-west-1",
        "service_config": {
            "dynamodb": {"endpoint_url": "http://127.0.0.1:8009"},
            "sts": {"endpoint_url": "https://sts.eu-west-1.amazonaws.com"},
        },
        "config_kwargs": {"retries": {"mode": "adaptive"}},
        "profile_name": "home",
        "aws_session_token": "token-1",
        "test_table": "Users",
        "client": "botocore",
    }


def test_a_plain_aws_connection_keeps_what_it_says():
    extra = {
        "role_arn": "arn:aws-cn:iam::111111111111:role/a/b",
        "assume_role_kwargs": {"ExternalId": "ext-1", "RoleSessionName": "me"},
        "config_kwargs": {"retries": {"max_attempts": 3}, "connect_timeout": 5},
        "service_config": {"sts": {"endpoint_url": "http://sts"}},
        "verify": False,
    }
    assert amazon_extras(extra, conn_id="prod") == extra


def test_a_flat_field_counts_more_than_the_nested_one_and_leaves_its_neighbours():
    extra = {
        "external_id": "flat",
        "retry_mode": "standard",
        "assume_role_kwargs": {"ExternalId": "nested", "RoleSessionName": "me"},
        "config_kwargs": {"retries": {"max_attempts": 3, "mode": "legacy"}},
    }
    assert amazon_extras(extra, conn_id="prod") == {
        "assume_role_kwargs": {"ExternalId": "flat", "RoleSessionName": "me"},
        "config_kwargs": {"retries": {"max_attempts": 3, "mode": "standard"}},
    }


def test_an_external_id_written_by_hand_is_taken_and_that_of_the_form_counts_more():
    def sent(**extra: str) -> str:
        return amazon_extras(extra, conn_id="prod")["assume_role_kwargs"]["ExternalId"]

    assert sent(external_id="by-hand") == "by-hand"
    assert sent(external_id="by-hand", external_id_secret="of-the-form") == "of-the-form"


def test_blank_fields_are_left_out_and_spaces_around_a_value_too():
    form = {"role_arn": "", "external_id_secret": "  ", "duration_seconds": None, "region_name": " eu-west-1\n"}
    assert amazon_extras(form, conn_id="prod") == {"region_name": "eu-west-1"}


def test_the_extras_given_are_left_as_they_are():
    extra: dict[str, Any] = {"external_id": "e", "assume_role_kwargs": {"Policy": "p"}, "service_config": {}}
    amazon_extras(extra | {"endpoint_url": "http://here"}, conn_id="prod")
    assert extra == {"external_id": "e", "assume_role_kwargs": {"Policy": "p"}, "service_config": {}}


def test_numbers_that_came_as_text_from_a_uri_become_numbers():
    extra = amazon_extras({"duration_seconds": "43200"}, conn_id="prod")
    assert extra == {"assume_role_kwargs": {"DurationSeconds": 43200}}


@pytest.mark.parametrize(
    ("extra", "place"),
    [
        ({"duration_seconds": 1799}, "'Role session seconds' (duration_seconds)"),
        ({"duration_seconds": 43201}, "'Role session seconds' (duration_seconds)"),
        ({"duration_seconds": "an hour"}, "'Role session seconds' (duration_seconds)"),
        ({"duration_seconds": 3600.5}, "'Role session seconds' (duration_seconds)"),
        ({"duration_seconds": True}, "'Role session seconds' (duration_seconds)"),
        ({"assume_role_kwargs": {"DurationSeconds": 900}}, "assume_role_kwargs.DurationSeconds"),
        ({"assume_role_kwargs": "marked-1"}, "assume_role_kwargs"),
        ({"role_arn": "marked-1"}, "'Role ARN' (role_arn)"),
        ({"external_id": 12345}, "'External ID' (external_id_secret)"),
        ({"region_name": "Marked-1"}, "'Region' (region_name)"),
        ({"endpoint_url": "marked-1:8000"}, "'Endpoint URL' (endpoint_url)"),
        ({"sts_endpoint_url": "marked-1"}, "'STS endpoint URL' (sts_endpoint_url)"),
        ({"retry_mode": "marked-1"}, "'Retry mode' (retry_mode)"),
        ({"test_table": "marked-1?"}, "'Test table' (test_table)"),
        ({"client": "marked-1"}, "'Client' (client)"),
    ],
)
def test_a_field_that_holds_something_else_is_refused_by_its_name_and_without_its_text(
    extra: dict[str, Any], place: str
):
    with pytest.raises(ValueError, match="Connection 'prod'") as refused:
        amazon_extras(extra, conn_id="prod")
    assert place in str(refused.value)
    assert "marked-1" not in str(refused.value).lower()


def test_access_keys_come_in_pairs_or_not_at_all():
    assert access_keys(" AKIA1 ", "secret\n", conn_id="prod") == ("AKIA1", "secret")
    assert access_keys("", None, conn_id="prod") == (None, None)


@pytest.mark.parametrize(
    ("login", "password", "missing"), [("AKIA1", "", "password"), (None, "marked-1", "login")]
)
def test_half_a_key_pair_is_refused_instead_of_meaning_the_machines_credentials(
    login: str | None, password: str, missing: str
):
    with pytest.raises(ValueError, match=f"no {missing}") as refused:
        access_keys(login, password, conn_id="prod")
    assert "marked-1" not in str(refused.value)
