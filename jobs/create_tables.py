"""Create or evolve every declared table: spark-submit jobs/create_tables.py."""

import sys

from lakehouse.flow.job import run
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources
from lakehouse.sources.tables import all_tables
from lakehouse.spark.ddl import ensure_tables
from lakehouse.spark.session import session


def work() -> str:
    """Create what is missing; say how much changed."""
    spark = session(Settings(), "create_tables")
    tables = all_tables(load_sources())
    changed = ensure_tables(spark, tables)
    return f"{len(tables)} tables, {len(changed)} statements"


if __name__ == "__main__":
    sys.exit(run(work))
