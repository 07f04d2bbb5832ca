"""Transformers that run the user's own code: Python functions."""

from __future__ import annotations

from typing import Final

from airflow_dynsync.engine.transformers import python_calls

DEFINITIONS: Final = python_calls.DEFINITIONS
