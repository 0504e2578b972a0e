"""Conform the bronze rows of files on a branch: type, review, compare with silver, write silver and quarantine, count.

Landing calls it for the files of one run, replay for any files of bronze; there is no second code path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.flow.conform_topics import Conformed
from lakehouse.flow.extents import Span, merged, shift_span
from lakehouse.flow.mended import clear_confirmations, clear_typed
from lakehouse.model import Table, quarantine_of
from lakehouse.plant import PlantModel
from lakehouse.quality.rules import BROKEN, Counts, judged, kept, persisted, refused, settled
from lakehouse.silver import confirmation, production_event, typed, versions
from lakehouse.silver.site_terms import SiteTerms
from lakehouse.sources import tables
from lakehouse.sources.contracts import AnyContract, Profile, WorkbookContract
from lakehouse.sources.formats import Contract, DelimitedContract
from lakehouse.spark.write import append, delete_by_key, merge_by_key
from lakehouse.tables import silver

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_MACHINE = ""


def site_terms(plant: PlantModel, site_ids: Iterable[str]) -> dict[str, SiteTerms]:
    """Return what conforming must know of the sites, as plain values."""
    terms: dict[str, SiteTerms] = {}
    for site_id in site_ids:
        site = plant.site(site_id)
        machines = None if site.declared.discover else frozenset(site.machines)
        terms[site_id] = SiteTerms(site.zone, machines, frozenset(shift.shift_id for shift in site.declared.shifts))
    return terms


def bronze_of(contract: AnyContract) -> Table:
    """Return the bronze table of a source."""
    return tables.bronze_table(contract)


def silver_of(contract: AnyContract) -> Table:
    """Return the silver table of a source."""
    return tables.declared_table(contract)


def conform(spark: SparkSession, contract: AnyContract, plant: PlantModel, files: Sequence[str], branch: str) -> Conformed:
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
    landed = spark.table(bronze_of(contract).at(branch))
    with persisted(landed.where(F.col("file_sha256").isin(*files))) as rows:
        sites = [row["site_id"] for row in rows.select("site_id").distinct().collect()]
        known = spark.table(silver_of(contract).at(branch)).where(F.col("site_id").isin(*sites))
        batch = _Batch(rows, known, sites, plant, branch)
        conformed = _conformed(batch, contract, landed)
        conformed.counts.check(conformed.silver_table.schema_name)
        return conformed


def _conformed(batch: _Batch, contract: AnyContract, landed: DataFrame) -> Conformed:
    if isinstance(contract, WorkbookContract) and contract.has_confirmations:
        return _confirmations(batch, contract, landed)
    if isinstance(contract, DelimitedContract) and contract.timestamp_layouts:
        return _events(batch, contract)
    return _typed(batch, contract)


@dataclass(frozen=True)
class _Batch:
    """Bronze rows to conform, and what silver knows of their sites."""

    rows: DataFrame
    known: DataFrame
    sites: Sequence[str]
    plant: PlantModel
    branch: str

    @property
    def terms(self) -> dict[str, SiteTerms]:
        return site_terms(self.plant, self.sites)


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _quarantine(reviewed: DataFrame, table: Table, branch: str) -> int:
    """Write the refused rows and return how many there were."""
    count = int(reviewed.where(F.size(BROKEN) > 0).count())
    if count:
        append(refused(reviewed), quarantine_of(table), branch)
    return count


def _events(batch: _Batch, contract: DelimitedContract) -> Conformed:
    table = silver.PRODUCTION_EVENT
    candidates = production_event.candidates(batch.rows, contract.timestamp_layouts, batch.terms)
    with persisted(judged(candidates, table)) as reviewed, persisted(production_event.fresh(kept(reviewed), batch.known)) as fresh:
        kept_count, good_count = fresh.count(), kept(reviewed).count()
        quarantined = _quarantine(reviewed, table, batch.branch)
        spans = _event_spans(fresh)
        if kept_count:
            append(fresh, table, batch.branch)
    counts = Counts(batch.rows.count(), kept_count, quarantined, good_count - kept_count, 0)
    return Conformed(table, counts, merged(spans), max((span.to_at for span in spans), default=None))


def _typed(batch: _Batch, contract: Contract) -> Conformed:
    """Conform by the contract's `fields` alone; the row that arrived last counts."""
    table = tables.declared_table(contract)
    derived = confirmation.derived(contract.key) if table is silver.CONFIRMATION else {}
    candidates = typed.candidates(batch.rows, table, tables.readings(contract), contract.null_words, contract.zone, batch.terms, derived)
    with persisted(judged(candidates, table)) as reviewed, persisted(batch.known) as before:
        fates = settled(versions.told(kept(reviewed), before, table).rows)
        tally = {row["fate"]: row["count"] for row in fates.groupBy("fate").count().collect()}
        new = fates.where("fate = 'kept'")
        spans = _event_spans(new) if table is silver.PRODUCTION_EVENT else _site_spans(new)
        if table is silver.CONFIRMATION:
            old = before.join(new.select(*table.key), list(table.key), "left_semi")
            spans = [*_confirmation_spans(batch.plant, new, "confirmation_new"), *_confirmation_spans(batch.plant, old, "confirmation_old")]
        quarantined = _quarantine(reviewed, table, batch.branch)
        if tally.get("kept"):
            merge_by_key(new, table, batch.branch)
            clear_typed(new, contract, table, batch.branch)
    counts = Counts(batch.rows.count(), tally.get("kept", 0), quarantined, tally.get("duplicate", 0), tally.get("superseded", 0))
    return Conformed(table, counts, merged(spans), max((span.to_at for span in spans), default=None))


def _site_spans(rows: DataFrame) -> list[Span]:
    """One span for each site whose rows changed: they are of no machine, so that only the site and the landing time are told."""
    found = rows.groupBy("site_id").agg(F.unix_micros(F.min("landed_at")).alias("first"), F.unix_micros(F.max("landed_at")).alias("last")).collect()
    return [Span(row["site_id"], NO_MACHINE, "row", _instant(row["first"]), _instant(row["last"])) for row in found]


def _event_spans(events: DataFrame) -> list[Span]:
    by_day = events.groupBy("site_id", "machine_id", F.to_date("start_at").alias("day"))
    found = by_day.agg(F.unix_micros(F.min("start_at")).alias("first"), F.unix_micros(F.max("end_at")).alias("last")).collect()
    return [Span(row["site_id"], row["machine_id"], "event_new", _instant(row["first"]), _instant(row["last"])) for row in found]


def _confirmations(batch: _Batch, contract: WorkbookContract, ever: DataFrame) -> Conformed:
    table, layouts = silver.CONFIRMATION, _layouts(contract, batch.sites)
    typed = _by_layout(batch.rows, layouts, lambda part, profile: confirmation.candidates(part, profile, batch.terms))
    reversals = _by_layout(batch.rows, layouts, confirmation.reversal_rows).count()
    taken_back = _by_layout(ever, layouts, confirmation.reversals)
    with persisted(judged(typed, table)) as reviewed, persisted(batch.known) as before, persisted(taken_back) as gone:
        changes = confirmation.changes(kept(reviewed), before, gone)
        fates, removed = settled(changes.judged), settled(changes.removed)
        tally = {row["fate"]: row["count"] for row in fates.groupBy("fate").count().collect()}
        new = _confirmation_spans(batch.plant, confirmation.upserts(fates), "confirmation_new")
        old = confirmation.replaced(fates, before).unionByName(removed)
        spans = [*new, *_confirmation_spans(batch.plant, old, "confirmation_old")]
        quarantined = _quarantine(reviewed, table, batch.branch)
        _write_confirmations(fates, removed, tally.get("kept", 0), batch.branch)
        if tally.get("kept"):
            for profile, sites in layouts:
                clear_confirmations(confirmation.upserts(fates).where(F.col("site_id").isin(*sites)), profile, table, batch.branch)
    superseded = tally.get("superseded", 0) + reversals
    counts = Counts(batch.rows.count(), tally.get("kept", 0), quarantined, tally.get("duplicate", 0), superseded)
    return Conformed(table, counts, merged(spans), max((span.to_at for span in new), default=None))


def _layouts(contract: WorkbookContract, sites: Sequence[str]) -> list[tuple[Profile, list[str]]]:
    """Layouts with the sites that use them."""
    names = sorted({contract.profile_name(site) for site in sites})
    return [(contract.profiles[name], [site for site in sites if contract.profile_name(site) == name]) for name in names]


def _by_layout(rows: DataFrame, layouts: Sequence[tuple[Profile, list[str]]], transform: Callable[[DataFrame, Profile], DataFrame]) -> DataFrame:
    """Apply a transform to the rows of each layout's sites and put the results together."""
    parts = [transform(rows.where(F.col("site_id").isin(*sites)), profile) for profile, sites in layouts]
    return reduce(DataFrame.unionByName, parts)


def _confirmation_spans(plant: PlantModel, confirmations: DataFrame, cause: str) -> list[Span]:
    """The shifts that the confirmations count in: where they were posted, and where their pieces were made."""
    posted = confirmations.select("site_id", "machine_id", "posting_date", "shift_id")
    made = confirmations.where("produced_date IS NOT NULL").select("site_id", "machine_id", "produced_date", "produced_shift_id")
    shifts = posted.union(made).distinct().collect()
    found = {(row["site_id"], row["posting_date"], row["shift_id"]) for row in shifts}
    windows = {key: shift_span(plant, *key) for key in found}
    return [Span(row["site_id"], row["machine_id"], cause, *windows[row["site_id"], row["posting_date"], row["shift_id"]]) for row in shifts]


def _write_confirmations(fates: DataFrame, removed: DataFrame, kept_count: int, branch: str) -> None:
    table = silver.CONFIRMATION
    if removed.count():
        delete_by_key(removed, table, branch)
    if kept_count:
        merge_by_key(confirmation.upserts(fates), table, branch)
