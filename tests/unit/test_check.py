"""The runner behind `make test`: what it counts, and that nothing passes by being empty."""

from collections import Counter

import pytest

from local import check


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "_ROOT", tmp_path)
    monkeypatch.setattr(check, "_REPORTS", tmp_path / "reports")
    monkeypatch.delenv("DYNSYNC_REQUIRE", raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    return tmp_path


def test_a_folder_of_tests_is_counted_by_outcome_with_the_reasons_of_skips(project):
    (project / "tests" / "unit" / "test_some.py").write_text(
        "import pytest\n"
        "def test_passes(): pass\n"
        "def test_fails(): assert False\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_is_skipped(n): pytest.skip('get it there')\n"
    )

    outcome = check._test("unit")

    assert not outcome.ok
    assert outcome.tests == Counter(passed=1, failed=1, skipped=2)
    assert outcome.skipped == Counter({"get it there": 2})


def test_a_folder_without_tests_fails(project):
    outcome = check._test("unit")

    assert not outcome.ok
    assert not outcome.tests


def test_main_when_a_linter_fails_runs_no_test_and_names_the_linter(project, monkeypatch, capsys):
    monkeypatch.setattr(check, "_LINT", {"ruff check": ["ruff", "check", "no-such-file.py"]})

    code = check.main([])

    assert code == 1
    assert "tests/unit" not in capsys.readouterr().out.split("=== summary")[0]


def test_main_when_a_test_folder_fails_runs_the_others_and_fails(project, monkeypatch, capsys):
    monkeypatch.setattr(check, "_LINT", {"ruff": ["ruff", "--version"]})
    monkeypatch.setattr(check, "_TEST_FOLDERS", ("unit", "more"))
    (project / "tests" / "more").mkdir()
    (project / "tests" / "more" / "test_one.py").write_text("def test_one(): pass\n")

    code = check.main([])

    assert code == 1
    assert capsys.readouterr().out.splitlines()[-1] == "FAILED: tests/unit (1 passed, 0 failed, 0 skipped tests)"
