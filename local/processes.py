"""Child processes that end with the `with` block that started them, and the ports they listen on."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import IO

_STOPPED_WITHIN_SECONDS = 15.0


@contextmanager
def guarded(
    command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command under its guard, which ends it when this process dies in a way that runs no `finally`.

    Parameters: `environment`, all of the command's environment; `log`, where its output goes.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")), *command],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        env=dict(environment),
        # Ctrl-C reaches a terminal's whole process group; the command ends when its `with` block does.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(_STOPPED_WITHIN_SECONDS)
        if process.stdin:
            process.stdin.close()


def free_port() -> int:
    """Return a port of 127.0.0.1 where nobody listens at the moment."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
