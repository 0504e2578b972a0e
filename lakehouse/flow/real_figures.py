"""Figures of the example data sets, twice: counted from the files by plain Python, and the SQL that asks the lakehouse.

The counting here shares no code with conform or gold; it is what the answers are held against.
"""

# ruff: noqa: S608 - the statements hold names of this module and of the files read, and only ask

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from lakehouse.flow.figure import Figure
from lakehouse.flow.real_data import LOG_DAMAGED, LOG_SITE, REPORT_SITE, REPORTS, TEMPERATURE_SITE, RealData
from lakehouse.flow.real_dumps import dump_figures

Interval = tuple[datetime, datetime]
LOG_LAYOUT = "%Y/%m/%d %H:%M:%S"
BUSY = ("running", "setup", "unplanned_stop")
SHIFT_S = Decimal(28_800)
Counted = Mapping[str, Any]


def union_minutes(intervals: Iterable[Interval]) -> Decimal:
    """Return the length of the union of intervals in minutes."""
    seconds, reached = Decimal(0), datetime.min
    for start, end in sorted(intervals):
        begin = max(start, reached)
        if end > begin:
            seconds += Decimal((end - begin).total_seconds())
            reached = end
    return seconds / 60


def figures(data: RealData) -> list[Figure]:
    """Return all figures; reads the files."""
    return [*_log(data), *_damaged(data), *_reports(data), *_performance(data), *_temperatures(data), *dump_figures(data.root)]


def _log(data: RealData) -> list[Figure]:
    rows = data.log_rows()
    completed, rejected = (sum((Decimal(row[name]) for row in rows), Decimal(0)) for name in ("Qty Completed", "Qty Rejected"))
    shift = f"FROM lake.gold.machine_shift WHERE site_id = '{LOG_SITE}'"
    ratio = (100 * rejected / (completed + rejected)).quantize(Decimal("0.0001"))
    lost = "CAST(sum(sq_count + rework_scrap_count) AS decimal(38, 12))"
    return [
        Figure("log: rows in silver", Decimal(len(rows)), f"SELECT count(*) FROM lake.silver.production_event WHERE site_id = '{LOG_SITE}'"),
        Figure("log: completed", completed, f"SELECT sum(gq_count + rework_good_count) {shift}"),
        Figure("log: rejected", rejected, f"SELECT sum(sq_count + rework_scrap_count) {shift}"),
        Figure("log: scrap, %", ratio, f"SELECT round(100 * {lost} / sum(pq_count + rework_good_count + rework_scrap_count), 4) {shift}"),
        Figure("log: completed at the first pass", _completed(rows, ""), f"SELECT sum(gq_count) {shift}"),
        Figure("log: completed in rework", _completed(rows, "Y"), f"SELECT sum(rework_good_count) {shift}"),
        *_busy(rows),
        *_breakdowns(rows),
    ]


def _completed(rows: Iterable[Mapping[str, str]], rework: str) -> Decimal:
    return sum((Decimal(row["Qty Completed"]) for row in rows if row["Rework"].strip() == rework), Decimal(0))


def _interval(row: Mapping[str, str]) -> Interval:
    return datetime.strptime(row["Start Timestamp"], LOG_LAYOUT), datetime.strptime(row["Complete Timestamp"], LOG_LAYOUT)


def _by_machine(rows: Iterable[Mapping[str, str]]) -> dict[str, list[Interval]]:
    found: dict[str, list[Interval]] = defaultdict(list)
    for row in rows:
        found[row["Resource"].strip()].append(_interval(row))
    return found


def _ledger_minutes(categories: Iterable[str], machine: str = "") -> str:
    names = ", ".join(f"'{name}'" for name in categories)
    of_machine = f" AND machine_id = '{machine}'" if machine else ""
    return f"SELECT sum(duration_s) / 60 FROM lake.gold.time_segment WHERE site_id = '{LOG_SITE}' AND category IN ({names}){of_machine}"


def _busy(rows: list[dict[str, str]]) -> list[Figure]:
    minutes = {machine: union_minutes(intervals) for machine, intervals in _by_machine(rows).items()}
    shown = [machine for machine in sorted(minutes) if machine.startswith(("Machine 4 ", "Machine 5 ", "Machine 8 "))]
    each = [Figure(f"log: busy minutes, {machine}", minutes[machine], _ledger_minutes(BUSY, machine)) for machine in shown]
    days = f"SELECT sum(duration_s) AS s FROM lake.gold.time_segment WHERE site_id = '{LOG_SITE}' GROUP BY machine_id, shift_date"
    over = Figure("log: machine-days above 1,440 min", Decimal(0), f"SELECT count(*) FROM ({days}) WHERE s > 86400")
    return [Figure("log: busy minutes", sum(minutes.values(), Decimal(0)), _ledger_minutes(BUSY)), *each, over]


def _breakdowns(rows: list[dict[str, str]]) -> list[Figure]:
    stops = _by_machine(row for row in rows if row["Report Type"] == "B")
    setups = _by_machine(row for row in rows if row["Report Type"] == "S")
    own = {name: sum((Decimal((end - start).total_seconds()) for start, end in spans), Decimal(0)) / 60 for name, spans in stops.items()}
    unplanned = sum((union_minutes([*spans, *setups[name]]) - union_minutes(setups[name]) for name, spans in stops.items()), Decimal(0))
    machine = next(name for name in own if name.startswith("Machine 8 "))
    events = f"FROM lake.silver.production_event WHERE site_id = '{LOG_SITE}' AND event_type = 'breakdown'"
    minutes = "SELECT sum(date_diff('second', start_at, end_at)) / 60"
    return [
        Figure("log: breakdown rows", Decimal(sum(len(spans) for spans in stops.values())), f"SELECT count(*) {events}"),
        Figure("log: breakdown minutes, own time", sum(own.values(), Decimal(0)), f"{minutes} {events}"),
        Figure(f"log: breakdown minutes, {machine}", own[machine], f"{minutes} {events} AND machine_id = '{machine}'"),
        Figure("log: unplanned stop in the ledger, minutes", unplanned, _ledger_minutes(["unplanned_stop"])),
    ]


def _damaged(data: RealData) -> list[Figure]:
    content = (data.root / LOG_DAMAGED).read_bytes()
    rows, digest = Decimal(len(content.splitlines()) - 1), sha256(content).hexdigest()
    refused = f"SELECT count(*) FROM lake.silver.production_event_quarantine WHERE rule = 'timestamp_format' AND starts_with(origin, '{digest}')"
    kept = f"FROM lake.silver.production_event WHERE starts_with(source_ref, '{digest}')"
    return [
        Figure("damaged log: rows landed", rows, f"SELECT count(*) FROM lake.bronze.mes_production_log WHERE file_sha256 = '{digest}'"),
        Figure("damaged log: rows refused by timestamp_format", rows, refused),
        Figure("damaged log: rows in silver", Decimal(0), f"SELECT count(*) {kept}"),
    ]


def _number(row: Mapping[str, str], name: str) -> Decimal:
    return Decimal(row.get(name, "0"))


def _month(name: str) -> str:
    stamp = name.rsplit("_", 1)[1][:6]
    return f"{stamp[:4]}-{stamp[4:]}"


def _reports(data: RealData) -> list[Figure]:
    found: list[Figure] = []
    order, order_rows = "IM1811001", []
    every: list[dict[str, str]] = []
    for name in REPORTS:
        rows = data.report_rows(name)
        every += rows
        order_rows += [row for row in rows if row.get("poNote") == order]
        found += _report(_month(name), rows)
    found += _scrap_reasons(every, data.report_profile.scrap_columns)
    silver = f"FROM lake.silver.confirmation WHERE site_id = '{REPORT_SITE}' AND order_no = '{order}'"
    good, shots = (sum((_number(row, name) for row in order_rows), Decimal(0)) for name in ("itemGoodQuantity", "moldShot"))
    found.append(Figure(f"order {order}: good", good, f"SELECT sum(good_qty) {silver}"))
    return [*found, Figure(f"order {order}: shots", shots, f"SELECT sum(shot_count) {silver}")]


def _scrap_reasons(rows: list[dict[str, str]], defects: Sequence[str]) -> list[Figure]:
    """Scrap by defect of both months, and by shift, as the dashboards' views answer it."""
    view = f"FROM kpi.plant.scrap_by_reason WHERE site_id = '{REPORT_SITE}'"
    found = [Figure(f"scrap, {name}", _sum(rows, name), f"SELECT sum(scrap_count) {view} AND scrap_reason = '{name}'") for name in defects]
    for shift in sorted({row["workingShift"] for row in rows}):
        of_shift = [row for row in rows if row["workingShift"] == shift]
        good = f"SELECT sum(gq_count) FROM kpi.plant.quality_by_shift WHERE site_id = '{REPORT_SITE}' AND shift_id = '{shift}'"
        found.append(Figure(f"shift {shift}: good", _sum(of_shift, "itemGoodQuantity"), good))
        scrap = sum((_sum(of_shift, name) for name in defects), Decimal(0))
        found.append(Figure(f"shift {shift}: scrap by reason", scrap, f"SELECT sum(scrap_count) {view} AND shift_id = '{shift}'"))
    return found


def _sum(rows: list[dict[str, str]], name: str) -> Decimal:
    return sum((_number(row, name) for row in rows), Decimal(0))


def _report(month: str, rows: list[dict[str, str]]) -> list[Figure]:
    of_month = f"WHERE site_id = '{REPORT_SITE}' AND format_datetime({{date}}, 'yyyy-MM') = '{month}'"
    silver = f"FROM lake.silver.confirmation {of_month.format(date='posting_date')}"
    gold = f"FROM lake.gold.machine_shift {of_month.format(date='shift_date')}"
    total, good = (sum((_number(row, name) for row in rows), Decimal(0)) for name in ("itemTotalQuantity", "itemGoodQuantity"))
    shifts = {(row["recordDate"], row["workingShift"], row["machineNo"]) for row in rows}
    idle, empty = (row.get("poNote") is None for row in rows), (row.get("moldShot") == "0" for row in rows)
    share = (100 * (total - good) / total).quantize(Decimal("0.0001"))
    distinct = f"SELECT count(*) FROM (SELECT DISTINCT posting_date, shift_id, machine_id {silver})"
    return [
        Figure(f"{month}: rows", Decimal(len(rows)), f"SELECT count(*) {silver}"),
        Figure(f"{month}: idle rows", Decimal(sum(idle)), f"SELECT count(*) {silver} AND is_idle"),
        Figure(f"{month}: zero-shot rows", Decimal(sum(empty)), f"SELECT count(*) {silver} AND shot_count = 0"),
        Figure(f"{month}: machine-shifts reported", Decimal(len(shifts)), distinct),
        Figure(f"{month}: total", total, f"SELECT sum(pq_count) {gold}"),
        Figure(f"{month}: good", good, f"SELECT sum(gq_count) {gold}"),
        Figure(f"{month}: scrap", total - good, f"SELECT sum(sq_count) {gold}"),
        Figure(f"{month}: scrap, %", share, f"SELECT round(100 * CAST(sum(sq_count) AS decimal(38, 12)) / sum(pq_count), 4) {gold}"),
        *(_good_of(month, machine, rows, gold) for machine in sorted({row["machineNo"] for row in rows})),
    ]


def _good_of(month: str, machine: str, rows: list[dict[str, str]], gold: str) -> Figure:
    good = sum((_number(row, "itemGoodQuantity") for row in rows if row["machineNo"] == machine), Decimal(0))
    return Figure(f"{month}: good, {machine}", good, f"SELECT sum(gq_count) {gold} AND machine_id = '{machine}'")


def _performance(data: RealData) -> list[Figure]:
    """Machine-shifts of eight hours that would need more than eight hours at the setting cycle."""
    cycles = data.setting_cycles()
    needed: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    made: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in (row for name in REPORTS for row in data.report_rows(name) if "moldNo" in row):
        shift = row["recordDate"], row["workingShift"], row["machineNo"]
        needed[shift] += _number(row, "moldShot") * Decimal(cycles[row["moldNo"]])
        made[shift] += _number(row, "itemTotalQuantity")
    producing = [shift for shift, pieces in made.items() if pieces]
    view = f"FROM kpi.plant.oee_by_shift WHERE site_id = '{REPORT_SITE}'"
    above = [Decimal(sum(needed[shift] > SHIFT_S * limit for shift in producing)) for limit in (Decimal(1), Decimal("1.05"))]
    return [
        Figure("producing machine-shifts", Decimal(len(producing)), f"SELECT count(*) {view} AND pq_count > 0"),
        Figure("machine-shifts flagged P_GT_1", above[0], f"SELECT count(*) {view} AND strpos(flags, 'P_GT_1') > 0"),
        Figure("machine-shifts flagged PRI_SUSPECT", above[1], f"SELECT count(*) {view} AND strpos(flags, 'PRI_SUSPECT') > 0"),
        Figure("machine-shifts with P > 1", above[0], f"SELECT count(*) {view} AND performance_ratio > 1"),
        Figure("machine-shifts with P > 1.05", above[1], f"SELECT count(*) {view} AND performance_ratio > DECIMAL '1.05'"),
    ]


def _temperatures(data: RealData) -> list[Figure]:
    walls = [wall for wall, _ in data.temperatures()]
    readings = f"FROM lake.silver.sensor_reading WHERE site_id = '{TEMPERATURE_SITE}'"
    distinct = len(set(walls))
    set_back = f"SELECT count(*) {readings} AND contains(flags, 'CLOCK_SET_BACK')"
    return [
        Figure("temperatures: readings", Decimal(len(walls)), f"SELECT count(*) {readings}"),
        Figure("temperatures: flagged CLOCK_SET_BACK", Decimal(len(walls) - distinct), set_back),
        Figure("temperatures: distinct instants", Decimal(distinct), f"SELECT count(DISTINCT reading_at) {readings}"),
    ]
