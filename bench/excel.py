"""`python -m bench.excel [--rows N] [--pairs N]`: B5 for Excel, our reader's tables beside openpyxl's fastest way on the same workbook."""

from __future__ import annotations

import argparse
import datetime as dt
import random
import resource
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow.compute as pc
from rich.console import Console

from bench.measure import Run, ratio, timed
from lakehouse.sources import workbook
from lakehouse.sources.contracts import load_sources
from lakehouse.sources.profiles import WorkbookContract

SHEET, QUANTITY = "Confirmations", "yield_qty"
out = Console(highlight=False)


def written(path: Path, rows: int) -> Path:
    """Write a workbook of confirmations; the same number of rows gives the same cells."""
    contract = load_sources().contract("confirmations")
    assert isinstance(contract, WorkbookContract)  # noqa: S101 - tells the type checker which contract it is
    header = list(contract.profile("bench").columns)
    chance, start = random.Random(rows), dt.datetime(2026, 11, 1)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    sheet.append(header)
    for n in range(rows):
        at = start + dt.timedelta(minutes=n)
        place = [f"C{n:07}", 1, f"O{n // 20:06}", "10", f"M{n % 40:02}", f"P-{n % 100}", at.date(), at, at + dt.timedelta(hours=8)]
        sheet.append([*place, chance.randrange(1000), chance.randrange(10) / 4, 0, f"S{n % 9}", "PC", "early", None, None])
    book.save(path)
    return path


def ours(path: Path) -> str:
    """Read it as landing does, and return what was read: rows, filled cells, pieces."""
    contract = load_sources().contract("confirmations")
    assert isinstance(contract, WorkbookContract)  # noqa: S101 - tells the type checker which contract it is
    rows, cells, pieces = 0, 0, Decimal(0)
    for table in workbook.batches(path, contract.profile("bench")):
        filled = table["cells"].combine_chunks()
        rows, cells = rows + table.num_rows, cells + len(filled.items)
        pieces += sum(map(Decimal, filled.items.filter(pc.equal(filled.keys, QUANTITY)).to_pylist()))
    return f"{rows} rows, {cells} cells, {pieces} pieces"


def theirs(path: Path) -> str:
    """Read it with openpyxl, read-only and values only."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    lines = book[SHEET].iter_rows(values_only=True)
    place = next(lines).index(QUANTITY)
    rows, cells, pieces = 0, 0, Decimal(0)
    for line in lines:
        rows, cells, pieces = rows + 1, cells + sum(cell is not None for cell in line), pieces + Decimal(str(line[place]))
    return f"{rows} rows, {cells} cells, {pieces} pieces"


def _shown(name: str, runs: Sequence[Run]) -> str:
    return f"{name:9} {min(run.wall_s for run in runs):6.2f} s wall, {min(run.cpu_s for run in runs):6.2f} CPU-s at best of {len(runs)}"


def main() -> None:
    """Measure interleaved pairs and print the ratio; the contents are equal or it ends here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / "confirmations.xlsx", asked.rows)
        mine: list[Run] = []
        others: list[Run] = []
        for _ in range(asked.pairs):
            others.append(timed("openpyxl", asked.rows, lambda: theirs(path)))
            mine.append(timed("ours", asked.rows, lambda: ours(path)))
    contents = {run.content for run in [*mine, *others]}
    if len(contents) != 1:
        raise SystemExit(f"the contents differ, so no time is printed: {contents}")
    low, middle, high = ratio(mine, others)
    out.print(f"{contents.pop()}; peak of the reading process {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB")
    out.print(_shown("openpyxl", others))
    out.print(_shown("ours", mine))
    out.print(f"ours is {middle:.1f} times as fast ({low:.1f} to {high:.1f}); the target is 5")


if __name__ == "__main__":
    main()
