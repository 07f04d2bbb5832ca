"""The page of a report: all text escaped, nothing from elsewhere, the plots told in words and numbers as well."""

import re
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from airflow_dynsync.engine.statistics import RuleCount
from airflow_dynsync.sync.report import SyncReport
from airflow_dynsync.sync.report.charts import bars, plots, rates
from airflow_dynsync.sync.report.course import Moment
from airflow_dynsync.sync.report.found import Exposure
from airflow_dynsync.sync.report.html import MOST_BARS, render
from tests.reports import BARE, FULL

VOID = {"meta", "br", "rect", "line", "polyline", "polygon"}


class Page(HTMLParser):
    """Reads a page and fails where elements are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render(FULL))


def hostile(part: Any) -> Any:
    """Return a report whose every text that people write is markup."""
    if isinstance(part, str):
        return f"</td><script>alert('{part}')</script>\"&"
    if isinstance(part, tuple):
        return tuple(map(hostile, part))
    if isinstance(part, dict):
        return {hostile(name): value for name, value in part.items()}
    if is_dataclass(part) and not isinstance(part, type):
        kept = {"read_by", "outcome", "severity", "mode", "started", "ended"}
        return replace(
            part,
            **{each.name: hostile(getattr(part, each.name)) for each in fields(part) if each.name not in kept},
        )
    return part


def test_every_text_is_escaped() -> None:
    told = render(hostile(FULL))
    page = Page(told)
    assert "script" not in {name for name, _ in page.elements}
    assert "alert('Email')" in page.text
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


@pytest.mark.parametrize("report", [BARE, FULL, FULL.short(), replace(BARE, rules=(), seconds=0.0)])
def test_a_page_needs_no_network_and_runs_nothing(report: SyncReport) -> None:
    told = render(report)
    page = Page(told)
    names = {name for name, _ in page.elements}
    assert names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"} == set()
    assert not {"src", "href", "action", "xlink:href"} & {name for _, given in page.elements for name in given}
    assert "url(" not in told
    assert "@import" not in told
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'\"" in told


def test_every_plot_says_in_words_what_it_shows(page: Page) -> None:
    drawings = [given for name, given in page.elements if name == "svg"]
    named = {given["id"] for _, given in page.elements if "id" in given}
    assert len(drawings) > 10
    for given in drawings:
        assert given["role"] == "img"
        assert given.get("aria-label") or set(str(given["aria-labelledby"]).split()) <= named
    ids = [given["id"] for _, given in page.elements if "id" in given]
    assert len(ids) == len(set(ids))


def test_the_numbers_behind_a_plot_follow_as_a_table(page: Page) -> None:
    assert "Throughput in items per second over 41.3 s" in page.text
    assert page.text.count("The numbers follow as a table.") == 3
    assert page.text.count("written per s") == 1
    assert page.text.count("read units per s") == 1


def test_the_page_says_what_ran_what_was_protected_checked_found_and_not_proved(page: Page) -> None:
    headings = ["What was checked", "What was protected, and how", "What was found", "Re-identification risk"]
    headings += ["What ran", "What this report does not prove"]
    places = [page.text.index(heading) for heading in headings]
    assert places == sorted(places)
    for said in (
        "✕ incomplete 3 items were put aside",
        "48,622 read, 48,619 written, 3 put aside.",
        "transform_email 48,622 48,210 replaced, 412 empty",
        "Rules that met no value mappings.Coupons",
        "Passed through, covered by no rule Id , LoyaltyTier",
        "EmergencyContact.phone new path S name, PHONE_NUMBER no",
        "Email Search.keywords text 14",
        "k of the rarest combination 1 2",
        "a3f1c2d4e5b60718293a4b5c6d7e8f90",
        "Not every written item was read back.",
    ):
        assert said in page.text


def test_a_report_without_parts_says_which_checks_were_not_made() -> None:
    page = Page(render(BARE))
    assert "Exposure – not done Written items were not searched for original values." in page.text
    assert "Schema drift – not done" in page.text
    assert "Verification – not done Nothing was read back from the destination." in page.text
    assert "✓ complete" in page.text
    assert "Re-identification risk" not in page.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"items_written": 48_000}, "Items accounted for ✕ failed 48,622 read, 48,000 written."),
        ({"exposure": Exposure("all", 10, 0, 0, ())}, "in 10 items (all): none was seen."),
        ({"exposure": Exposure("off", 0, 0, 0, ())}, "Exposure – not done"),
        ({"preflight": ()}, "Nothing was found against the tables or the mapping"),
        ({"drift": replace(FULL.drift, compared_with=None)}, "There was no earlier run to compare with"),  # type: ignore[type-var]
        ({"drift": replace(FULL.drift, found=0, findings=())}, "No new path or type in 48,622 items"),  # type: ignore[type-var]
        ({"verification": replace(FULL.verification, different=2, passed=False)}, "Verification ✕ failed"),  # type: ignore[type-var]
        ({"dead_letters": replace(FULL.dead_letters, count=0)}, "No item was put aside."),  # type: ignore[type-var]
        ({"dead_letters": FULL.dead_letters}, "refused by DynamoDB BatchWriteItem was refused"),
        (
            {
                "outcome": "failed",
                "error": "ThrottledError",
                "complete": False,
                "incomplete_because": "No capacity",
            },
            "✕ failed ThrottledError : No capacity",
        ),
    ],
)
def test_a_check_is_told_with_its_result(change: dict[str, Any], said: str) -> None:
    assert said in Page(render(replace(BARE, **change))).text


def test_paths_beyond_the_drawn_ones_are_told_as_a_number() -> None:
    rules = tuple(
        RuleCount(f"A{n}", "unmapped", "transform_string", "transformed", 1) for n in range(MOST_BARS + 7)
    )
    assert "7 more paths are in the JSON document." in Page(render(replace(BARE, rules=rules))).text


def test_a_bar_adds_up_outcomes_and_leaves_out_what_was_met_inside() -> None:
    outcomes = {"transformed": 6, "mismatch_null": 1, "mismatch_drop": 1, "kept_null": 2, "found PERSON": 50}
    (bar,) = bars([RuleCount("A", "mappings.A", "t", outcome, count) for outcome, count in outcomes.items()])
    assert bar.counts == {"replaced": 6, "removed": 2, "empty": 2}
    assert bar.segments == (("replaced", 0.0, 60.0), ("removed", 60.0, 20.0), ("empty", 80.0, 20.0))


def test_rates_add_up_to_the_count_however_uneven_the_moments() -> None:
    counts = [(0.0, 0.0), (0.1, 70.0), (0.1, 70.0), (3.0, 100.0), (9.0, 400.0)]
    found = rates(counts)
    assert sum(found) * 9.0 / len(found) == pytest.approx(400)
    assert found[-1] == pytest.approx(50.0)


def test_a_plot_stays_in_its_box_and_shows_the_limit() -> None:
    timeline = [
        Moment(float(second), second * 10, second * 9, second * 5.0, second * 20.0) for second in range(11)
    ]
    throughput, read, write = plots(timeline, None, 25.0)
    assert (throughput.limit_height, read.limit_height) == (None, None)
    assert write.limit_height == pytest.approx(100 - 100 / 1.08, abs=0.01)
    for plot in (throughput, read, write):
        for curve in plot.curves:
            places = [float(number) for number in re.findall(r"[\d.]+", plot.points(curve))]
            assert 0 <= min(places) <= max(places) <= 100
        assert all(0 <= height <= 100 for _, height in plot.marks)
        assert 3 <= len(plot.marks) <= 8
    assert [means for _, means in throughput.rows()] == [pytest.approx((10.0, 9.0))] * 12


@pytest.mark.parametrize("seconds", [(), (0.0,), (0.0, 0.0)])
def test_a_run_of_no_length_has_no_plot(seconds: tuple[float, ...]) -> None:
    assert plots([Moment(second, 0, 0, 0.0, 0.0) for second in seconds], 5.0, None) == []


def test_a_run_that_wrote_nothing_has_plots_of_nothing() -> None:
    (throughput,) = plots([Moment(0.0, 0, 0, 0.0, 0.0), Moment(2.0, 0, 0, 0.0, 0.0)], None, None)
    assert set(throughput.curves[0].rates) == {0.0}
