"""A headless Chromium in front of an Airflow of its own and two AWS accounts on ministack.

All of it is started once, when the first test asks for it, and ends with the last one.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from local import dataset
from local.airflow_server import Airflow
from local.airflow_server import airflow as run_airflow
from local.parts import ROOT, PartMissing
from local.sides import SOURCE_TABLE, Sides, sides_on_ministack

# A picture shows the whole data set; the tests are content with less.
CUSTOMERS = dataset.CUSTOMERS if os.environ.get("DYNSYNC_SCREENSHOTS") == "1" else 400
SECRET = "the secret of the browser tests"

_CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Two cores share Airflow, Chromium and DynamoDB; what is waited for comes long before.
_PATIENCE_MILLISECONDS = 30_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise PartMissing("Chromium", "install it, on Debian with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sides(browser: Browser) -> Iterator[Sides]:
    """Production, with a filled table, and staging, with an empty one; needs a browser to be of use."""
    with sides_on_ministack() as sides:
        dataset.fill_table(sides.source.server, sides.source.key, SOURCE_TABLE, CUSTOMERS)
        yield sides


@pytest.fixture(scope="session")
def dag_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Airflow's, besides that of the example DAGs, where a test may put a DAG."""
    return tmp_path_factory.mktemp("more_dags")


@pytest.fixture(scope="session")
def airflow(sides: Sides, dag_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """Airflow with the example DAGs, and no connection yet."""
    home = tmp_path_factory.mktemp("airflow")
    settings = {"AIRFLOW__DYNSYNC__SECRET": SECRET}
    with run_airflow(home, [ROOT / "dags_examples", dag_folder], settings) as airflow:
        yield airflow
    assert not [process for process in psutil.process_iter() if _home_of(process) == str(home)]


@pytest.fixture(scope="session")
def open_page(browser: Browser, airflow: Airflow) -> Callable[..., "contextmanager[Page]"]:
    """`with open_page() as page:` is a new visitor's view of Airflow's UI."""
    expect.set_options(timeout=_PATIENCE_MILLISECONDS)

    @contextmanager
    def opened() -> Iterator[Page]:
        with browser.new_context(
            base_url=airflow.url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
        ) as context:
            context.set_default_timeout(_PATIENCE_MILLISECONDS)
            yield context.new_page()

    return opened


@pytest.fixture
def page(open_page: Callable[..., "contextmanager[Page]"]) -> Iterator[Page]:
    with open_page() as page:
        yield page


def _home_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("AIRFLOW_HOME")
    except psutil.Error:
        return None
