"""How far each order is: ordered, planned, through its last stage, confirmed. Pure.

An order of several operations is confirmed once for each: what is done is what its last operation confirmed, never their sum.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

ORDER = ("site_id", "work_order_no")
QTY = "decimal(18,3)"


def order_progress(orders: DataFrame, plan: DataFrame, results: DataFrame, stages: DataFrame, confirmations: DataFrame) -> DataFrame:
    """Return gold.order_progress but revision and as_of: every order that any table speaks of.

    Args:
        orders: silver.work_order.
        plan: silver.production_plan.
        results: silver.production_result.
        stages: silver.routing_stage.
        confirmations: silver.confirmation.
    """
    parts = [_planned(plan), _scanned(results, stages), _confirmed(confirmations)]
    own = orders.select(*ORDER, "item_no", "ordered_qty", "planned_start_at", "planned_end_at", "started_at", "ended_at", "is_blocked", "is_closed")
    return reduce(lambda left, right: left.join(right, list(ORDER), "full"), parts, own.withColumn("is_known", F.lit(True))).withColumns(
        {
            "is_known": F.coalesce("is_known", F.lit(False)),
            "board_count": F.coalesce("board_count", F.lit(0)),
            "last_stage_board_count": F.coalesce("last_stage_board_count", F.lit(0)),
        }
    )


def _planned(plan: DataFrame) -> DataFrame:
    named = plan.where("work_order_no IS NOT NULL")
    return named.groupBy(*ORDER).agg(F.sum("planned_qty").cast(QTY).alias("planned_qty"))


def _scanned(results: DataFrame, stages: DataFrame) -> DataFrame:
    """Distinct passed boards of an order at any stage, and at its last one where the routing is known."""
    last = stages.groupBy(*ORDER).agg(F.max_by("routing_stage_id", "stage_no").alias("last_stage_id"))
    passed = results.where("status = 'passed' AND work_order_no IS NOT NULL").join(last, list(ORDER), "left")
    return passed.groupBy(*ORDER).agg(
        F.countDistinct("board_id").alias("board_count"),
        F.countDistinct(F.expr("CASE WHEN routing_stage_id = last_stage_id THEN board_id END")).alias("last_stage_board_count"),
        F.max("last_stage_id").alias("last_stage_id"),
        F.max("inspected_at").alias("last_scan_at"),
    )


def _confirmed(confirmations: DataFrame) -> DataFrame:
    """What the last operation of each order confirmed; a source without operations confirms the order as a whole."""
    named = confirmations.where("order_no IS NOT NULL AND NOT is_rework").withColumn("work_order_no", F.col("order_no"))
    sums = (F.sum(name).cast(QTY).alias(f"confirmed_{name}") for name in ("good_qty", "scrap_qty", "rework_qty"))
    shots = F.sum("shot_count").alias("shot_count")
    by_operation = named.groupBy(*ORDER, "operation_no").agg(*sums, shots, F.max("posting_date").alias("last_posting_date"))
    of_order = Window.partitionBy(*ORDER)
    last = of_order.orderBy(F.lpad("operation_no", 20, "0").desc_nulls_last())
    ranked = by_operation.withColumns({"nth": F.row_number().over(last), "operation_count": F.count("operation_no").over(of_order)})
    return ranked.where("nth = 1").drop("nth").withColumnRenamed("operation_no", "last_operation_no")
