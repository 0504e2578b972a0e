"""`lakehouse simulate`: a history, and the plant in real time."""

from __future__ import annotations

import datetime as dt
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.console import out
from lakehouse.errors import SettingsError
from lakehouse.plant import load_plant
from lakehouse.settings import Settings
from lakehouse.simulator.drive import drive
from lakehouse.simulator.history import History
from lakehouse.simulator.instants import SECOND, instant, micros
from lakehouse.simulator.send import FolderKeeper, LandingBucket, MessageFiles, Sender
from lakehouse.simulator.spec import site_of
from lakehouse.simulator.state import save

app = typer.Typer(help="The simulated plant: a history, or in real time.", no_args_is_help=True)
SITE = "demo"


@app.command()
def history(
    *,
    days: Annotated[int, typer.Option(min=1, max=400, help="Production dates before the present one.")] = 30,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal bytes.")] = 7,
    until: Annotated[str, typer.Option(help="End, ISO 8601 with zone; cut to the minute. Now, if not given.")] = "",
    to: Annotated[Path | None, typer.Option("--out", help="Folder for messages, files, books and state, instead of --send.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send to Kafka and the landing bucket of the running stack.")] = False,
    every: Annotated[int, typer.Option("--temperature-every", min=1, help="Seconds between two temperatures of a sensor.")] = 60,
    messages: Annotated[bool, typer.Option(help="With --out: write the messages too.")] = True,
) -> None:
    """Simulate days of the plant at once, with its books of truth.

    Example: lakehouse simulate history --days 30 --seed 7 --send
    """
    if send == (to is not None):
        raise SettingsError("simulate history", "needs either --send or --out FOLDER", "bin/lakehouse simulate history --help")
    settings, begun = Settings(), time.monotonic()
    folder = to or settings.run / "sim"
    end = _instant(until) if until else time.time_ns() // 1000
    site = site_of(load_plant(settings.plant_folders), SITE)
    keeper = LandingBucket(settings) if send else FolderKeeper(folder)
    past = History(site, seed, days, end, temperature_every=every * SECOND, books=folder / "books", keep_file=keeper.put)
    with ExitStack() as open_things:
        if send:
            number = open_things.enter_context(Sender(settings)).send(past.messages())
        elif messages:
            number = open_things.enter_context(MessageFiles(folder / "messages")).send(past.messages())
        else:
            number = sum(1 for _ in past.messages())
    save(past.state, folder / "state.json")
    took = time.monotonic() - begun
    span = f"{instant(past.state.since):%Y-%m-%d %H:%M} to {instant(past.until):%Y-%m-%d %H:%M} UTC"
    out.print(f"{number} messages, {span}, {took:.1f} s; books in {folder / 'books'}", soft_wrap=True)


@app.command()
def live(
    seed: Annotated[int, typer.Option(help="Must be that of the history.")] = 7,
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds; until TERM, if not given.")] = None,
    every: Annotated[int, typer.Option("--temperature-every", min=1, help="Seconds between two temperatures of a sensor.")] = 10,
) -> None:
    """Go on in real time from where the history or an earlier run ended. Ends by itself on TERM.

    Example: lakehouse simulate live --seed 7
    """
    settings = Settings()
    site = site_of(load_plant(settings.plant_folders), SITE)
    sent = drive(settings, site, seed, every * SECOND, seconds=seconds, say=lambda line: out.print(line, soft_wrap=True))
    out.print(f"{sent} messages sent")


def _instant(text: str) -> int:
    try:
        parsed = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"--until {text}", "is no ISO 8601 instant", "for instance 2026-11-20T05:00:00Z") from error
    if parsed.tzinfo is None:
        raise SettingsError(f"--until {text}", "has no zone", "for instance 2026-11-20T05:00:00Z")
    return micros(parsed)
