"""What is rebuilt: machine-shifts and the master data they need, as small relations that need no Spark job to make."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from lakehouse.plant import IdealCycle, Machine, PlantModel, ShiftWindow

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
        ("window_id", pa.int32()), ("site_id", pa.string()), ("machine_id", pa.string()), ("line_id", pa.string()),
        ("shift_date", pa.date32()), ("shift_id", pa.string()), ("shift_start_at", _INSTANT), ("shift_end_at", _INSTANT),
        ("window_end_at", _INSTANT), ("zone", pa.string()), ("is_scheduled", pa.bool_()), ("state_source", pa.string()),
        ("quantity_source", pa.string()), ("speaks_orders", pa.bool_()), ("heartbeat_us", pa.int64()), ("plant_version", pa.string()),
    ]
)  # fmt: skip
_DAY = pa.schema([("day", pa.int32()), ("first_day", pa.int32()), *_WINDOW])
_CLAIM = pa.schema(
    [
        ("window_id", pa.int32()), ("from_at", _INSTANT), ("to_at", _INSTANT), ("rank", pa.int32()), ("category", pa.string()),
        ("source_table", pa.string()), ("priority", pa.int32()), ("source_key", pa.string()), ("reason_code", pa.string()),
        ("reason_text", pa.string()), ("is_failure", pa.bool_()), ("order_no", pa.string()), ("source_ref", pa.string()),
        ("event_start_at", _INSTANT), ("event_end_at", _INSTANT),
    ]
)  # fmt: skip
_REASON = pa.schema(
    [
        ("site_id", pa.string()), ("reason_code", pa.string()), ("text", pa.string()), ("reason_category", pa.string()),
        ("is_failure", pa.bool_()), ("priority", pa.int32()),
    ]
)  # fmt: skip
_CYCLE = pa.struct(
    [
        ("part_no", pa.string()), ("tool_no", pa.string()), ("machine_id", pa.string()), ("valid_from", _INSTANT),
        ("cycle_s", pa.decimal128(18, 9)), ("cavities", pa.int32()),
    ]
)  # fmt: skip
_CYCLES = pa.schema([("site_id", pa.string()), ("cycles", pa.list_(_CYCLE))])


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
        cycles: ideal cycles by site as one array, the one to be preferred first.
    """

    windows: DataFrame
    days: DataFrame
    calendar: DataFrame
    reasons: DataFrame
    cycles: DataFrame


def scope_of(spark: SparkSession, plant: PlantModel, machine_shifts: Sequence[MachineShift], as_of: dt.datetime) -> Scope:
    """Return the relations of a rebuild as known at `as_of`; machine-shifts that start later, or of unknown machines, are left out."""
    numbered = list(enumerate(_begun(plant, machine_shifts, as_of)))
    windows = [_window_row(plant, number, each, machine, as_of) for number, (each, machine) in numbered]
    sites = sorted({each.site_id for _, (each, _) in numbered})
    return Scope(
        windows=_relation(spark, windows, _WINDOW),
        days=_relation(spark, [row for row, (_, (each, _)) in zip(windows, numbered, strict=True) for row in _by_day(row, each.window)], _DAY),
        calendar=_relation(spark, [row for number, (each, machine) in numbered for row in _calendar(number, each.window, machine, as_of)], _CLAIM),
        reasons=_relation(spark, [row for site in sites for row in _reason_rows(plant, site)], _REASON),
        cycles=_relation(spark, [{"site_id": site, "cycles": _cycle_rows(plant, site)} for site in sites], _CYCLES),
    )


def _relation(spark: SparkSession, rows: list[dict[str, object]], schema: pa.Schema) -> DataFrame:
    return spark.createDataFrame(pa.Table.from_pylist(rows, schema=schema))


def _begun(plant: PlantModel, machine_shifts: Iterable[MachineShift], as_of: dt.datetime) -> list[tuple[MachineShift, Machine]]:
    started = {each for each in machine_shifts if each.window.start_at < as_of}
    begun = sorted(started, key=lambda each: (each.site_id, each.machine_id, each.window.start_at))
    found = ((each, plant.machine(each.site_id, each.machine_id)) for each in begun)
    return [(each, machine) for each, machine in found if machine is not None]


def _window_row(plant: PlantModel, number: int, each: MachineShift, machine: Machine, as_of: dt.datetime) -> dict[str, object]:
    site, window = plant.site(each.site_id), each.window
    return {
        "window_id": number,
        "site_id": each.site_id,
        "machine_id": each.machine_id,
        "line_id": machine.line_id,
        "shift_date": window.shift_date,
        "shift_id": window.shift_id,
        "shift_start_at": window.start_at,
        "shift_end_at": window.end_at,
        "window_end_at": min(window.end_at, as_of),
        "zone": site.zone,
        "is_scheduled": window.is_scheduled,
        "state_source": machine.state_source,
        "quantity_source": machine.quantity_source,
        "speaks_orders": machine.speaks_orders,
        "heartbeat_us": None if machine.heartbeat_s is None else machine.heartbeat_s * 1_000_000,
        "plant_version": site.version,
    }


def _day_of(at: dt.datetime) -> int:
    return (at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // DAY


def _by_day(row: dict[str, object], window: ShiftWindow) -> list[dict[str, object]]:
    first, last = _day_of(window.start_at), _day_of(window.end_at - TICK)
    return [{**row, "day": day, "first_day": first} for day in range(first, last + 1)]


def _calendar(number: int, window: ShiftWindow, machine: Machine, as_of: dt.datetime) -> list[dict[str, object]]:
    end = min(window.end_at, as_of)
    category = _where_nobody_speaks(window, machine)
    source = "none" if window.is_scheduled else "calendar"
    floor = {"window_id": number, "from_at": window.start_at, "to_at": end, "rank": FLOOR, "category": category, "source_table": source}
    cut = [(max(a, window.start_at), min(b, end), a, b) for a, b in window.breaks]
    return [floor, *(_break(number, *each) for each in cut if each[0] < each[1])]


def _where_nobody_speaks(window: ShiftWindow, machine: Machine) -> str:
    """No stop means running where the state source sends no heartbeat; a source of orders that is silent means no order."""
    if not window.is_scheduled:
        return "not_scheduled"
    if machine.state_source == "state" and machine.heartbeat_s is None:
        return "running"
    return "no_order" if machine.state_source == "mes" and machine.speaks_orders else "unknown"


def _break(number: int, from_at: dt.datetime, to_at: dt.datetime, start_at: dt.datetime, end_at: dt.datetime) -> dict[str, object]:
    return {
        "window_id": number,
        "from_at": from_at,
        "to_at": to_at,
        "rank": RANKS["planned_down"],
        "category": "planned_down",
        "source_table": "calendar",
        "priority": 0,
        "reason_text": "Planned break",
        "event_start_at": start_at,
        "event_end_at": end_at,
    }


def _reason_rows(plant: PlantModel, site_id: str) -> list[dict[str, object]]:
    return [
        {
            "site_id": site_id,
            "reason_code": reason.code,
            "text": reason.text,
            "reason_category": reason.category,
            "is_failure": reason.is_failure,
            "priority": reason.priority,
        }
        for reason in plant.site(site_id).reasons.values()
    ]


def _cycle_rows(plant: PlantModel, site_id: str) -> list[dict[str, object]]:
    site = plant.site(site_id)
    preferred = sorted(site.ideal_cycles, key=lambda each: (_names(each), each.valid_from), reverse=True)
    return [
        {
            "part_no": cycle.part_no,
            "tool_no": cycle.tool_no,
            "machine_id": cycle.machine_id,
            "valid_from": dt.datetime.combine(cycle.valid_from, dt.time(), ZoneInfo(site.zone)).astimezone(dt.UTC),
            "cycle_s": cycle.cycle_s.quantize(Decimal("0.000000001")),
            "cavities": cycle.cavities,
        }
        for cycle in preferred
    ]


def _names(cycle: IdealCycle) -> tuple[int, bool, bool, bool]:
    named = (cycle.part_no is not None, cycle.tool_no is not None, cycle.machine_id is not None)
    return (sum(named), *named)
