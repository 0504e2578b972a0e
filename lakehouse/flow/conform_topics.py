"""Conform one topic's bronze rows on a branch: decode, review, tell repetitions, write silver and quarantine, count.

The live application calls it for each micro-batch, replay for any range of bronze; there is no second code path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.model import Table, quarantine_of
from lakehouse.plant import PlantModel
from lakehouse.quality.rules import BROKEN, Counts, judged, kept, refused, settled
from lakehouse.silver import machine_count, machine_interruption, sensor_reading
from lakehouse.silver.decoded import decoded
from lakehouse.silver.repeats import VERDICT, reviewed, with_clock_flag
from lakehouse.sources.topics import Topic
from lakehouse.spark.write import append, merge_by_key
from lakehouse.tables import silver as declared

READINGS: Mapping[str, ModuleType] = {"sensor_reading": sensor_reading, "machine_count": machine_count}
Newest = dict[tuple[str, ...], datetime]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Conformed:
    """What conforming one topic, or the files of one source, did.

    Attributes:
        counts: where the rows went.
        touched: touched extents.
        newest_event_at: newest event.
        newest: newest event of each series.
        withdrawn_count: rows that left silver: taken back, or refused by now.
    """

    silver_table: Table
    counts: Counts
    touched: list[dict[str, Any]] = field(default_factory=list)
    newest_event_at: datetime | None = None
    newest: Newest = field(default_factory=dict)
    withdrawn_count: int = 0


def known_machines(plant: PlantModel) -> frozenset[tuple[str, str | None]]:
    """Return the plant's (site_id, machine_id) as the decoder wants them; a discovering site accepts any."""
    named = {(site_id, machine_id) for site_id, site in plant.sites.items() for machine_id in site.machines}
    return frozenset(named | {(site_id, None) for site_id, site in plant.sites.items() if site.declared.discover})


def known_reasons(plant: PlantModel) -> list[tuple[str, str]]:
    """Return all (site_id, reason_code) of the plant's catalogue."""
    return [(site_id, code) for site_id, site in plant.sites.items() for code in site.reasons]


def newest_in_silver(spark: SparkSession, table: Table, branch: str) -> Newest:
    """Return the greatest event time of each series that silver holds."""
    if table.name not in READINGS:
        return {}
    series: Sequence[str] = READINGS[table.name].SERIES
    rows = spark.table(table.at(branch)).groupBy(*series).agg(F.unix_micros(F.max("reading_at")).alias("at")).collect()
    return {tuple(row[name] for name in series): _instant(row["at"]) for row in rows}


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def decode_topic(messages: DataFrame, topic: Topic, plant: PlantModel, newest: Newest) -> DataFrame:
    """Return bronze messages with the columns of their envelope beside them; what costs most, so worth keeping."""
    return decoded(messages, topic.envelope, topic.default_site, known_machines(plant), newest)


def candidates_of(rows: DataFrame, topic: Topic, plant: PlantModel) -> DataFrame:
    """Return decoded messages as judged candidates of the topic's silver table, coordinates and bytes still beside them."""
    if topic.silver == "machine_interruption":
        return judged(machine_interruption.candidates(rows, known_reasons(plant)), topic.silver_table)
    return judged(READINGS[topic.silver].candidates(rows), topic.silver_table)


def conform(spark: SparkSession, candidates: DataFrame, table: Table, branch: str) -> Conformed:
    """Write judged candidates to silver and quarantine on a branch.

    Args:
        spark: the session.
        candidates: what `candidates_of` made of persisted rows.
        table: the silver table.
        branch: Nessie branch.

    Raises:
        ConservationError: the rows do not add up; nothing was merged.
    """
    if table.name in READINGS:
        return _conform_readings(spark, candidates, table, branch)
    return _conform_interruptions(spark, candidates, branch)


def _survey(candidates: DataFrame, series: Sequence[str]) -> list[Row]:
    """Count candidates by series, hour, partition and verdict so far; the one pass that also fills the cache."""
    at = F.col("reading_at")
    counted: list[Row] = (
        candidates.withColumn("hour", F.date_trunc("hour", at))
        .groupBy(*series, "hour", "kafka_partition", (F.size(BROKEN) == 0).alias("good"), "is_fresh")
        .agg(F.count(F.lit(1)).alias("rows"), F.unix_micros(F.min(at)).alias("first"), F.unix_micros(F.max(at)).alias("last"))
        .collect()
    )
    return counted


def _is_spread(survey: Sequence[Row], series: Sequence[str]) -> bool:
    """Tell whether a series came through two partitions at once: then arrival order says nothing."""
    seen: dict[tuple[str, ...], int] = {}
    return any(
        seen.setdefault(tuple(row[name] for name in series), row["kafka_partition"]) != row["kafka_partition"] for row in survey if row["good"]
    )


def _extents(rows: Sequence[Row], cause: str) -> list[dict[str, Any]]:
    spans: dict[tuple[str, str, Any], tuple[int, int]] = {}
    for row in rows:
        key = (row["site_id"], row["machine_id"], row["hour"])
        first, last = spans.get(key, (row["first"], row["last"]))
        spans[key] = (min(first, row["first"]), max(last, row["last"]))
    return [
        {"site_id": site, "machine_id": machine, "from_at": _instant(first), "to_at": _instant(last), "cause": cause}
        for (site, machine, _), (first, last) in sorted(spans.items(), key=str)
    ]


def _conform_readings(spark: SparkSession, candidates: DataFrame, table: Table, branch: str) -> Conformed:
    module = READINGS[table.name]
    survey = _survey(candidates, module.SERIES)
    spread = _is_spread(survey, module.SERIES)
    good = [row for row in survey if row["good"]]
    suspects = [row for row in good if spread or not row["is_fresh"]]
    bad_count = sum(row["rows"] for row in survey if not row["good"])
    fresh = kept(candidates).where(F.lit(not spread) & F.col("is_fresh"))
    if not suspects:
        append(fresh, table, branch)
        _quarantine(refused(candidates), table, branch, bad_count)
        return _readings_done(table, module, good, bad_count, {})
    existing = _around(spark, suspects, fresh, table, branch)
    repeated = reviewed(kept(candidates).where(F.lit(spread) | ~F.col("is_fresh")), existing, module.IDENTITY, module.COMPARED)
    judged_repeats = settled(repeated)
    verdicts: dict[str, int] = {row[VERDICT]: row["count"] for row in judged_repeats.groupBy(VERDICT).count().collect()}
    new = judged_repeats.where(F.col(VERDICT) == "kept")
    late = with_clock_flag(new, existing, module.SERIES, "reading_at") if table is declared.SENSOR_READING else new
    append(fresh.unionByName(late, allowMissingColumns=True), table, branch)
    conflicts = judged_repeats.where(F.col(VERDICT) == "conflict").withColumn(BROKEN, F.array(F.lit("conflict")))
    _quarantine(refused(candidates).unionByName(refused(conflicts)), table, branch, bad_count + verdicts.get("conflict", 0))
    extents = [row for row in good if row not in suspects] + _survey(new, module.SERIES)
    return _readings_done(table, module, extents, bad_count, verdicts)


def _around(spark: SparkSession, suspects: Sequence[Row], fresh: DataFrame, table: Table, branch: str) -> DataFrame:
    """Return silver's rows and the batch's fresh ones in the suspects' span of time, in silver's columns."""
    first, last = min(row["first"] for row in suspects), max(row["last"] for row in suspects)
    spanned = (F.col("reading_at") >= F.lit(_instant(first))) & (F.col("reading_at") <= F.lit(_instant(last)))
    silver = spark.table(table.at(branch)).where(spanned)
    return silver.unionByName(fresh.where(spanned).select(*silver.columns))


def _readings_done(table: Table, module: ModuleType, good: Sequence[Row], bad_count: int, verdicts: Mapping[str, int]) -> Conformed:
    kept_count = sum(row["rows"] for row in good)
    duplicate, conflict = verdicts.get("duplicate", 0), verdicts.get("conflict", 0)
    counts = Counts(kept_count + bad_count + duplicate + conflict, kept_count, bad_count + conflict, duplicate, 0)
    newest: Newest = {}
    for row in good:
        series = tuple(row[name] for name in module.SERIES)
        newest[series] = max(newest.get(series, _instant(row["last"])), _instant(row["last"]))
    return Conformed(table, counts, _extents(good, "reading"), max(newest.values(), default=None), newest)


def _quarantine(rows: DataFrame, table: Table, branch: str, count: int) -> None:
    if count:
        append(rows, quarantine_of(table), branch)


def _conform_interruptions(spark: SparkSession, candidates: DataFrame, branch: str) -> Conformed:
    table = declared.MACHINE_INTERRUPTION
    good = kept(candidates)
    ids = good.select(*machine_interruption.IDENTITY).distinct()
    existing = spark.table(table.at(branch)).join(F.broadcast(ids), list(machine_interruption.IDENTITY), "left_semi")
    before = settled(existing)
    versions = settled(machine_interruption.reviewed(good, before))
    verdicts: dict[str, int] = {row[VERDICT]: row["count"] for row in versions.groupBy(VERDICT).count().collect()}
    bad_count = candidates.where(F.size(BROKEN) > 0).count()
    new = versions.where(F.col(VERDICT) == "kept")
    touched, newest = _interruption_extents(new, before)
    if verdicts.get("kept"):
        merge_by_key(new, table, branch)
    conflicts = versions.where(F.col(VERDICT) == "conflict").withColumn(BROKEN, F.array(F.lit("conflict")))
    _quarantine(refused(candidates).unionByName(refused(conflicts)), table, branch, bad_count + verdicts.get("conflict", 0))
    quarantined = bad_count + verdicts.get("conflict", 0)
    seen = bad_count + sum(verdicts.values())
    counts = Counts(seen, verdicts.get("kept", 0), quarantined, verdicts.get("duplicate", 0), verdicts.get("superseded", 0))
    return Conformed(table, counts, touched, newest)


def _interruption_extents(new: DataFrame, before: DataFrame) -> tuple[list[dict[str, Any]], datetime | None]:
    """Return old and new extents of every changed interruption; an open one reaches to when it was landed."""
    changed = before.join(new.select(*machine_interruption.IDENTITY), list(machine_interruption.IDENTITY), "left_semi")
    columns = ("site_id", "machine_id", "start_at", "end_at", "landed_at")
    both = new.select(*columns).withColumn("cause", F.lit("new")).unionByName(changed.select(*columns).withColumn("cause", F.lit("old")))
    spans = both.select(
        "site_id",
        "machine_id",
        F.unix_micros("start_at").alias("first"),
        F.unix_micros(F.coalesce("end_at", F.greatest("start_at", "landed_at"))).alias("last"),
        "cause",
    ).collect()
    touched = [
        {
            "site_id": r["site_id"],
            "machine_id": r["machine_id"],
            "from_at": _instant(r["first"]),
            "to_at": _instant(r["last"]),
            "cause": f"interruption_{r['cause']}",
        }
        for r in spans
    ]
    return touched, max((each["to_at"] for each in touched), default=None)
