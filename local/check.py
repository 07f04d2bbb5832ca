"""Run what `make lint` and `make test` promise, cheapest first, and end with one summary.

Each test folder runs in a process of its own: Airflow reads its environment when it is first imported.
"""

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_REPORTS = _ROOT / ".cache" / "reports"
_LINT = {
    "ruff check": ["ruff", "check"],
    "ruff format": ["ruff", "format", "--check"],
    "mypy": ["mypy"],
    "import contracts": ["lint-imports"],
}
_TEST_FOLDERS = ("unit", "integration", "airflow", "browser")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step came to. `tests` counts passed, skipped and failed; `skipped` counts the reasons."""

    name: str
    ok: bool
    seconds: float
    tests: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)


def main(argv: list[str]) -> int:
    """Run the linters, and unless `argv` is `["lint"]` the tests; return 0 only when all of it passed."""
    outcomes = [_run(name, command) for name, command in _LINT.items()]
    if all(outcome.ok for outcome in outcomes) and argv != ["lint"]:
        outcomes += [_test(folder) for folder in _TEST_FOLDERS]
    _summarize(outcomes)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _run(name: str, command: list[str]) -> Outcome:
    print(f"\n=== {name}", flush=True)
    started = time.monotonic()
    program = Path(sys.executable).with_name(command[0])
    code = subprocess.run([program, *command[1:]], cwd=_ROOT, check=False).returncode
    return Outcome(name, code == 0, time.monotonic() - started)


def _test(folder: str) -> Outcome:
    report = _REPORTS / f"{folder}.xml"
    report.unlink(missing_ok=True)
    # pytest ends with code 5 when it finds no test, so an empty folder does not pass.
    ran = _run(f"tests/{folder}", ["pytest", f"tests/{folder}", f"--junitxml={report}"])
    tests, skipped = Counter[str](), Counter[str]()
    if report.is_file():
        for case in ET.parse(report).iter("testcase"):  # noqa: S314 (pytest wrote it a moment ago)
            left_out = case.find("skipped")
            if left_out is not None:
                tests["skipped"] += 1
                skipped[left_out.get("message", "")] += 1
            elif case.find("failure") is not None or case.find("error") is not None:
                tests["failed"] += 1
            else:
                tests["passed"] += 1
    return Outcome(ran.name, ran.ok, ran.seconds, tests, skipped)


def _summarize(outcomes: list[Outcome]) -> None:
    print("\n=== summary")
    for outcome in outcomes:
        counts = ", ".join(f"{number} {what}" for what, number in outcome.tests.items())
        print(f"{'ok' if outcome.ok else 'FAILED':8}{outcome.name:20}{outcome.seconds:7.1f} s  {counts}")
    for reason, number in sum((outcome.skipped for outcome in outcomes), Counter[str]()).items():
        print(f"{number} skipped: {reason}")
    total = sum((outcome.tests for outcome in outcomes), Counter[str]())
    failed = [outcome.name for outcome in outcomes if not outcome.ok]
    verdict = f"FAILED: {', '.join(failed)}" if failed else "All passed"
    print(f"{verdict} ({', '.join(f'{total[what]} {what}' for what in ('passed', 'failed', 'skipped'))} tests)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
