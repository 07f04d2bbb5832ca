"""The process that runs scripts: requests come in on standard input, answers go out on standard output.

It is run as a file, outside the package; its arguments are the folder of py_mini_racer and the memory limit in
bytes. A request is its length, the seconds it may take, whether to wait for what the script left behind, and a
text; an answer is its length, whether the request failed, and a text. The first request is the runtime's source.

A process of its own, because V8 ends its process when an allocation fails, counts no array buffers against its
limit, and cannot be stopped in some of its loops; and so that scripts see nothing of the environment.
"""

import os
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any

REQUEST = struct.Struct("<Qd?")
ANSWER = struct.Struct("<Q?")


def serve(memory: int) -> None:
    """Answer requests until standard input ends."""
    from py_mini_racer import DEFAULT_V8_FLAGS, JSEvalException, MiniRacer, init_mini_racer

    init_mini_racer(flags=[*DEFAULT_V8_FLAGS, f"--max-heap-size={memory >> 20}"])
    engine = MiniRacer()
    runtime: Any = None
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while header := requests.read(REQUEST.size):
        length, seconds, settle = REQUEST.unpack(header)
        text = requests.read(length).decode()
        signal.setitimer(signal.ITIMER_REAL, seconds)  # its default action ends the process
        try:
            if runtime is None:
                runtime, answer, failed = engine.eval(text), "", False
                limit_memory(memory)
            else:
                answer, failed = runtime(text), False
        except JSEvalException as error:
            answer, failed = str(error), True
        if settle:
            engine.eval("0")
        signal.setitimer(signal.ITIMER_REAL, 0)
        encoded = answer.encode()
        answers.write(ANSWER.pack(len(encoded), failed))
        answers.write(encoded)
        answers.flush()


def limit_memory(extra: int) -> None:
    """Let the process take ``extra`` bytes more than now, of whatever kind; where /proc tells what it has now."""
    status = Path("/proc/self/status")
    if status.exists():
        (kilobytes,) = (
            int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmData:")
        )
        limit = kilobytes * 1024 + extra
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.append(sys.argv[1])
    try:
        serve(int(sys.argv[2]))
    finally:
        os._exit(0)  # without waiting for V8's threads
