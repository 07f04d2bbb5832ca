"""Transformers that run the user's own code: Python functions and JavaScript."""

from __future__ import annotations

from typing import Final

from airflow_dynsync.engine.transformers import javascript_calls, python_calls

DEFINITIONS: Final = (*python_calls.DEFINITIONS, *javascript_calls.DEFINITIONS)
