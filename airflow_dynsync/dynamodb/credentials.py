"""Credentials without Airflow: a profile or the machine's own, and on top of them a role."""

from __future__ import annotations

import datetime as dt
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import exceptions
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    DeferredRefreshableCredentials,
    RefreshableCredentials,
)
from botocore.session import Session

from airflow_dynsync.dynamodb.errors import EXPIRED_CODES, CredentialsError, classify

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from botocore.client import BaseClient
    from botocore.credentials import Credentials
    from botocore.model import OperationModel

SESSION_SECONDS = range(1800, 43201)
"""Allowed lengths of a role's session. botocore renews 15 minutes before the end, so a session of 900
seconds, which STS allows, would be renewed at every call; 43200 is the longest that a role can allow."""


def load_credentials(
    *,
    profile_name: str | None = None,
    role_arn: str | None = None,
    external_id: str | None = None,
    session_seconds: int = 3600,
    session_name: str = "dynsync",
    region_name: str | None = None,
    sts_endpoint_url: str | None = None,
) -> Credentials:
    """Find credentials, and assume a role with them where one is named.

    Args:
        profile_name: a profile of the AWS configuration files; None for botocore's chain (environment, files,
            pod or instance role).
        role_arn: the role to assume at the first call and again whenever its session is about to end.
        external_id: what the role's trust policy asks for as `sts:ExternalId`.
        session_seconds: length of the role's session, 1800 to 43200. Role chaining allows 3600 at most.
        session_name: shows in the role's audit trail.
        region_name: the region of STS, by default the profile's or environment's, else us-east-1.
        sts_endpoint_url: by default botocore's for STS. It is never that of DynamoDB.

    Raises `CredentialsError` if there are none, ValueError if `session_seconds` is out of bounds. A role that
    may not be assumed shows at the first call.
    """
    if session_seconds not in SESSION_SECONDS:
        raise ValueError(
            f"the role's session lasts {SESSION_SECONDS.start} to {SESSION_SECONDS.stop - 1} seconds, not "
            f"{session_seconds}"
        )
    try:
        session = Session(profile=profile_name)
        own = session.get_credentials()
        if own is None:
            raise exceptions.NoCredentialsError
        region = region_name or session.get_config_variable("region") or "us-east-1"
    except exceptions.BotoCoreError as error:
        raise classify(error, operation="Loading credentials") from None
    if not role_arn:
        return own
    role = {"RoleSessionName": session_name, "DurationSeconds": session_seconds}
    if external_id:
        role["ExternalId"] = external_id
    fetcher = AssumeRoleCredentialFetcher(
        partial(session.create_client, region_name=region, endpoint_url=sts_endpoint_url),
        own,
        role_arn,
        extra_args=role,
        cache=_NoCache(),
    )
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")


class _NoCache(dict[str, Any]):
    """Keeps nothing: who asks for credentials anew is not served those that AWS has just refused."""

    def __setitem__(self, key: str, value: Any) -> None:
        pass


def renew_when_refused(client: BaseClient, credentials: Credentials | None) -> None:
    """Renew a client's credentials when AWS says that they have expired, and let the call be repeated.

    botocore renews by the clock of this machine alone. Credentials can end before: a machine's role is used
    beyond its end while the metadata service fails, a clock is slow, a session is revoked. The call raises a
    transient `CredentialsError` then, and the next one is signed with new credentials; it stays fatal where the
    credentials cannot be renewed, come back as they were, or are refused as soon as they are renewed.
    """
    if not isinstance(credentials, RefreshableCredentials):
        return
    renewable: Any = credentials

    one_renewal = threading.Lock()  # for all threads whose requests were refused
    unproved: set[str | None] = set()  # tokens of renewals, until AWS has accepted them

    def note_token(request: AWSRequest, **_: Any) -> None:
        request.context[_TOKEN] = credentials.get_frozen_credentials().token

    def renew(parsed: dict[str, Any], model: OperationModel, context: dict[str, Any], **_: Any) -> None:
        code = parsed.get("Error", {}).get("Code")
        refused = context.get(_TOKEN)
        if code not in EXPIRED_CODES:
            unproved.discard(refused)
            return
        with one_renewal:
            if credentials.get_frozen_credentials().token == refused and refused not in unproved:
                renewable._expiry_time = dt.datetime.min.replace(tzinfo=dt.UTC)  # noqa: SLF001 - no other way
                unproved.add(credentials.get_frozen_credentials().token)
            current = credentials.get_frozen_credentials().token
        if current != refused:
            raise CredentialsError(
                f"{model.name}: the credentials had expired before their time and were renewed: try again",
                code=code,
                kind="transient",
                operation=model.name,
            )

    client.meta.events.register("before-sign.dynamodb", note_token)
    client.meta.events.register("after-call.dynamodb", renew)


_TOKEN = "airflow_dynsync.token"  # noqa: S105 - the name of a place in a request's context
