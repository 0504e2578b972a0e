"""silver.sensor_reading from bronze.sensor_temperature."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.silver.decoded import origin, raw_text

IDENTITY = ("site_id", "event_id", "reading_at")
COMPARED = ("machine_id", "sensor", "temperature_celsius")
SERIES = ("site_id", "machine_id", "sensor")


def candidates(messages: DataFrame) -> DataFrame:
    """Return decoded messages as candidate rows: silver's columns, `early_rule`, `raw`, `origin` and the coordinates."""
    return (
        messages.withColumn("flags", F.array().cast("array<string>"))
        .withColumn("source_ref", origin())
        .withColumn("origin", origin())
        .withColumn("raw", raw_text())
    )
