"""Ten minutes of one sensor, with the maximum over half an hour."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

WINDOW_S = 600
BEFORE_S = 1200
"""Readings of the two windows before the first one are needed for its 30-minute maximum."""


def temperature_windows(readings: DataFrame, sensors: DataFrame) -> DataFrame:
    """Return gold.temperature_window but revision and as_of, for all windows that have a reading.

    The maximum over 30 minutes is that of the window and the two ten-minute windows before it, whichever have readings.

    Args:
        readings: silver.sensor_reading.
        sensors: site_id, machine_id, line_id, lane_number, zone, limits (sensor to degrees Celsius) of each machine.
    """
    known = readings.join(F.broadcast(sensors), ["site_id", "machine_id"])
    starts = F.expr(f"timestamp_seconds(unix_seconds(reading_at) - pmod(unix_seconds(reading_at), {WINDOW_S}))")
    by_window = (
        known.withColumn("window_start_at", starts)
        .withColumn("limit_celsius", F.expr("limits[sensor]"))
        .groupBy("site_id", "machine_id", "line_id", "lane_number", "zone", "sensor", "limit_celsius", "window_start_at")
        .agg(
            F.count("*").alias("reading_count"),
            F.min("temperature_celsius").alias("min_celsius"),
            F.max("temperature_celsius").alias("max_celsius"),
            # The mean of doubles depends on their order; sorted, two runs give the same bits.
            F.expr("aggregate(array_sort(collect_list(temperature_celsius)), 0D, (a, t) -> a + t) / count(*)").alias("mean_celsius"),
            F.expr("CASE WHEN limit_celsius IS NOT NULL THEN count_if(temperature_celsius > limit_celsius) END").alias("over_limit_count"),
        )
    )
    half_hour = (
        Window.partitionBy("site_id", "machine_id", "sensor").orderBy(F.unix_seconds("window_start_at")).rangeBetween(-BEFORE_S, Window.currentRow)
    )
    return (
        by_window.withColumn("max_30min_celsius", F.max("max_celsius").over(half_hour))
        .withColumn("window_end_at", F.expr(f"timestamp_seconds(unix_seconds(window_start_at) + {WINDOW_S})"))
        .withColumn("window_start_local", F.expr("cast(from_utc_timestamp(window_start_at, zone) AS timestamp_ntz)"))
    )
