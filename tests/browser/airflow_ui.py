"""What a person does in Airflow's UI, by the words on the screen."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, expect

CONNECTION_TYPE = "Amazon DynamoDB (DynSync)"

_IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
_LOOKS = 15
_LOOK_MILLISECONDS = 4000
_RUN_MILLISECONDS = 150_000


def open_connection_form(page: Page, conn_id: str) -> Locator:
    """Go to Admin > Connections > Add, name the connection and choose its type; return the form."""
    _go_to_connections(page)
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Connection ID").fill(conn_id)
    form.get_by_role("combobox", name="Connection Type").click()
    page.keyboard.type("DynSync")
    page.get_by_role("option", name=CONNECTION_TYPE).click()
    return form


def reopen_connection_form(page: Page, conn_id: str) -> Locator:
    """Press Edit in the list of connections and return the form."""
    _go_to_connections(page)
    _row(page, conn_id).get_by_role("button", name="Edit Connection").click()
    return page.get_by_role("dialog")


def unfold(form: Locator, section: str) -> None:
    """Unfold a section of the form, which folds the one before."""
    form.get_by_role("button", name=section, exact=True).click()


def fill(form: Locator, fields: Mapping[str, str]) -> None:
    """Fill in fields by their labels."""
    for label, value in fields.items():
        field(form, label).fill(value)


def field(form: Locator, label: str) -> Locator:
    """Return the input with a label; for most extra fields, Airflow links the two by nothing but their place."""
    labelled = form.page.get_by_text(label, exact=True)
    return form.get_by_role("group").filter(has=labelled).locator("input").first


def save(form: Locator) -> None:
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()


def press_test(page: Page, conn_id: str) -> Locator:
    """Press Test in the list of connections and return what Airflow then says."""
    _go_to_connections(page)
    _row(page, conn_id).get_by_role("button", name="Test Connection").click()
    return page.get_by_role("status").filter(has_text=re.compile("^Test Connection"))


def trigger(page: Page, dag_id: str) -> str:
    """Trigger a DAG, wait until its run has succeeded and return the run's URL."""
    page.goto(f"/dags/{dag_id}")
    page.get_by_role("button", name="Trigger").click()
    page.get_by_role("dialog").get_by_role("button", name="Trigger").click()
    page.wait_for_url(f"**/dags/{dag_id}/runs/manual__*")
    # The run's own state stands above those of its tasks.
    state = page.get_by_text(re.compile("^(Queued|Running|Success|Failed)$")).first
    expect(state).to_have_text(re.compile("Success|Failed"), timeout=_RUN_MILLISECONDS)
    expect(state).to_have_text("Success")
    return page.url


def unfold_log(page: Page, group: str = "") -> None:
    """Unfold the groups of the task log on the screen, or those whose title begins with `group`."""
    folded = page.get_by_text(re.compile(f"^▶ *{group}"))
    expect(folded).not_to_have_count(0)
    while folded.count():
        folded.first.click()


def reload_until_visible(page: Page, wanted: Locator) -> None:
    for _ in range(_LOOKS):
        try:
            return wanted.wait_for(timeout=_LOOK_MILLISECONDS)
        except Error:
            page.reload()
    return expect(wanted).to_be_visible()


def take_picture(page: Page, name: str, top: Locator) -> None:
    """Take a picture of what is on the screen for the documentation, if asked to by DYNSYNC_SCREENSHOTS=1."""
    if os.environ.get("DYNSYNC_SCREENSHOTS") == "1":
        top.scroll_into_view_if_needed()
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=_IMAGES / name, animations="disabled")


def _go_to_connections(page: Page) -> None:
    page.goto("/connections")


def _row(page: Page, conn_id: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=conn_id, exact=True))
