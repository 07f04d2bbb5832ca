"""The demo as a newcomer starts it: what it says, how it ends, and that nothing of it is left running."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]


def started(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "local.demo", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.parametrize(("dynamodb", "customers"), [("ministack", 2000), ("local", 300)])
def test_the_demo_refreshes_verifies_and_leaves_nothing_running(dynamodb: str, customers: int) -> None:
    if dynamodb == "local" and os.environ.get("DYNSYNC_DYNAMODB_LOCAL") != "1":
        from local.parts import dynamodb_local_folder

        dynamodb_local_folder()
    seen: set[psutil.Process] = set()
    with started("--dynamodb", dynamodb, "--customers", str(customers)) as demo:
        process, lines = psutil.Process(demo.pid), []
        for line in demo.stdout or ():
            lines.append(line)
            seen.update(process.children(recursive=True))
    printed = "".join(lines)
    assert demo.returncode == 0, printed
    assert f"{customers:,} customers" in printed
    assert "✓ refresh" in printed
    assert "dynamodb://eu-west-1/CustomersStaging" in printed
    assert "after_staging_refresh" in printed
    assert "Verified." in printed
    assert "✗" not in printed
    assert seen
    assert not psutil.wait_procs(seen, timeout=30)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_demo_when_it_is_stopped_halfway_leaves_nothing_running(number: signal.Signals) -> None:
    with started("--customers", "300") as demo:
        for line in demo.stdout or ():
            if "source_is_ready" in line:
                break
        running = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(number)
        rest = demo.communicate()[0]
    assert len(running) >= 4  # two guards, the server and Airflow
    assert not psutil.wait_procs(running, timeout=30)[1]
    if number is signal.SIGKILL:
        assert demo.returncode == -signal.SIGKILL
    else:
        assert demo.returncode == 130
        assert "Nothing is left running" in rest
