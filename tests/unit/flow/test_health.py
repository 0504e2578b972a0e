"""What gold says of each silver table's promise is what is declared of it, also where the row was counted before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from lakehouse.flow.health import PROMISED, PROMISES, source_health
from lakehouse.model import Table, quarantine_of
from lakehouse.spark.schema import shaped, struct_of
from lakehouse.tables.gold import MACHINE_SHIFT, SOURCE_HEALTH
from lakehouse.tables.silver import SENSOR_READING

AT = datetime(2026, 11, 20, 5, tzinfo=UTC)
DECLARED = {name: tuple(rest) for name, *rest in PROMISES}


def test_a_source_is_late_when_its_promise_and_that_of_gold_have_passed() -> None:
    assert MACHINE_SHIFT.fresh_within_s == 60
    assert DECLARED["sensor_reading"] == DECLARED["machine_count"] == (20, 80, False)
    assert DECLARED["machine_interruption"] == (20, 80, True)
    assert DECLARED["confirmation"] == (None, None, True)
    assert [column.name for column in SOURCE_HEALTH.columns if column.name in PROMISED and not column.required] == list(PROMISED)


@pytest.mark.parametrize("written", [frozenset(), frozenset({"sensor_reading"})], ids=["nothing counted", "one counted"])
def test_each_row_has_what_is_declared_today(spark: SparkSession, monkeypatch: pytest.MonkeyPatch, written: frozenset[str]) -> None:
    """A quiet table of events is counted again least of all: it must not stay late until then."""

    def frame(table: Table, rows: list[dict[str, object]]) -> object:
        return spark.createDataFrame([tuple(row.get(name) for name in table.column_names) for row in rows], struct_of(table))

    counts = {"newest_landed_at": AT, "kept_count": 2, "quarantined_count": 0, "quarantined_by_rule": {}, "promised_within_s": 7}
    names = ("sensor_reading", "machine_interruption", "no_table_any_more")
    before = [{"site_id": "demo", "silver_table": name, **counts, "revision": 1, "as_of": AT} for name in names]
    tables = {
        SOURCE_HEALTH.at("work"): frame(SOURCE_HEALTH, before),
        SENSOR_READING.at("work"): frame(SENSOR_READING, []),
        quarantine_of(SENSOR_READING).at("work"): frame(quarantine_of(SENSOR_READING), []),
    }
    monkeypatch.setattr(spark, "table", tables.__getitem__)
    rows = shaped(source_health(spark, "work", AT, 2, written), SOURCE_HEALTH).collect()
    found = {row["silver_table"]: (row["promised_within_s"], row["allowed_s"], row["is_event"]) for row in rows}
    assert found == {name: DECLARED.get(name, (None, None, None)) for name in names}
    assert [(row["kept_count"], row["revision"]) for row in rows] == [(2, 2)] * 3
