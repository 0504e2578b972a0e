"""Refused workbooks go back to who sent them: the same workbook, beside the original, with a comment on each refused cell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from tempfile import TemporaryDirectory

import structlog
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.bronze.landing_zone import GIVEN_BACK, LandingZone, Listed
from lakehouse.flow.outcome import Outcome
from lakehouse.model import quarantine_of
from lakehouse.sources import refusals, tables, workbook
from lakehouse.sources.contracts import ContractBreachError
from lakehouse.sources.profiles import Profile, WorkbookContract
from lakehouse.sources.workbook_return import RefusedCell, RefusedRow, annotated, refused_cells, refused_header

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class GivenBack:
    """Gives workbooks of one source back.

    Attributes:
        spark: the session, to ask for quarantined rows on main.
        zone: the landing bucket.
        contract: contract of the source.
    """

    spark: SparkSession
    zone: LandingZone
    contract: WorkbookContract

    def all(self, taken: Sequence[Listed], outcomes: Sequence[Outcome]) -> Iterator[str]:
        """Give back what was refused of a run's workbooks and yield the keys; what was mended is taken back.

        Raises:
            StoreUnreachableError: the store does not answer or refuses.
        """
        rows = self._refused_rows([each.file_sha256 for each in outcomes if each.status == "landed"])
        for listed, outcome in zip(taken, outcomes, strict=True):
            if outcome.status == "rejected" or rows.get(outcome.file_sha256):
                with TemporaryDirectory(prefix="lakehouse-return-") as folder:
                    if self._one(listed, outcome, rows.get(outcome.file_sha256, []), Path(folder)):
                        yield f"{listed.key}{GIVEN_BACK}"
            elif outcome.status == "landed":
                self.zone.take_back(listed.key)

    def _one(self, listed: Listed, outcome: Outcome, rows: Sequence[RefusedRow], folder: Path) -> bool:
        fetched = self.zone.fetch(listed, folder)
        if fetched is None or not listed.site_id:
            return False
        path, profile = fetched[0].rename(folder / Path(listed.key).name), self.contract.profile(listed.site_id)
        try:
            cells = refused_cells(path, profile, rows) if outcome.status == "landed" else self._of_file(path, profile)
            self.zone.give_back(annotated(path, cells, folder / f"{path.name}{GIVEN_BACK}", profile.text), listed.key)
        except ContractBreachError as breach:
            log.info("it cannot be given back: it cannot be read", object_key=listed.key, cause=breach.cause)
            return False
        return True

    @staticmethod
    def _of_file(path: Path, profile: Profile) -> list[RefusedCell]:
        """The cells that a file was rejected for as a whole."""
        try:
            workbook.rows(path, profile)
        except ContractBreachError as breach:
            return refused_header(path, profile, breach.differences)
        return []

    def _refused_rows(self, files: Sequence[str]) -> dict[str, list[RefusedRow]]:
        """Quarantined rows of files that someone can mend, by SHA-256."""
        if not files:
            return {}
        quarantine = self.spark.table(quarantine_of(tables.declared_table(self.contract)).on_main)
        of_files = quarantine.where(F.substring_index("origin", "/", 1).isin(list(files))).select("origin", "rule", "raw")
        to_mend = of_files.where(~F.col("rule").isin(*refusals.NOTHING_TO_MEND))
        found: dict[str, list[RefusedRow]] = {}
        for row in to_mend.collect():
            sha, number = row["origin"].partition("/")[0], row["origin"].rpartition("/")[2].lstrip(ascii_uppercase)
            found.setdefault(sha, []).append(RefusedRow(int(number), row["rule"], json.loads(row["raw"])))
        return found
