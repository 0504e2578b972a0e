"""Silver to gold for the machine-shifts that were touched; one function for live and for batch, so both give the same rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.gold import claims, counters, quantities
from lakehouse.gold.counters import REACH
from lakehouse.gold.ledger import segments
from lakehouse.gold.machine_shift import machine_shifts
from lakehouse.gold.order_reconciliation import order_reconciliation
from lakehouse.gold.scope import MachineShift, Scope, scope_of
from lakehouse.gold.spans import on_windows
from lakehouse.gold.temperature_window import BEFORE_S
from lakehouse.gold.temperature_window import temperature_windows as windows_of_readings
from lakehouse.plant import PlantModel
from lakehouse.spark.schema import shaped
from lakehouse.tables.gold import MACHINE_SHIFT, TEMPERATURE_WINDOW, TIME_SEGMENT
from lakehouse.tables.gold_orders import ORDER_RECONCILIATION

__all__ = ["GoldFrames", "MachineShift", "SilverFrames", "reconciled", "summarise", "temperature_windows"]

CHAIN = dt.timedelta(days=1)
"""How far beyond a window stops are looked for that abut those within: no micro-stop threshold is longer."""
BEFORE = dt.timedelta(seconds=BEFORE_S)
Span = tuple[str, str, dt.datetime, dt.datetime]
_SENSORS = (
    "site_id string, machine_id string, line_id string, lane_number int, zone string, limits map<string,double>,"
    " touched array<struct<start_at:timestamp,end_at:timestamp>>"
)


@dataclass(frozen=True)
class SilverFrames:
    """Silver tables as they are; summarise reads the part that it needs. Schemas of `lakehouse.tables.silver`."""

    interruptions: DataFrame
    counts: DataFrame
    events: DataFrame
    confirmations: DataFrame
    readings: DataFrame


@dataclass(frozen=True)
class GoldFrames:
    """Rows of gold.time_segment and gold.machine_shift, lazy.

    `machine_shift` is computed from `time_segment`: persist the first before acting on the second, and the ledger is made once.
    """

    time_segment: DataFrame
    machine_shift: DataFrame


def summarise(
    spark: SparkSession,
    plant: PlantModel,
    shifts: Sequence[MachineShift],
    silver: SilverFrames,
    as_of: dt.datetime,
    revision: int,
) -> GoldFrames:
    """Rebuild machine-shifts whole.

    Args:
        spark: makes the small relations of the plant model; nothing else is read or written with it.
        plant: the plant model.
        shifts: what was touched; those that begin after as_of or whose machine is unknown are left out.
        silver: silver tables.
        as_of: knowledge time, aware UTC; windows are counted up to it.
        revision: number of the publication, put into each row.
    """
    scope = scope_of(spark, plant, shifts, as_of)
    near = _near(silver, shifts, as_of)
    readings = _with_heartbeat(near.counts, scope)
    made = counters.steps(readings)
    confirmed = _confirmed(near.confirmations, scope)
    last = _last_readings(silver.counts, near.interruptions, scope, as_of)
    segment_rows = segments(_claims(near, scope, last, readings, made, confirmed, as_of), scope.windows)
    ledger = shaped(_stamped(segment_rows, as_of, revision), TIME_SEGMENT)
    pieces = quantities.placed(quantities.of_counters(made).unionByName(quantities.of_events(near.events)), scope.days)
    placed = quantities.with_cycle(pieces.unionByName(quantities.of_confirmations(confirmed)), scope.sites)
    counted = on_windows(counters.counted(made), scope.days)
    rows = machine_shifts(scope.windows, ledger, quantities.by_window(placed), counted)
    return GoldFrames(time_segment=ledger, machine_shift=shaped(_stamped(rows, as_of, revision), MACHINE_SHIFT))


def reconciled(
    spark: SparkSession, plant: PlantModel, shifts: Sequence[MachineShift], silver: SilverFrames, as_of: dt.datetime, revision: int
) -> DataFrame:
    """Lay what counter, MES and confirmations tell of machine-shifts side by side: rows of gold.order_reconciliation.

    Args: those of `summarise`.
    """
    scope = scope_of(spark, plant, shifts, as_of)
    near = _near(silver, shifts, as_of)
    pieces = quantities.of_counters(counters.steps(near.counts)).unionByName(quantities.of_events(near.events))
    rows = order_reconciliation(pieces, _confirmed(near.confirmations, scope), scope.windows, scope.days)
    return shaped(_stamped(rows, as_of, revision), ORDER_RECONCILIATION)


def temperature_windows(
    spark: SparkSession, plant: PlantModel, readings: DataFrame, spans: Sequence[Span], as_of: dt.datetime, revision: int
) -> DataFrame:
    """Rebuild the ten-minute windows that start within the spans.

    Args:
        spark: makes the relation of machine attributes.
        plant: the plant model.
        readings: silver.sensor_reading.
        spans: site_id, machine_id, first window's start and last window's end (aware UTC, whole ten minutes) of what changed;
            a changed reading changes the two windows after its own, too: their half hour reaches back to it.
        as_of: knowledge time; later readings do not count.
        revision: number of the publication.

    Returns:
        Rows of gold.temperature_window; windows without a reading have none.
    """
    rows = [_sensor_row(plant, site, machine, list(group)) for (site, machine), group in groupby(sorted(spans), key=lambda span: span[:2])]
    sensors = spark.createDataFrame([row for row in rows if row is not None], _SENSORS)
    touched = F.broadcast(sensors.select("site_id", "machine_id", "touched"))
    near = readings.where(_within([(site, start - BEFORE, end) for site, _, start, end in spans], "reading_at >= {a} AND reading_at < {b}"))
    needed = near.where(F.col("reading_at") <= F.lit(as_of)).join(touched, ["site_id", "machine_id"])
    needed = needed.where(f"exists(touched, t -> unix_micros(reading_at) >= unix_micros(t.start_at) - {BEFORE_S}000000 AND reading_at < t.end_at)")
    built = windows_of_readings(needed.drop("touched"), sensors.drop("touched"))
    kept = built.join(touched, ["site_id", "machine_id"]).where("exists(touched, t -> window_start_at >= t.start_at AND window_start_at < t.end_at)")
    return shaped(_stamped(kept, as_of, revision), TEMPERATURE_WINDOW)


def _claims(
    near: SilverFrames, scope: Scope, last: DataFrame, readings: DataFrame, made: DataFrame, confirmed: DataFrame, as_of: dt.datetime
) -> DataFrame:
    facts = (
        claims.of_interruptions(near.interruptions, last, scope.machines, as_of),
        claims.of_events(near.events),
        claims.of_counters(counters.coverage(readings), "heard"),
        claims.of_counters(counters.evidence(made), "made"),
    )
    said = claims.claimed(claims.described(reduce(DataFrame.unionByName, facts), scope.reasons, scope.machines), scope.days)
    return scope.calendar.unionByName(said).unionByName(claims.of_confirmations(confirmed, scope.calendar))


def _speaking(scope: Scope) -> DataFrame:
    """Return the machines that readings speak for, with their attributes in force."""
    speaks = scope.windows.where("state_source = 'state' OR quantity_source = 'counter'").select("site_id", "machine_id").distinct()
    return scope.machines.join(speaks, ["site_id", "machine_id"], "left_semi").select("site_id", "machine_id", "in_force")


def _last_readings(counts: DataFrame, stops: DataFrame, scope: Scope, as_of: dt.datetime) -> DataFrame:
    """Return the last reading of each machine with an open stop, however far from the windows that are rebuilt it lies."""
    is_open = stops.where("end_at IS NULL AND status != 'cancelled'")
    found = is_open.groupBy("site_id", "machine_id").agg(F.unix_micros(F.min("start_at")).alias("since_us")).collect()
    if not found:
        return counters.last_readings(counts.where("false"))
    named = F.col("site_id").isin(sorted({row["site_id"] for row in found})) & F.col("machine_id").isin(sorted({row["machine_id"] for row in found}))
    since = F.timestamp_micros(F.lit(min(row["since_us"] for row in found)))
    heard = counts.where(named & (F.col("reading_at") >= since) & (F.col("reading_at") <= F.lit(as_of)))
    return counters.last_readings(heard.join(F.broadcast(_speaking(scope)), ["site_id", "machine_id"], "left_semi"))


def _with_heartbeat(counts: DataFrame, scope: Scope) -> DataFrame:
    """Keep the readings of machines that they speak for, with the heartbeat in force at each."""
    machines = _speaking(scope)
    known = counts.join(F.broadcast(machines), ["site_id", "machine_id"])
    return known.withColumn("heartbeat_us", F.expr("get(filter(in_force, f -> f.valid_from <= reading_at), 0).heartbeat_us")).drop("in_force")


def _confirmed(confirmations: DataFrame, scope: Scope) -> DataFrame:
    """Give confirmations to their windows: that of their posting, or, by the policy for their pass, that in which the pieces were made."""
    made = "if(is_rework, rework_policy, late_scrap_policy) = 'production_time' AND produced_date IS NOT NULL"
    policies = scope.sites.select("site_id", "late_scrap_policy", "rework_policy")
    posted = confirmations.join(F.broadcast(policies), "site_id").withColumns(
        {
            "shift_date": F.expr(f"CASE WHEN {made} THEN produced_date ELSE posting_date END"),
            "shift_id": F.expr(f"CASE WHEN {made} THEN produced_shift_id ELSE shift_id END"),
        }
    )
    unneeded = ("start_at", "end_at", "source_ref", "landed_at", "posting_date", "produced_date", "produced_shift_id")
    placed = posted.drop(*unneeded, "late_scrap_policy", "rework_policy")
    return placed.join(F.broadcast(scope.windows), ["site_id", "machine_id", "shift_date", "shift_id"])


def _near(silver: SilverFrames, shifts: Sequence[MachineShift], as_of: dt.datetime) -> SilverFrames:
    """Cut silver down to the rows that can matter, by conditions that the table format can prune files with."""
    spans = [(each.site_id, each.window.start_at, each.window.end_at) for each in shifts]
    dates = [(each.site_id, each.window.shift_date, each.window.shift_date) for each in shifts]
    chained = [(site, start - CHAIN, end + CHAIN) for site, start, end in spans]
    dated = "posting_date >= {a} AND posting_date <= {b} OR produced_date >= {a} AND produced_date <= {b}"
    machines = F.col("machine_id").isin(sorted({each.machine_id for each in shifts}))
    return SilverFrames(
        interruptions=silver.interruptions.where(_within(chained, "start_at < {b} AND (end_at IS NULL OR end_at > {a})")).where(machines),
        counts=_with_neighbours(silver.counts.where(machines & (F.col("reading_at") <= F.lit(as_of))), spans),
        events=silver.events.where(_within(chained, "start_at <= {b} AND end_at >= {a}")).where(machines),
        confirmations=silver.confirmations.where(_within(dates, dated)).where(machines),
        readings=silver.readings,
    )


def _with_neighbours(counts: DataFrame, spans: Sequence[tuple[str, dt.datetime, dt.datetime]]) -> DataFrame:
    """Return each site's readings from its first window to its last, and of each machine the one before and the one after within `REACH`."""
    reach, columns, place = f"interval '{REACH.days}' day", F.struct(*counts.columns), F.struct("reading_at", "event_id")
    before = counts.where(_within(spans, f"reading_at >= {{a}} - {reach} AND reading_at < {{a}}"))
    after = counts.where(_within(spans, f"reading_at > {{b}} AND reading_at <= {{b}} + {reach}"))
    chosen = ((before, F.max_by(columns, place)), (after, F.min_by(columns, place)))
    neighbours = [rows.groupBy("site_id", "machine_id").agg(one.alias("row")).select("row.*") for rows, one in chosen]
    return reduce(DataFrame.unionByName, neighbours, counts.where(_within(spans, "reading_at >= {a} AND reading_at <= {b}")))


def _within(spans: Iterable[tuple[str, dt.date, dt.date]], rule: str) -> str:
    """Return one SQL condition that bounds each site's rows by its earliest ({a}) and latest ({b}) span; false when there is none."""
    conditions = []
    for site, group in groupby(sorted(spans), key=lambda each: each[0]):
        bounds = list(group)
        first, last = min(each[1] for each in bounds), max(each[2] for each in bounds)
        conditions.append(f"(site_id = '{site}' AND ({rule.format(a=_literal(first), b=_literal(last))}))")
    return " OR ".join(conditions) or "false"


def _literal(at: dt.date) -> str:
    if isinstance(at, dt.datetime):
        return f"timestamp'{at.astimezone(dt.UTC).isoformat()}'"
    return f"date'{at.isoformat()}'"


def _stamped(rows: DataFrame, as_of: dt.datetime, revision: int) -> DataFrame:
    return rows.withColumn("revision", F.lit(revision)).withColumn("as_of", F.lit(as_of))


def _sensor_row(plant: PlantModel, site_id: str, machine_id: str, spans: Sequence[Span]) -> tuple[object, ...] | None:
    machine = plant.machine(site_id, machine_id)
    if machine is None:
        return None
    touched = [(start, end) for _, _, start, end in spans]
    return site_id, machine_id, machine.line_id, machine.lane_number, plant.site(site_id).zone, dict(machine.temperature_limits), touched
