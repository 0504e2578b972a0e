"""Claims: who says what about a stretch of a machine-shift. The ledger gives each microsecond to the claim that ranks first."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold.spans import cut, on_windows

RANKS: dict[str, int] = {
    "unscheduled_run": 0,
    "not_scheduled": 1,
    "planned_down": 2,
    "setup": 3,
    "unplanned_stop": 4,
    "blocked_starved": 5,
    "no_order": 5,
    "running": 6,
    "unknown": 7,
}
FLOOR = 9
"""Rank of what holds where nobody speaks: below every claim."""

_NOTHING: dict[str, str] = {
    "priority": "int",
    "source_key": "string",
    "reason_code": "string",
    "reason_text": "string",
    "is_failure": "boolean",
    "order_no": "string",
    "source_ref": "string",
    "event_start_at": "timestamp",
    "event_end_at": "timestamp",
}
COLUMNS = ("window_id", "from_at", "to_at", "rank", "category", "source_table", *_NOTHING)


def _rank(category: str) -> Column:
    pairs = [F.lit(each) for pair in RANKS.items() for each in pair]
    return F.element_at(F.create_map(*pairs), F.col(category))


def _claims(rows: DataFrame, source_table: str) -> DataFrame:
    full = rows.withColumn("source_table", F.lit(source_table))
    if "rank" not in rows.columns:
        full = full.withColumn("rank", _rank("category"))
    for name, kind in _NOTHING.items():
        if name not in rows.columns:
            full = full.withColumn(name, F.lit(None).cast(kind))
    return full.select(*COLUMNS)


def of_nobody(windows: DataFrame) -> DataFrame:
    """Return for each window what holds where no claim does.

    No stop means running where the state source sends no heartbeat; a source of orders that is silent means no order.
    """
    category = F.expr(
        "CASE WHEN NOT is_scheduled THEN 'not_scheduled'"
        " WHEN state_source = 'state' AND heartbeat_us IS NULL THEN 'running'"
        " WHEN state_source = 'mes' AND speaks_orders THEN 'no_order' ELSE 'unknown' END"
    )
    rows = windows.select("window_id", F.col("shift_start_at").alias("from_at"), F.col("window_end_at").alias("to_at"), category.alias("category"))
    calendar = _claims(rows.where("category = 'not_scheduled'").withColumn("rank", F.lit(FLOOR)), "calendar")
    return calendar.unionByName(_claims(rows.where("category != 'not_scheduled'").withColumn("rank", F.lit(FLOOR)), "none"))


def of_breaks(breaks: DataFrame) -> DataFrame:
    """Return planned breaks of the calendar as planned down time."""
    rows = (
        breaks.withColumn("category", F.lit("planned_down"))
        .withColumn("reason_text", F.lit("Planned break"))
        .withColumn("priority", F.lit(0))
        .withColumn("event_start_at", F.col("from_at"))
        .withColumn("event_end_at", F.col("to_at"))
    )
    return _claims(rows, "calendar")


def interruption_spans(interruptions: DataFrame, heard: DataFrame, days: DataFrame, as_of: dt.datetime) -> DataFrame:
    """Return interruptions that were not cancelled, joined with their windows.

    An open one lasts until as_of, or where its machine has a heartbeat until that runs out after the last sign of life.

    Args:
        interruptions: silver.machine_interruption.
        heard: site_id, machine_id, heartbeat_us, last_reading_at of machines with a heartbeat.
        days: `Scope.days`.
        as_of: knowledge time.
    """
    now = F.lit(as_of)
    last_sign = F.greatest("last_reading_at", "sent_at", "start_at")
    carried = F.timestamp_micros(F.unix_micros(last_sign) + F.col("carried_us"))
    known = interruptions.where("status != 'cancelled'").join(
        F.broadcast(heard.withColumnRenamed("heartbeat_us", "carried_us")), ["site_id", "machine_id"], "left"
    )
    rows = known.select(
        "site_id", "machine_id", "interruption_id", "reason_code", "source_ref",
        F.col("reason_text").alias("sent_text"),
        F.col("start_at").alias("event_start_at"),
        F.col("end_at").alias("event_end_at"),
        F.col("start_at").alias("from_at"),
        F.coalesce("end_at", F.least(now, carried)).alias("to_at"),
    )  # fmt: skip
    return on_windows(rows.where("from_at < to_at"), days).where("state_source != 'none'")


def of_interruptions(spans: DataFrame, reasons: DataFrame) -> DataFrame:
    """Return stops with their reason's category; a code the catalogue has not is an unplanned stop. Only within shifts."""
    known = cut(spans.where("is_scheduled")).join(F.broadcast(reasons), ["site_id", "reason_code"], "left")
    rows = (
        known.withColumn("category", F.coalesce("reason_category", F.lit("unplanned_stop")))
        .withColumn("reason_text", F.coalesce("text", "sent_text"))
        .withColumn("priority", F.coalesce("priority", F.lit(999)))
        .withColumn("source_key", F.col("interruption_id"))
    )
    return _claims(rows, "silver.machine_interruption")


def of_events(events: DataFrame, reasons: DataFrame, days: DataFrame) -> DataFrame:
    """Return MES operations as set-up, running or unplanned stop; outside shifts production is an unscheduled run."""
    rows = events.select(
        "site_id", "machine_id", "event_type", "activity", "order_no", "source_ref",
        F.col("event_key").alias("source_key"),
        F.col("start_at").alias("event_start_at"), F.col("end_at").alias("event_end_at"),
        F.col("start_at").alias("from_at"), F.col("end_at").alias("to_at"),
    )  # fmt: skip
    held = cut(on_windows(rows, days).where("state_source = 'mes' AND (is_scheduled OR event_type = 'production')"))
    category = (
        "CASE WHEN NOT is_scheduled THEN 'unscheduled_run' WHEN event_type = 'production' THEN 'running'"
        " WHEN event_type = 'setup' THEN 'setup' ELSE 'unplanned_stop' END"
    )
    code = "CASE WHEN event_type != 'production' THEN event_type END"
    coded = held.withColumn("category", F.expr(category)).withColumn("reason_code", F.expr(code))
    known = coded.join(F.broadcast(reasons), ["site_id", "reason_code"], "left")
    text = F.expr("CASE WHEN reason_code IS NOT NULL THEN coalesce(text, activity) END")
    return _claims(known.withColumn("reason_text", text), "silver.production_event")


def of_coverage(coverage: DataFrame, days: DataFrame) -> DataFrame:
    """Return what a heartbeat says within shifts: running, or no order where the source knows of orders and has none."""
    held = cut(on_windows(coverage, days).where("state_source = 'state' AND is_scheduled"))
    category = F.expr("CASE WHEN speaks_orders AND order_no IS NULL THEN 'no_order' ELSE 'running' END")
    return _claims(held.withColumn("category", category), "silver.machine_count")


def of_evidence(evidence: DataFrame, days: DataFrame) -> DataFrame:
    """Return pieces made outside any shift as an unscheduled run."""
    held = cut(on_windows(evidence, days).where("state_source = 'state' AND NOT is_scheduled"))
    return _claims(held.withColumn("category", F.lit("unscheduled_run")), "silver.machine_count")


def of_confirmations(confirmed: DataFrame) -> DataFrame:
    """Return assumed running for scheduled windows that were confirmed; rows that all say idle mean no order.

    Args:
        confirmed: silver.confirmation joined with its window.
    """
    assumed = confirmed.where("state_source = 'confirmation_only' AND is_scheduled")
    said = assumed.groupBy("window_id", F.col("shift_start_at").alias("from_at"), F.col("window_end_at").alias("to_at")).agg(
        F.expr("CASE WHEN every(is_idle) THEN 'no_order' ELSE 'running' END").alias("category")
    )
    return _claims(said, "silver.confirmation")
