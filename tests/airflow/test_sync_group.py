"""Several tasks that move one table: what the plan refuses, what each task moves, and what the group leaves."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_dynsync.dynamodb import client as client_module
from airflow_dynsync.engine import MappingError
from airflow_dynsync.operators.dynamodb import DynamoDBAnonymizeSyncOperator
from airflow_dynsync.operators.places import checkpoint_store
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.task_groups.dynamodb import dynamodb_anonymize_sync_group
from tests.airflow.test_no_value_leaks import MARK, files_with_mark, marked_items
from tests.tables import by_key, read_all

SECRET = "a secret for these tests"
SIDES = {
    "source_conn_id": "sync_source",
    "source_table": "Users",
    "destination_conn_id": "sync_destination",
    "destination_table": "UsersStage",
}
MIXES_KEYS = {"Id": {"transformer": "constant", "value": "same", "allow_key_collisions": True}}
SYNC_TASKS = ["segments 0-3 of 12", "segments 4-7 of 12", "segments 8-11 of 12"]


def people(count: int = 300) -> list[dict[str, Any]]:
    return [{"Id": {"S": f"{number}"}, "Email": {"S": f"p{number}@corp.test"}} for number in range(count)]


@pytest.fixture
def group(run_dag: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """`group(source, destination, mapping_file, where=None)` runs the DAG and returns its tasks by name."""
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", SECRET)

    def run(source: str, destination: str, mapping_file: str, where: str | None = None) -> dict[str, Any]:
        configuration = {"source_table": source, "destination_table": destination, "mapping_file": mapping_file}
        dag_id = "sync_group" if where is None else "sync_group_where"
        dag_run = run_dag("tests/airflow/dags/sync_group.py", dag_id, configuration | {"where": where})
        return {task.rendered_map_index or task.task_id: task for task in dag_run.get_task_instances()}

    return run


def states(tasks: dict[str, Any]) -> dict[str, tuple[str, int]]:
    return {name: (task.state, task.try_number) for name, task in tasks.items()}


def returned(tasks: dict[str, Any], task_id: str) -> Any:
    return tasks["refresh.verify"].xcom_pull(task_ids=task_id)


def test_several_tasks_leave_the_table_and_the_report_of_one(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    group: Callable[..., dict[str, Any]],
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
) -> None:
    rules = mapping_file(mappings={"Id": "transform_hash", "Email": "transform_email"}, unmapped="fail")
    source = fill(sides[0], {"Id": "S"}, people())
    by_one, by_several = (fill(sides[1], {"Id": "S"}, []) for _ in range(2))
    alone = sync(source, by_one, rules).xcom_pull(task_ids="sync")

    tasks = group(source, by_several, rules)

    assert states(tasks) == dict.fromkeys(["refresh.plan", *SYNC_TASKS, "refresh.verify"], ("success", 1))
    written = by_key(read_all(sides[1], by_several), "Id")
    assert len(written) == 300
    assert written == by_key(read_all(sides[1], by_one), "Id")
    report = returned(tasks, "refresh.verify")
    assert report.keys() == alone.keys()
    assert (report["segments"], report["first_segment"], report["total_segments"]) == (12, 0, 12)
    same = ("items_examined", "items_read", "items_written", "items_written_before", "rules")
    assert {name: report[name] for name in same} == {name: alone[name] for name in same}


def test_the_asset_is_announced_once_by_verify(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    group: Callable[..., dict[str, Any]],
    mapping_file: Callable[..., str],
) -> None:
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    source, destination = fill(sides[0], {"Id": "S"}, people(50)), fill(sides[1], {"Id": "S"}, [])
    tasks = group(source, destination, mapping_file(mappings={}))
    assert len(tasks) == 5
    with create_session() as session:
        (event,) = session.scalars(
            select(AssetEvent)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .where(AssetModel.uri == f"dynamodb://eu-west-1/{destination}")
        ).all()
        assert event.source_task_id == "refresh.verify"
        assert (event.extra["items_read"], event.extra["items_written"]) == (50, 50)


class Interruption:
    """Kills the task that reads a segment, once it asks for the segment's second page; notes every Scan of one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, segment: int) -> None:
        self.left: int | None = segment
        self.scans: list[tuple[str, int, int]] = []
        self._lock = threading.Lock()
        self._original = client_module.create_client
        monkeypatch.setattr(client_module, "create_client", self._create_client)

    def _create_client(self, **arguments: Any) -> Any:
        from airflow.sdk import get_current_context

        context, client = get_current_context(), self._original(**arguments)
        task, attempt = context["task"], context["ti"].try_number

        def note(request: Any, **_: Any) -> None:
            asked = json.loads(request.body)
            if "Segment" not in asked:  # the plan's look at the first items
                return
            with self._lock:
                self.scans.append((task.segments, attempt, asked["Segment"]))
                if asked["Segment"] == self.left and "ExclusiveStartKey" in asked:
                    self.left = None
                    task.on_kill()

        client.meta.events.register("before-send.dynamodb.Scan", note)
        return client


def test_a_mapped_task_that_is_retried_repeats_its_own_segments_only(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    group: Callable[..., dict[str, Any]],
    mapping_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people(600)), fill(sides[1], {"Id": "S"}, [])
    interruption = Interruption(monkeypatch, segment=5)

    tasks = group(source, destination, mapping_file(mappings={}))

    assert interruption.left is None
    expected = dict.fromkeys(["refresh.plan", *SYNC_TASKS, "refresh.verify"], ("success", 1))
    assert states(tasks) == expected | {"segments 4-7 of 12": ("success", 2)}
    tries = {(segments, attempt) for segments, attempt, _ in interruption.scans}
    assert tries == {("0-3", 1), ("4-7", 1), ("4-7", 2), ("8-11", 1)}
    own = {"0-3": range(4), "4-7": range(4, 8), "8-11": range(8, 12)}
    assert all(segment in own[segments] for segments, _, segment in interruption.scans)
    report = returned(tasks, "refresh.verify")
    assert report["items_written_before"] + report["items_written"] == 600
    assert len(by_key(read_all(sides[1], destination), "Id")) == 600


@pytest.mark.parametrize(
    ("rules", "secret", "message"),
    [
        ({"mappings": {}}, "", "need one secret, and none is configured: set secret_conn_id or [dynsync] secret"),
        ({"mappings": MIXES_KEYS}, SECRET, "mappings.Id: constant may give different keys one value"),
        ({"mappings": {"Id": "transform_int64"}}, SECRET, "use one of class preserved or not_guaranteed"),
    ],
)
def test_what_several_tasks_cannot_do_is_refused_by_the_plan(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    group: Callable[..., dict[str, Any]],
    mapping_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    rules: dict[str, Any],
    secret: str,
    message: str,
) -> None:
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", secret)
    source, destination = fill(sides[0], {"Id": "S"}, people(50)), fill(sides[1], {"Id": "S"}, [])
    tasks = group(source, destination, mapping_file(**rules))
    assert states(tasks)["refresh.plan"] == ("failed", 1)
    assert {task.state for name, task in tasks.items() if name != "refresh.plan"} == {"upstream_failed"}
    assert message in "".join(capfd.readouterr())
    assert read_all(sides[1], destination) == []


@pytest.mark.parametrize(("count", "where"), [(20, None), (50, "Id = '7'"), (50, "Id = '7' OR Id = '7'")])
def test_what_cannot_be_shared_out_is_one_tasks_with_all_of_the_limits(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    group: Callable[..., dict[str, Any]],
    mapping_file: Callable[..., str],
    count: int,
    where: str | None,
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people(count)), fill(sides[1], {"Id": "S"}, [])
    tasks = group(source, destination, mapping_file(mappings={}), where)
    assert states(tasks) == dict.fromkeys(["refresh.plan", "segments 0-0 of 1", "refresh.verify"], ("success", 1))
    (share,) = returned(tasks, "refresh.plan")
    assert (share["segments"], share["total_segments"], share["workers"]) == ("0-0", 1, 1)
    selected = [person for person in people(count) if where is None or "LIKE" in where or person["Id"]["S"] == "7"]
    assert by_key(read_all(sides[1], destination), "Id").keys() == by_key(selected, "Id").keys()


def test_no_xcom_log_or_database_row_holds_a_value(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    group: Callable[..., dict[str, Any]],
    mapping_file: Callable[..., str],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    before = files_with_mark()
    source, destination = fill(sides[0], {"Id": "S"}, marked_items()), fill(sides[1], {"Id": "S"}, [])
    tasks = group(source, destination, mapping_file(mappings={"Id": "transform_hash"}, unmapped="passthrough"))
    assert {task.state for task in tasks.values()} == {"success"}
    assert len(tasks) == 5
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "XCom not found" in printed
    assert MARK not in printed
    assert SECRET not in json.dumps([returned(tasks, "refresh.plan"), returned(tasks, "refresh.verify")])
    assert files_with_mark() == before


def test_a_task_whose_secret_or_mapping_is_not_the_plans_writes_nothing(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    group: Callable[..., dict[str, Any]],
    mapping_file: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, people(50)), fill(sides[1], {"Id": "S"}, [])
    rules = mapping_file(mappings={})
    share = returned(group(source, destination, rules), "refresh.plan")[0]
    other = fill(sides[1], {"Id": "S"}, [])
    tables = {"source_table": source, "destination_table": destination, "page_size": 20}

    def part(**changes: Any) -> DynamoDBAnonymizeSyncOperator:
        arguments = SIDES | tables | share | {"mapping_file": rules} | changes
        return DynamoDBAnonymizeSyncOperator(task_id="part", **arguments)

    assert part().execute({})["segments"] == 4
    for changed in (part(destination_table=other), part(mapping_file=None, mappings={"Email": "transform_email"})):
        with pytest.raises(AirflowFailException, match="are not those that the work was shared out with"):
            changed.execute({})
    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", "another secret for them")
    with pytest.raises(AirflowFailException, match="are not those that the work was shared out with"):
        part().execute({})
    assert read_all(sides[1], other) == []


def test_each_task_keeps_a_checkpoint_file_of_its_own(tmp_path: Path) -> None:
    for segments in ("0-3", "4-7"):
        operator = DynamoDBAnonymizeSyncOperator(
            task_id="part", segments=segments, total_segments=8, checkpoint_path=str(tmp_path / "at"), **SIDES
        )
        store = checkpoint_store(operator.checkpoint_path, operator._share, {})
        assert store is not None
        store.save(segments)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "at.0-3-of-8": "0-3",
        "at.4-7-of-8": "4-7",
    }


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"workers": 0}, ValueError, "workers is a whole number from 1 to 100"),
        ({"workers": 101}, ValueError, "workers is a whole number from 1 to 100"),
        ({"workers": "4"}, ValueError, "workers is a whole number from 1 to 100"),
        ({"segments": "0-3", "total_segments": 8}, ValueError, "segments is what the plan finds out"),
        ({"read_limit": "200%"}, ValueError, "read_limit: expected capacity units"),
        ({"mappings": {"Email": "transform_emial"}}, MappingError, "did you mean transform_email"),
        ({"mappings": MIXES_KEYS, "key_attributes": ["Id"]}, SyncError, "may give different keys one value"),
        ({"mapping_file": "no-such-file.yaml"}, ValueError, r"no-such-file\.yaml: cannot be read"),
        ({"write_mode": "replace"}, ValueError, "write_mode replace takes a single task"),
        ({"nope": 1}, TypeError, "nope"),
    ],
)
def test_wrong_arguments_are_refused_when_the_dag_is_parsed(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    from airflow.sdk import DAG

    with DAG("wrong"), pytest.raises(error, match=message):
        dynamodb_anonymize_sync_group(**SIDES | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 2}, "dynamodb_anonymize_sync_group makes them"),
        ({"segments": "0-3"}, "segments needs total_segments"),
        ({"segments": "3-0", "total_segments": 8}, "the first and the last of them, as in 0-7"),
        ({"segments": "all", "total_segments": 8}, "the first and the last of them, as in 0-7"),
    ],
)
def test_a_task_by_itself_refuses_wrong_segments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DynamoDBAnonymizeSyncOperator(task_id="part", **SIDES | arguments)


def test_arguments_reach_the_tasks_that_they_are_for() -> None:
    from airflow.sdk import DAG, Asset

    done = Asset("dynamodb://eu-west-1/Done")
    with DAG("group") as dag:
        dynamodb_anonymize_sync_group(
            workers=2, total_segments=8, pool="aws", retries=3, outlets=[done], mappings={}, **SIDES
        )
    tasks = {task_id.rpartition(".")[2]: dag.get_task(task_id) for task_id in dag.task_ids}
    assert {name: (task.pool, task.retries) for name, task in tasks.items()} == dict.fromkeys(
        ("plan", "sync", "verify"), ("aws", 3)
    )
    assert Counter(name for name, task in tasks.items() if done in task.outlets) == {"verify": 1}
    assert tasks["plan"].total_segments == 8
    assert tasks["sync"].upstream_task_ids == {"anonymize_sync.plan"}
    assert tasks["verify"].upstream_task_ids == {"anonymize_sync.sync"}
