"""`lakehouse notify`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from lakehouse.cli.console import out
from lakehouse.services.notifier import Notice, notify
from lakehouse.settings import Settings


def command(
    text: Annotated[str, typer.Argument(help="The error's line.")],
    dag: Annotated[str, typer.Option(help="Workflow.")] = "by-hand",
    task: Annotated[str, typer.Option(help="Its task.")] = "-",
    run: Annotated[str, typer.Option(help="Its run.")] = "-",
) -> None:
    """Tell the people named by LAKEHOUSE_NOTIFY_URLS, and the stack's notifications.log, that a workflow failed.

    Example: lakehouse notify "E_CONTRACT confirmations/demo/x.xlsx: a test"
    """
    settings = Settings()
    told = notify(settings, Notice(dag, task, run, text), datetime.now(UTC))
    out.print(f"written to {settings.notifications_file.name}, sent to {told} addresses", soft_wrap=True)
