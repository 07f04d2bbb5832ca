"""The one process with V8 that belongs to this Python process: started on first use, replaced when it ended."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final, cast

import orjson

from airflow_dynsync.engine.javascript.worker import ANSWER, REQUEST

MEMORY_LIMIT: Final = 256 << 20
"""Bytes that scripts may take together."""

PROLOGUE_LINES: Final = 3
"""Lines that stand above a script's code where V8 counts them."""

_STARTING_SECONDS: Final = 60.0
_COMPILING_SECONDS: Final = 10.0


Functions = Mapping[str, tuple[str, bool]]
"""For each function that scripts can call its transformer, and whether that reads its input."""


class JavaScriptSyntaxError(Exception):
    """The code is no function body; ``message`` is V8's, which is about the code alone."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class OutOfTimeError(Exception):
    """The process was ended because a request took longer than it may."""


class OutOfMemoryError(Exception):
    """The process ended because it could get no more memory."""


class V8Process:
    """A running V8, and the scripts that it has compiled."""

    def __init__(self, functions: Functions) -> None:
        package = find_spec("py_mini_racer")
        if package is None or package.origin is None:
            raise RuntimeError("JavaScript needs the package mini-racer; install it")
        worker = files(__package__) / "worker.py"
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", "-S", str(worker), str(Path(package.origin).parents[1]), str(MEMORY_LIMIT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what V8 writes when it breaks down can hold values
            env={"TZ": "UTC", "LC_ALL": "C.UTF-8"} | _library_path(),  # the same dates and formats everywhere
            start_new_session=True,  # Ctrl+C is for us; the end of its input is for it
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._scripts: dict[tuple[str, tuple[str, ...]], int] = {}
        try:
            runtime, values = ((files(__package__) / name).read_text() for name in ("runtime.js", "values.js"))
            for text in (f"({runtime})(({values})())".encode(), orjson.dumps({"functions": functions})):
                message, failed = self._exchange(text, _STARTING_SECONDS)
                if failed:
                    raise RuntimeError(f"the JavaScript runtime does not start: {message.decode()}")
        except BaseException:
            self.end()
            raise

    def script(self, code: str, parameters: tuple[str, ...]) -> int:
        """Return the number of a script, compiled on its first use."""
        number = self._scripts.get((code, parameters))
        if number is None:
            request = {"compile": code, "parameters": parameters}
            answer, failed = self._exchange(orjson.dumps(request), _COMPILING_SECONDS)
            if failed:
                raise syntax_error(answer.decode(), code)
            number = self._scripts[code, parameters] = int(answer)
        return number

    def run(self, request: Mapping[str, Any], seconds: float, *, settle: bool) -> Any:
        """Send a request of the runtime and return its answer."""
        answer, failed = self._exchange(orjson.dumps(request), seconds, settle=settle)
        if failed:
            raise OutOfMemoryError
        result = orjson.loads(answer)
        if result.get("failed") is not None and result["place"] is None:
            result["place"] = self._place_of_throw(request, result["failed"], seconds)
        return result

    def _place_of_throw(self, request: Mapping[str, Any], index: int, seconds: float) -> list[int] | None:
        """Return where a script throws what is no Error and has no stack: V8 tells it when nobody catches it."""
        lists = {name: [request[name][index]] for name in ("values", "rows", "answers") if name in request}
        alone = {**request, **lists, "count": 1, "bare": True}
        message, failed = self._exchange(orjson.dumps(alone), seconds)
        place = re.match(rb"script\.js:(\d+):", message)
        return [int(place[1]) - PROLOGUE_LINES, _caret(message.decode())] if failed and place else None

    def _exchange(self, text: bytes, seconds: float, *, settle: bool = False) -> tuple[bytes, bool]:
        try:
            self._requests.write(REQUEST.pack(len(text), seconds, settle))
            self._requests.write(text)
            self._requests.flush()
            header = self._answers.read(ANSWER.size)
            if len(header) == ANSWER.size:
                length, failed = ANSWER.unpack(header)
                answer = self._answers.read(length)
                if len(answer) == length:
                    return answer, failed
        except BrokenPipeError:
            pass
        code = self._process.wait()
        if code == -signal.SIGALRM:
            raise OutOfTimeError
        if code < 0:
            raise OutOfMemoryError
        raise RuntimeError(f"the process with V8 ended with code {code}; is mini-racer complete?")

    def has_ended(self) -> bool:
        """Tell whether something ended the process between two requests."""
        return self._process.poll() is not None

    def end(self) -> None:
        """End the process and wait for it."""
        self._process.kill()
        self._process.wait()
        self.forget()

    def forget(self) -> None:
        """Close this side of the pipes; the process ends when nobody holds them."""
        self._process.returncode = self._process.returncode or 0  # it is not ours to wait for after a fork
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()


def _library_path() -> dict[str, str]:
    """Return where the interpreter itself may need its libraries from."""
    return {name: path for name in ("LD_LIBRARY_PATH",) if (path := os.environ.get(name))}


def syntax_error(message: str, code: str) -> JavaScriptSyntaxError:
    """Read the place out of V8's message: ``undefined:5: SyntaxError: ...``, the line itself, a caret below it.

    What V8 misses after the last line is reported at its end.
    """
    _, line_number, text = message.partition("\n")[0].split(":", 2)
    lines = code.split("\n")
    line = max(int(line_number) - PROLOGUE_LINES, 1)
    if line > len(lines):
        missing = "a } closes more than was opened" if "Single function" in text else "the code ends too early"
        return JavaScriptSyntaxError(missing, len(lines), len(lines[-1]) + 1)
    return JavaScriptSyntaxError(text.strip().removeprefix("SyntaxError: "), line, _caret(message))


def _caret(message: str) -> int:
    """Return the column that V8 points at in the third line of a message."""
    return message.split("\n", 3)[2].find("^") + 1


class JavaScript:
    """The process of this Python process, for one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: V8Process | None = None
        atexit.register(self._end)
        os.register_at_fork(
            before=self._lock.acquire,
            after_in_parent=self._lock.release,
            after_in_child=self._after_fork_in_child,
        )

    def compile(self, code: str, parameters: tuple[str, ...], functions: Functions) -> None:
        """Check a script's syntax.

        Raises:
            JavaScriptSyntaxError: with the place.
        """
        with self._ready(functions) as process:
            process.script(code, parameters)

    def run(
        self,
        code: str,
        parameters: tuple[str, ...],
        functions: Functions,
        request: Mapping[str, Any],
        seconds: float,
        *,
        settle: bool,
    ) -> tuple[Any, float]:
        """Run a script over values and return the runtime's answer, and the seconds it took.

        Args:
            code: the body of a function.
            parameters: the names of its arguments.
            functions: the catalogue for the runtime.
            request: what the runtime is asked beside the number of the script.
            seconds: after which the process is ended.
            settle: whether the script may have left something behind that goes on when it has returned.

        Raises:
            OutOfTimeError, OutOfMemoryError: the process ended; the next call starts another.
        """
        with self._ready(functions) as process:
            number = process.script(code, parameters)
            started = time.monotonic()
            answer = process.run({"run": number, **request}, seconds, settle=settle)
            return answer, time.monotonic() - started

    @contextlib.contextmanager
    def _ready(self, functions: Functions) -> Iterator[V8Process]:
        """Hold the process; give it up when an exchange was not finished, whatever interrupted it."""
        with self._lock:
            try:
                if self._process is not None and self._process.has_ended():
                    self._end()
                if self._process is None:
                    self._process = V8Process(functions)
                yield self._process
            except JavaScriptSyntaxError:
                raise
            except BaseException:
                self._end()
                raise

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _after_fork_in_child(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.forget()
        self._lock.release()


JAVASCRIPT: Final = JavaScript()
