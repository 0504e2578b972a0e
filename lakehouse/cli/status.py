"""`lakehouse status`."""

from __future__ import annotations


def command() -> None:
    """Show processes, lag, freshness, last publication, quarantine, disk."""
