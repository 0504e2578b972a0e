"""What lies in the landing bucket and is not landed yet, and what became of a run's objects; both asked without Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lakehouse.bronze.landing_zone import LandingZone, ready
from lakehouse.model import quarantine_of
from lakehouse.plant import load_plant
from lakehouse.services.sql import run_sql
from lakehouse.settings import Settings
from lakehouse.sources.contracts import AnyContract, load_sources
from lakehouse.sources.refusals import NOTHING_TO_MEND
from lakehouse.sources.tables import file_tables

Kind = Literal["files", "workbooks"]
SEEN_SQL = "SELECT object_key, etag FROM lake.ops.landing WHERE source = ?"
RECORDED_SQL = """
SELECT source, count(*), sum(byte_count) FROM lake.ops.landing
WHERE run_id = ? || source GROUP BY source ORDER BY source
"""
LANDED_SQL = """
SELECT source, object_key, file_sha256, status, code, differences, row_count FROM lake.ops.landing
WHERE run_id = ? || source ORDER BY source, landed_at
"""


@dataclass(frozen=True)
class Pending:
    """A source with objects to land: how many, their size together in bytes, and the silver table that they become."""

    source: str
    files: int
    bytes: int
    silver: str


@dataclass(frozen=True)
class LandedObject:
    """What became of one object of a run.

    Attributes:
        status: landed, duplicate or rejected.
        differences: first differences from the contract.
        rows: rows landed.
        quarantined: rows of it that are in quarantine now.
        to_mend: those of them that someone can mend; sums and repeated headers are rightly no data.
    """

    source: str
    object_key: str
    status: str
    code: str
    differences: tuple[str, ...]
    rows: int
    quarantined: int
    to_mend: int


def run_prefix(run_id: str) -> str:
    """Return how the run ids of one DAG run's sources begin in `ops.landing`: each is this with the source's name behind."""
    return f"{run_id}/"


def pending(settings: Settings, kind: Kind, run_id: str = "", source: str = "") -> list[Pending]:
    """Return what a run is to land, by source: what is recorded under its id when it ran before, otherwise what is new.

    Args:
        settings: the stack.
        kind: workbooks, or all other files.
        run_id: the DAG run; empty: only what is new.
        source: only this source; empty: all of the kind.

    Raises:
        SettingsError: no such source, or contracts that do not hold together.
        PlantModelError: the plant model does not hold together.
        StoreUnreachableError, TrinoUnreachableError: a service does not answer.
    """
    sources = load_sources()
    asked = {source: sources.contract(source)} if source else sources.files
    contracts = {name: contract for name, contract in asked.items() if (contract.kind == "workbook") == (kind == "workbooks")}
    recorded = _recorded(settings, run_id, contracts) if run_id else []
    return recorded or _new(settings, contracts)


def landed(settings: Settings, run_id: str) -> list[LandedObject]:
    """Return what became of the objects that a DAG run has landed, in order of arrival by source.

    Raises:
        TrinoUnreachableError: Trino does not answer.
    """
    rows = run_sql(settings, LANDED_SQL, values=[run_prefix(run_id)]).rows
    refused = _quarantined(settings, [sha for _, _, sha, status, *_ in rows if status == "landed"])
    return [
        LandedObject(source, key, status, code, tuple(differences), count, *(refused.get(sha, (0, 0)) if status == "landed" else (0, 0)))
        for source, key, sha, status, code, differences, count in rows
    ]


def _recorded(settings: Settings, run_id: str, sources: Mapping[str, AnyContract]) -> list[Pending]:
    rows = run_sql(settings, RECORDED_SQL, values=[run_prefix(run_id)]).rows
    return [Pending(source, count, size, sources[source].silver_name) for source, count, size in rows if source in sources]


def _new(settings: Settings, contracts: Mapping[str, AnyContract]) -> list[Pending]:
    zone, sites = LandingZone(settings), load_plant(settings.plant_folders).sites
    found = []
    for source, contract in contracts.items():
        listed = zone.listed(source)
        if not listed:
            continue
        seen = {(key, etag) for key, etag in run_sql(settings, SEEN_SQL, values=[source]).rows}
        taken = ready(listed, seen, sites, contract.complete)
        if taken:
            found.append(Pending(source, len(taken), sum(each.size for each in taken), contract.silver_name))
    return found


def _quarantined(settings: Settings, files: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return file to its rows in quarantine, all and to mend; a row's origin begins with its file."""
    if not files:
        return {}
    asked = ", ".join("?" for _ in files)
    _, tables = file_tables(load_sources())
    names = (quarantine_of(table).schema_name for table in tables)
    each = (f"SELECT split_part(origin, '/', 1) AS file, rule FROM lake.{name}" for name in names)  # noqa: S608 - declared tables
    rightly = ", ".join(f"'{rule}'" for rule in sorted(NOTHING_TO_MEND))
    counts = f"count(*), count_if(rule NOT IN ({rightly}))"
    sql = f"SELECT file, {counts} FROM ({' UNION ALL '.join(each)}) WHERE file IN ({asked}) GROUP BY file"  # noqa: S608
    return {str(file): (int(count), int(to_mend)) for file, count, to_mend in run_sql(settings, sql, values=list(files)).rows}
