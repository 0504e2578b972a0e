"""Publish gold: under the lease, on a branch, audited there, merged in one commit. The live application and the jobs call this one function."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.crashpoints import crashpoint
from lakehouse.flow.audit import Audits, Expects
from lakehouse.flow.health import source_health
from lakehouse.flow.orders import OF_ORDERS, OF_PLAN, shifts_to_reconcile, sites_in, sites_of, write_orders
from lakehouse.flow.silences import beside, known_machines, published, silences
from lakehouse.flow.spans import machine_days, parts, shift_spans, touching, window_spans
from lakehouse.flow.summarise import MachineShift, SilverFrames, reconciled, summarise, temperature_windows
from lakehouse.flow.touched import Consumed, Extent, Fresh, everything, machine_shifts, new_extents, reading_spans, running_extents, with_neighbours
from lakehouse.nessie import Nessie
from lakehouse.plant import PlantModel
from lakehouse.quality.audits import audited
from lakehouse.quality.rules import persisted
from lakehouse.spark.schema import struct_of
from lakehouse.spark.small_work import small_work
from lakehouse.spark.write import append, replace_touched
from lakehouse.tables import gold, ops, silver
from lakehouse.tables.gold_orders import ORDER_RECONCILIATION

log = structlog.get_logger(__name__)
FEW_MACHINE_DAYS = 350
"""Up to so many, planning and compiling cost more than the rows: expressions are interpreted (measured at 160: a fifth less)."""
PART_SHIFTS = 8_000
"""So many machine-shifts are rebuilt at once: memory is bounded however long the history."""


@dataclass(frozen=True)
class Published:
    """One publication: its number, knowledge time, and how many machine-shifts and temperature stretches it rebuilt."""

    revision: int
    as_of: datetime
    machine_shift_count: int
    temperature_extent_count: int
    reason: str


@dataclass(frozen=True)
class _Work:
    """What one publication rebuilds: machine-shifts, those to reconcile, temperature stretches, and sites' plans and orders."""

    shifts: list[MachineShift]
    reconciled: list[MachineShift]
    planned: list[str]
    ordered: list[str]
    readings: list[Extent]
    fresh: Fresh
    reason: str


def publish(
    spark: SparkSession,
    nessie: Nessie,
    plant: PlantModel,
    owner: str,
    *,
    ttl_s: int,
    wait_s: float,
    rebuild: bool = False,
    expects: Expects | None = None,
) -> Published | None:
    """Bring gold up to date and publish it; None when there was nothing to do.

    Args:
        spark: a session that nobody else works with meanwhile; its settings change while it writes.
        nessie: the catalog's client.
        plant: the plant model.
        owner: who asks, for the lease and the record.
        ttl_s: seconds after which a silent holder's lease may be taken.
        wait_s: seconds to wait for the lease.
        rebuild: redo everything, not only what was touched.
        expects: further audits of the rows of a table before it is published.

    Raises:
        LeaseHeldError: somebody else is publishing.
        AuditFailedError: nothing was published; the branch stays for inspection.
        FencedError: gold changed on main meanwhile; run it again.
    """
    with nessie.lease(owner, ttl_s, wait_s):
        before = nessie.get("main")
        with nessie.work_branch("gold") as branch:
            consumed = last_publication(spark, branch)
            as_of = datetime.now(UTC)
            work = _plan(spark, plant, consumed, as_of, branch, rebuild)
            if work is None:
                return None
            revision = consumed.revision + 1
            done = Published(revision, as_of, len(work.shifts), len(work.readings), work.reason)
            with small_work(spark) if machine_days(work.shifts) <= FEW_MACHINE_DAYS else nullcontext():
                audits = Audits(nessie, branch, f"publication {revision}", f"failed-{revision}", expects)
                _write(spark, plant, work, done, audits, recount=rebuild)
            _record(spark, plant, work, done, owner, audits)
            crashpoint("before_publish")
            nessie.merge(branch, f"publish revision {revision}: {len(work.shifts)} machine-shifts, {work.reason}")
            crashpoint("after_publish")
        nessie.tag("publication-previous", before)
    log.info(
        "published", revision=revision, machine_shifts=done.machine_shift_count, temperature_extents=done.temperature_extent_count, reason=done.reason
    )
    return done


def last_publication(spark: SparkSession, branch: str = "main") -> Consumed:
    """Return how far gold has been published."""
    newest = spark.table(ops.PUBLICATION.at(branch)).orderBy(F.desc("revision")).limit(1).withColumn("as_of_us", F.unix_micros("as_of")).collect()
    if not newest:
        return Consumed()
    row = newest[0]
    as_of = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row["as_of_us"])
    return Consumed(row["topic_seq"], row["file_seq"], row["plant_versions"], row["revision"], as_of)


def _plan(spark: SparkSession, plant: PlantModel, consumed: Consumed, as_of: datetime, branch: str, rebuild: bool) -> _Work | None:
    fresh = new_extents(spark, consumed, branch)
    versions = site_versions(plant)
    changed = [site for site, version in versions.items() if rebuild or consumed.plant_versions.get(site, version) != version]
    published_shifts = spark.table(gold.MACHINE_SHIFT.at(branch))
    extents = with_neighbours(spark, fresh.extents, spark.table(silver.MACHINE_COUNT.at(branch)), spark.table(silver.MACHINE_INTERRUPTION.at(branch)))
    if changed:
        extents += everything(spark, plant, branch, changed)
        extents += published(published_shifts.where(F.col("site_id").isin(changed)), plant)
    known = known_machines(published_shifts)
    running = running_extents(plant, [machine for machine, each in known.items() if each.is_running], consumed.as_of, as_of)
    quiet = silences(plant, [*extents, *running, *beside(published_shifts, plant, extents, known, consumed.as_of)])
    shifts = machine_shifts(plant, [*extents, *running, *quiet], as_of)
    readings = reading_spans(extents)
    if not shifts and not readings and (fresh.topic_seq, fresh.file_seq) == (consumed.topic_seq, consumed.file_seq):
        return None
    compared = shifts_to_reconcile(spark, plant, extents, as_of, branch)
    planned, ordered = (
        sorted({*sites_of(fresh.extents, tables), *(sites_in(spark, tables, branch, changed) if changed else [])}) for tables in (OF_PLAN, OF_ORDERS)
    )
    reason = "rebuild" if changed else "touched" if fresh.extents else "clock"
    return _Work(shifts, compared, planned, ordered, readings, fresh, reason)


def site_versions(plant: PlantModel) -> dict[str, str]:
    """Return site to the content hash of its part of the plant model."""
    return {site_id: PlantModel({site_id: site}).version for site_id, site in plant.sites.items()}


def _write(spark: SparkSession, plant: PlantModel, work: _Work, done: Published, audits: Audits, *, recount: bool) -> None:
    branch = audits.branch
    frames = SilverFrames(
        interruptions=spark.table(silver.MACHINE_INTERRUPTION.at(branch)),
        counts=spark.table(silver.MACHINE_COUNT.at(branch)),
        events=spark.table(silver.PRODUCTION_EVENT.at(branch)),
        confirmations=spark.table(silver.CONFIRMATION.at(branch)),
        readings=spark.table(silver.SENSOR_READING.at(branch)),
    )
    for part in parts(work.shifts, PART_SHIFTS):
        made, spans = summarise(spark, plant, part, frames, done.as_of, done.revision), shift_spans(part)
        with persisted(made.time_segment) as segments, persisted(made.machine_shift) as shifts:
            audits.check([*audited(segments, shifts), *audits.expected(segments, gold.TIME_SEGMENT), *audits.expected(shifts, gold.MACHINE_SHIFT)])
            replace_touched(segments, gold.TIME_SEGMENT, branch, touching(spark, spans, "segment_start_at"))
            replace_touched(shifts, gold.MACHINE_SHIFT, branch, touching(spark, spans, "shift_start_at"))
    for part in parts(work.reconciled, PART_SHIFTS):
        rows = reconciled(spark, plant, part, frames, done.as_of, done.revision)
        audits.replace(rows, ORDER_RECONCILIATION, touching(spark, shift_spans(part), "shift_start_at"))
    write_orders(spark, plant, work.planned, work.ordered, audits, done.as_of, done.revision)
    if work.readings:
        spans = window_spans(work.readings)
        windows = temperature_windows(spark, plant, frames.readings, spans, done.as_of, done.revision)
        audits.replace(windows, gold.TEMPERATURE_WINDOW, touching(spark, spans, "window_start_at"))
    written = None if recount else work.fresh.written
    replace_touched(source_health(spark, branch, done.as_of, done.revision, written), gold.SOURCE_HEALTH, branch, "true")


def _record(spark: SparkSession, plant: PlantModel, work: _Work, done: Published, owner: str, audits: Audits) -> None:
    reached, versions = work.fresh, site_versions(plant)
    row = (
        done.revision, datetime.now(UTC), done.as_of, owner, reached.topic_seq, reached.file_seq, versions, len(work.shifts), work.reason,
    )  # fmt: skip
    append(spark.createDataFrame([row], struct_of(ops.PUBLICATION)).coalesce(1), ops.PUBLICATION, audits.branch)
    results = [(done.revision, each.audit, each.violation_count, each.example, done.as_of) for each in audits.results.values()]
    if results:
        append(spark.createDataFrame(results, struct_of(ops.AUDIT_RESULT)).coalesce(1), ops.AUDIT_RESULT, audits.branch)
