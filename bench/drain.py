"""B1 and B1r: drain a preloaded topic, ours beside bare Spark doing the same writes, and the ladder below both."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from kafka import KafkaProducer
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.bronze.broker import topic_states
from lakehouse.bronze.topics import as_sent
from lakehouse.flow.conform_topics import known_machines
from lakehouse.flow.land_topics import TopicLanding
from lakehouse.flow.live import TopicStream
from lakehouse.flow.watch import PlantWatch
from lakehouse.model import Table
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.silver.decoded import decoded
from lakehouse.sources.topics import Topic, load_topics
from lakehouse.spark.ddl import ensure_tables
from lakehouse.tables import ALL

TOPIC = "sensor.temperature"
JSON_SCHEMA = "event_id string, site_id string, machine_id string, sensor string, ts timestamp, temperature_c double, unit string"
HASHED = ("event_id", "machine_id", "sensor", "reading_at", "temperature_celsius")


def preload(settings: Settings, rows: int) -> None:
    """Fill the topic up to `rows` messages of about 200 bytes, in time order for each machine."""
    held = sum(topic_states(settings.kafka_bootstrap, [TOPIC])[TOPIC].following.values())
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks=1, linger_ms=100, batch_size=1 << 18)
    for number in range(held, rows):
        seconds, machine = number // 100, f"M0{number % 8 + 1}"
        at = f"2026-10-{1 + seconds // 86400:02d}T{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{number % 100 * 10000:06d}Z"
        body = {
            "schema_version": 1, "event_id": f"bench-{number:012d}", "site_id": "demo", "machine_id": machine, "sensor": "zone_1",
            "ts": at, "temperature_c": 200.0 + number % 997 / 10, "unit": "C",
        }  # fmt: skip
        producer.send(TOPIC, key=machine.encode(), value=orjson.dumps(body))
    producer.flush()
    producer.close()


@dataclass(frozen=True)
class Drain:
    """The rungs of the ladder, each a function that drains the whole topic and returns a content hash."""

    spark: SparkSession
    settings: Settings
    scratch: Path

    def _read(self) -> DataFrame:
        options = {"kafka.bootstrap.servers": self.settings.kafka_bootstrap, "subscribe": TOPIC, "startingOffsets": "earliest"}
        return self.spark.read.format("kafka").options(**options).load()

    def _decoded(self) -> DataFrame:
        plant = PlantWatch(self.settings.plant_folders).current()
        sent = as_sent(self._read(), datetime.now(UTC))
        return decoded(sent, "sensor_temperature", "demo", known_machines(plant), {})

    def to_nothing(self) -> str:
        """Kafka to nothing."""
        self._read().write.format("noop").mode("overwrite").save()
        return ""

    def with_decode(self) -> str:
        """Kafka, our strict decoder, nothing written."""
        self._decoded().write.format("noop").mode("overwrite").save()
        return ""

    def to_parquet(self) -> str:
        """Kafka, decoder, Parquet files on the local disk."""
        shutil.rmtree(self.scratch / "parquet", ignore_errors=True)
        self._decoded().drop("key", "value").write.option("compression", "zstd").parquet(str(self.scratch / "parquet"))
        return ""

    def to_local_iceberg(self) -> str:
        """Kafka, decoder, Iceberg in a catalog on the local disk."""
        self.spark.sql("DROP TABLE IF EXISTS local.bench.typed")
        self._decoded().drop("key", "value").writeTo("local.bench.typed").using("iceberg").create()
        return ""

    def bare(self) -> str:
        """Structured Streaming as one would write it: raw bytes and typed rows to Nessie and S3; no rules, no progress of its own."""
        for name in ("raw", "typed"):
            self.spark.sql(f"DROP TABLE IF EXISTS lake.bench.{name}")
        self.spark.sql("CREATE TABLE lake.bench.raw (topic string, kafka_partition int, kafka_offset bigint, key binary, value binary) USING iceberg")
        self.spark.sql(
            "CREATE TABLE lake.bench.typed (event_id string, machine_id string, sensor string, reading_at timestamp, temperature_celsius double)"
            " USING iceberg"
        )
        self._stream(self._bare_batch)
        return content(self.spark.table("lake.bench.typed"))

    def _bare_batch(self, messages: DataFrame, _: int) -> None:
        parsed = F.from_json(F.col("value").cast("string"), JSON_SCHEMA)
        rows = messages.select(
            "topic", F.col("partition").alias("kafka_partition"), F.col("offset").alias("kafka_offset"), "key", "value", parsed.alias("d")
        ).persist()
        rows.drop("d").writeTo("lake.bench.raw").append()
        typed = rows.select(
            "d.event_id", "d.machine_id", "d.sensor", F.col("d.ts").alias("reading_at"), F.col("d.temperature_c").alias("temperature_celsius")
        )
        typed.writeTo("lake.bench.typed").append()
        rows.unpersist()

    def bare_raw(self) -> str:
        """The same, raw bytes only."""
        self.spark.sql("DROP TABLE IF EXISTS lake.bench.raw")
        self.spark.sql("CREATE TABLE lake.bench.raw (topic string, kafka_partition int, kafka_offset bigint, key binary, value binary) USING iceberg")
        self._stream(
            lambda messages, _: (
                messages.select("topic", F.col("partition").alias("kafka_partition"), F.col("offset").alias("kafka_offset"), "key", "value")
                .writeTo("lake.bench.raw")
                .append()
            )
        )
        return raw_content(self.spark.table("lake.bench.raw"))

    def _stream(self, batch: Callable[[DataFrame, int], None]) -> None:
        shutil.rmtree(self.scratch / "checkpoint", ignore_errors=True)
        options = {"kafka.bootstrap.servers": self.settings.kafka_bootstrap, "subscribe": TOPIC, "startingOffsets": "earliest"}
        limit = str(self.settings.max_offsets_per_trigger)
        messages = self.spark.readStream.format("kafka").options(**options).option("maxOffsetsPerTrigger", limit).load()
        writer = messages.writeStream.foreachBatch(batch).option("checkpointLocation", str(self.scratch / "checkpoint"))
        writer.trigger(availableNow=True).start().awaitTermination()

    def ours(self) -> str:
        """The live application's landing and conforming: rules, quarantine, repetitions, counts, progress, one merge a batch."""
        self._landed(PlantWatch(self.settings.plant_folders))
        return content(self.spark.table("lake.silver.sensor_reading"))

    def ours_raw(self) -> str:
        """Our landing without conforming."""
        self._landed(None)
        return raw_content(self.spark.table("lake.bronze.sensor_temperature"))

    def _landed(self, watch: PlantWatch | None) -> None:
        landing = TopicLanding(self.spark, Nessie(self.settings.nessie_api), [_topic()])
        stream = TopicStream(self.spark, self.settings, landing, watch)
        stream.finish(stream.start(drain=True))

    def emptied(self) -> None:
        """Make our tables anew, so that the next run starts at the first offset."""
        for table in _topic_tables():
            self.spark.sql(f"DROP TABLE IF EXISTS {table.on_main}")
        ensure_tables(self.spark, ALL)


def _topic() -> Topic:
    return next(topic for topic in load_topics() if topic.name == TOPIC)


def _topic_tables() -> list[Table]:
    names = {"bronze.sensor_temperature", "silver.sensor_reading", "silver.sensor_reading_quarantine", "ops.topic_commit"}
    return [table for table in ALL if table.schema_name in names]


def content(rows: DataFrame) -> str:
    """Return rows and an order-free hash of what every rung must have written alike."""
    found = rows.agg(F.count("*"), F.sum(F.xxhash64(*HASHED).cast("decimal(38,0)"))).collect()[0]
    return f"{found[0]}:{found[1]}"


def raw_content(rows: DataFrame) -> str:
    """Return rows and an order-free hash of raw rows."""
    found = rows.agg(F.count("*"), F.sum(F.xxhash64("kafka_partition", "kafka_offset", "value").cast("decimal(38,0)"))).collect()[0]
    return f"{found[0]}:{found[1]}"
