"""Conform the bronze rows of files on a branch: type, review, compare with silver, write silver and quarantine, count.

The row of a key that arrived last counts; what was taken back, or is refused now, leaves silver. Landing calls it for the files of
one run, replay for any files of bronze; there is no second code path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.flow.conform_topics import Conformed
from lakehouse.flow.extents import Span, confirmation_spans, merged
from lakehouse.flow.mended import clear_confirmations, clear_typed
from lakehouse.model import Table, quarantine_of
from lakehouse.plant import PlantModel
from lakehouse.quality.rules import BROKEN, Counts, judged, kept, persisted, refused, settled
from lakehouse.silver import confirmation, production_event, typed, versions
from lakehouse.silver.site_terms import SiteTerms
from lakehouse.sources import tables
from lakehouse.sources.contracts import AnyContract, Profile, WorkbookContract
from lakehouse.sources.formats import Contract, DelimitedContract
from lakehouse.spark.progress import record_count
from lakehouse.spark.small_work import small_work
from lakehouse.spark.write import append, delete_by_key, merge_by_key
from lakehouse.tables import silver

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_MACHINE = ""
FEW_ROWS = 50_000
"""Up to so many in bronze and silver together, planning and compiling cost more than the rows (measured at 76,000: a sixth more)."""
OF_OLD = frozenset({"confirmation_old", "event_old", "row_old"})
"""Causes that tell what rows touched which count no longer."""
Layout = tuple[Profile, list[str]]


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
    bronze, table = bronze_of(contract), silver_of(contract)
    few = record_count(spark, bronze, branch) + record_count(spark, table, branch) <= FEW_ROWS
    with small_work(spark) if few else nullcontext():
        return _conform(spark, contract, plant, spark.table(bronze.at(branch)), table, files, branch)


def _conform(
    spark: SparkSession, contract: AnyContract, plant: PlantModel, landed: DataFrame, table: Table, files: Sequence[str], branch: str
) -> Conformed:
    with persisted(landed.where(F.col("file_sha256").isin(*files))) as rows:
        sites = [row["site_id"] for row in rows.select("site_id").distinct().collect()]
        known = spark.table(table.at(branch)).where(F.col("site_id").isin(*sites))
        typed_rows = _typed(contract, table, site_terms(plant, sites), sites, rows, landed.where(F.col("site_id").isin(*sites)))
        with persisted(known) as before:
            conformed = _written(typed_rows, before, table, plant, branch, rows.count())
        conformed.counts.check(conformed.silver_table.schema_name)
        return conformed


@dataclass(frozen=True)
class _Typed:
    """Rows of a source, read as its contract says.

    Attributes:
        candidates: rows that say something, in the shape of the silver table.
        taken_back: keys of all rows that were ever taken back, each once; None where the contract knows no such thing.
        taking_back_count: rows of the files that take another, or themselves, back.
        clear: takes the quarantine rows away that rows which passed the rules have mended, on a branch.
    """

    candidates: DataFrame
    taken_back: DataFrame | None
    taking_back_count: int
    clear: Callable[[DataFrame, str], None]


def _typed(contract: AnyContract, table: Table, terms: Mapping[str, SiteTerms], sites: Sequence[str], rows: DataFrame, ever: DataFrame) -> _Typed:
    if isinstance(contract, WorkbookContract) and contract.has_confirmations:
        return _confirmations(contract, table, terms, _layouts(contract, sites), rows, ever)
    if isinstance(contract, DelimitedContract) and contract.timestamp_layouts:
        return _Typed(production_event.candidates(rows, contract.timestamp_layouts, terms), None, 0, lambda passed, branch: None)
    return _by_fields(contract, table, terms, rows, ever)


def _by_fields(contract: Contract, table: Table, terms: Mapping[str, SiteTerms], rows: DataFrame, ever: DataFrame) -> _Typed:
    """Type by the contract's `fields` alone."""
    derived = confirmation.derived(contract.key) if table is silver.CONFIRMATION else {}

    def read(part: DataFrame) -> DataFrame:
        readings = tables.readings(contract)
        return typed.candidates(part, table, readings, contract.null_words, contract.zone, terms, derived, contract.taken_back)

    def clear(passed: DataFrame, branch: str) -> None:
        clear_typed(passed, contract, table, branch)

    if not contract.taken_back:
        return _Typed(read(rows), None, 0, clear)
    marked = read(rows).where("takes_back").count()
    return _Typed(read(rows).where("NOT takes_back"), read(ever).where("takes_back").select(*table.key).distinct(), marked, clear)


def _confirmations(
    contract: WorkbookContract, table: Table, terms: Mapping[str, SiteTerms], layouts: Sequence[Layout], rows: DataFrame, ever: DataFrame
) -> _Typed:
    """Type by the layout of each site's workbooks."""

    def clear(passed: DataFrame, branch: str) -> None:
        for profile, sites in layouts:
            clear_confirmations(passed.where(F.col("site_id").isin(*sites)), profile, table, branch)

    return _Typed(
        _by_layout(rows, layouts, lambda part, profile: confirmation.candidates(part, profile, terms)),
        _by_layout(ever, layouts, confirmation.reversals),
        _by_layout(rows, layouts, confirmation.reversal_rows).count(),
        clear,
    )


def _written(given: _Typed, before: DataFrame, table: Table, plant: PlantModel, branch: str, seen: int) -> Conformed:
    """Write what counts now, take away what counts no longer, keep what was refused; return the counts and what was touched."""
    with persisted(judged(given.candidates, table)) as reviewed:
        passed, taken_back = kept(reviewed), before.limit(0) if given.taken_back is None else given.taken_back
        leaving = settled(versions.leaving(before, refused(reviewed), table, taken_back))
        stays = before.join(leaving.select(*table.key), list(table.key), "left_anti")
        fates = settled(versions.told(passed, stays, table, taken_back))
        tally = {row["fate"]: row["count"] for row in fates.groupBy("fate").count().collect()}
        new = fates.where("fate = 'kept'")
        old = before.join(new.select(*table.key).unionByName(leaving.select(*table.key)), list(table.key), "left_semi")
        spans = _spans(table, plant, new, old)
        quarantined = _quarantine(reviewed, table, branch)
        withdrawn = leaving.count()
        if withdrawn:
            delete_by_key(leaving, table, branch)
        if tally.get("kept"):
            merge_by_key(new, table, branch)
        given.clear(passed, branch)
    superseded = tally.get("superseded", 0) + given.taking_back_count
    counts = Counts(seen, tally.get("kept", 0), quarantined, tally.get("duplicate", 0), superseded)
    newest = max((span.to_at for span in spans if span.cause not in OF_OLD), default=None)
    return Conformed(table, counts, merged(spans), newest, withdrawn_count=withdrawn)


def _quarantine(reviewed: DataFrame, table: Table, branch: str) -> int:
    """Write the refused rows and return how many there were."""
    count = int(reviewed.where(F.size(BROKEN) > 0).count())
    if count:
        append(refused(reviewed), quarantine_of(table), branch)
    return count


def _spans(table: Table, plant: PlantModel, new: DataFrame, old: DataFrame) -> list[Span]:
    """What the new rows touch, and what the rows touched that they replace or that are gone."""
    if table is silver.CONFIRMATION:
        return [*confirmation_spans(plant, new, "confirmation_new"), *confirmation_spans(plant, old, "confirmation_old")]
    if table is silver.PRODUCTION_EVENT:
        return [*_event_spans(new, "event_new"), *_event_spans(old, "event_old")]
    return [*_site_spans(new, "row"), *_site_spans(old, "row_old")]


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def _site_spans(rows: DataFrame, cause: str) -> list[Span]:
    """One span for each site whose rows changed: they are of no machine, so that only the site and the landing time are told."""
    found = rows.groupBy("site_id").agg(F.unix_micros(F.min("landed_at")).alias("first"), F.unix_micros(F.max("landed_at")).alias("last")).collect()
    return [Span(row["site_id"], NO_MACHINE, cause, _instant(row["first"]), _instant(row["last"])) for row in found]


def _event_spans(events: DataFrame, cause: str) -> list[Span]:
    by_day = events.groupBy("site_id", "machine_id", F.to_date("start_at").alias("day"))
    found = by_day.agg(F.unix_micros(F.min("start_at")).alias("first"), F.unix_micros(F.max("end_at")).alias("last")).collect()
    return [Span(row["site_id"], row["machine_id"], cause, _instant(row["first"]), _instant(row["last"])) for row in found]


def _layouts(contract: WorkbookContract, sites: Sequence[str]) -> list[Layout]:
    """Layouts with the sites that use them."""
    names = sorted({contract.profile_name(site) for site in sites})
    return [(contract.profiles[name], [site for site in sites if contract.profile_name(site) == name]) for name in names]


def _by_layout(rows: DataFrame, layouts: Sequence[Layout], transform: Callable[[DataFrame, Profile], DataFrame]) -> DataFrame:
    """Apply a transform to the rows of each layout's sites and put the results together."""
    parts = [transform(rows.where(F.col("site_id").isin(*sites)), profile) for profile, sites in layouts]
    return reduce(DataFrame.unionByName, parts)
