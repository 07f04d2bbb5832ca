"""Run one command for as long as the process that started it lives, whatever ends that process.

Started as `python guard.py COMMAND ...` with a pipe for its standard input. The command is ended when the
guard gets SIGTERM, or when the pipe closes, which the operating system does even for a killed parent. The
command works in a scratch folder (also its TMPDIR), which goes with it. The guard exits with the command's own
code when the command ends by itself.
"""

import os
import select
import signal
import subprocess
import sys
import tempfile

_GRACE_SECONDS = 5.0
_LOOK_SECONDS = 0.05


def main(command: list[str]) -> int:
    """Run `command`, end it when asked to, and return its exit code (negative: the signal that ended it)."""
    asked_to_end = False

    def end(*_: object) -> None:
        nonlocal asked_to_end
        asked_to_end = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    with tempfile.TemporaryDirectory(prefix="dynsync-server-", ignore_cleanup_errors=True) as folder:
        environment = {**os.environ, "TMPDIR": folder}
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=folder, env=environment)
        while server.poll() is None and not asked_to_end:
            if select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
                break
        server.terminate()
        try:
            return server.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            return server.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
