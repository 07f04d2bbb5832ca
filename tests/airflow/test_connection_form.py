"""The connection form in Airflow's UI, and what its API gives away of a connection."""

import json
from collections.abc import Iterator
from typing import Any

import airflow
import pytest

from airflow_dynsync.provider_info import CONNECTION_FIELDS

_SECRETS = {"password": "secret-key-of-somebody", "aws_session_token": "token-1", "external_id_secret": "ext-1"}
_EXTRA = {
    "aws_session_token": _SECRETS["aws_session_token"],
    "external_id_secret": _SECRETS["external_id_secret"],
    "role_arn": "arn:aws:iam::111111111111:role/reader",
    "region_name": "eu-west-1",
}


@pytest.fixture
def form(airflow_api: Any) -> dict[str, Any]:
    response = airflow_api.get("/ui/connections/hook_meta")
    (found,) = [each for each in response.json() if each["connection_type"] == "dynsync_dynamodb"]
    return found


@pytest.fixture
def stored(airflow_api: Any) -> Iterator[str]:
    body = {
        "connection_id": "prod",
        "conn_type": "dynsync_dynamodb",
        "login": "AKIA1",
        "password": _SECRETS["password"],
        "extra": json.dumps(_EXTRA),
    }
    airflow_api.post("/api/v2/connections", json=body).raise_for_status()
    yield "/api/v2/connections/prod"
    airflow_api.delete("/api/v2/connections/prod").raise_for_status()


def test_the_form_is_offered_by_its_name(form: dict[str, Any]):
    assert form["hook_name"] == "Amazon DynamoDB (DynSync)"


def test_the_form_hides_what_dynamodb_does_not_need_and_names_the_access_key(form: dict[str, Any]):
    standard = form["standard_fields"]
    hidden = {name for name, field in standard.items() if field and field["hidden"]}
    # These releases refuse to test a connection that has no port.
    wants_a_port = airflow.__version__ in ("3.3.1", "3.3.2")
    assert hidden == {"url_schema", "host"} | (set() if wants_a_port else {"port"})
    assert standard["login"]["title"] == "Access key ID"
    assert standard["password"]["title"] == "Secret access key"


def test_every_field_may_stay_empty(form: dict[str, Any]):
    assert {
        name: "null" in field["schema"]["type"] for name, field in form["extra_fields"].items()
    } == dict.fromkeys(CONNECTION_FIELDS, True)


def test_session_token_and_external_id_are_password_inputs(form: dict[str, Any]):
    formats = {name: field["schema"].get("format") for name, field in form["extra_fields"].items()}
    assert {name for name, given in formats.items() if given == "password"} == {
        "aws_session_token",
        "external_id_secret",
    }


def test_the_form_offers_retry_modes_and_an_hour_for_the_role(form: dict[str, Any]):
    fields = form["extra_fields"]
    assert fields["retry_mode"]["schema"]["enum"] == ["standard", "adaptive"]
    assert fields["duration_seconds"]["value"] == 3600


@pytest.mark.parametrize("path", ["/api/v2/connections/prod", "/api/v2/connections"])
def test_the_api_masks_every_secret_of_a_connection(airflow_api: Any, stored: str, path: str):
    response = airflow_api.get(path)
    connection = response.json().get("connections", [response.json()])[0]
    extra = json.loads(connection["extra"])
    assert connection["password"] == "***"
    assert (extra["aws_session_token"], extra["external_id_secret"]) == ("***", "***")
    assert extra["role_arn"] == _EXTRA["role_arn"]
    assert not [secret for secret in _SECRETS.values() if secret in response.text]


def test_saving_a_form_that_shows_masked_secrets_keeps_them(airflow_api: Any, stored: str):
    from airflow.models.connection import Connection
    from airflow.settings import Session

    shown = airflow_api.get(stored).json()
    changed = json.loads(shown["extra"]) | {"region_name": "eu-central-1"}
    body = {"connection_id": "prod", "conn_type": shown["conn_type"], "extra": json.dumps(changed)}
    airflow_api.patch(stored, json=body, params={"update_mask": "extra"}).raise_for_status()
    with Session() as session:
        kept = session.query(Connection).filter_by(conn_id="prod").one()
        assert kept.extra_dejson == _EXTRA | {"region_name": "eu-central-1"}
        assert kept.password == _SECRETS["password"]


def test_the_test_button_answers_with_the_field_to_look_at(airflow_api: Any):
    body = {"connection_id": "new", "conn_type": "dynsync_dynamodb", "extra": '{"duration_seconds": 900}'}
    answer = airflow_api.post("/api/v2/connections/test", json=body).json()
    assert answer["status"] is False
    assert (
        "'Role session seconds' (duration_seconds) must be a whole number from 1800 to 43200" in answer["message"]
    )


def test_a_connection_survives_being_written_as_a_uri():
    from airflow.models.connection import Connection

    extra = {"role_arn": _EXTRA["role_arn"], "external_id_secret": "a/b=c"}
    uri = Connection(conn_type="dynsync_dynamodb", login="AKIA1", password="p/1", extra=extra).get_uri()
    assert uri.startswith("dynsync-dynamodb://")
    read = Connection(uri=uri)
    assert (read.conn_type, read.login, read.password, read.extra_dejson) == (
        "dynsync_dynamodb",
        "AKIA1",
        "p/1",
        extra,
    )
