"""Claims: who says what about a stretch of a machine-shift. The ledger gives each microsecond to the claim that ranks first.

Facts are what sources say about a machine (`said`: stop, production, setup, breakdown, heard, made); `claimed` cuts them at the
windows and turns them into categories. What the calendar says, and what holds where nobody speaks, comes with the scope.
"""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, Window
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
    " WHEN said = 'breakdown' OR is_overrun AND reason_category = 'planned_down' THEN 'unplanned_stop'"
    " ELSE coalesce(reason_category, 'unplanned_stop') END"
)
_RANK = "element_at(map(" + ", ".join(f"'{category}', {rank}" for category, rank in RANKS.items()) + "), category)"
_PLANNED_END = (
    "CASE WHEN said = 'stop' AND reason_category IN ('planned_down', 'setup') THEN coalesce(array_max(transform(filter(planned_stops,"
    " s -> s.reason_code = reason_code AND s.start_at < to_at AND s.end_at > from_at), s -> s.end_at)),"
    " timestamp_micros(unix_micros(from_at) + planned_us)) END"
)
_PARTS = (
    "CASE WHEN planned_end_at < to_at THEN array(named_struct('from_at', from_at, 'to_at', planned_end_at, 'is_overrun', false),"
    " named_struct('from_at', planned_end_at, 'to_at', to_at, 'is_overrun', true))"
    " ELSE array(named_struct('from_at', from_at, 'to_at', to_at, 'is_overrun', false)) END"
)
_IN_FORCE = "get(filter(in_force, f -> f.valid_from <= {at}), 0).{name}"


def of_interruptions(interruptions: DataFrame, last_readings: DataFrame, machines: DataFrame, as_of: dt.datetime) -> DataFrame:
    """Return stops that were not cancelled.

    An open one lasts until as_of, or where its machine has a heartbeat until that runs out after the last sign of life.

    Args:
        interruptions: silver.machine_interruption.
        last_readings: site_id, machine_id, last_reading_at.
        machines: `Scope.machines`.
        as_of: knowledge time.
    """
    machine = ["site_id", "machine_id"]
    known = interruptions.where("status != 'cancelled'").join(F.broadcast(machines.select(*machine, "in_force")), machine)
    heartbeat = _IN_FORCE.format(at="start_at", name="heartbeat_us")
    carried = F.expr(f"timestamp_micros(unix_micros(greatest(last_reading_at, sent_at, start_at)) + {heartbeat})")
    facts = known.join(F.broadcast(last_readings), machine, "left").select(
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


def described(facts: DataFrame, reasons: DataFrame, machines: DataFrame) -> DataFrame:
    """Add what the plant model says: reason, class of the whole stop, and a part of its own beyond the planned end.

    Args:
        facts: union of the above.
        reasons: `Scope.reasons`.
        machines: `Scope.machines`.

    Returns:
        The facts, one row more for each overrun, with reason_category, text, priority, is_failure, maintenance, stop_class, is_overrun.
    """
    known = facts.join(F.broadcast(machines), ["site_id", "machine_id"]).join(F.broadcast(reasons), ["site_id", "reason_code"], "left")
    ended = _classed(known).withColumn("planned_end_at", F.expr(_PLANNED_END)).withColumn("part", F.explode(F.expr(_PARTS)))
    parts = ended.withColumns({name: F.col(f"part.{name}") for name in ("from_at", "to_at", "is_overrun")})
    return parts.drop("part", "in_force", "planned_stops", "planned_us", "planned_end_at")


def _classed(facts: DataFrame) -> DataFrame:
    """Add stop_class: unplanned stops of a machine that overlap or abut are one; shorter than the threshold it is a micro-stop."""
    is_stop = (
        "said = 'stop' AND coalesce(reason_category, 'unplanned_stop') = 'unplanned_stop'"
        f" OR said = 'breakdown' AND {_IN_FORCE.format(at='from_at', name='state_source')} = 'mes'"
    )
    in_order = Window.partitionBy("site_id", "machine_id").orderBy("from_at")
    earlier = in_order.rowsBetween(Window.unboundedPreceding, -1)
    until = F.max(F.expr("CASE WHEN is_stop THEN to_at END")).over(earlier)
    begins = F.expr("is_stop AND (until IS NULL OR from_at > until)").cast("int")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    islands = facts.withColumn("is_stop", F.expr(is_stop)).withColumn("until", until).withColumn("island", F.sum(begins).over(so_far))
    whole = Window.partitionBy("site_id", "machine_id", "island", "is_stop")
    threshold = _IN_FORCE.format(at="stop_start_at", name="micro_stop_us")
    rule = (
        f"CASE WHEN NOT is_stop THEN NULL WHEN unix_micros(stop_end_at) - unix_micros(stop_start_at) >= {threshold} THEN 'long'"
        " WHEN stop_is_open THEN 'indeterminate' ELSE 'micro' END"
    )
    spanned = islands.withColumns(
        {
            "stop_start_at": F.min("from_at").over(whole),
            "stop_end_at": F.max("to_at").over(whole),
            "stop_is_open": F.bool_or(F.expr("event_end_at IS NULL")).over(whole),
        }
    )
    of_stop = {name: F.expr(f"CASE WHEN is_stop THEN {name} END") for name in ("stop_start_at", "stop_end_at")}
    return spanned.withColumn("stop_class", F.expr(rule)).withColumns(of_stop).drop("is_stop", "until", "island", "stop_is_open")


def claimed(facts: DataFrame, days: DataFrame) -> DataFrame:
    """Cut facts at the counted part of their windows and give each its category; who may speak is the machine's declaration.

    Stops take the category of their reason; a code that the catalogue has not is an unplanned stop. Stops count within shifts
    only; running outside them is an unscheduled run.

    Args:
        facts: rows of `described`.
        days: `Scope.days`.

    Returns:
        Columns of `Scope.calendar`.
    """
    spoken = on_windows(facts, days).where(_SPEAKS)
    claims = spoken.select(
        "window_id", "source_table", "source_key", "reason_code", "order_no", "source_ref", "event_start_at", "event_end_at",
        "maintenance", "stop_start_at", "stop_end_at", "is_overrun",
        F.greatest("from_at", "shift_start_at").alias("from_at"),
        F.least("to_at", "window_end_at").alias("to_at"),
        F.expr(_CATEGORY).alias("category"),
        F.expr("is_failure AND NOT is_overrun").alias("is_failure"),
        F.expr("CASE WHEN is_overrun AND reason_category = 'planned_down' THEN 'long' ELSE stop_class END").alias("stop_class"),
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
