"""A sync that is interrupted, at any moment and by SIGKILL too, is continued and ends as if it never had been."""

import errno
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_dynsync.dynamodb.errors import StoppedError
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.checkpoint import FileStore
from airflow_dynsync.sync.job import SyncJob, run_sync
from airflow_dynsync.sync.progress import Progress
from airflow_dynsync.sync.pump import READERS
from local.dynamodb import AccessKey, Server
from tests.kills import MAPPING, PAGE_SIZE, SOAK, items, losses, read_log, seed, tell, wire_bytes
from tests.tables import by_key, read_all, wire_client

KILLS = 200 if SOAK else 20
REPLACEMENTS = 30 if SOAK else 2
ITEMS = 6_000
REPLACED = 3_000
SEGMENTS = 8
SECRET = "a secret for these tests"
KEY = {"Id": "S"}

_ROOT = Path(__file__).parents[2]
_LONGEST_RUN_SECONDS = 120
_LOOK_SECONDS = 0.01

Fill = Callable[..., str]


@pytest.fixture
def client(dynamodb_local: Server) -> Any:
    return wire_client(dynamodb_local, AccessKey("kills"))


class Killed:
    """`dynsync sync` as a process of its own, with a checkpoint, and a log of what it did."""

    def __init__(self, server: Server, folder: Path, source: str, destination: str, *options: str) -> None:
        folder.mkdir()
        self.log, self.checkpoint, mapping = folder / "log", folder / "checkpoint", folder / "mapping.yaml"
        mapping.write_text(yaml.safe_dump(MAPPING))
        sides = (
            [f"--{side}-region", server.region, f"--{side}-endpoint-url", server.endpoint_url]
            for side in ("source", "destination")
        )
        sync = ["sync", str(mapping), "--source-table", source, "--destination-table", destination, "--json"]
        size = ["--page-size", str(PAGE_SIZE), "--total-segments", str(SEGMENTS)]
        self._command = [sys.executable, "-m", "tests.kills", str(self.log), *sync, *size]
        self._command += ["--checkpoint", str(self.checkpoint), *(option for side in sides for option in side)]
        self._command += options
        self._environment = os.environ | {
            "AWS_ACCESS_KEY_ID": "kills",
            "AWS_SECRET_ACCESS_KEY": "local",
            "DYNSYNC_SECRET": SECRET,
        }

    def run(self, *, starting: float = 0.0, reading: int = 0) -> dict[str, Any] | None:
        """Run until the end, to the report; or until SIGKILL, to None.

        The kill comes so many seconds after the start, or when the log has grown by so many bytes; 0 for none.
        """
        logged = self.logged()
        with subprocess.Popen(
            self._command,
            cwd=_ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            while reading and self.logged() < logged + reading and process.poll() is None:
                time.sleep(_LOOK_SECONDS)
            killing = reading and process.poll() is None
            try:
                timeout = _LOOK_SECONDS if killing else starting or _LONGEST_RUN_SECONDS
                output, errors = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                output, errors = process.communicate()
            if process.returncode == -9:
                return None
            assert process.returncode == 0, errors
            report: dict[str, Any] = json.loads(output)
            return report

    def logged(self) -> int:
        """How many bytes the log has: it grows with each page asked for, confirmed and saved."""
        return self.log.stat().st_size if self.log.exists() else 0


def test_runs_killed_at_random_moments_end_as_an_unbroken_one_and_read_again_what_was_in_flight(
    fill: Fill, client: Any, dynamodb_local: Server, tmp_path: Path
) -> None:
    source = fill(client, KEY, items(ITEMS))
    table = fill(client, KEY, [])
    unbroken = Killed(dynamodb_local, tmp_path / "unbroken", source, table)
    began = time.monotonic()
    report = unbroken.run()
    assert report is not None
    assert report["items_written"] == ITEMS
    starting = time.monotonic() - began - report["seconds"]
    reading = unbroken.logged()
    expected = wire_bytes(read_all(client, table))
    all_pages = read_log(unbroken.log)[0].pages

    moments = random.Random(seed())
    kills, runs, resumed, costs = 0, 0, 0, []
    while kills < KILLS:
        table = fill(client, KEY, [])
        killed = Killed(dynamodb_local, tmp_path / str(runs), source, table)
        runs += 1
        report = None
        while report is None:
            if kills == KILLS:
                report = killed.run()
            elif moments.random() < 0.2:
                report = killed.run(starting=moments.uniform(0, starting))
            else:
                # However fast the machine is: the log tells how far the process is.
                report = killed.run(reading=moments.randrange(1, reading))
            kills += report is None
            assert not killed.checkpoint.exists() or killed.checkpoint.stat().st_mode & 0o777 == 0o600
        assert wire_bytes(read_all(client, table)) == expected
        assert report["items_written_before"] + report["items_written"] == ITEMS
        assert not list(killed.checkpoint.parent.glob("checkpoint*"))
        attempts = read_log(killed.log)
        assert set().union(*(attempt.pages for attempt in attempts)) == all_pages
        resumed += report["items_written_before"] > 0
        costs += losses(attempts)

    tell(costs, kills, f"{runs} runs of {len(all_pages)} pages, {resumed} of them ended from a checkpoint")
    assert len(costs) >= KILLS / 4
    assert resumed
    # A page is saved within milliseconds of being confirmed: at most a page of each segment in the middle.
    assert sum(cost.again - cost.in_flight for cost in costs) <= READERS * len(costs)


def test_replacements_killed_at_random_moments_leave_whole_items_and_end_as_an_unbroken_one(
    fill: Fill, client: Any, dynamodb_local: Server, tmp_path: Path
) -> None:
    source = fill(client, KEY, items(REPLACED))
    target = fill(client, KEY, [])
    unbroken = Killed(dynamodb_local, tmp_path / "unbroken", source, target, "--write-mode", "replace")
    assert unbroken.run() is not None
    copied = unbroken.log.read_bytes().index(b"complete")
    new = by_key(read_all(client, target), "Id")
    assert len(new) == REPLACED
    other = {"Id": {"S": "another"}, "Old": {"BOOL": True}}
    kept = [{**item, "Old": {"BOOL": True}} for item in [*new.values()][::2]]
    old = by_key([*kept, *({**other, "Id": {"S": f"other-{number}"}} for number in range(500))], "Id")

    moments = random.Random(seed())
    copying = swapping = 0
    for number in range(REPLACEMENTS):
        target = fill(client, KEY, list(old.values()))
        killed = Killed(dynamodb_local, tmp_path / str(number), source, target, "--write-mode", "replace")
        # First while the copy is made, then wherever what is left is at that time.
        for logged in (copied, unbroken.logged() - copied):
            report = killed.run(reading=moments.randrange(1, logged))
            if report is not None:
                break
            held = by_key(read_all(client, target), "Id")
            assert all(item in (old.get(key), new.get(key)) for key, item in held.items())
            assert old.keys() & new.keys() <= held.keys()
            assert held.keys() >= old.keys() or held.keys() >= new.keys()
            copying += held == old
            swapping += held != old
        else:
            report = killed.run()
        assert report is not None
        assert by_key(read_all(client, target), "Id") == new
        assert report["replacement"]["items_copied"] >= REPLACED
        assert f"{target}.dynsync-new" not in client.list_tables()["TableNames"]
        assert not list(killed.checkpoint.parent.glob("checkpoint*"))
    sys.stdout.write(f"{copying} kills before the swap, {swapping} after it had begun, of {REPLACEMENTS} runs\n")
    assert copying


def resumable(source: str, destination: str) -> SyncJob:
    return SyncJob(
        source,
        destination,
        Mapping.parse(MAPPING),
        secret=SECRET.encode(),
        page_size=PAGE_SIZE,
        total_segments=2,
    )


def interrupt(job: SyncJob, client: Any, **options: Any) -> list[str]:
    """Begin a sync of two segments and stop it when a page is confirmed for sure; return its notices."""
    stop, notices = threading.Event(), []

    def stop_early(moment: Progress) -> None:
        if moment.items_written > 2 * PAGE_SIZE:
            stop.set()

    with pytest.raises(StoppedError):
        run_sync(
            job,
            client,
            client,
            on_notice=notices.append,
            on_progress=stop_early,
            progress_seconds=0.01,
            stop=stop,
            **options,
        )
    return notices


@pytest.mark.parametrize(
    ("secret", "mappings", "why"),
    [
        (None, {}, "only one with a secret that stays can be continued"),
        (SECRET.encode(), {"Id": "generate_uuid"}, "the rules on the key do not promise that different keys stay"),
    ],
    ids=["no secret", "keys not kept apart"],
)
def test_a_run_that_cannot_be_continued_says_so_and_the_next_one_starts_over(
    fill: Fill, client: Any, tmp_path: Path, secret: bytes | None, mappings: dict[str, Any], why: str
) -> None:
    source, destination = fill(client, KEY, items(3000)), fill(client, KEY, [])
    mapping = {"mappings": mappings, "unmapped": "passthrough"}
    job = replace(resumable(source, destination), mapping=Mapping.parse(mapping), secret=secret)
    store = FileStore(tmp_path / "checkpoint")

    notices = interrupt(job, client, checkpoints=store)
    assert [notice for notice in notices if why in notice]
    assert not list(tmp_path.iterdir())

    report = run_sync(job, client, client, checkpoints=store)
    assert (report.items_written_before, report.items_written) == (0, 3000)


def test_a_run_that_can_be_continued_says_how_far_it_is_and_reads_only_the_rest(
    fill: Fill, client: Any, tmp_path: Path
) -> None:
    source, destination = fill(client, KEY, items(3000)), fill(client, KEY, [])
    job = resumable(source, destination)
    store = FileStore(tmp_path / "checkpoint")
    interrupt(job, client, checkpoints=store)
    notices: list[str] = []

    report = run_sync(job, client, client, checkpoints=store, on_notice=notices.append)

    assert report.items_written_before > 0
    assert report.items_written_before + report.items_read == 3000
    assert report.items_written == report.items_read
    assert f"{report.items_written_before:,} items are written" in notices[-1]
    assert not list(tmp_path.iterdir())


class _FullDisk(FileStore):
    def save(self, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_run_whose_checkpoint_cannot_be_saved_goes_on_and_tells_it_once(
    fill: Fill, client: Any, tmp_path: Path
) -> None:
    source, destination = fill(client, KEY, items(3000)), fill(client, KEY, [])
    job = resumable(source, destination)
    notices: list[str] = []

    report = run_sync(
        job, client, client, checkpoints=_FullDisk(tmp_path / "checkpoint"), on_notice=notices.append
    )

    assert report.items_written == 3000
    (told,) = [notice for notice in notices if "No space left on device" in notice]
    assert told.startswith("How far this run is could not be saved")


class _InterruptedInTheMiddle(FileStore):
    """As by Ctrl-C and Airflow's timeout: an exception of a signal's handler, here while a save is under way."""

    def __init__(self, path: Path, interruption: type[BaseException]) -> None:
        super().__init__(path)
        self._interruption: type[BaseException] | None = interruption

    def save(self, text: str) -> None:
        if self._interruption is not None:
            interruption, self._interruption = self._interruption, None
            raise interruption
        super().save(text)


class _TimeoutError(BaseException):
    """As Airflow's is, no Exception."""


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, _TimeoutError])
def test_an_interruption_in_the_middle_of_a_save_loses_nothing_that_is_confirmed(
    fill: Fill, client: Any, tmp_path: Path, interruption: type[BaseException]
) -> None:
    source, destination = fill(client, KEY, items(3000)), fill(client, KEY, [])
    job = resumable(source, destination)
    path = tmp_path / "checkpoint"

    with pytest.raises(interruption):
        run_sync(job, client, client, checkpoints=_InterruptedInTheMiddle(path, interruption))
    report = run_sync(job, client, client, checkpoints=FileStore(path))

    assert report.items_written_before > 0
    assert report.items_written_before + report.items_written == 3000
    assert len(read_all(client, destination)) == 3000
