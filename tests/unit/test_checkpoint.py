"""The checkpoint: what it keeps, for whom, and what becomes of one that does not fit."""

import errno
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync import checkpoint as checkpoint_module
from airflow_dynsync.sync import preparation
from airflow_dynsync.sync.checkpoint import MAX_AGE_SECONDS, Checkpoint, FileStore
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.job import SyncJob
from airflow_dynsync.sync.preparation import Preparation, prepare

SECRET = b"a secret for these tests"
COMMON = {"source": "a", "destination": "b", "mapping": {"mappings": {"Name": "transform_full_name"}}}
POSITION = {"Id": {"S": "marked-value"}}
UNREADABLE = "its checkpoint cannot be read, so this run starts over"

POSITIONS: list[Any] = [
    {"Id": {"S": "häßlich \U0001f600 \u0000 \u2028"}},
    {"Id": {"N": "99999999999999999999999999999999999999"}, "At": {"N": "-0.00001"}},
    {"Id": {"B": b64encode(bytes(range(256))).decode()}, "At": {"S": ""}},
    {"Id": {"S": "x"}, "At": {"N": "1"}, "Index": {"S": "y"}},
    "a NextToken, which is text of DynamoDB's own /+==",
]


class Memory:
    """A store that counts what it is asked to do."""

    def __init__(self, text: Any = None) -> None:
        self.text = text
        self.saves = 0

    def load(self) -> Any:
        return self.text

    def save(self, text: str) -> None:
        self.text = text
        self.saves += 1

    def remove(self) -> None:
        self.text = None


def checkpoint(
    store: Any, *, segments: range = range(4), secret: bytes = SECRET, common: Any = COMMON
) -> Checkpoint:
    return Checkpoint(segments, store, secret, common)


def interrupted(position: Any = POSITION) -> Memory:
    """A store of a run with segment 0 at its end and segment 1 on its way."""
    store = Memory()
    run = checkpoint(store)
    run.advance(0, None, 7)
    run.advance(1, position, 5)
    run.save()
    return store


@pytest.mark.parametrize("position", POSITIONS)
def test_a_resumed_run_begins_where_the_interrupted_one_was(position: Any) -> None:
    resumed = checkpoint(interrupted(position))
    assert resumed.unfinished == [1, 2, 3]
    assert [resumed.position(segment) for segment in (1, 2, 3)] == [position, None, None]
    assert resumed.interrupted_run == "it is continued: 1 of 4 segments and 12 items are written"


def test_items_are_counted_over_all_attempts() -> None:
    store = interrupted()
    for attempt in range(1, 4):
        run = checkpoint(store)
        assert run.items_written == 2 + 10 * attempt
        run.advance(1, POSITION, 10)
        run.save()
    assert checkpoint(store).items_written == 42


@pytest.mark.parametrize("later", [MAX_AGE_SECONDS + 60, -60])
def test_a_run_that_was_given_up_more_than_a_day_ago_is_not_continued(
    monkeypatch: pytest.MonkeyPatch, later: float
) -> None:
    store = interrupted()
    now = time.time() + later
    monkeypatch.setattr("airflow_dynsync.sync.checkpoint.time.time", lambda: now)
    run = checkpoint(store)
    assert run.unfinished == [0, 1, 2, 3]
    assert run.interrupted_run == "it began more than a day ago, so this run starts over"


def test_a_day_counts_from_the_first_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    store, began = interrupted(), time.time()
    for hours, continued in ((20, True), (25, False)):
        now = began + hours * 60 * 60
        monkeypatch.setattr("airflow_dynsync.sync.checkpoint.time.time", partial(float, now))
        run = checkpoint(store)
        assert (run.items_written > 0) is continued
        run.advance(1, POSITION, 1)
        run.save()


def test_segments_need_not_begin_at_0() -> None:
    store = Memory()
    run = checkpoint(store, segments=range(8, 12))
    run.advance(9, None, 3)
    run.save()
    assert checkpoint(store, segments=range(8, 12)).unfinished == [8, 10, 11]


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": b"another secret of 16+ bytes"},
        {"segments": range(3)},
        {"segments": range(1, 5)},
        {"common": COMMON | {"source": "another"}},
        {"common": COMMON | {"mapping": {"mappings": {"Name": "transform_string"}}}},
    ],
)
def test_another_run_starts_over_and_says_so(changed: dict[str, Any]) -> None:
    run = checkpoint(interrupted(), **changed)
    assert run.items_written == 0
    assert run.unfinished == [*changed.get("segments", range(4))]
    assert all(run.position(segment) is None for segment in run.unfinished)
    assert run.interrupted_run.startswith("another one was interrupted")
    assert run.interrupted_run.endswith("which starts over")


class _Tables:
    """Answers DescribeTable alone: a job is prepared from nothing else."""

    meta = SimpleNamespace(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com", region_name="eu-west-1")

    def __init__(self, table_id: str) -> None:
        self._table_id = table_id

    def describe_table(self, TableName: str) -> Any:  # noqa: N803 - as boto3 names it
        key = {"AttributeName": "Id", "KeyType": "HASH"}
        return {
            "Table": {
                "TableName": TableName,
                "TableArn": f"arn:aws:dynamodb:eu-west-1:123456789012:table/{TableName}",
                "TableId": self._table_id,
                "TableStatus": "ACTIVE",
                "KeySchema": [key],
                "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
                "ItemCount": 5000,
                "TableSizeBytes": 1_000_000,
            }
        }


def prepared(source: str = "source-1", destination: str = "destination-1", **changed: Any) -> Preparation:
    mapping = changed.pop("mappings", {"Name": "transform_full_name"})
    job = SyncJob("users", "users-staging", Mapping.parse({"mappings": mapping}), secret=SECRET, **changed)
    return prepare(job, _Tables(source), _Tables(destination))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"source": "source-2"},
        {"destination": "destination-2"},
        {"where": "Age > 30"},
        {"where": "Id = '1'"},
        {"total_segments": 8},
        {"mappings": {"Name": "transform_string"}},
        {"mappings": {"Name": {"transformer": "transform_full_name", "realm": "people"}}},
        {"mappings": {}},
    ],
    ids=str,
)
def test_what_a_job_is_makes_another_fingerprint(changed: dict[str, Any]) -> None:
    before, after = prepared(), prepared(**changed)
    store = Memory()
    run = checkpoint(store, segments=before.segments, common=before.common)
    run.advance(0, POSITION, 1)
    run.save()
    assert checkpoint(store, segments=before.segments, common=prepared().common).items_written == 1
    assert checkpoint(store, segments=before.segments, common=after.common).items_written == 0


@pytest.mark.parametrize("changed", [{"page_size": 7}, {"read_limit": 5}, {"consistent_read": True}], ids=str)
def test_how_fast_a_job_is_read_makes_no_other_fingerprint(changed: dict[str, Any]) -> None:
    assert prepared(**changed).common == prepared().common


def test_other_corpora_start_over(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prepared().common
    monkeypatch.setattr(preparation, "CORPUS_VERSION", "another")
    assert prepared().common != before


def test_a_rule_may_have_numbers_of_any_size_and_text_of_any_kind() -> None:
    common = COMMON | {"mapping": {"least": -(10**40), "text": "\ud800"}}
    store = Memory()
    run = checkpoint(store, common=common)
    run.advance(0, None, 1)
    run.save()
    assert checkpoint(store, common=common).items_written == 1


def test_what_is_saved_shows_no_key_in_any_encoding() -> None:
    binary = os.urandom(12)
    values = {"S": "marked-value", "N": "31415926535897932384", "B": b64encode(binary).decode()}
    text = interrupted({name: {letter: values[letter]} for name, letter in zip("abc", "SNB", strict=True)}).text
    kept = orjson.loads(text)
    haystacks = [text.encode(), b64decode(kept["sealed"]), bytes.fromhex(kept["fingerprint"])]
    for value in [value.encode() for value in values.values()] + [binary, SECRET]:
        for written in (value, value[::-1], value.hex().encode(), b64encode(value)):
            assert not [haystack for haystack in haystacks if written in haystack]


def test_the_same_state_is_never_sealed_the_same_way_twice() -> None:
    assert orjson.loads(interrupted().text)["sealed"] != orjson.loads(interrupted().text)["sealed"]


def test_another_secret_cannot_open_what_is_saved_even_with_its_fingerprint() -> None:
    theirs = Memory()
    other = checkpoint(theirs, secret=b"another secret of 16+ bytes")
    other.advance(0, None, 1)
    other.save()
    forged = orjson.loads(interrupted().text) | {"fingerprint": orjson.loads(theirs.text)["fingerprint"]}
    run = checkpoint(Memory(orjson.dumps(forged).decode()), secret=b"another secret of 16+ bytes")
    assert (run.items_written, run.interrupted_run) == (
        0,
        "its checkpoint cannot be read, so this run starts over",
    )


def _every_cut(text: str) -> list[Any]:
    return [text[:length] for length in range(0, len(text), 7)]


def test_a_damaged_checkpoint_starts_over_and_says_so() -> None:
    text = interrupted().text
    kept = orjson.loads(text)
    flipped = bytearray(b64decode(kept["sealed"]))
    flipped[len(flipped) // 2] ^= 1
    damaged = [
        *_every_cut(text),
        *(
            orjson.dumps(kept | {"sealed": sealed}).decode()
            for sealed in (b64encode(flipped).decode(), "", "?", 7)
        ),
        "[]",
        "{}",
        {"not": "text"},
        7,
    ]
    for each in damaged:
        run = checkpoint(Memory(each))
        assert run.interrupted_run == UNREADABLE
        assert (run.items_written, run.unfinished) == (0, [0, 1, 2, 3])


def test_nothing_is_saved_when_nothing_changed() -> None:
    store = Memory()
    run = checkpoint(store)
    assert run.seconds_until_due is None
    run.save()
    assert store.saves == 0
    run.advance(0, POSITION, 1)
    assert run.seconds_until_due == 0.0
    run.save()
    run.save()
    assert store.saves == 1
    assert run.seconds_until_due is None


def test_without_a_store_nothing_is_ever_due() -> None:
    run = Checkpoint(range(2), None)
    run.advance(0, POSITION, 1)
    run.save()
    run.remove()
    assert run.seconds_until_due is None
    assert run.items_written == 1


@pytest.fixture
def slow_store(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Memory]:
    """`slow_store(seconds)` is a store whose every save takes that long, by a clock that nothing else moves."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(checkpoint_module, "time", SimpleNamespace(monotonic=lambda: clock.now, time=time.time))

    class Slow(Memory):
        seconds = 0.0

        def save(self, text: str) -> None:
            clock.now += self.seconds
            super().save(text)

    def make(seconds: float) -> Memory:
        store = Slow()
        store.seconds = seconds
        return store

    return make


def _wait_after_saves(store: Any, *costs: float) -> float:
    run, wait = checkpoint(store), None
    for cost in costs:
        store.seconds = cost
        run.advance(0, POSITION, 1)
        run.save()
        run.advance(0, POSITION, 1)
        wait = run.seconds_until_due
    assert wait is not None
    return wait


def test_saves_are_spaced_by_what_they_cost(slow_store: Callable[[float], Memory]) -> None:
    for cost in (0.0005, 0.009, 0.1):
        assert _wait_after_saves(slow_store(cost), *[cost] * 20) == pytest.approx(20 * cost)


def test_one_slow_save_delays_the_next_but_little(slow_store: Callable[[float], Memory]) -> None:
    usual = _wait_after_saves(slow_store(0), *[0.002] * 20)
    assert _wait_after_saves(slow_store(0), *[0.002] * 20, 3.0) <= 2 * usual + 1e-9


def test_however_slow_a_store_is_it_is_asked_every_few_seconds(slow_store: Callable[[float], Memory]) -> None:
    assert _wait_after_saves(slow_store(60), *[60.0] * 40) == 5.0


def test_a_store_that_fails_is_told_once_and_asked_again() -> None:
    class Failing(Memory):
        failures = 3

        def save(self, text: str) -> None:
            if self.failures:
                self.failures -= 1
                raise RuntimeError(f"refused: {text}")
            super().save(text)

    store, notices = Failing(), []
    run = Checkpoint(range(2), store, SECRET, COMMON, notices.append)
    run.advance(0, POSITION, 1)
    for _ in range(3):
        run.save()
        assert run.seconds_until_due == pytest.approx(5.0, abs=1.0)
    run.save()
    assert run.seconds_until_due is None
    assert store.saves == 1
    (told,) = notices
    assert told.startswith("How far this run is could not be saved (RuntimeError); it goes on")

    store.failures = 1
    run.advance(0, POSITION, 1)
    run.save()
    assert len(notices) == 2


def test_a_save_that_is_interrupted_is_made_up_for() -> None:
    class Interrupted(Memory):
        def save(self, text: str) -> None:
            if not self.saves:
                self.saves += 1
                raise KeyboardInterrupt
            super().save(text)

    store = Interrupted()
    run = checkpoint(store)
    run.advance(0, POSITION, 9)
    with pytest.raises(KeyboardInterrupt):
        run.save()
    run.save()
    assert checkpoint(store).items_written == 9


def test_what_advances_while_a_save_is_under_way_is_saved_next() -> None:
    class Meanwhile(Memory):
        def save(self, text: str) -> None:
            if not self.saves:
                run.advance(1, POSITION, 5)
            super().save(text)

    store = Meanwhile()
    run = checkpoint(store)
    run.advance(0, POSITION, 1)
    run.save()
    assert checkpoint(store).items_written == 1
    assert run.seconds_until_due is not None
    run.save()
    assert checkpoint(store).items_written == 6


TEXT = '{"format":"dynsync checkpoint 1","fingerprint":"","sealed":""}'


def test_a_file_is_written_for_its_owner_alone_and_leaves_nothing_when_removed(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "checkpoint")
    assert store.load() is None
    before = os.umask(0)
    try:
        store.save(TEXT)
        store.save(TEXT)
    finally:
        os.umask(before)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]
    assert (tmp_path / "checkpoint").stat().st_mode & 0o777 == 0o600
    assert store.load() == TEXT
    store.remove()
    store.remove()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_half_written_beside_the_file_is_no_hindrance(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "checkpoint")
    store.save(TEXT)
    (tmp_path / "checkpoint.new").write_text('{"form')
    assert store.load() == TEXT
    store.save(f"{TEXT} ")
    assert store.load() == f"{TEXT} "
    (tmp_path / "checkpoint.new").write_text('{"form')
    store.remove()
    assert not list(tmp_path.iterdir())


def test_a_link_beside_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "checkpoint.new").symlink_to(tmp_path / "precious")
    FileStore(tmp_path / "checkpoint").save(TEXT)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_save_that_fails_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "checkpoint")
    store.save(TEXT)

    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space left"):
        store.save("another")
    assert store.load() == TEXT


@pytest.mark.parametrize("content", [b"mappings: {}\n", b"\x00\xff\xfe", b"{}", b'{"format":"something else"}'])
def test_a_file_that_is_no_checkpoint_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_bytes(content)
    with pytest.raises(SyncError, match=r"mapping\.yaml: the file is no checkpoint and would be overwritten"):
        checkpoint(FileStore(file))
    assert file.read_bytes() == content


@pytest.mark.parametrize("length", [0, 5, 20, 40, 200])
def test_a_checkpoint_that_was_cut_off_starts_over(tmp_path: Path, length: int) -> None:
    file = tmp_path / "checkpoint"
    file.write_text(interrupted().text[:length])
    run = checkpoint(FileStore(file))
    assert run.interrupted_run == UNREADABLE


def test_a_folder_that_is_missing_or_a_folder_for_a_file_is_refused_before_the_run(
    tmp_path: Path,
) -> None:
    with pytest.raises(SyncError, match="missing does not exist; make it"):
        FileStore(tmp_path / "missing" / "checkpoint").load()
    for path in (tmp_path, tmp_path / "file" / "checkpoint"):
        (tmp_path / "file").touch()
        with pytest.raises(SyncError, match="it cannot be read"):
            FileStore(path).load()


def test_an_object_store_is_written_by_its_own_means() -> None:
    upath = pytest.importorskip("upath")
    path = upath.UPath("memory://checkpoints/one")
    store = FileStore(path)
    assert store.load() is None
    store.save(TEXT)
    assert store.load() == TEXT
    store.remove()
    store.remove()
    assert store.load() is None
