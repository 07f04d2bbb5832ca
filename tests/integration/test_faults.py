"""A whole sync through a proxy that throttles, fails, cuts, damages and loses: nothing lost, nothing twice."""

import datetime as dt
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from os import environ
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials

from airflow_dynsync.dynamodb.calls import Backoff
from airflow_dynsync.dynamodb.client import create_client
from airflow_dynsync.dynamodb.errors import CredentialsError, DynamoDBError, StoppedError, ThrottledError
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.checkpoint import FileStore
from airflow_dynsync.sync.job import CONNECTIONS, SyncJob, run_sync
from airflow_dynsync.sync.pump import READERS, WRITES
from airflow_dynsync.sync.report import SyncReport
from local.dynamodb import AccessKey, Server
from tests.faults import FATAL, FAULTS, MARKED, THROTTLES, FaultProxy, Plan, SeededPlan, fault_proxy
from tests.tables import read_all, wire_client

RUNS = 50 if environ.get("DYNSYNC_SOAK") == "1" else 5
SECRET = b"a secret for these tests"
MANY: list[dict[str, Any]] = [
    {
        "Id": {"S": f"{MARKED}-{number}"},
        "At": {"N": f"{number}.5"},
        "Name": {"S": f"{MARKED} {number}"},
        "Pets": {"L": [{"M": {"Age": {"N": str(number % 17)}}}, {"NULL": True}]},
        "Tags": {"SS": [f"tag {number % 5}", "ü"]},
        "Blob": {"B": "AAECAw=="},
    }
    for number in range(900)
]
ITEMS = MANY[:400]
MAPPINGS: dict[str, dict[str, Any]] = {
    "keys pass": {"mappings": {"Name": "transform_full_name"}, "unmapped": "passthrough"},
    "keys mapped": {
        "mappings": {"Id": "transform_hash", "Name": "transform_full_name"},
        "unmapped": "passthrough",
    },
}
WHERES = [None, '"At" >= 100', '"At" > -1']
"""By Scan, by Scan with a filter, by ExecuteStatement."""
KEYS = {"Id": "S", "At": "N"}
FAST = {"base_seconds": 0.001, "cap_seconds": 0.02}
PATIENT = Backoff(**FAST, patience_seconds=60)
IMPATIENT = Backoff(**FAST, patience_seconds=0.05)
READ_TIMEOUT = 0.5
RATHER_FAST = "1000000"
"""A capacity limit whose hundredth, which throttling leaves, is still fast."""

_TOKENS = count()


def every_kind() -> dict[str, float]:
    """30 % throttled, 32 % something else; of the writes another 10 % partly unprocessed."""
    others = set(FAULTS) - {*THROTTLES, "partly unprocessed"}
    shares = {name: 0.32 / len(others) for name in FAULTS if name in others}
    return dict.fromkeys(THROTTLES, 0.1) | shares | {"partly unprocessed": 0.1}


def alone(name: str) -> dict[str, float]:
    if name in THROTTLES:
        return dict.fromkeys(THROTTLES, 0.1)
    # A token that expires is refused to all threads, and a new one that is refused at once ends the run.
    return {name: 0.05 if name == "expired token" else 0.3}


def renewed(key: str, *, always_the_same: bool = False) -> RefreshableCredentials:
    """Credentials with a token, which is another one after each renewal."""

    def renew() -> dict[str, str]:
        end = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        return {
            "access_key": key,
            "secret_key": "secret",
            "token": "the same" if always_the_same else f"{key}-{next(_TOKENS)}",
            "expiry_time": end.isoformat(),
        }

    return RefreshableCredentials.create_from_metadata(renew(), renew, "test")


def contents(client: Any, table: str) -> list[bytes]:
    return sorted(orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in read_all(client, table))


@dataclass
class Outcome:
    """What came of a sync that was run until it succeeded."""

    contents: list[bytes]
    report: SyncReport
    errors: list[DynamoDBError] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)


class Copier:
    """A source that is filled, and syncs from it into fresh tables."""

    def __init__(
        self, server: Server, fill: Callable[..., str], checkpoint: Path, items: list[dict[str, Any]]
    ) -> None:
        self._server, self._fill = server, fill
        self._store = FileStore(checkpoint)
        self._direct = wire_client(server, AccessKey("destination"))
        self.source_table = fill(wire_client(server, AccessKey("source")), KEYS, items)

    def table(self) -> str:
        return self._fill(self._direct, KEYS, [])

    def job(self, table: str, mapping: dict[str, Any], **options: Any) -> SyncJob:
        more = {"secret": SECRET, "total_segments": 4, "page_size": 20} | options
        limits = {"read_limit": RATHER_FAST, "write_limit": RATHER_FAST}
        return SyncJob(self.source_table, table, Mapping.parse(mapping), **(limits | more))

    def client(
        self,
        key: str,
        endpoint_url: str | None = None,
        credentials: Credentials | None = None,
        read_timeout: float = READ_TIMEOUT,
    ) -> Any:
        return create_client(
            credentials=credentials or renewed(key),
            region_name=self._server.region,
            endpoint_url=endpoint_url or self._server.endpoint_url,
            config=Config(connect_timeout=5, read_timeout=read_timeout, retries={"total_max_attempts": 1}),
            max_connections=CONNECTIONS,
        )

    def clients(self, before_source: FaultProxy, before_destination: FaultProxy, **options: Any) -> list[Any]:
        return [
            self.client("source", before_source.endpoint_url, **options),
            self.client("destination", before_destination.endpoint_url, **options),
        ]

    @contextmanager
    def proxies(self, *plans: Plan) -> Iterator[tuple[FaultProxy, FaultProxy]]:
        """One before the source, one before the destination."""
        with (
            fault_proxy(self._server.endpoint_url, plans[0]) as before_source,
            fault_proxy(self._server.endpoint_url, plans[-1]) as before_destination,
        ):
            yield before_source, before_destination

    def without_faults(self, mapping: dict[str, Any], **options: Any) -> list[bytes]:
        table = self.table()
        run_sync(self.job(table, mapping, **options), self.client("source"), self.client("destination"))
        return contents(self._direct, table)

    def until_done(
        self, mapping: dict[str, Any], plans: tuple[Plan, Plan], backoffs: list[Backoff], **options: Any
    ) -> Outcome:
        """Run a sync through the proxies, and after an error again with the next `Backoff`."""
        table, errors = self.table(), []
        with self.proxies(*plans) as proxies:
            for backoff in backoffs:
                clients = self.clients(*proxies)
                job = self.job(table, mapping, **options)
                try:
                    report = run_sync(job, *clients, checkpoints=self._store, backoff=backoff)
                except DynamoDBError as error:
                    errors.append(error)
                    continue
                finally:
                    for client in clients:
                        client.close()
                faults = proxies[0].faults + proxies[1].faults
                calls = proxies[0].calls + proxies[1].calls
                return Outcome(contents(self._direct, table), report, errors, faults, calls)
        raise errors[-1]


@pytest.fixture
def copier(dynamodb_local: Server, fill: Callable[..., str], tmp_path: Path) -> Copier:
    return Copier(dynamodb_local, fill, tmp_path / "checkpoint", ITEMS)


@pytest.fixture
def large(dynamodb_local: Server, fill: Callable[..., str], tmp_path: Path) -> Copier:
    """A source whose three segments are longer than what is written at once."""
    return Copier(dynamodb_local, fill, tmp_path / "checkpoint", MANY)


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.fixture(scope="module")
def happened() -> Counter[str]:
    """All faults of the seeded runs."""
    return Counter()


@pytest.mark.parametrize("seed", range(RUNS))
def test_a_sync_when_faults_meet_it_ends_with_the_table_or_resumes_to_it(
    seed: int, copier: Copier, happened: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    number = max(0, seed - 5)
    shares = every_kind() if number % 2 == 0 else alone(list(FAULTS)[number // 2 % len(FAULTS)])
    mapping = list(MAPPINGS.values())[seed % 2]
    where = WHERES[seed % len(WHERES)]
    backoffs = [IMPATIENT if seed % 4 == 3 else PATIENT, *[PATIENT] * 30]
    plans = SeededPlan(2 * seed, shares), SeededPlan(2 * seed + 1, shares)

    outcome = copier.until_done(mapping, plans, backoffs, where=where)

    assert outcome.contents == copier.without_faults(mapping, where=where)
    read = outcome.report.items_written_before + outcome.report.items_read
    assert read == outcome.report.items_written_before + outcome.report.items_written == len(outcome.contents)
    assert not [error for error in outcome.errors if MARKED in told(error)]
    assert MARKED not in caplog.text
    assert outcome.faults.total() > 0
    happened.update(outcome.faults)
    happened.update({"calls": outcome.calls.total(), "runs that failed first": len(outcome.errors)})


def test_the_seeded_runs_when_over_have_met_every_fault(happened: Counter[str]) -> None:
    if not happened:
        pytest.skip("the seeded runs were left out")
    sys.stdout.write(f"{dict(happened.most_common())}\n")

    assert {name for name in FAULTS if happened[name]} == set(FAULTS)
    assert happened["calls"] * 0.15 < sum(happened[name] for name in THROTTLES)


def nobody(operation: str, body: bytes, times: int) -> tuple[None, Random]:
    """A plan without faults."""
    return None, Random()


def at_call(number: int, operation: str, fault: str, otherwise: Plan = nobody) -> Plan:
    """A plan by which the call of this number, from 1, of an operation meets a fault."""
    calls = Counter[str]()

    def plan(asked: str, body: bytes, times: int) -> tuple[str | None, Random]:
        calls[asked] += 1
        if asked == operation and calls[asked] == number:
            return fault, Random()
        return otherwise(asked, body, times)

    return plan


def always(operation: str, fault: str, *, after: int = 0) -> Plan:
    """A plan by which an operation always meets a fault after some calls; a Scan after some of its segment."""
    calls = Counter[int]()

    def plan(asked: str, body: bytes, times: int) -> tuple[str | None, Random]:
        if asked != operation:
            return None, Random()
        segment = orjson.loads(body).get("Segment", 0)
        calls[segment] += 1
        return (fault if calls[segment] > after else None), Random()

    return plan


HOURS = Backoff(base_seconds=3600, cap_seconds=3600, patience_seconds=7200)
SEGMENTS = {"total_segments": 3, "page_size": 50}
"""Of each one page is read, then written."""

FIRST_PAGES = 1 + SEGMENTS["total_segments"]
"""The Scan by which all segments have begun, after preflight's own."""

LATE_SECONDS = 0.5


def late(plan: Plan) -> Plan:
    """A plan by which a fault comes when the other segments have gone on to their writes."""

    def delayed(asked: str, body: bytes, times: int) -> tuple[str | None, Random]:
        fault, random = plan(asked, body, times)
        if fault is not None:
            time.sleep(LATE_SECONDS)
        return fault, random

    return delayed


@pytest.mark.parametrize("code", FATAL)
@pytest.mark.parametrize(
    ("plan_of_source", "plan_of_destination", "limits"),
    [
        pytest.param(
            lambda _: always("Scan", "throttled by rate", after=5),
            lambda code: at_call(5, "BatchWriteItem", code),
            {},
            id="a write while reads wait",
        ),
        pytest.param(
            lambda code: late(at_call(FIRST_PAGES, "Scan", code)),
            lambda _: always("BatchWriteItem", "throttled by table"),
            {},
            id="a read while writes wait",
        ),
        pytest.param(
            lambda code: late(at_call(FIRST_PAGES, "Scan", code)),
            lambda _: nobody,
            {"write_limit": "1"},
            id="a read while writes are paced",
        ),
        pytest.param(
            lambda code: late(at_call(FIRST_PAGES, "Scan", code)),
            lambda _: always("BatchWriteItem", "slow", after=1),
            {},
            id="a read while writes hang",
        ),
        pytest.param(
            lambda _: always("Scan", "slow", after=5),
            lambda code: at_call(5, "BatchWriteItem", code),
            {},
            id="a write while reads hang",
        ),
    ],
)
def test_a_fatal_answer_when_all_others_wait_ends_the_run_within_two_seconds(
    code: str,
    plan_of_source: Callable[[str], Plan],
    plan_of_destination: Callable[[str], Plan],
    limits: dict[str, str],
    large: Copier,
) -> None:
    job = large.job(large.table(), MAPPINGS["keys mapped"], **SEGMENTS, **limits)

    with large.proxies(plan_of_source(code), plan_of_destination(code)) as proxies:
        clients = large.clients(*proxies, read_timeout=60)
        with pytest.raises(DynamoDBError) as caught:
            run_sync(job, *clients, backoff=HOURS)
        ended = time.monotonic()

    (answered_at,) = [proxy.answered_at[code] for proxy in proxies if code in proxy.answered_at]
    assert ended - answered_at < 2
    assert (caught.value.code, caught.value.kind) == (code, "fatal")
    assert MARKED not in told(caught.value)


def test_a_run_when_it_failed_in_the_middle_continues_from_there(large: Copier) -> None:
    mapping = MAPPINGS["keys mapped"]
    plans = nobody, at_call(33, "BatchWriteItem", "AccessDeniedException")

    outcome = large.until_done(mapping, plans, [PATIENT] * 2, **SEGMENTS)

    assert [error.code for error in outcome.errors] == ["AccessDeniedException"]
    assert 0 < outcome.report.items_written_before < len(MANY)
    assert outcome.contents == large.without_faults(mapping)


@pytest.mark.parametrize(("operation", "threads"), [("Scan", READERS), ("BatchWriteItem", WRITES)])
def test_throttling_when_it_does_not_end_is_no_storm(operation: str, threads: int, large: Copier) -> None:
    plan = always(operation, "throttled by table")
    job = large.job(large.table(), MAPPINGS["keys pass"], **SEGMENTS)

    backoff = Backoff(base_seconds=0.01, cap_seconds=0.1, patience_seconds=1)

    with large.proxies(plan) as proxies, pytest.raises(ThrottledError) as caught:
        run_sync(job, *large.clients(*proxies), backoff=backoff)

    assert caught.value.operation == operation
    # A second has room for twenty waits of 0.05 seconds each, which is their average.
    calls = sum(proxy.calls[operation] for proxy in proxies)
    assert 5 < calls < threads * 60


def test_a_run_when_stopped_in_a_wait_ends_at_once(copier: Copier) -> None:
    stop = threading.Event()
    job = copier.job(copier.table(), MAPPINGS["keys pass"])

    with copier.proxies(always("Scan", "throttled by table"), nobody) as proxies, pytest.raises(StoppedError):
        # Each wait would last half an hour on average.
        run_sync(
            job,
            *copier.clients(*proxies),
            backoff=HOURS,
            stop=stop,
            progress_seconds=0.01,
            on_progress=lambda _: proxies[0].faults and stop.set(),
        )

    assert proxies[0].faults["throttled by table"] > 0


def test_a_token_when_it_expires_for_all_threads_is_renewed_once(copier: Copier) -> None:
    job = copier.job(copier.table(), MAPPINGS["keys pass"])
    before = next(_TOKENS)

    with copier.proxies(at_call(6, "Scan", "expired token"), nobody) as proxies:
        report = run_sync(job, *copier.clients(*proxies), backoff=PATIENT)

    assert report.items_written == len(ITEMS)
    assert proxies[0].faults["expired token"] > 0
    assert next(_TOKENS) - before == 1 + 2 + 1  # one for each client, and one renewal


@pytest.mark.parametrize("credentials", [Credentials("source", "secret", "token"), None])
def test_a_token_when_it_expires_and_cannot_be_renewed_ends_the_run(
    credentials: Credentials | None, copier: Copier
) -> None:
    job = copier.job(copier.table(), MAPPINGS["keys pass"])
    credentials = credentials or renewed("source", always_the_same=True)

    with copier.proxies(at_call(6, "Scan", "expired token"), nobody) as proxies:
        source = copier.client("source", proxies[0].endpoint_url, credentials)
        with pytest.raises(CredentialsError, match="have expired") as caught:
            run_sync(job, source, copier.client("destination"), backoff=HOURS)

    assert caught.value.kind == "fatal"


def test_tokens_when_renewed_and_refused_again_end_the_run(copier: Copier) -> None:
    # Of several segments another one's first page may be answered in between, which proves the new token.
    job = copier.job(copier.table(), MAPPINGS["keys pass"], total_segments=1)
    before = next(_TOKENS)

    with (
        copier.proxies(always("Scan", "expired token", after=1), nobody) as proxies,
        pytest.raises(CredentialsError, match="have expired") as caught,
    ):
        run_sync(job, *copier.clients(*proxies), backoff=PATIENT)

    assert caught.value.kind == "fatal"
    assert next(_TOKENS) - before == 1 + 2 + 1
