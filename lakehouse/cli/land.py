"""`lakehouse land`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.cli.console import err, out, print_json
from lakehouse.errors import AuditFailedError, ServiceError, SettingsError
from lakehouse.flow.figure import Figure
from lakehouse.flow.real_data import TEMPERATURE_SITE, TOPIC, RealData, write_plants
from lakehouse.flow.real_figures import figures
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.services.sql import run_sql
from lakehouse.settings import Settings
from lakehouse.simulator.messages import Message
from lakehouse.simulator.send import Sender
from lakehouse.sources.contracts import load_sources

Say = Callable[[str], object]
PUBLISH_WAIT_S = 120
POLL_S = 2.0


def command(
    source: Annotated[str, typer.Option(help="Land what is new of this source (see conf/sources.yaml).")] = "",
    real: Annotated[Path | None, typer.Option(help="Folder of the example data sets: send them all in, then show their known figures.")] = None,
    within: Annotated[int, typer.Option(help="With --real: seconds until the live application must have landed the topic.")] = 300,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Land files and publish; with --real, the example data sets and the figures that they are known by.

    Example: lakehouse land --real ../shared/data
    """
    if bool(source) == bool(real):
        raise SettingsError("land", "needs either --source or --real", "bin/lakehouse land --help")
    settings = Settings()
    if real is not None:
        _show(land_real(settings, real, _tell, within), as_json)
        return
    lines = _land(settings, [source])
    print_json(lines) if as_json else out.print("\n".join(lines), markup=False, soft_wrap=True)


def _tell(line: str) -> None:
    err.print(line, markup=False, soft_wrap=True)


def land_real(settings: Settings, folder: Path, say: Say, within_s: float = 300) -> list[tuple[Figure, Any]]:
    """Send the example data sets in, land and publish them, and return their figures with Trino's answers.

    Done twice it is the same as once.

    Args:
        settings: a stack with its live application.
        folder: the example data sets.
        say: told what was done, line by line.
        within_s: seconds until the live application must have brought the temperatures to silver.

    Raises:
        RequirementError: a file is missing.
        ServiceError: the live application did not land the topic in time.
    """
    data = RealData(folder.resolve())
    send_in(settings, data, say)
    for line in _land(settings, data.sources, data, within_s):
        say(line)
    return compare(settings, figures(data))


def send_in(settings: Settings, data: RealData, say: Say) -> None:
    """Write the sites' plant models, upload the files, send the temperatures."""
    data.check()
    changed = write_plants(data.plants(), settings.run / "plant")
    say(f"plant models written: {', '.join(path.name for path in changed) or 'none, they are as before'}")
    zone = LandingZone(settings)
    for path, key in data.uploads():
        zone.upload(path, key)
        say(f"uploaded {key}")
    with Sender(settings) as sender:
        count = sender.send(Message(0, TOPIC, key, value, 0) for key, value in data.messages())
    say(f"sent {count} messages to {TOPIC}")


def _land(settings: Settings, sources: Sequence[str], data: RealData | None = None, within_s: float = 0) -> list[str]:
    """Land the sources, wait for the topic where one was sent, publish; return what was done, line by line."""
    # Spark is loaded by the commands that need it only.
    from lakehouse.flow.land_files import FileLanding
    from lakehouse.flow.publish import publish
    from lakehouse.spark.session import session

    plant, nessie, zone = load_plant(settings.plant_folders), Nessie(settings.nessie_api), LandingZone(settings)
    spark = session(settings, "land")
    lines: list[str] = []
    try:
        for source in sources:
            landing = FileLanding(spark, nessie, zone, source, load_sources().contract(source), plant)
            lines += landing.run(f"by-hand-{uuid.uuid4().hex[:12]}", datetime.now(UTC)).lines()
        if data is not None:
            _await_topic(settings, sum(1 for _ in data.temperatures()), within_s)
        done = publish(spark, nessie, plant, "lakehouse land", ttl_s=settings.lease_ttl_s, wait_s=max(PUBLISH_WAIT_S, within_s))
        lines.append("nothing to publish" if done is None else f"published revision {done.revision}: {done.machine_shift_count} machine-shifts")
    finally:
        spark.stop()
    return lines


def _await_topic(settings: Settings, expected: int, within_s: float) -> None:
    """Wait until the live application has brought the temperatures to silver.

    Raises:
        ServiceError: it has not, within the time.
    """
    statement = f"SELECT count(*) FROM lake.silver.sensor_reading WHERE site_id = '{TEMPERATURE_SITE}'"  # noqa: S608 - a constant
    deadline = time.monotonic() + within_s
    while (found := run_sql(settings, statement).rows[0][0]) < expected:
        if time.monotonic() > deadline:
            cause = f"{found} of {expected} temperatures are in silver after {within_s:.0f} s"
            raise ServiceError("live application", cause, "bin/lakehouse status")
        time.sleep(POLL_S)


def compare(settings: Settings, wanted: Sequence[Figure]) -> list[tuple[Figure, Any]]:
    """Ask Trino for each figure and return it with the answer."""
    return [(figure, run_sql(settings, figure.sql).rows[0][0]) for figure in wanted]


def _number(value: Any) -> str:
    return "" if value is None else f"{Decimal(str(value)).normalize():,f}"


def _show(answers: Sequence[tuple[Figure, Any]], as_json: bool) -> None:
    """Print each figure as the files and as Trino say it.

    Raises:
        AuditFailedError: they are not the same.
    """
    if as_json:
        print_json([{"figure": each.name, "files": each.counted, "trino": answer, "agrees": each.agrees(answer)} for each, answer in answers])
    else:
        table = Table("figure", "counted from the files", "Trino says", "")
        for each, answer in answers:
            table.add_row(each.name, _number(each.counted), _number(answer), "✔" if each.agrees(answer) else "✗")
        out.print(table)
    wrong = [each.name for each, answer in answers if not each.agrees(answer)]
    if wrong:
        raise AuditFailedError("example data", f"{len(wrong)} figures differ: {', '.join(wrong[:5])}", "bin/lakehouse land --real FOLDER")
