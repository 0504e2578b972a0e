"""Pieces of each machine-shift from the one source that its machine declares, with the ideal cycle as of the event."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold.counters import share
from lakehouse.gold.spans import on_windows

PIECES = "decimal(18,6)"
EARNED = ("earned_produced_s", "earned_good_s")
_SENT = "decimal(18,3)"
COLUMNS = (
    "window_id", "site_id", "machine_id", "event_at", "part_no", "order_no", "tool_no", "cavity_count",
    "gq_count", "rq_count", "sq_count", "is_reset", "scrap_by_reason",
)  # fmt: skip


def of_counters(made: DataFrame) -> DataFrame:
    """Return what was made between two readings; part and order are those of the later one.

    Args:
        made: rows of `counters.steps`.
    """
    counted = made.where("previous_at IS NOT NULL AND (is_reset OR good_step + scrap_step + rework_step > 0)")
    return counted.select(
        "site_id", "machine_id", "part_no", "order_no", "is_reset",
        F.lit("counter").alias("source"),
        F.col("previous_at").alias("from_at"), F.col("reading_at").alias("to_at"),
        *(F.col(f"{name}_step").cast(_SENT).alias(name) for name in ("good", "rework", "scrap")),
    )  # fmt: skip


def of_events(events: DataFrame) -> DataFrame:
    """Return an MES operation's pieces, made whole in its last instant: completed is good, rejected is scrap.

    The last instant decides, so that an operation that ends with a shift belongs to that shift.
    """
    last = F.expr("CASE WHEN end_at > start_at THEN timestamp_micros(unix_micros(end_at) - 1) ELSE end_at END")
    return events.where("completed_qty + rejected_qty > 0").select(
        "site_id", "machine_id", "part_no", "order_no",
        F.lit(False).alias("is_reset"),
        F.lit("mes").alias("source"),
        last.alias("from_at"), last.alias("to_at"),
        F.col("completed_qty").alias("good"), F.lit(0).cast(_SENT).alias("rework"), F.col("rejected_qty").alias("scrap"),
    )  # fmt: skip


def placed(pieces: DataFrame, days: DataFrame) -> DataFrame:
    """Give pieces to their windows, split by elapsed time at the edges, from the source that the machine declares.

    Args:
        pieces: union of `of_counters` and `of_events`.
        days: `Scope.days`.
    """
    rows = on_windows(pieces, days).where("quantity_source = source")
    return _quantities(
        rows.withColumns(
            {
                "event_at": F.expr("least(to_at, timestamp_micros(unix_micros(shift_end_at) - 1))"),
                "gq_count": share("good"),
                "rq_count": share("rework"),
                "sq_count": share("scrap"),
                "is_reset": F.expr("is_reset AND to_at <= shift_end_at"),
            }
        )
    )


def of_confirmations(confirmed: DataFrame) -> DataFrame:
    """Give confirmed pieces to the window of their posting date and shift.

    Args:
        confirmed: silver.confirmation joined with its window.
    """
    names = {"event_at": "shift_start_at", "gq_count": "good_qty", "rq_count": "rework_qty", "sq_count": "scrap_qty"}
    rows = confirmed.where("quantity_source = 'confirmation'")
    return _quantities(rows.withColumns({name: F.col(sent) for name, sent in names.items()}))


def _quantities(rows: DataFrame) -> DataFrame:
    kinds = {"tool_no": "string", "cavity_count": "int", "is_reset": "boolean", "scrap_by_reason": "map<string,decimal(18,3)>"}
    absent = {name: F.lit(None).cast(kind) for name, kind in kinds.items() if name not in rows.columns}
    typed = {name: F.col(name).cast(PIECES) for name in ("gq_count", "rq_count", "sq_count")}
    return rows.withColumns({**absent, **typed}).select(*COLUMNS)


def with_cycle(quantities: DataFrame, cycles: DataFrame) -> DataFrame:
    """Add `cycle_s` and `cavities` of the ideal cycle in force at the event; NULL where the plant has none."""
    fits = (
        "(c.part_no IS NULL OR c.part_no = part_no) AND (c.tool_no IS NULL OR c.tool_no = tool_no)"
        " AND (c.machine_id IS NULL OR c.machine_id = machine_id) AND c.valid_from <= event_at"
    )
    found = quantities.join(F.broadcast(cycles), "site_id", "left").withColumn("cycle", F.expr(f"get(filter(cycles, c -> {fits}), 0)"))
    return found.withColumn("cycle_s", F.col("cycle.cycle_s")).withColumn(
        "cavities", F.expr("CASE WHEN cycle IS NOT NULL THEN coalesce(cycle.cavities, cavity_count, 1) END")
    )


def by_window(quantities: DataFrame) -> DataFrame:
    """Sum pieces and earned time of each window.

    Args:
        quantities: rows of `with_cycle`.

    Returns:
        window_id, gq_count, rq_count, sq_count, pq_count, earned_produced_s, earned_good_s (NULL when a cycle is missing),
        quantity_by_part, missing_master_data, counter_reset_count, scrap_by_reason.
    """
    lines = _lines(quantities)
    missing = "pq_count > 0 AND cycle_s IS NULL"
    named = f"CASE WHEN {missing} THEN coalesce(part_no, 'part not named') END"
    summed = lines.groupBy("window_id").agg(
        *(F.sum(name).cast(PIECES).alias(name) for name in ("gq_count", "rq_count", "sq_count", "pq_count")),
        *(F.expr(f"CASE WHEN bool_or({missing}) THEN NULL ELSE cast(coalesce(sum({e}), 0) AS decimal(38,12)) END").alias(e) for e in EARNED),
        F.array_sort(F.collect_list(F.when(F.expr("pq_count > 0"), _line()))).alias("quantity_by_part"),
        F.array_sort(F.collect_set(F.expr(named))).alias("missing_master_data"),
        F.sum("resets").alias("counter_reset_count"),
        F.flatten(F.collect_list("reasons")).alias("reasons"),
    )
    return summed.withColumn("scrap_by_reason", _summed_reasons()).drop("reasons")


def _lines(quantities: DataFrame) -> DataFrame:
    """One row for each part, order, tool and cycle of a window."""
    lines = quantities.groupBy("window_id", "part_no", "order_no", "tool_no", "cycle_s", "cavities").agg(
        *(F.sum(name).cast(PIECES).alias(name) for name in ("gq_count", "rq_count", "sq_count")),
        F.count_if(F.coalesce("is_reset", F.lit(False))).alias("resets"),
        F.flatten(F.collect_list(F.map_entries("scrap_by_reason"))).alias("reasons"),
    )
    counted = lines.withColumn("pq_count", F.expr(f"cast(gq_count + rq_count + sq_count AS {PIECES})"))
    return counted.withColumns({"earned_produced_s": _earned("pq_count"), "earned_good_s": _earned("gq_count")})


def _earned(pieces: str) -> Column:
    exact = f"cast({pieces} * cycle_s AS decimal(38,15))"
    return F.expr(f"cast(CASE WHEN cavities = 1 THEN {exact} ELSE {exact} / cavities END AS decimal(38,12))")


def _line() -> Column:
    cycle = F.expr("cast(cycle_s / cavities AS decimal(18,9))").alias("ideal_cycle_s")
    return F.struct("part_no", "order_no", "tool_no", "pq_count", "gq_count", "rq_count", "sq_count", cycle)


def _summed_reasons() -> Column:
    return F.expr(
        "map_from_entries(transform(array_sort(array_distinct(transform(filter(reasons, e -> e.value > 0), e -> e.key))), k ->"
        " struct(k, cast(aggregate(filter(reasons, e -> e.key = k), cast(0 AS decimal(28,6)),"
        f" (a, e) -> cast(a + e.value AS decimal(28,6))) AS {PIECES}))))"
    )
