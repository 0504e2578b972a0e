"""`lakehouse inject`: let something happen to the running plant."""

from __future__ import annotations

from typing import Annotated

import typer

from lakehouse.cli.console import out
from lakehouse.errors import SettingsError
from lakehouse.plant import load_plant
from lakehouse.settings import Settings
from lakehouse.simulator.inject import inject_breakdown
from lakehouse.simulator.instants import MINUTE, instant
from lakehouse.simulator.spec import Site, site_of

app = typer.Typer(help="Let something happen to the plant, through Kafka.", no_args_is_help=True)
SITE = "demo"


@app.callback()
def inject() -> None:
    """Let something happen to the plant, through Kafka."""


@app.command()
def breakdown(
    machine: Annotated[str, typer.Option(help="Machine, e.g. M03.")],
    minutes: Annotated[float, typer.Option(min=0.1, max=1440, help="How long it stands.")] = 6,
    reason: Annotated[str, typer.Option(help="Reason code of an unplanned stop.")] = "B01",
) -> None:
    """Break a machine down now. With `simulate live` running, that plant stops the machine; without it, this command waits and closes the stop.

    Example: lakehouse inject breakdown --machine M03 --minutes 6
    """
    settings = Settings()
    site = site_of(load_plant(settings.plant_folders), SITE)
    _require(site, machine, reason)
    stop = inject_breakdown(settings, site, machine, int(minutes * MINUTE), reason, say=lambda line: out.print(line, soft_wrap=True))
    span = f"{instant(stop.start):%H:%M:%S} to {instant(stop.end):%H:%M:%S} UTC"
    out.print(f"{machine} {site.reasons[reason].text} ({reason}), {span}: {stop.stop_id}", soft_wrap=True)


def _require(site: Site, machine: str, reason: str) -> None:
    known = [each.machine_id for each in site.machines]
    if machine not in known:
        raise SettingsError(f"machine {machine}", f"is not simulated (there are {', '.join(known)})", f"--machine {known[0]}")
    codes = site.codes("unplanned_stop")
    if reason not in codes:
        raise SettingsError(f"reason {reason}", f"is no unplanned stop (there are {', '.join(codes)})", f"--reason {codes[0]}")
