"""A year of forty machines in silver, made by Spark from a formula: what B6 and B8 are measured on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.flow.land_topics import next_seq
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.spark.progress import PROGRESS
from lakehouse.spark.schema import struct_of
from lakehouse.spark.write import append
from lakehouse.tables import ops, silver

SITE = "bench-year"
FIRST = datetime(2025, 11, 1, tzinfo=UTC)
READ_EVERY_S = 300
STOPS_A_DAY = 16
REASONS = ("B01", "B02", "S01", "P01", "W01", "M01")
PLANT = """
site_id: bench-year
zone: Europe/Berlin
shifts:
  - {shift_id: early, start: "06:00", end: "14:00", breaks: [{start: "10:00", minutes: 30}]}
  - {shift_id: late, start: "14:00", end: "22:00", breaks: [{start: "18:00", minutes: 30}]}
  - {shift_id: night, start: "22:00", end: "06:00", breaks: [{start: "01:00", minutes: 30}]}
machine_defaults: {line_id: L1, area_id: A1, state_source: state, quantity_source: counter, heartbeat_s: 900}
reasons:
  - {code: B01, text: Hydraulic fault, category: unplanned_stop, is_failure: true}
  - {code: B02, text: Electrical fault, category: unplanned_stop, is_failure: true}
  - {code: M01, text: Jam, category: unplanned_stop}
  - {code: S01, text: Tool change, category: setup, planned_s: 900}
  - {code: P01, text: Maintenance, category: planned_down}
  - {code: W01, text: No material, category: starved}
ideal_cycles: [{part_no: P-1, cycle_s: 5}, {part_no: P-2, cycle_s: 8}]
machines:
"""


def machine_names(count: int) -> list[str]:
    """Return the names of the machines."""
    return [f"Y{number:02}" for number in range(1, count + 1)]


def write_plant(settings: Settings, machines: int) -> None:
    """Put the site beside the stack's other sites."""
    folder = settings.run / "plant"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{SITE}.yaml").write_text(PLANT + "".join(f"  - {{machine_id: {name}}}\n" for name in machine_names(machines)), encoding="utf-8")


def _slots(spark: SparkSession, machines: int, days: int, each_s: int) -> DataFrame:
    """One row for each machine and stretch of `each_s` seconds: machine_id, n, at."""
    names = F.array(*(F.lit(name) for name in machine_names(machines)))
    slots = spark.range(days * 86_400 // each_s).select(F.col("id").alias("n"), F.explode(names).alias("machine_id"))
    return slots.withColumn("at", F.timestamp_seconds(F.lit(int(FIRST.timestamp())) + F.col("n") * each_s))


def _chance(*parts: str) -> str:
    return f"pmod(xxhash64({', '.join(parts)}), 1000)"


def counts(spark: SparkSession, machines: int, days: int) -> DataFrame:
    """Return readings of cumulative counters, one in five minutes."""
    scrap = f"cast(n * 2 + {_chance('machine_id', 'n')} DIV 500 AS bigint)"
    return _slots(spark, machines, days, READ_EVERY_S).selectExpr(
        "concat(machine_id, '-', n) AS event_id", f"'{SITE}' AS site_id", "machine_id", "at AS reading_at", "n * 50 AS good_count",
        f"{scrap} AS scrap_count", "0L AS rework_count", "'Execute' AS state", "cast(NULL AS double) AS speed_per_min",
        f"concat('P-', 1 + {_chance('machine_id', 'n DIV 96')} DIV 500) AS part_no", "cast(NULL AS string) AS order_no",
        "cast(array() AS array<string>) AS flags", "concat('bench/0/', n) AS source_ref", "at AS landed_at",
    )  # fmt: skip


def interruptions(spark: SparkSession, machines: int, days: int) -> DataFrame:
    """Return stops of one to twenty minutes, sixteen a day and machine."""
    start = f"timestamp_micros(unix_micros(at) + 1000000 * {_chance('machine_id', 'n', '1')})"
    end = f"timestamp_micros(unix_micros(at) + 1000000 * ({_chance('machine_id', 'n', '1')} + 60 + {_chance('machine_id', 'n', '2')}))"
    reasons = ", ".join(f"'{code}'" for code in REASONS)
    return _slots(spark, machines, days, 86_400 // STOPS_A_DAY).selectExpr(
        "concat(machine_id, '-', n) AS interruption_id", "1 AS version", f"'{SITE}' AS site_id", "machine_id", f"{start} AS start_at",
        f"{end} AS end_at", f"array({reasons})[cast({_chance('machine_id', 'n', '3')} % {len(REASONS)} AS int)] AS reason_code",
        "cast(NULL AS string) AS reason_sent", "cast(NULL AS string) AS reason_text", "cast(NULL AS string) AS operator", "'closed' AS status",
        f"{end} AS sent_at", "cast(array() AS array<string>) AS flags", "concat('bench/1/', n) AS source_ref", f"{end} AS landed_at",
    )  # fmt: skip


def fill(spark: SparkSession, nessie: Nessie, machines: int, days: int) -> int:
    """Write the year into silver and return its rows."""
    with nessie.work_branch("bench-year") as branch:
        append(counts(spark, machines, days).repartitionByRange(8, "reading_at"), silver.MACHINE_COUNT, branch)
        append(interruptions(spark, machines, days), silver.MACHINE_INTERRUPTION, branch)
        nessie.merge(branch, "a year of bench machines")
    return sum(spark.table(table.on_main).where(F.col("site_id") == SITE).count() for table in (silver.MACHINE_COUNT, silver.MACHINE_INTERRUPTION))


def touch(spark: SparkSession, nessie: Nessie, spans: Sequence[tuple[str, datetime, datetime]]) -> None:
    """Record that a commit touched stretches of machines, as conforming does; the rows themselves stay as they are."""
    with nessie.work_branch("bench-touch") as branch:
        seq = next_seq(spark, ops.TOPIC_COMMIT, branch)
        touched = [{"site_id": SITE, "machine_id": name, "from_at": a, "to_at": b, "cause": "bench"} for name, a, b in spans]
        row = {
            "silver_table": "machine_interruption", "commit_seq": seq, "committed_at": datetime.now(UTC), "source": "bench", "in_count": 0,
            "kept_count": 0, "quarantined_count": 0, "duplicate_count": 0, "superseded_count": 0, "newest_event_at": None, "touched": touched,
        }  # fmt: skip
        rows = spark.createDataFrame([row], struct_of(ops.TOPIC_COMMIT)).coalesce(1)
        append(rows, ops.TOPIC_COMMIT, branch, {PROGRESS: json.dumps({"seq": seq, "ends": {}})})
        nessie.merge(branch, "touch")


def latest(machines: int, days: int, share: float) -> list[tuple[str, datetime, datetime]]:
    """Return the latest part of every machine's year."""
    end = FIRST + timedelta(days=days)
    return [(name, end - timedelta(days=days * share), end - timedelta(seconds=1)) for name in machine_names(machines)]


def at_random(machines: int, days: int, share: float) -> list[tuple[str, datetime, datetime]]:
    """Return single shifts spread over machines and year, always the same ones."""
    wanted = round(machines * days * 3 * share)
    picked = [(number * 7919) % (machines * days * 3) for number in range(wanted)]
    starts = [(machine_names(machines)[each % machines], FIRST + timedelta(hours=8 * (each // machines) + 6)) for each in picked]
    return [(name, start, start + timedelta(hours=1)) for name, start in starts]
