"""The whole sync between tables of DynamoDB Local."""

import threading
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from botocore.awsrequest import AWSResponse

from airflow_dynsync.dynamodb.errors import DynamoDBError, InvalidRequestError, StoppedError, TableNotFoundError
from airflow_dynsync.engine import TransformError
from airflow_dynsync.sync.collisions import KeyCollisionsFoundError
from airflow_dynsync.sync.job import run_sync
from airflow_dynsync.sync.preflight import PreflightError
from airflow_dynsync.sync.preview import preview
from airflow_dynsync.sync.progress import Progress
from local.dynamodb import AccessKey, Server
from tests.jobs import SECRET, job
from tests.tables import by_key, read_all, wire_client

Fill = Callable[..., str]


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "the innermost"}
    for level in range(levels):
        value = {"M": {"inside": value}} if level % 2 else {"L": [value]}
    return value


EVERY_TYPE: dict[str, Any] = {
    "tiny": {"N": "0.00001"},
    "huge": {"N": "1" + "0" * 125},
    "digits": {"N": "9" * 38},
    "negative": {"N": "-12345678901234567890.123456789"},
    "text": {"S": "häßlich \U0001f600 \u0000 \u2028"},
    "empty text": {"S": ""},
    "empty list": {"L": []},
    "empty map": {"M": {}},
    "empty binary": {"B": ""},
    "nothing": {"NULL": True},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "bytes": {"B": b64encode(bytes(range(256))).decode()},
    "strings": {"SS": ["a", "b", "ü"]},
    "numbers": {"NS": ["-1", "0.1", "99999999999999999999999999999999999999"]},
    "binaries": {"BS": [b64encode(b"x").decode(), b64encode(b"y").decode()]},
    "a.name.with.dots": {"S": "dots"},
    'a "quoted" name': {"S": "quotes"},
    "\U0001f600": {"M": {"a.b": {"S": "inside"}, "[0]": {"N": "1"}}},
    "deep": nested(31),
}


def test_passthrough_of_every_type_is_byte_identical(fill: Fill, source: Any, destination: Any) -> None:
    keys = {"Id": "S", "At": "N"}
    items = [
        {"Id": {"S": "x"}, "At": {"N": at}, **EVERY_TYPE}
        for at in ("1700000000.123456", "1700000000.123461", "0.00001", "1" + "0" * 125, "9" * 38)
    ]
    source_table = fill(source, keys, items, prefix="prod.users.v1")
    destination_table = fill(destination, keys, [], prefix="stage.users.v1")

    report = run_sync(job(source_table, destination_table), source, destination)

    before, after = read_all(source, source_table), read_all(destination, destination_table)
    assert len(after) == len(items) == report.items_written
    assert [orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in after] == [
        orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in before
    ]
    assert by_key(after, "At") == by_key(items, "At")


def test_items_are_transformed_and_the_rest_of_them_is_not(fill: Fill, source: Any, destination: Any) -> None:
    items = [
        {
            "Id": {"S": f"u{number}"},
            "Name": {"S": f"Person Number {number}"},
            "Pets": {"M": {"Judith": {"M": {"Age": {"N": "11"}, "Kind": {"S": "cat"}}}}},
            "Tags": {"SS": [f"tag-{number}", "common-tag"]},
        }
        for number in range(2500)
    ]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    mapping = {
        "mappings": {
            "Name": "transform_full_name",
            "Pets.*.Age": {"transformer": "generate_int64", "min": 20, "max": 30},
            "Tags": "transform_string",
        },
        "unmapped": "passthrough",
    }

    report = run_sync(job(source_table, destination_table, mapping, total_segments=4), source, destination)

    after = by_key(read_all(destination, destination_table), "Id")
    assert (report.items_read, report.items_written, report.segments) == (2500, 2500, 4)
    for item in items:
        copy = after[repr([item["Id"]])]
        assert copy["Name"] != item["Name"]
        assert 20 <= int(copy["Pets"]["M"]["Judith"]["M"]["Age"]["N"]) <= 30
        assert copy["Pets"]["M"]["Judith"]["M"]["Kind"] == {"S": "cat"}
        assert len(copy["Tags"]["SS"]) == 2
        assert not set(copy["Tags"]["SS"]) & set(item["Tags"]["SS"])
    counts = {(row.path, row.outcome): row.count for row in report.rules}
    assert counts == {
        ("Name", "transformed"): 2500,
        ("Pets.*.Age", "transformed"): 2500,
        ("Tags", "transformed"): 2500,
    }


def test_two_runs_with_one_secret_write_the_same(fill: Fill, source: Any, destination: Any) -> None:
    items = [{"Id": {"N": str(number)}, "Mail": {"S": f"p{number}@corp.test"}} for number in range(50)]
    source_table = fill(source, {"Id": "N"}, items)
    tables = [fill(destination, {"Id": "N"}, []) for _ in range(3)]
    for table, secret in zip(tables, (SECRET, SECRET, b"another secret of 16+ bytes"), strict=True):
        run_sync(job(source_table, table, {"unmapped": "anonymize"}, secret=secret), source, destination)
    first, second, other = (by_key(read_all(destination, table), "Id") for table in tables)
    assert first == second
    assert all(first[key]["Mail"] != other[key]["Mail"] for key in first)


def test_where_copies_what_partiql_selects(fill: Fill, source: Any, destination: Any) -> None:
    items = [
        {"Id": {"S": str(number)}, "Address": {"M": {"Country": {"S": "DE" if number % 3 else "FR"}}}}
        for number in range(300)
    ]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    where = "Address.Country = 'FR' AND Id <> '0'"
    report = run_sync(job(source_table, destination_table, where=where, page_size=70), source, destination)
    expected = {str(number) for number in range(3, 300, 3)}
    assert {item["Id"]["S"] for item in read_all(destination, destination_table)} == expected
    assert report.items_read == len(expected)


@pytest.mark.parametrize(
    ("text_bytes", "where", "most", "batches"),
    [(10, "Few = true", 25, range(3, 6)), (300_000, None, 4, range(3, 5))],
    ids=["pages that a filter thinned are put together", "pages of large items are not"],
)
def test_batches_are_filled_and_hold_no_more_than_a_page(
    fill: Fill,
    source: Any,
    destination: Any,
    text_bytes: int,
    where: str | None,
    most: int,
    batches: range,
) -> None:
    count = 12 if where is None else 600
    items = [
        {"Id": {"S": str(number)}, "Few": {"BOOL": number % 10 == 0}, "Text": {"S": "x" * text_bytes}}
        for number in range(count)
    ]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    written: list[int] = []

    def note(request: Any, **_: Any) -> None:
        if b"PutRequest" in request.body:
            written.append(request.body.count(b"PutRequest"))

    destination.meta.events.register("before-send.dynamodb", note)
    run_sync(
        job(source_table, destination_table, where=where, page_size=50, total_segments=1),
        source,
        destination,
    )
    assert sum(written) == (60 if where else count)
    assert max(written) == most
    assert len(written) in batches


@pytest.mark.parametrize("where", ["Id = 'marked-value", "SELEC", "Id LIKE 'marked-value%'", "nofunction(Id)"])
def test_an_invalid_where_fails_at_once_without_its_text(
    fill: Fill, source: Any, destination: Any, where: str
) -> None:
    source_table = fill(source, {"Id": "S"}, [{"Id": {"S": "1"}}])
    destination_table = fill(destination, {"Id": "S"}, [])
    with pytest.raises(InvalidRequestError, match=source_table) as caught:
        run_sync(job(source_table, destination_table, where=where), source, destination)
    assert "where" in str(caught.value)
    assert "marked-value" not in str(caught.value)
    assert caught.value.kind == "fatal"


def test_a_missing_table_is_named(fill: Fill, source: Any, destination: Any) -> None:
    there = fill(source, {"Id": "S"}, [])
    with pytest.raises(TableNotFoundError, match="no-such-source"):
        run_sync(job("no-such-source", there), source, destination)
    with pytest.raises(TableNotFoundError, match="no-such-destination"):
        run_sync(job(there, "no-such-destination"), source, destination)


def test_a_table_is_never_copied_onto_itself(fill: Fill, source: Any) -> None:
    table = fill(source, {"Id": "S"}, [{"Id": {"S": "1"}}])
    with pytest.raises(PreflightError, match="is the source and the destination at once") as caught:
        run_sync(job(table, table), source, source)
    assert [finding.code for finding in caught.value.findings] == ["source_is_destination"]


@pytest.mark.parametrize("keys", [{"Other": "S"}, {"Id": "N"}, {"Id": "S", "At": "N"}])
def test_another_key_schema_is_refused(fill: Fill, source: Any, destination: Any, keys: dict[str, str]) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, []), fill(destination, keys, [])
    with pytest.raises(PreflightError, match="create the destination with the source's key schema"):
        run_sync(job(source_table, destination_table), source, destination)


def test_a_rule_that_cannot_give_the_keys_type_is_refused(fill: Fill, source: Any, destination: Any) -> None:
    source_table, destination_table = fill(source, {"Id": "N"}, []), fill(destination, {"Id": "N"}, [])
    mapping = {"mappings": {"Id": "transform_hash"}}
    with pytest.raises(PreflightError, match=r"mappings\.Id: transform_hash cannot take or give N"):
        run_sync(job(source_table, destination_table, mapping), source, destination)


def test_key_attributes_that_are_not_the_tables_are_refused(fill: Fill, source: Any, destination: Any) -> None:
    source_table, destination_table = fill(source, {"Id": "S"}, []), fill(destination, {"Id": "S"}, [])
    with pytest.raises(PreflightError, match=r"has the key Id, not PK \+ SK"):
        run_sync(job(source_table, destination_table, key_attributes=("PK", "SK")), source, destination)


@pytest.mark.parametrize("where", [None, "Kind = 'a' AND contains(Name, 'x')", "Id = '7'"])
def test_attributes_that_are_dropped_are_not_read(
    fill: Fill, source: Any, destination: Any, where: str | None
) -> None:
    items = [
        {"Id": {"S": str(number)}, "Kind": {"S": "ab"[number % 2]}, "Name": {"S": f"x{number}"}, "a.b": {"S": "y"}}
        for number in range(40)
    ]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    mapping = {"mappings": {"Name": "passthrough", '"a.b"': "passthrough"}, "unmapped": "drop"}
    asked: list[str] = []
    source.meta.events.register("before-send.dynamodb", lambda request, **_: asked.append(request.body.decode()))
    report = run_sync(job(source_table, destination_table, mapping, where=where), source, destination)
    numbers = {None: range(40), "Id = '7'": [7]}.get(where, range(0, 40, 2))
    kept = [items[number] for number in numbers]
    expected = [{name: item[name] for name in ("Id", "Name", "a.b")} for item in kept]
    assert by_key(read_all(destination, destination_table), "Id") == by_key(expected, "Id")
    assert report.read_by == ("query" if where == "Id = '7'" else "scan")
    assert all("ProjectionExpression" in body for body in asked if "Expression" in body)
    assert any("ProjectionExpression" in body for body in asked)


def test_what_is_dropped_is_read_where_a_check_has_to_know_it(fill: Fill, source: Any, destination: Any) -> None:
    items = [
        {
            "Id": {"S": str(number)},
            "Birthday": {"S": f"19{10 + number}-03-02"},
            "Place": {"M": {"Zip": {"S": "12345"}, "Town": {"S": "Oldtown"}}},
            "Notes": {"S": f"Account 48211907{number}"},
            "Account": {"N": f"48211907{number}"},
        }
        for number in range(40)
    ]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    mapping = {"mappings": {"Notes": "passthrough"}, "unmapped": "drop"}
    quasi_identifiers = ("Birthday", "Place.Zip")
    report = run_sync(
        job(source_table, destination_table, mapping, quasi_identifiers=quasi_identifiers), source, destination
    )
    assert report.risk is not None
    assert (report.risk.before.distinct, report.risk.after.distinct) == (40, 1)
    assert report.types is not None
    assert {path.path for path in report.types.paths}.isdisjoint({"Account"})
    report = run_sync(job(source_table, destination_table, mapping, exposure_check="all"), source, destination)
    assert report.exposure is not None
    assert [(finding.path, finding.seen_at, finding.count) for finding in report.exposure.findings] == [
        ("Account", "Notes", 40)
    ]
    assert report.verification is not None
    assert report.verification.passed


def test_mapped_keys_that_collide_stop_the_run(fill: Fill, source: Any, destination: Any) -> None:
    items = [{"Id": {"S": f"user-{number}"}} for number in range(40)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    mapping = {"mappings": {"Id": {"transformer": "constant", "value": "same", "allow_key_collisions": True}}}
    with pytest.raises(KeyCollisionsFoundError, match="39 items"):
        run_sync(job(source_table, destination_table, mapping), source, destination)
    assert read_all(destination, destination_table) == []


def test_mapped_keys_that_stay_different_are_written(fill: Fill, source: Any, destination: Any) -> None:
    items = [{"Id": {"S": f"user-{number}"}, "Number": {"N": str(number)}} for number in range(300)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    mapping = {"mappings": {"Id": "transform_hash"}, "unmapped": "passthrough"}
    run_sync(job(source_table, destination_table, mapping), source, destination)
    after = read_all(destination, destination_table)
    assert {item["Number"]["N"] for item in after} == {str(number) for number in range(300)}
    assert not {item["Id"]["S"] for item in after} & {item["Id"]["S"] for item in items}


def test_a_value_that_a_rule_cannot_take_stops_the_run_without_showing_it(
    fill: Fill, source: Any, destination: Any
) -> None:
    items = [{"Id": {"S": "1"}, "Mail": {"N": "4711"}}]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    with pytest.raises(
        TransformError, match=r"mappings\.Mail: transform_email takes S, and met a number"
    ) as caught:
        run_sync(
            job(source_table, destination_table, {"mappings": {"Mail": "transform_email"}}), source, destination
        )
    assert "4711" not in str(caught.value)


class _Faults:
    """Answers some BatchWriteItem calls itself: the first ones with what AWS does under load."""

    def __init__(self, client: Any, calls: int) -> None:
        self.left = calls
        self._lock = threading.Lock()
        client.meta.events.register("before-send.dynamodb.BatchWriteItem", self)

    def __call__(self, request: Any, **_: Any) -> AWSResponse | None:
        with self._lock:
            self.left -= 1
            number = self.left
        if number < 0:
            return None
        if number % 2:
            body, status = {"__type": "com.amazonaws#ProvisionedThroughputExceededException", "message": ""}, 400
        else:
            body, status = {"UnprocessedItems": orjson.loads(bytes(request.body))["RequestItems"]}, 200
        return _response(request.url, status, body)


def _response(url: str, status: int, body: dict[str, Any]) -> AWSResponse:
    class Raw:
        def stream(self, *_: Any, **__: Any) -> Any:
            yield orjson.dumps(body)

        def read(self, *_: Any) -> bytes:
            return orjson.dumps(body)

    return AWSResponse(url, status, {"Content-Type": "application/x-amz-json-1.0"}, Raw())


def test_unprocessed_items_and_throttling_are_waited_out(fill: Fill, source: Any, dynamodb_local: Server) -> None:
    destination = wire_client(dynamodb_local, AccessKey("destination"))
    items = [{"Id": {"S": str(number)}} for number in range(200)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    faults = _Faults(destination, 12)
    report = run_sync(job(source_table, destination_table), source, destination)
    assert faults.left < 0
    assert report.items_resubmitted > 0
    assert report.items_written == 200
    assert len(read_all(destination, destination_table)) == 200


def test_a_stopped_run_leaves_a_table_that_the_next_run_completes(
    fill: Fill, source: Any, destination: Any
) -> None:
    items = [{"Id": {"S": str(number)}} for number in range(3000)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    stop = threading.Event()
    moments: list[Progress] = []

    def stop_early(moment: Progress) -> None:
        moments.append(moment)
        if moment.items_written:
            stop.set()

    with pytest.raises(StoppedError):
        run_sync(
            job(source_table, destination_table, page_size=50),
            source,
            destination,
            on_progress=stop_early,
            progress_seconds=0.01,
            stop=stop,
        )
    assert 0 < len(read_all(destination, destination_table)) < 3000
    run_sync(job(source_table, destination_table), source, destination)
    assert by_key(read_all(destination, destination_table), "Id") == by_key(items, "Id")


def test_progress_ends_with_the_whole_table(fill: Fill, source: Any, destination: Any) -> None:
    items = [{"Id": {"S": str(number)}} for number in range(120)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    moments: list[Progress] = []
    run_sync(job(source_table, destination_table), source, destination, on_progress=moments.append)
    last = moments[-1]
    assert (last.items_read, last.items_transformed, last.items_written, last.items_expected) == (120,) * 4


def test_preview_shows_what_would_be_written_and_writes_nothing(fill: Fill, source: Any, destination: Any) -> None:
    items = [{"Id": {"S": str(number)}, "Mail": {"S": f"p{number}@corp.test"}} for number in range(20)]
    source_table, destination_table = fill(source, {"Id": "S"}, items), fill(destination, {"Id": "S"}, [])
    work = job(source_table, destination_table, {"mappings": {"Mail": "transform_email"}})
    pairs = preview(work, source, 3)
    assert len(pairs) == 3
    assert read_all(destination, destination_table) == []
    run_sync(work, source, destination)
    written = by_key(read_all(destination, destination_table), "Id")
    assert all(written[repr([before["Id"]])] == after for before, after in pairs)


def test_a_refused_write_says_which_table_and_never_a_value(
    fill: Fill, source: Any, dynamodb_local: Server
) -> None:
    destination = wire_client(dynamodb_local, AccessKey("destination"))
    source_table = fill(source, {"Id": "S"}, [{"Id": {"S": "marked-value"}}])
    destination_table = fill(destination, {"Id": "S"}, [])

    def refuse(request: Any, **_: Any) -> AWSResponse:
        message = "One or more parameter values were invalid: Input collection [marked-value] contains duplicates."
        return _response(request.url, 400, {"__type": "x#ValidationException", "message": message})

    destination.meta.events.register("before-send.dynamodb.BatchWriteItem", refuse)
    with pytest.raises(DynamoDBError, match=destination_table) as caught:
        run_sync(job(source_table, destination_table), source, destination)
    assert "marked-value" not in str(caught.value)
