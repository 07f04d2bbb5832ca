"""Whether what a mapping gives can be a key of the destination's indexes.

DynamoDB refuses an item whose index key has another type or is empty; one that lacks it is left out of the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_dynsync.sync.findings import Finding

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.tables import KeyAttribute, TableDescription
    from airflow_dynsync.engine import Plan
    from airflow_dynsync.engine.compiler import Rule


def inspect_indexes(plan: Plan, source: TableDescription, destination: TableDescription) -> tuple[Finding, ...]:
    """Return which keys of the destination's indexes may get what DynamoDB refuses, or lose their value."""
    source_keys = (source.keys, *(index.keys for index in source.indexes))
    source_types: dict[str, str] = {key.name: key.type for keys in source_keys for key in keys}
    findings = []
    for index in destination.indexes:
        for key in index.keys:
            if key.name in destination.key_names:
                continue
            source_type = source_types.get(key.name)
            rule = plan.rule_at((key.name,), source_type or key.type)
            subject = f"{key.name}, a key of type {key.type} of the index {index.name} of {destination.name}"
            if rule is None:
                finding = _unchanged(key, source_type, destination.name, subject)
            else:
                finding = _changed(rule, key, source_type, subject)
            findings += [finding] if finding is not None else []
    return tuple(findings)


def _unchanged(key: KeyAttribute, source_type: str | None, place: str, subject: str) -> Finding | None:
    if source_type == key.type:
        return None
    if source_type is not None:
        return Finding(
            "index_key_type_differs",
            "error",
            place,
            f"{subject}, is of type {source_type} at the source",
            "create the destination's indexes with the source's key types",
        )
    return Finding(
        "index_key_unchecked",
        "warning",
        place,
        f"{subject}, is no key at the source: it may be empty or of another type there, and DynamoDB would refuse"
        " the item",
        "make sure that it is not, or remove the index from the destination",
    )


def _changed(rule: Rule, key: KeyAttribute, source_type: str | None, subject: str) -> Finding | None:
    name = rule.definition.name
    if name == "drop":
        return Finding(
            "index_key_dropped",
            "warning",
            rule.place,
            f"drop removes {subject}, and no item will be in that index",
            "choose a transformer that gives the key's type, or remove the index from the destination",
        )
    types, may_be_absent = _results(rule, source_type or key.type)
    refused = source_type not in (None, *rule.definition.accepts) and rule.options.on_type_mismatch == "fail"
    if key.type not in types or refused:
        return Finding(
            "index_key_type_differs",
            "error",
            rule.place,
            f"{name} cannot take or give the type of {subject}",
            "choose a transformer for that type, or remove the index from the destination",
        )
    if types != {key.type} or may_be_absent:
        return Finding(
            "index_key_may_not_fit",
            "warning",
            rule.place,
            f"{name} may give {subject}, another type, or an empty value, or none: DynamoDB would refuse the item,"
            " or leave it out of that index",
            "choose a transformer and options that always give the key's type",
        )
    return None


def _results(rule: Rule, kind: str) -> tuple[frozenset[str], bool]:
    """Return the types that a rule may give for one type, and whether a result may be empty, NULL or missing."""
    definition, texts = rule.definition, _texts(rule.parameters.model_dump())
    may_be_absent = (
        bool(texts & {"null", "drop"})
        or rule.options.on_type_mismatch in ("null", "drop")
        or definition.name == "transform_regex_replace"  # what is left may be empty
    )
    returns = definition.returns
    if returns is None:
        return frozenset(kind), may_be_absent
    types = returns - {"NULL"} or returns  # NULL where an option says so, which the texts tell
    # A transformer that gives what it takes gives each value its own type.
    return frozenset(kind) if types == definition.accepts else types, may_be_absent


def _texts(value: Any) -> frozenset[str]:
    """Return all texts among the parameters of a transformer and of those that it holds."""
    if isinstance(value, str):
        return frozenset((value,))
    members = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(members, list | tuple | set | frozenset):
        return frozenset()
    return frozenset().union(*map(_texts, members))
