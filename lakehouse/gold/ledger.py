"""The time ledger: every microsecond of a machine-shift in exactly one category, by declared precedence.

Claims of a window cut it into elementary spans. A span goes to the claim with the lowest rank; a tie to the earliest start,
then the reason's priority, then the event's key. Neighbouring spans of one winner are one segment.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold.spans import microseconds, seconds

_CLAIM = (
    "rank", "event_start_at", "priority", "source_key", "source_table", "category", "reason_code", "reason_text",
    "is_failure", "maintenance", "stop_class", "stop_start_at", "stop_end_at", "is_overrun", "order_no", "source_ref",
    "event_end_at", "from_at", "to_at",
)  # fmt: skip
_CAUSES = "'planned_down', 'setup', 'unplanned_stop', 'blocked_starved', 'no_order'"
_LABEL = "concat_ws(':', substring_index(c.source_table, '.', -1), c.source_key, c.reason_code)"
_OF_SPAN = {"window_id", "number", "begins", "span_start_at", "span_end_at", "other_causes", "active_order_no"}
_WINNER = ("category", "source_table", "source_key", "order_no", "event_start_at", "stop_class", "is_overrun")


def segments(claims: DataFrame, windows: DataFrame) -> DataFrame:
    """Return the segments of all windows, one row each, with the window's columns.

    Args:
        claims: rows as `Scope.calendar`, cut at their windows; each window has one that covers it.
        windows: `Scope.windows`.

    Returns:
        Columns of gold.time_segment but line, revision and as_of, and those of the window.
    """
    merged = _merged(_won(_elementary(claims)).join(F.broadcast(windows), "window_id"))
    return _counted(merged)


def _elementary(claims: DataFrame) -> DataFrame:
    """One row a span between two edges of a window: window_id, span_start_at, span_end_at, active claims."""
    by_window = claims.groupBy("window_id").agg(
        F.collect_list(F.struct(*_CLAIM)).alias("claims"),
        F.array_sort(F.array_union(F.collect_set("from_at"), F.collect_set("to_at"))).alias("edges"),
    )
    spans = F.expr(
        "transform(sequence(1, size(edges) - 1), i -> named_struct('span_start_at', edges[i - 1], 'span_end_at', edges[i],"
        " 'active', filter(claims, c -> c.from_at <= edges[i - 1] AND c.to_at > edges[i - 1])))"
    )
    return by_window.select("window_id", F.inline(spans))


def _won(spans: DataFrame) -> DataFrame:
    """Give each span to its winner; the other causes stay beside it."""
    winner = spans.withColumn("winner", F.array_min("active"))
    others = (
        f"array_sort(transform(filter(active, c -> c.category IN ({_CAUSES}) AND c.source_key IS NOT NULL"
        f" AND NOT (c.source_key <=> winner.source_key AND c.source_table = winner.source_table)), c -> {_LABEL}))"
    )
    return winner.select(
        "window_id", "span_start_at", "span_end_at",
        F.expr(others).alias("other_causes"),
        F.expr("array_min(transform(active, c -> c.order_no))").alias("active_order_no"),
        "winner.*",
    ).drop("rank", "priority", "from_at", "to_at")  # fmt: skip


def _merged(spans: DataFrame) -> DataFrame:
    """Make one segment of neighbouring spans with the same winner."""
    order = F.expr("CASE WHEN speaks_orders THEN coalesce(order_no, active_order_no) ELSE order_no END")
    in_order = Window.partitionBy("window_id").orderBy("span_start_at")
    identity = F.struct(*_WINNER)
    numbered = (
        spans.withColumn("order_no", order)
        .withColumn("begins", (~identity.eqNullSafe(F.lag(identity).over(in_order))).cast("int"))
        .withColumn("number", F.sum("begins").over(in_order))
    )
    once = [name for name in numbered.columns if name not in {*_OF_SPAN, "source_ref"}]
    return numbered.groupBy("window_id", "number").agg(
        F.min("span_start_at").alias("segment_start_at"),
        F.max("span_end_at").alias("segment_end_at"),
        F.array_sort(F.array_distinct(F.flatten(F.collect_list("other_causes")))).alias("also_active"),
        F.min_by("source_ref", "span_start_at").alias("source_ref"),
        *(F.first(name).alias(name) for name in once),
    )


def _counted(merged: DataFrame) -> DataFrame:
    """Mark the one segment in which a source event is counted: its first, in the shift that holds its start."""
    of_event = Window.partitionBy("window_id", "source_table", "source_key").orderBy("segment_start_at")
    starts_here = "source_key IS NOT NULL AND event_start_at >= shift_start_at AND event_start_at < shift_end_at"
    return (
        merged.withColumn("is_event_start", F.expr(f"coalesce({starts_here}, false)") & (F.row_number().over(of_event) == 1))
        .withColumn("duration_s", seconds(microseconds("segment_start_at", "segment_end_at")))
        .withColumn("segment_start_local", F.expr("cast(from_utc_timestamp(segment_start_at, zone) AS timestamp_ntz)"))
        .withColumn("is_failure", F.coalesce("is_failure", F.lit(False)))
        .withColumn("is_overrun", F.coalesce("is_overrun", F.lit(False)))
    )
