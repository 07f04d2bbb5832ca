"""A test whose parts are missing: a skip that says how to get them, or a failure where all are required."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LACKING_A_PART = """
import pytest
from local.dynamodb import PartMissing

@pytest.fixture(scope="session")
def part():
    raise PartMissing("a part", "buy it")

def test_first(part): pass
def test_second_meets_the_cached_failure(part): pass
def test_third_asks_by_itself(): raise PartMissing("a part", "buy it")
"""
SKIPPED = "import pytest\ndef test_it(): pytest.skip('no reason')"
SKIPPED_AS_A_WHOLE = "import pytest\npytest.skip('no reason', allow_module_level=True)"
EXPECTED_TO_FAIL = "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False"


def run_pytest(folder: Path, source: str, require: str) -> tuple[int, str]:
    """Run a test file under the hooks of `tests/conftest.py`; return the exit code and the output."""
    (folder / "test_it.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rsf", "-p", "tests.conftest", "-p", "no:cacheprovider", folder],
        cwd=ROOT,
        env={**os.environ, "DYNSYNC_REQUIRE": require},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_missing_part_when_parts_are_optional_skips_with_the_line_that_says_how_to_get_it(tmp_path):
    code, output = run_pytest(tmp_path, LACKING_A_PART, require="")

    assert code == 0
    assert "3 skipped" in output
    assert "a part is missing: buy it" in output


@pytest.mark.parametrize("source", [LACKING_A_PART, SKIPPED, SKIPPED_AS_A_WHOLE])
def test_any_skip_when_all_parts_are_required_is_a_failure_with_its_reason(tmp_path, source):
    code, output = run_pytest(tmp_path, source, require="all")

    assert code != 0
    assert "skipped," in output
    assert " skipped" not in output.splitlines()[-1]
    assert ("buy it" if source is LACKING_A_PART else "no reason") in output


def test_an_expected_failure_when_all_parts_are_required_is_no_failure(tmp_path):
    code, output = run_pytest(tmp_path, EXPECTED_TO_FAIL, require="all")

    assert code == 0
    assert "1 xfailed" in output
