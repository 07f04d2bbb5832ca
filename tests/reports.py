"""A report with every part filled in, as a run over customers might leave it."""

from dataclasses import replace

from airflow_dynsync.engine.statistics import RuleCount
from airflow_dynsync.sync.report import SyncReport
from airflow_dynsync.sync.report.course import (
    Capacity,
    DeadLetterReason,
    DeadLetters,
    MappingInForce,
    Moment,
    Phase,
    Replacement,
    Retries,
    RuleInForce,
    Run,
    SegmentCount,
)
from airflow_dynsync.sync.report.found import (
    AttributeUniqueness,
    Collisions,
    Combinations,
    Drift,
    DriftFinding,
    Exposure,
    ExposureFinding,
    PathTypes,
    PreflightFinding,
    Risk,
    TypesSeen,
    Uniqueness,
    Verification,
)

_RULES = (
    ("Email", "transform_email", "preserved", {"transformed": 48_210, "kept_null": 412}),
    ("Name", "generate_full_name", "lossy", {"transformed": 48_622}),
    (
        "Phone",
        "transform_e164_phone_number",
        "not_guaranteed",
        {"transformed": 40_113, "mismatch_passthrough": 37},
    ),
    ("Address.Street", "generate_street_address", "lossy", {"transformed": 46_980}),
    ("Address.Zip", "transform_regex_replace", "lossy", {"transformed": 46_980}),
    ("BirthDate", "transform_date_shift", "not_guaranteed", {"transformed": 47_001, "kept_empty": 102}),
    ("Orders[*].card", "transform_mask", "lossy", {"transformed": 151_204}),
    (
        "Notes",
        "transform_pii_text",
        "lossy",
        {"transformed": 9_120, "found EMAIL_ADDRESS": 1_204, "found PERSON": 377},
    ),
    ("Passport", "drop", "lossy", {"dropped": 1_210}),
    ("Gender", "passthrough", "preserved", {"kept": 48_622}),
    ("Coupons", "null", "lossy", {}),
)

BARE = SyncReport(
    source_table="shop-customers",
    destination_table="staging-shop-customers",
    destination_region="eu-west-1",
    read_by="scan",
    items_examined=48_622,
    items_read=48_622,
    items_written=48_622,
    items_written_before=0,
    items_resubmitted=118,
    segments=8,
    first_segment=0,
    total_segments=8,
    read_units=6_102.5,
    write_units=97_244.0,
    seconds=41.27,
    corpus_version="2",
    rules=tuple(
        RuleCount(path, f"mappings.{path}", transformer, outcome, count)
        for path, transformer, _, counts in _RULES
        for outcome, count in counts.items()
    ),
)
"""A report as a version without parts left it."""


def _moments() -> tuple[Moment, ...]:
    moments, read, written = [Moment(0.0, 0, 0, 0.0, 0.0)], 0.0, 0.0
    for tenth in range(1, 83):
        throttled = 0.4 if 30 < tenth < 40 else 1.0
        read = min(48_622, read + 640 * throttled + 60 * (tenth % 5))
        written = min(48_619, written + 600 * throttled + 45 * (tenth % 4))
        moments.append(Moment(tenth / 2, int(read), int(written), read / 7.9675, written * 2))
    return (*moments, Moment(41.27, 48_622, 48_619, 6_102.5, 97_244.0))


FULL = replace(
    BARE,
    source_region="eu-central-1",
    items_written=48_619,
    complete=False,
    incomplete_because="3 items were put aside",
    run=Run("4be0643f1d98573b97cdca98a65347dd", "2026-03-01T02:00:03.120Z", "2026-03-01T02:00:51.004Z", "0.3.0"),
    mapping=MappingInForce(
        fingerprint="a3f1c2d4e5b60718293a4b5c6d7e8f90",
        unmapped="passthrough",
        selective=True,
        secret_stays=True,
        rules=tuple(
            RuleInForce(path, f"mappings.{path}", transformer, uniqueness, on_key=False)
            for path, transformer, uniqueness, _ in _RULES
        ),
        secret_fingerprint="5f0c2a9e8d7b6c4a3f2e1d0c9b8a7f6e",
    ),
    preflight=(
        PreflightFinding(
            "destination_not_empty",
            "warning",
            "staging-shop-customers",
            "holds items before the first write",
            "empty it, or acknowledge destination_not_empty",
            acknowledged=True,
        ),
    ),
    types=TypesSeen(
        version=1,
        items=48_622,
        complete=True,
        paths=(
            PathTypes("Id", {"S": 48_622}, ()),
            PathTypes("Email", {"NULL": 412, "S": 48_210}, ("EMAIL_ADDRESS",)),
            PathTypes("Orders[*].card", {"S": 151_204}, ("CREDIT_CARD",)),
            PathTypes("LoyaltyTier", {"S": 40_002}, ()),
        ),
    ),
    drift=Drift(
        compared_with="0f6e2b0c9d1846a58a11f0f3f4a4f3aa",
        items_examined=48_622,
        found=2,
        findings=(
            DriftFinding(
                "error", "new_path", "EmergencyContact.phone", ("S",), ("name", "PHONE_NUMBER"), hidden=False
            ),
            DriftFinding("warning", "new_type", "Age", ("S",), (), hidden=True),
        ),
    ),
    exposure=Exposure(
        mode="sample",
        items_checked=2_000,
        unlisted=0,
        found=1,
        findings=(ExposureFinding("warning", "text", "mappings.Email", "Email", "Search.keywords", 14, 9),),
    ),
    collisions=Collisions("not_needed", 0, 0),
    capacity=Capacity(
        read_limit=250.0,
        write_limit=3_000.0,
        read_units_estimated=6_240.0,
        write_units_estimated=101_300.0,
        read_price=0.125,
        write_price=0.625,
        read_dollars=0.00076,
        write_dollars=0.0608,
        read_dollars_estimated=0.00078,
        write_dollars_estimated=0.0633,
        writes_saved=0,
        dollars_saved=None,
    ),
    by_segment=tuple(SegmentCount(segment, 6_078 - (segment > 5), 6_078 - (segment > 5)) for segment in range(8)),
    retries=Retries(throttled=37, transient=2, seconds=11.4),
    phases=(Phase("prepare", 0.842), Phase("move", 41.27), Phase("verify", 5.61)),
    timeline=_moments(),
    verification=Verification("sample", 1_000, 0, 0, None, (), passed=True),
    replacement=Replacement(
        side_table="staging-shop-customers.dynsync-new",
        items_copied=48_622,
        copy_write_units=95_021.0,
        copy_write_dollars=0.0594,
        swap_read_units=24_410.0,
        swap_write_units=2_223.0,
        swap_write_dollars=0.0014,
        swap_seconds=11.3,
        verification=Verification("sample", 1_000, 0, 0, None, (), passed=True),
    ),
    dead_letters=DeadLetters(
        3,
        "s3://refresh-reports/dead-letters/2026-03-01",
        items="encrypted",
        reasons=(
            DeadLetterReason("mappings.Email", "transform_email takes S, and met a number (N)", 2),
            DeadLetterReason(None, "BatchWriteItem was refused: an item is larger than 400 KB", 1),
        ),
    ),
    risk=Risk(
        quasi_identifiers=("Address.Zip", "BirthDate", "Gender"),
        before=Combinations(48_622, 48_190, 1, 47_802, 48_187, exact=True, standard_error=0.0),
        after=Combinations(48_622, 2_311, 2, 0, 164, exact=True, standard_error=0.0),
        attributes=(
            AttributeUniqueness("Email", Uniqueness(48_210, 48_077), Uniqueness(48_210, 48_010)),
            AttributeUniqueness("BirthDate", Uniqueness(47_001, 19_870), Uniqueness(47_001, 20_114)),
            AttributeUniqueness("Gender", Uniqueness(48_622, 3), Uniqueness(48_622, 3)),
            AttributeUniqueness("Passport", Uniqueness(1_210, 1_210), Uniqueness(0, 0)),
        ),
        attributes_left_out=0,
        standard_error=0.0162,
    ),
)
"""A report with every part."""
