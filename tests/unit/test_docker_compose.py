"""The form of docker-compose.yml: services, ports, images, mounts and connections."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from airflow_dynsync.provider_info import CONNECTION_FIELDS, CONNECTION_TYPE
from local import seed

ROOT = Path(__file__).parents[2]
STRINGS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}

# What compose-spec.json says about the keys used here; any other key is a typing error.
SCHEMA = {
    "type": "object",
    "required": ["services"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "services": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-zA-Z0-9._-]+$"},
            "additionalProperties": {
                "type": "object",
                "anyOf": [{"required": ["image"]}, {"required": ["build"]}],
                "properties": {
                    "image": {"type": "string"},
                    "build": {"type": "string"},
                    "command": STRINGS,
                    "entrypoint": STRINGS,
                    "working_dir": {"type": "string"},
                    "depends_on": STRINGS,
                    "ports": {**STRINGS, "items": {"pattern": r"^127\.0\.0\.1:\d+:\d+$"}},
                    "volumes": {**STRINGS, "items": {"pattern": r"^\./[^:]+:/[^:]+(:ro)?$"}},
                    "environment": {"type": "object", "additionalProperties": {"type": "string"}},
                },
                "additionalProperties": False,
            },
        }
    },
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def services(compose) -> dict:
    return compose["services"]


def test_compose_file_follows_the_compose_schema(compose):
    jsonschema.validate(compose, SCHEMA)


def test_services_are_a_source_a_destination_and_airflow_on_their_ports(services):
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert ports == {
        "source": ["127.0.0.1:8009:8000"],
        "destination": ["127.0.0.1:8010:8000"],
        "airflow": ["127.0.0.1:8080:8080"],
    }


@pytest.mark.parametrize("name", ["source", "destination"])
def test_dynamodb_services_are_dynamodb_local_in_memory_without_telemetry(services, name):
    assert services[name]["image"].split(":")[0] == "amazon/dynamodb-local"
    assert {"-inMemory", "-disableTelemetry", "-sharedDb"} <= set(services[name]["command"])


def test_airflow_starts_after_services_that_exist(services):
    assert set(services["airflow"]["depends_on"]) == set(services) - {"airflow"}


def test_airflow_image_is_built_on_the_official_one_of_the_pinned_version():
    pinned = re.search(r"^apache-airflow==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    based_on = re.search(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert based_on[1] == f"apache/airflow:{pinned[1]}"


def test_airflow_image_copies_files_that_exist_and_are_not_ignored(services):
    dockerfile = (ROOT / services["airflow"]["build"] / "Dockerfile").read_text()
    allowed = (ROOT / ".dockerignore").read_text().split()
    copied = [
        name
        for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE)
        for name in [word for word in line.split() if not word.startswith("--")][:-1]
    ]

    assert "airflow_dynsync" in copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in allowed


def test_mounts_are_folders_that_exist_and_hold_the_example_dags(services):
    mounts = dict(volume.split(":")[:2] for volume in services["airflow"]["volumes"])

    assert mounts == {"./dags_examples": "/opt/airflow/dags"}
    assert list((ROOT / "dags_examples").glob("*.py"))


def test_tables_are_filled_by_the_projects_own_module_on_the_two_servers(services):
    tables = services["tables"]
    folder, mounted_at = tables["volumes"][0].split(":")[:2]

    assert tables["entrypoint"][:3] == ["python", "-m", "local.seed"]
    assert tables["entrypoint"][3:] == ["http://source:8000", "http://destination:8000"]
    assert (ROOT / folder / "seed.py").exists()
    assert mounted_at == f"{tables['working_dir']}/local"


@pytest.mark.parametrize("name", ["source", "destination"])
def test_connections_are_of_the_providers_type_and_lead_to_their_service(services, name):
    connection = json.loads(services["airflow"]["environment"][f"AIRFLOW_CONN_DYNSYNC_{name.upper()}"])

    assert connection["conn_type"] == CONNECTION_TYPE
    assert connection["extra"]["endpoint_url"] == f"http://{name}:8000"
    assert set(connection["extra"]) <= set(CONNECTION_FIELDS)
    assert connection["login"] == seed.KEY.access_key_id  # DynamoDB Local takes letters and digits only
