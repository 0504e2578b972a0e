"""Shift reports: which shifts ended, what the kpi views say of them, and where the reports lie. Writing one again replaces it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.plant import PlantModel
from lakehouse.plant.calendar import ShiftWindow
from lakehouse.services.sql import run_sql
from lakehouse.serving.shift_report import Row, ShiftReport, as_csv, as_html
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources
from lakehouse.sources.tables import file_tables
from lakehouse.tables.silver import TOPIC_TABLES

OF_SHIFT = "site_id = ? AND shift_date = ? AND shift_id = ?"
MACHINES_SQL = f"""
SELECT machine_id, earned_good_s, pbt_s, apt_s + IF(profile = 'tpm', micro_stop_s, 0) AS run_s, earned_produced_s, gq_count, pq_count,
    oee_ratio, oee_null_reason, availability_ratio, IF(availability_ratio IS NULL, 'NO_PLANNED_TIME') AS availability_null_reason,
    performance_ratio, performance_null_reason, quality_ratio, quality_null_reason, is_provisional, flags, missing_master_data, as_of, revision
FROM kpi.plant.oee_by_shift WHERE {OF_SHIFT} ORDER BY line_id, machine_id
"""  # noqa: S608 - constants
LOSSES_SQL = f"""
SELECT category, reason_code, reason_text, sum(downtime_s) AS downtime_s, sum(event_count) AS event_count
FROM kpi.plant.downtime_pareto WHERE {OF_SHIFT} GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
"""  # noqa: S608
OPEN_STOPS_SQL = f"""
SELECT machine_id, reason_code, reason_text, event_start_at, sum(duration_s) AS open_s
FROM kpi.plant.machine_timeline WHERE {OF_SHIFT} AND event_end_at IS NULL AND event_start_at IS NOT NULL
    AND category IN ('planned_down', 'setup', 'unplanned_stop', 'blocked_starved') AND source_table = 'machine_interruption'
GROUP BY 1, 2, 3, 4 ORDER BY 4, 1
"""  # noqa: S608
REFUSED_SQL = """
SELECT '{name}' AS silver_table, rule, site_id, count(*) AS refused FROM lake.silver."{name}_quarantine"
WHERE quarantined_at >= ? AND quarantined_at < ? AND (site_id = ? OR site_id IS NULL) GROUP BY 2, 3
"""


@dataclass(frozen=True)
class Written:
    """What became of the shifts that ended: keys of the reports, and shifts of which gold has no row."""

    keys: tuple[str, ...]
    without_rows: tuple[str, ...]


def ended_shifts(plant: PlantModel, from_at: datetime, to_at: datetime) -> list[ShiftWindow]:
    """Return the shifts of all sites whose planned end lies in `(from_at, to_at]`, in order of end; instants must be aware."""
    windows = [window for site_id in plant.sites for window in plant.windows(site_id, from_at, to_at)]
    shifts = [each for each in windows if not each.shift_id.startswith("off") and from_at < each.end_at <= to_at]
    return sorted(shifts, key=lambda each: (each.end_at, each.site_id, each.shift_id))


def write_reports(settings: Settings, plant: PlantModel, from_at: datetime, to_at: datetime) -> Written:
    """Write the reports of all shifts that ended in `(from_at, to_at]`, as a page and as a table.

    Raises:
        TrinoUnreachableError, StoreUnreachableError: a service does not answer; reports written before stay.
    """
    zone, keys, without = LandingZone(settings), [], []
    for shift in ended_shifts(plant, from_at, to_at):
        report = report_of(settings, shift, ZoneInfo(plant.site(shift.site_id).zone))
        if not report.machines:
            without.append(f"{shift.site_id}/{shift.shift_date}/{shift.shift_id}")
            continue
        zone.keep_report(report.key("csv"), as_csv(report).encode(), "text/csv; charset=utf-8")
        zone.keep_report(report.key("html"), as_html(report).encode(), "text/html; charset=utf-8")
        keys.append(report.key("html"))
    return Written(tuple(keys), tuple(without))


def report_of(settings: Settings, shift: ShiftWindow, zone: ZoneInfo) -> ShiftReport:
    """Return what the kpi views and the quarantine say of a shift; `machines` is empty when gold has no row of it.

    Raises:
        TrinoUnreachableError: Trino does not answer.
    """
    named = (shift.site_id, shift.shift_date, shift.shift_id)
    machines = _ask(settings, MACHINES_SQL, named)
    parts = (_ask(settings, LOSSES_SQL, named), _ask(settings, OPEN_STOPS_SQL, named), _refused(settings, shift)) if machines else ((), (), ())
    return ShiftReport(*named, shift.start_at, shift.end_at, zone, machines, *parts)


def _refused(settings: Settings, shift: ShiftWindow) -> list[Row]:
    tables = (*TOPIC_TABLES, *file_tables(load_sources())[1])
    sql = " UNION ALL ".join(REFUSED_SQL.format(name=table.name) for table in tables) + " ORDER BY 1, 2, 3"
    return _ask(settings, sql, (shift.start_at, shift.end_at, shift.site_id) * len(tables))


def _ask(settings: Settings, sql: str, values: Sequence[Any]) -> list[Row]:
    answer = run_sql(settings, sql, values=values)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
