"""`lakehouse health`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from lakehouse.cli.console import out, print_json
from lakehouse.services.source_health import SILENT_AFTER_H, require_in_time, source_ages
from lakehouse.settings import Settings


def command(
    silent_after_h: Annotated[float, typer.Option(min=0, help="A source whose newest event is older counts as silent, not late.")] = SILENT_AFTER_H,
    as_json: Annotated[bool, typer.Option("--json", help="Print every source as JSON.")] = False,
) -> None:
    """Say how fresh each source is; end with an error that names those that are later than promised.

    Example: lakehouse health --silent-after-h 72
    """
    ages = source_ages(Settings(), datetime.now(UTC), timedelta(hours=silent_after_h))
    if as_json:
        print_json([asdict(each) for each in ages])
    else:
        table = Table(box=None)
        for heading in ("site", "table", "age s", "promised s", "verdict"):
            table.add_column(heading, justify="right" if heading.endswith(" s") else "left")
        for each in ages:
            shown = ("" if each.age_s is None else f"{each.age_s:.0f}", str(each.allowed_s or ""))
            table.add_row(each.site_id, each.silver_table, *shown, each.verdict)
        out.print(table)
        tally = Counter(each.verdict for each in ages)
        out.print(", ".join(f"{verdict} {count}" for verdict, count in sorted(tally.items())) or "nothing was published yet")
    require_in_time(ages)
