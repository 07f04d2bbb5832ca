"""The two accounts of most tests, on one DynamoDB Local."""

from typing import Any

import pytest

from local.dynamodb import AccessKey, Server
from tests.tables import wire_client


@pytest.fixture
def source(dynamodb_local: Server) -> Any:
    return wire_client(dynamodb_local, AccessKey("source"))


@pytest.fixture
def destination(dynamodb_local: Server) -> Any:
    return wire_client(dynamodb_local, AccessKey("destination"))
