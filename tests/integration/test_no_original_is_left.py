"""The demo's table under its recommended mapping, by `dynsync sync` with every check on: no original is left.

Which values are searched for, and how, is said in `tests.originals`.
"""

import json
import logging
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from airflow_dynsync.cli import main
from airflow_dynsync.engine import compile_plan
from airflow_dynsync.sync.mapping_file import load_table_mapping
from airflow_dynsync.sync.report.files import read_report
from local import dataset
from local.dynamodb import AccessKey, Server
from local.sides import DESTINATION_TABLE, SOURCE_TABLE
from local.verification import verify
from tests.faults import fault_proxy
from tests.originals import Originals, Watch

CUSTOMERS = 200
SECRET = "a secret for these tests"
MAPPING = Path(__file__).parents[2] / "dags_examples" / "mappings" / "customers.yaml"
QUASI_IDENTIFIERS = ["birthday", "address.postcode", "address.city"]
SHORT = {"address.postcode", '"consent.marketing"', "ship_to.address.postcode", "gift"}
"""Paths of the table whose values say nothing elsewhere: five digits, or yes and no."""


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All loggers at DEBUG, whatever level of its own one has."""
    for name in (None, *logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> AccessKey:
    """A key whose tables no other test has, in the environment of the command."""
    key = AccessKey(f"demo{token_hex(6)}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key.secret_access_key)
    monkeypatch.setenv("DYNSYNC_SECRET", SECRET)
    return key


@pytest.mark.parametrize("continues", [False, True], ids=["recommended", "keys that stay different"])
def test_the_demos_table_is_interrupted_and_refreshed_twice_and_no_original_is_left_anywhere(
    two_dynamodb_locals: tuple[Server, Server],
    key: AccessKey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    everything_logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    continues: bool,
) -> None:
    for folder in (run := tmp_path / "run", temporary := tmp_path / "tmp"):
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    rules: dict[str, Any] = yaml.safe_load(MAPPING.read_text()) | {"quasi_identifiers": QUASI_IDENTIFIERS}
    if continues:  # the recommended mapping may make two keys one, so a run of it starts over
        rules["mappings"] |= {"PK": "transform_hash", "referred_by": "transform_hash"}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"tables": {SOURCE_TABLE: rules}}))
    mapping = load_table_mapping(tmp_path / "rules.yaml", SOURCE_TABLE)

    production, staging = two_dynamodb_locals
    dataset.fill_table(production, key, SOURCE_TABLE, CUSTOMERS)
    dataset.create_table(staging.client(key=key), DESTINATION_TABLE)
    source = dataset.read_table(production, key, SOURCE_TABLE)
    originals = Originals(source, mapping, dataset.KEYS)
    everything_logged.clear()

    def sync(*options: str, refuse: int | None = None) -> tuple[int, set[bytes]]:
        """Return the exit code, and what was in the run's files while writes were under way."""
        watch = Watch(run, temporary, refuse=refuse)
        arguments = [str(tmp_path / "rules.yaml"), "--page-size", "50", "--report", str(run / "report"), *options]
        arguments += ["--exposure-check", "all", "--on-exposure", "fail", "--drift", "fail", "--verify", "all"]
        with ExitStack() as stack:
            for side, server, table in (
                ("source", production, SOURCE_TABLE),
                ("destination", staging, DESTINATION_TABLE),
            ):
                url = stack.enter_context(fault_proxy(server.endpoint_url, watch)).endpoint_url
                arguments += [f"--{side}-region", server.region, f"--{side}-endpoint-url", url]
                arguments += [f"--{side}-table", table]
            return main(["sync", *arguments]), watch.contents

    kept = ("--total-segments", "4", "--checkpoint", str(run / "checkpoint"))
    code, interrupted = sync(*kept, "--client", "botocore", refuse=25)
    assert code == 1
    assert (run / "checkpoint").exists() is continues
    code, resumed = sync(*kept)
    assert code == 0
    assert (read_report(str(run / "report")).items_written_before > 0) is continues
    by_segment = read_report(str(run / "report")).by_segment
    assert sum(count.items_confirmed for count in by_segment) == len(source)
    code, last = sync("--write-mode", "mirror", "--write-only-changes")
    assert code == 0

    under_way = interrupted | resumed | last
    assert any(content.startswith(b'{"format":"dynsync checkpoint') for content in under_way) is continues
    assert sum(map(originals.left_in, under_way), Counter()) == {}
    assert {file.name for file in run.iterdir()} >= {"report.json", "report.html"}
    assert originals.left_in_files(run) == {}
    report = read_report(str(run / "report"))
    assert None not in (report.exposure, report.drift, report.risk, report.verification, report.types)

    logged = everything_logged.text + "".join(capfd.readouterr())
    assert {"botocore.hooks", "botocore.endpoint"} <= {record.name for record in everything_logged.records}
    assert "BatchWriteItem" in logged
    assert originals.left_in(logged) == {}

    destination = dataset.read_table(staging, key, DESTINATION_TABLE)
    assert originals.left_in_table(destination, SECRET.encode()) == {}
    found = verify(source, destination, mapping, key_attributes=dataset.KEYS, secret=SECRET.encode())
    assert found.holds
    assert found.items == len(source) > 4 * CUSTOMERS


@pytest.mark.parametrize(
    "written",
    [str, str.upper, lambda text: json.dumps({"body": text}), lambda text: quote(text, safe='"{}[]:')],
    ids=["as it is", "in other letter case", "as JSON in JSON", "percent-encoded"],
)
def test_the_search_would_find_an_original_of_each_path_that_is_long_enough(written: Callable[[str], str]) -> None:
    source = list(dataset.items(CUSTOMERS))
    originals = Originals(source, load_table_mapping(MAPPING, SOURCE_TABLE), dataset.KEYS)
    assert {path for path, ways in originals.ways.items() if set(ways) == {"in place"}} == SHORT
    assert (
        originals.left_in(written(json.dumps(source, ensure_ascii=False))).keys() == originals.ways.keys() - SHORT
    )


def test_the_search_would_find_an_original_that_stands_in_its_own_item() -> None:
    source = list(dataset.items(CUSTOMERS))
    mapping = load_table_mapping(MAPPING, SOURCE_TABLE)
    originals = Originals(source, mapping, dataset.KEYS)
    written = compile_plan(mapping, key_attributes=dataset.KEYS, secret=SECRET.encode()).apply(source)
    assert originals.left_in_table(written, SECRET.encode()) == {}
    for before, after in zip(source, written, strict=True):
        after["entity"] = {"S": json.dumps(before)}
    found = originals.left_in_table(written, SECRET.encode())
    assert found.keys() == originals.ways.keys() - SHORT
