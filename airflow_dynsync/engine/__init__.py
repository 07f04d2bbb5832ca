"""Mapping -> plan -> transformers: the engine. Pure: it knows neither Airflow nor AWS and does no I/O.

>>> from airflow_dynsync.engine import compile_plan
>>> plan = compile_plan({"mappings": {"Email": "transform_email"}}, key_attributes=("Id",), secret=b"...")
>>> items = plan.apply(items)
"""

from airflow_dynsync.engine.catalogue import catalogue
from airflow_dynsync.engine.errors import MappingError, TransformError
from airflow_dynsync.engine.mapping import Mapping
from airflow_dynsync.engine.plan import Plan, compile_plan

__all__ = ["Mapping", "MappingError", "Plan", "TransformError", "catalogue", "compile_plan"]
