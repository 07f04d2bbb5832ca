"""The report of a run: one document with a version, a short form of it, and the sum of several."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from airflow_dynsync.cli import main
from airflow_dynsync.engine import compile_plan
from airflow_dynsync.engine.mapping import Mapping
from airflow_dynsync.engine.statistics import RuleCount
from airflow_dynsync.sync.collisions import CollisionWatch
from airflow_dynsync.sync.drift import DriftWatch, Fingerprint
from airflow_dynsync.sync.errors import SyncError
from airflow_dynsync.sync.exposure import ExposureCheck
from airflow_dynsync.sync.findings import Finding
from airflow_dynsync.sync.fingerprint import mapping_fingerprint
from airflow_dynsync.sync.mapping_file import TableMapping
from airflow_dynsync.sync.progress import Counters
from airflow_dynsync.sync.report import SCHEMA_VERSION, SyncReport, combined
from airflow_dynsync.sync.report.clock import RunClock
from airflow_dynsync.sync.report.composition import failed_report
from airflow_dynsync.sync.report.document import SHORT_ROWS
from airflow_dynsync.sync.report.files import read_report, report_paths, write_report
from airflow_dynsync.sync.report.found import DriftFinding, ExposureFinding
from airflow_dynsync.sync.report.parts import (
    collisions_part,
    drift_part,
    exposure_part,
    preflight_part,
    types_part,
)
from airflow_dynsync.sync.report.schema import described_fields, report_schema
from tests.reports import BARE, FULL


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("report", [BARE, FULL, FULL.short()], ids=["bare", "full", "short"])
def test_a_report_comes_back_from_its_json_as_it_was_and_fits_the_schema(
    report: SyncReport, validator: Any
) -> None:
    assert SyncReport.from_json(report.as_json()) == report
    assert SyncReport.from_dict(report.as_dict()) == report
    validator.validate(json.loads(report.as_json()))


def test_the_example_of_a_report_has_every_part() -> None:
    absent = [field.name for field in fields(FULL) if getattr(FULL, field.name) is None]
    assert absent == ["error"], "which only a run that failed has"


def test_every_field_of_the_schema_is_described_in_a_docstring() -> None:
    schema = report_schema()
    parts = {"SyncReport": schema, **schema["$defs"]}
    undescribed = [
        f"{name}.{field}"
        for name, part in parts.items()
        for field, said in part["properties"].items()
        if not said.get("description")
    ]
    assert undescribed == []
    assert described_fields(SyncReport)[1].keys() == {field.name for field in fields(SyncReport)}


def test_a_report_written_before_there_were_parts_can_be_read() -> None:
    named = {field.name for field in fields(SyncReport)}
    old = {name: value for name, value in BARE.as_dict().items() if value is not None}
    for name in ("schema_version", "complete", "shortened", "source_region"):
        del old[name]
    assert old.keys() < named
    assert SyncReport.from_dict(old) == BARE


def test_what_a_later_version_adds_is_passed_over_and_a_later_schema_refused() -> None:
    assert SyncReport.from_dict({**BARE.as_dict(), "added_later": 1}) == BARE
    with pytest.raises(SyncError, match="schema_version is none up to 1; read it with a newer airflow-dynsync"):
        SyncReport.from_dict({**BARE.as_dict(), "schema_version": SCHEMA_VERSION + 1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is no JSON object"),
        ("marked-value", "is no JSON object"),
        ("{}", "source_table: is not what a report of schema version 1 has there"),
        (replace(BARE, items_read="marked-value").as_json(), "items_read: is not what"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_report_is_refused_at_its_place_and_never_quoted(text: str, message: str) -> None:
    with pytest.raises(SyncError, match=message) as caught:
        SyncReport.from_json(text)
    assert "marked-value" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_short_form_is_bounded_and_its_counts_are_those_of_the_whole() -> None:
    outcomes = [f"found KIND_{number}" for number in range(900)]
    rules = tuple(
        RuleCount(f"{'x' * 60_000}{number}", f"mappings.{number}", "transform_email", outcome, number)
        for number, outcome in enumerate(["transformed"] * 1_000 + outcomes)
    )
    drift = FULL.drift
    assert drift is not None
    many = tuple(DriftFinding("warning", "new_path", "y" * 60_000, ("S",), (), hidden=False) for _ in range(5_000))
    report = replace(FULL, rules=rules, drift=replace(drift, found=5_000, findings=many))
    short = report.short()
    assert len(short.rules) <= 2 * SHORT_ROWS
    assert sum(row.count for row in short.rules) == sum(row.count for row in rules)
    assert len(short.as_json()) < 100_000
    assert short.shortened
    assert (short.types, short.timeline) == (None, None)
    assert short.drift is not None
    assert (short.drift.found, len(short.drift.findings)) == (5_000, SHORT_ROWS)


def test_the_short_form_of_a_few_rules_has_them_all() -> None:
    assert FULL.short().rules == FULL.rules


def shares() -> list[SyncReport]:
    part = replace(
        FULL,
        complete=True,
        incomplete_because=None,
        items_written=FULL.items_read,
        segments=4,
        dead_letters=None,
    )
    return [part, replace(part, first_segment=4)]


def test_reports_of_two_workers_add_up() -> None:
    whole = combined(shares())
    assert (whole.items_read, whole.segments) == (2 * FULL.items_read, 8)
    assert whole.collisions == FULL.collisions
    assert whole.retries is not None
    assert (whole.retries.throttled, whole.retries.seconds) == (74, 22.8)
    assert whole.capacity is not None
    assert (whole.capacity.write_limit, whole.capacity.write_price) == (6_000.0, 0.625)
    assert whole.verification is not None
    assert (whole.verification.items_checked, whole.verification.passed) == (2_000, True)
    assert whole.types is not None
    assert whole.types.paths[1].types == {"NULL": 824, "S": 96_420}
    assert whole.phases == FULL.phases
    assert SyncReport.from_json(whole.as_json()) == whole


def test_of_two_workers_findings_are_told_once() -> None:
    whole = combined(shares())
    assert whole.drift is not None
    assert FULL.drift is not None
    assert whole.drift.findings == FULL.drift.findings
    assert whole.exposure is not None
    assert whole.exposure.findings == (
        ExposureFinding("warning", "text", "mappings.Email", "Email", "Search.keywords", 28, 9),
    )


def test_what_parts_cannot_tell_is_left_out_of_their_sum() -> None:
    whole = combined(shares())
    assert (whole.timeline, whole.risk) == (None, None)


def test_one_incomplete_part_makes_the_whole_incomplete() -> None:
    first, second = shares()
    whole = combined([first, replace(second, complete=False, incomplete_because="3 items were put aside")])
    assert (whole.complete, whole.incomplete_because) == (False, "3 items were put aside")


def test_what_workers_put_aside_adds_up() -> None:
    first, second = (replace(FULL, segments=4, first_segment=segment) for segment in (0, 4))
    whole = combined([first, second])
    assert FULL.dead_letters is not None
    assert whole.dead_letters is not None
    assert (whole.dead_letters.count, whole.items_read - whole.items_written) == (6, 6)
    assert [reason.count for reason in whole.dead_letters.reasons] == [4, 2]
    assert whole.incomplete_because == (
        f"6 items could not be transformed or written, listed in {FULL.dead_letters.path}"
    )
    lost = replace(second, dead_letters=replace(FULL.dead_letters, count_before=1))
    with pytest.raises(SyncError, match="run it again"):
        combined([first, lost])


def test_a_fingerprint_tells_mappings_apart_and_not_how_the_table_is_read() -> None:
    mapping = {"mappings": {"Email": "transform_email"}, "unmapped": "passthrough"}
    same = mapping_fingerprint(Mapping.parse(mapping))
    where = TableMapping.parse({**mapping, "where": "Id = '111'", "quasi_identifiers": ["Zip"]})
    other = Mapping.parse({**mapping, "unmapped": "drop"})
    assert mapping_fingerprint(where) == same
    assert mapping_fingerprint(other) != same
    assert len(same) == 32


def test_a_timeline_begins_at_nothing_ends_at_all_and_stays_short() -> None:
    counters = Counters(None)
    counters._interval = 0.0  # every page is a moment
    for _ in range(1_000):
        counters.add_read(10, 10, 1.5)
        counters._interval = 0.0
        counters.add_written(10, 0, 20.0)
    timeline = counters.timeline()
    assert 100 <= len(timeline) <= 201
    assert (timeline[0].items_read, timeline[0].seconds) == (0, 0.0)
    assert (timeline[-1].items_read, timeline[-1].items_written) == (10_000, 10_000)
    assert (timeline[-1].read_units, timeline[-1].write_units) == (1_500.0, 20_000.0)
    for name in ("seconds", "items_read", "items_written", "write_units"):
        values = [getattr(moment, name) for moment in timeline]
        assert values == sorted(values)


def test_a_clock_tells_phases_in_order_and_times_in_utc() -> None:
    clock = RunClock()
    for name in ("prepare", "move", "prepare"):
        with clock.phase(name):
            pass
    assert [phase.name for phase in clock.phases] == ["prepare", "move"]
    run = clock.run()
    assert run.started <= run.ended
    assert run.ended.endswith("Z")
    assert clock.run().id == run.id != RunClock().run().id


def test_parts_tell_what_the_checks_found() -> None:
    items: list[Any] = [{"Id": {"S": str(n)}, "Email": {"S": f"p{n}@corp.test"}} for n in range(30)]
    leaking: list[Any] = [{**item, "Note": {"S": f"write to {item['Email']['S']}"}} for item in items]
    plan = compile_plan(
        {"mappings": {"Email": "transform_email"}, "unmapped": "passthrough"},
        key_attributes=("Id",),
        secret=b"0123456789abcdef",
    )
    before = Fingerprint()
    before.observe(items)
    watch = DriftWatch(before, plan)
    watch.observe(leaking)
    check = ExposureCheck(plan)
    check.check(leaking, plan.apply(leaking))
    keys = CollisionWatch("t", ("Id",))
    keys.admit(items)
    finding = Finding("destination_not_empty", "warning", "t", "holds items", "empty it")
    report = replace(
        BARE,
        types=types_part(watch.fingerprint),
        drift=drift_part(watch, "an earlier run"),
        exposure=exposure_part(check, "all"),
        collisions=collisions_part(keys, 30),
        preflight=preflight_part([finding], {"destination_not_empty"}),
    )
    text = report.as_json()
    assert SyncReport.from_json(text) == report
    assert "corp.test" not in text
    assert report.drift is not None
    assert [(each.kind, each.path) for each in report.drift.findings] == [("new_path", "Note")]
    assert report.exposure is not None
    assert {(each.path, each.seen_at) for each in report.exposure.findings} == {("Email", "Note")}
    assert report.preflight is not None
    assert report.preflight[0].acknowledged
    plain = report.as_dict()["types"]
    assert Fingerprint.from_dict(plain).as_dict() == watch.fingerprint.as_dict()


@pytest.mark.parametrize(
    ("path", "share", "expected"),
    [
        ("a/run", "", ("a/run.json", "a/run.html")),
        ("a/run.json", "", ("a/run.json", "a/run.html")),
        ("s3://b/run.html", "0-3-of-16", ("s3://b/run.0-3-of-16.json", "s3://b/run.0-3-of-16.html")),
        ("run.2026", "", ("run.2026.json", "run.2026.html")),
    ],
)
def test_the_document_and_the_page_lie_beside_each_other(path: str, share: str, expected: tuple[str, str]) -> None:
    assert report_paths(path, share) == expected


def test_the_report_of_a_run_that_failed_lies_beside_the_last_one_and_tells_our_own_errors_alone(
    tmp_path: Path,
) -> None:
    own = failed_report(BARE, SyncError("table t: a sentence of ours"))
    foreign = failed_report(BARE, ValueError("somebody@corp.test"))
    assert (own.outcome, own.complete, own.error) == ("failed", False, "SyncError")
    assert own.incomplete_because == "table t: a sentence of ours"
    assert foreign.error == "ValueError"
    assert "corp.test" not in foreign.as_json()
    write_report(BARE, str(tmp_path / "run"), share="0-3-of-16")
    assert write_report(own, str(tmp_path / "run.json"), share="0-3-of-16") == (
        f"{tmp_path}/run.0-3-of-16.failed.json",
        f"{tmp_path}/run.0-3-of-16.failed.html",
    )
    assert read_report(str(tmp_path / "run"), share="0-3-of-16") == BARE


def test_a_report_is_written_as_document_and_page(tmp_path: Path) -> None:
    document, page = write_report(FULL, str(tmp_path / "new" / "run.json"))
    assert SyncReport.from_json(Path(document).read_bytes()) == FULL
    assert Path(page).read_text().startswith("<!DOCTYPE html>")


def test_a_place_that_cannot_be_written_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        SyncError, match=r"run\.json: the report cannot be written, .*; the items are, so give another"
    ):
        write_report(FULL, str(tmp_path / "file" / "run"))


def test_the_report_command_renders_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, page = write_report(FULL, str(tmp_path / "run"))
    assert main(["report", document, "-o", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text() == Path(page).read_text()
    assert main(["report", document]) == 0
    assert capsys.readouterr().out == Path(page).read_text()


def test_the_report_command_tells_what_is_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text("no")
    assert main(["report", str(tmp_path / "run.json")]) == 1
    assert "run.json: the report: is no JSON object; give a file that a sync wrote" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "none.json")]) == 1
    assert "none.json: No such file or directory; give another path" in capsys.readouterr().err
