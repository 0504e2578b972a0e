"""Small plants and silver rows by hand: one machine on one Monday, in a few words."""

from __future__ import annotations

import datetime as dt

from tests.cases.reader import DEFAULTS

MONDAY = dt.date(2025, 6, 2)
REASONS = [
    {"code": "B01", "text": "Breakdown", "category": "unplanned_stop", "is_failure": True, "maintenance": "corrective"},
    {"code": "B02", "text": "Jam", "category": "unplanned_stop", "priority": 10},
    {"code": "P01", "text": "Maintenance", "category": "planned_down", "planned_s": 3600, "maintenance": "preventive"},
    {"code": "S01", "text": "Tool change", "category": "setup", "planned_s": 1800},
    {"code": "W01", "text": "No material", "category": "starved"},
    {"code": "O01", "text": "Meeting", "category": "organisational"},
    {"code": "N01", "text": "No order", "category": "no_order"},
]
NIGHT = [{"shift_id": "night", "start": "22:00", "end": "06:00"}]
EARLY = [{"shift_id": "early", "start": "06:00", "end": "14:00"}]
TWO = [*EARLY, {"shift_id": "late", "start": "14:00", "end": "22:00"}]
BREAK = {"breaks": [{"start": "10:00", "minutes": 30}]}


def at(text):
    return dt.datetime.fromisoformat(text if "T" in text else f"{MONDAY}T{text}").replace(tzinfo=dt.UTC)


def plant(machine=(), **site):
    state = {"machine_id": "M1", "line_id": "L1", "area_id": "A1", "state_source": "state", "quantity_source": "counter"}
    cycles = [{"part_no": "P", "cycle_s": 30}]
    return {
        "site_id": "k",
        "zone": "UTC",
        "shifts": EARLY,
        "reasons": REASONS,
        "machines": [{**state, **dict(machine)}],
        "ideal_cycles": cycles,
        **site,
    }


def rows(table, *given):
    """Silver rows of machine M1, filled as the worked cases are."""
    late = {"status": "confirmed", "is_rework": False, "produced_date": None, "produced_shift_id": None} if table == "confirmation" else {}
    base = {"site_id": "k", "machine_id": "M1", "source_ref": "x", **late}
    return [{**base, **DEFAULTS[table]("k", number, {**base, **row}), **late, **row} for number, row in enumerate(given, 1)]


def stops(*given):
    """Stops as start, end and reason; a stop without end is open."""
    named = [{"start_at": at(start), "end_at": end and at(end), "reason_code": code} for start, end, code in given]
    return rows("machine_interruption", *named)


def readings(*given):
    """Readings as instant and good count, and anything else."""
    return rows("machine_count", *({"reading_at": at(when), "good_count": count, **(more[0] if more else {})} for when, count, *more in given))


def operations(*given):
    return rows("production_event", *({"event_type": kind, "start_at": at(start), "end_at": at(end), **more} for kind, start, end, more in given))


def confirmations(*given):
    return rows("confirmation", *({"posting_date": MONDAY, "shift_id": "early", **row} for row in given))
