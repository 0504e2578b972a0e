"""Claims: who says what about a stretch of a machine-shift. The ledger gives each microsecond to the claim that ranks first.

Facts are what sources say about a machine (`said`: stop, production, setup, breakdown, heard, made); `claimed` cuts them at the
windows and turns them into categories. What the calendar says, and what holds where nobody speaks, comes with the scope.
"""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold.scope import RANKS
from lakehouse.gold.spans import on_windows

_FACT: dict[str, str] = {
    "source_key": "string",
    "reason_code": "string",
    "said_text": "string",
    "order_no": "string",
    "source_ref": "string",
    "event_start_at": "timestamp",
    "event_end_at": "timestamp",
}
_SPEAKS = (
    "said = 'stop' AND state_source != 'none' AND is_scheduled"
    " OR said IN ('production', 'setup', 'breakdown') AND state_source = 'mes' AND (is_scheduled OR said = 'production')"
    " OR said = 'heard' AND state_source = 'state' AND is_scheduled"
    " OR said = 'made' AND state_source = 'state' AND NOT is_scheduled"
)
_CATEGORY = (
    "CASE WHEN NOT is_scheduled THEN 'unscheduled_run'"
    " WHEN said = 'heard' AND speaks_orders AND order_no IS NULL THEN 'no_order'"
    " WHEN said IN ('heard', 'production') THEN 'running'"
    " WHEN said = 'setup' THEN 'setup'"
    " WHEN said = 'breakdown' THEN 'unplanned_stop'"
    " ELSE coalesce(reason_category, 'unplanned_stop') END"
)
_RANK = "element_at(map(" + ", ".join(f"'{category}', {rank}" for category, rank in RANKS.items()) + "), category)"


def of_interruptions(interruptions: DataFrame, heard: DataFrame, as_of: dt.datetime) -> DataFrame:
    """Return stops that were not cancelled.

    An open one lasts until as_of, or where its machine has a heartbeat until that runs out after the last sign of life.

    Args:
        interruptions: silver.machine_interruption.
        heard: site_id, machine_id, heartbeat_us, last_reading_at of machines with a heartbeat.
        as_of: knowledge time.
    """
    known = interruptions.where("status != 'cancelled'").join(F.broadcast(heard), ["site_id", "machine_id"], "left")
    carried = F.expr("timestamp_micros(unix_micros(greatest(last_reading_at, sent_at, start_at)) + heartbeat_us)")
    facts = known.select(
        "site_id", "machine_id", "reason_code", "source_ref",
        F.lit("stop").alias("said"),
        F.lit("silver.machine_interruption").alias("source_table"),
        F.col("interruption_id").alias("source_key"),
        F.col("reason_text").alias("said_text"),
        F.col("start_at").alias("from_at"), F.coalesce("end_at", F.least(F.lit(as_of), carried)).alias("to_at"),
        F.col("start_at").alias("event_start_at"), F.col("end_at").alias("event_end_at"),
    )  # fmt: skip
    return _facts(facts.where("from_at < to_at"))


def of_events(events: DataFrame) -> DataFrame:
    """Return MES operations; the reason of a set-up or breakdown is its type."""
    code = F.expr("CASE WHEN event_type != 'production' THEN event_type END")
    facts = events.where("start_at < end_at").select(
        "site_id", "machine_id", "order_no", "source_ref",
        F.col("event_type").alias("said"),
        F.lit("silver.production_event").alias("source_table"),
        F.col("event_key").alias("source_key"),
        code.alias("reason_code"),
        F.when(code.isNotNull(), F.col("activity")).alias("said_text"),
        F.col("start_at").alias("from_at"), F.col("end_at").alias("to_at"),
        F.col("start_at").alias("event_start_at"), F.col("end_at").alias("event_end_at"),
    )  # fmt: skip
    return _facts(facts)


def of_counters(stretches: DataFrame, said: str) -> DataFrame:
    """Return stretches of `counters.coverage` (`heard`) or `counters.evidence` (`made`) as facts."""
    return _facts(stretches.withColumns({"said": F.lit(said), "source_table": F.lit("silver.machine_count")}))


def _facts(rows: DataFrame) -> DataFrame:
    absent = {name: F.lit(None).cast(kind) for name, kind in _FACT.items() if name not in rows.columns}
    return rows.withColumns(absent).select("site_id", "machine_id", "from_at", "to_at", "said", "source_table", *_FACT)


def claimed(facts: DataFrame, days: DataFrame, reasons: DataFrame) -> DataFrame:
    """Cut facts at the counted part of their windows and give each its category; who may speak is the machine's declaration.

    Stops take the category of their reason; a code that the catalogue has not is an unplanned stop. Stops count within shifts
    only; running outside them is an unscheduled run.

    Args:
        facts: union of the above.
        days: `Scope.days`.
        reasons: `Scope.reasons`.

    Returns:
        Columns of `Scope.calendar`.
    """
    spoken = on_windows(facts, days).where(_SPEAKS).join(F.broadcast(reasons), ["site_id", "reason_code"], "left")
    claims = spoken.select(
        "window_id", "source_table", "source_key", "reason_code", "order_no", "source_ref", "event_start_at", "event_end_at", "is_failure",
        F.greatest("from_at", "shift_start_at").alias("from_at"),
        F.least("to_at", "window_end_at").alias("to_at"),
        F.expr(_CATEGORY).alias("category"),
        F.coalesce("text", "said_text").alias("reason_text"),
        F.coalesce("priority", F.lit(999)).alias("priority"),
    )  # fmt: skip
    return claims.withColumn("rank", F.expr(_RANK)).where("from_at < to_at")


def of_confirmations(confirmed: DataFrame, like: DataFrame) -> DataFrame:
    """Return assumed running for scheduled windows that were confirmed; rows that all say idle mean no order.

    Args:
        confirmed: silver.confirmation joined with its window.
        like: `Scope.calendar`, for its columns.
    """
    assumed = confirmed.where("state_source = 'confirmation_only' AND is_scheduled")
    said = assumed.groupBy("window_id", F.col("shift_start_at").alias("from_at"), F.col("window_end_at").alias("to_at")).agg(
        F.expr("CASE WHEN every(is_idle) THEN 'no_order' ELSE 'running' END").alias("category")
    )
    claims = said.withColumn("rank", F.expr(_RANK)).withColumn("source_table", F.lit("silver.confirmation"))
    absent = {field.name: F.lit(None).cast(field.dataType) for field in like.schema if field.name not in claims.columns}
    return claims.withColumns(absent).select(*like.columns)
