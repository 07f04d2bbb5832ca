"""From one transformer config of Neosync to a rule of ours.

Neosync writes a config as ``{"transform_email_config": {"preserve_domain": true}}``, in its API's JSON as
``{"transformEmailConfig": {"preserveDomain": true}}``: names in either case, 64-bit integers as strings, enums by
name or number, defaults left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from airflow_dynsync.engine import MappingError, catalogue
from airflow_dynsync.engine.compiler import RuleCompiler
from airflow_dynsync.engine.keyed import Secret
from airflow_dynsync.neosync import pii_text

OTHER_NAMES: Final = MappingProxyType({"nullconfig": "null", "generate_default_config": "drop"})
"""Configs whose transformer has another name here; "use column default" has no meaning without columns."""

REFUSED: Final = MappingProxyType(
    {
        "transform_scramble_identity_config": "it belongs to SQL identity columns; use transform_fpe",
        "user_defined_transformer_config": (
            "a transformer of your own is stored in Neosync and only its id is in this file; write it as a preset"
        ),
    }
)
"""Configs that cannot come over, each with the reason and the advice."""

ENUMS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "email_type": ("GENERATE_EMAIL_TYPE_", ("uuid_v4", "fullname")),
        "invalid_email_action": ("INVALID_EMAIL_ACTION_", ("reject", "null", "passthrough", "generate")),
        "ip_type": (
            "GENERATE_IP_ADDRESS_TYPE_",
            (
                *("v4_public", "v4_private_a", "v4_private_b", "v4_private_c"),
                *("v4_link_local", "v4_multicast", "v4_loopback", "v6"),
            ),
        ),
    }
)
"""Enum fields: the prefix of their names, and their values by number from 1; 0 is unspecified."""

WHOLE_NUMBERS: Final = frozenset({"min", "max", "precision", "randomization_range_min", "randomization_range_max"})
"""Fields that may be written as strings."""


NAMED_BY_USERS: Final = frozenset({"entity_anonymizers"})
"""Objects whose names are no field names."""


class NotImportedError(Exception):
    """A config that cannot come over; the message gives the reason and the advice."""


class Converted(NamedTuple):
    """A rule as it is written in a mapping.

    Attributes:
        rule: a dict with ``transformer``.
        missing: what of the config did not come over, with the advice; empty where all did.
    """

    rule: dict[str, Any]
    missing: str = ""


def snake_case(document: Any) -> Any:
    """Return a JSON document with the names of its objects in snake case, but for names that users gave."""
    if isinstance(document, dict):
        converted = {}
        for name, member in document.items():
            field = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
            if field in NAMED_BY_USERS and isinstance(member, dict):
                converted[field] = {given: snake_case(inner) for given, inner in member.items()}
            else:
                converted[field] = snake_case(member)
        return converted
    if isinstance(document, list):
        return [snake_case(element) for element in document]
    return document


def rule(config: Any, place: str) -> Converted:
    """Return the rule that a config means.

    Args:
        config: in snake case.
        place: the rule's place, for errors.

    Raises:
        NotImportedError: it cannot come over.
    """
    given = (
        {name: fields for name, fields in config.items() if fields is not None} if isinstance(config, dict) else {}
    )
    if len(given) != 1:
        raise NotImportedError("its transformer's config is missing; map it by hand")
    ((key, fields),) = given.items()
    if key in REFUSED:
        raise NotImportedError(REFUSED[key])
    name = OTHER_NAMES.get(key, key.removesuffix("_config"))
    definition = catalogue().get(name)
    if definition is None:
        raise NotImportedError(f"there is no transformer {name}; `dynsync transformers` lists those there are")
    known = definition.parameters.model_fields
    written: dict[str, Any] = {"transformer": name}
    missing = ""
    if name == "transform_pii_text":
        fields, missing = pii_text.parameters(fields or {}, lambda inner: short(rule(inner, place).rule))
        if fields.get("entities") == []:
            raise NotImportedError(missing)
    for field, value in (fields or {}).items():
        plain = _plain(field, value)
        if plain is None:
            continue
        if field not in known:
            raise NotImportedError(
                f"{name} has no parameter {field}; look what it takes with `dynsync transformers`"
            )
        written[field] = plain
    try:
        RuleCompiler(Secret(bytes(16)), {}).resolve(written, place)
    except MappingError as error:
        raise NotImportedError(str(error)) from None
    return Converted(written, missing)


def short(written: Mapping[str, Any]) -> Any:
    """Return a rule by the transformer's name alone where it has no parameters."""
    return written["transformer"] if len(written) == 1 else written


def _plain(field: str, value: Any) -> Any:
    if field in ENUMS:
        prefix, values = ENUMS[field]
        if isinstance(value, int):
            return values[value - 1] if 1 <= value <= len(values) else None
        name = str(value).removeprefix(prefix).lower()
        return None if name == "unspecified" else name
    if field in WHOLE_NUMBERS and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    return value
