"""`lakehouse status`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Table

from lakehouse.cli.console import out, print_json
from lakehouse.services.source_health import SILENT_AFTER_H, age_of
from lakehouse.services.state import StackStatus, stack_status
from lakehouse.settings import Settings

MB = 1_000_000
COLOURS = {"ready": "green", "done": "green", "not started": "dim", "failed": "red", "stopped": "dim"}
AGE_COLOURS = {"in time": "green", "late": "yellow"}
NAMED = ("late", "silent", "events")
"""Verdicts on a source's age that are told with the age."""


def command(as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False) -> None:
    """Show processes, memory, topic lag, freshness, the last publication, open quarantine and disk."""
    status = stack_status(Settings())
    if as_json:
        print_json({**asdict(status), "topics": [{**asdict(topic), "lag": topic.lag} for topic in status.topics]})
        return
    out.print(Group(_processes(status), _topics(status), _freshness(status, datetime.now(UTC))))
    out.print(_summary(status))
    for note in status.notes:
        out.print(f"[yellow]•[/] {note}", soft_wrap=True)


def _processes(status: StackStatus) -> Table:
    table = Table(title=f"stack {status.stack}", title_justify="left")
    for heading, justify in (("group", "left"), ("process", "left"), ("state", "left"), ("restarts", "right"), ("memory MB", "right")):
        table.add_column(heading, justify="right" if justify == "right" else "left")
    for one in status.processes:
        colour = COLOURS.get(one.state, "yellow")
        memory = f"{one.resident_bytes / MB:.0f}" if one.resident_bytes else ""
        table.add_row(one.group, one.name, f"[{colour}]{one.state}[/]", str(one.restarts or ""), memory)
    table.add_row("", "[bold]whole stack[/]", "", "", f"[bold]{status.resident_bytes / MB:.0f}[/]")
    return table


def _topics(status: StackStatus) -> Table | str:
    if not status.topics:
        return ""
    table = Table(title="topics", title_justify="left")
    table.add_column("topic")
    for heading in ("messages", "landed", "lag"):
        table.add_column(heading, justify="right")
    for topic in status.topics:
        table.add_row(topic.topic, f"{topic.messages:,}", f"{topic.landed:,}", f"{topic.lag:,}")
    return table


def _freshness(status: StackStatus, now: datetime) -> Table | str:
    if not status.freshness:
        return ""
    table = Table(title="freshness, as published", title_justify="left")
    for heading in ("site", "table", "newest event (UTC)", "landed"):
        table.add_column(heading)
    for heading in ("rows", "quarantined"):
        table.add_column(heading, justify="right")
    for row in status.freshness:
        event = str(row["newest_event_at"] or "")[:19]
        table.add_row(row["site_id"], row["silver_table"], event, _landed(row, now), f"{row['kept_count']:,}", f"{row['quarantined_count']:,}")
    return table


def _landed(row: Mapping[str, Any], now: datetime) -> str:
    age = age_of(row, now, timedelta(hours=SILENT_AFTER_H))
    if age.age_s is None:
        return ""
    word = f", {age.verdict}" if age.verdict in NAMED else ""
    return f"[{AGE_COLOURS.get(age.verdict, 'dim')}]{age.age_s:.0f} s ago{word}[/]"


def _summary(status: StackStatus) -> str:
    lines = []
    if status.publication:
        last = status.publication
        at = str(last["published_at"])[:19]
        lines.append(f"last publication: revision {last['revision']} at {at} UTC by {last['publisher']} ({last['reason']})")
    if status.open_quarantine is not None:
        lines.append(f"open quarantine: {status.open_quarantine:,} rows")
    used = ", ".join(f"{name} {size / MB:.0f}" for name, size in status.disk_bytes.items() if size >= MB)
    lines.append(f"disk, MB: {used or 'nothing'}; free {status.disk_free_bytes / MB:,.0f}")
    lines.append("addresses: " + ", ".join(f"{name} {address}" for name, address in status.addresses.items()))
    return "\n".join(lines)
