"""Findings: what is known about a sync before its first write, and which of it a person may call known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from airflow_dynsync.engine.errors import MappingError
from airflow_dynsync.engine.mapping import did_you_mean

ERRORS: Final = {
    "index_key_type_differs": "a rule cannot give a key of an index of the destination its type",
    "key_attributes_differ": "the mapping was written for another primary key",
    "key_schema_differs": "the tables have different primary keys",
    "key_type_differs": "a rule cannot give a key its type",
    "permission_missing": "a table denies what the job needs",
    "side_table_is_foreign": "another table has the name of the one that a new copy is made in",
    "source_is_destination": "the source would be overwritten",
    "table_not_active": "a table is being created or deleted",
}
"""What ends a sync before its first write, by code."""

WARNINGS: Final = {
    "corpus_changed": "the word lists are others than in the last run",
    "destination_has_other_keys": "items of the destination have keys that this run would not give",
    "index_key_dropped": "a rule removes a key of an index of the destination",
    "index_key_may_not_fit": "a rule may give a key of an index another type, or an empty value",
    "index_key_unchecked": "an attribute is a key of an index at the destination alone",
    "item_near_size_limit": "items come near DynamoDB's 400 KB, or pass them",
    "limit_above_throughput": "a limit is above the provisioned throughput",
    "mapping_changed": "the mapping is another than in the last run",
    "replicas_of_destination": "the destination is replicated to other regions",
    "secret_changed": "the secret is another than in the last run",
    "stream_on_destination": "the destination has a stream",
    "ttl_attribute_changed": "a rule changes the attribute by which the destination's items expire",
    "ttl_items_expired": "items are past the time by which the destination's items expire",
    "ttl_only_on_destination": "items expire at the destination that do not at the source",
    "verification_not_allowed": "a table denies what verification needs",
}
"""What a mapping can acknowledge: warnings by code. An error cannot be."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the tables or the mapping that a person should know.

    Attributes:
        code: for programs: one of `ERRORS` or `WARNINGS`.
        severity: an ``error`` stops the sync before the first write.
        place: table or rule.
        message: what was found, in a sentence.
        remedy: what to do about it.
    """

    code: str
    severity: Literal["error", "warning"]
    place: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}; {self.remedy}"


def parse_acknowledged(written: Sequence[str]) -> tuple[str, ...]:
    """Return the codes of warnings that are acknowledged.

    Raises:
        MappingError: a code is no warning's.
    """
    if isinstance(written, str):
        raise MappingError("acknowledge", "expected a list of codes, got a string; write [code]")
    for number, code in enumerate(written):
        if code not in WARNINGS:
            raise MappingError(
                f"acknowledge[{number}]",
                f"is no warning's code{did_you_mean(code, WARNINGS)}; known are {', '.join(WARNINGS)}",
            )
    return tuple(written)
