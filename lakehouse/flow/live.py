"""The streaming queries: land only (`land_topics`), or the live application that lands, conforms and publishes.

Each start makes a fresh checkpoint and begins at the offsets that the tables name. So a checkpoint that was lost, torn,
restored from yesterday or belongs to another query cannot matter.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery

from lakehouse.bronze.broker import topic_states
from lakehouse.errors import AuditFailedError, FencedError, LakehouseError, LeaseHeldError, OffsetGapError
from lakehouse.flow.land_topics import TopicLanding
from lakehouse.flow.publish import publish
from lakehouse.flow.watch import PlantWatch
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.spark.maintenance import trim_snapshots
from lakehouse.tables import GOLD
from lakehouse.tables.bronze import TOPIC_TABLES as BRONZE_TOPICS
from lakehouse.tables.ops import AUDIT_RESULT, PUBLICATION, TOPIC_COMMIT
from lakehouse.tables.silver import TOPIC_TABLES as SILVER_TOPICS

log = structlog.get_logger(__name__)
REDO_LIMIT = 5
CATCHING_UP_S = 10
MOST_SKIPPED = 20
LEAST_PAUSE_S = 10
"""So long the processors are the stream's alone between two publications, however long one takes."""
ROUNDS_AFTER_REFUSAL = 10
"""So many rounds pass after a failed audit before the next try: the rows or the program must change first, and landing goes on."""
OWN_TABLES = (*BRONZE_TOPICS, *SILVER_TOPICS, *GOLD, TOPIC_COMMIT, PUBLICATION, AUDIT_RESULT)


@dataclass
class TopicStream:
    """One streaming query over some topics.

    Attributes:
        spark: the session.
        settings: the stack.
        landing: what to do with a micro-batch.
        watch: the plant model to conform with; None lands bronze only.
    """

    spark: SparkSession
    settings: Settings
    landing: TopicLanding
    watch: PlantWatch | None = None
    failure: LakehouseError | None = None
    batch_since: float | None = None
    _checkpoint: str = field(default="")

    def start(self, *, drain: bool) -> StreamingQuery:
        """Start at the offsets that the tables name; with `drain` stop at what the topics hold now.

        Raises:
            KafkaUnreachableError, TopicRecreatedError, DataLossError: before anything is read.
        """
        names = [topic.name for topic in self.landing.topics]
        starting = self.landing.starting_offsets(topic_states(self.settings.kafka_bootstrap, names))
        self._conform_what_is_landed()
        self._checkpoint = fresh_checkpoint(self.settings, "_".join(names).replace(".", "_"))
        messages = (
            self.spark.readStream.format("kafka")
            .option("kafka.bootstrap.servers", self.settings.kafka_bootstrap)
            .option("subscribe", ",".join(names))
            .option("startingOffsets", json.dumps(starting))
            .option("failOnDataLoss", "true")
            .option("kafka.isolation.level", "read_committed")
            .option("maxOffsetsPerTrigger", str(self.settings.max_offsets_per_trigger))
            .load()
        )
        writer = messages.writeStream.queryName("topics").foreachBatch(self._process).option("checkpointLocation", self._checkpoint)
        trigger = writer.trigger(availableNow=True) if drain else writer.trigger(processingTime=f"{self.settings.live_trigger_s} seconds")
        return trigger.start()

    def _conform_what_is_landed(self) -> None:
        if self.watch is not None:
            self.landing.plant = self.watch.current()
            self.landing.catch_up()

    def is_catching_up(self, longer_than_s: float) -> bool:
        """Tell whether the present micro-batch has been running so long that the stream must be behind."""
        since = self.batch_since
        return since is not None and time.monotonic() - since > longer_than_s

    def _process(self, messages: DataFrame, batch_id: int) -> None:
        self.batch_since = time.monotonic()
        try:
            if self.watch is not None:
                self.landing.plant = self.watch.current()
            planned = planned_ends(self.spark, self._checkpoint, batch_id)
            self._until_merged(messages, planned)
        except LakehouseError as error:
            self.failure = error
            raise
        finally:
            self.batch_since = None

    def _until_merged(self, messages: DataFrame, planned: Mapping[str, Mapping[int, int]]) -> None:
        """Redo a refused micro-batch on the new base; what another writer has landed meanwhile is not landed again."""
        for redo in range(REDO_LIMIT):
            try:
                self.landing.process(messages, planned)
            except OffsetGapError as error:
                if redo or not self.landing.learn_gaps(messages, planned, self.settings.kafka_bootstrap):
                    raise
                log.warning("offsets that the broker does not have", cause=error.cause)
            except FencedError as error:
                log.warning("refused, redone on the new base", redo=redo + 1, cause=error.cause)
                if redo + 1 == REDO_LIMIT:
                    raise
                self._conform_what_is_landed()
            else:
                return

    def finish(self, query: StreamingQuery, timeout_s: float | None = None) -> bool:
        """Wait for the query; return whether it ended.

        Raises:
            LakehouseError: what a micro-batch failed with, instead of the engine's stack trace.
        """
        try:
            return bool(query.awaitTermination(timeout_s)) if timeout_s is not None else query.awaitTermination() is None
        except PySparkException as error:
            if self.failure is not None:
                raise self.failure from error
            raise


def _trim(spark: SparkSession, nessie: Nessie) -> None:
    """Trim the metadata of the tables that this application writes, the longest one of a round."""
    for table in OWN_TABLES:
        if trim_snapshots(spark, nessie, table):
            return


def fresh_checkpoint(settings: Settings, name: str) -> str:
    """Return a new checkpoint folder for a query, and remove the ones that earlier starts left on this disk."""
    root = settings.checkpoint_root
    if "://" not in root:
        shutil.rmtree(Path(root) / name, ignore_errors=True)
    return f"{root}/{name}/{uuid.uuid4().hex[:12]}"


def planned_ends(spark: SparkSession, checkpoint: str, batch_id: int) -> dict[str, dict[int, int]]:
    """Return topic and partition to the end offset of a planned micro-batch, from the query's offset log.

    The log is written before the batch runs: a version line, a line of metadata, and a line of offsets for each source.
    """
    jvm: Any = spark._jvm
    java_session: Any = spark._jsparkSession
    path = jvm.org.apache.hadoop.fs.Path(f"{checkpoint}/offsets/{batch_id}")
    stream = path.getFileSystem(java_session.sessionState().newHadoopConf()).open(path)
    try:
        text: str = jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
    finally:
        stream.close()
    offsets = json.loads(text.splitlines()[2])
    return {topic: {int(p): int(end) for p, end in ends.items()} for topic, ends in offsets.items()}


def run_live(spark: SparkSession, settings: Settings, stream: TopicStream, stop: threading.Event) -> None:
    """Land and conform continuously and publish every few seconds, counted from one beginning to the next, until `stop` is set.

    A round in which somebody else holds the gold lease, or changed gold meanwhile, is skipped; the next one takes its extents along.
    So is a round while a long micro-batch is catching up, up to `MOST_SKIPPED` in a row: it would only rebuild the same shifts twice.
    After a failed audit the last publication stays, landing goes on, and `ROUNDS_AFTER_REFUSAL` rounds are left out.

    Raises:
        LakehouseError: what the stream or a publication failed with.
    """
    nessie, publisher = Nessie(settings.nessie_api), spark.newSession()
    skipped, left_out, pause_s = 0, 0, float(settings.live_publish_every_s)
    query = stream.start(drain=False)
    try:
        while not stop.wait(pause_s):
            begun, pause_s = time.monotonic(), float(settings.live_publish_every_s)
            if stream.finish(query, 0.01):
                return
            if stream.watch is None or left_out:
                left_out = max(0, left_out - 1)
                continue
            if stream.is_catching_up(CATCHING_UP_S) and skipped < MOST_SKIPPED:
                skipped += 1
                continue
            skipped = 0
            try:
                publish(publisher, nessie, stream.watch.current(), "live application", ttl_s=settings.lease_ttl_s, wait_s=0)
                _trim(spark, nessie)
                pause_s = max(LEAST_PAUSE_S, pause_s - (time.monotonic() - begun))
            except (LeaseHeldError, FencedError) as error:
                log.info("round skipped", cause=error.line())
            except AuditFailedError as error:
                log.error("not published", cause=error.line(), rounds_left_out=ROUNDS_AFTER_REFUSAL)
                left_out = ROUNDS_AFTER_REFUSAL
    finally:
        query.stop()
