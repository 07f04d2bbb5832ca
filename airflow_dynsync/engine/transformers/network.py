"""IP addresses and URLs."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address
from typing import Any, Final, Literal

from pydantic import Field

from airflow_dynsync.engine.columns import value_by_value
from airflow_dynsync.engine.definitions import (
    Compiler,
    Definition,
    Example,
    Parameters,
    Scalar,
    Step,
    Uniqueness,
)
from airflow_dynsync.engine.keyed import Keyed, Stream, join_parts
from airflow_dynsync.engine.transformers.emails import LETTERS_AND_DIGITS, SAFE_DOMAINS
from airflow_dynsync.engine.transformers.primitives import ALPHANUMERIC
from airflow_dynsync.engine.values import EVERY_TYPE_BUT_SETS, WireItem, WrongFormError

KINDS: Final = {
    "v4_private_a": IPv4Network("10.0.0.0/8"),
    "v4_private_b": IPv4Network("172.16.0.0/12"),
    "v4_private_c": IPv4Network("192.168.0.0/16"),
    "v4_link_local": IPv4Network("169.254.0.0/16"),
    "v4_multicast": IPv4Network("224.0.0.0/4"),
    "v4_loopback": IPv4Network("127.0.0.0/8"),
}
"""RFC 1918, section 3; RFC 3927; RFC 5771; RFC 1122, section 3.2.1.3."""

NOT_PUBLIC: Final = (
    *KINDS.values(),
    *map(
        IPv4Network,
        (
            *("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
        ),
    ),
)
"""IANA's IPv4 Special-Purpose Address Registry, with multicast addresses."""

DOCUMENTATION: Final = IPv6Network("2001:db8::/32")
"""RFC 3849: not routed."""

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""RFC 4291, section 2.4, as far as IANA assigns it."""

KEPT_V4: Final[tuple[IPv4Network, ...]] = (
    *KINDS.values(),
    *map(IPv4Network, ("0.0.0.0/8", "100.64.0.0/10", "240.0.0.0/4")),
)
KEPT_V6: Final = tuple(
    map(IPv6Network, ("::1/128", "64:ff9b::/96", "2000::/3", "fc00::/7", "fe80::/64", "ff00::/8"))
)
"""transform_ip_address maps each of these networks to itself."""

IpType = Literal[
    "v4_public",
    "v4_private_a",
    "v4_private_b",
    "v4_private_c",
    "v4_link_local",
    "v4_multicast",
    "v4_loopback",
    "v6",
]


class GenerateIpAddress(Parameters):
    """Parameters of generate_ip_address."""

    ip_type: IpType = Field(
        default="v4_public",
        description="The kind: v4_public; v4_private_a in 10.0.0.0/8, v4_private_b in 172.16.0.0/12, v4_private_c"
        " in 192.168.0.0/16; v4_link_local; v4_multicast; v4_loopback; or v6.",
    )
    realistic: bool = Field(
        default=False,
        description="Draw v6 from all global addresses, where one may be somebody's; otherwise from 2001:db8::/32,"
        " which is for documentation.",
    )


def _generate_ip_address(parameters: GenerateIpAddress) -> Scalar:
    if parameters.ip_type == "v6":
        return partial(_within, GLOBAL_UNICAST if parameters.realistic else DOCUMENTATION)
    if parameters.ip_type == "v4_public":
        return _public
    return partial(_within, KINDS[parameters.ip_type])


def _within(network: IPv4Network | IPv6Network, _value: Any, stream: Stream) -> str:
    """Draw an address that is neither the first nor the last of its network."""
    return str(network[stream.between(1, network.num_addresses - 2)])


_EDGES: Final = [
    edge
    for network in collapse_addresses(NOT_PUBLIC)
    for edge in (int(network.network_address), int(network.broadcast_address) + 1)
]
"""Where addresses cease to be public, and where they are so again, in turns."""


def _public(_value: Any, stream: Stream) -> str:
    while True:
        drawn = stream.bytes(4)
        if bisect_right(_EDGES, int.from_bytes(drawn, "big")) % 2 == 0:
            return ".".join(map(str, drawn))


class PrefixPreserving:
    """A one-to-one function of addresses: two that share their first bits, k of them, share k afterwards too.

    A bit is flipped or not by a keyed function of the bits before it, as in Crypto-PAn (J. Xu, J. Fan, M. H.
    Ammar, S. B. Moon, "Prefix-Preserving IP Address Anonymization", ICNP 2002), with BLAKE2b in place of AES: a
    digest of the bytes before gives the 255 decisions inside the next one. Nothing is flipped on the way to a
    network that is kept, so its addresses stay within it; of other addresses, the bits that lead along such a way
    stay too.

    Args:
        keyed: the keyed function.
        networks: those that are kept, all of IPv4 or all of IPv6.
    """

    __slots__ = ("_flips", "_keyed", "_size", "_ways")

    def __init__(self, keyed: Keyed, networks: tuple[IPv4Network, ...] | tuple[IPv6Network, ...]) -> None:
        self._keyed = keyed
        self._size = networks[0].max_prefixlen // 8
        self._flips = lru_cache(maxsize=4096)(self._flips_at_the_end_of)
        self._ways = frozenset(
            f"{int(network.network_address):0{network.max_prefixlen}b}"[:length]
            for network in networks
            for length in range(network.prefixlen)
        )

    def __call__(self, packed: bytes) -> bytes:
        """Return the pseudonym of an address, both as bytes."""
        return bytes([byte ^ self._flips(packed[: end + 1]) for end, byte in enumerate(packed)])

    def _flips_at_the_end_of(self, start: bytes) -> int:
        """Return which bits of the last of an address's first bytes are flipped."""
        bits = f"{int.from_bytes(start, 'big'):0{8 * len(start)}b}"
        digest = self._keyed.digest(bytes([self._size]) + start[:-1])
        decisions = int.from_bytes(digest[:32], "big")
        node, flips = 1, 0
        for end in range(len(bits) - 8, len(bits)):
            kept = bits[:end] in self._ways
            flips = flips << 1 | (0 if kept else decisions >> node & 1)
            node = node << 1 | int(bits[end])
        return flips


def _transform_ip_address(_parameters: Parameters, compiler: Compiler) -> Step:
    pseudonym_v4 = PrefixPreserving(compiler.keyed, KEPT_V4)
    pseudonym_v6 = PrefixPreserving(compiler.keyed, KEPT_V6)

    def transform(value: str, _item: WireItem) -> str:
        try:
            address = ip_address(value)
        except ValueError:
            raise WrongFormError(
                "an IP address was expected, without a port or the length of a network; use"
                " transform_character_scramble for other forms"
            ) from None
        if isinstance(address, IPv4Address):
            return str(IPv4Address(pseudonym_v4(address.packed)))
        if address.ipv4_mapped:
            return f"::ffff:{IPv4Address(pseudonym_v4(address.ipv4_mapped.packed))}"
        result = str(IPv6Address(pseudonym_v6(address.packed)))
        return result.upper() if value.isupper() else result

    return value_by_value(transform, compiler.place)


HOST_CHARACTERS: Final = 13
WORD_CHARACTERS: Final = 12
"""So many that those of two different hosts or words are equal with a probability under 2**-64."""

_WORD: Final = re.compile(r"[^/?#&;:=]+")
_URL: Final = re.compile(
    r"""
    (?P<scheme> [A-Za-z][A-Za-z0-9+.-]* ) ://
    (?P<user> [^/?\#]*@ )?
    (?P<host> \[[0-9A-Fa-f:.]+\] | [^/?\#@:\[\]\s]+ )
    (?P<port> :[0-9]* )?
    (?P<path> /[^?\#]* )?
    (?P<rest> [?\#].* )?
    """,
    re.VERBOSE | re.DOTALL,
)
"""A URI with an authority (RFC 3986, appendix B)."""


class TransformUrl(Parameters):
    """Parameters of transform_url."""

    keep: list[Literal["scheme", "host", "path"]] = Field(
        default=["scheme"],
        description="Which parts stay: scheme, host, path. Another scheme becomes https, another host one below"
        " example.com, example.net or example.org, each word of another path a word of 12 letters and digits."
        " Users, queries and fragments are always replaced, word by word; ports stay.",
    )


def _transform_url(parameters: TransformUrl, compiler: Compiler) -> Step:
    keyed, keep = compiler.keyed, parameters.keep

    def host(text: str) -> str:
        stream = keyed.stream(join_parts("host", text.lower()))
        return f"{stream.text(LETTERS_AND_DIGITS, HOST_CHARACTERS)}.{stream.choice(SAFE_DOMAINS)}"

    def words(text: str | None) -> str:
        return _WORD.sub(word, text or "")

    def word(match: re.Match[str]) -> str:
        return keyed.stream(join_parts("word", match[0])).text(ALPHANUMERIC, WORD_CHARACTERS)

    def transform(value: str, _item: WireItem) -> str:
        if not (url := _URL.fullmatch(value)):
            raise WrongFormError(
                "a URL with a host, such as https://example.com/, was expected; use transform_string for others"
            )
        user = f"{words(url['user'][:-1])}@" if url["user"] else ""
        return "".join(
            (
                url["scheme"] if "scheme" in keep else "https",
                f"://{user}",
                url["host"] if "host" in keep else host(url["host"]),
                url["port"] or "",
                (url["path"] or "") if "path" in keep else words(url["path"]),
                words(url["rest"]),
            )
        )

    return value_by_value(transform, compiler.place)


DEFINITIONS: Final = (
    Definition(
        name="generate_ip_address",
        summary="Draws an IP address of a kind",
        parameters=GenerateIpAddress,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=lambda parameters: (
            Uniqueness.NOT_GUARANTEED if parameters.ip_type == "v6" else Uniqueness.LOSSY
        ),
        reads_input=False,
        example=Example("8.8.8.8", "10.201.12.49", {"ip_type": "v4_private_a"}),
        scalar=_generate_ip_address,
    ),
    Definition(
        name="transform_ip_address",
        summary="Replaces an IP address by one of the same kind, such as private or multicast; addresses of one"
        " network stay in one network",
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=Uniqueness.NOT_GUARANTEED,
        reads_input=True,
        example=Example("81.2.69.142", "93.124.6.196"),
        column=_transform_ip_address,
    ),
    Definition(
        name="transform_url",
        summary="Replaces the parts of a URL that are not to be kept",
        parameters=TransformUrl,
        accepts=frozenset({"S"}),
        returns=frozenset({"S"}),
        uniqueness=lambda parameters: (
            Uniqueness.NOT_GUARANTEED if "scheme" in parameters.keep else Uniqueness.LOSSY
        ),
        reads_input=True,
        example=Example(
            "https://acme.com/users/mary?tab=orders",
            "https://fyne21lntdf0y.example.org/C9bBm1O2QZNY/baSV6TUR9FHz?HWyr0NZEsg3B=WnzmS1TMlz3u",
        ),
        column=_transform_url,
    ),
)
