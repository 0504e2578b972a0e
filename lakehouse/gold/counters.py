"""Cumulative counters: what was made between two readings, when the machine was heard, and proof that it ran."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F  # noqa: N812

COUNTERS = ("good_count", "scrap_count", "rework_count")
REACH = dt.timedelta(days=7)
"""How far apart two neighbouring readings may be; beyond it the later one counts as the first."""


def _in_order() -> WindowSpec:
    return Window.partitionBy("site_id", "machine_id").orderBy("reading_at", "event_id")


def steps(readings: DataFrame) -> DataFrame:
    """Return each reading with the one before it and the pieces made in between.

    A value below the previous one counts from 0 (`is_reset`). The first reading of a machine, or after `REACH`, counts nothing.

    Args:
        readings: silver.machine_count rows with `heartbeat_us` of the machine.

    Returns:
        The readings with previous_at, good_step, scrap_step, rework_step, is_reset.
    """
    in_order = _in_order()
    before = F.lag("reading_at").over(in_order)
    is_near = F.unix_micros("reading_at") - F.unix_micros(before) <= REACH // dt.timedelta(microseconds=1)
    rows = readings.withColumn("previous_at", F.when(is_near, before))
    for name in COUNTERS:
        rows = rows.withColumn(f"previous_{name}", F.when(F.col("previous_at").isNotNull(), F.lag(name).over(in_order)))
    fell = " OR ".join(f"{name} < previous_{name}" for name in COUNTERS)
    rows = rows.withColumn("is_reset", F.coalesce(F.expr(fell), F.lit(False)))
    for name in COUNTERS:
        step = f"CASE WHEN previous_at IS NULL THEN 0L WHEN {name} < previous_{name} THEN {name} ELSE {name} - previous_{name} END"
        rows = rows.withColumn(name.replace("_count", "_step"), F.expr(step))
    return rows.drop(*(f"previous_{name}" for name in COUNTERS))


def last_readings(readings: DataFrame) -> DataFrame:
    """Return the last reading of each machine: site_id, machine_id, last_reading_at."""
    return readings.groupBy("site_id", "machine_id").agg(F.max("reading_at").alias("last_reading_at"))


def coverage(readings: DataFrame) -> DataFrame:
    """Return unbroken stretches in which a machine with a heartbeat was heard, one order each.

    A reading speaks until the next one, for at most the heartbeat.

    Returns:
        site_id, machine_id, order_no, from_at, to_at.
    """
    in_order = _in_order()
    silent_at = F.timestamp_micros(F.unix_micros("reading_at") + F.col("heartbeat_us"))
    beats = readings.where("heartbeat_us IS NOT NULL")
    beats = beats.select("site_id", "machine_id", "order_no", "reading_at", "event_id", silent_at.alias("silent_at"))
    followed = beats.withColumn("until_at", F.least("silent_at", F.lead("reading_at").over(in_order)))
    was_silent = F.coalesce(F.lag("until_at").over(in_order) < F.col("reading_at"), F.lit(True))
    other_order = ~F.lag("order_no").over(in_order).eqNullSafe(F.col("order_no"))
    islands = followed.withColumn("begins", (was_silent | other_order).cast("int")).withColumn("island", F.sum("begins").over(in_order))
    return islands.groupBy("site_id", "machine_id", "island").agg(
        F.first("order_no").alias("order_no"),
        F.min("reading_at").alias("from_at"),
        F.max("until_at").alias("to_at"),
    )


def counted(made: DataFrame) -> DataFrame:
    """Return the stretches of which the pieces are known: between readings, but not where the counter began again.

    Args:
        made: rows of `steps`.

    Returns:
        site_id, machine_id, from_at, to_at.
    """
    begins = F.expr("cast(previous_at IS NULL OR is_reset AS int)")
    islands = made.withColumn("island", F.sum(begins).over(_in_order())).groupBy("site_id", "machine_id", "island")
    return islands.agg(F.min("reading_at").alias("from_at"), F.max("reading_at").alias("to_at")).drop("island")


def evidence(made: DataFrame) -> DataFrame:
    """Return stretches that ended in a piece, at most a heartbeat long: proof of running where none was planned.

    Args:
        made: rows of `steps`.

    Returns:
        site_id, machine_id, order_no, from_at, to_at.
    """
    since = F.greatest("previous_at", F.timestamp_micros(F.unix_micros("reading_at") - F.col("heartbeat_us")))
    return made.where("good_step + scrap_step + rework_step > 0").select(
        "site_id", "machine_id", "order_no", since.alias("from_at"), F.col("reading_at").alias("to_at")
    )


def share(pieces: str) -> Column:
    """Return the part of `pieces` made within a window, by elapsed time: round(cum(end)) - round(cum(start)), six decimals.

    Both windows of an edge round the same cumulative value, so that shares add up to the whole. Needs from_at, to_at and the
    window's edges; whole pieces are split with integers throughout, rounded half up.
    """
    span = "cast(unix_micros(to_at) - unix_micros(from_at) AS decimal(14,0))"

    def cumulative(at: str) -> str:
        elapsed = f"cast(unix_micros({at}) - unix_micros(from_at) AS decimal(14,0))"
        doubled = f"cast({pieces} AS decimal(13,0)) * {elapsed} * cast(2000000 AS decimal(7,0))"
        return f"({doubled} + {span}) div (cast(2 AS decimal(1,0)) * {span})"

    inside = "from_at >= shift_start_at AND to_at <= shift_end_at"
    micros = f"{cumulative('least(to_at, shift_end_at)')} - {cumulative('greatest(from_at, shift_start_at)')}"
    whole = f"cast({pieces} AS decimal(18,6))"
    part = f"cast(cast({micros} AS decimal(20,0)) * 0.000001BD AS decimal(18,6))"
    return F.expr(f"CASE WHEN {inside} THEN {whole} ELSE {part} END")
