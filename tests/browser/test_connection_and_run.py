"""What a user does in Airflow's UI: make two connections, test them, refresh staging, read what went wrong."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from airflow_dynsync.provider_info import HIDDEN_FIELDS
from airflow_dynsync.sync.mapping_file import read_mapping_file
from local import dataset
from local.accounts import PRODUCTION_ACCOUNT, STAGING_ACCOUNT
from local.airflow_server import Airflow
from local.parts import ROOT
from local.sides import DESTINATION_TABLE, SOURCE_TABLE, Side, Sides
from local.verification import verify
from tests.browser import airflow_ui as ui
from tests.browser.conftest import SECRET

_MAPPING_FILE = ROOT / "dags_examples" / "mappings" / "customers.yaml"
_DAG_ID = "nightly_staging_refresh"

# Long enough not to stand in a log by chance, as `customer` and `paid` do.
_TELLING = 12

_WRONG_DAG = """
from airflow.sdk import DAG
from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator

with DAG("wrong_mapping"):
    DynamoDBAnonymizeSyncOperator(
        task_id="refresh",
        source_conn_id="dynsync_source",
        source_table="Customers",
        destination_conn_id="dynsync_destination",
        destination_table="CustomersStaging",
        mappings={"contact.email": {"transformer": "transform_email", "keep_domain": True}},
    )
"""


def add_connection(page: Page, conn_id: str, side: Side, table: str, **changed: str) -> None:
    """Make a connection through the form; `changed` are other values for its extra fields."""
    connection = side.connection
    extra = connection["extra"] | changed
    form = ui.open_connection_form(page, conn_id)
    ui.fill(form, {"Access key ID": connection["login"], "Secret access key": connection["password"]})
    if "port" not in HIDDEN_FIELDS:
        ui.fill(form, {"Port": "0"})
    ui.unfold(form, "Extra Fields")
    ui.fill(
        form,
        {
            "Role ARN": extra["role_arn"],
            "External ID": extra["external_id_secret"],
            "Region": extra["region_name"],
        },
    )
    if conn_id == "dynsync_source":
        ui.take_picture(page, "connection-form.png", form.get_by_role("heading"))
    servers = {"Endpoint URL": extra["endpoint_url"], "STS endpoint URL": extra["sts_endpoint_url"]}
    ui.fill(form, {**servers, "Test table": table})
    ui.save(form)


@pytest.fixture(scope="module")
def connections(open_page: Callable[..., "contextmanager[Page]"], sides: Sides) -> None:
    """`dynsync_source` and `dynsync_destination`, made through the form."""
    with open_page() as page:
        page.set_viewport_size({"width": 1100, "height": 940})
        add_connection(page, "dynsync_source", sides.source, SOURCE_TABLE)
        add_connection(page, "dynsync_destination", sides.destination, DESTINATION_TABLE)


@pytest.fixture(scope="module")
def run_url(open_page: Callable[..., "contextmanager[Page]"], connections: None) -> str:
    """The page of a run of the nightly refresh, triggered in the UI, which says that it succeeded."""
    with open_page() as page:
        return ui.trigger(page, _DAG_ID)


@pytest.mark.parametrize(
    ("conn_id", "role", "account", "table"),
    [
        ("dynsync_source", "reader", PRODUCTION_ACCOUNT, SOURCE_TABLE),
        ("dynsync_destination", "writer", STAGING_ACCOUNT, DESTINATION_TABLE),
    ],
)
def test_the_test_button_says_which_role_in_which_account_was_assumed(
    page: Page, connections: None, conn_id: str, role: str, account: str, table: str
):
    said = ui.press_test(page, conn_id)

    expect(said).to_contain_text("Test Connection Successful")
    expect(said).to_contain_text(f"Assumed the role arn:aws:iam::{account}:role/{role} with an external ID")
    expect(said).to_contain_text(f"(account {account})")
    expect(said).to_contain_text(f"the table {table} is ACTIVE")


def test_the_test_button_says_that_a_wrong_external_id_is_refused(page: Page, sides: Sides):
    add_connection(page, "wrong_external_id", sides.source, SOURCE_TABLE, external_id_secret="not-the-one")

    said = ui.press_test(page, "wrong_external_id")

    expect(said).to_contain_text("Test Connection Failed")
    expect(said).to_contain_text(re.compile("AssumeRole was denied.*external ID"))
    expect(said).not_to_contain_text("not-the-one")


def test_the_form_when_reopened_shows_no_secret(page: Page, connections: None, sides: Sides):
    stored = sides.source.connection
    form = ui.reopen_connection_form(page, "dynsync_source")
    expect(ui.field(form, "Secret access key")).to_have_value("***")

    ui.unfold(form, "Extra Fields")
    expect(ui.field(form, "Role ARN")).to_have_value(stored["extra"]["role_arn"])
    expect(ui.field(form, "External ID")).to_have_value("***")

    ui.unfold(form, "Extra Fields JSON")
    expect(form).to_contain_text(re.compile(r'"external_id_secret":\s*"\*\*\*"'))
    for secret in (stored["password"], stored["extra"]["external_id_secret"]):
        assert secret not in page.content()


def test_the_nightly_refresh_when_triggered_fills_staging_with_anonymized_items(run_url: str, sides: Sides):
    before, after = sides.source.read(SOURCE_TABLE), sides.destination.read(DESTINATION_TABLE)

    mapping = read_mapping_file(_MAPPING_FILE).table(SOURCE_TABLE)
    found = verify(before, after, mapping, key_attributes=dataset.KEYS, secret=SECRET.encode())
    assert found.holds
    assert found.items == len(before) == len(after)
    assert found.values["changed"] > len(before)
    assert dataset.check_references(after).broken == {}


def test_log_and_xcom_of_the_refresh_show_counts_and_no_value(page: Page, run_url: str, sides: Sides):
    before, after = sides.source.read(SOURCE_TABLE), sides.destination.read(DESTINATION_TABLE)
    values = set(_telling_values(before)) | set(_telling_values(after))
    assert len(values) > len(before)

    page.set_viewport_size({"width": 1400, "height": 540})
    page.goto(f"{run_url}/tasks/refresh")
    # The last line stands outside the group, so that it is seen at once.
    expect(page.get_by_text(f"{len(before):,} of {len(before):,} items of {SOURCE_TABLE} written")).to_be_visible()
    ui.unfold_log(page, f"Sync {SOURCE_TABLE}")
    ui.take_picture(page, "run.png", page.get_by_role("heading").first)
    ui.unfold_log(page)
    log = page.locator("body").inner_text()
    assert "items read" in log
    assert not [value for value in values if value in log]

    page.goto(f"{run_url}/tasks/refresh/xcom")
    page.get_by_role("button", name="Expand all extra JSON").click()
    expect(page.get_by_text('"items_written":')).to_be_visible()
    xcom = page.locator("body").inner_text()
    assert not [value for value in values if value in xcom]


def test_nothing_that_airflow_keeps_holds_a_value(run_url: str, sides: Sides, airflow: Airflow):
    items = [*sides.source.read(SOURCE_TABLE)[:10], *sides.destination.read(DESTINATION_TABLE)[:10]]
    values = {value.encode() for value in _telling_values(items)}
    kept = {path: path.read_bytes() for path in airflow.home.rglob("*") if path.is_file()}

    assert all(any(shown in content for content in kept.values()) for shown in (b"items read", b"items_written"))
    assert not [path for path, content in kept.items() if any(value in content for value in values)]


def test_a_wrong_mapping_shows_among_the_import_errors_as_one_line_with_its_path(page: Page, dag_folder: Path):
    file = dag_folder / "wrong_mapping.py"
    file.write_text(_WRONG_DAG)
    page.goto("/")
    errors = page.get_by_role("button", name="1 Dag Import Error")
    ui.reload_until_visible(page, errors)
    errors.click()
    page.get_by_role("button", name=file.name).click()

    shown = page.get_by_role("dialog")
    expect(shown).to_contain_text("MappingError: ")
    (told,) = (line for line in shown.inner_text().splitlines() if "MappingError: " in line)
    assert "mappings.contact.email.keep_domain: unknown name" in told
    assert "preserve_domain" in told
    file.unlink()


def _telling_values(items: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield every text, number and binary of items that is long enough to be recognized."""
    for item in items:
        for value in item.values():
            yield from _leaves(value)


def _leaves(value: dict[str, Any]) -> Iterator[str]:
    ((kind, payload),) = value.items()
    if kind in ("M", "L"):
        for member in payload.values() if kind == "M" else payload:
            yield from _leaves(member)
    elif kind not in ("BOOL", "NULL"):
        yield from (text for text in ([payload] if kind in "SNB" else payload) if len(text) >= _TELLING)
