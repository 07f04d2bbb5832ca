"""What Airflow reads about the provider, and what reading it costs."""

import importlib
import json
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import airflow
import jsonschema
import pytest

import airflow_dynsync
from airflow_dynsync.assets import sanitize_uri, table_asset
from airflow_dynsync.provider_info import get_provider_info

_MODULES = [
    module
    for kind in ("hooks", "operators", "sensors", "triggers")
    for entry in get_provider_info()[kind]
    for module in entry["python-modules"]
]


def _schema(name: str) -> Any:
    return json.loads(Path(airflow.__file__).with_name(name).read_text())


def test_provider_info_has_the_form_that_airflow_requires_when_it_starts():
    jsonschema.validate(get_provider_info(), _schema("provider_info.schema.json"))


def test_provider_info_has_the_stricter_form_of_the_providers_in_airflows_own_repository():
    only_there = {"state": "ready", "source-date-epoch": 0}
    jsonschema.validate(get_provider_info() | only_there, _schema("provider.yaml.schema.json"))


def test_provider_info_names_the_distribution_and_its_version():
    (entry_point,) = [
        point for point in distribution("airflow-dynsync").entry_points if point.group == "apache_airflow_provider"
    ]
    info = entry_point.load()()
    assert info["package-name"] == "airflow-dynsync"
    assert info["versions"] == [airflow_dynsync.__version__]


def test_reading_the_provider_info_imports_neither_airflow_nor_boto():
    program = (
        "import sys, airflow_dynsync.provider_info as p; p.get_provider_info();"
        "print(sorted({n.split('.')[0] for n in sys.modules} & {'airflow', 'boto3', 'botocore', 'pydantic'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["airflow_dynsync.sensors.dynamodb", "airflow_dynsync.triggers.dynamodb"])
def test_a_dag_file_that_imports_the_sensor_does_not_load_boto(module: str):
    program = f"import sys, {module}; print('botocore' in sys.modules, 'airflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False True"


@pytest.mark.parametrize("module", _MODULES)
def test_every_module_that_the_provider_lists_imports(module: str):
    importlib.import_module(module)


def test_the_secret_option_is_empty_until_it_is_set_and_never_shown():
    from airflow.configuration import conf

    assert conf.get("dynsync", "secret") == ""
    assert ("dynsync", "secret") in conf.sensitive_config_values


def test_the_secret_option_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    from airflow.providers.common.compat.sdk import conf

    monkeypatch.setenv("AIRFLOW__DYNSYNC__SECRET", "from the environment")
    assert conf.get("dynsync", "secret") == "from the environment"


def test_a_table_asset_is_named_by_its_uri():
    asset = table_asset("eu-west-1", "Users.v2")
    assert (asset.name, asset.uri) == ("dynamodb://eu-west-1/Users.v2", "dynamodb://eu-west-1/Users.v2")


@pytest.mark.parametrize(
    "uri",
    [
        "dynamodb://eu-west-1",
        "dynamodb:///Users",
        "dynamodb://eu-west-1/ab",
        "dynamodb://eu-west-1/Users/more",
        "dynamodb://user@eu-west-1/Users",
        "dynamodb://eu-west-1/Users?x=1",
        "dynamodb://eu-west-1/Us ers",
    ],
)
def test_an_asset_uri_of_another_form_is_refused_with_the_form_it_should_have(uri: str):
    with pytest.raises(ValueError, match="dynamodb://region/table"):
        sanitize_uri(urlsplit(uri))


def test_airflow_checks_asset_uris_of_the_scheme_with_the_providers_handler():
    from airflow.sdk import Asset

    with pytest.raises(ValueError, match="dynamodb://region/table"):
        Asset("dynamodb://eu-west-1/Users/more")
