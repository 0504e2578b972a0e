"""`lakehouse up`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from lakehouse.cli.console import err, out, print_json
from lakehouse.errors import ServiceError
from lakehouse.services.stack import Progress, bring_up, last_lines
from lakehouse.services.supervisor import ProcessState
from lakehouse.settings import Settings

MARKS = {"ready": "[green]✔[/]", "failed": "[red]✗[/]", "waiting": "[yellow]…[/]"}


def command(
    only: Annotated[str, typer.Option(help="Groups (core, spark, airflow, superset) or services, with commas; what they need comes too.")] = "",
    without: Annotated[str, typer.Option(help="Groups or services to leave out, with commas.")] = "",
    within: Annotated[int, typer.Option(help="Seconds until a start counts as failed.")] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Start the stack and wait until every service answers. Safe to repeat; keeps data.

    Example: lakehouse up --only core
    """
    settings = Settings()
    try:
        with Live(console=err, refresh_per_second=4, transient=True) as live:
            done = bring_up(settings, _names(only), _names(without), within, lambda progress: live.update(_table(progress)))
    except ServiceError as error:
        _print_log(settings, error)
        raise
    if as_json:
        print_json({"stack": settings.stack, "ready": list(done.chosen), "elapsed_s": round(done.elapsed_s, 1)})
        return
    out.print(f"stack [bold]{settings.stack}[/] is up: {len(done.chosen)} processes ready in {done.elapsed_s:.0f} s")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _table(progress: Progress) -> Table:
    table = Table(title=f"starting, {progress.elapsed_s:.0f} s", title_justify="left", box=None)
    for heading in ("", "process", "state"):
        table.add_column(heading)
    for name in progress.chosen:
        state = progress.states.get(name)
        table.add_row(MARKS[_mark(state)], name, _words(state))
    return table


def _mark(state: ProcessState | None) -> str:
    if state is None:
        return "waiting"
    return "ready" if state.ready else "failed" if state.failed else "waiting"


def _words(state: ProcessState | None) -> str:
    if state is None or state.status == "Pending":
        return "waits for what it needs"
    again = f", restarted {state.restarts} times" if state.restarts else ""
    return ("ready" if state.ready else state.status.lower()) + again


def _print_log(settings: Settings, error: ServiceError) -> None:
    """Print the last lines of the log of what failed."""
    for line in last_lines(settings.run / "logs" / f"{error.subject}.log"):
        err.print(f"  {line}", style="dim", markup=False, soft_wrap=True)
