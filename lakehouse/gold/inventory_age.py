"""Stock on hand by receipt as of a date: first in, first out. Pure.

Movements between bins do not change what an item has; they are left out, and an item of which they do not cancel out is flagged.
"""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

ITEM = ("site_id", "item_no")
QTY = "decimal(18,3)"


def inventory_age(movements: DataFrame, costs: DataFrame, as_of_date: dt.date) -> DataFrame:
    """Return gold.inventory_age but revision and as_of: what is left of each receipt at the end of a day.

    Args:
        movements: silver.stock_movement.
        costs: silver.erp_item_row; an item has many rows there, so its cost counts only where all of them agree.
        as_of_date: movements up to this day count.

    Returns:
        One row for each receipt of which something is left, and one row of remaining 0 with a flag for each item that went below zero.
    """
    known = movements.where(F.col("registered_date") <= F.lit(as_of_date))
    sums = known.groupBy(*ITEM).agg(
        F.sum(F.expr("CASE WHEN entry_type = 'outbound' THEN -moved_base_qty ELSE 0 END")).cast(QTY).alias("out_qty"),
        F.sum(F.expr("CASE WHEN entry_type = 'movement' THEN moved_base_qty ELSE 0 END")).cast(QTY).alias("moved_qty"),
        F.sum(F.expr("CASE WHEN entry_type = 'inbound' THEN moved_base_qty ELSE 0 END")).cast(QTY).alias("in_qty"),
    )
    receipts = known.where("entry_type = 'inbound'").groupBy(*ITEM, F.col("registered_date").alias("received_date"))
    layers = receipts.agg(F.sum("moved_base_qty").cast(QTY).alias("received_qty"))
    first = Window.partitionBy(*ITEM).orderBy("received_date")
    so_far = F.sum("received_qty").over(first.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    left = layers.withColumn("received_so_far_qty", so_far.cast(QTY)).join(sums, list(ITEM))
    remaining = F.expr(f"cast(greatest(0, least(received_qty, received_so_far_qty - out_qty)) AS {QTY})")
    flags = "CASE WHEN moved_qty != 0 THEN 'MOVEMENT_UNBALANCED' END, CASE WHEN out_qty > in_qty THEN 'BELOW_ZERO' END"
    aged = left.withColumn("remaining_qty", remaining).withColumn("flags", F.expr(f"filter(array({flags}), f -> f IS NOT NULL)"))
    shown = aged.withColumn("nth", F.row_number().over(first)).where("remaining_qty > 0 OR size(flags) > 0 AND nth = 1")
    return _valued(shown, costs).withColumns({"as_of_date": F.lit(as_of_date), "age_d": F.datediff(F.lit(as_of_date), "received_date")})


def _valued(layers: DataFrame, costs: DataFrame) -> DataFrame:
    """Add unit cost and value; NULL with a reason where the item has no cost, or several."""
    agreed = costs.where("unit_cost IS NOT NULL").groupBy(*ITEM).agg(F.min("unit_cost").alias("low"), F.max("unit_cost").alias("high"))
    found = layers.join(agreed, list(ITEM), "left").withColumn("unit_cost", F.expr("CASE WHEN low = high THEN low END"))
    return found.withColumns(
        {
            "stock_value": F.expr("cast(remaining_qty * unit_cost AS decimal(38,9))"),
            "value_null_reason": F.expr("CASE WHEN low IS NULL THEN 'NO_COST' WHEN low != high THEN 'COST_AMBIGUOUS' END"),
        }
    )
