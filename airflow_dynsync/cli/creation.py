"""The options of a command that say which destination is created."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, get_args

from airflow_dynsync.sync.errors import SyncError

if TYPE_CHECKING:
    from airflow_dynsync.dynamodb.creation_options import CreationOptions

_FIELDS = ("tags", "copy_tags", "billing", "stream", "point_in_time_recovery", "deletion_protection")
_NAMES = {"tags": "--tag"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the option that has a destination created, and those that say what it gets beside."""
    from airflow_dynsync.dynamodb.creation_options import Stream

    group = parser.add_argument_group("a destination that is created")
    group.add_argument(
        "--create-destination",
        action="store_true",
        help="create the destination, if it does not exist, like the source: keys, indexes, billing, time to live,"
        " table class, kind of encryption; the options below are of such a table",
    )
    group.add_argument(
        "--tag",
        dest="tags",
        action="append",
        metavar="KEY=VALUE",
        help="tag it; may be given several times, and comes before a tag that is copied",
    )
    group.add_argument("--copy-tags", action="store_true", help="tag it as the source is")
    group.add_argument(
        "--billing",
        choices=("like_source", "on_demand"),
        help="how it is paid, whatever the source is (like_source)",
    )
    group.add_argument("--stream", choices=get_args(Stream), help="give it a stream that shows this (none)")
    group.add_argument("--point-in-time-recovery", action="store_true", help="back it up continuously")
    group.add_argument("--deletion-protection", action="store_true", help="let nobody delete it")


def options_given(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the options that were given and are of a destination that is created, as they are written."""
    return tuple(_written(name) for name in _FIELDS if getattr(options, name, None))


def creation_options(options: argparse.Namespace) -> CreationOptions | None:
    """Return what a destination that is created gets; None where none is to be created.

    Raises:
        SyncError: an option has no effect without ``--create-destination``, or a tag is not KEY=VALUE.
        MappingError: a tag is none that AWS takes.
    """
    from airflow_dynsync.sync.creation import parse_create_destination

    if not getattr(options, "create_destination", False):
        if given := options_given(options):
            raise SyncError(f"{given[0]} is of a destination that is created; give --create-destination, too")
        return None
    chosen: dict[str, Any] = {name: value for name in _FIELDS if (value := getattr(options, name))}
    if "tags" in chosen:
        chosen["tags"] = dict(_tag(written) for written in chosen["tags"])
    return parse_create_destination(chosen)


def _tag(written: str) -> tuple[str, str]:
    key, separator, value = written.partition("=")
    if not separator:
        raise SyncError("--tag: expected KEY=VALUE, and there is no =; the value may be empty")
    return key, value


def _written(name: str) -> str:
    return _NAMES.get(name, f"--{name.replace('_', '-')}")
