"""What is found out before the first write, each finding provoked by two descriptions of tables and a mapping."""

import dataclasses
from typing import Any

import pytest

from airflow_dynsync.dynamodb.limits import parse_limit
from airflow_dynsync.dynamodb.tables import Index, KeyAttribute, TableDescription, Throughput, describe_table
from airflow_dynsync.engine import MappingError, Plan, catalogue, compile_plan
from airflow_dynsync.sync.findings import WARNINGS, Finding, parse_acknowledged
from airflow_dynsync.sync.index_keys import inspect_indexes
from airflow_dynsync.sync.mapping_file import parse_mapping_file
from airflow_dynsync.sync.preflight import (
    PreflightError,
    Side,
    inspect_changes,
    inspect_expiry,
    inspect_keys,
    inspect_limits,
    inspect_listeners,
    inspect_tables,
    require_no_errors,
)
from tests.reports import BARE, FULL

ID = KeyAttribute("Id", "S")
SOURCE = TableDescription(
    name="users",
    arn="arn:aws:dynamodb:eu-west-1:111122223333:table/users",
    table_id="one",
    status="ACTIVE",
    item_count=1000,
    size_bytes=1_000_000,
    keys=(ID,),
    indexes=(),
    billing_mode="PAY_PER_REQUEST",
    account_id="111122223333",
    region="eu-west-1",
)
STAGING = dataclasses.replace(SOURCE, name="staging", table_id="two")


def plan(rule: Any = "passthrough", unmapped: Any = "passthrough") -> Plan:
    return compile_plan(
        {"mappings": {"Rank": rule}, "unmapped": unmapped}, key_attributes=["Id"], secret=b"0123456789abcdef"
    )


def indexed(table: TableDescription, kind: Any = "S", name: str = "Rank") -> TableDescription:
    return dataclasses.replace(
        table, indexes=(Index("by-rank", "global", "ACTIVE", (KeyAttribute(name, kind), ID)),)
    )


def only(findings: tuple[Finding, ...], code: str, severity: str = "warning") -> Finding:
    """Return the one finding, which tells its place, what was found and what to do."""
    (finding,) = findings
    assert (finding.code, finding.severity) == (code, severity)
    assert (code in WARNINGS) == (severity == "warning")
    assert finding.place
    assert finding.remedy
    return finding


@pytest.mark.parametrize(
    ("code", "source", "destination", "key_attributes"),
    [
        ("key_attributes_differ", {}, {}, ["Email"]),
        ("source_is_destination", {}, {"name": "users", "table_id": "one"}, None),
        ("table_not_active", {}, {"status": "CREATING"}, None),
        ("table_not_active", {"status": "ARCHIVED"}, {}, None),
        ("key_schema_differs", {}, {"keys": (KeyAttribute("Id", "N"),)}, None),
    ],
)
def test_tables_that_do_not_fit_are_errors(
    code: str, source: dict[str, Any], destination: dict[str, Any], key_attributes: list[str] | None
) -> None:
    sides = (
        Side(dataclasses.replace(SOURCE, **source), None),
        Side(dataclasses.replace(STAGING, **destination), None),
    )
    findings = inspect_tables(*sides, key_attributes)
    finding = only(findings, code, "error")
    with pytest.raises(PreflightError) as refused:
        require_no_errors(findings)
    assert refused.value.findings == findings
    assert finding.remedy in str(refused.value)


def test_a_rule_that_gives_the_key_another_type_is_an_error() -> None:
    hashed = compile_plan(
        {"mappings": {"Id": "transform_hash"}}, key_attributes=["Id"], secret=b"0123456789abcdef"
    )
    numbered = dataclasses.replace(SOURCE, keys=(KeyAttribute("Id", "N"),))
    assert inspect_keys(hashed, SOURCE) == ()
    assert only(inspect_keys(hashed, numbered), "key_type_differs", "error").place == "mappings.Id"


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("null", "S"),
        ("transform_hash", "N"),
        ("generate_int64", "S"),
        ({"transformer": "transform_hash", "on_type_mismatch": "passthrough"}, "N"),
        ("transform_email", "N"),
    ],
)
def test_an_index_key_that_surely_gets_another_type_is_an_error(rule: Any, kind: str) -> None:
    finding = only(
        inspect_indexes(plan(rule), indexed(SOURCE, kind), indexed(STAGING, kind)),
        "index_key_type_differs",
        "error",
    )
    assert finding.place == "mappings.Rank"
    assert "by-rank" in finding.message


def test_an_index_key_whose_type_differs_at_the_source_is_an_error() -> None:
    finding = only(
        inspect_indexes(plan(), indexed(SOURCE, "N"), indexed(STAGING, "S")), "index_key_type_differs", "error"
    )
    assert finding.place == "staging"


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"transformer": "transform_email", "invalid_email_action": "null"}, "S"),
        ({"transformer": "transform_email", "on_type_mismatch": "drop"}, "S"),
        ({"transformer": "transform_regex_replace", "pattern": "a.*", "replacement": ""}, "S"),
        ({"transformer": "transform_fpe", "too_short": "drop"}, "S"),
        ({"transformer": "transform_javascript", "code": "return value"}, "S"),
        ({"transformer": "transform_bucket", "size": 10}, "N"),
    ],
)
def test_an_index_key_that_may_get_another_type_or_vanish_is_a_warning(rule: Any, kind: str) -> None:
    finding = only(
        inspect_indexes(plan(rule), indexed(SOURCE, kind), indexed(STAGING, kind)), "index_key_may_not_fit"
    )
    assert finding.place == "mappings.Rank"


@pytest.mark.parametrize(("rule", "unmapped"), [("drop", "passthrough"), ("passthrough", "drop")])
def test_an_index_key_that_is_removed_is_a_warning(rule: str, unmapped: str) -> None:
    name = "Rank" if rule == "drop" else "Other"
    only(
        inspect_indexes(plan(rule, unmapped), indexed(SOURCE, name=name), indexed(STAGING, name=name)),
        "index_key_dropped",
    )


def test_an_index_key_that_is_none_at_the_source_is_a_warning() -> None:
    assert (
        "index by-rank" in only(inspect_indexes(plan(), SOURCE, indexed(STAGING)), "index_key_unchecked").message
    )


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("passthrough", "B"),
        ("transform_email", "S"),
        ("transform_hash", "S"),
        ("transform_fpe", "S"),
        ("transform_fpe", "N"),
        ("transform_character_scramble", "N"),
        ("generate_uuid", "S"),
    ],
)
def test_an_index_key_that_keeps_its_type_is_no_finding(rule: str, kind: str) -> None:
    assert inspect_indexes(plan(rule), indexed(SOURCE, kind), indexed(STAGING, kind)) == ()


@pytest.mark.parametrize("unmapped", ["anonymize", "neosync", "passthrough"])
@pytest.mark.parametrize("kind", ["S", "N", "B"])
def test_the_policies_for_unmapped_attributes_keep_index_keys(unmapped: str, kind: str) -> None:
    names = {"name": "Other"}
    assert (
        inspect_indexes(plan(unmapped=unmapped), indexed(SOURCE, kind, **names), indexed(STAGING, kind, **names))
        == ()
    )


def test_a_rule_that_may_remove_an_index_key_is_found_whatever_its_transformer_is() -> None:
    found = 0
    for name, definition in catalogue().items():
        kind = next((kind for kind in "SNB" if kind in definition.accepts), None)
        if kind is None or name in ("passthrough", "null", "drop"):
            continue
        rule = {"transformer": name, **definition.example.parameters, "on_type_mismatch": "null"}
        assert inspect_indexes(plan(rule), indexed(SOURCE, kind), indexed(STAGING, kind)), name
        found += 1
    assert found > 30


def test_what_a_destination_s_time_to_live_does_is_a_warning() -> None:
    changed = inspect_expiry(plan("generate_unixtimestamp"), STAGING, "Rank", "Rank")
    assert only(changed, "ttl_attribute_changed").place == "mappings.Rank"
    only(inspect_expiry(plan(unmapped="anonymize"), STAGING, "Ends", "Ends"), "ttl_attribute_changed")
    only(inspect_expiry(plan(), STAGING, "Rank", None), "ttl_only_on_destination")
    only(inspect_expiry(plan(), STAGING, "Rank", "Ends"), "ttl_only_on_destination")
    assert inspect_expiry(plan(), STAGING, "Rank", "Rank") == ()
    assert inspect_expiry(plan("generate_unixtimestamp"), STAGING, None, "Rank") == ()


def test_who_listens_to_the_destination_is_a_warning() -> None:
    assert inspect_listeners(STAGING) == ()
    stream = inspect_listeners(dataclasses.replace(STAGING, stream_view="NEW_IMAGE"))
    assert "NEW_IMAGE" in only(stream, "stream_on_destination").message
    replicas = inspect_listeners(dataclasses.replace(STAGING, replicas=("us-east-1", "ap-south-1")))
    assert "us-east-1, ap-south-1" in only(replicas, "replicas_of_destination").message


def test_replicas_are_the_other_regions_of_a_global_table() -> None:
    class Client:
        def describe_table(self, TableName: str) -> Any:  # noqa: N803 - as boto3 names it
            return {
                "Table": {
                    "TableName": TableName,
                    "TableArn": f"arn:aws:dynamodb:eu-west-1:111122223333:table/{TableName}",
                    "TableStatus": "ACTIVE",
                    "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
                    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
                    "Replicas": [{"RegionName": "us-east-1"}, {"RegionName": "eu-west-1"}],
                }
            }

    described = describe_table(Client(), "staging")  # type: ignore[arg-type]
    codes = [finding.code for finding in inspect_listeners(described)]
    assert (described.replicas, codes) == (("us-east-1",), ["stream_on_destination", "replicas_of_destination"])


def test_a_limit_above_the_provisioned_throughput_is_a_warning_with_the_sum() -> None:
    provisioned = {"billing_mode": "PROVISIONED", "provisioned": Throughput(100, 20)}
    source = dataclasses.replace(SOURCE, **provisioned)
    index = Index("by-rank", "global", "ACTIVE", (ID,), provisioned=Throughput(5, 5))
    staging = dataclasses.replace(
        STAGING, **provisioned, indexes=(index, dataclasses.replace(index, kind="local"))
    )
    fitting = (parse_limit(100), parse_limit(25))
    assert inspect_limits(source, staging, *fitting) == ()
    assert inspect_limits(source, staging, parse_limit("100%"), parse_limit("100%")) == ()
    assert inspect_limits(SOURCE, STAGING, parse_limit(10**6), parse_limit(10**6)) == ()
    reads = only(inspect_limits(source, staging, parse_limit(101), None), "limit_above_throughput")
    assert (reads.place, "101 units/s" in reads.message, "100 (users)" in reads.message) == ("users", True, True)
    writes = only(inspect_limits(source, staging, None, parse_limit(26)), "limit_above_throughput")
    assert "25 provisioned units/s, 20 (staging) + 5 (by-rank)" in writes.message


def test_another_mapping_or_other_word_lists_than_in_the_last_run_are_warnings() -> None:
    assert FULL.mapping is not None
    now: dict[str, Any] = {
        "mapping_fingerprint": FULL.mapping.fingerprint,
        "corpus_version": FULL.corpus_version,
        "secret_fingerprint": FULL.mapping.secret_fingerprint,
        "changes_keys": False,
    }
    assert inspect_changes(FULL, "users", **now) == ()
    assert inspect_changes(None, "users", **now) == ()
    assert inspect_changes(BARE, "users", **now | {"corpus_version": BARE.corpus_version}) == ()
    only(inspect_changes(FULL, "users", **now | {"mapping_fingerprint": "another"}), "mapping_changed")
    secret = inspect_changes(FULL, "users", **now | {"secret_fingerprint": "another"})
    assert "those of keys" not in only(secret, "secret_changed").message
    drawn = inspect_changes(FULL, "users", **now | {"secret_fingerprint": None, "changes_keys": True})
    assert "those of keys" in only(drawn, "secret_changed").message
    words = inspect_changes(FULL, "users", **now | {"corpus_version": "another"})
    assert FULL.corpus_version in only(words, "corpus_changed").message


def test_a_mapping_acknowledges_warnings_by_table() -> None:
    file = parse_mapping_file("tables: {users: {acknowledge: [stream_on_destination]}}")
    assert file.table("users").acknowledge == ("stream_on_destination",)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (["stream_on_destinations"], r"acknowledge\[0\]: .*did you mean stream_on_destination\?.*known are"),
        (["mapping_changed", "key_schema_differs"], r"acknowledge\[1\]: is no warning's code"),
        ("mapping_changed", "acknowledge: expected a list of codes"),
    ],
)
def test_what_is_no_warning_cannot_be_acknowledged(written: Any, message: str) -> None:
    with pytest.raises(MappingError, match=message):
        parse_acknowledged(written)
    with pytest.raises(MappingError, match=r"tables\.users\.acknowledge: "):
        parse_mapping_file(f"tables: {{users: {{acknowledge: {written}}}}}")
