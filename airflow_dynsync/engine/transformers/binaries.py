"""Binaries."""

from __future__ import annotations

from typing import Final

from airflow_dynsync.engine.definitions import Definition, Example, Uniqueness

DEFINITIONS: Final = (
    Definition(
        name="transform_binary",
        summary="Replaces a binary by other bytes of the same length",
        accepts=frozenset({"B"}),
        returns=frozenset({"B"}),
        uniqueness=Uniqueness.NOT_GUARANTEED,
        reads_input=True,
        example=Example(b"%PDF-1.7", b"6|3\xf6\x88\xc5\xff$"),
        scalar=lambda _parameters: lambda value, stream: stream.bytes(len(value)),
    ),
)
