"""Publish gold: branch, audit, merge. spark-submit jobs/publish.py [--wait SECONDS] [--rebuild]."""

import argparse
import sys

from lakehouse.flow.job import run
from lakehouse.flow.publish import publish
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.quality.expectations import expected
from lakehouse.settings import Settings
from lakehouse.spark.session import session


def work() -> str:
    """Publish once; say what was rebuilt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wait", type=float, default=120, help="seconds to wait for another publication to end")
    parser.add_argument("--rebuild", action="store_true", help="redo all machine-shifts, not only touched ones")
    parser.add_argument("--owner", default="publish job", help="who asks; recorded with the publication")
    asked, settings = parser.parse_args(), Settings()
    spark, plant = session(settings, "publish"), load_plant(settings.plant_folders)
    nessie = Nessie(settings.nessie_api)
    done = publish(spark, nessie, plant, asked.owner, ttl_s=settings.lease_ttl_s, wait_s=asked.wait, rebuild=asked.rebuild, expects=expected)
    if done is None:
        return "nothing to publish"
    return f"published revision {done.revision}: {done.machine_shift_count} machine-shifts, {done.temperature_extent_count} temperature extents"


if __name__ == "__main__":
    sys.exit(run(work))
