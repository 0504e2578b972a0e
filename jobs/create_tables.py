"""Create or evolve every declared table: spark-submit jobs/create_tables.py."""

import sys

from lakehouse.flow.job import run
from lakehouse.settings import Settings
from lakehouse.spark.ddl import ensure_tables
from lakehouse.spark.session import session
from lakehouse.tables import ALL


def work() -> str:
    """Create what is missing; say how much changed."""
    spark = session(Settings(), "create_tables")
    changed = ensure_tables(spark, ALL)
    return f"{len(ALL)} tables, {len(changed)} statements"


if __name__ == "__main__":
    sys.exit(run(work))
