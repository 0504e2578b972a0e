"""`lakehouse template`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lakehouse.cli.console import out
from lakehouse.errors import SettingsError
from lakehouse.plant import load_plant
from lakehouse.services.sql import run_sql
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources
from lakehouse.sources.profiles import WorkbookContract
from lakehouse.sources.workbook_template import template

SOURCE = "confirmations"
OPEN = """
SELECT work_order_no, item_no FROM kpi.plant.order_progress
WHERE site_id = ? AND is_known AND NOT coalesce(is_closed, false) AND coalesce(progress_ratio, 0) < 1 ORDER BY work_order_no LIMIT 500
"""
MOST_ORDERS = 500


def command(
    site: Annotated[str, typer.Option(help="Site of the plant model; it decides the layout.")],
    target: Annotated[Path, typer.Option("--out", help="The xlsx to write.")],
    empty: Annotated[bool, typer.Option("--empty", help="Without the open orders: no stack is needed.")] = False,
) -> None:
    """Write an Excel template for confirmations, with the site's machines and shifts to choose from and its open orders filled in.

    Example: lakehouse template --site demo --out confirmations.xlsx
    """
    settings = Settings()
    contract, known = load_sources().contract(SOURCE), load_plant(settings.plant_folders).site(site)
    if not isinstance(contract, WorkbookContract):
        raise SettingsError(f"source {SOURCE}", "its contract is of no workbook", "correct conf/sources.yaml")
    rows = [] if empty else run_sql(settings, OPEN, values=[site]).rows
    orders = [{"order_no": str(order), **({"part_no": str(item)} if item is not None else {})} for order, item in rows]
    machines, shifts = sorted(known.machines), [shift.shift_id for shift in known.declared.shifts]
    template(contract.profile(site), orders, target, machines=machines, shifts=shifts)
    cut = f" (the first {MOST_ORDERS}; there may be more)" if len(rows) == MOST_ORDERS else ""
    out.print(f"{target}: {len(orders)} open orders{cut}, {len(machines)} machines, {len(shifts)} shifts", soft_wrap=True)
