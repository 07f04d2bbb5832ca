"""The secret of a deployment, from a connection or the configuration."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowNotFoundException


def find_secret(secret_conn_id: str | None) -> bytes | None:
    """Return the secret, masked in logs from now on; None where none is configured.

    Args:
        secret_conn_id: connection whose password it is; None for the option ``[dynsync] secret``.

    Raises:
        AirflowFailException: the connection does not exist or has no password.
    """
    from airflow.providers.common.compat.sdk import BaseHook, conf
    from airflow.sdk.log import mask_secret

    if secret_conn_id:
        try:
            secret = BaseHook.get_connection(secret_conn_id).password
        except AirflowNotFoundException:
            secret = None
        if not secret:
            raise AirflowFailException(
                f"secret_conn_id: connection {secret_conn_id!r} does not exist or has no password;"
                " put the secret there"
            )
    else:
        secret = conf.get("dynsync", "secret", fallback="")
    if not secret:
        return None
    mask_secret(secret)
    return str(secret).encode()
