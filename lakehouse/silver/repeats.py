"""Readings that came again: equal ones are duplicates, unequal ones with the same identity are a conflict for review.

Only suspects come here: readings not newer than all before them in their series. The others cannot be repetitions.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

VERDICT = "verdict"


def content(columns: Sequence[str]) -> Column:
    """Return a fingerprint of the columns, NULL told apart from any value."""
    return F.sha2(F.to_json(F.struct(*columns), {"ignoreNullFields": "false"}), 256)


def reviewed(suspects: DataFrame, existing: DataFrame, identity: Sequence[str], compared: Sequence[str]) -> DataFrame:
    """Return the suspects with `verdict`: kept, duplicate or conflict.

    Args:
        suspects: candidate readings with kafka_partition and kafka_offset.
        existing: silver rows (and fresh rows of the same batch) of the suspects' span of time.
        identity: columns that name a reading.
        compared: columns that make its content.
    """
    marked = suspects.withColumn("_content", content(compared)).withColumn("_rank", F.lit(1))
    before = existing.select(*identity, content(compared).alias("_content")).withColumn("_rank", F.lit(0))
    together = marked.unionByName(before, allowMissingColumns=True)
    arrival = Window.partitionBy(*identity).orderBy("_rank", "kafka_partition", "kafka_offset")
    first = F.first("_content").over(arrival)
    place = F.row_number().over(arrival)
    verdict = F.when(place == 1, F.lit("kept")).when(F.col("_content") == first, F.lit("duplicate")).otherwise(F.lit("conflict"))
    return together.withColumn(VERDICT, verdict).where(F.col("_rank") == 1).drop("_content", "_rank")


def with_clock_flag(kept: DataFrame, existing: DataFrame, series: Sequence[str], at: str) -> DataFrame:
    """Return the readings with CLOCK_SET_BACK among `flags` where the series already had that instant under another identity."""
    instant = [*series, at]
    taken = existing.select(*instant).distinct().withColumn("_taken", F.lit(True))
    earlier = Window.partitionBy(*instant).orderBy("kafka_partition", "kafka_offset")
    set_back = F.coalesce(F.col("_taken"), F.lit(False)) | (F.row_number().over(earlier) > 1)
    flagged = F.when(set_back, F.array_append("flags", "CLOCK_SET_BACK")).otherwise(F.col("flags"))
    return kept.join(taken, instant, "left").withColumn("flags", flagged).drop("_taken")
