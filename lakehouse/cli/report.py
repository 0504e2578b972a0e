"""`lakehouse report`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from lakehouse.cli.console import out, print_json
from lakehouse.errors import SettingsError
from lakehouse.plant import load_plant
from lakehouse.services.shift_reports import write_reports
from lakehouse.settings import Settings


def command(
    from_at: Annotated[str, typer.Option("--from", help="Instant with its offset, e.g. 2026-11-20T05:15:00+00:00.")],
    to_at: Annotated[str, typer.Option("--to", help="Instant with its offset.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Write the reports of the shifts that ended after --from and not after --to, to reports/ in the bucket `lake`; again replaces them.

    Example: lakehouse report --from 2026-11-20T00:00:00Z --to 2026-11-21T00:00:00Z
    """
    start, end = instant("--from", from_at), instant("--to", to_at)
    if start >= end:
        raise SettingsError("lakehouse report", f"--from {from_at} is not before --to {to_at}", "bin/lakehouse report --help")
    settings = Settings()
    done = write_reports(settings, load_plant(settings.plant_folders), start, end)
    if as_json:
        print_json(asdict(done))
        return
    for key in done.keys:
        out.print(f"written {key}", markup=False, soft_wrap=True)
    for shift in done.without_rows:
        out.print(f"gold has no row of {shift}", markup=False, soft_wrap=True)
    ended = len(done.keys) + len(done.without_rows)
    out.print(f"{ended} shifts ended, {len(done.keys)} reports written" if ended else "no shift ended", soft_wrap=True)


def instant(option: str, text: str) -> datetime:
    """Return an aware instant.

    Raises:
        SettingsError: the text is none, or names no offset.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise SettingsError(f"lakehouse report {option}", f"{text!r} is no instant", "bin/lakehouse report --help") from error
    if found.tzinfo is None:
        raise SettingsError(f"lakehouse report {option}", f"{text!r} has no offset from UTC", "add Z, or +01:00")
    return found
