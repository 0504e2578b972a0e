"""What a publication must rebuild: the machine-shifts and temperature windows that conform touched, or that the clock moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.flow.extents import confirmation_spans
from lakehouse.flow.summarise import MachineShift
from lakehouse.gold.counters import REACH
from lakehouse.model import Table
from lakehouse.plant import Machine, PlantModel
from lakehouse.tables.ops import FILE_COMMIT, TOPIC_COMMIT
from lakehouse.tables.silver import CONFIRMATION, MACHINE_COUNT, MACHINE_INTERRUPTION, PRODUCTION_EVENT, SENSOR_READING

SPEAKERS: Mapping[str, frozenset[str]] = {
    "machine_interruption": frozenset({"state", "mes", "confirmation_only"}),
    "machine_count": frozenset({"state", "counter"}),
    "production_event": frozenset({"mes"}),
    "confirmation": frozenset({"confirmation", "confirmation_only"}),
}

START_AND_END = (
    (SENSOR_READING, "reading_at", "reading_at"),
    (MACHINE_COUNT, "reading_at", "reading_at"),
    (MACHINE_INTERRUPTION, "start_at", "coalesce(end_at, landed_at)"),
    (PRODUCTION_EVENT, "start_at", "end_at"),
)
"""Silver tables with SQL of the start and the end of a row."""

WHOLE_SHIFTS = "machine_shift"
"""In place of a silver table: the extent is made of whole machine-shifts, whatever speaks for the machine."""
STOPS = frozenset({"machine_interruption", "production_event"})


@dataclass(frozen=True)
class Extent:
    """A stretch of one machine's time that changed in one silver table. Instants UTC, `to_at` included."""

    silver_table: str
    site_id: str
    machine_id: str
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True)
class Consumed:
    """How far the publications have consumed the commit tables, and with which plant model."""

    topic_seq: int = 0
    file_seq: int = 0
    plant_versions: Mapping[str, str] = field(default_factory=dict)
    revision: int = 0
    as_of: datetime | None = None


@dataclass(frozen=True)
class Fresh:
    """What was committed since a publication: extents, the silver tables that were written, and the sequence numbers reached."""

    extents: list[Extent]
    written: frozenset[str]
    topic_seq: int
    file_seq: int


def new_extents(spark: SparkSession, consumed: Consumed, branch: str) -> Fresh:
    """Return what the commits after `consumed` say."""
    found: list[Extent] = []
    written: set[str] = set()
    reached = []
    for table, seq in ((TOPIC_COMMIT, consumed.topic_seq), (FILE_COMMIT, consumed.file_seq)):
        rows = _merged(spark.table(table.at(branch)).where(F.col("commit_seq") > seq)).collect()
        found += [Extent(r["silver_table"], r["site_id"], r["machine_id"], instant(r["from_us"]), instant(r["to_us"])) for r in rows if r["site_id"]]
        written |= {r["silver_table"] for r in rows}
        reached.append(max([seq, *(int(r["seq"]) for r in rows)]))
    return Fresh(found, frozenset(written), reached[0], reached[1])


def _merged(commits: DataFrame) -> DataFrame:
    """Return one row for each table, machine and hour touched; a commit that touched nothing still counts its number."""
    one = commits.select("silver_table", "commit_seq", F.explode_outer("touched").alias("t")).select("silver_table", "commit_seq", "t.*")
    return one.groupBy("silver_table", "site_id", "machine_id", F.date_trunc("hour", "from_at").alias("hour")).agg(
        F.unix_micros(F.min("from_at")).alias("from_us"), F.unix_micros(F.max("to_at")).alias("to_us"), F.max("commit_seq").alias("seq")
    )


def instant(micros: int) -> datetime:
    """Return the instant (UTC) so many microseconds after 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def with_neighbours(spark: SparkSession, extents: Sequence[Extent], readings: DataFrame, stops: DataFrame) -> list[Extent]:
    """Return the extents with those of counters widened to the readings before and after: a new reading changes both spans.

    The first sign of life after a long silence also carries an open stop through all of the silence: it is widened to that stop's start.

    Args:
        spark: the session.
        extents: what was touched.
        readings: silver.machine_count.
        stops: silver.machine_interruption.
    """
    counts = [each for each in extents if each.silver_table == MACHINE_COUNT.name]
    if not counts:
        return list(extents)
    spans = spark.createDataFrame(
        [(e.site_id, e.machine_id, e.from_at, e.to_at) for e in counts], "site_id string, machine_id string, from_at timestamp, to_at timestamp"
    )
    at = F.col("reading_at")
    first, last = min(each.from_at for each in counts) - REACH, max(each.to_at for each in counts) + REACH
    around = (at >= F.lit(first).cast("timestamp")) & (at <= F.lit(last).cast("timestamp"))
    near = readings.where(around).select("site_id", "machine_id", "reading_at")
    widened = (
        F.broadcast(spans)
        .join(near, ["site_id", "machine_id"], "left")
        .groupBy("site_id", "machine_id", "from_at", "to_at")
        .agg(
            F.unix_micros(F.coalesce(F.max(F.when(at < F.col("from_at"), at)), F.col("from_at"))).alias("from_us"),
            F.max(F.when(at < F.col("from_at"), at)).isNull().alias("is_first"),
            F.unix_micros(F.coalesce(F.min(F.when(at > F.col("to_at"), at)), F.col("to_at"))).alias("to_us"),
        )
        .collect()
    )
    since = _open_since(stops, {(r["site_id"], r["machine_id"]) for r in widened if r["is_first"]})
    wide = []
    for r in widened:
        from_us = min(r["from_us"], since.get((r["site_id"], r["machine_id"]), r["from_us"])) if r["is_first"] else r["from_us"]
        wide.append(Extent(MACHINE_COUNT.name, r["site_id"], r["machine_id"], instant(from_us), instant(r["to_us"])))
    return [each for each in extents if each.silver_table != MACHINE_COUNT.name] + wide


def _open_since(stops: DataFrame, machines: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return when the earliest open stop of each of these machines began, in microseconds; machines without one are left out."""
    if not machines:
        return {}
    named = F.concat_ws("\u0000", "site_id", "machine_id").isin(["\u0000".join(machine) for machine in sorted(machines)])
    found = stops.where(named & F.expr("end_at IS NULL AND status != 'cancelled'")).groupBy("site_id", "machine_id")
    return {(r["site_id"], r["machine_id"]): r["us"] for r in found.agg(F.unix_micros(F.min("start_at")).alias("us")).collect()}


def machine_shifts(plant: PlantModel, extents: Iterable[Extent], as_of: datetime, *, all_sources: bool = False) -> list[MachineShift]:
    """Return each machine-shift that shares time with an extent and has begun by `as_of`, once, in order.

    Args:
        plant: the plant model.
        extents: what was touched.
        as_of: knowledge time.
        all_sources: also for tables that are not among what the machine's times and quantities are made of.
    """
    found: set[MachineShift] = set()
    for each in extents:
        machine = plant.machine(each.site_id, each.machine_id)
        if machine is None or not (all_sources or each.silver_table in (WHOLE_SHIFTS, *_speakers(machine))):
            continue
        chain = _chain(machine) if each.silver_table in STOPS else timedelta()
        for window in plant.windows(each.site_id, each.from_at - chain, each.to_at + chain + timedelta(microseconds=1)):
            if window.start_at < as_of:
                found.add(MachineShift(each.site_id, each.machine_id, window))
    return sorted(found, key=lambda shift: (shift.site_id, shift.machine_id, shift.window.start_at))


def _chain(machine: Machine) -> timedelta:
    """Return how far beyond its own time a stop can change what another is: one that abuts it, when both are short."""
    return timedelta(seconds=max(state.micro_stop_s for _, state in machine.history()))


def _speakers(machine: Machine) -> list[str]:
    """Return the silver tables that a machine's gold is made of, at any time: each machine declares its sources."""
    sources = {source for _, state in machine.history() for source in (state.state_source, state.quantity_source)}
    return [table for table, speaks_for in SPEAKERS.items() if speaks_for & sources]


def speaks(plant: PlantModel, each: Extent) -> bool:
    """Tell whether an extent is of something that a machine's gold is made of; nothing speaks for an unknown machine."""
    machine = plant.machine(each.site_id, each.machine_id)
    return machine is not None and each.silver_table in (WHOLE_SHIFTS, *_speakers(machine))


def running_extents(plant: PlantModel, machines: Iterable[tuple[str, str]], since: datetime | None, as_of: datetime) -> list[Extent]:
    """Return, for each machine that gold knows, the time that has passed since the last publication: its shift went on."""
    if since is None or since >= as_of:
        return []
    return [Extent("machine_interruption", site, machine, since, as_of) for site, machine in machines if plant.machine(site, machine) is not None]


def reading_spans(extents: Iterable[Extent]) -> list[Extent]:
    """Return the extents of temperature readings."""
    return [each for each in extents if each.silver_table == SENSOR_READING.name]


def everything(spark: SparkSession, plant: PlantModel, branch: str, sites: Sequence[str]) -> list[Extent]:
    """Return extents that cover all silver rows of some sites, day by day: what a rebuild, or a changed plant model, must redo.

    Args:
        spark: the session.
        plant: the plant model; it must know the sites.
        branch: Nessie branch.
        sites: sites to cover.
    """

    def of(table: Table) -> DataFrame:
        return spark.table(table.at(branch)).where(F.col("site_id").isin(list(sites)))

    confirmed = confirmation_spans(plant, of(CONFIRMATION), "all")
    found = [Extent(CONFIRMATION.name, each.site_id, each.machine_id, each.from_at, each.to_at) for each in confirmed]
    for table, start, end in START_AND_END:
        by_day = of(table).groupBy("site_id", "machine_id", F.to_date(F.expr(start)).alias("day"))
        from_us, to_us = F.unix_micros(F.min(F.expr(start))).alias("from_us"), F.unix_micros(F.max(F.expr(end))).alias("to_us")
        rows: list[Any] = by_day.agg(from_us, to_us).collect()
        found += [Extent(table.name, r["site_id"], r["machine_id"], instant(r["from_us"]), instant(r["to_us"])) for r in rows]
    return found
