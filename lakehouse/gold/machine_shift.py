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


def machine_shifts(windows: DataFrame, segments: DataFrame, pieces: DataFrame) -> DataFrame:
    """Return gold.machine_shift but revision and as_of.

    Args:
        windows: `Scope.windows`.
        segments: gold.time_segment of those windows.
        pieces: rows of `quantities.by_window`.
    """
    joined = _times(windows, segments).join(pieces.withColumn("has_pieces", F.lit(True)), "window_id", "left")
    filled = joined.withColumns({name: F.expr(f"CASE WHEN has_pieces THEN {name} ELSE 0 END") for name in _ZERO_PIECES})
    flags = ", ".join(f"CASE WHEN {rule} THEN '{name}' END" for name, rule in _FLAGS.items())
    return filled.withColumns(
        {
            "flags": F.expr(f"filter(array({flags}), f -> f IS NOT NULL)"),
            "quantity_by_part": F.coalesce("quantity_by_part", F.array()),
            "missing_master_data": F.coalesce("missing_master_data", F.array()),
            "scrap_by_reason": F.coalesce("scrap_by_reason", F.expr("cast(map() AS map<string,decimal(18,6)>)")),
            "is_provisional": F.expr("window_end_at < shift_end_at OR has_open_event"),
            "definition_version": F.lit(DEFINITION_VERSION),
        }
    )


def _times(windows: DataFrame, segments: DataFrame) -> DataFrame:
    known = segments.join(F.broadcast(windows.select("window_id", "speaks_orders", *KEY)), list(KEY))
    summed = known.groupBy("window_id").agg(
        *(_total(rule).alias(name) for name, rule in _ELEMENTS.items()),
        F.count_if(F.expr("is_event_start AND category = 'unplanned_stop'")).alias("stop_event_count"),
        F.bool_or(F.expr("event_start_at IS NOT NULL AND event_end_at IS NULL")).alias("has_open_event"),
    )
    rows = windows.join(summed, "window_id").withColumn("window_s", seconds(microseconds("shift_start_at", "window_end_at")))
    pot = rows.withColumn("pot_s", F.expr("CASE WHEN is_scheduled THEN window_s ELSE cast(0 AS decimal(18,6)) END"))
    return pot.withColumns(
        {
            "pbt_s": F.expr("cast(pot_s - planned_down_s AS decimal(18,6))"),
            "shift_start_local": F.expr("cast(from_utc_timestamp(shift_start_at, zone) AS timestamp_ntz)"),
        }
    )


def _total(rule: str) -> Column:
    return F.expr(f"cast(coalesce(sum(duration_s) FILTER (WHERE {rule}), 0) AS decimal(18,6))")
