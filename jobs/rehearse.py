"""Rehearse what the jobs do without any service, for the JVM's archive of classes: spark-submit jobs/rehearse.py FOLDER."""

import sys
from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.flow.job import run
from lakehouse.flow.rehearse import rehearse, settings_of
from lakehouse.plant import load_plant
from lakehouse.settings import HOME


def work() -> str:
    """Rehearse once in an empty folder; say what was made."""
    folder, builder = Path(sys.argv[1]), SparkSession.builder.appName("rehearse")
    for name, value in settings_of(folder).items():
        builder = builder.config(name, value)
    return rehearse(builder.getOrCreate(), load_plant([HOME / "conf" / "plant"]), folder)


if __name__ == "__main__":
    sys.exit(run(work))
