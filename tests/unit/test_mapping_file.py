"""Mapping files: what they may hold, and what is said of those that are wrong."""

from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import pytest

from airflow_dynsync.engine import MappingError
from airflow_dynsync.sync.errors import MappingFileError
from airflow_dynsync.sync.mapping_file import parse_mapping_file, read_mapping_file


def parse(text: str):
    return parse_mapping_file(dedent(text))


def test_a_file_of_one_table_serves_any_table() -> None:
    file = parse(
        """
        mappings:
          Email: transform_email
          '"user.email"': {transformer: transform_email, preserve_domain: true}
        unmapped: passthrough
        """
    )
    table = file.table("Users")
    assert list(table.mappings) == ["Email", '"user.email"']
    assert table.unmapped == "passthrough"
    assert (table.where, table.destination, table.consistent_read) == (None, None, False)


def test_a_file_of_several_tables_shares_presets_and_policy() -> None:
    file = parse(
        """
        unmapped: fail
        presets: {mail: {transformer: transform_email, preserve_domain: true}}
        tables:
          Users: {destination: UsersStage, where: "Id = '111'", consistent_read: true, mappings: {Email: mail}}
          Orders:
            unmapped: drop
            presets: {card: {transformer: transform_mask, keep_last: 4}}
        """
    )
    users, orders = file.table("Users"), file.table("Orders")
    assert (users.destination, users.where, users.consistent_read) == ("UsersStage", "Id = '111'", True)
    assert (users.unmapped, orders.unmapped) == ("fail", "drop")
    assert (set(users.presets), set(orders.presets)) == ({"mail"}, {"mail", "card"})


def test_words_are_no_booleans() -> None:
    file = parse_mapping_file("mappings: {a: {transformer: constant, value: [NO, on, Yes, true, False, trues]}}")
    assert file.mappings == {"a": {"transformer": "constant", "value": ["NO", "on", "Yes", True, False, "trues"]}}


def test_numbers_are_read_exactly() -> None:
    table = parse("mappings: {a: {transformer: constant, value: 0.10000000000000000000000001}}").table("T")
    assert table.mappings["a"]["value"] == Decimal("0.10000000000000000000000001")


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("mappings: {a: null, b: [}", "line 1, column", "no valid YAML"),
        ("mappings:\n  Email: x\n  Email: y", "line 3, column 3", "given twice; remove one"),
        ("unmapped: drop", "the file", "expected either mappings"),
        ("mappings: {}\ntables: {}", "the file", "expected either mappings"),
        ("mapping: {}", "mapping", "unknown name (did you mean mappings?)"),
        ("[]", "mapping", "got a list"),
        ("mappings: 3", "mappings", "got an integer"),
        ("mappings: {}\nunmapped: scramble", "unmapped", "'anonymize'"),
        ("tables: {Users: {were: x}}", "tables.Users.were", "did you mean where?"),
        ("tables: {Users: {consistent_read: maybe}}", "tables.Users.consistent_read", "got a string"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_place_and_remedy(text: str, place: str, remedy: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse(text).table("T")
    assert caught.value.place.startswith(place)
    assert remedy in caught.value.message
    assert "\n" not in str(caught.value)


def test_a_table_that_the_file_does_not_know_is_named() -> None:
    with pytest.raises(MappingError, match="there is no entry for Uesrs; known are Users, Orders"):
        parse("tables: {Users: {}, Orders: {}}").table("Uesrs")


def test_errors_begin_with_the_files_path(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    with pytest.raises(MappingFileError, match="cannot be read, No such file or directory"):
        read_mapping_file(file)
    file.write_text("mapping: {}")
    with pytest.raises(MappingFileError, match=r"mapping\.yaml: mapping: unknown name"):
        read_mapping_file(file)
