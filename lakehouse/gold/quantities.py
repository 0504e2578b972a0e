"""Pieces of each machine-shift from the one source that its machine declares, with the ideal cycle as of the event."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold.counters import share
from lakehouse.gold.spans import on_windows

PIECES = "decimal(18,6)"
COLUMNS = (
    "window_id", "site_id", "machine_id", "event_at", "part_no", "order_no", "tool_no", "cavity_count",
    "gq_count", "rq_count", "sq_count", "is_reset",
)  # fmt: skip


def of_counters(made: DataFrame, days: DataFrame) -> DataFrame:
    """Split what was made between two readings at the windows' edges; part and order are those of the later reading.

    Args:
        made: rows of `counters.steps`.
        days: `Scope.days`.
    """
    spans = made.where("previous_at IS NOT NULL AND (is_reset OR good_step + scrap_step + rework_step > 0)").select(
        "site_id", "machine_id", "part_no", "order_no", "previous_at", "reading_at", "good_step", "scrap_step", "rework_step", "is_reset",
        F.col("previous_at").alias("from_at"), F.col("reading_at").alias("to_at"),
    )  # fmt: skip
    rows = on_windows(spans, days).where("quantity_source = 'counter'")
    last_instant = F.expr("least(reading_at, timestamp_micros(unix_micros(shift_end_at) - 1))")
    return _quantities(
        rows.withColumn("event_at", last_instant)
        .withColumn("gq_count", share("good_step"))
        .withColumn("rq_count", share("rework_step"))
        .withColumn("sq_count", share("scrap_step"))
        .withColumn("is_reset", F.expr("is_reset AND (reading_at <= shift_end_at)"))
    )


def of_events(events: DataFrame, days: DataFrame) -> DataFrame:
    """Give an MES operation's pieces whole to the window in which it ended: completed is good, rejected is scrap.

    Its last instant decides, so that an operation that ends with a shift belongs to that shift.
    """
    last = F.expr("CASE WHEN end_at > start_at THEN timestamp_micros(unix_micros(end_at) - 1) ELSE end_at END")
    spans = events.where("completed_qty + rejected_qty > 0").select(
        "site_id", "machine_id", "part_no", "order_no", "completed_qty", "rejected_qty", last.alias("from_at"), last.alias("to_at")
    )
    rows = on_windows(spans, days).where("quantity_source = 'mes'")
    return _quantities(
        rows.withColumn("event_at", F.col("from_at"))
        .withColumn("gq_count", F.col("completed_qty"))
        .withColumn("sq_count", F.col("rejected_qty"))
        .withColumn("rq_count", F.lit(0))
    )


def of_confirmations(confirmed: DataFrame) -> DataFrame:
    """Give confirmed pieces to the window of their posting date and shift.

    Args:
        confirmed: silver.confirmation joined with its window.
    """
    rows = confirmed.where("quantity_source = 'confirmation'")
    return _quantities(
        rows.withColumn("event_at", F.col("shift_start_at"))
        .withColumn("gq_count", F.col("good_qty"))
        .withColumn("rq_count", F.col("rework_qty"))
        .withColumn("sq_count", F.col("scrap_qty"))
    )


def _quantities(rows: DataFrame) -> DataFrame:
    for name, kind in (("tool_no", "string"), ("cavity_count", "int"), ("is_reset", "boolean")):
        if name not in rows.columns:
            rows = rows.withColumn(name, F.lit(None).cast(kind))
    for name in ("gq_count", "rq_count", "sq_count"):
        rows = rows.withColumn(name, F.col(name).cast(PIECES))
    return rows.select(*COLUMNS)


def with_cycle(quantities: DataFrame, cycles: DataFrame) -> DataFrame:
    """Add `cycle_s` and `cavities` of the ideal cycle in force at the event; NULL where the plant has none."""
    fits = (
        "(c.part_no IS NULL OR c.part_no = part_no) AND (c.tool_no IS NULL OR c.tool_no = tool_no)"
        " AND (c.machine_id IS NULL OR c.machine_id = machine_id) AND c.valid_from <= event_at"
    )
    found = quantities.join(F.broadcast(cycles), "site_id", "left").withColumn("cycle", F.expr(f"filter(cycles, c -> {fits})[0]"))
    return found.withColumn("cycle_s", F.col("cycle.cycle_s")).withColumn(
        "cavities", F.expr("CASE WHEN cycle IS NOT NULL THEN coalesce(cycle.cavities, cavity_count, 1) END")
    )


def by_window(quantities: DataFrame) -> DataFrame:
    """Sum pieces and earned time of each window.

    Args:
        quantities: rows of `with_cycle`.

    Returns:
        window_id, gq_count, rq_count, sq_count, pq_count, earned_produced_s, earned_good_s (NULL when a cycle is missing),
        quantity_by_part, missing_master_data, counter_reset_count.
    """
    lines = quantities.groupBy("window_id", "part_no", "order_no", "tool_no", "cycle_s", "cavities").agg(
        *(F.sum(name).cast(PIECES).alias(name) for name in ("gq_count", "rq_count", "sq_count")),
        F.count_if(F.coalesce("is_reset", F.lit(False))).alias("resets"),
    )
    lines = lines.withColumn("pq_count", F.expr(f"cast(gq_count + rq_count + sq_count AS {PIECES})"))
    for earned, pieces in (("earned_produced_s", "pq_count"), ("earned_good_s", "gq_count")):
        lines = lines.withColumn(earned, _earned(pieces))
    missing = "pq_count > 0 AND cycle_s IS NULL"
    return lines.groupBy("window_id").agg(
        *(F.sum(name).cast(PIECES).alias(name) for name in ("gq_count", "rq_count", "sq_count", "pq_count")),
        *(F.expr(f"CASE WHEN bool_or({missing}) THEN NULL ELSE cast(coalesce(sum({e}), 0) AS decimal(38,12)) END").alias(e) for e in EARNED),
        F.array_sort(F.collect_list(F.when(F.expr("pq_count > 0"), _line()))).alias("quantity_by_part"),
        F.array_sort(F.collect_set(F.expr(f"CASE WHEN {missing} THEN coalesce(part_no, 'part not named') END"))).alias("missing_master_data"),
        F.sum("resets").alias("counter_reset_count"),
    )


EARNED = ("earned_produced_s", "earned_good_s")


def _earned(pieces: str) -> Column:
    exact = f"cast({pieces} * cycle_s AS decimal(38,15))"
    return F.expr(f"cast(CASE WHEN cavities = 1 THEN {exact} ELSE {exact} / cavities END AS decimal(38,12))")


def _line() -> Column:
    cycle = F.expr("cast(cycle_s / cavities AS decimal(18,9))").alias("ideal_cycle_s")
    return F.struct("part_no", "order_no", "tool_no", "pq_count", "gq_count", "rq_count", "sq_count", cycle)


def scrap_reasons(confirmed: DataFrame) -> DataFrame:
    """Return window_id and `scrap_by_reason` (reason to pieces) from confirmations that name reasons."""
    named = confirmed.where("quantity_source = 'confirmation'").select("window_id", F.explode("scrap_by_reason").alias("reason", "pieces"))
    summed = named.where("pieces > 0").groupBy("window_id", "reason").agg(F.sum("pieces").cast(PIECES).alias("pieces"))
    return summed.groupBy("window_id").agg(
        F.map_from_entries(F.array_sort(F.collect_list(F.struct("reason", "pieces")))).alias("scrap_by_reason")
    )
