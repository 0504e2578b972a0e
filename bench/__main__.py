"""`python -m bench [--rows N] [--pairs N] [--skip-start]`: B1, B1r and B13 with the ladder; raw results below .lake/bench."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.drain import Drain, preload
from bench.measure import Run, keep, machine, ratio, timed
from lakehouse.services.stack import bring_up, take_down
from lakehouse.services.state import stack_status
from lakehouse.settings import Settings
from lakehouse.spark.ddl import ensure_tables
from lakehouse.spark.session import session
from lakehouse.tables import ALL

OFFSET = 20_000
LADDER = ("to_nothing", "with_decode", "to_parquet", "to_local_iceberg")
out = Console(highlight=False)


def arguments() -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="messages to drain")
    parser.add_argument("--pairs", type=int, default=3, help="interleaved pairs")
    parser.add_argument("--skip-start", action="store_true", help="leave B13 out")
    return parser.parse_args()


def drain_runs(drain: Drain, rows: int, pairs: int) -> list[Run]:
    """Return one run of each rung of the ladder after a warm one, and the interleaved pairs; contents are equal or it ends here."""
    runs = []
    for rung in LADDER:
        work = getattr(drain, rung)
        work()
        runs.append(timed(rung, rows, work))
    drain.emptied()
    drain.ours()
    drain.bare()
    for _ in range(pairs):
        for rung in ("bare", "ours", "bare_raw", "ours_raw"):
            drain.emptied()
            runs.append(timed(rung, rows, getattr(drain, rung)))
    for pair in (("bare", "ours"), ("bare_raw", "ours_raw")):
        contents = {run.content for run in runs if run.rung in pair}
        if len(contents) != 1:
            raise SystemExit(f"{pair}: the contents differ, so no time is printed: {contents}")
    return runs


def show(runs: list[Run]) -> None:
    """Print the ladder and the ratios of the pairs."""
    table = Table(title="drain of a preloaded topic", title_justify="left", box=None)
    for heading in ("rung", "rows/s", "CPU-s a million rows", "runs"):
        table.add_column(heading)
    for rung in dict.fromkeys(run.rung for run in runs):
        each = sorted((run for run in runs if run.rung == rung), key=lambda run: run.rows_per_s)
        middle = each[len(each) // 2]
        table.add_row(rung, f"{middle.rows_per_s:,.0f}", f"{middle.cpu_s_per_million:.1f}", str(len(each)))
    out.print(table)
    for name, ours, bare, target in (("B1", "ours", "bare", 0.8), ("B1r", "ours_raw", "bare_raw", None)):
        low, median, high = ratio([r for r in runs if r.rung == ours], [r for r in runs if r.rung == bare])
        aim = f" (target {target})" if target else ""
        out.print(f"{name}: {ours} / {bare} = {median:.2f}, {low:.2f} to {high:.2f}{aim}; counts and hashes equal")


def start_run(settings: Settings) -> tuple[float, float]:
    """Stop everything, start the whole stack, and return seconds until all is healthy and GiB of resident memory."""
    take_down(settings)
    begun = time.monotonic()
    bring_up(settings, [], [], 420, lambda _: None)
    took = time.monotonic() - begun
    return took, stack_status(settings).resident_bytes / 2**30


def main() -> None:
    """Run the quick benchmarks on a stack of their own and stop it."""
    asked = arguments()
    os.environ["LAKEHOUSE_STACK"], os.environ["LAKEHOUSE_PORT_OFFSET"] = "bench", str(OFFSET)
    settings = Settings()
    out.print(machine())
    notes: dict[str, object] = {"rows": asked.rows, "driver_memory": settings.spark_driver_memory, "batch": settings.max_offsets_per_trigger}
    try:
        bring_up(settings, ["kafka", "topics", "minio", "buckets", "nessie"], [], 240, lambda _: None)
        preload(settings, asked.rows)
        scratch = settings.run / "data" / "bench"
        local = {"spark.sql.catalog.local": "org.apache.iceberg.spark.SparkCatalog", "spark.sql.catalog.local.type": "hadoop"}
        spark = session(settings, "bench", {**local, "spark.sql.catalog.local.warehouse": str(scratch / "warehouse")})
        ensure_tables(spark, ALL)
        spark.sql("CREATE NAMESPACE IF NOT EXISTS lake.bench")
        runs = drain_runs(Drain(spark, settings, scratch), asked.rows, asked.pairs)
        spark.stop()
        show(runs)
        if not asked.skip_start:
            notes["start_s"], notes["start_gib"] = start_run(settings)
            out.print(f"B13: everything healthy in {notes['start_s']:.0f} s (target 90), {notes['start_gib']:.1f} GiB resident (target 8)")
        out.print(f"raw results: {keep(Path(settings.lake_home) / 'bench', 'quick', runs, notes).relative_to(settings.lake_home.parent)}")
    finally:
        take_down(settings)


if __name__ == "__main__":
    main()
