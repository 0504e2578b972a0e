"""gold.source_health: how fresh each silver table is at each site, and how many rows went where."""

from __future__ import annotations

from datetime import datetime
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.model import Table, quarantine_of
from lakehouse.quality.rules import settled
from lakehouse.tables import SILVER
from lakehouse.tables.gold import SOURCE_HEALTH

EVENT_AT = {
    "sensor_reading": "reading_at",
    "machine_interruption": "coalesce(end_at, start_at)",
    "machine_count": "reading_at",
    "production_event": "end_at",
    "confirmation": "coalesce(end_at, cast(posting_date AS timestamp))",
}
UNKNOWN_SITE = "unknown"


def source_health(spark: SparkSession, branch: str, as_of: datetime, revision: int, *, recount: bool) -> DataFrame:
    """Return the whole new content of gold.source_health.

    Args:
        spark: the session.
        branch: Nessie branch.
        as_of: knowledge time.
        revision: publication.
        recount: count append-only tables whole, too, instead of adding what was landed since the present content.
    """
    present = settled(spark.table(SOURCE_HEALTH.at(branch)))
    newest = present.groupBy("silver_table").agg(F.unix_micros(F.max("newest_landed_at")).alias("micros")).collect()
    counted = {} if recount else {row["silver_table"]: int(row["micros"]) for row in newest if row["micros"] is not None}
    parts = [_kept(spark, table, branch, present, counted.get(table.name)) for table in SILVER]
    kept = reduce(DataFrame.unionByName, parts)
    quarantined = reduce(DataFrame.unionByName, [_quarantined(spark, table, branch) for table in SILVER])
    promised = spark.createDataFrame([(t.name, t.fresh_within_s) for t in SILVER], "silver_table string, promised_within_s int")
    return settled(
        kept.join(quarantined, ["site_id", "silver_table"], "full")
        .join(F.broadcast(promised), ["silver_table"])
        .withColumn("kept_count", F.coalesce("kept_count", F.lit(0)))
        .withColumn("quarantined_count", F.coalesce("quarantined_count", F.lit(0)))
        .withColumn("quarantined_by_rule", F.coalesce("quarantined_by_rule", F.create_map().cast("map<string,bigint>")))
        .withColumn("revision", F.lit(revision))
        .withColumn("as_of", F.lit(as_of).cast("timestamp"))
    )


def _kept(spark: SparkSession, table: Table, branch: str, present: DataFrame, since_us: int | None) -> DataFrame:
    """Count a table's rows by site: all of them, or those landed after `since_us` added to the present counts.

    A table has one writer, whose landing times grow; so what was landed later is what was not counted yet.
    """
    rows = spark.table(table.at(branch))
    counted = since_us is not None and table.write == "append"
    if counted:
        rows = rows.where(F.col("landed_at") > F.timestamp_micros(F.lit(since_us)))
    columns = ("site_id", "newest_event_at", "newest_landed_at", "kept_count")
    found = rows.select(
        "site_id", F.expr(EVENT_AT[table.name]).alias("newest_event_at"), F.col("landed_at").alias("newest_landed_at"), F.lit(1).alias("kept_count")
    )
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
