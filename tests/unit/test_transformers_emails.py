"""generate_email and transform_email."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_dynsync.engine import MappingError, TransformError, catalogue, compile_plan
from airflow_dynsync.engine.definitions import Uniqueness
from airflow_dynsync.engine.keyed import Secret

SECRET = b"a secret of the tests"
SAFE = re.compile(r"[a-z0-9.]+@example\.(com|net|org)")
NOBODYS = re.compile(r"[a-z0-9.]+@(example\.(com|net|org)|[a-z]\.test|[a-z](\.[a-z])?)")

_atoms = st.text("abzAZ09+'-_%é用😀", min_size=1, max_size=20)
_dotted = st.lists(_atoms, min_size=1, max_size=3).map(".".join)
_quoted = st.text("ab @.,:é用", min_size=1).map('"{}"'.format)
EMAILS = st.builds("{}@{}".format, _dotted | _quoted, _dotted)


def apply(name: str, *values: str, **parameters: Any) -> list[Any]:
    plan = compile_plan(
        {"mappings": {"A": {"transformer": name, **parameters}}}, key_attributes=("Id",), secret=SECRET
    )
    items = plan.apply([{"Id": {"N": str(number)}, "A": {"S": value}} for number, value in enumerate(values)])
    return [item["A"].get("S") for item in items]


def transform(value: str, **parameters: Any) -> Any:
    definition = catalogue()["transform_email"]
    function = definition.scalar(definition.parameters.model_validate(parameters))
    return function(value, Secret(SECRET).keyed("test").stream(value.encode()))


@pytest.mark.parametrize("email_type", ["uuid_v4", "fullname"])
def test_addresses_are_nobodys_by_default(email_type: str) -> None:
    generated = apply("generate_email", *["x"] * 50, email_type=email_type)
    transformed = apply("transform_email", *[f"mary{n}@gmail.com" for n in range(50)], email_type=email_type)
    assert all(SAFE.fullmatch(address) for address in generated + transformed)
    assert len(set(generated + transformed)) == 100


def test_realistic_addresses_have_domains_of_mail_providers() -> None:
    domains = {address.split("@")[1] for address in apply("generate_email", *["x"] * 200, realistic=True)}
    assert "gmail.com" in domains
    assert not any(domain.startswith("example.") for domain in domains)


def test_a_fullname_address_begins_with_two_names_and_a_number() -> None:
    (address,) = apply("generate_email", "x", email_type="fullname")
    assert re.fullmatch(r"[a-z]+\.[a-z]+\d{4}@example\.\w{3}", address)


@pytest.mark.parametrize("email_type", ["uuid_v4", "fullname"])
@pytest.mark.parametrize("max_length", [14, 15, 16, 17, 20, 24, 30, 100])
def test_addresses_have_at_most_max_length(email_type: str, max_length: int) -> None:
    for name in ("generate_email", "transform_email"):
        for address in apply(name, *["a@b.com"] * 20, email_type=email_type, max_length=max_length):
            assert len(address) <= max_length
            assert SAFE.fullmatch(address)


@given(value=EMAILS, email_type=st.sampled_from(["uuid_v4", "fullname"]), realistic=st.booleans())
@example(value="a@b", email_type="fullname", realistic=False)
@example(value="a@b.c", email_type="uuid_v4", realistic=False)
@example(value='"a b@c"@d.example', email_type="uuid_v4", realistic=False)
@example(value="用户@例子.广告", email_type="uuid_v4", realistic=False)
def test_preserve_length_is_exact_and_gives_an_address(value: str, email_type: Any, realistic: bool) -> None:
    result = transform(value, preserve_length=True, email_type=email_type, realistic=realistic)
    assert len(result) == len(value)
    assert realistic or NOBODYS.fullmatch(result)
    assert transform(result) is not None


@given(value=EMAILS, preserve_length=st.booleans())
def test_preserve_domain_keeps_what_stands_after_the_last_at(value: str, preserve_length: bool) -> None:
    result = transform(value, preserve_domain=True, preserve_length=preserve_length, max_length=1000)
    assert result.rpartition("@")[2] == value.rpartition("@")[2]
    assert len(result) == len(value) or not preserve_length


@pytest.mark.parametrize("excluded", [["ACME.com", "other.org"], "ACME.com, other.org"])
@pytest.mark.parametrize("preserve_domain", [True, False])
def test_an_excluded_domain_inverts_preserve_domain(excluded: Any, preserve_domain: bool) -> None:
    values = ["mary@acme.COM", "mary@gmail.com"]
    of_acme, of_gmail = apply(
        "transform_email", *values, preserve_domain=preserve_domain, excluded_domains=excluded
    )
    assert of_acme.endswith("@acme.COM") is not preserve_domain
    assert of_gmail.endswith("@gmail.com") is preserve_domain


def test_a_local_part_of_one_letter_changes_with_its_length_and_domain_preserved() -> None:
    values = [f"{letter}@b.org" for letter in "abcdefghijklmnopqrstuvwxyz"]
    results = apply("transform_email", *values, preserve_domain=True, preserve_length=True)
    assert all(re.fullmatch(r"[a-z0-9]@b\.org", result) for result in results)
    assert not any(result == value for result, value in zip(results, values, strict=True))


def test_a_domain_too_long_to_be_kept_within_max_length_is_an_error_without_the_value() -> None:
    with pytest.raises(TransformError, match="raise max_length") as error:
        apply("transform_email", "mary@a-very-long-domain.example", preserve_domain=True, max_length=20)
    assert "mary" not in str(error.value)
    assert "very-long" not in str(error.value)


NO_ADDRESSES = [
    *("mary", "@", "mary@", "@acme.com", "mary@acme@com", "a b@acme.com", "mary@acme..com", ".mary@acme.com"),
    *(
        "mary.@acme.com",
        "Mary <mary@acme.com>",
        "mary@acme.com\n",
        '"mary@acme.com',
        "mary@ac me.com",
        "a\x00@b.c",
    ),
]


@pytest.mark.parametrize("value", NO_ADDRESSES)
def test_what_is_no_address_is_refused_without_naming_it(value: str) -> None:
    with pytest.raises(TransformError) as error:
        apply("transform_email", value)
    assert str(error.value) == (
        "mappings.A: an e-mail address was expected; set invalid_email_action (null, passthrough, generate)"
    )


@pytest.mark.parametrize("value", NO_ADDRESSES)
def test_what_is_no_address_becomes_what_invalid_email_action_says(value: str) -> None:
    assert apply("transform_email", value, invalid_email_action="null") == [None]
    assert apply("transform_email", value, invalid_email_action="passthrough") == [value]
    (generated,) = apply("transform_email", value, invalid_email_action="generate")
    assert SAFE.fullmatch(generated)
    if len(value) >= 3:
        (generated,) = apply("transform_email", value, invalid_email_action="generate", preserve_length=True)
        assert NOBODYS.fullmatch(generated)
        assert len(generated) == len(value)


@pytest.mark.parametrize(
    "value", ["mary@localhost", "o'neil+news@acme.co.uk", "a@[192.0.2.1]", "ü@münchen.de", "a@b_c.d"]
)
def test_unusual_addresses_are_addresses(value: str) -> None:
    assert SAFE.fullmatch(apply("transform_email", value)[0])


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, Uniqueness.NOT_GUARANTEED),
        ({"preserve_length": True}, Uniqueness.LOSSY),
        ({"max_length": 20}, Uniqueness.LOSSY),
        ({"email_type": "fullname"}, Uniqueness.LOSSY),
    ],
)
def test_the_uniqueness_class_follows_the_room_there_is(parameters: Any, expected: Uniqueness) -> None:
    definition = catalogue()["transform_email"]
    assert definition.uniqueness_of(definition.parameters.model_validate(parameters)) is expected


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({"preserve_domain": "yes"}, "mappings.A.preserve_domain"),
        ({"preserve_domian": True}, "mappings.A.preserve_domian"),
        ({"email_type": "uuid"}, "mappings.A.email_type"),
        ({"invalid_email_action": "keep"}, "mappings.A.invalid_email_action"),
        ({"excluded_domains": 1}, "mappings.A.excluded_domains"),
        ({"max_length": 5}, "mappings.A.max_length"),
    ],
)
def test_wrong_parameters_are_errors_when_compiled(parameters: Any, place: str) -> None:
    with pytest.raises(MappingError) as error:
        apply("transform_email", **parameters)
    assert error.value.place == place
