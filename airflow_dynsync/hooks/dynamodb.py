"""The hook: from an Airflow connection to DynamoDB clients, through a role where one is named."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowNotFoundException
from airflow.sdk.log import mask_secret
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from airflow_dynsync import provider_info
from airflow_dynsync.dynamodb.errors import DynamoDBError, classify
from airflow_dynsync.hooks.connection import access_keys, amazon_extras
from airflow_dynsync.hooks.probe import answer, caller

if TYPE_CHECKING:
    import boto3
    from botocore.client import BaseClient

# The Test button is pressed by somebody who waits, in the API server.
_TEST_CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


class DynamoDBSyncHook(AwsBaseHook):
    """Connects to DynamoDB as a `dynsync_dynamodb` connection, or a plain `aws` one, says.

    Credentials come from the connection's access keys or profile, else from the machine (environment, IRSA,
    instance profile); with a role, from STS, and are renewed before they end. One hook assumes its role once,
    whatever it is asked for. A connection that does not exist is an error, never the machine's credentials:
    for those, make a connection whose fields are all empty.

    Args:
        conn_id: Airflow connection.
        region_name: region, instead of the connection's.
        verify: whether to verify TLS certificates, or the path of a CA bundle; instead of the connection's.
        config: botocore configuration, instead of the connection's `config_kwargs` and retry mode.

    Connecting raises AirflowFailException, which Airflow does not retry, where the connection is missing or
    wrong or AWS refuses its role, with a sentence that names the field to look at.
    """

    conn_name_attr = "conn_id"
    default_conn_name = "dynsync_default"
    conn_type = provider_info.CONNECTION_TYPE
    hook_name = provider_info.CONNECTION_TYPE_NAME

    def __init__(
        self,
        conn_id: str = default_conn_name,
        *,
        region_name: str | None = None,
        verify: bool | str | None = None,
        config: Config | dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            aws_conn_id=conn_id, client_type="dynamodb", region_name=region_name, verify=verify, config=config
        )
        self.conn_id = conn_id

    @cached_property
    def conn_config(self) -> AwsConnectionWrapper:
        """The connection, checked, as the Amazon provider reads it."""
        if not self.conn_id:
            raise AirflowFailException(
                "No connection ID is given; name a connection, whose fields may all be empty to use the "
                "credentials of the machine"
            )
        try:
            connection = self.get_connection(self.conn_id)
        except AirflowNotFoundException:
            raise AirflowFailException(
                f"There is no connection {self.conn_id!r}: create it in the UI (Admin, Connections) with the "
                f"type {self.hook_name!r}, or with: airflow connections add {self.conn_id} "
                f"--conn-type {self.conn_type}"
            ) from None
        try:
            extra = amazon_extras(connection.extra_dejson, conn_id=self.conn_id)
            login, password = access_keys(connection.login, connection.password, conn_id=self.conn_id)
        except ValueError as error:
            raise AirflowFailException(str(error)) from None
        for secret in (
            password,
            extra.get("aws_session_token"),
            extra.get("assume_role_kwargs", {}).get("ExternalId"),
        ):
            if secret:
                mask_secret(secret)
        # As metadata of type "aws", because the wrapper warns about any other type.
        return AwsConnectionWrapper(
            conn=AwsConnectionWrapper.from_connection_metadata(
                conn_id=self.conn_id, login=login, password=password, extra=extra
            ),
            region_name=self._region_name,
            botocore_config=self._config,
            verify=self._verify,
        )

    def get_session(self, region_name: str | None = None, deferrable: bool = False) -> boto3.session.Session:
        """Return the boto3 session, the same one each time: a role is assumed once, not per client."""
        if deferrable or region_name not in (None, self.conn_config.region_name):
            return super().get_session(region_name=region_name, deferrable=deferrable)
        return self._session

    @cached_property
    def _session(self) -> boto3.session.Session:
        try:
            session = super().get_session()
            if not session.region_name:
                raise NoRegionError
            if not session.get_credentials():
                raise NoCredentialsError
        except (BotoCoreError, ClientError) as error:
            failure = classify(error, operation="Connecting")
        else:
            return session
        if failure.kind == "fatal":
            raise AirflowFailException(f"Connection {self.conn_id!r}: {failure}")
        raise failure

    @property
    def region(self) -> str:
        """The region that requests go to: the hook's, the connection's, or the machine's."""
        return self.get_session().region_name

    @property
    def endpoint_url(self) -> str | None:
        """DynamoDB's address as the connection gives it; None for that of AWS (or the environment's)."""
        return self.conn_config.get_service_endpoint_url("dynamodb")

    def wire_client(self, *, max_connections: int = 10) -> BaseClient:
        """Return a client that speaks wire form, with this connection's credentials, renewed as they end.

        Args:
            max_connections: how many requests may be under way at once, usually the number of threads.
        """
        from airflow_dynsync.dynamodb.client import create_client

        return create_client(
            credentials=self.get_session().get_credentials(),
            region_name=self.region,
            profile_name=self.conn_config.profile_name,
            endpoint_url=self.endpoint_url,
            verify=self.verify,
            config=self._get_config(),
            max_connections=max_connections,
            client=self.conn_config.extra_config.get("client", "wire"),
        )

    def test_connection(self) -> tuple[bool, str]:
        """Say whose credentials these are and whether DynamoDB answers them, for Airflow's Test button.

        Asks STS GetCallerIdentity, then DescribeTable of the connection's test table or else ListTables.
        """
        told: list[str] = []
        try:
            probe = type(self)(
                self.conn_id,
                region_name=self._region_name,
                verify=self._verify,
                config=self.config.merge(_TEST_CONFIG),
            )
            told.append(caller(probe))
            told.append(answer(probe))
        except (AirflowFailException, DynamoDBError) as error:
            return False, " ".join([*told, str(error)])
        return True, " ".join(told)

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's fields for Airflow 3.1; later versions read them from the provider's metadata."""
        from flask_appbuilder.fieldwidgets import (  # type: ignore[import-not-found]
            BS3PasswordFieldWidget,
            BS3TextFieldWidget,
        )
        from wtforms import IntegerField, PasswordField, StringField  # type: ignore[import-untyped]
        from wtforms.validators import Optional, any_of  # type: ignore[import-untyped]

        def widget(label: str, description: str, schema: dict[str, Any]) -> Any:
            field, look = StringField, BS3TextFieldWidget
            if schema.get("format") == "password":
                field, look = PasswordField, BS3PasswordFieldWidget
            elif "integer" in schema["type"]:
                field = IntegerField
            validators = [Optional(), *([any_of(schema["enum"])] if "enum" in schema else [])]
            return field(
                label,
                validators=validators,
                description=description,
                default=schema.get("default"),
                widget=look(),
            )

        return {name: widget(**field) for name, field in provider_info.CONNECTION_FIELDS.items()}

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return how the form's standard fields look in Airflow 3.1."""
        return {
            "hidden_fields": provider_info.HIDDEN_FIELDS,
            "relabeling": provider_info.RELABELING,
            "placeholders": provider_info.PLACEHOLDERS,
        }
