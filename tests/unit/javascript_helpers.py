"""How the tests of scripts apply one to a value."""

from typing import Any

from airflow_dynsync.engine import Plan, compile_plan

SECRET = b"the secret of the script tests"


def script_plan(code: str, transformer: str = "transform_javascript", **options: Any) -> Plan:
    """Return a plan with one script, on the attribute Value."""
    return compile_plan(
        {"mappings": {"Value": {"transformer": transformer, "code": code, **options}}, "unmapped": "passthrough"},
        key_attributes=("Id",),
        secret=SECRET,
    )


def run(code: str, value: Any, transformer: str = "transform_javascript", **options: Any) -> Any:
    """Return what a script makes of one wire value; None: the attribute is gone."""
    return run_item(code, {"Value": value}, transformer, **options).get("Value")


def run_item(code: str, item: dict[str, Any], transformer: str = "transform_javascript", **options: Any) -> Any:
    """Return what becomes of one item whose Value is given to a script."""
    (result,) = script_plan(code, transformer, **options).apply([{"Id": {"S": "1"}, **item}])
    return result
