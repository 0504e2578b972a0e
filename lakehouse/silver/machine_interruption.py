"""silver.machine_interruption from bronze.machine_interruption: versions of one interruption, the highest counts."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.silver.decoded import origin, raw_text
from lakehouse.silver.repeats import VERDICT, content

IDENTITY = ("site_id", "interruption_id")
COMPARED = ("machine_id", "start_at", "end_at", "reason_sent", "reason_text", "operator", "status", "sent_at")


def candidates(messages: DataFrame, reasons: Iterable[tuple[str, str]]) -> DataFrame:
    """Return decoded messages as candidate rows.

    Args:
        messages: decoded bronze rows.
        reasons: known (site_id, reason_code); another code becomes UNKNOWN and is flagged, the sent one is kept.
    """
    known = F.concat_ws("\u0000", "site_id", "reason_sent").isin([f"{site}\u0000{code}" for site, code in reasons])
    status = F.when(F.col("is_cancelled"), "cancelled").when(F.col("end_at").isNull(), "open").otherwise("closed")
    return (
        messages.withColumn("status", status)
        .withColumn("reason_code", F.when(known, F.col("reason_sent")).otherwise(F.lit("UNKNOWN")))
        .withColumn("flags", F.when(known, F.array().cast("array<string>")).otherwise(F.array(F.lit("REASON_UNKNOWN"))))
        .withColumn("source_ref", origin())
        .withColumn("origin", origin())
        .withColumn("raw", raw_text())
    )


def reviewed(kept: DataFrame, existing: DataFrame) -> DataFrame:
    """Return the kept candidates with `verdict`: kept (now the current version), superseded, duplicate or conflict.

    Args:
        kept: candidates that broke no rule, with kafka_partition and kafka_offset.
        existing: silver rows of the same interruptions.
    """
    marked = kept.withColumn("_content", content(COMPARED)).withColumn("_rank", F.lit(1))
    before = existing.select(*IDENTITY, "version", content(COMPARED).alias("_content")).withColumn("_rank", F.lit(0))
    together = marked.unionByName(before, allowMissingColumns=True)
    same_version = Window.partitionBy(*IDENTITY, "version").orderBy("_rank", "kafka_partition", "kafka_offset")
    everything = Window.partitionBy(*IDENTITY)
    place, first = F.row_number().over(same_version), F.first("_content").over(same_version)
    verdict = (
        F.when((place > 1) & (F.col("_content") == first), "duplicate")
        .when(place > 1, "conflict")
        .when(F.col("version") < F.max("version").over(everything), "superseded")
        .otherwise("kept")
    )
    return together.withColumn(VERDICT, verdict).where(F.col("_rank") == 1).drop("_content", "_rank")
