"""`lakehouse reset`."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from lakehouse.cli.console import out
from lakehouse.services.stack import take_down
from lakehouse.settings import Settings


def command(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Stop the stack and remove all its data, logs and secrets. Asks first."""
    settings = Settings()
    if not settings.run.is_dir():
        out.print(f"stack [bold]{settings.stack}[/] has no data")
        return
    if not yes:
        typer.confirm(f"Remove all data of stack {settings.stack}?", abort=True)
    take_down(settings)
    shutil.rmtree(settings.run)
    out.print(f"stack [bold]{settings.stack}[/] is removed")
