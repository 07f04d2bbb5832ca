"""Mapping -> plan -> transformers: the engine. Pure: it knows neither Airflow nor AWS and does no I/O.

>>> from airflow_dynsync.engine import compile_plan
>>> plan = compile_plan({"mappings": {"Email": "transform_email"}}, key_attributes=("Id",), secret=b"...")
>>> items = plan.apply(items)
"""

from typing import TYPE_CHECKING, Any

from airflow_dynsync.engine.errors import MappingError, TransformError
from airflow_dynsync.engine.registry import catalogue

if TYPE_CHECKING:
    from airflow_dynsync.engine.mapping import Mapping
    from airflow_dynsync.engine.plan import Plan, compile_plan

__all__ = ["Mapping", "MappingError", "Plan", "TransformError", "catalogue", "compile_plan"]


def __getattr__(name: str) -> Any:
    # These need pydantic, most of the time the engine takes to import; the errors and values do not.
    if name == "Mapping":
        from airflow_dynsync.engine.mapping import Mapping

        return Mapping
    if name in ("Plan", "compile_plan"):
        from airflow_dynsync.engine import plan

        return getattr(plan, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
