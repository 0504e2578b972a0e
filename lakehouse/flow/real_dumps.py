"""Figures of the example dumps and workbooks beside the two production logs: counted from the files, and the SQL that asks for them.

As in `real_figures`, the counting reads the files by means of its own, so that an error of the readers shows.
"""

# ruff: noqa: S608 - the statements hold names of this module and of the files read, and only ask

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from lakehouse.flow.figure import Figure

PLAN, WORK_ORDERS = "mes-dumps-nest/PlantShift.csv", "mes-dumps-nest/workorder.csv"
CONFIRMATIONS = "sap-confirmations-json/production-order-confirmation-conf-by-orderid-01-confirmation-sample.json"
MAINTENANCE = "maintenance-log-fr/interventions_2024.csv"
BOTTLING = "bottling-line-maven/Manufacturing_Line_Productivity.xlsx"
CONTROLLER = "molding-controller-export/machine_parameters.xls"
ORDERS = tuple(f"molding-plant-reports/orders/purchaseOrder_{date}.xlsx" for date in ("181020", "181101", "181120", "181201", "181220"))
UPLOADS = (
    ("nest-plan-shift", "nest", PLAN),
    ("nest-work-order", "nest", WORK_ORDERS),
    ("sap-confirmation", "sap", CONFIRMATIONS),
    ("maintenance-log", "maintenance", MAINTENANCE),
    ("bottling-batch", "bottling", BOTTLING),
    ("bottling-product", "bottling", BOTTLING),
    ("bottling-downtime", "bottling", BOTTLING),
    ("molding-controller", "press", CONTROLLER),
    *(("molding-order", "molding", name) for name in ORDERS),
)
"""Source, site and file."""
SITES = ("nest", "sap", "maintenance", "press")
MODALITIES = ("BC", "EE", "EP", "SB", "TS")
CLOCK = re.compile(r"^(?:(\d+):(\d\d)|(\d+)h(\d\d)|(\d+) heures? (\d+) min|(\d+\.\d\d?)|(\d+)h|(\d+) min)$")


def dump_figures(root: Path) -> list[Figure]:
    """Return the figures; reads the files below `root`."""
    return [*_plan(root), *_confirmations(root), *_maintenance(root), *_bottling(root), *_controller(root), *_orders(root)]


def least_minutes(root: Path) -> dict[str, Decimal]:
    """Return product of the bottling line to the least minutes that a batch of it needs."""
    return {row["Product"]: Decimal(str(row["Min batch time"])) for row in _sheet(root, "Products")}


def _rows(root: Path, name: str) -> list[dict[str, str]]:
    with (root / name).open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def _plan(root: Path) -> Iterator[Figure]:
    rows = _rows(root, PLAN)
    planned = f"FROM lake.silver.production_plan WHERE site_id = '{SITES[0]}'"
    adherence = f"SELECT sum(planned_qty) FROM kpi.plant.plan_adherence WHERE site_id = '{SITES[0]}'"
    yield Figure("plan: rows", Decimal(len(rows)), f"SELECT count(*) {planned}")
    yield Figure("plan: pieces", _sum(rows, "Quantity"), f"SELECT sum(planned_qty) {planned}")
    yield Figure("plan: pieces by slot", _sum(rows, "Quantity"), adherence)
    yield Figure("plan: break, min", _sum(rows, "BreakTime"), f"SELECT sum(break_min) {planned}")
    for kind in MODALITIES:
        of_kind = [row for row in rows if row["ItemNo"].startswith(f"Items-{kind}-")]
        yield Figure(f"plan: pieces, {kind}", _sum(of_kind, "Quantity"), f"{adherence} AND item_no LIKE 'Items-{kind}-%'")
    orders = Decimal(len(_rows(root, WORK_ORDERS)))
    yield Figure("work orders", orders, f"SELECT count(*) FROM lake.silver.work_order WHERE site_id = '{SITES[0]}'")


def _sum(rows: list[dict[str, str]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


def _confirmations(root: Path) -> Iterator[Figure]:
    rows: list[dict[str, Any]] = json.loads((root / CONFIRMATIONS).read_text(encoding="utf-8"))
    order = rows[0]["OrderID"]
    own = [row for row in rows if row["OrderID"] == order]
    last = max(row["OrderOperation"] for row in own)
    good = sum((Decimal(row["ConfirmationYieldQuantity"]) for row in own if row["OrderOperation"] == last), Decimal(0))
    view = f"FROM kpi.plant.order_progress WHERE site_id = 'sap' AND work_order_no = '{order}'"
    yield Figure(f"order {order}: good of its last operation", good, f"SELECT done_qty {view}")
    yield Figure(f"order {order}: operations", Decimal(len({row["OrderOperation"] for row in own})), f"SELECT operation_count {view}")


def _maintenance(root: Path) -> Iterator[Figure]:
    hours = [_hours(row["Duree_Arret_h"].strip()) for row in _rows(root, MAINTENANCE)]
    read = [each for each in hours if each is not None]
    kept = "FROM lake.silver.maintenance_intervention WHERE site_id = 'maintenance'"
    refused = "SELECT count(*) FROM lake.silver.maintenance_intervention_quarantine WHERE site_id = 'maintenance' AND rule = 'downtime_h_format'"
    yield Figure("maintenance: durations read", Decimal(len(read)), f"SELECT count(*) {kept}")
    yield Figure("maintenance: durations refused", Decimal(len(hours) - len(read)), refused)
    yield Figure("maintenance: hours", sum(read, Decimal(0)), f"SELECT sum(downtime_h) {kept}")


def _hours(text: str) -> Decimal | None:
    found = CLOCK.match(text)
    if not found:
        return None
    parts = [part for part in found.groups() if part is not None]
    if len(parts) == 2:
        return Decimal(parts[0]) + Decimal(parts[1]) / 60
    return Decimal(parts[0]) / (60 if text.endswith("min") else 1)


def _sheet(root: Path, sheet: str) -> list[dict[str, Any]]:
    rows = load_workbook(root / BOTTLING, read_only=True, data_only=True)[sheet].iter_rows(values_only=True)
    header = next(rows)
    return [dict(zip(map(str, header), row, strict=False)) for row in rows if row[0] is not None]


def _bottling(root: Path) -> Iterator[Figure]:
    least, batches = least_minutes(root), _sheet(root, "Line productivity")
    downtime = list(load_workbook(root / BOTTLING, read_only=True, data_only=True)["Line downtime"].iter_rows(values_only=True))[2:]
    lost = {str(row[0]): sum((Decimal(str(cell)) for cell in row[1:] if cell is not None), Decimal(0)) for row in downtime if row[0] is not None}
    run = {str(row["Batch"]): _between(row["Start Time"], row["End Time"]) for row in batches}
    needed = {str(row["Batch"]): least[row["Product"]] for row in batches}
    balanced = sum(run[batch] == needed[batch] + lost[batch] for batch in run)
    shifts = "FROM lake.gold.machine_shift WHERE site_id = 'bottling'"
    ran, least_needed = (sum(each.values(), Decimal(0)) for each in (run, needed))
    share = (100 * least_needed / ran).quantize(Decimal("0.01"))
    performance = "FROM kpi.plant.performance_by_shift WHERE site_id = 'bottling'"
    yield Figure("bottling: run, min", ran, f"SELECT sum(apt_s) / 60 {shifts}")
    yield Figure("bottling: least, min", least_needed, f"SELECT sum(earned_produced_s) / 60 {shifts}")
    yield Figure("bottling: reported downtime, min", sum(lost.values(), Decimal(0)), "SELECT sum(downtime_min) FROM lake.silver.reported_downtime")
    yield Figure("bottling: performance, %", share, f"SELECT round(100 * sum(earned_produced_s) / sum(apt_s), 2) {performance}")
    yield Figure("bottling: batches that balance", Decimal(balanced), BALANCED)


BALANCED = """
SELECT count(*)
FROM lake.silver.production_event e
JOIN lake.gold.machine_shift s ON s.site_id = e.site_id AND s.shift_start_at < e.end_at AND s.shift_end_at >= e.end_at
CROSS JOIN UNNEST(s.quantity_by_part) q (part_no, order_no, tool_no, pq_count, gq_count, rq_count, sq_count, ideal_cycle_s)
LEFT JOIN (SELECT batch_no, sum(downtime_min) downtime_min FROM lake.silver.reported_downtime GROUP BY batch_no) d ON d.batch_no = e.order_no
WHERE e.site_id = 'bottling' AND q.order_no = e.order_no
  AND date_diff('second', e.start_at, e.end_at) = q.pq_count * q.ideal_cycle_s + 60 * coalesce(d.downtime_min, 0)
"""


def _between(start: Any, end: Any) -> Decimal:
    """Minutes from a time of day to the next; a later day is written as a date-time of 1900-01-01."""
    begin = start.hour * 60 + start.minute
    finish = end.hour * 60 + end.minute + (1440 if isinstance(end, datetime) else 0)
    return Decimal(finish - begin)


def _controller(root: Path) -> Iterator[Figure]:
    lines = (root / CONTROLLER).read_text(encoding="utf-16").splitlines()
    header = lines[0].split("\t")
    rows = [dict(zip(header, line.split("\t"), strict=False)) for line in lines[2:] if line.strip()]
    shots = sorted((_at(row), int(row["Cykler"]), Decimal(row["Cyklustid"].replace(",", "."))) for row in rows)
    restarts = sum(later <= earlier for (_, earlier, _), (_, later, _) in pairwise(shots))
    waits = [(Decimal((end - before).total_seconds()), cycle) for (before, _, _), (end, _, cycle) in pairwise(shots)]
    stops = sum(wait > Decimal("1.25") * cycle for wait, cycle in waits)
    cycles = "lake.silver.machine_cycle WHERE site_id = 'press'"
    in_order = "OVER (PARTITION BY machine_id ORDER BY ended_at)"
    before = f"SELECT cycle_no, cycle_s, ended_at, lag(cycle_no) {in_order} AS last_no, lag(ended_at) {in_order} AS last_at FROM {cycles}"
    waited = "date_diff('second', last_at, ended_at) > 1.25 * cycle_s"
    yield Figure("controller: shots", Decimal(len(shots)), f"SELECT count(*) FROM {cycles}")
    yield Figure("controller: cycle time, s", sum((cycle for _, _, cycle in shots), Decimal(0)), f"SELECT sum(cycle_s) FROM {cycles}")
    yield Figure("controller: restarts of the counter", Decimal(restarts), f"SELECT count(*) FROM ({before}) WHERE cycle_no <= last_no")
    yield Figure("controller: stops beyond 1.25 x own cycle", Decimal(stops), f"SELECT count(*) FROM ({before}) WHERE {waited}")


def _at(row: Mapping[str, str]) -> datetime:
    return datetime.strptime(f"{row['Dato']} {row['Tid']}", "%d.%m.%y %H.%M.%S")


def _orders(root: Path) -> Iterator[Figure]:
    sheets = (load_workbook(root / name, read_only=True, data_only=True)["poList"].iter_rows(values_only=True) for name in ORDERS)
    orders: Counter[str] = Counter()
    for rows in sheets:
        names = next(rows)
        at, quantity = names.index("poNo"), names.index("itemQuantity")
        for row in rows:
            if row[at] is not None:
                orders[str(row[at])] += int(str(row[quantity]))
    of_site = "FROM lake.silver.work_order WHERE site_id = 'molding'"
    yield Figure("molding orders", Decimal(len(orders)), f"SELECT count(*) {of_site}")
    yield Figure("molding orders: pieces", Decimal(orders.total()), f"SELECT sum(ordered_qty) {of_site}")
    ordered = "FROM kpi.plant.order_progress WHERE site_id = 'molding' AND work_order_no = 'IM1811001'"
    yield Figure("order IM1811001: ordered", Decimal(orders["IM1811001"]), f"SELECT ordered_qty {ordered}")
