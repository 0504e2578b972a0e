"""What the jobs do, in little, on empty tables and without a service: run by the set-up, so that the JVM can keep the classes it loads.

Started cold, a job spends ten CPU-seconds on loading some twenty thousand classes; from the archive that is made here it does not.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from lakehouse.flow.summarise import MachineShift, SilverFrames, reconciled, summarise
from lakehouse.plant import PlantModel
from lakehouse.sources.contracts import load_sources
from lakehouse.sources.tables import all_tables
from lakehouse.spark.ddl import ensure_tables
from lakehouse.tables import gold, silver

NOBODY = "127.0.0.1:1"
"""An address where nothing listens: clients load what they need, and are refused."""
STREAM_WITHIN_S = 120
DAY = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
UNREACHABLE = {
    "spark.sql.catalog.refused": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.refused.type": "nessie",
    "spark.sql.catalog.refused.uri": f"http://{NOBODY}/api/v2",
    "spark.sql.catalog.refused.warehouse": "s3://lake/warehouse",
    "spark.sql.catalog.refused.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
    "spark.sql.catalog.refused.s3.endpoint": f"http://{NOBODY}",
    "spark.sql.catalog.refused.client.region": "us-east-1",
}
S3 = {
    "s3.endpoint": f"http://{NOBODY}", "client.region": "us-east-1", "s3.access-key-id": "none", "s3.secret-access-key": "none",
    "s3.retry.num-retries": "0", "s3.path-style-access": "true",
}  # fmt: skip


def settings_of(folder: Path) -> dict[str, str]:
    """Return the Spark properties of a rehearsal whose catalog `lake` is a folder of this machine."""
    return {
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "hadoop",
        "spark.sql.catalog.lake.warehouse": str(folder / "warehouse"),
        "spark.sql.warehouse.dir": str(folder / "spark"),
        **UNREACHABLE,
    }


def rehearse(spark: SparkSession, plant: PlantModel, folder: Path) -> str:
    """Make all tables, fill gold from empty silver, correct it, stream through it, and be refused by each service.

    Args:
        spark: a session with `settings_of(folder)`.
        plant: any plant model; its first site's machines get a day of gold.
        folder: an empty folder; what is written into it is of no use afterwards.
    """
    tables = all_tables(load_sources())
    ensure_tables(spark, tables)
    _publish(spark, plant)
    _stream(spark, folder)
    for ask in (_ask_catalog, _ask_store, _ask_broker):
        _refused(lambda ask=ask: ask(spark))  # type: ignore[misc]
    return f"{len(tables)} tables, {spark.table(gold.MACHINE_SHIFT.on_main).count()} machine-shifts rehearsed"


def _publish(spark: SparkSession, plant: PlantModel) -> None:
    site = next(iter(sorted(plant.sites)))
    windows, machines = plant.windows(site, DAY, DAY + dt.timedelta(days=1)), sorted(plant.site(site).machines)
    shifts = [MachineShift(site, machine, window) for machine in machines for window in windows]
    named = {"interruptions": silver.MACHINE_INTERRUPTION, "counts": silver.MACHINE_COUNT, "events": silver.PRODUCTION_EVENT}
    named |= {"confirmations": silver.CONFIRMATION, "readings": silver.SENSOR_READING}
    frames = SilverFrames(**{name: spark.table(table.on_main) for name, table in named.items()})
    made = summarise(spark, plant, shifts, frames, DAY + dt.timedelta(days=2), 1)
    ledger = made.time_segment.persist()
    ledger.writeTo(gold.TIME_SEGMENT.on_main).append()
    made.machine_shift.writeTo(gold.MACHINE_SHIFT.on_main).append()
    ledger.unpersist()
    reconciled(spark, plant, shifts, frames, DAY + dt.timedelta(days=2), 1).collect()
    spark.table(gold.MACHINE_SHIFT.on_main).localCheckpoint().createOrReplaceTempView("rehearsed")
    target, keys = gold.MACHINE_SHIFT.on_main, gold.MACHINE_SHIFT.key
    matches = " AND ".join(f"t.`{name}` = s.`{name}`" for name in keys)
    spark.sql(f"MERGE INTO {target} t USING rehearsed s ON {matches} WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
    spark.sql(f"DELETE FROM {gold.TIME_SEGMENT.on_main} WHERE segment_start_at > TIMESTAMP '2026-01-05 20:00:00'")  # noqa: S608


def _stream(spark: SparkSession, folder: Path) -> None:
    def write(batch: DataFrame, _: int) -> None:
        batch.selectExpr("cast(value as string) v", "timestamp t").groupBy("v").count().collect()

    rate = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 10).load()
    query = rate.writeStream.foreachBatch(write).option("checkpointLocation", str(folder / "checkpoint")).trigger(processingTime="0 seconds").start()
    deadline = time.monotonic() + STREAM_WITHIN_S
    try:
        while not query.recentProgress and query.isActive:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the stream made no progress within {STREAM_WITHIN_S} s")
            query.awaitTermination(1)
    finally:
        query.stop()


def _ask_catalog(spark: SparkSession) -> None:
    spark.sql("SHOW NAMESPACES IN refused").collect()


def _ask_store(spark: SparkSession) -> None:
    java = spark._jvm
    io = java.org.apache.iceberg.aws.s3.S3FileIO()
    io.initialize(java.java.util.HashMap(S3))
    io.newInputFile("s3://lake/none").exists()


def _ask_broker(spark: SparkSession) -> None:
    asked = {"kafka.bootstrap.servers": NOBODY, "subscribe": "none", "kafka.default.api.timeout.ms": "1500", "kafka.request.timeout.ms": "1000"}
    spark.read.format("kafka").options(**asked).load().collect()


def _refused(ask: Callable[[], None]) -> None:
    """Ask where nobody is. Only the refusal is expected here: an answer would mean that the rehearsal met a real service.

    Raises:
        RuntimeError: somebody answered.
    """
    try:
        ask()
    except (Py4JJavaError, PySparkException):
        return
    raise RuntimeError(f"{NOBODY} has answered")
