"""One order in one machine-shift as three sources tell it: counter, MES and confirmation, side by side; none corrects another. Pure."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold.counters import share
from lakehouse.gold.spans import on_windows

SOURCES = ("counter", "mes", "confirmation")
KEY = ("window_id", "order_no")
PIECES = "decimal(18,6)"


def order_reconciliation(pieces: DataFrame, confirmed: DataFrame, windows: DataFrame, days: DataFrame) -> DataFrame:
    """Return gold.order_reconciliation but revision and as_of.

    Args:
        pieces: union of `quantities.of_counters` and `quantities.of_events`.
        confirmed: silver.confirmation joined with its window.
        windows: `Scope.windows`.
        days: `Scope.days`.

    Returns:
        A row for each order that any source names in a machine-shift; pieces without an order stand under NULL. A source that says
        nothing of the order there is NULL, which is not zero. Second passes are left out: they make nothing new.
    """
    told = _told(pieces, days).unionByName(_confirmed(confirmed))
    parts = [
        F.sum(F.expr(f"CASE WHEN source = '{source}' THEN {kind}_count END")).cast(PIECES).alias(f"{source}_{kind}_count")
        for source in SOURCES
        for kind in ("good", "scrap", "rework")
    ]
    summed = told.groupBy(*KEY).agg(*parts, F.bool_or(F.coalesce("is_reset", F.lit(False))).alias("is_counter_reset"))
    totals = {
        f"{source}_count": F.expr(f"cast({source}_good_count + {source}_scrap_count + {source}_rework_count AS {PIECES})") for source in SOURCES
    }
    compared = summed.withColumns(totals).withColumns({"lowest": F.least(*totals), "highest": F.greatest(*totals)})
    columns = ("window_id", "site_id", "machine_id", "line_id", "shift_date", "shift_id", "shift_start_at", "reconciliation_ratio")
    placed = compared.join(F.broadcast(windows.select(*columns)), "window_id")
    return placed.withColumns(
        {
            "source_count": F.expr(f"size(filter(array({', '.join(totals)}), c -> c IS NOT NULL))"),
            "difference_count": F.expr(f"cast(highest - lowest AS {PIECES})"),
            "tolerance_count": F.expr(f"cast(greatest(1, highest * reconciliation_ratio) AS {PIECES})"),
        }
    ).drop("window_id", "lowest", "highest", "reconciliation_ratio")


def _told(pieces: DataFrame, days: DataFrame) -> DataFrame:
    """Pieces of counters and MES operations in their windows, split by elapsed time at the edges."""
    rows = on_windows(pieces.where("NOT is_rework"), days)
    named = {"good_count": share("good"), "scrap_count": share("scrap"), "rework_count": share("rework")}
    return rows.withColumns(named).select(*KEY, "source", *named, "is_reset")


def _confirmed(confirmed: DataFrame) -> DataFrame:
    rows = confirmed.where("NOT is_rework AND NOT is_idle").withColumns({"source": F.lit("confirmation"), "is_reset": F.lit(False)})
    sent = (F.col(f"{kind}_qty").cast(PIECES).alias(f"{kind}_count") for kind in ("good", "scrap", "rework"))
    return rows.select(*KEY, "source", *sent, "is_reset")
