"""A stack with Superset and with fourteen days of plain published rows of the demo site."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyspark.sql import SparkSession

from lakehouse.model import Column, Table
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.spark.schema import struct_of
from lakehouse.spark.write import merge_by_key
from lakehouse.tables.gold import MACHINE_SHIFT, SOURCE_HEALTH, TIME_SEGMENT

ZONE = ZoneInfo("Europe/Berlin")
STARTS = {"early": 6, "late": 14, "night": 22}
MACHINES = {"M01": "L1", "M02": "L1", "M03": "L2", "M04": "L2"}
DAYS = 14
SHIFT_S, BREAK_S = 28_800, 1_800
PBT_S = SHIFT_S - BREAK_S
IDEAL_S = 5
REASONS = (
    ("unplanned_stop", "B01", "Hydraulic fault", True),
    ("setup", "S01", "Mould change", False),
    ("unplanned_stop", "M01", "Jam", False),
)
Row = dict[str, Any]


def chance(*parts: object) -> float:
    """A number from 0 to 1 that is always the same for the same parts."""
    return zlib.crc32(repr(parts).encode()) % 1000 / 1000


def common(machine: str, day: date, shift: str, now: datetime) -> Row:
    start = datetime.combine(day, time(STARTS[shift]), ZONE).astimezone(UTC)
    return {
        "site_id": "demo", "machine_id": machine, "line_id": MACHINES[machine], "shift_date": day, "shift_id": shift,
        "shift_start_at": start, "shift_start_local": datetime.combine(day, time(STARTS[shift])), "revision": 1, "as_of": now,
    }  # fmt: skip


def parts_of(machine: str, day: date, shift: str) -> list[tuple[str, str | None, str | None, bool, int]]:
    """The shift's stretches: category, reason, its words, failure, seconds. One machine is silent for one day."""
    if machine == "M04" and (day.toordinal() % 7) == 3:
        return [("planned_down", None, "Break", False, BREAK_S), ("unknown", None, None, False, PBT_S)]
    lost = [int(600 + 1800 * chance(machine, day, shift, place)) for place in range(len(REASONS))]
    stops = [(*reason, seconds) for reason, seconds in zip(REASONS, lost, strict=True)]
    return [("planned_down", None, "Break", False, BREAK_S), *stops, ("running", None, None, False, PBT_S - sum(lost))]


def machine_shift(machine: str, day: date, shift: str, now: datetime) -> Row:
    row = common(machine, day, shift, now)
    by_category = dict.fromkeys(("planned_down", "running", "setup", "unplanned_stop", "unknown"), 0)
    for category, _, _, _, seconds in parts_of(machine, day, shift):
        by_category[category] += seconds
    made = by_category["running"] * 9 // 10 // IDEAL_S
    scrap = int(made * 0.03 * chance("scrap", machine, day, shift))
    end = row["shift_start_at"] + timedelta(seconds=SHIFT_S)
    times = {
        "window_s": SHIFT_S, "pot_s": SHIFT_S, "pbt_s": PBT_S, "planned_down_s": BREAK_S, "apt_s": by_category["running"],
        "aust_s": by_category["setup"], "adet_s": by_category["unplanned_stop"], "adot_s": 0, "unknown_s": by_category["unknown"],
        "not_scheduled_s": 0, "unscheduled_run_s": 0, "pq_count": made, "gq_count": made - scrap, "rq_count": 0, "sq_count": scrap,
        "earned_produced_s": made * IDEAL_S, "earned_good_s": (made - scrap) * IDEAL_S,
    }  # fmt: skip
    return row | {name: Decimal(value) for name, value in times.items()} | {
        "shift_end_at": end, "window_end_at": end, "unknown_time_ratio": Decimal(by_category["unknown"]) / PBT_S,
        "stop_event_count": 2, "quantity_source": "counter", "profile": "iso22400",
        "plant_version": "test", "definition_version": "test", "earned_known_produced_s": Decimal(made * IDEAL_S),
        "earned_known_good_s": Decimal((made - scrap) * IDEAL_S), "area_id": "A1", "long_stop_s": Decimal(by_category["unplanned_stop"]),
    }  # fmt: skip


def segments(machine: str, day: date, shift: str, now: datetime) -> Iterator[Row]:
    row = common(machine, day, shift, now)
    start, local = row.pop("shift_start_at"), row.pop("shift_start_local")
    for category, reason, words, failure, seconds in parts_of(machine, day, shift):
        end = start + timedelta(seconds=seconds)
        yield row | {
            "segment_start_at": start, "segment_end_at": end, "segment_start_local": local, "duration_s": Decimal(seconds),
            "category": category, "reason_code": reason, "reason_text": words, "is_failure": failure, "order_no": None,
            "source_table": "calendar" if category == "planned_down" else "silver.machine_interruption", "source_key": None,
            "source_ref": None, "event_start_at": None, "event_end_at": None, "is_event_start": reason is not None, "also_active": [],
        }  # fmt: skip
        start, local = end, local + timedelta(seconds=seconds)


def health(now: datetime) -> list[Row]:
    ages = {"sensor_reading": 5, "machine_count": 40, "machine_interruption": 900, "confirmation": 7200}
    return [
        {
            "site_id": "demo", "silver_table": name,
            "newest_event_at": now - timedelta(seconds=age), "newest_landed_at": now - timedelta(seconds=age),
            "kept_count": 1000 * place, "quarantined_count": place, "quarantined_by_rule": {}, "promised_within_s": 60 if age < 1000 else None,
            "allowed_s": 120 if age < 1000 else None, "is_event": name in {"machine_interruption", "confirmation"},
            "revision": 1, "as_of": now,
        }
        for place, (name, age) in enumerate(ages.items(), 1)
    ]  # fmt: skip


def plain(column: Column) -> object:
    """What a column holds that does not matter here."""
    if not column.required:
        return None
    empty: dict[str, object] = {"decimal": Decimal(0), "bigint": 0, "int": 0, "boolean": False, "string": "", "array": [], "map": {}}
    return empty[column.type.split("(")[0].split("<")[0]]


def gold_rows(now: datetime) -> dict[Table, list[Row]]:
    """Rows of the last days up to the last ended shift."""
    today = now.astimezone(ZONE).date()
    shifts = [
        (machine, today - timedelta(days=back), shift)
        for machine in MACHINES for back in range(DAYS) for shift in STARTS
        if common(machine, today - timedelta(days=back), shift, now)["shift_start_at"] + timedelta(seconds=SHIFT_S) <= now
    ]  # fmt: skip
    return {
        MACHINE_SHIFT: [machine_shift(*key, now) for key in shifts],
        TIME_SEGMENT: [segment for key in shifts for segment in segments(*key, now)],
        SOURCE_HEALTH: health(now),
    }


@pytest.fixture(scope="session")
def published(with_superset: Settings, request: pytest.FixtureRequest) -> Settings:
    """The test stack with Superset and a fortnight of the demo site in the kpi views, up to the last ended shift, whatever else is there."""
    spark: SparkSession = request.getfixturevalue("spark")
    nessie: Nessie = request.getfixturevalue("nessie")
    with nessie.work_branch("browser-tests") as branch:
        for table, rows in gold_rows(datetime.now(UTC)).items():
            complete = [tuple(row[column.name] if column.name in row else plain(column) for column in table.columns) for row in rows]
            merge_by_key(spark.createDataFrame(complete, struct_of(table)), table, branch)
        nessie.merge(branch, "rows for the browser tests")
    return with_superset
