"""generate_ip_address, transform_ip_address and transform_url."""

import re
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, compile_plan
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.engine.transformers.network import KEPT_V4, KEPT_V6, PrefixPreserving

SECRET = b"a secret of the tests"


def apply(name: str, *values: str, secret: bytes = SECRET, **parameters: Any) -> list[str]:
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}}, key_attributes=("Id",), secret=secret
    )
    items = plan.apply([{"Id": {"N": str(number)}, "A": {"S": value}} for number, value in enumerate(values)])
    return [item["A"]["S"] for item in items]


@pytest.mark.parametrize(
    ("ip_type", "network"),
    [
        ("v4_private_a", "10.0.0.0/8"),
        ("v4_private_b", "172.16.0.0/12"),
        ("v4_private_c", "192.168.0.0/16"),
        ("v4_link_local", "169.254.0.0/16"),
        ("v4_multicast", "224.0.0.0/4"),
        ("v4_loopback", "127.0.0.0/8"),
    ],
)
def test_addresses_are_of_the_asked_network(ip_type: str, network: str) -> None:
    addresses = apply("generate_ip_address", *["x"] * 300, ip_type=ip_type)
    assert all(IPv4Address(address) in IPv4Network(network) for address in addresses)
    assert len(set(addresses)) > 290


def test_public_addresses_are_global_unicast_ones_from_everywhere() -> None:
    addresses = list(map(IPv4Address, apply("generate_ip_address", *["x"] * 3000)))
    assert all(address.is_global and not address.is_multicast for address in addresses)
    assert len({address.packed[0] for address in addresses}) > 200


def test_ipv6_addresses_are_for_documentation_unless_realistic_ones_are_asked_for() -> None:
    for realistic, network in ((False, "2001:db8::/32"), (True, "2000::/3")):
        addresses = apply("generate_ip_address", *["x"] * 300, ip_type="v6", realistic=realistic)
        assert all(IPv6Address(address) in IPv6Network(network) for address in addresses)
        assert len(set(addresses)) == 300
    assert len({IPv6Address(address).packed[:4] for address in addresses}) > 290


PSEUDONYM_V4 = PrefixPreserving(Secret(SECRET).keyed("test"), KEPT_V4)
PSEUDONYM_V6 = PrefixPreserving(Secret(SECRET).keyed("test"), KEPT_V6)


def shared_bits(one: bytes, other: bytes) -> int:
    difference = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return 8 * len(one) - difference.bit_length()


def neighbours(size: int) -> st.SearchStrategy[tuple[bytes, bytes]]:
    """Return pairs of addresses that share any number of first bits."""
    top = 2 ** (8 * size) - 1

    def pair(address: int, distance: int, bits: int) -> tuple[bytes, bytes]:
        return address.to_bytes(size, "big"), (address ^ distance >> bits).to_bytes(size, "big")

    return st.builds(pair, st.integers(0, top), st.integers(0, top), st.integers(0, 8 * size))


@given(neighbours(4))
@example((IPv4Address("9.255.255.255").packed, IPv4Address("10.0.0.0").packed))
def test_two_ipv4_addresses_share_as_many_first_bits_as_before(pair: tuple[bytes, bytes]) -> None:
    assert shared_bits(*map(PSEUDONYM_V4, pair)) == shared_bits(*pair)


@given(neighbours(16))
def test_two_ipv6_addresses_share_as_many_first_bits_as_before(pair: tuple[bytes, bytes]) -> None:
    assert shared_bits(*map(PSEUDONYM_V6, pair)) == shared_bits(*pair)


@pytest.mark.parametrize("network", KEPT_V4 + KEPT_V6, ids=str)
def test_an_address_is_in_a_kept_network_afterwards_if_it_was_before(network: Any) -> None:
    pseudonym: Callable[[bytes], bytes] = PSEUDONYM_V4 if network.version == 4 else PSEUDONYM_V6
    address = type(network.network_address)
    inside = [network.network_address, network.broadcast_address, network[network.num_addresses // 3]]
    assert all(address(pseudonym(one.packed)) in network for one in inside)
    edges = [int(network.network_address) - 1, int(network.broadcast_address) + 1]
    outside = [address(number) for number in edges if 0 <= number < 2**network.max_prefixlen]
    assert not any(address(pseudonym(one.packed)) in network for one in outside)


def test_all_addresses_of_a_network_become_all_of_another() -> None:
    values = [f"81.2.69.{host}" for host in range(256)]
    results = apply("transform_ip_address", *values)
    networks = {result.rpartition(".")[0] for result in results}
    assert len(networks) == 1
    assert networks != {"81.2.69"}
    assert sorted(int(result.rpartition(".")[2]) for result in results) == [*range(256)]


def test_each_bit_is_flipped_for_half_of_the_prefixes() -> None:
    flipped: Counter[int] = Counter()
    for number in range(2000):
        packed = (0x2A00_0000 + 4099 * number).to_bytes(4, "big")
        difference = int.from_bytes(packed, "big") ^ int.from_bytes(PSEUDONYM_V4(packed), "big")
        flipped.update(bit for bit in range(12) if difference >> bit & 1)
    assert all(850 < flipped[bit] < 1150 for bit in range(12))


def test_another_secret_gives_other_addresses() -> None:
    values = [f"81.2.{third}.7" for third in range(100)]
    one, other = (apply("transform_ip_address", *values, secret=secret) for secret in (SECRET, b"x" * 16))
    assert sum(a == b for a, b in zip(one, other, strict=True)) <= 1


def test_ipv6_addresses_are_written_compressed_and_in_their_case() -> None:
    spelled = ["2a02:26f0::1", "2A02:26F0::1", "2a02:26f0:0:0:0:0:0:1"]
    lower, upper, exploded = apply("transform_ip_address", *spelled)
    assert lower == exploded == str(IPv6Address(lower)) != spelled[0]
    assert upper == lower.upper()


def test_an_ipv4_address_mapped_to_ipv6_becomes_that_of_its_pseudonym() -> None:
    plain, mapped = apply("transform_ip_address", "81.2.69.142", "::ffff:81.2.69.142")
    assert mapped == f"::ffff:{plain}"


@pytest.mark.parametrize(
    "value", ["mary", "10.1.2", "10.1.2.3:80", "10.1.2.0/24", "010.1.2.3", " 10.1.2.3", "::g"]
)
def test_what_is_no_ip_address_is_refused_without_the_value(value: str) -> None:
    with pytest.raises(TransformError, match="an IP address was expected") as error:
        apply("transform_ip_address", value)
    assert value not in str(error.value)


URL = "HTTPS://mary:pass@Acme.com:8443/users/mary%20m;v=2//x?tab=orders&mary#top"
WORD = "[A-Za-z0-9]{12}"
HOST = r"[a-z0-9]{13}\.example\.(com|net|org)"


@pytest.mark.parametrize(
    ("keep", "form"),
    [
        ([], rf"https://{WORD}:{WORD}@{HOST}:8443/{WORD}/{WORD};{WORD}={WORD}//{WORD}"),
        (["scheme"], rf"HTTPS://{WORD}:{WORD}@{HOST}:8443/{WORD}/{WORD};{WORD}={WORD}//{WORD}"),
        (["host"], rf"https://{WORD}:{WORD}@Acme\.com:8443/{WORD}/{WORD};{WORD}={WORD}//{WORD}"),
        (["path", "scheme"], rf"HTTPS://{WORD}:{WORD}@{HOST}:8443/users/mary%20m;v=2//x"),
        (["scheme", "host", "path"], rf"HTTPS://{WORD}:{WORD}@Acme\.com:8443/users/mary%20m;v=2//x"),
    ],
)
def test_the_named_parts_of_a_url_stay_and_no_others(keep: list[str], form: str) -> None:
    (result,) = apply("transform_url", URL, keep=keep)
    assert re.fullmatch(rf"{form}\?{WORD}={WORD}&{WORD}#{WORD}", result)


def test_one_host_and_one_word_have_one_pseudonym_in_all_urls() -> None:
    one, other, port = apply(
        "transform_url", "https://acme.com/users/1", "http://ACME.com/users/2", "https://acme.com:1"
    )
    assert one.split("/")[2:4] == other.split("/")[2:4]
    assert one.split("/")[4] != other.split("/")[4]
    assert port == f"https://{one.split('/')[2]}:1"


@pytest.mark.parametrize("host", ["10.1.2.3", "[2001:db8::1]", "例え.jp", "localhost"])
def test_every_form_of_host_is_replaced(host: str) -> None:
    (result,) = apply("transform_url", f"https://{host}/")
    assert re.fullmatch(rf"https://{HOST}/", result)


@given(st.text(min_size=4), st.text(min_size=4))
def test_nothing_of_a_path_and_a_query_is_left(path: str, query: str) -> None:
    assume(not set(path + query) & set("/?#&;:="))
    (result,) = apply("transform_url", f"https://a.b/{path}?{query}")
    assert re.fullmatch(rf"https://{HOST}/{WORD}\?{WORD}", result)


@pytest.mark.parametrize("value", ["mary", "mailto:mary@acme.com", "//acme.com/", "https:///mary", "https://a b/"])
def test_what_is_no_url_is_refused_without_the_value(value: str) -> None:
    with pytest.raises(TransformError, match="a URL with a host") as error:
        apply("transform_url", value)
    assert value not in str(error.value)


@pytest.mark.parametrize(
    ("name", "parameters", "place"),
    [
        ("generate_ip_address", {"ip_type": "v5"}, "mappings.A.ip_type"),
        ("generate_ip_address", {"realistic": 1}, "mappings.A.realistic"),
        ("transform_ip_address", {"keep": 8}, "mappings.A.keep"),
        ("transform_url", {"keep": ["query"]}, "mappings.A.keep.0"),
        ("transform_url", {"keep": "path"}, "mappings.A.keep"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(name: str, parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        apply(name, "x", **parameters)
    assert error.value.place == place
