"""The two sides of a sync on the command line: a profile, a role, a region, an endpoint."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_dynsync.cli.creation import creation_options
from airflow_dynsync.sync.errors import SyncError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from airflow_dynsync.sync.job import SyncJob


def add_side(parser: argparse.ArgumentParser, side: str) -> None:
    """Add the options of one side, ``source`` or ``destination``."""
    group = parser.add_argument_group(
        f"{side} connection", "all optional: left out, the ambient credentials and region are used"
    )
    group.add_argument(f"--{side}-profile", metavar="NAME", help="profile of the AWS configuration files")
    group.add_argument(f"--{side}-region", metavar="REGION", help="such as eu-west-1")
    group.add_argument(f"--{side}-role-arn", metavar="ARN", help="role to assume")
    group.add_argument(
        f"--{side}-external-id",
        metavar="ID",
        default=os.environ.get(f"DYNSYNC_{side.upper()}_EXTERNAL_ID"),
        help=f"what the role's trust policy asks for; better given as DYNSYNC_{side.upper()}_EXTERNAL_ID",
    )
    group.add_argument(
        f"--{side}-session-seconds", metavar="N", type=int, default=3600, help="length of a role session (3600)"
    )
    group.add_argument(f"--{side}-endpoint-url", metavar="URL", help="DynamoDB's address, for local servers")
    group.add_argument(f"--{side}-sts-endpoint-url", metavar="URL", help="STS's address, for local servers")


def add_job(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe what is read and what is done to it."""
    parser.add_argument("mapping_file", metavar="MAPPING.yaml", help="the rules")
    parser.add_argument("--source-table", required=True, metavar="TABLE", help="table to read")
    parser.add_argument("--where", metavar="PARTIQL", help="what follows WHERE, as in \"Id = '111'\"")
    parser.add_argument("--consistent-read", action="store_true", help="read with strong consistency")
    parser.add_argument("--page-size", type=int, default=250, metavar="N", help="items per read request (250)")
    parser.add_argument(
        "--client",
        choices=("wire", "botocore"),
        default="wire",
        help="botocore, several times slower, if the fast client meets a problem (wire)",
    )
    add_secret(parser, "; without either, a random one is drawn for this run")


def add_secret(parser: argparse.ArgumentParser, otherwise: str = "") -> None:
    """Add the option that gives the secret; ``otherwise`` says what happens without."""
    parser.add_argument(
        "--secret-file",
        type=Path,
        metavar="FILE",
        help=f"file with the secret, at least 16 bytes; or the environment variable DYNSYNC_SECRET{otherwise}",
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options that limit the capacity that is used."""
    for direction in ("read", "write"):
        parser.add_argument(
            f"--{direction}-limit",
            metavar="UNITS",
            help=f"{direction} capacity units per second, as in 500, or a share of the table's own, as in 50%%"
            " (half of a provisioned table, no limit on demand)",
        )


def add_write_mode(parser: argparse.ArgumentParser) -> None:
    """Add the option that says what becomes of items that the source does not have."""
    parser.add_argument(
        "--write-mode",
        choices=("upsert", "mirror", "replace"),
        default="upsert",
        help="mirror also deletes what the source no longer has, or the where no longer selects; replace makes a"
        " whole new copy first, in a table beside the destination, and then swaps the contents (upsert)",
    )


def add_comparison(parser: argparse.ArgumentParser) -> None:
    """Add the options by which the destination is read, too."""
    parser.add_argument(
        "--write-only-changes",
        action="store_true",
        help="write only items that the destination does not hold just so; needs a secret that stays",
    )
    add_verify(parser)


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Add the option that says what is read back."""
    parser.add_argument(
        "--verify",
        choices=("sample", "all", "off"),
        default="sample",
        help="what is read back after the last write and compared with what the mapping gives (up to 1,000 items)",
    )


def client(options: argparse.Namespace, side: str, max_connections: int) -> DynamoDBClient:
    """Return a client for one side, from its options."""
    from airflow_dynsync.dynamodb.client import create_client
    from airflow_dynsync.dynamodb.credentials import load_credentials

    def option(name: str) -> str | None:
        value: str | None = getattr(options, f"{side}_{name}")
        return value

    try:
        credentials = load_credentials(
            profile_name=option("profile"),
            role_arn=option("role_arn"),
            external_id=option("external_id"),
            session_seconds=getattr(options, f"{side}_session_seconds"),
            region_name=option("region"),
            sts_endpoint_url=option("sts_endpoint_url"),
        )
    except ValueError as error:
        raise SyncError(f"--{side}-session-seconds: {error}") from None
    region = option("region") or _profile_region(option("profile"))
    if region is None:
        raise SyncError(f"the {side}'s region is unknown; give --{side}-region or AWS_DEFAULT_REGION")
    return create_client(
        credentials=credentials,
        region_name=region,
        profile_name=option("profile"),
        endpoint_url=option("endpoint_url"),
        max_connections=max_connections,
        client=options.client,
    )


def _profile_region(profile: str | None) -> str | None:
    from botocore.session import Session

    region: str | None = Session(profile=profile).get_config_variable("region")
    return region


def job(options: argparse.Namespace) -> SyncJob:
    """Return the job that the options describe."""
    from airflow_dynsync.sync.dead_letters import MAX_ITEM_ERRORS
    from airflow_dynsync.sync.job import SyncJob
    from airflow_dynsync.sync.mapping_file import load_table_mapping

    entry = load_table_mapping(options.mapping_file, options.source_table)
    return SyncJob(
        source_table=options.source_table,
        destination_table=getattr(options, "destination_table", None) or entry.destination or options.source_table,
        mapping=entry,
        secret=read_secret(options.secret_file),
        where=options.where or entry.where,
        consistent_read=options.consistent_read or entry.consistent_read,
        total_segments=getattr(options, "total_segments", None),
        segments=_segments(getattr(options, "segments", None)),
        workers=getattr(options, "workers", 1),
        page_size=options.page_size,
        read_limit=getattr(options, "read_limit", None),
        write_limit=getattr(options, "write_limit", None),
        write_mode=getattr(options, "write_mode", "upsert"),
        max_delete_fraction=getattr(options, "max_delete_fraction", 0.1),
        write_only_changes=getattr(options, "write_only_changes", False),
        exposure_check=getattr(options, "exposure_check", "off"),
        on_exposure=getattr(options, "on_exposure", "warn"),
        drift=getattr(options, "drift", "warn"),
        quasi_identifiers=entry.quasi_identifiers,
        create_destination=creation_options(options),
        acknowledge=entry.acknowledge,
        verify=getattr(options, "verify", "off"),
        on_item_error=getattr(options, "on_item_error", "fail"),
        max_item_errors=getattr(options, "max_item_errors", MAX_ITEM_ERRORS),
        dead_letter_items=getattr(options, "dead_letter_items", "none"),
    )


def _segments(given: str | None) -> range | None:
    from airflow_dynsync.sync.segments import parse_segments

    try:
        return None if given is None else parse_segments(given)
    except ValueError as error:
        raise SyncError(f"--segments: {error}") from None


def read_secret(file: Path | None) -> bytes | None:
    """Return the secret of a file or the environment; None where there is none."""
    if file is None:
        return os.environ.get("DYNSYNC_SECRET", "").encode() or None
    try:
        return file.read_bytes().strip()
    except OSError as error:
        raise SyncError(f"--secret-file {file}: cannot be read, {error.strerror}") from None
