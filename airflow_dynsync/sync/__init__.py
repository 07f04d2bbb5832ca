"""Moves pages from one table to another: reader -> plan -> writer. Knows nothing of Airflow."""
