"""What a table's own history says about how far it got: snapshot summaries, never a checkpoint."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import SparkSession

from lakehouse.model import Table

PROGRESS = "lakehouse.progress"


def last_progress(spark: SparkSession, table: Table, branch: str) -> dict[str, Any] | None:
    """Return the newest `lakehouse.progress` of a table's snapshots on a branch, as decoded JSON; None if none has it.

    A compaction writes a snapshot without it, so the parents are walked.
    """
    loaded = loaded_table(spark, table.at(branch))
    snapshot = loaded.currentSnapshot()
    while snapshot is not None:
        text = snapshot.summary().get(PROGRESS)
        if text is not None:
            found: dict[str, Any] = json.loads(text)
            return found
        parent = snapshot.parentId()
        snapshot = loaded.snapshot(parent) if parent is not None else None
    return None


def record_count(spark: SparkSession, table: Table, branch: str) -> int:
    """Return how many rows a table has on a branch, by its newest snapshot's own count; nothing of it is read."""
    snapshot = loaded_table(spark, table.at(branch)).currentSnapshot()
    return int(snapshot.summary().get("total-records") or 0) if snapshot is not None else 0


def loaded_table(spark: SparkSession, name: str) -> Any:
    """Return Iceberg's own object of a table, freshly loaded."""
    jvm: Any = spark._jvm
    java_session: Any = spark._jsparkSession
    return jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(java_session, name)
