"""Pieces of each machine-shift from the one source that its machine declares, with the ideal cycle as of the event."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold.counters import share
from lakehouse.gold.spans import on_windows

PIECES = "decimal(18,6)"
FIRST_PASS = ("gq_count", "rq_count", "sq_count")
SECOND_PASS = ("rework_good_count", "rework_scrap_count")
_SENT = "decimal(18,3)"
COLUMNS = (
    "window_id", "site_id", "machine_id", "constraint_id", "event_at", "part_no", "order_no", "tool_no", "cavity_count",
    *FIRST_PASS, *SECOND_PASS, "is_reset", "scrap_by_reason",
)  # fmt: skip


def of_counters(made: DataFrame) -> DataFrame:
    """Return what was made between two readings; part and order are those of the later one.

    Args:
        made: rows of `counters.steps`.
    """
    counted = made.where("previous_at IS NOT NULL AND (is_reset OR good_step + scrap_step + rework_step > 0)")
    return counted.select(
        "site_id", "machine_id", "part_no", "order_no", F.lit(False).alias("is_rework"), "is_reset",
        F.lit("counter").alias("source"),
        F.col("previous_at").alias("from_at"), F.col("reading_at").alias("to_at"),
        *(F.col(f"{name}_step").cast(_SENT).alias(name) for name in ("good", "rework", "scrap")),
    )  # fmt: skip


def of_events(events: DataFrame) -> DataFrame:
    """Return an MES operation's pieces, made whole in its last instant: completed is good, rejected is scrap.

    The last instant decides, so that an operation that ends with a shift belongs to that shift. One without pieces is kept: it was reported.
    """
    last = F.expr("CASE WHEN end_at > start_at THEN timestamp_micros(unix_micros(end_at) - 1) ELSE end_at END")
    return events.select(
        "site_id", "machine_id", "part_no", "order_no",
        "is_rework", F.lit(False).alias("is_reset"),
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
    """Shape pieces; a second pass makes no new first-pass pieces, its good were saved and its scrap lost."""
    kinds = {"tool_no": "string", "cavity_count": "int", "is_reset": "boolean", "scrap_by_reason": "map<string,decimal(18,3)>"}
    absent = {name: F.lit(None).cast(kind) for name, kind in kinds.items() if name not in rows.columns}
    zero = f"cast(0 AS {PIECES})"
    passes = {name: F.expr(f"CASE WHEN is_rework THEN {zero} ELSE cast({name} AS {PIECES}) END") for name in FIRST_PASS}
    sent = dict(zip(SECOND_PASS, ("gq_count", "sq_count"), strict=True))
    passes |= {name: F.expr(f"CASE WHEN is_rework THEN cast({first} AS {PIECES}) ELSE {zero} END") for name, first in sent.items()}
    typed = rows.withColumns(absent).withColumns(passes)
    return typed.withColumn("scrap_by_reason", F.expr("CASE WHEN NOT is_rework THEN scrap_by_reason END")).select(*COLUMNS)


def with_cycle(quantities: DataFrame, sites: DataFrame) -> DataFrame:
    """Add what the plant model says of the part at the event.

    Args:
        quantities: rows of `placed` and `of_confirmations`.
        sites: `Scope.sites`.

    Returns:
        With cycle_s and cavities (NULL where the plant has no ideal cycle), line_cycle_s and line_cavities (those of the line's
        constraint), planned_scrap_ratio, startup_reasons.
    """
    fits = (
        "(c.part_no IS NULL OR c.part_no = part_no) AND (c.tool_no IS NULL OR c.tool_no = tool_no)"
        " AND (c.machine_id IS NULL OR c.machine_id = {machine}) AND c.valid_from <= event_at"
    )
    found = quantities.join(F.broadcast(sites), "site_id", "left")
    for of, machine in (("", "machine_id"), ("line_", "constraint_id")):
        cycle = f"CASE WHEN {machine} IS NOT NULL THEN get(filter(cycles, c -> {fits.format(machine=machine)}), 0) END"
        found = found.withColumn("cycle", F.expr(cycle)).withColumns(
            {
                f"{of}cycle_s": F.col("cycle.cycle_s"),
                f"{of}cavities": F.expr("CASE WHEN cycle IS NOT NULL THEN coalesce(cycle.cavities, cavity_count, 1) END"),
            }
        )
    planned = "coalesce(get(filter(parts, p -> p.part_no = part_no), 0).planned_scrap_ratio, cast(0 AS decimal(9,6)))"
    return found.withColumn("planned_scrap_ratio", F.expr(planned))


def by_window(quantities: DataFrame) -> DataFrame:
    """Sum pieces and earned time of each window.

    Args:
        quantities: rows of `with_cycle`.

    Returns:
        window_id and the quantity columns of gold.machine_shift; earned time is NULL when a part that was made has no ideal cycle.
    """
    lines = _lines(quantities)
    missing = "bool_or(pq_count > 0 AND cycle_s IS NULL)"
    line_missing = "bool_or(pq_count > 0 AND line_cycle_s IS NULL)"
    named = "CASE WHEN pq_count > 0 AND cycle_s IS NULL THEN coalesce(part_no, 'part not named') END"
    known = {name: f"cast(coalesce(sum({name}), 0) AS decimal(38,12))" for name in ("produced_s", "good_s", "rework_s", "startup_s", "line_s")}
    summed = lines.groupBy("window_id").agg(
        *(F.sum(name).cast(PIECES).alias(name) for name in (*FIRST_PASS, *SECOND_PASS, "pq_count", "startup_scrap_count")),
        F.sum("planned_scrap").cast(PIECES).alias("psq_count"),
        *(F.expr(f"CASE WHEN {missing} THEN NULL ELSE {known[name]} END").alias(f"earned_{name}") for name in ("produced_s", "good_s")),
        *(F.expr(known[name]).alias(f"earned_known_{name}") for name in ("produced_s", "good_s")),
        *(F.expr(known[name]).alias(f"earned_{name}") for name in ("rework_s", "startup_s")),
        F.expr(f"CASE WHEN {line_missing} THEN NULL ELSE {known['line_s']} END").alias("line_earned_good_s"),
        F.array_sort(F.collect_list(F.when(F.expr("pq_count > 0"), _line()))).alias("quantity_by_part"),
        F.array_sort(F.collect_set(F.expr(named))).alias("missing_master_data"),
        F.sum("resets").alias("counter_reset_count"),
        F.flatten(F.collect_list("reasons")).alias("reasons"),
    )
    return summed.withColumn("scrap_by_reason", summed_by_key("reasons")).drop("reasons")


def _lines(quantities: DataFrame) -> DataFrame:
    """One row for each part, order, tool and cycle of a window, with its earned time (NULL without an ideal cycle)."""
    of_startup = "filter(map_entries(scrap_by_reason), e -> array_contains(startup_reasons, e.key))"
    startup = f"aggregate({of_startup}, cast(0 AS {PIECES}), (a, e) -> cast(a + e.value AS {PIECES}))"
    of_line = ("window_id", "part_no", "order_no", "tool_no", "cycle_s", "cavities", "line_cycle_s", "line_cavities", "planned_scrap_ratio")
    lines = (
        quantities.withColumn("startup_scrap_count", F.expr(f"coalesce({startup}, cast(0 AS {PIECES}))"))
        .groupBy(*of_line)
        .agg(
            *(F.sum(name).cast(PIECES).alias(name) for name in (*FIRST_PASS, *SECOND_PASS, "startup_scrap_count")),
            F.count_if(F.coalesce("is_reset", F.lit(False))).alias("resets"),
            F.flatten(F.collect_list(F.map_entries("scrap_by_reason"))).alias("reasons"),
        )
    )
    counted = lines.withColumn("pq_count", F.expr(f"cast(gq_count + rq_count + sq_count AS {PIECES})"))
    return counted.withColumns(
        {
            "produced_s": _earned("pq_count"),
            "good_s": _earned("gq_count"),
            "rework_s": _earned("rq_count"),
            "startup_s": _earned("startup_scrap_count"),
            "line_s": _earned("gq_count", "line_"),
            "planned_scrap": F.expr("pq_count * planned_scrap_ratio"),
        }
    )


def _earned(pieces: str, of: str = "") -> Column:
    exact = f"cast({pieces} * {of}cycle_s AS decimal(38,15))"
    return F.expr(f"cast(CASE WHEN {of}cavities = 1 THEN {exact} ELSE {exact} / {of}cavities END AS decimal(38,12))")


def _line() -> Column:
    cycle = F.expr("cast(cycle_s / cavities AS decimal(18,9))").alias("ideal_cycle_s")
    return F.struct("part_no", "order_no", "tool_no", "pq_count", "gq_count", "rq_count", "sq_count", cycle)


def summed_by_key(entries: str) -> Column:
    """Return an array of (key, value) as a map of sums; entries without value or of zero are left out."""
    return F.expr(
        f"map_from_entries(transform(array_sort(array_distinct(transform(filter({entries}, e -> e.value > 0), e -> e.key))), k ->"
        f" struct(k, cast(aggregate(filter({entries}, e -> e.key = k), cast(0 AS decimal(28,6)),"
        f" (a, e) -> cast(a + e.value AS decimal(28,6))) AS {PIECES}))))"
    )
