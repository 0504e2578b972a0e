"""Land topics: one micro-batch of messages to bronze (and silver) on one branch, merged in one commit.

Progress lives in bronze's own history. It is read again on the branch of every micro-batch, so a second or a revived
writer either continues where the first one stopped or is refused by the merge; a checkpoint is only a cache.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from pyspark.sql import DataFrame, Observation, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.bronze.broker import TopicState, absent_at_broker, check_still_held
from lakehouse.bronze.topics import Progress, as_sent, beyond, count_metrics, counted, holes
from lakehouse.crashpoints import crashpoint
from lakehouse.errors import FencedError
from lakehouse.flow.conform_topics import Conformed, Newest, candidates_of, conform, decode_topic, newest_in_silver
from lakehouse.model import Table
from lakehouse.nessie import Nessie
from lakehouse.plant import PlantModel
from lakehouse.quality.rules import persisted
from lakehouse.silver.decoded import BRONZE_COLUMNS
from lakehouse.sources.topics import Topic
from lakehouse.spark.progress import PROGRESS, last_progress
from lakehouse.spark.schema import struct_of
from lakehouse.spark.write import append
from lakehouse.tables.ops import TOPIC_COMMIT

log = structlog.get_logger(__name__)
Ends = Mapping[str, Mapping[int, int]]


def landed_so_far(spark: SparkSession, topic: Topic, topic_id: str, branch: str = "main") -> Progress:
    """Return a topic's progress as its bronze table tells it: newest summary, else the greatest offsets, else nothing."""
    written = last_progress(spark, topic.bronze_table, branch)
    if written is not None:
        return Progress.of(written)
    rows = spark.table(topic.bronze_table.at(branch)).where(F.col("topic") == topic.name)
    found = rows.groupBy("kafka_partition").agg((F.max("kafka_offset") + 1).alias("end")).collect()
    return Progress(topic.name, topic_id, {row["kafka_partition"]: row["end"] for row in found})


@dataclass
class TopicLanding:
    """Lands (and conforms, when it has a plant model) micro-batches of some topics. One process, one instance.

    Attributes:
        spark: the session.
        nessie: the catalog's client.
        topics: what to land.
        plant: the plant model, or None to land bronze only.
    """

    spark: SparkSession
    nessie: Nessie
    topics: Sequence[Topic]
    plant: PlantModel | None = None
    _ids: dict[str, str] = field(default_factory=dict)
    _first: dict[str, Mapping[int, int]] = field(default_factory=dict)
    _gaps: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)
    _newest: dict[str, Newest] = field(default_factory=dict)
    _ends: dict[str, Mapping[int, int]] = field(default_factory=dict)

    def starting_offsets(self, states: Mapping[str, TopicState]) -> dict[str, dict[str, int]]:
        """Return where to read from, by topic and partition, as the tables say; a partition never landed from its first offset.

        Raises:
            TopicRecreatedError, DataLossError: the broker's topic does not continue what was landed.
        """
        found: dict[str, dict[str, int]] = {}
        for topic in self.topics:
            state = states[topic.name]
            progress = landed_so_far(self.spark, topic, state.topic_id)
            progress.check_identity(state.topic_id)
            check_still_held(topic.name, state, progress.ends)
            self._ids[topic.name], self._first[topic.name] = state.topic_id, state.first
            found[topic.name] = {str(p): progress.ends.get(p, first) for p, first in state.first.items()}
        return found

    def _progress(self, topic: Topic, branch: str) -> Progress:
        landed = landed_so_far(self.spark, topic, self._ids[topic.name], branch)
        landed.check_identity(self._ids[topic.name])
        return replace(landed, ends={**self._first[topic.name], **landed.ends})

    def learn_gaps(self, messages: DataFrame, planned: Ends, bootstrap: str) -> bool:
        """Ask the broker about the offsets that a micro-batch lacks; return whether it has none of them.

        Markers of transactions, aborted and compacted messages leave such holes. Confirmed ones are listed in the commit.
        """
        for topic in self.topics:
            before = replace(self._progress(topic, "main"), gaps=())
            after = before.upto(planned.get(topic.name, {}))
            if not after.expected(before):
                continue
            missing = holes(beyond(as_sent(messages, datetime.now(UTC)), topic.name, before.ends), before, after)
            if absent_at_broker(bootstrap, topic.name, missing) != missing:
                return False
            self._gaps[topic.name] = missing
        return any(self._gaps.values())

    def process(self, messages: DataFrame, planned: Ends) -> list[Conformed]:
        """Land one micro-batch and merge it; readers see all of it or nothing.

        Args:
            messages: rows of Spark's Kafka source.
            planned: topic and partition to the offset at which the batch ends.

        Raises:
            OffsetGapError: messages are absent; nothing was merged.
            FencedError: another writer was first; nothing was merged.
        """
        landed_at = datetime.now(UTC)
        with self.nessie.work_branch("topics") as branch:
            moved: dict[str, Mapping[int, int]] = {}
            landings: list[Callable[[], list[Conformed]]] = []
            for topic in self.topics:
                before = self._progress(topic, branch)
                after = before.upto(planned.get(topic.name, {})).with_gaps(self._gaps.pop(topic.name, []))
                if after.expected(before):
                    rows = beyond(as_sent(messages, landed_at), topic.name, before.ends)
                    landings.append(partial(self._land, rows, topic, before, after, branch))
                    moved[topic.name] = after.ends
            with ThreadPoolExecutor(len(self.topics)) as side_by_side:
                done = [each for part in side_by_side.map(lambda land: land(), landings) for each in part]
            self._merge(done, moved, landed_at, branch, "land")
        return done

    def catch_up(self) -> list[Conformed]:
        """Conform what was landed and not yet conformed (by a landing without a plant model), from bronze.

        Raises:
            FencedError: another writer was first; nothing was merged.
        """
        if self.plant is None:
            return []
        with self.nessie.work_branch("conform") as branch:
            done: list[Conformed] = []
            moved: dict[str, Mapping[int, int]] = {}
            for topic in self.topics:
                landed = self._progress(topic, branch)
                ends = self._conformed(topic, branch)
                if any(end > ends.get(p, 0) for p, end in landed.ends.items()):
                    done.append(self._conform_bronze(topic, ends, branch))
                    moved[topic.name] = landed.ends
            self._merge(done, moved, datetime.now(UTC), branch, "conform")
        return done

    def _conform_bronze(self, topic: Topic, ends: Mapping[int, int], branch: str) -> Conformed:
        """Conform a topic's bronze rows beyond `ends`; a Spark partition again holds Kafka partitions in order."""
        rows = beyond(self.spark.table(topic.bronze_table.at(branch)), topic.name, ends)
        ordered = rows.repartition(2, "kafka_partition").sortWithinPartitions("kafka_partition", "kafka_offset")
        newest = newest_in_silver(self.spark, topic.silver_table, branch)
        self._newest.pop(topic.name, None)
        plant = self._known_plant()
        with persisted(decode_topic(ordered, topic, plant, newest)) as rows_decoded:
            return conform(self.spark, candidates_of(rows_decoded, topic, plant), topic.silver_table, branch)

    def _known_plant(self) -> PlantModel:
        if self.plant is None:
            raise ValueError("this landing has no plant model: it lands bronze only")
        return self.plant

    def _conformed(self, topic: Topic, branch: str) -> Mapping[int, int]:
        """Return how far a topic has been conformed; a partition never conformed from the first offset that was ever landed."""
        written = last_progress(self.spark, TOPIC_COMMIT, branch) or {}
        ends: Mapping[str, int] = written.get("ends", {}).get(topic.name, {})
        return {**self._first[topic.name], **{int(p): int(end) for p, end in ends.items()}}

    def _merge(self, done: Sequence[Conformed], moved: Ends, at: datetime, branch: str, verb: str) -> None:
        if not moved:
            return
        if done:
            self._record(done, moved, at, branch)
        crashpoint("before_merge")
        self.nessie.merge(branch, f"{verb} {', '.join(sorted(moved))}")
        crashpoint("after_merge")
        self._remember(done, moved)

    def _land(self, rows: DataFrame, topic: Topic, before: Progress, after: Progress, branch: str) -> list[Conformed]:
        if self.plant is None:
            self._write_bronze(rows, topic, before, after, branch)
            return []
        if dict(self._conformed(topic, branch)) != dict(before.ends):
            raise FencedError(f"topic {topic.name}", "bronze was landed meanwhile without being conformed", "catch up, then redo the batch")
        newest = self._newest_of(topic, before, branch)
        with persisted(decode_topic(rows, topic, self.plant, newest)) as rows_decoded, ThreadPoolExecutor(2) as both:
            bronze = both.submit(self._write_bronze, rows_decoded.select(*BRONZE_COLUMNS), topic, before, after, branch)
            candidates = candidates_of(rows_decoded, topic, self.plant)
            silver = both.submit(conform, self.spark, candidates, topic.silver_table, branch)
            bronze.result()
            return [silver.result()]

    @staticmethod
    def _write_bronze(rows: DataFrame, topic: Topic, before: Progress, after: Progress, branch: str) -> None:
        partitions = after.expected(before)
        written = Observation(f"bronze_{topic.bronze}")
        watched = rows.observe(written, *count_metrics(partitions))
        append(watched, topic.bronze_table, branch, {PROGRESS: json.dumps(after.written(before))})
        crashpoint("after_bronze")
        after.check_complete(before, counted(written.get, partitions))

    def _newest_of(self, topic: Topic, before: Progress, branch: str) -> Newest:
        """Return silver's newest instants: the remembered ones while nobody else wrote, else read again."""
        if topic.name not in self._newest or dict(self._ends.get(topic.name, {})) != dict(before.ends):
            self._newest[topic.name] = newest_in_silver(self.spark, topic.silver_table, branch)
        return self._newest[topic.name]

    def _record(self, done: Sequence[Conformed], moved: Ends, at: datetime, branch: str) -> None:
        written = last_progress(self.spark, TOPIC_COMMIT, branch) or {"seq": 0, "ends": {}}
        seq = int(written["seq"]) + 1
        ends = {topic: {str(p): end for p, end in sorted(each.items())} for topic, each in sorted(moved.items())}
        rows = [commit_row(each, seq, at, json.dumps(ends)) for each in done]
        recorded = self.spark.createDataFrame(rows, struct_of(TOPIC_COMMIT))
        append(recorded.coalesce(1), TOPIC_COMMIT, branch, {PROGRESS: json.dumps({"seq": seq, "ends": {**written["ends"], **ends}})})

    def _remember(self, done: Sequence[Conformed], moved: Mapping[str, Mapping[int, int]]) -> None:
        """Keep what is now in silver; called after the merge only."""
        self._ends.update(moved)
        by_table = {each.silver_table.name: each for each in done}
        for topic in self.topics:
            conformed = by_table.get(topic.silver)
            if conformed is not None and topic.name in self._newest:
                known = self._newest[topic.name]
                for series, at in conformed.newest.items():
                    known[series] = max(known.get(series, at), at)


def next_seq(spark: SparkSession, table: Table, branch: str) -> int:
    """Return the commit_seq that follows the greatest one in a commit table."""
    rows: list[Row] = spark.table(table.at(branch)).agg(F.max("commit_seq")).collect()
    return int(rows[0][0] or 0) + 1


def commit_row(done: Conformed, seq: int, at: datetime, source: str) -> dict[str, Any]:
    """Return the row of a commit table for one conformed silver table; its counts are checked here."""
    counts = done.counts.check(done.silver_table.schema_name)
    return {
        "silver_table": done.silver_table.name,
        "commit_seq": seq,
        "committed_at": at,
        "source": source,
        "in_count": counts.seen,
        "kept_count": counts.kept,
        "quarantined_count": counts.quarantined,
        "duplicate_count": counts.duplicate,
        "superseded_count": counts.superseded,
        "newest_event_at": done.newest_event_at,
        "touched": done.touched,
    }
