"""Measuring: wall time and CPU time of this process with all its children, medians and ranges of pairs, raw results kept."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Run:
    """One timed run: seconds of wall time, CPU-seconds of the process tree, rows and a content hash of what was written."""

    rung: str
    rows: int
    wall_s: float
    cpu_s: float
    content: str = ""

    @property
    def rows_per_s(self) -> float:
        """Rows a second of wall time."""
        return self.rows / self.wall_s

    @property
    def cpu_s_per_million(self) -> float:
        """CPU-seconds a million rows."""
        return self.cpu_s / self.rows * 1_000_000


def tree_cpu_s() -> float:
    """Return the CPU-seconds of this process and all its descendants so far, the dead ones included."""
    me = psutil.Process()
    total = 0.0
    for process in [me, *me.children(recursive=True)]:
        try:
            spent = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def warmed(cost: Callable[[], float], at_most: int = 12) -> list[float]:
    """Repeat a batch until two after another differ by less than 10 %, and return what each cost.

    Args:
        cost: runs one batch and returns its cost: seconds of wall time or of CPU.
        at_most: batches.
    """
    costs = [cost()]
    while len(costs) < at_most:
        costs.append(cost())
        if abs(costs[-1] - costs[-2]) < 0.1 * costs[-2]:
            break
    return costs


def timed(rung: str, rows: int, work: Callable[[], str]) -> Run:
    """Run `work` once and return its times; what it returns is the content hash."""
    cpu, wall = tree_cpu_s(), time.monotonic()
    content = work()
    return Run(rung, rows, time.monotonic() - wall, tree_cpu_s() - cpu, content)


def ratio(ours: Sequence[Run], theirs: Sequence[Run]) -> tuple[float, float, float]:
    """Return minimum, median and maximum of the pairwise ratios of rows a second, ours to theirs."""
    pairs = sorted(a.rows_per_s / b.rows_per_s for a, b in zip(ours, theirs, strict=True))
    return pairs[0], statistics.median(pairs), pairs[-1]


def machine() -> dict[str, object]:
    """Return what the figures were measured on."""
    memory = psutil.virtual_memory().total
    return {
        "python": platform.python_version(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "load_before": psutil.getloadavg(),
    }


def keep(folder: Path, name: str, runs: Sequence[Run], notes: dict[str, object]) -> Path:
    """Write the raw results as JSON and return where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{name}.json"
    path.write_text(json.dumps({"machine": machine(), "notes": notes, "runs": [asdict(run) for run in runs]}, indent=2, default=str))
    return path
