"""The time between what is heard of a machine: part of what a publication makes, so that gold has the shifts in which nothing was heard.

Without them a planned shift of which no source spoke would be missing instead of unknown, and a rebuild would find other shifts than
the publications did that brought the data one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.flow.spans import joined_spans
from lakehouse.flow.touched import WHOLE_SHIFTS, Extent, instant, speaks
from lakehouse.plant import PlantModel

OUT_OF_USE = timedelta(days=31)
"""A machine of which nothing is heard for longer is out of use: the time between has no rows."""

MICROSECOND = timedelta(microseconds=1)
MachineId = tuple[str, str]


@dataclass(frozen=True)
class Known:
    """What gold has of a machine: start of its first window, and whether its newest is still going on."""

    first_at: datetime
    is_running: bool


def known_machines(machine_shift: DataFrame) -> dict[MachineId, Known]:
    """Return what gold.machine_shift has, by site and machine."""
    rows = machine_shift.groupBy("site_id", "machine_id")
    found = rows.agg(F.unix_micros(F.min("shift_start_at")).alias("first_us"), F.bool_or("is_provisional").alias("is_running")).collect()
    return {(row["site_id"], row["machine_id"]): Known(instant(row["first_us"]), row["is_running"]) for row in found}


def beside(
    machine_shift: DataFrame, plant: PlantModel, extents: Sequence[Extent], known: Mapping[MachineId, Known], as_of: datetime | None
) -> list[Extent]:
    """Return the stretches of time near the extents of which gold has rows of the touched machines.

    Args:
        machine_shift: gold.machine_shift.
        plant: the plant model.
        extents: what was touched.
        known: what `known_machines` says.
        as_of: knowledge time of the last publication; the clock has kept machines that run without a gap since they were first heard.
    """
    found, apart = [], []
    for each in extents:
        has = known.get((each.site_id, each.machine_id))
        if has is None or not speaks(plant, each):
            continue
        if has.is_running and as_of and each.from_at >= (first := max(has.first_at, as_of - OUT_OF_USE)):
            found.append(Extent(WHOLE_SHIFTS, each.site_id, each.machine_id, first, as_of))
        else:
            apart.append(each)
    if not apart:
        return found
    start = F.col("shift_start_at")
    first, last = min(each.from_at for each in apart) - 2 * OUT_OF_USE, max(each.to_at for each in apart) + OUT_OF_USE
    machines = F.concat_ws("\u0000", "site_id", "machine_id").isin(sorted({f"{each.site_id}\u0000{each.machine_id}" for each in apart}))
    near = machine_shift.where(machines & (start >= F.lit(first).cast("timestamp")) & (start <= F.lit(last).cast("timestamp")))
    return found + published(near, plant)


def published(machine_shift: DataFrame, plant: PlantModel) -> list[Extent]:
    """Return the stretches of time of which gold has rows, as extents: they end with their last microsecond."""
    in_order = Window.partitionBy("site_id", "machine_id").orderBy("shift_start_at")
    begins = F.coalesce(F.lag("window_end_at").over(in_order) < F.col("shift_start_at"), F.lit(True)).cast("int")
    numbered = machine_shift.select("site_id", "machine_id", "shift_start_at", "window_end_at", begins.alias("begins"))
    stretches = numbered.withColumn("nth", F.sum("begins").over(in_order)).groupBy("site_id", "machine_id", "nth")
    ends = stretches.agg(F.unix_micros(F.min("shift_start_at")).alias("from_us"), F.unix_micros(F.max("window_end_at")).alias("to_us"))
    found = (Extent(WHOLE_SHIFTS, r["site_id"], r["machine_id"], instant(r["from_us"]), instant(r["to_us"] - 1)) for r in ends.collect())
    return [each for each in found if speaks(plant, each)]


def silences(plant: PlantModel, known: Iterable[Extent]) -> list[Extent]:
    """Return the time between what is known of each machine: not longer than `OUT_OF_USE`, neither touched nor in gold.

    Args:
        plant: the plant model.
        known: what was touched, and what gold has beside it; only what says what a machine did or made counts.
    """
    speaking = (each for each in known if speaks(plant, each))
    spans = joined_spans((each.site_id, each.machine_id, each.from_at, each.to_at) for each in speaking)
    found = []
    for (site, machine), group in groupby(spans, key=lambda span: span[:2]):
        for before, after in pairwise(group):
            first, last = before[3] + MICROSECOND, after[2] - MICROSECOND
            if first <= last <= first + OUT_OF_USE:
                found.append(Extent(WHOLE_SHIFTS, site, machine, first, last))
    return found
