"""`python -m bench.gold [--machines N] [--days N]`: B6 and B8 on a year of machines. Raw results below .lake/bench.

B6: CPU-seconds of a full rebuild beside a publication of the latest 1 % and of 1 % at random, same gold afterwards.
B8: twelve dashboard questions on Trino, warm, one and four clients, with DuckDB on copies of the same files beside them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import boto3
import duckdb
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812
from rich.console import Console

from bench import year
from bench.measure import Run, keep, machine, timed, warmed
from lakehouse.bronze.landing_zone import WRITER
from lakehouse.flow.publish import publish
from lakehouse.nessie import Nessie
from lakehouse.plant import load_plant
from lakehouse.services.sql import run_sql
from lakehouse.services.stack import bring_up, take_down
from lakehouse.settings import Settings
from lakehouse.spark.ddl import ensure_tables
from lakehouse.spark.session import session
from lakehouse.tables import ALL, gold

OFFSET = 20_000
STAMPS = {"revision", "as_of", "plant_version"}
out = Console(highlight=False)
OF = f"WHERE site_id = '{year.SITE}'"
RECENT = f"{OF} AND shift_date >= date '2026-10-01'"
QUESTIONS: dict[str, str] = {
    "oee_tile": f"SELECT sum(earned_good_s) / sum(pbt_s) FROM oee_by_shift {RECENT}",
    "availability_tile": f"SELECT sum(apt_s) / sum(pbt_s) FROM availability_by_shift {RECENT}",
    "performance_tile": f"SELECT sum(earned_produced_s) / sum(apt_s) FROM performance_by_shift {RECENT}",
    "scrap_tile": f"SELECT sum(sq_count) / sum(pq_count) FROM scrap_by_shift {RECENT}",
    "oee_trend": f"SELECT shift_date, sum(earned_good_s) / sum(pbt_s) FROM oee_by_day {RECENT} GROUP BY 1",
    "oee_by_machine": f"SELECT machine_id, sum(earned_good_s) / sum(pbt_s) FROM oee_by_day {RECENT} GROUP BY 1",
    "heat_map": f"SELECT machine_id, shift_id, sum(earned_good_s) / sum(pbt_s) FROM oee_by_shift {RECENT} GROUP BY 1, 2",
    "pareto": f"SELECT reason_code, sum(downtime_s) FROM downtime_pareto {RECENT} GROUP BY 1 ORDER BY 2 DESC",
    "waterfall": f"SELECT loss, sum(loss_s) FROM loss_waterfall {RECENT} GROUP BY 1",
    "weeks": f"SELECT week_start_date, sum(earned_good_s) / sum(pbt_s) FROM oee_by_week {OF} GROUP BY 1",
    "reliability": f"SELECT machine_id, sum(apt_s) / nullif(sum(failure_count), 0) FROM reliability_by_week {OF} GROUP BY 1",
    "timeline": f"SELECT * FROM machine_timeline {OF} AND machine_id = 'Y07' AND shift_date = date '2026-10-20'",
}
ON_FILES: dict[str, str] = {
    "oee_tile": f"SELECT sum(earned_good_s) / sum(pbt_s) FROM shifts {RECENT} AND shift_id NOT LIKE 'off%'",
    "pareto": "SELECT reason_code, sum(duration_s) FROM segments WHERE category IN ('planned_down', 'setup', 'unplanned_stop', 'blocked_starved')"
    f" AND site_id = '{year.SITE}' AND shift_date >= date '2026-10-01' GROUP BY 1 ORDER BY 2 DESC",
}


def arguments() -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=40)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=10, help="warm rounds of the twelve questions for each client")
    return parser.parse_args()


def content(spark: SparkSession) -> str:
    """Return rows and an order-free hash of the year's gold, without the stamps of the publication."""
    parts = []
    for table in (gold.TIME_SEGMENT, gold.MACHINE_SHIFT):
        rows = spark.table(table.on_main).where(F.col("site_id") == year.SITE)
        hashed = F.xxhash64(F.to_json(F.struct(*(name for name in table.column_names if name not in STAMPS)))).cast("decimal(38,0)")
        found = rows.agg(F.count("*"), F.sum(hashed)).collect()[0]
        parts.append(f"{found[0]}:{found[1]}")
    return " ".join(parts)


def incremental(spark: SparkSession, settings: Settings, machines: int, days: int) -> list[Run]:
    """B6: the full rebuild, then 1 % twice after a warm one; gold is the same afterwards, or it ends here."""
    nessie, plant = Nessie(settings.nessie_api), load_plant(settings.plant_folders)

    def published(*, rebuild: bool) -> str:
        done = publish(spark, nessie, plant, "bench", ttl_s=300, wait_s=60, rebuild=rebuild)
        return f"{done.machine_shift_count} machine-shifts" if done else "nothing"

    published(rebuild=True)
    runs = [timed("full", machines * days * 3, lambda: published(rebuild=True))]
    whole = content(spark)


    def touched(rung: str, spans: Callable[[int, int, float], list[tuple[str, datetime, datetime]]]) -> Run:
        year.touch(spark, nessie, spans(machines, days, 0.01))
        run = timed(rung, round(machines * days * 3 * 0.01), lambda: published(rebuild=False))
        if content(spark) != whole:
            raise SystemExit(f"{rung}: gold is not what the full rebuild made, so no time is printed")
        return run

    warmed(lambda: touched("warm", year.latest).cpu_s)
    return runs + [touched(rung, spans) for rung, spans in (("latest", year.latest), ("random", year.at_random), ("latest", year.latest))]


def asked(questions: dict[str, str], ask: Callable[[str], object], clients: int, rounds: int) -> list[float]:
    """Return seconds of every answer: each client asks all questions in every round, after rounds that are not counted."""

    def one(_: int) -> list[float]:
        times = []
        for sql in [*questions.values()] * rounds:
            begun = time.monotonic()
            ask(sql)
            times.append(time.monotonic() - begun)
        return times

    warmed(lambda: sum(one(0)))
    with ThreadPoolExecutor(clients) as pool:
        return [each for times in pool.map(one, range(clients)) for each in times]


def said(name: str, times: Sequence[float]) -> dict[str, object]:
    """Print and return the middle and the 95th percentile in milliseconds."""
    p50, p95 = statistics.median(times) * 1000, statistics.quantiles(times, n=20)[-1] * 1000
    out.print(f"B8 {name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms of {len(times)} answers")
    return {"name": name, "p50_ms": round(p50), "p95_ms": round(p95), "answers": len(times)}


def copied(spark: SparkSession, settings: Settings, folder: Path) -> None:
    """Copy the present files of the two gold tables to a local folder."""
    keys = {"aws_access_key_id": WRITER, "aws_secret_access_key": settings.secret("s3_writer_secret")}
    store = boto3.client("s3", endpoint_url=settings.s3_endpoint, region_name=settings.s3_region, **keys)
    for name, table in (("segments", gold.TIME_SEGMENT), ("shifts", gold.MACHINE_SHIFT)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, row in enumerate(spark.sql(f"SELECT file_path FROM {table.on_main}.files").collect()):
            bucket, _, key = row["file_path"].split("://", 1)[1].partition("/")
            store.download_file(bucket, key, str(folder / name / f"{number}.parquet"))


def on_files(folder: Path) -> list[float]:
    """Return seconds of DuckDB's answers on the copies, warm, one thread of questions."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    for name in ("segments", "shifts"):
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{folder}/{name}/*.parquet'")
    return asked(ON_FILES, lambda sql: connection.execute(sql).fetchall(), 1, 10)


def main() -> None:
    """Run both on a stack of their own and stop it."""
    given = arguments()
    os.environ["LAKEHOUSE_STACK"], os.environ["LAKEHOUSE_PORT_OFFSET"] = "bench", str(OFFSET)
    settings = Settings()
    out.print(machine())
    take_down(settings)
    if settings.run.is_dir():  # an earlier run's year would count twice
        shutil.rmtree(settings.run)
    try:
        bring_up(settings, ["core", "tables", "views"], [], 300, lambda _: None)
        year.write_plant(settings, given.machines)
        spark = session(settings, "bench", {})
        ensure_tables(spark, ALL)
        rows = year.fill(spark, Nessie(settings.nessie_api), given.machines, given.days)
        out.print(f"silver: {rows:,} rows of {given.machines} machines and {given.days} days")
        runs = incremental(spark, settings, given.machines, given.days)
        full = next(run for run in runs if run.rung == "full")
        for run in runs:
            less = full.cpu_s / run.cpu_s
            out.print(f"B6 {run.rung}: {run.content}, {run.wall_s:.1f} s, {run.cpu_s:.1f} CPU-s, {less:.1f} times less than full")
        notes: dict[str, object] = {"rows": rows, "driver_memory": settings.spark_driver_memory}
        folder = settings.run / "data" / "bench-files"
        copied(spark, settings, folder)
        spark.stop()
        notes["b8"] = [
            said(
                f"Trino, {clients} client{'s'[: clients - 1]}",
                asked(QUESTIONS, lambda sql: run_sql(settings, sql, "superset"), clients, given.rounds),
            )
            for clients in (1, 4)
        ] + [said("DuckDB on the same files, two of the questions", on_files(folder))]
        out.print(f"raw results: {keep(Path(settings.lake_home) / 'bench', 'gold', runs, notes).relative_to(settings.lake_home.parent)}")
    finally:
        take_down(settings)


if __name__ == "__main__":
    main()
