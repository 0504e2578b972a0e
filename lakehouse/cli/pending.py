"""`lakehouse pending`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from lakehouse.cli.console import out, print_json
from lakehouse.services.landing_state import pending
from lakehouse.settings import Settings


class KindChoice(StrEnum):
    """What is asked for."""

    FILES = "files"
    WORKBOOKS = "workbooks"


def command(
    kind: Annotated[KindChoice, typer.Option(help="Workbooks, or all other files.")] = KindChoice.FILES,
    run_id: Annotated[str, typer.Option(help="Workflow run: when it has landed before, what is recorded under it instead of what is new.")] = "",
    source: Annotated[str, typer.Option(help="Only this source (see conf/sources.yaml).")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the sources as JSON.")] = False,
) -> None:
    """Say which sources have complete files in the landing bucket that are not landed yet.

    Example: lakehouse pending --kind workbooks
    """
    found = pending(Settings(), kind.value, run_id, source)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    table = Table(box=None)
    for heading in ("source", "files", "bytes"):
        table.add_column(heading, justify="left" if heading == "source" else "right")
    for each in found:
        table.add_row(each.source, f"{each.files:,}", f"{each.bytes:,}")
    out.print(table if found else "nothing new")
