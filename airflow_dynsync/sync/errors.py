"""Why a sync did not start or did not end."""

from __future__ import annotations


class SyncError(Exception):
    """A sync cannot be done as it is written; a retry changes nothing."""


class MappingFileError(SyncError, ValueError):
    """A mapping file cannot be read or is wrong; the message begins with its path."""
