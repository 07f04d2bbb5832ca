"""E-mail addresses."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, Protocol

from pydantic import Field

from airflow_dynsync.engine.corpora import words
from airflow_dynsync.engine.definitions import (
    Definition,
    Example,
    Parameters,
    Scalar,
    TextList,
    Uniqueness,
    uniqueness_of_random,
)
from airflow_dynsync.engine.keyed import Stream
from airflow_dynsync.engine.transformers.primitives import LONGEST_STRING, uuid4_digits
from airflow_dynsync.engine.values import EVERY_TYPE_BUT_SETS, ValueRefusedError

SAFE_DOMAINS: Final = ("example.com", "example.net", "example.org")
"""Reserved for documentation (RFC 2606, section 3): no mail to them reaches anybody."""

REALISTIC_DOMAINS: Final = (
    *("aol.com", "comcast.net", "fastmail.com", "gmail.com", "gmx.net", "hotmail.com", "icloud.com", "live.com"),
    *("mail.com", "msn.com", "outlook.com", "proton.me", "verizon.net", "web.de", "yahoo.com", "zoho.com"),
)

LONGEST_DOMAIN: Final = max(map(len, SAFE_DOMAINS + REALISTIC_DOMAINS))
ENOUGH_TO_DIFFER: Final = 8
"""Characters before the @."""

UUID_DIGITS: Final = 32

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
LETTERS_AND_DIGITS: Final = LETTERS + "0123456789"

_EMAIL: Final = re.compile(
    r"""
    (?: ATOM (?:\.ATOM)* | "(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])+" )
    @
    (?: ATOM (?:\.ATOM)* | \[[0-9A-Za-z.:]+\] )
    """.replace("ATOM", r'[^\s\x00-\x1f\x7f"(),.:;<>@\[\\\]]+'),
    re.VERBOSE,
)
"""An addr-spec without comments (RFC 5322, section 3.4.1), with the Unicode that RFC 6531 adds."""

EmailType = Literal["uuid_v4", "fullname"]


class LocalPart(Protocol):
    """Draws what stands before the @."""

    def __call__(self, room: int, stream: Stream, *, exact: bool) -> str:
        """Return a local part of at most, or exactly, ``room`` characters, which is 1 or more."""
        ...


class GenerateEmail(Parameters):
    """Parameters of generate_email."""

    email_type: EmailType = Field(
        default="uuid_v4",
        description="What stands before the @: uuid_v4, the digits of a UUID, or fullname, a name and a number.",
    )
    realistic: bool = Field(
        default=False,
        description="Use domains of real mail providers, such as gmail.com, where an address may be somebody's;"
        " otherwise example.com, example.net and example.org.",
    )
    max_length: int = Field(
        default=100,
        ge=LONGEST_DOMAIN + 2,
        le=LONGEST_STRING,
        description="The most characters that a result may have.",
    )


class TransformEmail(GenerateEmail):
    """Parameters of transform_email."""

    preserve_domain: bool = Field(default=False, description="Keep what stands after the @.")
    preserve_length: bool = Field(
        default=False, description="Give the result as many characters as the value, whatever max_length says."
    )
    excluded_domains: TextList = Field(
        default=[],
        description="Domains for which the choice of preserve_domain is inverted, in upper or lower case: a list,"
        " or one text with commas between them.",
    )
    invalid_email_action: Literal["reject", "null", "passthrough", "generate"] = Field(
        default="reject",
        description="What to do with a value that is no e-mail address: stop, replace it by NULL, keep it, or draw"
        " an address.",
    )


def _uuid_local_part(room: int, stream: Stream, *, exact: bool) -> str:
    return stream.text(LETTERS_AND_DIGITS, room) if exact else uuid4_digits(stream)[:room]


def _fullname_local_part() -> LocalPart:
    first_names, last_names = (
        [re.sub("[^a-z]", "", word.lower()) for word in words(name, "en")]
        for name in ("first_names", "last_names")
    )

    def local_part(room: int, stream: Stream, *, exact: bool) -> str:
        first, last = stream.choice(first_names), stream.choice(last_names)
        name = f"{first}.{last}"
        if len(name) + 4 > room:
            name = f"{first}{last}"[: room - min(4, room // 2)]
        left = room - len(name)
        return name + stream.text("0123456789", left if exact else min(4, left))

    return local_part


def _local_part(email_type: EmailType) -> LocalPart:
    return _uuid_local_part if email_type == "uuid_v4" else _fullname_local_part()


def _generate_email(parameters: GenerateEmail) -> Scalar:
    local_part = _local_part(parameters.email_type)
    domains = REALISTIC_DOMAINS if parameters.realistic else SAFE_DOMAINS
    max_length = parameters.max_length

    def generate(_value: Any, stream: Stream) -> str:
        domain = stream.choice(domains)
        return f"{local_part(max_length - len(domain) - 1, stream, exact=False)}@{domain}"

    def generate_uuid(_value: Any, stream: Stream) -> str:
        domain = stream.choice(domains)
        return f"{uuid4_digits(stream)}@{domain}"

    has_room = max_length > UUID_DIGITS + LONGEST_DOMAIN
    return generate_uuid if parameters.email_type == "uuid_v4" and has_room else generate


def _domain_within(room: int, domains: tuple[str, ...], stream: Stream) -> str:
    """Return a domain of at most ``room`` characters, 1 or more, that is nobody's unless ``domains`` are.

    It is a shorter one where the others would leave too little before the @ for addresses to differ in.

    .test is reserved (RFC 2606, section 2), and no top-level domain has a single letter.
    """
    if fitting := [domain for domain in domains if len(domain) <= room - ENOUGH_TO_DIFFER + 1]:
        return stream.choice(fitting)
    if room >= len("x.test"):
        return f"{stream.choice(LETTERS)}.test"
    return ".".join(stream.text(LETTERS, 2 if room >= len("x.y") else 1))


def _transform_email(parameters: TransformEmail) -> Scalar:
    local_part = _local_part(parameters.email_type)
    generate = _generate_email(parameters)
    domains = REALISTIC_DOMAINS if parameters.realistic else SAFE_DOMAINS
    preserve_domain, preserve_length = parameters.preserve_domain, parameters.preserve_length
    max_length, action = parameters.max_length, parameters.invalid_email_action
    excluded = frozenset(domain.casefold() for domain in parameters.excluded_domains)
    is_email = _EMAIL.fullmatch
    always_anew = not (preserve_domain or preserve_length or excluded)

    def of_length(length: int, stream: Stream) -> str:
        domain = _domain_within(length - 2, domains, stream)
        return f"{local_part(length - len(domain) - 1, stream, exact=True)}@{domain}"

    def transform(value: str, stream: Stream) -> str | None:
        if not is_email(value):
            return invalid(value, stream)
        if always_anew:
            drawn: str = generate(value, stream)
            return drawn
        domain = value.rpartition("@")[2]
        if preserve_domain == (domain.casefold() in excluded):
            return of_length(len(value), stream) if preserve_length else generate(value, stream)
        room = (len(value) if preserve_length else max_length) - len(domain) - 1
        if room < 1:
            raise ValueRefusedError(
                f"the domain to be kept leaves no room within {max_length} characters; raise max_length"
            )
        return f"{local_part(room, stream, exact=preserve_length)}@{domain}"

    def invalid(value: str, stream: Stream) -> str | None:
        match action:
            case "generate":
                of_its_length = preserve_length and len(value) >= len("x@y")
                return of_length(len(value), stream) if of_its_length else generate(value, stream)
            case "passthrough":
                return value
            case "null":
                return None
        raise ValueRefusedError(
            "an e-mail address was expected; set invalid_email_action (null, passthrough, generate)"
        )

    return transform


def _uniqueness(parameters: GenerateEmail) -> Uniqueness:
    # Within the length of most addresses there is less room than 64 bits.
    if parameters.email_type == "fullname" or getattr(parameters, "preserve_length", False):
        return Uniqueness.LOSSY
    room = parameters.max_length - LONGEST_DOMAIN - 1
    return uniqueness_of_random(min(122, 4 * room))


DEFINITIONS: Final = (
    Definition(
        name="generate_email",
        summary="Draws an e-mail address",
        parameters=GenerateEmail,
        accepts=EVERY_TYPE_BUT_SETS,
        returns=frozenset({"S"}),
        uniqueness=_uniqueness,
        reads_input=False,
        example=Example("mary@acme.com", "devin.krause6010@example.com", {"email_type": "fullname"}),
        scalar=_generate_email,
    ),
    Definition(
        name="transform_email",
        summary="Replaces an e-mail address by another, with or without its domain and length",
        parameters=TransformEmail,
        accepts=frozenset({"S"}),
        returns=frozenset({"S", "NULL"}),
        uniqueness=_uniqueness,
        reads_input=True,
        example=Example("mary@acme.com", "6757d4c349a14af890c7b620402524c6@acme.com", {"preserve_domain": True}),
        scalar=_transform_email,
    ),
)
