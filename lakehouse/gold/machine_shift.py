"""One machine in one shift: its times from the ledger, its pieces from its quantity source. Nothing is capped."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold.spans import microseconds, seconds

DEFINITION_VERSION = "1"
"""Version of the KPI definitions; changes when a number may change."""
KEY = ("site_id", "machine_id", "shift_date", "shift_id")
PRI_SUSPECT_ABOVE = "1.05BD"

_DELAY = "category IN ('unplanned_stop', 'blocked_starved')"
_WITHOUT_ORDER = "speaks_orders AND order_no IS NULL"
_ELEMENTS: dict[str, str] = {
    "planned_down_s": "category = 'planned_down'",
    "apt_s": "category = 'running'",
    "aust_s": "category = 'setup'",
    "adet_s": f"{_DELAY} AND NOT ({_WITHOUT_ORDER})",
    "adot_s": f"category = 'no_order' OR {_DELAY} AND {_WITHOUT_ORDER}",
    "unknown_s": "category = 'unknown'",
    "not_scheduled_s": "category = 'not_scheduled'",
    "unscheduled_run_s": "category = 'unscheduled_run'",
}
_FLAGS: dict[str, str] = {
    "P_GT_1": "pbt_s > 0 AND apt_s > 0 AND earned_produced_s > apt_s",
    "PRI_SUSPECT": f"pbt_s > 0 AND apt_s > 0 AND earned_produced_s > apt_s * {PRI_SUSPECT_ABOVE}",
    "RUN_TIME_ASSUMED": "state_source = 'confirmation_only' AND apt_s > 0",
    "COUNTER_RESET": "counter_reset_count > 0",
    "CONTRACT_VIOLATION": "state_source = 'state' AND pq_count > 0 AND pbt_s > 0 AND apt_s = 0 AND unknown_s < pbt_s",
    "UNSCHEDULED_RUN": "unscheduled_run_s > 0",
}
_ZERO_PIECES = ("pq_count", "gq_count", "rq_count", "sq_count", "counter_reset_count", "earned_produced_s", "earned_good_s")


def machine_shifts(windows: DataFrame, segments: DataFrame, pieces: DataFrame, reasons: DataFrame, open_windows: DataFrame) -> DataFrame:
    """Return gold.machine_shift but revision and as_of.

    Args:
        windows: `Scope.windows`.
        segments: gold.time_segment of those windows.
        pieces: rows of `quantities.by_window`.
        reasons: rows of `quantities.scrap_reasons`.
        open_windows: window_id of windows that an open interruption reaches into.
    """
    times = _times(windows, segments)
    joined = (
        times.join(pieces.withColumn("has_pieces", F.lit(True)), "window_id", "left")
        .join(reasons, "window_id", "left")
        .join(open_windows.withColumn("is_open", F.lit(True)), "window_id", "left")
    )
    filled = joined
    for name in _ZERO_PIECES:
        filled = filled.withColumn(name, F.expr(f"CASE WHEN has_pieces THEN {name} ELSE 0 END"))
    flags = F.expr("filter(array(" + ", ".join(f"CASE WHEN {rule} THEN '{name}' END" for name, rule in _FLAGS.items()) + "), f -> f IS NOT NULL)")
    return (
        filled.withColumn("flags", flags)
        .withColumn("quantity_by_part", F.coalesce("quantity_by_part", F.array()))
        .withColumn("missing_master_data", F.coalesce("missing_master_data", F.array()))
        .withColumn("scrap_by_reason", F.coalesce("scrap_by_reason", F.expr("cast(map() AS map<string,decimal(18,6)>)")))
        .withColumn("is_provisional", F.expr("window_end_at < shift_end_at OR coalesce(is_open, false)"))
        .withColumn("definition_version", F.lit(DEFINITION_VERSION))
    )


def _times(windows: DataFrame, segments: DataFrame) -> DataFrame:
    known = segments.join(F.broadcast(windows.select("window_id", "speaks_orders", *KEY)), list(KEY))
    summed = known.groupBy("window_id").agg(
        *(_total(rule).alias(name) for name, rule in _ELEMENTS.items()),
        F.count_if(F.expr("is_event_start AND category = 'unplanned_stop'")).alias("stop_event_count"),
    )
    rows = windows.join(summed, "window_id").withColumn("window_s", seconds(microseconds("shift_start_at", "window_end_at")))
    pot = F.expr("CASE WHEN is_scheduled THEN window_s ELSE cast(0 AS decimal(18,6)) END")
    return (
        rows.withColumn("pot_s", pot)
        .withColumn("pbt_s", F.expr("cast(pot_s - planned_down_s AS decimal(18,6))"))
        .withColumn("shift_start_local", F.expr("cast(from_utc_timestamp(shift_start_at, zone) AS timestamp_ntz)"))
    )


def _total(rule: str) -> Column:
    return F.expr(f"cast(coalesce(sum(duration_s) FILTER (WHERE {rule}), 0) AS decimal(18,6))")
