"""Publish the stock of one day: under the lease of gold, on a branch, merged in one commit. Done again for a day it replaces that day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.crashpoints import crashpoint
from lakehouse.flow.audit import Audits, Expects
from lakehouse.flow.orders import sites_in, write_inventory
from lakehouse.flow.publish import last_publication
from lakehouse.nessie import Nessie
from lakehouse.plant import PlantModel
from lakehouse.tables.gold_orders import INVENTORY_AGE
from lakehouse.tables.silver_mes import STOCK_MOVEMENT


@dataclass(frozen=True)
class Stocked:
    """What was published: receipts of which something is left (or that went below zero), and sites."""

    receipt_count: int
    site_count: int


def publish_inventory(
    spark: SparkSession,
    nessie: Nessie,
    plant: PlantModel,
    day: dt.date,
    owner: str,
    *,
    ttl_s: int,
    wait_s: float,
    expects: Expects | None = None,
) -> Stocked | None:
    """Replace the stock of one day at every site that has stock movements; None when no site has.

    Args:
        spark: the session.
        nessie: the catalog's client.
        plant: the plant model; sites that it has not are left out.
        day: movements up to its end count.
        owner: who asks, for the lease.
        ttl_s: seconds after which a silent holder's lease may be taken.
        wait_s: seconds to wait for the lease.
        expects: further audits of the rows before they are published.

    Raises:
        AuditFailedError: nothing was published; the branch stays for inspection.
        LeaseHeldError: somebody else is publishing.
        FencedError: gold changed on main meanwhile; run it again.
    """
    with nessie.lease(owner, ttl_s, wait_s), nessie.work_branch("gold") as branch:
        sites = sites_in(spark, [STOCK_MOVEMENT], branch, plant.sites)
        if not sites:
            return None
        revision, as_of = last_publication(spark, branch).revision, dt.datetime.now(dt.UTC)
        audits = Audits(nessie, branch, f"stock of {day}", f"failed-stock-{day}", expects)
        write_inventory(spark, sites, day, audits, as_of, revision)
        rows = spark.table(INVENTORY_AGE.at(branch)).where(F.col("as_of_date") == F.lit(day)).count()
        crashpoint("inventory_before_merge")
        nessie.merge(branch, f"stock of {day}: {rows} receipts at {len(sites)} sites")
    return Stocked(rows, len(sites))
