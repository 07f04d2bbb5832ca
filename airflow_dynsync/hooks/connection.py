"""From the fields of a connection to the extras that the Amazon provider understands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_dynsync.provider_info import CONNECTION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

_DURATION_SECONDS = CONNECTION_FIELDS["duration_seconds"]


def amazon_extras(extra: Mapping[str, Any], *, conn_id: str) -> dict[str, Any]:
    """Return a connection's extras in the nested form of an `aws` connection, checked.

    The flat fields of the form (and `external_id`, for people who write JSON by hand) become
    `assume_role_kwargs`, `config_kwargs` and `service_config`; where both are given, the flat field counts.
    Blank fields are left out, numbers written as text become numbers. The endpoint URL is given to DynamoDB
    alone, so that STS is called at AWS unless its own field says otherwise. Extras of the Amazon provider
    that the form does not know, such as `verify`, are kept.

    Raises:
        ValueError: a field does not hold what it should; names the connection and the field, not the value.
    """
    fields = {name: value for name, raw in extra.items() if (value := _stripped(raw)) not in (None, "")}
    if by_hand := fields.pop("external_id", None):
        fields.setdefault("external_id_secret", by_hand)
    for name, field in CONNECTION_FIELDS.items():
        if name in fields:
            fields[name] = _checked(fields[name], field, name=name, conn_id=conn_id)

    role_kwargs = _nested(fields, "assume_role_kwargs", conn_id)
    if external_id := fields.pop("external_id_secret", None):
        role_kwargs["ExternalId"] = external_id
    if duration := fields.pop("duration_seconds", role_kwargs.get("DurationSeconds")):
        # botocore renews 15 minutes before the end: a session of 900 seconds is renewed at every request.
        role_kwargs["DurationSeconds"] = _checked(
            duration, _DURATION_SECONDS, name="assume_role_kwargs.DurationSeconds", conn_id=conn_id
        )
    if role_kwargs:
        fields["assume_role_kwargs"] = role_kwargs

    if retry_mode := fields.pop("retry_mode", None):
        config = _nested(fields, "config_kwargs", conn_id)
        fields["config_kwargs"] = {**config, "retries": {**config.get("retries", {}), "mode": retry_mode}}

    services = _nested(fields, "service_config", conn_id)
    if endpoint_url := fields.pop("endpoint_url", None):
        services["dynamodb"] = {"endpoint_url": endpoint_url, **services.get("dynamodb", {})}
    if sts_endpoint_url := fields.pop("sts_endpoint_url", None):
        services["sts"] = {**services.get("sts", {}), "endpoint_url": sts_endpoint_url}
    if services:
        fields["service_config"] = services
    return fields


def access_keys(login: str | None, password: str | None, *, conn_id: str) -> tuple[str | None, str | None]:
    """Return access key ID and secret access key, both or neither (then the ambient credentials are used).

    Raises:
        ValueError: only one of them is given, which would otherwise mean the ambient credentials unnoticed.
    """
    pair = (_stripped(login) or None, _stripped(password) or None)
    if (pair[0] is None) is not (pair[1] is None):
        given, missing = ("login", "password") if pair[0] else ("password", "login")
        raise ValueError(
            f"Connection {conn_id!r} has a {given} but no {missing}: give the access key ID as login and the "
            "secret access key as password, or neither to use the ambient credentials"
        )
    return pair


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _nested(fields: Mapping[str, Any], name: str, conn_id: str) -> dict[str, Any]:
    value = fields.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"Connection {conn_id!r}: extra {name} must be an object, not {type(value).__name__}")
    return dict(value)


def _checked(value: Any, field: Mapping[str, Any], *, name: str, conn_id: str) -> Any:
    schema = field["schema"]
    where = f"Connection {conn_id!r}, field {field['label']!r} ({name})"
    if "integer" in schema["type"]:
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if type(value) is not int or not schema["minimum"] <= value <= schema["maximum"]:
            came = value if type(value) is int else type(value).__name__
            raise ValueError(
                f"{where} must be a whole number from {schema['minimum']} to {schema['maximum']}, not {came}"
            )
    elif not isinstance(value, str):
        raise ValueError(f"{where} must be text, not {type(value).__name__}")
    elif "enum" in schema and value not in schema["enum"]:
        raise ValueError(f"{where} must be one of: {', '.join(schema['enum'])}")
    elif "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        raise ValueError(f"{where} has not the form it should: {field['description']}")
    return value
