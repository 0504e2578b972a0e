"""Rows that may come again: what is new, what was said before, what a later file has replaced, what was taken back. Pure.

A row is known by its table's key. The row that arrived last counts: files in the order in which they were landed, rows in their
order within a file. A row that came before one that silver already has is an old version, so that bronze can be conformed again.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.model import Table

ENVELOPE = frozenset({"source_ref", "landed_at"})


def content_hash(table: Table) -> Column:
    """Return a hash of everything that a row says; where it came from does not count. Maps are compared without order."""
    parts = []
    for column in table.columns:
        if column.name not in ENVELOPE:
            ordered = F.array_sort(F.map_entries(column.name)) if column.type.startswith("map<") else F.col(column.name)
            parts.append(ordered.alias(column.name))
    return F.sha2(F.to_json(F.struct(*parts), {"ignoreNullFields": "false"}), 256)


def told(passed: DataFrame, known: DataFrame, table: Table, taken_back: DataFrame) -> DataFrame:
    """Compare rows that passed the rules with each other, with silver and with what was taken back.

    Args:
        passed: candidates with the table's columns and row_no.
        known: rows of the silver table.
        table: its declaration.
        taken_back: keys of all rows that were ever taken back, each once; a row of such a key never counts again.

    Returns:
        The candidates with `fate`: kept (to be written), duplicate (silver, or a later row of the batch, says the same) or superseded.
    """
    key = list(table.key)
    latest = Window.partitionBy(*key).orderBy(F.col("landed_at").desc(), F.col("row_no").desc())
    hashed = passed.withColumn("content", content_hash(table))
    ranked = hashed.withColumn("nth", F.row_number().over(latest)).withColumn("last_content", F.first("content").over(latest))
    old = known.select(*key, content_hash(table).alias("old_content"), F.col("landed_at").alias("old_landed_at"))
    gone = taken_back.select(*key, F.lit(True).alias("is_gone"))
    fate = (
        F.when(F.col("is_gone"), F.lit("superseded"))
        .when((F.col("nth") > 1) & (F.col("content") == F.col("last_content")), F.lit("duplicate"))
        .when(F.col("nth") > 1, F.lit("superseded"))
        .when(F.col("content") == F.col("old_content"), F.lit("duplicate"))
        .when(F.col("landed_at") < F.col("old_landed_at"), F.lit("superseded"))
        .otherwise(F.lit("kept"))
    )
    return ranked.join(old, key, "left").join(gone, key, "left").withColumn("fate", fate)


def leaving(known: DataFrame, refused: DataFrame, table: Table, taken_back: DataFrame) -> DataFrame:
    """Return the rows of silver that count no longer: they were taken back, or the very row that they came from is refused now.

    Args:
        known: rows of the silver table.
        refused: rows that broke a rule, with `origin`.
        table: its declaration.
        taken_back: keys of all rows that were ever taken back.
    """
    withdrawn = known.join(refused.select(F.col("origin").alias("source_ref")), ["source_ref"], "left_semi")
    keys = withdrawn.select(*table.key).unionByName(taken_back.select(*table.key)).distinct()
    return known.join(keys, list(table.key), "left_semi")
