"""silver.machine_count from bronze.machine_count."""

from __future__ import annotations

from pyspark.sql import DataFrame

from lakehouse.silver import sensor_reading

IDENTITY = ("site_id", "event_id", "reading_at")
COMPARED = ("machine_id", "good_count", "scrap_count", "rework_count", "state", "speed_per_min", "part_no", "order_no")
SERIES = ("site_id", "machine_id")


def candidates(messages: DataFrame) -> DataFrame:
    """Return decoded messages as candidate rows: silver's columns, `early_rule`, `raw`, `origin` and the coordinates."""
    return sensor_reading.candidates(messages)
