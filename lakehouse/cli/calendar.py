"""`lakehouse calendar`."""

from __future__ import annotations

import csv
import datetime as dt
import sys
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Annotated

import typer

from lakehouse.cli.console import err, out
from lakehouse.errors import SettingsError
from lakehouse.plant import Site, load_plant
from lakehouse.plant.proof import Proof, ProvedShift, prove
from lakehouse.plant.zones import zone_of
from lakehouse.settings import Settings

WIDTH = 100
LONGEST_ID = 24
CSV_COLUMNS = (
    "site_id", "machine_id", "shift_date", "weekday", "shift_id", "start_local", "end_local", "is_scheduled",
    "wall_min", "pot_min", "break_min", "stop_min", "net_min", "notes",
)  # fmt: skip


def command(
    site: Annotated[str, typer.Argument(help="Site, e.g. demo.")],
    year: Annotated[int | None, typer.Option(min=1970, max=2100, help="Year of the production dates; the present one, if not given.")] = None,
    machine: Annotated[str | None, typer.Option(help="Take off the planned stops of this machine too.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print one line per shift as CSV; clashes go to standard error.")] = False,
) -> None:
    """Prove a site's calendar: every shift of a year with its planned minutes, and what clashes.

    Example: lakehouse calendar demo --year 2026 --machine M03
    """
    plant = load_plant(Settings().plant_folders).site(site)
    if machine is not None and plant.machine(machine) is None:
        known = ", ".join(sorted(plant.machines)) or "none"
        raise SettingsError(f"machine {machine}", f"is not declared for {site} (there are {known})", f"bin/lakehouse calendar {site}")
    asked = year or dt.datetime.now(zone_of(plant.zone)).year
    proof = prove(plant, asked, machine)
    if as_csv:
        _write_csv(plant, machine, proof)
        for clash in proof.clashes:
            err.print(f"clash: {clash}", markup=False, soft_wrap=True)
        return
    for line in _lines(plant, asked, machine, proof):
        out.print(line, markup=False, soft_wrap=True)


def _lines(site: Site, year: int, machine: str | None, proof: Proof) -> Iterator[str]:
    yield f"Calendar {year} of {site.declared.name or site.site_id}{f', machine {machine}' if machine else ''}"
    yield f"{site.zone}, time zone data {site.tzdata_version}, plant version {site.version}"
    yield "Elapsed minutes. POT: planned operation time. NET: POT less " + ("breaks and planned stops." if machine else "breaks.")
    width = min(LONGEST_ID, max([5, *(len(each.window.shift_id) for each in proof.shifts)]))
    for month, found in groupby(proof.shifts, key=lambda each: each.window.shift_date.month):
        name, shifts = f"{dt.date(year, month, 1):%B}", list(found)
        yield f"\n{name}\n{'date':14} {'shift':{width}} {'from':6}{'to':6} {'POT':>5} {'NET':>5}"
        for shift in shifts:
            yield from _shift_lines(shift, width)
        yield _total(name, shifts)
    yield f"\n{_total(str(year), proof.shifts)}"
    yield from _clash_lines(proof)


def _shift_lines(shift: ProvedShift, width: int) -> list[str]:
    window, start, end = shift.window, shift.start_local, shift.end_local
    shift_id = window.shift_id if len(window.shift_id) <= width else f"{window.shift_id[: width - 1]}…"
    next_day = "+" if end.date() > start.date() else " "
    head = f"{window.shift_date:%a %Y-%m-%d} {shift_id:{width}} {start:%H:%M} {end:%H:%M}{next_day} {shift.pot_min:6} {shift.net_min:5}"
    if not shift.notes:
        return [head]
    below = " " * (len(head) + 2)
    return textwrap.wrap("; ".join(shift.notes), WIDTH, initial_indent=f"{head}  ", subsequent_indent=below, break_on_hyphens=False)


def _total(name: str, shifts: Iterable[ProvedShift]) -> str:
    found = list(shifts)
    pot, net = sum(each.pot_min for each in found), sum(each.net_min for each in found)
    planned = sum(each.window.is_scheduled for each in found)
    return f"{name}: {planned} of {len(found)} shifts planned, POT {pot} min ({pot / 60:.1f} h), NET {net} min ({net / 60:.1f} h)"


def _clash_lines(proof: Proof) -> Iterator[str]:
    yield f"Clashes: {len(proof.clashes) or 'none'}"
    for clash in proof.clashes:
        yield from textwrap.wrap(clash, WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)


def _write_csv(site: Site, machine: str | None, proof: Proof) -> None:
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    for each in proof.shifts:
        window = each.window
        rows.writerow((
            site.site_id, machine or "", window.shift_date, f"{window.shift_date:%a}", window.shift_id,
            each.start_local.isoformat(timespec="minutes"), each.end_local.isoformat(timespec="minutes"), str(window.is_scheduled).lower(),
            each.wall_min, each.pot_min, each.break_min, each.stop_min, each.net_min, "; ".join(each.notes),
        ))  # fmt: skip
