"""What is put aside: found in a chunk by applying the plan to its parts, kept as lines, reported by reason."""

from pathlib import Path
from typing import Any

import pytest

from airflow_dynsync.dynamodb.errors import InvalidRequestError
from airflow_dynsync.engine import Plan, TransformError, compile_plan
from airflow_dynsync.sync.dead_letters import (
    DeadLetterFile,
    DeadLetters,
    TooManyItemErrorsError,
    destination_key,
    parse_dead_letters,
    transform_others,
)
from airflow_dynsync.sync.errors import SyncError

SECRET = b"a secret for these tests"
Item = dict[str, Any]


def plan(mappings: dict[str, Any] | None = None) -> Plan:
    rules = {"Mail": "transform_email"} if mappings is None else mappings
    return compile_plan({"mappings": rules, "unmapped": "passthrough"}, key_attributes=("Id",), secret=SECRET)


def items(count: int, *bad: int) -> list[Item]:
    return [
        {"Id": {"S": str(n)}, "Mail": {"N": "4711"} if n in bad else {"S": f"p{n}@corp.test"}}
        for n in range(count)
    ]


@pytest.mark.parametrize("bad", [(), (0,), (9,), (3, 4, 7), tuple(range(10))])
def test_the_items_that_fail_are_put_aside_and_the_others_become_what_they_become_alone(
    bad: tuple[int, ...],
) -> None:
    chunk = items(10, *bad)
    aside: list[Item] = []
    compiled = plan()
    sources, results = transform_others(compiled, chunk, lambda item, _: aside.append(item))
    good = [item for number, item in enumerate(chunk) if number not in bad]
    assert sources == good
    assert results == plan().apply(good)
    assert aside == [chunk[number] for number in bad]
    counted = sum(row.count for row in compiled.statistics.counts)
    assert counted == len(good)


class _WithoutRows:
    """A plan whose errors blame no item."""

    def apply(self, chunk: list[Item]) -> list[Item]:
        if any("N" in item["Mail"] for item in chunk):
            raise TransformError("mappings.Mail", "met a number")
        return chunk


def test_an_error_that_blames_no_item_is_found_by_halves() -> None:
    chunk, aside = items(50, 11, 12, 49), []
    sources, _ = transform_others(_WithoutRows(), chunk, lambda item, _: aside.append(item))  # type: ignore[arg-type]
    assert aside == [chunk[11], chunk[12], chunk[49]]
    assert len(sources) == 47


@pytest.mark.parametrize(
    ("mappings", "known"),
    [
        ({"Mail": "transform_email"}, True),
        ({"Mail": "transform_email", "Id": "transform_hash"}, True),
        ({"Id": {"transformer": "transform_javascript", "code": "return value + '!'"}}, False),
    ],
)
def test_the_key_at_the_destination_is_known_where_the_rules_on_it_look_at_nothing_else(
    mappings: dict[str, Any], known: bool
) -> None:
    compiled = plan(mappings)
    (good,), (bad,) = items(1), items(1, 0)
    expected = {"Id": compiled.apply([good])[0]["Id"]} if known else None
    assert destination_key(compiled, bad) == expected


def letters(path: Path, **options: Any) -> DeadLetters:
    arguments: dict[str, Any] = {
        "secret": SECRET,
        "source_table": "customers",
        "key_names": ("Id",),
        "most": 3,
        "items": "none",
        "continues": False,
    }
    return DeadLetters(DeadLetterFile(path), **arguments | options)


def refused(reason: str = "an item is larger than 400 KB") -> InvalidRequestError:
    return InvalidRequestError(reason, code="ValidationException")


def test_reasons_are_counted_the_most_frequent_first(tmp_path: Path) -> None:
    aside = letters(tmp_path / "letters")
    assert aside.warning() is None
    for item, error in zip(
        items(3), (refused(), TransformError("mappings.Mail", "met a number"), refused()), strict=True
    ):
        aside.add(item, error)
    part = aside.part()
    assert [(reason.rule, reason.count) for reason in part.reasons] == [(None, 2), ("mappings.Mail", 1)]
    assert aside.warning() == (
        f"Dead letters: 3 items could not be transformed or written, listed in {tmp_path / 'letters'}:"
        " 2 x an item is larger than 400 KB; 1 x mappings.Mail: met a number"
    )


def test_an_item_that_is_met_twice_counts_once(tmp_path: Path) -> None:
    aside = letters(tmp_path / "letters", most=1)
    (item,) = items(1)
    aside.add(item, refused())
    aside.add(item, refused())
    assert aside.part().count == 1


def test_one_too_many_is_listed_too(tmp_path: Path) -> None:
    aside = letters(tmp_path / "letters")
    *allowed, last = items(4)
    for item in allowed:
        aside.add(item, refused())
    with pytest.raises(TooManyItemErrorsError, match="table customers: more than max_item_errors"):
        aside.add(last, refused())
    aside.save()
    assert len(parse_dead_letters((tmp_path / "letters").read_text())[1]) == 4


def test_a_run_that_continues_goes_on_with_the_file_and_another_begins_it_anew(tmp_path: Path) -> None:
    first = letters(tmp_path / "letters")
    for item in items(2):
        first.add(item, refused())
    first.save()
    second = letters(tmp_path / "letters", continues=True)
    second.add(items(2)[1], refused())
    assert (second.part().count, second.part().count_before, second.part().count_now) == (2, 1, 1)
    assert letters(tmp_path / "letters").part().count == 0


def test_without_a_secret_digests_differ_in_each_run(tmp_path: Path) -> None:
    (item,) = items(1)
    keys = set()
    for _ in range(2):
        aside = letters(tmp_path / "letters", secret=None)
        aside.add(item, refused())
        aside.save()
        keys |= {letter.key for letter in parse_dead_letters((tmp_path / "letters").read_text())[1]}
    assert len(keys) == 2


@pytest.mark.parametrize("text", ["", "{}", "a diary", '{"format": "dynsync dead letters 2"}', "[]"])
def test_what_is_no_dead_letter_file_is_not_read_as_one(text: str) -> None:
    with pytest.raises(SyncError, match="a dead-letter file of this version was expected"):
        parse_dead_letters(text)


def test_a_file_that_cannot_be_written_is_told_with_the_reason(tmp_path: Path) -> None:
    class FullDisk(DeadLetterFile):
        def save(self, text: str) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(SyncError, match="cannot be written, No space left on device; name another"):
        DeadLetters(
            FullDisk(tmp_path / "letters"),
            secret=SECRET,
            source_table="customers",
            key_names=("Id",),
            most=3,
            items="none",
            continues=False,
        )
