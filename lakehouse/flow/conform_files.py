"""Conform the bronze rows of files on a branch: type, review, compare with silver, write silver and quarantine, count.

Landing calls it for the files of one run, replay for any files of bronze; there is no second code path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.flow.conform_topics import Conformed
from lakehouse.flow.extents import Span, merged, shift_span
from lakehouse.model import Table, quarantine_of
from lakehouse.plant import PlantModel
from lakehouse.quality.rules import BROKEN, Counts, judged, kept, persisted, refused
from lakehouse.silver import confirmation, production_event
from lakehouse.silver.site_terms import SiteTerms
from lakehouse.sources.contracts import CsvContract, Profile, WorkbookContract
from lakehouse.spark.write import append, delete_by_key, merge_by_key
from lakehouse.tables import bronze, silver

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def site_terms(plant: PlantModel, site_ids: Iterable[str]) -> dict[str, SiteTerms]:
    """Return what conforming must know of the sites, as plain values."""
    terms: dict[str, SiteTerms] = {}
    for site_id in site_ids:
        site = plant.site(site_id)
        machines = None if site.declared.discover else frozenset(site.machines)
        terms[site_id] = SiteTerms(site.zone, machines, frozenset(shift.shift_id for shift in site.declared.shifts))
    return terms


def conform(spark: SparkSession, contract: CsvContract | WorkbookContract, plant: PlantModel, files: Sequence[str], branch: str) -> Conformed:
    """Conform files that are in bronze on a branch.

    Args:
        spark: the session.
        contract: contract of their source.
        plant: the plant model; it must know every site among them.
        files: SHA-256 of each file.
        branch: Nessie branch to read from and write to.

    Raises:
        ConservationError: the rows do not add up; nothing was merged.
    """
    table = bronze_table(contract.bronze)
    rows = spark.table(table.at(branch)).where(F.col("file_sha256").isin(*files))
    with persisted(rows) as landed:
        sites = [row["site_id"] for row in landed.select("site_id").distinct().collect()]
        if isinstance(contract, CsvContract):
            return _conform_events(spark, landed, contract, plant, sites, branch)
        return _conform_confirmations(spark, landed, contract, plant, sites, branch)


def bronze_table(name: str) -> Table:
    """Return a bronze table of files by name."""
    return next(table for table in bronze.FILE_TABLES if table.name == name)


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _quarantine(reviewed: DataFrame, table: Table, branch: str) -> int:
    """Write the refused rows and return how many there were."""
    count = reviewed.where(F.size(BROKEN) > 0).count()
    if count:
        append(refused(reviewed), quarantine_of(table), branch)
    return count


def _conform_events(
    spark: SparkSession, rows: DataFrame, contract: CsvContract, plant: PlantModel, sites: Sequence[str], branch: str
) -> Conformed:
    table = silver.PRODUCTION_EVENT
    candidates = production_event.candidates(rows, contract.timestamp_layouts, site_terms(plant, sites))
    known = spark.table(table.at(branch)).where(F.col("site_id").isin(*sites))
    with persisted(judged(candidates, table)) as reviewed, persisted(production_event.fresh(kept(reviewed), known)) as fresh:
        kept_count, good_count = fresh.count(), kept(reviewed).count()
        quarantined = _quarantine(reviewed, table, branch)
        spans = _event_spans(fresh)
        if kept_count:
            append(fresh, table, branch)
    counts = Counts(rows.count(), kept_count, quarantined, good_count - kept_count, 0)
    return Conformed(table, counts, merged(spans), max((span.to_at for span in spans), default=None))


def _event_spans(events: DataFrame) -> list[Span]:
    by_day = events.groupBy("site_id", "machine_id", F.to_date("start_at").alias("day"))
    found = by_day.agg(F.unix_micros(F.min("start_at")).alias("first"), F.unix_micros(F.max("end_at")).alias("last")).collect()
    return [Span(row["site_id"], row["machine_id"], "event_new", _instant(row["first"]), _instant(row["last"])) for row in found]


def _conform_confirmations(
    spark: SparkSession, rows: DataFrame, contract: WorkbookContract, plant: PlantModel, sites: Sequence[str], branch: str
) -> Conformed:
    table = silver.CONFIRMATION
    known = spark.table(table.at(branch)).where(F.col("site_id").isin(*sites))
    ever = spark.table(bronze_table(contract.bronze).at(branch))
    terms = site_terms(plant, sites)
    typed = _by_layout(rows, contract, sites, lambda part, profile: confirmation.candidates(part, profile, terms))
    reversals = _by_layout(rows, contract, sites, confirmation.reversal_rows).count()
    taken_back = _by_layout(ever, contract, sites, confirmation.reversals)
    with persisted(judged(typed, table)) as reviewed, persisted(known) as before, persisted(taken_back) as gone:
        changes = confirmation.changes(kept(reviewed), before, gone)
        with persisted(changes.judged) as fates, persisted(changes.removed) as removed:
            tally = {row["fate"]: row["count"] for row in fates.groupBy("fate").count().collect()}
            new = _confirmation_spans(plant, confirmation.upserts(fates), "confirmation_new")
            old = confirmation.replaced(fates, before).unionByName(removed)
            spans = [*new, *_confirmation_spans(plant, old, "confirmation_old")]
            quarantined = _quarantine(reviewed, table, branch)
            _write_confirmations(fates, removed, tally.get("kept", 0), branch)
    counts = Counts(rows.count(), tally.get("kept", 0), quarantined, tally.get("duplicate", 0), tally.get("superseded", 0) + reversals)
    return Conformed(table, counts, merged(spans), max((span.to_at for span in new), default=None))


def _by_layout(
    rows: DataFrame, contract: WorkbookContract, sites: Sequence[str], transform: Callable[[DataFrame, Profile], DataFrame]
) -> DataFrame:
    """Apply a transform to the rows of each layout's sites and put the results together."""
    names = sorted({contract.profile_name(site) for site in sites})
    of_layout = {name: [site for site in sites if contract.profile_name(site) == name] for name in names}
    parts = [transform(rows.where(F.col("site_id").isin(*chosen)), contract.profiles[name]) for name, chosen in of_layout.items()]
    return reduce(DataFrame.unionByName, parts)


def _confirmation_spans(plant: PlantModel, confirmations: DataFrame, cause: str) -> list[Span]:
    """The shifts that the confirmations count in."""
    shifts = confirmations.select("site_id", "machine_id", "posting_date", "shift_id").distinct().collect()
    found = {(row["site_id"], row["posting_date"], row["shift_id"]) for row in shifts}
    windows = {key: shift_span(plant, *key) for key in found}
    return [Span(row["site_id"], row["machine_id"], cause, *windows[row["site_id"], row["posting_date"], row["shift_id"]]) for row in shifts]


def _write_confirmations(fates: DataFrame, removed: DataFrame, kept_count: int, branch: str) -> None:
    table = silver.CONFIRMATION
    if removed.count():
        delete_by_key(removed, table, branch)
    if kept_count:
        merge_by_key(confirmation.upserts(fates), table, branch)
