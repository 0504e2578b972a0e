"""Writes to a Nessie branch: append, merge by key, replace what was touched. Readers see nothing before the merge."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from pyspark.sql import DataFrame

from lakehouse.model import Table
from lakehouse.spark.schema import shaped

NONE: Mapping[str, str] = {}


def append(rows: DataFrame, table: Table, branch: str, properties: Mapping[str, str] = NONE) -> None:
    """Append rows to a table on a branch.

    Args:
        rows: at least the table's columns.
        table: where to.
        branch: Nessie branch.
        properties: put into the snapshot's summary under these names.
    """
    writer = shaped(rows, table).writeTo(table.at(branch))
    for key, value in properties.items():
        writer = writer.option(f"snapshot-property.{key}", value)
    writer.append()


def _merge_head(rows: DataFrame, table: Table, branch: str) -> tuple[str, str]:
    view = f"merge_{uuid.uuid4().hex[:12]}"
    # Iceberg's rewrite copies the source's plan into a subquery, where a plan that reads the target again no longer resolves.
    shaped(rows, table).localCheckpoint().createOrReplaceTempView(view)
    matches = " AND ".join(f"t.`{name}` = s.`{name}`" for name in table.key)
    return view, f"MERGE INTO {table.at(branch)} t USING {view} s ON {matches}"


def merge_by_key(rows: DataFrame, table: Table, branch: str) -> None:
    """Insert rows, or replace those with the same key, on a branch. Keys in `rows` must be unique and not NULL."""
    view, head = _merge_head(rows, table, branch)
    session = rows.sparkSession
    session.sql(f"{head} WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
    session.catalog.dropTempView(view)


def delete_by_key(rows: DataFrame, table: Table, branch: str) -> None:
    """Delete the rows whose key is among `rows`, on a branch."""
    view, head = _merge_head(rows, table, branch)
    session = rows.sparkSession
    session.sql(f"{head} WHEN MATCHED THEN DELETE")
    session.catalog.dropTempView(view)


def replace_touched(rows: DataFrame, table: Table, branch: str, touched: str) -> None:
    """Make the touched part of a table equal to `rows`, on a branch: what is gone from `rows` is gone from the table.

    Deletes by predicate and appends: only files that hold touched rows are rewritten, and both are one step for readers
    because they see the branch's merge only.

    Args:
        rows: the new content of the touched part.
        table: where to.
        branch: Nessie branch.
        touched: SQL condition over the table's columns; the table is named `t` there.
    """
    rows.sparkSession.sql(f"DELETE FROM {table.at(branch)} t WHERE {touched}")  # noqa: S608 - a declared table, a condition of ours
    append(rows, table, branch)
