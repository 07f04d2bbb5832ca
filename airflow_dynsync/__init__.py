"""Refresh a staging DynamoDB table from production, anonymized on the way.

This module is imported while Airflow itself is starting, so it imports nothing.
"""

__version__ = "0.1.0"
