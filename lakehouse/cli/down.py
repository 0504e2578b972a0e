"""`lakehouse down`."""

from __future__ import annotations

from lakehouse.cli.console import out
from lakehouse.services.stack import take_down
from lakehouse.settings import Settings


def command() -> None:
    """Stop everything of the stack and check that it has gone. Data stays."""
    settings = Settings()
    count = take_down(settings)
    out.print(f"stack [bold]{settings.stack}[/] is down: {count} processes ended; data kept")
