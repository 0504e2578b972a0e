"""Stock on hand at the end of a day: spark-submit jobs/inventory.py --date 2026-11-20 [--wait SECONDS]."""

import argparse
import sys
from datetime import date

from lakehouse.flow.inventory import publish_inventory
from lakehouse.flow.job import run
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.quality.expectations import expected
from lakehouse.settings import Settings
from lakehouse.spark.session import session


def work() -> str:
    """Replace the stock of one day; say how many receipts are left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="the day: movements up to its end count")
    parser.add_argument("--wait", type=float, default=120, help="seconds to wait for another publication to end")
    asked, settings = parser.parse_args(), Settings()
    spark, plant, nessie = session(settings, "inventory"), load_plant(settings.plant_folders), Nessie(settings.nessie_api)
    waits = {"ttl_s": settings.lease_ttl_s, "wait_s": asked.wait}
    done = publish_inventory(spark, nessie, plant, asked.date, "inventory job", **waits, expects=expected)
    return f"stock of {asked.date}: {done.receipt_count} receipts at {done.site_count} sites" if done else f"stock of {asked.date}: no site has any"


if __name__ == "__main__":
    sys.exit(run(work))
