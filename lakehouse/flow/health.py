"""gold.source_health: how fresh each silver table is at each site, and how many rows went where."""

from __future__ import annotations

from datetime import datetime
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.model import Table, quarantine_of
from lakehouse.quality.rules import settled
from lakehouse.tables import SILVER
from lakehouse.tables.gold import MACHINE_SHIFT, SOURCE_HEALTH

EVENT_AT = {
    "sensor_reading": "reading_at",
    "machine_interruption": "coalesce(end_at, start_at)",
    "machine_count": "reading_at",
    "production_event": "end_at",
    "confirmation": "coalesce(end_at, cast(posting_date AS timestamp))",
    "production_plan": "cast(plan_date AS timestamp)",
    "production_result": "inspected_at",
    "work_order": "greatest(created_at, started_at, ended_at)",
    "stock_movement": "cast(registered_date AS timestamp)",
}
"""When a row of a table happened; of master data nothing happens."""
NOTHING = "cast(NULL AS timestamp)"
UNKNOWN_SITE = "unknown"
SEEN_WITHIN_S = MACHINE_SHIFT.fresh_within_s or 0
"""Gold, which knows the newest row, may itself be as old as it promises: seconds."""
PROMISED = {"promised_within_s": "int", "allowed_s": "int", "is_event": "boolean"}
"""Columns that follow from the tables' declarations, with their types."""
PROMISES = [(t.name, t.fresh_within_s, None if t.fresh_within_s is None else t.fresh_within_s + SEEN_WITHIN_S, t.write == "merge") for t in SILVER]
"""Each silver table with its values of PROMISED: rows that are replaced by their later versions are things that happen."""


def source_health(spark: SparkSession, branch: str, as_of: datetime, revision: int, written: frozenset[str] | None) -> DataFrame:
    """Return the whole new content of gold.source_health.

    Args:
        spark: the session.
        branch: Nessie branch.
        as_of: knowledge time.
        revision: publication.
        written: names of the silver tables that were written since the present content was counted; the others are as they were.
            None counts all of them whole.
    """
    present = settled(spark.table(SOURCE_HEALTH.at(branch)).drop(*PROMISED))
    newest = present.groupBy("silver_table").agg(F.unix_micros(F.max("newest_landed_at")).alias("micros")).collect()
    counted = {} if written is None else {row["silver_table"]: int(row["micros"]) for row in newest if row["micros"] is not None}
    again = [table for table in SILVER if written is None or table.name in written]
    rest = present.where(~F.col("silver_table").isin([table.name for table in again]) if again else F.lit(True))
    stamps = {"revision": F.lit(revision), "as_of": F.lit(as_of).cast("timestamp")}
    if not again:
        return settled(with_promises(rest.withColumns(stamps)))
    kept = reduce(DataFrame.unionByName, [_kept(spark, table, branch, present, counted.get(table.name)) for table in again])
    quarantined = reduce(DataFrame.unionByName, [_quarantined(spark, table, branch) for table in again])
    found = (
        kept.join(quarantined, ["site_id", "silver_table"], "full")
        .withColumn("kept_count", F.coalesce("kept_count", F.lit(0)))
        .withColumn("quarantined_count", F.coalesce("quarantined_count", F.lit(0)))
        .withColumn("quarantined_by_rule", F.coalesce("quarantined_by_rule", F.create_map().cast("map<string,bigint>")))
    )
    return settled(with_promises(found.withColumns(stamps).unionByName(rest.withColumns(stamps))))


def with_promises(rows: DataFrame) -> DataFrame:
    """Return rows with what is declared of their `silver_table` today, whenever they were counted; what is no longer declared promises nothing."""
    schema = ", ".join(f"{name} {kind}" for name, kind in {"silver_table": "string", **PROMISED}.items())
    return rows.join(F.broadcast(rows.sparkSession.createDataFrame(PROMISES, schema)), ["silver_table"], "left")


def _kept(spark: SparkSession, table: Table, branch: str, present: DataFrame, since_us: int | None) -> DataFrame:
    """Count a table's rows by site: all of them, or those landed after `since_us` added to the present counts.

    A table has one writer, whose landing times grow; so what was landed later is what was not counted yet.
    """
    rows = spark.table(table.at(branch))
    counted = since_us is not None and table.write == "append"
    if counted:
        rows = rows.where(F.col("landed_at") > F.timestamp_micros(F.lit(since_us)))
    columns = ("site_id", "newest_event_at", "newest_landed_at", "kept_count")
    happened = F.expr(EVENT_AT.get(table.name, NOTHING)).alias("newest_event_at")
    found = rows.select("site_id", happened, F.col("landed_at").alias("newest_landed_at"), F.lit(1).alias("kept_count"))
    if counted:
        found = found.unionByName(present.where(F.col("silver_table") == table.name).select(*columns))
    return found.groupBy("site_id", F.lit(table.name).alias("silver_table")).agg(
        F.max("newest_event_at").alias("newest_event_at"),
        F.max("newest_landed_at").alias("newest_landed_at"),
        F.sum("kept_count").alias("kept_count"),
    )


def _quarantined(spark: SparkSession, table: Table, branch: str) -> DataFrame:
    rows = spark.table(quarantine_of(table).at(branch)).groupBy(F.coalesce("site_id", F.lit(UNKNOWN_SITE)).alias("site_id"), "rule")
    by_rule = rows.agg(F.count(F.lit(1)).alias("rows")).groupBy("site_id")
    return by_rule.agg(
        F.sum("rows").alias("quarantined_count"), F.map_from_entries(F.collect_list(F.struct("rule", "rows"))).alias("quarantined_by_rule")
    ).withColumn("silver_table", F.lit(table.name))
