"""What was planned beside what was made: by item, station, date, hour and work order, and distinct boards of an item a day. Pure.

A plan slot may be planned in several portions, which are summed. A result is a scan, and a board has many: boards are counted distinct.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

SLOT = ("site_id", "item_no", "station", "slot_date", "slot_hour", "work_order_no")
PASSED = "status = 'passed'"


def plan_adherence(plan: DataFrame, results: DataFrame, orders: DataFrame, zones: DataFrame) -> DataFrame:
    """Return gold.plan_adherence but revision and as_of: full outer, so that nothing planned and nothing made is lost.

    Args:
        plan: silver.production_plan.
        results: silver.production_result.
        orders: silver.work_order; its key is unique, so that the join does not fan out.
        zones: site_id, zone.
    """
    portions = plan.withColumn("slot_date", F.col("plan_date")).groupBy(*SLOT)
    summed = F.sum("planned_qty").cast("decimal(18,3)").alias("planned_qty")
    wanted = portions.agg(summed, F.sum("break_min").alias("break_min"), F.count("*").alias("portion_count"))
    made = (
        with_item(results, orders, zones)
        .groupBy(*SLOT)
        .agg(
            F.countDistinct(F.expr(f"CASE WHEN {PASSED} THEN board_id END")).alias("board_count"),
            F.countDistinct(F.expr(f"CASE WHEN NOT ({PASSED}) THEN board_id END")).alias("failed_board_count"),
            F.count("*").alias("scan_count"),
        )
    )
    left, right = wanted.alias("p"), made.alias("m")
    same = F.expr(" AND ".join(f"p.{name} <=> m.{name}" for name in SLOT))
    joined = left.join(right, same, "full")
    placed = joined.select(
        *(F.coalesce(f"p.{name}", f"m.{name}").alias(name) for name in SLOT),
        "planned_qty",
        "break_min",
        *(F.coalesce(name, F.lit(0)).alias(name) for name in ("portion_count", "board_count", "failed_board_count", "scan_count")),
    )
    return placed.join(F.broadcast(zones), "site_id")


def with_item(results: DataFrame, orders: DataFrame, zones: DataFrame) -> DataFrame:
    """Return results with the item of their work order, and date and hour on the plant's wall clock.

    The item is NULL where the work order is unknown.
    """
    items = orders.select("site_id", "work_order_no", "item_no")
    local = F.from_utc_timestamp("inspected_at", F.col("zone"))
    placed = results.join(F.broadcast(zones), "site_id").withColumns({"slot_date": F.to_date(local), "slot_hour": F.hour(local)})
    return placed.join(items, ["site_id", "work_order_no"], "left")


def item_day(results: DataFrame, orders: DataFrame, zones: DataFrame) -> DataFrame:
    """Return gold.item_day but revision and as_of: distinct boards of each item and day, wherever they were scanned."""
    found = with_item(results, orders, zones).groupBy("site_id", "item_no", F.col("slot_date").alias("production_date"))
    return found.agg(
        F.countDistinct(F.expr(f"CASE WHEN {PASSED} THEN board_id END")).alias("board_count"),
        F.countDistinct("work_order_no").alias("work_order_count"),
        F.count("*").alias("scan_count"),
    )
