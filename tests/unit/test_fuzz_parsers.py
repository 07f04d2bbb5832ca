"""The parsers of paths and of conditions take any text; `make soak` makes up 200,000 for each."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from local.dynamodb import PartMissing
from tests.kills import SOAK, seed

ROOT = Path(__file__).resolve().parents[2]
RUNS = 200_000 if SOAK else 5_000
LONGEST = 500
SECONDS_PER_INPUT = 20


@pytest.mark.parametrize("target", ["paths", "conditions"])
def test_a_parser_when_given_any_text_gives_a_result_or_its_own_error(target: str, tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        raise PartMissing("atheris has no package for this system: run this test on Linux on x86-64")
    inputs = tmp_path / "inputs"
    options = [f"-runs={RUNS}", f"-seed={seed() or 1}", f"-max_len={LONGEST}", f"-timeout={SECONDS_PER_INPUT}"]
    program = [sys.executable, "-m", "tests.unit.fuzzed_parsers", target, inputs]
    ran = subprocess.run(
        [*program, *options, f"-artifact_prefix={tmp_path}/"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-5000:]
    assert f"Done {RUNS} runs" in ran.stdout
    assert int(ran.stdout.rpartition("cov: ")[2].split()[0]) > {"paths": 20, "conditions": 150}[target]
