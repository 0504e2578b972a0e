"""The list of commands, and the one place where errors become a line and an exit status."""

from __future__ import annotations

import sys

import typer

from lakehouse import logs
from lakehouse.cli import (
    calendar,
    contracts,
    demo,
    doctor,
    down,
    health,
    inject,
    kpi,
    land,
    landed,
    notify,
    pending,
    query,
    report,
    reset,
    simulate,
    status,
    template,
    up,
    views,
)
from lakehouse.cli.console import err
from lakehouse.flow.job import tell

app = typer.Typer(
    name="lakehouse",
    help="A plant's own lakehouse: start it, look into it, feed it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _verb in (demo, doctor, up, down, status, reset, land, pending, landed, query, views, calendar, template, health, report, notify):
    app.command(_verb.__name__.rsplit(".", 1)[1])(_verb.command)
for _group in (simulate, inject, kpi, contracts):
    app.add_typer(_group.app, name=_group.__name__.rsplit(".", 1)[1])


def main() -> None:
    """Run the command line; an error that a person can meet is one line, with its own exit status."""
    logs.configure()
    try:
        app()
    except Exception as error:
        seen = tell(error)
        err.print(seen.line(), style="red", markup=False, soft_wrap=True)
        sys.exit(seen.exit_code)
