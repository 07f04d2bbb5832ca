"""No log, XCom, exception, report or row of Airflow's database holds an attribute value."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MARK = "MaRkEdVaLuE"


def marked_items() -> list[dict[str, Any]]:
    return [
        {
            "Id": {"S": f"{MARK}-{number}"},
            "Email": {"S": f"{MARK}{number}@corp.test"},
            "Text": {"S": f"text with {MARK}"},
            "Deep": {"M": {"List": {"L": [{"S": MARK}, {"N": "7"}]}}},
            "Tags": {"SS": [MARK, "x"]},
            "Bytes": {"B": "TWFSa0VkVmFMdUU="},
        }
        for number in range(30)
    ]


@pytest.mark.parametrize(
    ("mapping", "where", "state"),
    [
        ({"mappings": {"Email": "transform_email"}}, None, "success"),
        ({"mappings": {}, "unmapped": "passthrough"}, None, "success"),
        ({"mappings": {}, "unmapped": "fail"}, None, "failed"),
        ({"mappings": {"Text": "transform_email"}}, None, "failed"),
        ({"mappings": {"Text": "transform_int64"}}, None, "failed"),
        (
            {"mappings": {"Text": {"transformer": "transform_javascript", "code": "throw new Error(value)"}}},
            None,
            "failed",
        ),
        (
            {"mappings": {"Text": {"transformer": "transform_python", "callable": "decimal:Decimal"}}},
            None,
            "failed",
        ),
        (
            {
                "mappings": {
                    "Text": {"transformer": "transform_template", "template": "A#{x}", "parts": {"x": "null"}}
                }
            },
            None,
            "failed",
        ),
        ({"mappings": {}}, f"Id = '{MARK}-1'", "success"),
        ({"mappings": {}}, f"Id = '{MARK}", "failed"),
        ({"mappings": {}}, f"Id LIKE '{MARK}%'", "failed"),
    ],
)
def test_no_log_xcom_exception_or_database_row_holds_a_value(
    sides: tuple[Any, Any],
    fill: Callable[..., str],
    sync: Callable[..., Any],
    mapping_file: Callable[..., str],
    mapping: dict[str, Any],
    where: str | None,
    state: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, destination = fill(sides[0], {"Id": "S"}, marked_items()), fill(sides[1], {"Id": "S"}, [])
    caplog.set_level("DEBUG")
    before = files_with_mark()
    assert sync(source, destination, mapping_file(**mapping), where).state == state
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "sync" in printed
    if where is None:  # a where is the user's own text, which Airflow shows among the rendered fields
        assert MARK not in printed
        assert files_with_mark() == before
    else:
        assert not [line for line in printed.splitlines() if MARK in line and "conf" not in line]


def files_with_mark() -> dict[str, int]:
    """Return how often the mark stands in each file of Airflow's home, its database included."""
    home = Path(os.environ["AIRFLOW_HOME"])
    counts = {str(file): file.read_bytes().count(MARK.encode()) for file in home.rglob("*") if file.is_file()}
    return {file: count for file, count in counts.items() if count}
