"""Trim and compact what is old: spark-submit jobs/maintain.py."""

import sys

from lakehouse.flow.job import run
from lakehouse.flow.maintain import maintain
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.spark.session import session


def work() -> str:
    """Mend every table that needs it; say what was done."""
    settings = Settings()
    return "\n".join(maintain(session(settings, "maintain"), Nessie(settings.nessie_api), settings))


if __name__ == "__main__":
    sys.exit(run(work))
