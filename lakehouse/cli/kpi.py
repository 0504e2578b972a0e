"""`lakehouse kpi`: the list of views, and why a number is what it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table

from lakehouse.cli.console import out, print_json
from lakehouse.errors import SettingsError
from lakehouse.services.sql import run_sql
from lakehouse.serving.explain import Explanation, Row, explain
from lakehouse.serving.views import read_views
from lakehouse.settings import Settings

app = typer.Typer(help="The numbers: which there are, and why one is what it is.", no_args_is_help=True, rich_markup_mode=None)
SHOWN = 6
"""Source rows printed without --all: the first and the last half of them."""


@app.command("list")
def list_views() -> None:
    """Name every view of kpi.plant with what it says."""
    table = Table(box=None, show_header=False)
    for view in read_views():
        table.add_row(view.name, view.description)
    out.print(table)


@app.command("explain")
def explain_view(
    view: Annotated[str, typer.Argument(help="A view by machine-shift, e.g. oee_by_shift.")],
    machine: Annotated[str, typer.Option(help="Machine.")],
    shift: Annotated[str, typer.Option(help="Shift, alone (`early`) or with its production date (`2026-11-20/early`).")],
    site: Annotated[str | None, typer.Option(help="Site; needed when several have the machine.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Print every source row.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Print formula, elements, the segments that add up, and the source rows (topic and offset, file and row) behind each.

    Example: lakehouse kpi explain oee_by_shift --machine M01 --shift early
    """
    date, shift_id = _date_and_shift(shift)
    found = explain(_ask, view, machine, shift_id, date, site)
    if as_json:
        print_json({"formula": found.formula, "answer": found.answer, "elements": found.elements, "parts": found.parts, "sources": found.sources})
        return
    _show(found, len(found.sources) if everything else SHOWN)


def _ask(sql: str, values: Sequence[Any]) -> list[Row]:
    answer = run_sql(Settings(), sql, values=values)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def _date_and_shift(text: str) -> tuple[dt.date | None, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return None, text
    try:
        return dt.date.fromisoformat(first), rest
    except ValueError as error:
        raise SettingsError(f"--shift {text}", f"{first!r} is no date (YYYY-MM-DD)", "--shift 2026-11-20/early") from error


def _show(found: Explanation, most: int) -> None:
    key = found.key
    out.print(f"{found.view.name}: {key.site_id}, machine {key.machine_id}, {key.shift_date} {key.shift_id}", style="bold")
    for line in found.formula:
        out.print(f"  {line}", markup=False, soft_wrap=True)
    for number, row in enumerate(found.answer, 1):
        _lines(f"the view says{f' ({number})' if len(found.answer) > 1 else ''}", [(name, value, "") for name, value in row.items()])
    _lines("elements", [(row["element"], row["element_value"], row["detail"]) for row in found.elements])
    table = Table(title="what adds up to them", title_justify="left", box=None)
    for heading in ("element", "item", "value", "detail", "from"):
        table.add_column(heading, overflow="fold")
    for row in found.parts:
        table.add_row(row["element"], row["item"], _text(row["element_value"]), row["detail"], f"{row['source_table']} {row['source_ref'] or ''}")
    out.print(table)
    wrong = found.adds_up()
    out.print("every element is the sum of its segments" if not wrong else f"DOES NOT ADD UP: {wrong}", style="green" if not wrong else "red")
    _sources(found.sources, most)


def _sources(rows: Sequence[Row], most: int) -> None:
    left_out = max(0, len(rows) - most)
    shown = list(rows) if not left_out else [*rows[: most // 2], None, *rows[-(most // 2) :]]
    table = Table(title=f"source rows of the quantities: {len(rows)}", title_justify="left", box=None)
    for heading in ("kind", "item", "detail", "origin"):
        table.add_column(heading, overflow="fold")
    for row in shown:
        if row is None:
            table.add_row("…", f"{left_out} more: --all", "", "")
        else:
            table.add_row(row["element"], row["item"], row["detail"], row["source_ref"])
    out.print(table)


def _lines(title: str, rows: Sequence[tuple[str, Any, str]]) -> None:
    table = Table(title=title, title_justify="left", box=None, show_header=False)
    for name, value, detail in rows:
        table.add_row(name, _text(value), detail)
    out.print(table)


def _text(value: Any) -> str:
    """A value as a person reads it: no trailing zeros, NULL spelled out."""
    if value is None:
        return "NULL"
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text and text.replace(".", "").lstrip("-").isdigit() else text
