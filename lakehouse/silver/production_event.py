"""Rows of an MES production log to `silver.production_event`. Pure: bronze rows and plain values in, frames out."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.silver import cells
from lakehouse.silver.site_terms import Sites, is_known_machine, zone_of
from lakehouse.sources.contracts import BROKEN

EVENT_TYPES = {"D": "production", "S": "setup", "B": "breakdown"}


def candidates(rows: DataFrame, layouts: Sequence[str], sites: Sites) -> DataFrame:
    """Type the rows of a production log; nothing is dropped.

    Args:
        rows: bronze rows (`bronze.mes_production_log`).
        layouts: timestamp layouts of the contract; wall clock of the site unless a layout has an offset.
        sites: terms of every site among the rows.

    Returns:
        The columns of `silver.production_event` plus `early_rule`, `raw`, `origin` and `row_no`.
    """
    zone = zone_of(sites)
    start, end = cells.text("Start Timestamp"), cells.text("Complete Timestamp")
    typed = _with_key(rows).select(
        "event_key", "site_id",
        cells.text("Resource").alias("machine_id"),
        cells.text("Case ID").alias("order_no"),
        cells.text("Activity").alias("activity"),
        _event_type().alias("event_type"),
        cells.instant(start, layouts, zone).alias("start_at"),
        cells.instant(end, layouts, zone).alias("end_at"),
        cells.text("Part Desc.").alias("part_no"),
        cells.quantity(cells.text("Qty Completed")).alias("completed_qty"),
        cells.quantity(cells.text("Qty Rejected")).alias("rejected_qty"),
        cells.quantity(cells.text("Qty for MRB")).alias("mrb_qty"),
        F.coalesce(F.upper(cells.text("Rework")) == "Y", F.lit(False)).alias("is_rework"),
        F.coalesce(cells.clock_rule(start, layouts, zone), cells.clock_rule(end, layouts, zone)).alias("clock_rule"),
        cells.text(BROKEN).alias("broken"),
        F.to_json("cells").alias("raw"),
        cells.origin().alias("origin"),
        cells.origin().alias("source_ref"),
        "landed_at", "row_no",
    )  # fmt: skip
    return typed.withColumn("early_rule", _early_rule(sites)).drop("broken", "clock_rule")


def _event_type() -> Column:
    code = cells.text("Report Type")
    known = F.create_map(*(F.lit(part) for pair in EVENT_TYPES.items() for part in pair))
    return F.try_element_at(known, code)


def _early_rule(sites: Sites) -> Column:
    unknown_machine = F.when(~is_known_machine(F.col("machine_id"), sites), F.lit("unknown_machine"))
    unknown_type = F.when(F.col("event_type").isNull(), F.lit("event_type"))
    return F.coalesce(F.col("broken"), unknown_machine, unknown_type, F.col("clock_rule"))


def _with_key(rows: DataFrame) -> DataFrame:
    """Add `event_key`: hash of the cells and the row's number among identical rows of its file."""
    entries = F.array_sort(F.map_entries("cells"))
    content = F.sha2(F.to_json(entries), 256)
    twins = Window.partitionBy("file_sha256", "content").orderBy("sheet", "row_no")
    numbered = rows.withColumn("content", content).withColumn("ordinal", F.row_number().over(twins))
    return numbered.withColumn("event_key", F.sha2(F.concat_ws("#", "content", F.col("ordinal").cast("string")), 256))
