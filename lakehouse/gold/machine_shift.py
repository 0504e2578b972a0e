"""One machine in one shift: its times from the ledger, its pieces from its quantity source. Nothing is capped."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold.quantities import FIRST_PASS, SECOND_PASS, summed_by_key
from lakehouse.gold.spans import microseconds, seconds

DEFINITION_VERSION = "2"
"""Version of the KPI definitions; changes when a number may change."""
KEY = ("site_id", "machine_id", "shift_date", "shift_id")
PRI_SUSPECT_ABOVE = "1.05BD"

_WITHOUT_ORDER = "speaks_orders AND order_no IS NULL"
_DELAY = "category IN ('unplanned_stop', 'blocked_starved')"
_STOP_IN_ORDER = f"category = 'unplanned_stop' AND NOT ({_WITHOUT_ORDER})"
_ELEMENTS: dict[str, str] = {
    "planned_down_s": "category = 'planned_down' OR category = 'no_order' AND no_order_is_planned",
    "apt_s": "category = 'running'",
    "aust_s": "category = 'setup'",
    "adet_s": f"{_DELAY} AND NOT ({_WITHOUT_ORDER})",
    "adot_s": f"category = 'no_order' AND NOT no_order_is_planned OR {_DELAY} AND {_WITHOUT_ORDER}",
    "blocked_starved_s": f"category = 'blocked_starved' AND NOT ({_WITHOUT_ORDER})",
    "long_stop_s": f"{_STOP_IN_ORDER} AND coalesce(stop_class, 'long') = 'long'",
    "micro_stop_s": f"{_STOP_IN_ORDER} AND stop_class = 'micro'",
    "indeterminate_s": f"{_STOP_IN_ORDER} AND stop_class = 'indeterminate'",
    "setup_overrun_s": "category = 'setup' AND is_overrun",
    "planned_overrun_s": "category = 'unplanned_stop' AND is_overrun",
    "failure_s": "is_failure",
    "cmt_s": "maintenance = 'corrective'",
    "pmt_s": "maintenance = 'preventive'",
    "open_stop_s": "is_open_stop",
    "unknown_s": "category = 'unknown'",
    "not_scheduled_s": "category = 'not_scheduled'",
    "unscheduled_run_s": "category = 'unscheduled_run'",
}
_IS_OPEN_STOP = (
    "event_start_at IS NOT NULL AND event_end_at IS NULL"
    " AND (category IN ('setup', 'unplanned_stop', 'blocked_starved') OR category = 'no_order' AND NOT no_order_is_planned)"
)
_EVENTS: dict[str, str] = {
    "stop_event_count": "category = 'unplanned_stop'",
    "micro_stop_count": "category = 'unplanned_stop' AND stop_class = 'micro'",
    "failure_count": "is_failure",
}
_ENTRY = "named_struct('key', coalesce(reason_code, category), 'value', duration_s)"
_LOST = (
    "category IN ('planned_down', 'setup', 'unplanned_stop', 'blocked_starved', 'no_order')"
    " AND NOT (source_table = 'calendar' AND reason_code IS NULL)"
)
_RUN = "(apt_s + CASE WHEN profile = 'tpm' THEN micro_stop_s ELSE 0 END)"
_FLAGS: dict[str, str] = {
    "P_GT_1": f"pbt_s > 0 AND {_RUN} > 0 AND earned_produced_s > {_RUN}",
    "PRI_SUSPECT": f"pbt_s > 0 AND {_RUN} > 0 AND earned_produced_s > {_RUN} * {PRI_SUSPECT_ABOVE}",
    "RUN_TIME_ASSUMED": "state_source = 'confirmation_only' AND apt_s > 0",
    "COUNTER_RESET": "counter_reset_count > 0",
    "CONTRACT_VIOLATION": "state_source = 'state' AND pq_count > 0 AND pbt_s > 0 AND apt_s = 0 AND unknown_s < pbt_s",
    "UNSCHEDULED_RUN": "unscheduled_run_s > 0",
}
_ZERO_PIECES = (
    "pq_count", *FIRST_PASS, *SECOND_PASS, "psq_count", "startup_scrap_count", "counter_reset_count", "earned_produced_s", "earned_good_s",
    "earned_known_produced_s", "earned_known_good_s", "earned_rework_s", "earned_startup_s", "line_earned_good_s",
)  # fmt: skip


def machine_shifts(windows: DataFrame, segments: DataFrame, pieces: DataFrame, counted: DataFrame) -> DataFrame:
    """Return gold.machine_shift but revision and as_of.

    Args:
        windows: `Scope.windows`.
        segments: gold.time_segment of those windows.
        pieces: rows of `quantities.by_window`.
        counted: window_id, from_at, to_at of the stretches of which a counter knows the pieces; they do not overlap.
    """
    joined = _times(windows, segments, counted).join(pieces.withColumn("has_pieces", F.lit(True)), "window_id", "left")
    filled = joined.withColumns({name: F.expr(f"CASE WHEN has_pieces THEN {name} ELSE 0 END") for name in _ZERO_PIECES})
    is_exit = "constraint_id IS NOT NULL"
    flags = ", ".join(f"CASE WHEN {rule} THEN '{name}' END" for name, rule in _FLAGS.items())
    return filled.withColumns(
        {
            "uncounted_s": F.expr("CASE WHEN quantity_source = 'counter' OR has_pieces IS NULL THEN uncounted_s ELSE 0 END"),
            "line_earned_good_s": F.expr(f"CASE WHEN {is_exit} THEN line_earned_good_s END"),
            "line_null_reason": F.expr(
                f"CASE WHEN NOT ({is_exit}) THEN 'NOT_LINE_EXIT' WHEN line_earned_good_s IS NULL THEN 'MISSING_MASTER_DATA' END"
            ),
            "earned_null_reason": F.expr("CASE WHEN earned_good_s IS NULL THEN 'MISSING_MASTER_DATA' END"),
            "unknown_time_ratio": F.expr("CASE WHEN pbt_s > 0 THEN cast(cast(unknown_s AS decimal(30,18)) / pbt_s AS decimal(38,12)) END"),
            "unknown_time_null_reason": F.expr("CASE WHEN pbt_s = 0 THEN 'NO_PLANNED_TIME' END"),
            "flags": F.expr(f"filter(array({flags}), f -> f IS NOT NULL)"),
            "quantity_by_part": F.coalesce("quantity_by_part", F.array()),
            "missing_master_data": F.coalesce("missing_master_data", F.array()),
            "scrap_by_reason": F.coalesce("scrap_by_reason", F.expr("cast(map() AS map<string,decimal(18,6)>)")),
            "is_provisional": F.expr("window_end_at < shift_end_at OR has_open_event"),
            "definition_version": F.lit(DEFINITION_VERSION),
        }
    )


def _times(windows: DataFrame, segments: DataFrame, counted: DataFrame) -> DataFrame:
    policies = windows.select("window_id", "speaks_orders", "no_order_is_planned", "quantity_source", *KEY)
    known = segments.join(F.broadcast(policies), list(KEY))
    held = counted.groupBy("window_id").agg(F.collect_list(F.struct("from_at", "to_at")).alias("counted"))
    rows = known.join(held, "window_id", "left").withColumn("is_open_stop", F.expr(_IS_OPEN_STOP))
    summed = rows.groupBy("window_id").agg(
        *(_total(rule).alias(name) for name, rule in _ELEMENTS.items()),
        *(F.count_if(F.expr(f"is_event_start AND {rule}")).alias(name) for name, rule in _EVENTS.items()),
        _uncounted().alias("uncounted_s"),
        F.collect_list(F.expr(f"CASE WHEN {_LOST} THEN {_ENTRY} END")).alias("lost"),
        F.bool_or(F.expr("event_start_at IS NOT NULL AND event_end_at IS NULL")).alias("has_open_event"),
    )
    timed = windows.join(summed, "window_id").withColumns(
        {
            "window_s": seconds(microseconds("shift_start_at", "window_end_at")),
            "calendar_day_s": seconds(F.col("calendar_day_us")),
            "stop_by_reason": summed_by_key("lost"),
        }
    )
    pot = timed.withColumn("pot_s", F.expr("CASE WHEN is_scheduled THEN window_s ELSE cast(0 AS decimal(18,6)) END"))
    return pot.withColumns(
        {
            "pbt_s": F.expr("cast(pot_s - planned_down_s AS decimal(18,6))"),
            "shift_start_local": F.expr("cast(from_utc_timestamp(shift_start_at, zone) AS timestamp_ntz)"),
        }
    )


def _total(rule: str) -> Column:
    return F.expr(f"cast(coalesce(sum(duration_s) FILTER (WHERE {rule}), 0) AS decimal(18,6))")


def _uncounted() -> Column:
    """Sum the time of which the pieces are not known: what no counter covers, or all of it where another source counts."""
    micros = "unix_micros(segment_end_at) - unix_micros(segment_start_at)"
    covered = (
        "aggregate(counted, 0L, (a, c) -> a + greatest(0L, unix_micros(least(c.to_at, segment_end_at))"
        " - unix_micros(greatest(c.from_at, segment_start_at))))"
    )
    rest = f"{micros} - CASE WHEN quantity_source = 'counter' THEN coalesce({covered}, 0L) ELSE 0L END"
    return seconds(F.expr(f"coalesce(sum({rest}) FILTER (WHERE category IN ('running', 'unknown') OR is_open_stop), 0L)"))
