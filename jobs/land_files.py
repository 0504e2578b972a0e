"""Land the files of one source: spark-submit jobs/land_files.py --source confirmations|mes-production-log [--run-id RUN]."""

import argparse
import sys
import uuid
from datetime import UTC, datetime

from lakehouse.bronze.landing_zone import LandingZone
from lakehouse.flow.job import run
from lakehouse.flow.land_files import FileLanding
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources
from lakehouse.spark.session import session


def work() -> str:
    """Land and conform what is new; say what became of each object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="name of the source in conf/sources.yaml")
    parser.add_argument("--run-id", default="", help="name of the run; a recorded one is repeated, which changes nothing")
    asked, settings = parser.parse_args(), Settings()
    contract, plant = load_sources().contract(asked.source), load_plant(settings.plant_folders)
    spark, zone, nessie = session(settings, f"land {asked.source}"), LandingZone(settings), Nessie(settings.nessie_api)
    landing = FileLanding(spark, nessie, zone, asked.source, contract, plant)
    report = landing.run(asked.run_id or f"by-hand-{uuid.uuid4().hex[:12]}", datetime.now(UTC))
    return "\n".join(report.lines())


if __name__ == "__main__":
    sys.exit(run(work))
