"""What gold's own function makes of the simulated messages equals the books, to the microsecond and the piece."""

import datetime as dt
from collections.abc import Iterable

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.flow.summarise import MachineShift, SilverFrames, summarise
from lakehouse.model import Table
from lakehouse.plant import load_plant
from lakehouse.settings import HOME
from lakehouse.simulator.compare import compare
from lakehouse.simulator.instants import instant
from lakehouse.spark.schema import struct_of
from lakehouse.tables.silver import CONFIRMATION, MACHINE_COUNT, MACHINE_INTERRUPTION, PRODUCTION_EVENT, SENSOR_READING
from tests.unit.simulator.conftest import Run
from tests.unit.simulator.mini_ledger import decode

LANDED = dt.datetime(2026, 11, 20, 14, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def silver(spark: SparkSession, run: Run) -> SilverFrames:
    stops, counts = decode(run.messages, {bad["value"].encode() for bad in run.books.bad_inputs})

    def frame(table: Table, rows: Iterable[dict]) -> DataFrame:
        filled = [tuple(row.get(name) for name in table.column_names) for row in rows]
        return spark.createDataFrame(filled, struct_of(table))

    return SilverFrames(
        interruptions=frame(MACHINE_INTERRUPTION, (_interruption(each) for machine in stops.values() for each in machine.values())),
        counts=frame(MACHINE_COUNT, (_count(each) for machine in counts.values() for each in machine.values())),
        events=frame(PRODUCTION_EVENT, []),
        confirmations=frame(CONFIRMATION, []),
        readings=frame(SENSOR_READING, []),
    )


def test_gold_equals_the_books(spark: SparkSession, run: Run, silver: SilverFrames) -> None:
    plant = load_plant([HOME / "conf" / "plant"])
    until = instant(run.past.until)
    windows = [each for each in plant.windows("demo", instant(run.past.state.since), until) if each.end_at <= until]
    shifts = [MachineShift("demo", machine.machine_id, window) for machine in run.site.machines for window in windows]
    gold = summarise(spark, plant, shifts, silver, LANDED, 1)
    ledger, rows = _rows(gold.time_segment), _rows(gold.machine_shift)
    differences = compare(run.books, rows, ledger)
    assert len(rows) == len(run.books.shifts) == 56
    assert not differences, "\n".join(each.line() for each in differences[:20])


def _rows(frame: DataFrame) -> list[dict]:
    """Collect; Spark gives instants as this machine's wall clock."""
    found = [row.asDict() for row in frame.collect()]
    return [{name: value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value for name, value in row.items()} for row in found]


def _at(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


def _interruption(told: dict) -> dict:
    return {
        **told, "start_at": _at(told["start_ts"]), "end_at": _at(told["end_ts"]), "reason_sent": told["reason_code"],
        "status": "cancelled" if told["cancelled"] else "closed" if told["end_ts"] else "open", "sent_at": _at(told["ts"]), "flags": [],
        "source_ref": told["interruption_id"], "landed_at": LANDED,
    }


def _count(told: dict) -> dict:
    return {**told, "reading_at": _at(told["ts"]), "flags": [], "source_ref": told["event_id"], "landed_at": LANDED}
