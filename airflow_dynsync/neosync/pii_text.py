"""From Neosync's config for free text, which Presidio searched there, to the parameters of transform_pii_text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from airflow_dynsync.engine.recognizers import ENTITIES

HASH_LENGTHS: Final[Mapping[Any, int]] = MappingProxyType(
    {2: 64, "HASH_TYPE_SHA256": 64, 3: 128, "HASH_TYPE_SHA512": 128},
)
"""Hexadecimal digits by the enum's number and name; of MD5, its default, there are 32."""

_SAME_IN_BOTH: Final = ("score_threshold", "deny_recognizers", "allowed_phrases")
_ADVICE: Final = "install the extra [presidio], add them to entities and, for names and places, set nlp_model"


def parameters(fields: Mapping[str, Any], rule: Callable[[Any], Any]) -> tuple[dict[str, Any], str]:
    """Return the parameters of transform_pii_text, and what did not come over; empty where all did.

    An empty list of ``entities`` says that there is nothing left to look for.

    Args:
        fields: of the config, in snake case but for the kinds in ``entity_anonymizers``.
        rule: converts a transformer's config.
    """
    denied = [deny_list["name"] for deny_list in fields.get("deny_recognizers") or ()]
    known = {*ENTITIES, *denied}
    allowed = list(fields.get("allowed_entities") or ())
    anonymizers = fields.get("entity_anonymizers") or {}
    others = sorted({*allowed, *anonymizers} - known)
    written = {name: fields[name] for name in _SAME_IN_BOTH if fields.get(name)}
    if allowed:
        written["entities"] = [entity for entity in allowed if entity in known]
    if fields.get("default_anonymizer"):
        written["default_anonymizer"] = _anonymizer(fields["default_anonymizer"], rule)
    by_entity = {
        entity: _anonymizer(anonymizer, rule)
        for entity, anonymizer in anonymizers.items()
        if entity in known and (not allowed or entity in {*allowed, *denied})
    }
    if by_entity:
        written["entity_anonymizers"] = by_entity
    if others:
        return written, f"the search for {', '.join(others)}, which Presidio alone finds; {_ADVICE}"
    if not allowed:
        return written, f"the search for all that Presidio alone finds, such as PERSON and LOCATION; {_ADVICE}"
    return written, ""


def _anonymizer(config: Mapping[str, Any], rule: Callable[[Any], Any]) -> Any:
    ((kind, options),) = (config.get("config") or config).items()
    given = {name: value for name, value in (options or {}).items() if value not in (None, "", 0)}
    if kind == "transform":
        return {"transform": rule(given.get("config"))}
    if kind == "hash":
        return {"hash": {"length": HASH_LENGTHS.get(given.get("algo"), 32)}}
    return {kind: given} if given else kind
