"""Keep a table's metadata small: old snapshots leave it, no file is deleted.

At a commit every few seconds the metadata file, rewritten at each commit, would grow by gigabytes a day. History lives in
Nessie's commits and tags, which may still refer to the files; so files are never touched here.
"""

from __future__ import annotations

import time

from pyspark.sql import SparkSession

from lakehouse.model import Table
from lakehouse.nessie import Nessie
from lakehouse.spark.progress import loaded_table

KEPT = 100
SLACK = 100


def snapshot_count(spark: SparkSession, table: Table, branch: str = "main") -> int:
    """Return how many snapshots a table's metadata lists."""
    return sum(1 for _ in loaded_table(spark, table.at(branch)).snapshots())


def trim_snapshots(spark: SparkSession, nessie: Nessie, table: Table) -> int:
    """Drop all but the newest snapshots from a table's metadata once it lists many more; return how many were dropped.

    Nessie sets `gc.enabled=false`, without which expiry is refused; it is true on the branch only, so main never shows it.

    Raises:
        FencedError: the table was written meanwhile; the next call tries again.
    """
    before = snapshot_count(spark, table)
    if before <= KEPT + SLACK:
        return 0
    with nessie.work_branch("trim") as branch:
        name = table.at(branch)
        spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('gc.enabled'='true')")
        loaded_table(spark, name).expireSnapshots().retainLast(KEPT).expireOlderThan(int(time.time() * 1000)).cleanExpiredFiles(False).commit()
        spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('gc.enabled'='false')")
        nessie.merge(branch, f"keep the newest {KEPT} snapshots of {table.schema_name} in its metadata")
    return before - KEPT

