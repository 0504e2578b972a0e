"""Kafka messages as bronze rows, and the arithmetic of offsets: every offset once, none skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.errors import OffsetGapError, TopicRecreatedError


@dataclass(frozen=True)
class Progress:
    """How far a topic has been landed: the next offset of each partition, as the table's own history says.

    Attributes:
        topic: its name.
        topic_id: its identity at the broker; another one is another topic.
        ends: partition to the first offset not yet landed.
        gaps: ranges `[from, to)` that the broker does not have, as listed in the commit.
    """

    topic: str
    topic_id: str
    ends: Mapping[int, int] = field(default_factory=dict)
    gaps: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Progress:
        """Return the progress that a snapshot summary holds."""
        return cls(written["topic"], written["topic_id"], {int(p): int(end) for p, end in written["ends"].items()})

    def written(self, since: Progress) -> dict[str, Any]:
        """Return the JSON object for the snapshot summary: ends, and the ranges `[from, to)` of this commit."""
        ranges = {str(p): [since.ends.get(p, 0), end] for p, end in sorted(self.ends.items()) if end > since.ends.get(p, 0)}
        ends = {str(p): end for p, end in sorted(self.ends.items())}
        return {"topic": self.topic, "topic_id": self.topic_id, "ends": ends, "ranges": ranges, "gaps": [list(gap) for gap in self.gaps]}

    def check_identity(self, topic_id: str) -> None:
        """Refuse a topic that was deleted and made again.

        Raises:
            TopicRecreatedError: the broker's topic is another one.
        """
        if self.topic_id != topic_id:
            cause = f"it was landed as {self.topic_id}, the broker now has {topic_id}; its offsets mean other messages"
            raise TopicRecreatedError(f"topic {self.topic}", cause, "bin/lakehouse status, then land the new topic under a new table")

    def upto(self, ends: Mapping[int, int]) -> Progress:
        """Return the progress after a batch that was planned to end at `ends` (partition to next offset)."""
        return Progress(self.topic, self.topic_id, {**self.ends, **{p: max(end, self.ends.get(p, 0)) for p, end in ends.items()}}, self.gaps)

    def with_gaps(self, gaps: Iterable[tuple[int, int, int]]) -> Progress:
        """Return the progress with ranges (partition, from, to) that the broker itself does not have."""
        return replace(self, gaps=tuple(gaps))

    def expected(self, since: Progress) -> dict[int, int]:
        """Return partition to the number of messages between `since` and here, less the listed gaps."""
        found = {p: end - since.ends.get(p, 0) for p, end in self.ends.items() if end > since.ends.get(p, 0)}
        for partition, from_, to in self.gaps:
            found[partition] -= to - from_
        return found

    def check_complete(self, since: Progress, seen: Mapping[int, int]) -> None:
        """Refuse a batch that lacks messages, or has more than planned.

        Args:
            since: progress before the batch.
            seen: partition to messages that were written.

        Raises:
            OffsetGapError: naming each partition that does not add up.
        """
        expected = self.expected(since)
        wrong = [
            f"partition {p}: {expected.get(p, 0)} expected, {seen.get(p, 0)} came"
            for p in sorted({*expected, *seen})
            if expected.get(p, 0) != seen.get(p, 0)
        ]
        if wrong:
            raise OffsetGapError(f"topic {self.topic}", "; ".join(wrong), "restart the live application; it continues from the table")


def as_sent(messages: DataFrame, landed_at: datetime) -> DataFrame:
    """Return Kafka source rows in the shape of a bronze topic table; no byte is interpreted."""
    return messages.select(
        "topic",
        F.col("partition").alias("kafka_partition"),
        F.col("offset").alias("kafka_offset"),
        "key",
        "value",
        F.col("timestamp").alias("broker_at"),
        F.lit(landed_at).cast("timestamp").alias("landed_at"),
    )


def beyond(rows: DataFrame, topic: str, ends: Mapping[int, int]) -> DataFrame:
    """Return the rows of a topic that are not landed yet, by coordinate."""
    landed = F.lit(False)
    for partition, end in sorted(ends.items()):
        landed = landed | ((F.col("kafka_partition") == partition) & (F.col("kafka_offset") < end))
    return rows.where((F.col("topic") == topic) & ~landed)


def holes(rows: DataFrame, since: Progress, upto: Progress) -> list[tuple[int, int, int]]:
    """Return the ranges (partition, from, to) of offsets between two progresses that the rows do not have.

    Args:
        rows: a topic's bronze-shaped rows beyond `since`.
        since: progress before the batch.
        upto: progress that the batch was planned to reach.
    """
    session = rows.sparkSession
    edges = [(p, end - 1) for p, end in since.ends.items() if p in upto.expected(since)] + [(p, upto.ends[p]) for p in upto.expected(since)]
    offsets = rows.select("kafka_partition", "kafka_offset").unionByName(session.createDataFrame(edges, "kafka_partition int, kafka_offset bigint"))
    before = F.lag("kafka_offset").over(Window.partitionBy("kafka_partition").orderBy("kafka_offset"))
    found = offsets.withColumn("before", before).where(F.col("kafka_offset") > F.col("before") + 1).collect()
    return sorted((row["kafka_partition"], row["before"] + 1, row["kafka_offset"]) for row in found)


def count_metrics(partitions: Iterable[int]) -> list[Column]:
    """Return the aggregates that `observe` collects while bronze is written: messages in all and of each partition."""
    each = [F.count_if(F.col("kafka_partition") == p).alias(f"partition_{p}") for p in sorted(partitions)]
    return [F.count(F.lit(1)).alias("messages"), *each]


def counted(metrics: Mapping[str, Any], partitions: Iterable[int]) -> dict[int, int]:
    """Return partition to messages written, from what `observe` saw.

    Raises:
        OffsetGapError: messages of a partition that was not planned.
    """
    found = {p: int(metrics[f"partition_{p}"]) for p in sorted(partitions)}
    if sum(found.values()) != int(metrics["messages"]):
        raise OffsetGapError("micro-batch", "it holds messages of a partition that was not planned", "restart the live application")
    return {p: count for p, count in found.items() if count}
