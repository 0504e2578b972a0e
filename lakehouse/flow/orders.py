"""Gold of orders, plan and stock on a branch: rebuilt whole for each site whose dumps or confirmations changed, stock for one day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.flow.audit import Audits
from lakehouse.flow.summarise import MachineShift
from lakehouse.flow.touched import Extent, machine_shifts
from lakehouse.gold.inventory_age import inventory_age
from lakehouse.gold.order_progress import order_progress
from lakehouse.gold.plan_adherence import item_day, plan_adherence
from lakehouse.model import Table
from lakehouse.plant import PlantModel
from lakehouse.quality.keys import unique_on
from lakehouse.tables import silver
from lakehouse.tables.gold_orders import INVENTORY_AGE, ITEM_DAY, ORDER_PROGRESS, ORDER_RECONCILIATION, PLAN_ADHERENCE
from lakehouse.tables.silver_mes import ERP_ITEM_ROW, PRODUCTION_PLAN, PRODUCTION_RESULT, ROUTING_STAGE, STOCK_MOVEMENT, WORK_ORDER

OF_PLAN = (PRODUCTION_PLAN, PRODUCTION_RESULT, WORK_ORDER)
OF_ORDERS = (*OF_PLAN, ROUTING_STAGE, silver.CONFIRMATION)
TELLERS = frozenset({"production_event", "confirmation"})
"""Sources that come as files; a machine-shift is reconciled once one of them has spoken of it."""


def sites_of(extents: Iterable[Extent], tables: Sequence[Table]) -> list[str]:
    """Return the sites of which one of the tables was touched, in order."""
    names = {table.name for table in tables}
    return sorted({each.site_id for each in extents if each.silver_table in names})


def sites_in(spark: SparkSession, tables: Sequence[Table], branch: str, among: Iterable[str]) -> list[str]:
    """Return the sites that have rows in any of the tables, those `among` only."""
    found = {row["site_id"] for table in tables for row in spark.table(table.at(branch)).select("site_id").distinct().collect()}
    return sorted(found & set(among))


def shifts_to_reconcile(spark: SparkSession, plant: PlantModel, extents: Sequence[Extent], as_of: dt.datetime, branch: str) -> list[MachineShift]:
    """Return the machine-shifts that files spoke of, and those of touched counters that are reconciled already."""
    told = machine_shifts(plant, [each for each in extents if each.silver_table in TELLERS], as_of, all_sources=True)
    counted = machine_shifts(plant, [each for each in extents if each.silver_table == "machine_count"], as_of, all_sources=True)
    if not counted:
        return told
    dates = sorted({each.window.shift_date for each in counted})
    near = spark.table(ORDER_RECONCILIATION.at(branch)).where(F.col("shift_date").between(F.lit(dates[0]), F.lit(dates[-1])))
    rows = near.select("site_id", "machine_id", "shift_date", "shift_id").distinct().collect()
    known = {tuple(row) for row in rows}
    again = [each for each in counted if (each.site_id, each.machine_id, each.window.shift_date, each.window.shift_id) in known]
    return sorted({*told, *again}, key=lambda each: (each.site_id, each.machine_id, each.window.start_at))


def write_orders(
    spark: SparkSession, plant: PlantModel, planned: Sequence[str], ordered: Sequence[str], audits: Audits, as_of: dt.datetime, revision: int
) -> None:
    """Rebuild plan adherence and item days of some sites, and order progress of others.

    Args:
        spark: the session.
        plant: the plant model; it must know the sites.
        planned: sites whose plan, results or work orders changed.
        ordered: sites of which anything that speaks of orders changed.
        audits: audits of the publication; its branch is read from and written to.
        as_of: knowledge time.
        revision: number of the publication.

    Raises:
        AuditFailedError: nothing of the table was written.
        KeyNotUniqueError: a table that is joined by its key has a key twice.
    """

    def of(table: Table, sites: Sequence[str]) -> DataFrame:
        return spark.table(table.at(audits.branch)).where(F.col("site_id").isin(list(sites)))

    def replaced(rows: DataFrame, table: Table, sites: Sequence[str]) -> None:
        audits.replace(_stamped(rows, as_of, revision), table, _of_sites(sites))

    if planned:
        zones = spark.createDataFrame([(site, plant.site(site).zone) for site in planned], "site_id string, zone string")
        orders = unique_on(of(WORK_ORDER, planned), WORK_ORDER)
        replaced(plan_adherence(of(PRODUCTION_PLAN, planned), of(PRODUCTION_RESULT, planned), orders, zones), PLAN_ADHERENCE, planned)
        replaced(item_day(of(PRODUCTION_RESULT, planned), orders, zones), ITEM_DAY, planned)
    if ordered:
        sources = (WORK_ORDER, PRODUCTION_PLAN, PRODUCTION_RESULT, ROUTING_STAGE, silver.CONFIRMATION)
        replaced(order_progress(*(of(table, ordered) for table in sources)), ORDER_PROGRESS, ordered)


def write_inventory(spark: SparkSession, sites: Sequence[str], day: dt.date, audits: Audits, as_of: dt.datetime, revision: int) -> None:
    """Replace the stock of one day at some sites.

    Raises:
        AuditFailedError: nothing was written.
    """
    movements, costs = (spark.table(table.at(audits.branch)).where(F.col("site_id").isin(list(sites))) for table in (STOCK_MOVEMENT, ERP_ITEM_ROW))
    rows = _stamped(inventory_age(movements, costs, day), as_of, revision)
    audits.replace(rows, INVENTORY_AGE, f"{_of_sites(sites)} AND as_of_date = date'{day.isoformat()}'")


def _of_sites(sites: Sequence[str]) -> str:
    return f"site_id IN ({', '.join(repr(site) for site in sites)})"


def _stamped(rows: DataFrame, as_of: dt.datetime, revision: int) -> DataFrame:
    return rows.withColumn("revision", F.lit(revision)).withColumn("as_of", F.lit(as_of))
