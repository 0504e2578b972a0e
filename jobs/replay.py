"""Conform files of a source again: spark-submit jobs/replay.py --source NAME [--file SHA ...] [--from INSTANT] [--to INSTANT]."""

import argparse
import sys
from datetime import UTC, datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.flow.job import run
from lakehouse.flow.replay import replay
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources
from lakehouse.spark.session import session
from lakehouse.tables.ops import LANDING


def landed_between(spark: SparkSession, source: str, from_at: datetime, to_at: datetime) -> list[str]:
    """Return the files of a source that were landed in `[from_at, to_at)`."""
    at = F.col("landed_at")
    chosen = (F.col("source") == source) & (F.col("status") == "landed") & (at >= F.lit(from_at)) & (at < F.lit(to_at))
    return sorted({row["file_sha256"] for row in spark.table(LANDING.on_main).where(chosen).select("file_sha256").collect()})


def work() -> str:
    """Conform again what is asked for; say what became of the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="name of the source in conf/sources.yaml")
    parser.add_argument("--file", action="append", default=[], help="SHA-256 of a file; none: all of the source")
    parser.add_argument("--from", dest="from_at", type=datetime.fromisoformat, help="only files landed since (with offset)")
    parser.add_argument("--to", dest="to_at", type=datetime.fromisoformat, help="only files landed before (with offset)")
    asked, settings, files = (given := parser.parse_args()), Settings(), list(given.file)
    contract, plant, spark = load_sources().contract(asked.source), load_plant(settings.plant_folders), session(settings, "replay")
    if asked.from_at or asked.to_at:
        ever = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
        between = landed_between(spark, asked.source, asked.from_at or ever[0], asked.to_at or ever[1])
        files = [sha for sha in between if not files or sha in files]
        if not files:
            return f"replay of {asked.source}: no file was landed then"
    return "\n".join(replay(spark, Nessie(settings.nessie_api), plant, asked.source, contract, datetime.now(UTC), files))


if __name__ == "__main__":
    sys.exit(run(work))
