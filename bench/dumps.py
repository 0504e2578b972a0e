"""`python -m bench.dumps [--mb N] [--pairs N] [--rows N]`: B5, dumps into bronze beside DuckDB's COPY, workbooks beside openpyxl.

Ours is the whole landing of a file: read strictly, checked, as cells into Iceberg through Nessie and MinIO. DuckDB copies the same file
to Parquet (zstd) on the local disk. Workbooks are those of bench.excel. What both have read is compared before a time is printed: rows, of
workbooks also cells and pieces. Raw results below .lake/bench.
"""

from __future__ import annotations

import argparse
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from rich.console import Console

from bench import excel
from bench.measure import Run, keep, machine, ratio, timed
from lakehouse.bronze.files import BronzeWriter, Envelope
from lakehouse.nessie import Nessie
from lakehouse.services.stack import bring_up, take_down
from lakehouse.settings import Settings
from lakehouse.sources import readers
from lakehouse.sources.contracts import AnyContract
from lakehouse.sources.formats import DelimitedContract, JsonContract, ParquetContract
from lakehouse.sources.tables import bronze_table
from lakehouse.spark.data_files import appended_files
from lakehouse.spark.ddl import ensure_tables
from lakehouse.spark.session import session

OFFSET = 20_000
COLUMNS = 23
TARGETS = {"csv": 0.35, "json": 0.25, "parquet": 0.6, "workbook": 5.0}
out = Console(highlight=False)


def arguments() -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=200, help="size of each dump in MB (full: 1000)")
    parser.add_argument("--rows", type=int, default=50_000, help="rows of the workbook (full: 200000)")
    parser.add_argument("--pairs", type=int, default=3, help="interleaved pairs")
    return parser.parse_args()


def contracts() -> dict[str, AnyContract]:
    """Return a contract of each kind over the same columns."""
    table = {"name": "bench_row", "row": "One row.", "key": ["no"], "columns": {"no": {"type": "string", "meaning": "Number of the row."}}}
    columns = [f"c{number}" for number in range(COLUMNS)]
    common = {"title": "a bench dump", "bronze": "bench_cell", "table": table, "key": ["c0"], "columns": columns, "fields": {"no": "c0"}}
    return {
        "csv": DelimitedContract.model_validate({**common, "kind": "delimited"}),
        "json": JsonContract.model_validate({**common, "kind": "json"}),
        "parquet": ParquetContract.model_validate({**common, "kind": "parquet"}),
    }


def write_files(folder: Path, megabytes: int) -> dict[str, Path]:
    """Write the same rows as CSV, JSON Lines and Parquet, each about `megabytes` large as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = megabytes * 1_000_000 // 210
    text = ", ".join(
        f"'{'passed' if place % 2 else 'station'}-' || (i * {place + 7} % 9973)" if place else "cast(i AS varchar)" for place in range(COLUMNS)
    )
    named = ", ".join(f"{part.strip()} AS c{place}" for place, part in enumerate(text.split(", ")))
    paths = {kind: folder / f"dump-{megabytes}.{kind}" for kind in ("csv", "json", "parquet")}
    formats = {"csv": "(FORMAT csv, HEADER)", "json": "(FORMAT json)", "parquet": "(FORMAT parquet, COMPRESSION zstd)"}
    with duckdb.connect() as connection:
        for kind, path in paths.items():
            if not path.is_file():
                connection.execute(f"COPY (SELECT {named} FROM range({rows}) t(i)) TO '{path}' {formats[kind]}")
    return paths


def by_duckdb(kind: str, path: Path, to: Path) -> str:
    """Copy a file to Parquet as text and return its rows."""
    scans = {
        "csv": f"read_csv('{path}', all_varchar = true, header = true)",
        "json": f"read_json('{path}', columns = {{{', '.join(f'c{n}: VARCHAR' for n in range(COLUMNS))}}})",
        "parquet": f"read_parquet('{path}')",
    }
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute(f"COPY (SELECT * FROM {scans[kind]}) TO '{to}' (FORMAT parquet, COMPRESSION zstd)")
    return str(pq.read_metadata(to).num_rows)


@dataclass(frozen=True)
class Ours:
    """Lands files as the jobs do, without listing and conforming."""

    spark: SparkSession
    nessie: Nessie

    def land(self, path: Path, contract: AnyContract) -> str:
        """Check a file, write it to bronze on a branch, merge, and return its rows."""
        table = bronze_table(contract)
        count = readers.check(path, contract)
        with self.nessie.work_branch("bench") as branch:
            with appended_files(self.spark, table, branch) as files:
                writer = BronzeWriter(files.write)
                landed = writer.add(Envelope(path.name, path.name, "bench", "", datetime.now(UTC)), readers.batches(path, contract))
                writer.flush()
            self.nessie.merge(branch, "bench dump")
        if landed != count:
            raise SystemExit(f"{path.name}: {count} rows checked, {landed} landed")
        return str(landed)


def pairs_of(kind: str, rows: int, count: int, peer: Callable[[], str], ours: Callable[[], str]) -> list[Run]:
    """Return interleaved runs after a warm one of each; what they say they have read is equal or it ends here."""
    if peer() != ours():
        raise SystemExit(f"{kind}: the contents differ, so no time is printed")
    runs = []
    for _ in range(count):
        runs += [timed(f"{kind} peer", rows, peer), timed(f"{kind} ours", rows, ours)]
    return runs


def main() -> None:
    """Run all four on a stack of their own and stop it."""
    asked = arguments()
    os.environ["LAKEHOUSE_STACK"], os.environ["LAKEHOUSE_PORT_OFFSET"] = "bench", str(OFFSET)
    settings = Settings()
    out.print(machine())
    folder = settings.run / "data" / "bench-dumps"
    runs: list[Run] = []
    try:
        bring_up(settings, ["minio", "buckets", "nessie"], [], 240, lambda _: None)
        files = write_files(folder, asked.mb)
        spark = session(settings, "bench", {})
        made = contracts()
        ensure_tables(spark, [bronze_table(made["csv"])])
        ours = Ours(spark, Nessie(settings.nessie_api))
        for kind, path in files.items():
            rows = int(by_duckdb(kind, path, folder / "copy.parquet"))
            runs += pairs_of(
                kind, rows, asked.pairs, lambda k=kind, p=path: by_duckdb(k, p, folder / "copy.parquet"), lambda p=path, c=made[kind]: ours.land(p, c)
            )
        spark.stop()
        book = folder / f"confirmations-{asked.rows}.xlsx"
        if not book.is_file():
            excel.written(book, asked.rows)
        runs += pairs_of("workbook", asked.rows, asked.pairs, lambda: excel.theirs(book), lambda: excel.ours(book))
    finally:
        take_down(settings)
    for kind, target in TARGETS.items():
        low, middle, high = ratio([run for run in runs if run.rung == f"{kind} ours"], [run for run in runs if run.rung == f"{kind} peer"])
        speed = sorted(run.rows_per_s for run in runs if run.rung == f"{kind} ours")[asked.pairs // 2]
        out.print(f"B5 {kind}: ours / peer = {middle:.2f}, {low:.2f} to {high:.2f} (target {target}); {speed:,.0f} rows/s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    notes: dict[str, object] = {"mb": asked.mb, "rows_of_workbook": asked.rows, "peak_gib_of_python": round(peak, 2), "pyarrow": pa.__version__}
    out.print(f"peak of the Python process: {peak:.2f} GiB; heap {settings.spark_driver_memory}")
    out.print(f"raw results: {keep(Path(settings.lake_home) / 'bench', 'dumps', runs, notes).relative_to(settings.lake_home.parent)}")


if __name__ == "__main__":
    main()
