"""Where log events go: one JSON line each, on standard error, so that standard output holds answers only."""

from __future__ import annotations

import sys

import structlog


def configure() -> None:
    """Set structlog up for this process; jobs and the command line call it first. Each event goes to what standard error is by then."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.JSONRenderer()],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
