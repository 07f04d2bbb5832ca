"""The operator: what is refused when a DAG is parsed, and what a run reads, writes, reports and announces."""

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from structlog.testing import capture_logs

from airflow_dynsync.engine import MappingError
from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator
from tests.tables import before_first_lookup, by_key, read_all

SECRET = "a secret for these tests"
SIDES = {
    "source_conn_id": "sync_source",
    "source_table": "Users",
    "destination_conn_id": "sync_destination",
    "destination_table": "UsersStage",
}

WRONG_MAPPINGS = [
    (
        {"Email": "transform_emial"},
        "mappings.Email: no transformer is named 'transform_emial' (did you mean transform_email?)",
    ),
    (
        {"Email": {"transformer": "transform_email", "preserve_domian": True}},
        "mappings.Email.preserve_domian: unknown name (did you mean preserve_domain?)",
    ),
    ({"Pets..Age": "generate_int64"}, "mappings.Pets..Age: unexpected '.' at character 6"),
    ({"Email": "transform_email", '"Email"': "null"}, 'mappings."Email": is as specific as mappings.Email'),
    (
        {"Email": {"transformer": "transform_email", "preserve_domain": "yes"}},
        "mappings.Email.preserve_domain: expected a valid boolean, got a string",
    ),
    (
        {"Id": {"transformer": "constant", "value": "x"}},
        "mappings.Id: constant gives different keys the same value",
    ),
    ({"Name": {"transformer": "transform_javascript", "code": "return value +"}}, "mappings.Name.code: "),
]


def operator(**arguments: Any) -> DynamoDBAnonymizeSyncOperator:
    return DynamoDBAnonymizeSyncOperator(task_id="sync", **SIDES | arguments)


@pytest.mark.parametrize(("mappings", "message"), WRONG_MAPPINGS)
def test_a_wrong_mapping_is_an_error_with_its_path_when_the_dag_is_parsed(
    mappings: dict[str, Any], message: str
) -> None:
    with pytest.raises(MappingError) as caught:
        operator(mappings=mappings, key_attributes=["Id"])
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("mappings", "message"), WRONG_MAPPINGS)
def test_a_wrong_mapping_shows_as_one_readable_line_among_airflows_import_errors(
    mappings: dict[str, Any], message: str, tmp_path: Path, parse_dags: Callable[[Path], Any]
) -> None:
    file = tmp_path / "wrong_mapping.py"
    file.write_text(
        "from airflow.sdk import DAG\n"
        "from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator\n"
        "with DAG('wrong'):\n"
        f"    DynamoDBAnonymizeSyncOperator(task_id='sync', mappings={mappings!r}, key_attributes=['Id'],"
        f" **{SIDES!r})\n"
    )
    (error,) = parse_dags(tmp_path).import_errors.values()
    assert error.strip().splitlines()[-1].startswith(f"airflow_dynsync.engine.errors.MappingError: {message}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mappings": {}, "mapping_file": "x.yaml"}, "mappings and mapping_file exclude each other"),
        ({"unmapped": "drop", "mapping_file": "x.yaml"}, "unmapped and mapping_file exclude each other"),
        ({"unmapped": "scramble"}, "unmapped"),
        ({"where": "  "}, "where: is blank"),
        ({"total_segments": 0}, "total_segments is a whole number"),
        ({"page_size": "many"}, "page_size is a whole number"),
        ({"create_destination": "yes"}, "create_destination: expected like_source, or a mapping"),
        ({"create_destination": 1}, "create_destination: .*got an integer"),
        ({"create_destination": {"tag": {}}}, r"create_destination\.tag: unknown name \(did you mean tags\?\)"),
        (
            {"create_destination": {"tags": {"team": 1}}},
            r"create_destination\.tags\.team: expected a valid string",
        ),
        (
            {"create_destination": {"tags": {"aws:team": "a"}}},
            r"create_destination\.tags: keys that begin with aws:",
        ),
        ({"create_destination": {"stream": "ALL"}}, r"create_destination\.stream: expected .*KEYS_ONLY"),
        ({"create_destination": {"copy_tags": "yes"}}, r"create_destination\.copy_tags: expected a valid boolean"),
        ({"acknowledge": ["streams"]}, r"acknowledge\[0\]: is no warning's code"),
        ({"on_item_error": "skip"}, "on_item_error is one of fail, dead_letter"),
        ({"on_item_error": "dead_letter"}, "needs dead_letters, a path"),
        (
            {"write_mode": "replace", "segments": "0-3", "total_segments": 8},
            "write_mode replace takes a single task",
        ),
        (
            {"write_mode": "replace", "write_only_changes": True},
            "write_only_changes is part of write_mode replace",
        ),
        (
            {"on_item_error": "dead_letter", "dead_letters": "x", "write_mode": "replace"},
            "on_item_error is fail with write_mode replace",
        ),
        ({"max_item_errors": -1}, "max_item_errors is a whole number"),
        ({"dead_letter_items": "clear"}, "dead_letter_items is one of none, encrypted"),
        ({"mapping_file": "no-such-file.yaml"}, r"no-such-file\.yaml: cannot be read"),
    ],
)
def test_wrong_arguments_are_refused_when_the_dag_is_parsed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        operator(**arguments)


def test_a_mapping_file_begins_at_the_dags_own_folder(tmp_path: Path, parse_dags: Callable[[Path], Any]) -> None:
    (tmp_path / "rules.yaml").write_text("mappings: {Email: transform_emial}")
    (tmp_path / "dag.py").write_text(
        "from airflow.sdk import DAG\n"
        "from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator\n"
        "with DAG('wrong'):\n"
        f"    DynamoDBAnonymizeSyncOperator(task_id='sync', mapping_file='rules.yaml', **{SIDES!r})\n"
    )
    (error,) = parse_dags(tmp_path).import_errors.values()
    assert "rules.yaml: mappings.Email: no transformer is named" in error.strip().splitlines()[-1]


def test_the_operator_can_be_copied_as_airflow_does_for_a_part_of_a_dag() -> None:
    copy = deepcopy(operator(mappings={"Name": {"transformer": "transform_python", "callable": str.upper}}))
    assert copy.mappings["Name"]["callable"] is str.upper


def test_one_operator_can_be_mapped_over_tables() -> None:
    from airflow.sdk import DAG

    fixed = {name: value for name, value in SIDES.items() if name != "source_table"}
    with DAG("mapped"):
        DynamoDBAnonymizeSyncOperator.partial(task_id="sync", **fixed).expand(source_table=["Users", "Orders"])
        with pytest.raises(TypeError, match="nope"):
            DynamoDBAnonymizeSyncOperator.partial(task_id="wrong", nope=1)


class Events:
    """What `execute` announces assets to, outside Airflow."""

    def __getitem__(self, alias: Any) -> Any:
        return type("Accessor", (), {"add": lambda *_, **__: None})()


def people(count: int = 60) -> list[dict[str, Any]]:
    return [
        {"Id": {"S": f"{number}"}, "Email": {"S": f"p{number}@corp.test"}, "Group": {"N": str(number % 3)}}
        for number in range(count)
    ]


def test_a_run_writes_anonymized_items_and_returns_the_counts(
    sides: tuple[Any, Any], fill: Callable[..., str], sync: Callable[..., Any], mapping_file: Callable[..., str]
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people()), fill(sides[1], {"Id": "S"}, [])
    task = sync(source, destination, mapping_file(mappings={"Email": "transform_email"}, unmapped="passthrough"))
    assert (task.state, task.try_number) == ("success", 1)
    after = by_key(read_all(sides[1], destination), "Id")
    assert set(after) == set(by_key(people(), "Id"))
    assert all(after[key]["Email"] != item["Email"] for key, item in by_key(people(), "Id").items())
    summary = task.xcom_pull(task_ids="sync")
    assert (summary["items_read"], summary["items_written"]) == (60, 60)
    assert summary["rules"] == [
        {
            "path": "Email",
            "rule": "mappings.Email",
            "transformer": "transform_email",
            "outcome": "transformed",
            "count": 60,
        }
    ]


def test_a_run_announces_the_destination_as_an_asset_with_counts(
    sides: tuple[Any, Any], fill: Callable[..., str], sync: Callable[..., Any], mapping_file: Callable[..., str]
) -> None:
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    source, destination = fill(sides[0], {"Id": "S"}, people(3)), fill(sides[1], {"Id": "S"}, [])
    sync(source, destination, mapping_file(mappings={}))
    with create_session() as session:
        events = session.scalars(
            select(AssetEvent)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .where(AssetModel.uri == f"dynamodb://eu-west-1/{destination}")
        ).all()
        (extra,) = [event.extra for event in events]
    assert (extra["items_read"], extra["items_written"]) == (3, 3)


def test_where_limits_what_is_copied(
    sides: tuple[Any, Any], fill: Callable[..., str], sync: Callable[..., Any], mapping_file: Callable[..., str]
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people()), fill(sides[1], {"Id": "S"}, [])
    assert sync(source, destination, mapping_file(mappings={}), '"Group" = 1').state == "success"
    assert len(read_all(sides[1], destination)) == 20


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({}, "SELEC"),
        ({}, " "),
        ({"source": "no-such-table"}, None),
        ({"destination": "no-such-table"}, None),
        ({"destination_key": "Other"}, None),
        ({"mappings": {"Email": "transform_int64"}}, None),
    ],
)
def test_what_a_retry_cannot_mend_fails_at_once(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
    change: dict[str, Any],
    where: str | None,
) -> None:
    source = fill(sides[0], {"Id": "S"}, people(3))
    destination = fill(sides[1], {change.get("destination_key", "Id"): "S"}, [])
    task = sync(
        change.get("source", source),
        change.get("destination", destination),
        mapping_file(mappings=change.get("mappings", {})),
        where,
    )
    assert (task.state, task.try_number) == ("failed", 1)
    assert read_all(sides[1], destination) == []


def test_the_secret_of_the_configuration_makes_runs_repeatable(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, rules = fill(sides[0], {"Id": "S"}, people(5)), mapping_file(mappings={})
    tables = [fill(sides[1], {"Id": "S"}, []) for _ in range(3)]
    sync(source, tables[0], rules)
    sync(source, tables[1], rules)
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", "")
    sync(source, tables[2], rules)
    first, second, third = (by_key(read_all(sides[1], table), "Id") for table in tables)
    assert first == second
    assert all(first[key]["Email"] != third[key]["Email"] for key in first)


def test_the_secret_of_a_connection_comes_before_the_configuration(
    add_connection: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", SECRET)
    add_connection("sync_secret", password="the connection's secret")
    assert operator(secret_conn_id="sync_secret")._secret() == b"the connection's secret"
    assert operator()._secret() == SECRET.encode()


def test_a_secret_that_is_not_there_is_an_error_and_never_a_random_one(
    add_connection: Callable[..., str],
) -> None:
    add_connection("without_password")
    for conn_id in ("without_password", "no_such_connection"):
        with pytest.raises(AirflowFailException, match=f"secret_conn_id: connection '{conn_id}' does not exist"):
            operator(secret_conn_id=conn_id)._secret()


def test_a_sync_that_cannot_end_before_its_timeout_warns_before_it_starts(
    sides: tuple[Any, Any], fill: Callable[..., str]
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people(50)), fill(sides[1], {"Id": "S"}, [])

    def told(timeout: timedelta | None) -> list[str]:
        with capture_logs() as logs:
            operator(source_table=source, destination_table=destination, execution_timeout=timeout).execute(
                {"outlet_events": Events()}
            )
        return [entry["log_level"] for entry in logs if "raise execution_timeout" in str(entry)]

    assert told(timedelta(milliseconds=1)) == ["warning"]
    assert told(timedelta(hours=1)) == told(None) == []


def test_on_kill_stops_the_threads_and_the_next_run_completes_the_table(
    sides: tuple[Any, Any], fill: Callable[..., str]
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people(500)), fill(sides[1], {"Id": "S"}, [])

    def sync_operator() -> DynamoDBAnonymizeSyncOperator:
        return operator(source_table=source, destination_table=destination, page_size=10)

    killed = sync_operator()
    killed.on_kill()
    with pytest.raises(AirflowException, match="run it again to finish") as caught:
        killed.execute({})
    assert not isinstance(caught.value, AirflowFailException)
    assert len(read_all(sides[1], destination)) < 500

    sync_operator().execute({"outlet_events": Events()})
    assert len(read_all(sides[1], destination)) == 500


@pytest.mark.parametrize("path", ["{folder}/run", "file://{folder}/run.html"])
def test_the_whole_report_is_written_as_document_and_page_and_the_short_form_returned(
    path: str, sides: tuple[Any, Any], fill: Callable[..., str], tmp_path: Path
) -> None:
    from airflow_dynsync.sync.report import SyncReport

    items = [person | {f"A{number}": {"S": "x"} for number in range(70)} for person in people(3)]
    source, destination = fill(sides[0], {"Id": "S"}, items), fill(sides[1], {"Id": "S"}, [])
    summary = operator(
        source_table=source, destination_table=destination, report_path=path.format(folder=tmp_path)
    ).execute({"outlet_events": Events()})
    report = SyncReport.from_json((tmp_path / "run.json").read_bytes())
    assert (report.items_written, len(report.rules)) == (3, 72)
    assert report.mapping is not None
    assert (report.mapping.unmapped, report.mapping.secret_stays) == ("anonymize", False)
    assert report.short().as_dict() == summary
    page = (tmp_path / "run.html").read_text()
    assert f"Anonymized refresh of {destination}" in page
    assert "corp.test" not in page + report.as_json() + str(summary)


def test_a_report_whose_path_stays_is_compared_with_and_a_dated_copy_is_kept_of_each(
    sides: tuple[Any, Any], fill: Callable[..., str], tmp_path: Path
) -> None:
    from airflow_dynsync.sync.report import SyncReport

    source, destination = fill(sides[0], {"Id": "S"}, people(3)), fill(sides[1], {"Id": "S"}, [])

    def run(day: str, report_path: str) -> Any:
        copy_path = f"{tmp_path}/{day}/run"
        task = operator(
            source_table=source,
            destination_table=destination,
            report_path=report_path,
            report_copy_path=copy_path,
            drift="fail",
        )
        task.execute({"outlet_events": Events()})
        text = (tmp_path / day / "run.json").read_text()
        assert (tmp_path / day / "run.html").exists()
        assert text == Path(f"{report_path}.json").read_text()
        return SyncReport.from_json(text)

    first = run("2026-01-01", f"{tmp_path}/run")
    assert first.drift.compared_with is None
    second = run("2026-01-02", f"{tmp_path}/run")
    assert second.drift.compared_with == first.run.id
    dated = run("2026-01-03", f"{tmp_path}/run-of-2026-01-03")
    assert dated.drift.compared_with is None
    assert SyncReport.from_json((tmp_path / "2026-01-01" / "run.json").read_text()) == first


def test_a_copy_of_a_report_alone_is_an_error_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match="give report_path, too"):
        operator(report_copy_path="reports/{{ ds }}")


def test_a_destination_that_lacks_an_item_fails_without_a_retry_after_the_report_is_written(
    sides: tuple[Any, Any], fill: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_dynsync.sync.report import SyncReport

    source, destination = fill(sides[0], {"Id": "S"}, people(30)), fill(sides[1], {"Id": "S"}, [])
    before_first_lookup(monkeypatch, lambda: sides[1].delete_item(TableName=destination, Key={"Id": {"S": "7"}}))
    task = operator(source_table=source, destination_table=destination, report_path=f"{tmp_path}/run")
    with pytest.raises(AirflowFailException, match="1 are missing"):
        task.execute({"outlet_events": Events()})
    verified = SyncReport.from_json((tmp_path / "run.failed.json").read_bytes()).verification
    assert verified is not None
    assert (verified.items_checked, verified.missing, verified.passed) == (30, 1, False)


def test_a_wrong_quasi_identifier_is_an_error_when_the_dag_is_parsed() -> None:
    with pytest.raises(MappingError, match=r"quasi_identifiers\[0\]: .*wildcard"):
        operator(quasi_identifiers=["Zip.*"])


def test_a_destination_that_does_not_exist_is_created_and_known_warnings_are_not_logged(
    sides: tuple[Any, Any], fill: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    source = fill(sides[0], {"Id": "S"}, people(3))
    streaming = fill(sides[1], {"Id": "S"}, [], StreamSpecification=stream)
    created = f"{source}-created"
    try:
        made = operator(source_table=source, destination_table=created, create_destination={"stream": "KEYS_ONLY"})
        assert made.execute({"outlet_events": Events()})["items_written"] == 3
        assert len(read_all(sides[1], created)) == 3
        streams = sides[1].describe_table(TableName=created)["Table"]["StreamSpecification"]
        assert streams == stream
    finally:
        sides[1].delete_table(TableName=created)
    for known in (["stream_on_destination"], None):
        capfd.readouterr()
        told = operator(source_table=source, destination_table=streaming, acknowledge=known)
        (finding,) = told.execute({"outlet_events": Events()})["preflight"]
        assert (finding["code"], finding["acknowledged"]) == ("stream_on_destination", known is not None)
        assert ("Preflight, stream_on_destination" in "".join(capfd.readouterr())) is (known is None)


@pytest.mark.parametrize("path", ["{folder}/letters", "file://{folder}/letters"])
def test_a_task_that_puts_items_aside_succeeds_and_says_that_it_is_incomplete(
    path: str,
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    from airflow_dynsync.sync.dead_letters import parse_dead_letters

    bad = {"Id": {"S": "bad"}, "Email": {"N": "4711"}}
    source, destination = fill(sides[0], {"Id": "S"}, [*people(30), bad]), fill(sides[1], {"Id": "S"}, [])
    arguments = {
        "source_table": source,
        "destination_table": destination,
        "mappings": {"Email": "transform_email"},
        "unmapped": "passthrough",
        "on_item_error": "dead_letter",
        "dead_letters": path.format(folder=tmp_path),
    }

    summary = operator(**arguments).execute({"outlet_events": Events()})

    assert (summary["items_written"], summary["complete"], summary["outcome"]) == (30, False, "succeeded")
    assert summary["dead_letters"]["count"] == 1
    assert summary["dead_letters"]["reasons"][0]["rule"] == "mappings.Email"
    _, letters = parse_dead_letters((tmp_path / "letters").read_text())
    assert [(letter.rule, letter.item) for letter in letters] == [("mappings.Email", None)]
    logged = "".join(capfd.readouterr())
    assert "Dead letters: 1 item could not be transformed or written" in logged
    assert "4711" not in f"{logged}{summary}"

    with pytest.raises(AirflowFailException, match=r"more than max_item_errors \(0\)"):
        operator(**arguments, max_item_errors=0).execute({"outlet_events": Events()})


def test_a_run_that_fails_leaves_its_report_beside_that_of_the_last_that_did_not(
    sides: tuple[Any, Any], fill: Callable[..., str], tmp_path: Path
) -> None:
    from airflow_dynsync.sync.report import SyncReport

    def report(name: str) -> SyncReport:
        return SyncReport.from_json((tmp_path / name).read_bytes())

    source, destination = fill(sides[0], {"Id": "S"}, people(30)), fill(sides[1], {"Id": "S"}, [])
    arguments = {
        "source_table": source,
        "destination_table": destination,
        "mappings": {"Email": "transform_email"},
        "unmapped": "passthrough",
        "report_path": f"{tmp_path}/run",
    }
    operator(**arguments).execute({"outlet_events": Events()})
    first = report("run.json")
    sides[0].put_item(TableName=source, Item={"Id": {"S": "bad"}, "Email": {"N": "4711"}, "New": {"S": "x"}})

    with pytest.raises(AirflowFailException, match="and met a number") as caught:
        operator(**arguments).execute({"outlet_events": Events()})

    failed = report("run.failed.json")
    assert (failed.outcome, failed.error, failed.incomplete_because) == (
        "failed",
        "TransformError",
        str(caught.value),
    )
    assert "\u2715 failed" in (tmp_path / "run.failed.html").read_text()
    assert report("run.json") == first
    sides[0].delete_item(TableName=source, Key={"Id": {"S": "bad"}})
    operator(**arguments).execute({"outlet_events": Events()})
    last = report("run.json")
    assert first.run is not None
    assert last.drift is not None
    assert last.drift.compared_with == first.run.id
