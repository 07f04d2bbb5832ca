"""Brings jobs over from Neosync, whose DynamoDB sync was archived in 2025."""
