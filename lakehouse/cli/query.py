"""`lakehouse query`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.table import Table

from lakehouse.cli.console import out, print_json
from lakehouse.services.sql import run_sql
from lakehouse.settings import Settings


def command(
    sql: Annotated[str, typer.Argument(help="One statement; `-` reads it from standard input.")],
    user: Annotated[str, typer.Option(help="Trino user.")] = "engineer",
    as_json: Annotated[bool, typer.Option("--json", help="Print rows as JSON objects.")] = False,
) -> None:
    """Ask Trino in SQL; kpi.plant is the default schema.

    Example: lakehouse query "select * from oee_by_shift order by shift_date desc limit 10"
    """
    answer = run_sql(Settings(), sys.stdin.read() if sql == "-" else sql, user)
    if as_json:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
        return
    table = Table()
    for name in answer.columns:
        table.add_column(name)
    for row in answer.rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    out.print(table)
    out.print(f"{len(answer.rows)} rows", style="dim")
