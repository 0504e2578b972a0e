"""What is rebuilt: machine-shifts and the master data they need, as small relations that need no Spark job to make."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from lakehouse.plant import IdealCycle, Machine, PlantModel, Reason, ShiftWindow, Site

RANKS: dict[str, int] = {
    "unscheduled_run": 0,
    "not_scheduled": 1,
    "planned_down": 2,
    "setup": 3,
    "unplanned_stop": 4,
    "blocked_starved": 5,
    "no_order": 5,
    "running": 6,
    "unknown": 7,
}
"""Precedence: the lowest rank wins."""
FLOOR = 9
"""Rank of what holds where nobody speaks: below every claim."""
DAY = dt.timedelta(days=1)
TICK = dt.timedelta(microseconds=1)

_INSTANT = pa.timestamp("us", tz="UTC")
_WINDOW = pa.schema(
    [
        ("window_id", pa.int32()), ("site_id", pa.string()), ("machine_id", pa.string()), ("area_id", pa.string()), ("line_id", pa.string()),
        ("shift_date", pa.date32()), ("shift_id", pa.string()), ("shift_start_at", _INSTANT), ("shift_end_at", _INSTANT),
        ("window_end_at", _INSTANT), ("calendar_day_us", pa.int64()), ("zone", pa.string()), ("is_scheduled", pa.bool_()),
        ("state_source", pa.string()), ("quantity_source", pa.string()), ("speaks_orders", pa.bool_()), ("heartbeat_us", pa.int64()),
        ("no_order_is_planned", pa.bool_()), ("profile", pa.string()), ("line_flow", pa.string()), ("line_role", pa.list_(pa.string())),
        ("constraint_id", pa.string()), ("plant_version", pa.string()), ("late_scrap_policy", pa.string()), ("rework_policy", pa.string()),
        ("reconciliation_ratio", pa.decimal128(7, 6)),
    ]
)  # fmt: skip
_DAY = pa.schema([("day", pa.int32()), ("first_day", pa.int32()), *_WINDOW])
_CLAIM = pa.schema(
    [
        ("window_id", pa.int32()), ("from_at", _INSTANT), ("to_at", _INSTANT), ("rank", pa.int32()), ("category", pa.string()),
        ("source_table", pa.string()), ("priority", pa.int32()), ("source_key", pa.string()), ("reason_code", pa.string()),
        ("reason_text", pa.string()), ("is_failure", pa.bool_()), ("order_no", pa.string()), ("source_ref", pa.string()),
        ("event_start_at", _INSTANT), ("event_end_at", _INSTANT), ("maintenance", pa.string()), ("stop_class", pa.string()),
        ("stop_start_at", _INSTANT), ("stop_end_at", _INSTANT), ("is_overrun", pa.bool_()),
    ]
)  # fmt: skip
_REASON = pa.schema(
    [
        ("site_id", pa.string()), ("reason_code", pa.string()), ("text", pa.string()), ("reason_category", pa.string()),
        ("is_failure", pa.bool_()), ("priority", pa.int32()), ("planned_us", pa.int64()), ("maintenance", pa.string()),
    ]
)  # fmt: skip
_IN_FORCE = pa.struct([("valid_from", _INSTANT), ("micro_stop_us", pa.int64()), ("state_source", pa.string()), ("heartbeat_us", pa.int64())])
_STOP = pa.struct([("reason_code", pa.string()), ("start_at", _INSTANT), ("end_at", _INSTANT)])
_MACHINE = pa.schema([("site_id", pa.string()), ("machine_id", pa.string()), ("in_force", pa.list_(_IN_FORCE)), ("planned_stops", pa.list_(_STOP))])
_CYCLE = pa.struct(
    [
        ("part_no", pa.string()), ("tool_no", pa.string()), ("machine_id", pa.string()), ("valid_from", _INSTANT),
        ("cycle_s", pa.decimal128(18, 9)), ("cavities", pa.int32()),
    ]
)  # fmt: skip
_PART = pa.struct([("part_no", pa.string()), ("planned_scrap_ratio", pa.decimal128(9, 6))])
_SITE = pa.schema(
    [
        ("site_id", pa.string()), ("cycles", pa.list_(_CYCLE)), ("parts", pa.list_(_PART)), ("startup_reasons", pa.list_(pa.string())),
        ("late_scrap_policy", pa.string()), ("rework_policy", pa.string()),
    ]
)  # fmt: skip
ALWAYS = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
FOREVER = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)


_Planned = tuple[dt.datetime, dt.datetime, str, Reason | None]


@dataclass(frozen=True)
class MachineShift:
    """The unit of rebuilding: one machine in one window of its site's calendar."""

    site_id: str
    machine_id: str
    window: ShiftWindow


@dataclass(frozen=True)
class Scope:
    """Small relations of one rebuild; `window_id` numbers its machine-shifts.

    Attributes:
        windows: one row for each machine-shift that has begun by as_of.
        days: the same, once for each UTC day that it touches (`day`; days since 1970); spans are joined by day.
        calendar: claims of the calendar, cut at their windows: planned breaks, and for each window what holds where nobody speaks.
        reasons: reason catalogue by site.
        machines: for each machine of a window, what is in force since when (`in_force`, latest first) and its planned stops.
        sites: for each site its ideal cycles, the one to be preferred first; parts, start-up scrap reasons, policy for late scrap.
    """

    windows: DataFrame
    days: DataFrame
    calendar: DataFrame
    reasons: DataFrame
    machines: DataFrame
    sites: DataFrame


def scope_of(spark: SparkSession, plant: PlantModel, machine_shifts: Sequence[MachineShift], as_of: dt.datetime) -> Scope:
    """Return the relations of a rebuild as known at `as_of`; machine-shifts that start later, or of unknown machines, are left out."""
    numbered = list(enumerate(_begun(plant, machine_shifts, as_of)))
    windows = [_window_row(plant, number, each, machine, as_of) for number, (each, machine) in numbered]
    sites = sorted({each.site_id for _, (each, _) in numbered})
    machines = sorted({(each.site_id, each.machine_id) for _, (each, _) in numbered})
    claims = [row for number, (each, machine) in numbered for row in _calendar(plant, number, each, machine, as_of)]
    return Scope(
        windows=_relation(spark, windows, _WINDOW),
        days=_relation(spark, [row for row, (_, (each, _)) in zip(windows, numbered, strict=True) for row in _by_day(row, each.window)], _DAY),
        calendar=_relation(spark, claims, _CLAIM),
        reasons=_relation(spark, [row for site in sites for row in _reason_rows(plant, site)], _REASON),
        machines=_relation(spark, [_machine_row(plant.site(site), machine) for site, machine in machines], _MACHINE),
        sites=_relation(spark, [_site_row(plant.site(site)) for site in sites], _SITE),
    )


def _relation(spark: SparkSession, rows: list[dict[str, object]], schema: pa.Schema) -> DataFrame:
    return spark.createDataFrame(pa.Table.from_pylist(rows, schema=schema))


def _begun(plant: PlantModel, machine_shifts: Iterable[MachineShift], as_of: dt.datetime) -> list[tuple[MachineShift, Machine]]:
    started = {each for each in machine_shifts if each.window.start_at < as_of}
    begun = sorted(started, key=lambda each: (each.site_id, each.machine_id, each.window.start_at))
    found = ((each, plant.machine(each.site_id, each.machine_id, each.window.shift_date)) for each in begun)
    return [(each, machine) for each, machine in found if machine is not None]


def _window_row(plant: PlantModel, number: int, each: MachineShift, machine: Machine, as_of: dt.datetime) -> dict[str, object]:
    site, window = plant.site(each.site_id), each.window
    return {
        "window_id": number,
        "site_id": each.site_id,
        "machine_id": each.machine_id,
        "area_id": machine.area_id,
        "line_id": machine.line_id,
        "shift_date": window.shift_date,
        "shift_id": window.shift_id,
        "shift_start_at": window.start_at,
        "shift_end_at": window.end_at,
        "window_end_at": min(window.end_at, as_of),
        "calendar_day_us": (midnight(window.shift_date + DAY, site.zone) - midnight(window.shift_date, site.zone)) // TICK,
        "zone": site.zone,
        "is_scheduled": window.is_scheduled,
        "state_source": machine.state_source,
        "quantity_source": machine.quantity_source,
        "speaks_orders": machine.speaks_orders,
        "heartbeat_us": _micros(machine.heartbeat_s),
        "no_order_is_planned": site.declared.policies.no_order == "planned",
        "profile": site.declared.profile,
        "late_scrap_policy": site.declared.policies.late_scrap,
        "rework_policy": site.declared.policies.rework,
        "reconciliation_ratio": site.declared.policies.reconciliation_ratio.quantize(Decimal("0.000001")),
        **_in_line(site, machine, window.shift_date),
        "plant_version": site.version,
    }


def midnight(date: dt.date, zone: str) -> dt.datetime:
    """Return the UTC instant at which a local day begins."""
    return dt.datetime.combine(date, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)


def _in_line(site: Site, machine: Machine, date: dt.date) -> dict[str, object]:
    """Say what a machine is in its line on a date; at the exit of a serial line its good pieces count at the constraint's cycles."""
    line = site.lines_on(date).get(machine.line_id)
    if line is None:
        return {"line_flow": None, "line_role": [], "constraint_id": None}
    named = {"first": line.first, "constraint": line.constraint, "exit": line.exit}
    role = [name for name, machine_id in named.items() if machine_id == machine.machine_id]
    return {"line_flow": line.flow, "line_role": role, "constraint_id": line.constraint if "exit" in role else None}


def _day_of(at: dt.datetime) -> int:
    return (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // DAY


def _by_day(row: dict[str, object], window: ShiftWindow) -> list[dict[str, object]]:
    first, last = _day_of(window.start_at), _day_of(window.end_at - TICK)
    return [{**row, "day": day, "first_day": first} for day in range(first, last + 1)]


def _calendar(plant: PlantModel, number: int, each: MachineShift, machine: Machine, as_of: dt.datetime) -> list[dict[str, object]]:
    window, end = each.window, min(each.window.end_at, as_of)
    category = _where_nobody_speaks(window, machine)
    source = "none" if window.is_scheduled else "calendar"
    floor = {"window_id": number, "from_at": window.start_at, "to_at": end, "rank": FLOOR, "category": category, "source_table": source}
    planned: list[_Planned] = [(start, stop, "Planned break", None) for start, stop in window.breaks]
    if window.is_scheduled:
        site = plant.site(each.site_id)
        stops = site.planned_stops(each.machine_id, window.start_at, end)
        planned += [(start, stop, name or site.reasons[code].text, site.reasons[code]) for start, stop, code, name in stops]
    rows = (_planned(number, window, end, stop) for stop in planned)
    return [floor, *(row for row in rows if row["from_at"] < row["to_at"])]  # type: ignore[operator]


def _where_nobody_speaks(window: ShiftWindow, machine: Machine) -> str:
    """No stop means running where the state source sends no heartbeat; a source of orders that is silent means no order."""
    if not window.is_scheduled:
        return "not_scheduled"
    if machine.state_source == "state" and machine.heartbeat_s is None:
        return "running"
    return "no_order" if machine.state_source == "mes" and machine.speaks_orders else "unknown"


def _planned(number: int, window: ShiftWindow, end: dt.datetime, stop: _Planned) -> dict[str, object]:
    start_at, end_at, text, reason = stop
    return {
        "window_id": number,
        "from_at": max(start_at, window.start_at),
        "to_at": min(end_at, end),
        "rank": RANKS["planned_down"],
        "category": "planned_down",
        "source_table": "calendar",
        "priority": reason.priority if reason else 0,
        "reason_code": reason.code if reason else None,
        "reason_text": text,
        "maintenance": reason.maintenance if reason else None,
        "event_start_at": start_at,
        "event_end_at": end_at,
    }


def _reason_rows(plant: PlantModel, site_id: str) -> list[dict[str, object]]:
    return [
        {
            "site_id": site_id,
            "reason_code": reason.code,
            "text": reason.text,
            "reason_category": reason.ledger_category,
            "is_failure": reason.is_failure,
            "priority": reason.priority,
            "planned_us": _micros(reason.planned_s),
            "maintenance": reason.maintenance,
        }
        for reason in plant.site(site_id).reasons.values()
    ]


def _machine_row(site: Site, machine_id: str) -> dict[str, object]:
    machine = site.machine(machine_id)
    history = [] if machine is None else machine.history()
    since = [(ALWAYS if date == dt.date.min else midnight(date, site.zone), state) for date, state in history]
    in_force = [_state_row(at, state) for at, state in reversed(since)]
    stops = [{"reason_code": code, "start_at": start, "end_at": end} for start, end, code, _ in site.planned_stops(machine_id, ALWAYS, FOREVER)]
    return {"site_id": site.site_id, "machine_id": machine_id, "in_force": in_force, "planned_stops": stops}


def _state_row(at: dt.datetime, state: Machine) -> dict[str, object]:
    return {
        "valid_from": at,
        "micro_stop_us": state.micro_stop_s * 1_000_000,
        "state_source": state.state_source,
        "heartbeat_us": _micros(state.heartbeat_s),
    }


def _micros(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1_000_000


def _site_row(site: Site) -> dict[str, object]:
    return {
        "site_id": site.site_id,
        "cycles": _cycle_rows(site),
        "parts": [{"part_no": part.part_no, "planned_scrap_ratio": part.planned_scrap_ratio} for part in site.parts.values()],
        "startup_reasons": [reason.code for reason in site.scrap_reasons.values() if reason.kind == "startup"],
        "late_scrap_policy": site.declared.policies.late_scrap,
        "rework_policy": site.declared.policies.rework,
    }


def _cycle_rows(site: Site) -> list[dict[str, object]]:
    preferred = sorted(site.ideal_cycles, key=lambda each: (_names(each), each.valid_from), reverse=True)
    return [
        {
            "part_no": cycle.part_no,
            "tool_no": cycle.tool_no,
            "machine_id": cycle.machine_id,
            "valid_from": midnight(cycle.valid_from, site.zone),
            "cycle_s": cycle.cycle_s.quantize(Decimal("0.000000001")),
            "cavities": cycle.cavities,
        }
        for cycle in preferred
    ]


def _names(cycle: IdealCycle) -> tuple[int, bool, bool, bool]:
    named = (cycle.part_no is not None, cycle.tool_no is not None, cycle.machine_id is not None)
    return (sum(named), *named)
