"""Rows that may come again: what is new, what was said before, what a later file has replaced. Pure.

A row is known by its table's key. The row that arrived last counts: files in the order in which they were landed, rows in their
order within a file. A row that came before one that silver already has is an old version, so that bronze can be conformed again.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Fates:
    """Rows with `fate`: kept (to be written), duplicate (silver, or a later row of the batch, says the same) or superseded."""

    rows: DataFrame

    @property
    def upserts(self) -> DataFrame:
        """The rows to write."""
        return self.rows.where("fate = 'kept'")


def told(kept: DataFrame, known: DataFrame, table: Table) -> Fates:
    """Compare rows that passed the rules with each other and with silver.

    Args:
        kept: candidates with the table's columns and row_no.
        known: rows of the silver table.
        table: its declaration.
    """
    key = list(table.key)
    latest = Window.partitionBy(*key).orderBy(F.col("landed_at").desc(), F.col("row_no").desc())
    hashed = kept.withColumn("content", content_hash(table))
    ranked = hashed.withColumn("nth", F.row_number().over(latest)).withColumn("last_content", F.first("content").over(latest))
    old = known.select(*key, content_hash(table).alias("old_content"), F.col("landed_at").alias("old_landed_at"))
    fate = (
        F.when((F.col("nth") > 1) & (F.col("content") == F.col("last_content")), F.lit("duplicate"))
        .when(F.col("nth") > 1, F.lit("superseded"))
        .when(F.col("content") == F.col("old_content"), F.lit("duplicate"))
        .when(F.col("landed_at") < F.col("old_landed_at"), F.lit("superseded"))
        .otherwise(F.lit("kept"))
    )
    return Fates(ranked.join(old, key, "left").withColumn("fate", fate))
