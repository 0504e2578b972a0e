"""Spans of time cut at the edges of the machine-shifts that are rebuilt."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812


def microseconds(from_at: str, to_at: str) -> Column:
    """Return the exact length between two instants in microseconds."""
    return F.expr(f"unix_micros({to_at}) - unix_micros({from_at})")


def seconds(micros: Column) -> Column:
    """Return microseconds as exact decimal seconds."""
    return (micros.cast("decimal(20,0)") * F.expr("0.000001BD")).cast("decimal(18,6)")


def on_windows(spans: DataFrame, days: DataFrame) -> DataFrame:
    """Join spans `[from_at, to_at)` of machines with the machine-shifts they share time with; nothing is cut.

    An empty span belongs to the window that holds its instant. Spans are spread over the UTC days they touch, so the join
    is one of equal keys; a pair is kept on the first day that both touch, so it appears once.

    Args:
        spans: site_id, machine_id, from_at, to_at and any payload that has no column of a window.
        days: `Scope.days`.
    """
    by_day = spans.withColumn("span_day", F.unix_date(F.to_date("from_at"))).withColumn(
        "day", F.explode(F.expr("sequence(span_day, greatest(span_day, unix_date(to_date(to_at))))"))
    )
    shared = F.expr(
        "(from_at < shift_end_at AND to_at > shift_start_at OR from_at = to_at AND from_at >= shift_start_at AND from_at < shift_end_at)"
        " AND day = greatest(span_day, first_day)"
    )
    joined = by_day.join(F.broadcast(days), ["site_id", "machine_id", "day"]).where(shared)
    return joined.drop("day", "first_day", "span_day")
