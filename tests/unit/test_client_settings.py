"""What botocore honours beside credentials, over real sockets: proxies, certificates, endpoints; both clients."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.credentials import Credentials

from airflow_dynsync.cli import connections
from airflow_dynsync.dynamodb import errors
from airflow_dynsync.dynamodb.calls import call
from airflow_dynsync.dynamodb.client import ClientName, create_client, detour
from airflow_dynsync.engine import Mapping
from airflow_dynsync.sync.job import SyncJob, run_sync
from tests.unit.certificates import Tls
from tests.unit.paged_service import ITEMS, Service
from tests.unit.peers import Peer, Tunnel, message

ANSWERS = (message({"Items": [], "ScannedCount": 0}), message({"Table": {"TableName": "T"}})) * 2
PROFILE = """\
[profile refresh]
region = eu-west-1
{}
"""
AWS = "https://dynamodb.eu-west-1.amazonaws.com/"


@pytest.fixture(params=["wire", "botocore"])
def either(request: pytest.FixtureRequest) -> ClientName:
    name: ClientName = request.param
    return name


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def connect() -> Iterator[Callable[..., Any]]:
    made: list[Any] = []

    def connect(*, config: Config | None = None, region_name: str | None = "eu-west-1", **options: Any) -> Any:
        once = Config(retries={"total_max_attempts": 1}, read_timeout=5, connect_timeout=5)
        credentials = Credentials("AKID", "secret", account_id=None)
        client = create_client(
            credentials=credentials, region_name=region_name, config=once.merge(config or Config()), **options
        )
        made.append(client)
        return client

    yield connect
    for client in made:
        client.close()


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """`profile(lines)` is the name of a profile with these lines."""

    def write(lines: str) -> str:
        (tmp_path / "config").write_text(PROFILE.format(lines))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        return "refresh"

    return write


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls"), "dynamodb.eu-west-1.amazonaws.com")


def asked_url(client: Any, operation: str) -> str:
    """Return where a call goes."""
    urls: list[str] = []

    def note(request: Any, **_: Any) -> None:
        urls.append(request.url)
        raise ConnectionError

    client.meta.events.register(f"before-send.dynamodb.{operation}", note)
    with pytest.raises(errors.DynamoDBError):
        call(client, operation, "T", {"TableName": "T"})
    return urls[0]


@pytest.mark.parametrize("source", ["environment", "configuration"])
def test_https_through_a_proxy_is_tunnelled_and_verified_by_the_bundle(
    connect: Callable[..., Any], either: ClientName, monkeypatch: pytest.MonkeyPatch, tls: Tls, source: str
) -> None:
    with Peer(*ANSWERS).running(tls.context()) as peer, Tunnel(peer.url).running() as tunnel:
        config = None
        if source == "environment":
            monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        else:
            config = Config(proxies={"https": tunnel.url})
        client = connect(client=either, verify=str(tls.bundle), config=config)

        assert client.scan(TableName="T")["Items"] == []
        assert client.describe_table(TableName="T")["Table"]["TableName"] == "T"

    assert set(tunnel.hosts) == {"dynamodb.eu-west-1.amazonaws.com:443"}
    assert len(peer.requests) == 2
    assert set(peer.names) == {"dynamodb.eu-west-1.amazonaws.com"}


def test_https_through_a_proxy_when_the_certificate_is_a_stranger_s_is_refused(
    connect: Callable[..., Any], either: ClientName, monkeypatch: pytest.MonkeyPatch, tls: Tls
) -> None:
    with Peer(*ANSWERS).running(tls.context()) as peer, Tunnel(peer.url).running() as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)

        with pytest.raises(errors.EndpointError, match="TLS certificate"):
            call(connect(client=either), "Scan", "T", {"TableName": "T"})

    assert tunnel.hosts
    assert peer.requests == []


def test_proxy_when_its_url_has_a_password_is_given_it_and_no_error_shows_it(
    connect: Callable[..., Any], either: ClientName, monkeypatch: pytest.MonkeyPatch, tls: Tls
) -> None:
    with Peer(*ANSWERS).running(tls.context()) as peer, Tunnel(peer.url).running() as tunnel:
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url.replace("http://", "http://me:marked@"))
        connect(client=either, verify=str(tls.bundle)).scan(TableName="T")
    assert b"Proxy-Authorization: Basic bWU6bWFya2Vk" in tunnel.heads[0]

    client = connect(client=either, verify=str(tls.bundle))
    with pytest.raises(errors.EndpointError, match="cannot be reached") as caught:
        call(client, "Scan", "T", {"TableName": "T"})
    assert "marked" not in str(caught.value)
    assert "marked" not in str(detour(client))


@pytest.mark.parametrize("excepted", ["localhost", "127.0.0.1", "*"])
def test_no_proxy_when_it_names_the_endpoint_lets_it_be_reached_without(
    connect: Callable[..., Any], either: ClientName, monkeypatch: pytest.MonkeyPatch, excepted: str, tmp_path: Path
) -> None:
    own = Tls(tmp_path, "localhost")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", excepted)
    with Peer(*ANSWERS).running(own.context()) as peer:
        host = "127.0.0.1" if excepted == "127.0.0.1" else "localhost"
        client = connect(client=either, verify=str(own.bundle), endpoint_url=peer.url.replace("127.0.0.1", host))

        assert client.scan(TableName="T")["Items"] == []
        assert detour(client) is None


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, None),
        ({"proxies": {"https": "http://me:marked@127.0.0.1:9"}}, "a proxy"),
        ({"proxies": {"http": "http://127.0.0.1:9"}}, None),
        ({"client_cert": "/nowhere.pem"}, "a client certificate"),
    ],
)
def test_detour_when_bulk_calls_go_botocore_s_way_tells_why(
    connect: Callable[..., Any], config: dict[str, Any], why: str | None
) -> None:
    assert detour(connect(config=Config(**config))) == why
    assert detour(connect(config=Config(**config), client="botocore")) is None


@pytest.mark.parametrize(
    ("environment", "lines", "config", "url"),
    [
        ({}, "", {}, AWS),
        ({}, "", {"use_fips_endpoint": True}, "https://dynamodb-fips.eu-west-1.amazonaws.com/"),
        ({}, "", {"use_dualstack_endpoint": True}, "https://dynamodb.eu-west-1.api.aws/"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "", {}, "https://dynamodb-fips.eu-west-1.amazonaws.com/"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "", {}, "https://dynamodb.eu-west-1.api.aws/"),
        ({}, "use_fips_endpoint = true", {}, "https://dynamodb-fips.eu-west-1.amazonaws.com/"),
        ({}, "use_dualstack_endpoint = true", {}, "https://dynamodb.eu-west-1.api.aws/"),
        ({"AWS_ENDPOINT_URL": "http://all.invalid:1"}, "", {}, "http://all.invalid:1/"),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "http://own.invalid:1"}, "", {}, "http://own.invalid:1/"),
        ({}, "endpoint_url = http://all.invalid:1", {}, "http://all.invalid:1/"),
        (
            {},
            "services = here\n[services here]\ndynamodb =\n  endpoint_url = http://own.invalid:1",
            {},
            "http://own.invalid:1/",
        ),
        (
            {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "endpoint_url = http://all.invalid:1",
            {},
            AWS,
        ),
        ({}, "endpoint_url = http://all.invalid:1\nignore_configured_endpoint_urls = true", {}, AWS),
    ],
)
def test_endpoint_when_configured_is_where_calls_go(
    connect: Callable[..., Any],
    either: ClientName,
    profile: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    lines: str,
    config: dict[str, Any],
    url: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    client = connect(client=either, profile_name=profile(lines), config=Config(**config))

    assert [asked_url(client, operation) for operation in ("Scan", "DescribeTable")] == [url, url]


def test_endpoint_when_given_counts_more_than_that_of_the_profile(
    connect: Callable[..., Any], either: ClientName, profile: Callable[[str], str]
) -> None:
    name = profile("endpoint_url = http://all.invalid:1")

    client = connect(client=either, profile_name=name, endpoint_url="http://given.invalid:1")

    assert asked_url(client, "Scan") == "http://given.invalid:1/"


@pytest.mark.parametrize("named", ["by the connection", "by the environment"])
def test_ca_bundle_of_a_profile_is_trusted(
    connect: Callable[..., Any],
    either: ClientName,
    profile: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    tls: Tls,
    named: str,
) -> None:
    name: str | None = profile(f"ca_bundle = {tls.bundle}")
    if named == "by the environment":
        monkeypatch.setenv("AWS_PROFILE", str(name))
        name = None
    with Peer(*ANSWERS).running(tls.context()) as peer:
        client = connect(client=either, profile_name=name, region_name=None, endpoint_url=peer.url)

        assert client.scan(TableName="T")["Items"] == []
        assert client.describe_table(TableName="T")["Table"]["TableName"] == "T"


@pytest.mark.parametrize("proxy", ["http://me:marked@127.0.0.1:9", None])
def test_sync_when_a_proxy_is_used_tells_that_it_goes_botocore_s_way(
    monkeypatch: pytest.MonkeyPatch, proxy: str | None
) -> None:
    source = Service()
    if proxy is not None:
        monkeypatch.setenv("HTTP_PROXY", proxy)
    destination = Service()
    job = SyncJob("users", "staging", Mapping.parse({"unmapped": "passthrough"}), secret=bytes(16), verify="off")
    notices: list[str] = []

    run_sync(job, source.client, destination.client, on_notice=notices.append)

    assert len(destination.written) == len(ITEMS)
    told = [notice for notice in notices if "botocore" in notice]
    assert len(told) == (proxy is not None)
    assert all(notice.startswith("The destination") and "a proxy" in notice for notice in told)
    assert "marked" not in " ".join(notices)


def test_command_line_s_profile_is_that_of_the_client_too(profile: Callable[[str], str]) -> None:
    name = profile("aws_access_key_id = AKID\naws_secret_access_key = secret\nuse_fips_endpoint = true")
    parser = argparse.ArgumentParser()
    connections.add_side(parser, "source")
    options = parser.parse_args(["--source-profile", name])
    options.client = "wire"

    client = connections.client(options, "source", 1)

    assert asked_url(client, "Scan") == "https://dynamodb-fips.eu-west-1.amazonaws.com/"
