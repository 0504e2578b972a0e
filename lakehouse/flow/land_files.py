"""Land files: what lies in the landing bucket to bronze, silver, quarantine and ops, on one branch merged in one commit.

Progress lives in `ops.landing`. A file is known by its SHA-256: landed before under any name, it is a duplicate. A run that
is repeated by its id finds its own objects recorded and changes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import structlog
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.bronze.files import BronzeWriter, Envelope
from lakehouse.bronze.landing_zone import LandingZone, Listed, fresh, missing_marker, ready
from lakehouse.crashpoints import crashpoint
from lakehouse.errors import ContractError, FencedError
from lakehouse.flow.conform_files import bronze_of, conform
from lakehouse.flow.conform_topics import Conformed
from lakehouse.flow.give_back import GivenBack
from lakehouse.flow.land_topics import commit_row, next_seq
from lakehouse.flow.outcome import Outcome
from lakehouse.nessie import Nessie
from lakehouse.plant import PlantModel
from lakehouse.sources import readers, workbook
from lakehouse.sources.contracts import AnyContract, ContractBreachError, Difference, WorkbookContract
from lakehouse.spark.data_files import appended_files
from lakehouse.spark.schema import struct_of
from lakehouse.spark.write import append
from lakehouse.tables.ops import FILE_COMMIT, LANDING

log = structlog.get_logger(__name__)
ATTEMPTS = 5
MAX_BYTES = 2 << 30
STATUSES = ("landed", "duplicate", "rejected", "waiting")
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class LandingReport:
    """What one run did.

    Attributes:
        outcomes: by object, in the order of arrival.
        skipped: keys of lock files, temporary files and folder markers.
        conformed: counts of the silver table; None when nothing was landed.
        given_back: keys of refused workbooks that lie beside their originals, with a comment on each refused cell.
        is_repeat: True when the run was recorded before and nothing was done.
    """

    source: str
    run_id: str
    outcomes: tuple[Outcome, ...] = ()
    skipped: tuple[str, ...] = ()
    conformed: Conformed | None = None
    given_back: tuple[str, ...] = ()
    is_repeat: bool = False

    def lines(self) -> list[str]:
        """Return it as lines for a person, the counts last."""
        found = [each.line() for each in self.outcomes] + [f"skipped             {key}" for key in self.skipped]
        if self.conformed is not None:
            counts = " ".join(f"{name}={count}" for name, count in asdict(self.conformed.counts).items())
            found.append(f"conformed {self.conformed.silver_table.schema_name}: {counts}")
        found += [f"given back with comments: {key}" for key in self.given_back]
        tally = Counter(each.status for each in self.outcomes)
        shown = ", ".join(f"{status} {tally[status]}" for status in STATUSES)
        return [*found, f"run {self.run_id} of {self.source}{' (repeated, nothing to land)' if self.is_repeat else ''}: {shown}"]


@dataclass(frozen=True)
class FileLanding:
    """Lands the files of one source.

    Attributes:
        spark: the session.
        nessie: the catalog's client.
        zone: the landing bucket.
        source: name of the source contract.
        contract: the contract.
        plant: the plant model.
    """

    spark: SparkSession
    nessie: Nessie
    zone: LandingZone
    source: str
    contract: AnyContract
    plant: PlantModel

    def run(self, run_id: str, now: datetime) -> LandingReport:
        """Land what is new, or repeat a recorded run, which changes nothing.

        Args:
            run_id: name of the run.
            now: when the rows count as landed (UTC); files of one run are one microsecond apart.

        Raises:
            FencedError: other writers were first `ATTEMPTS` times; nothing was merged.
            StoreUnreachableError, CatalogUnreachableError: a service does not answer; nothing was merged.
            ConservationError: the rows do not add up; nothing was merged.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._run(run_id, now)
            except FencedError as error:
                if attempt == ATTEMPTS:
                    raise
                log.info("another writer was first, landing again", attempt=attempt, cause=error.cause)
        raise AssertionError

    def _run(self, run_id: str, now: datetime) -> LandingReport:
        recorded = self.spark.table(LANDING.on_main).where(F.col("source") == self.source).collect()
        own = {(row["object_key"], row["etag"]): _outcome_of(row) for row in recorded if row["run_id"] == run_id}
        listed = self.zone.listed(self.source)
        if own:  # it may have ended before its workbooks went back
            still = [each for each in listed if (each.key, each.etag) in own]
            given = self._give_back(still, [own[each.key, each.etag] for each in still])
            return LandingReport(self.source, run_id, tuple(own.values()), given_back=given, is_repeat=True)
        seen = {(row["object_key"], row["etag"]) for row in recorded}
        skipped = tuple(each.key for each in listed if each.is_temporary)
        taken = ready(listed, seen, self.plant.sites, self.contract.complete)
        waiting = tuple(_waiting(each, self._why(each, listed)) for each in fresh(listed, seen, self.contract.complete) if each not in taken)
        report = LandingReport(self.source, run_id, waiting, skipped)
        if not taken:
            return report
        landed = {row["file_sha256"] for row in recorded if row["status"] == "landed"}
        with self.nessie.work_branch("files") as branch:
            outcomes = self._land(taken, landed, now, branch)
            conformed = self._conform(outcomes, now, branch)
            if self._record(taken, outcomes, run_id, now, branch):
                crashpoint("files_before_merge")
                self.nessie.merge(branch, f"land {self.source}: run {run_id}")
                crashpoint("files_after_merge")
        return replace(report, outcomes=(*outcomes, *waiting), conformed=conformed, given_back=self._give_back(taken, outcomes))

    def _give_back(self, taken: Sequence[Listed], outcomes: Sequence[Outcome]) -> tuple[str, ...]:
        """Give refused workbooks back, again when it was done before; other files stay where they are."""
        if not isinstance(self.contract, WorkbookContract):
            return ()
        return tuple(GivenBack(self.spark, self.zone, self.contract).all(taken, outcomes))

    def _why(self, each: Listed, listed: Sequence[Listed]) -> str:
        """Say why an object is not taken yet."""
        if each.site_id and each.site_id not in self.plant.sites:
            return "its site is in no file of the plant model"
        return f"its marker {missing_marker(each, {other.key for other in listed}, self.contract.complete)} is not there yet"

    def _land(self, ready: Sequence[Listed], landed: set[str], now: datetime, branch: str) -> list[Outcome]:
        table = bronze_of(self.contract)
        outcomes: list[Outcome] = []
        with appended_files(self.spark, table, branch) as files:
            writer = BronzeWriter(files.write)
            for nth, listed in enumerate(ready):
                with TemporaryDirectory(prefix="lakehouse-landing-") as folder:
                    outcomes.append(self._land_one(listed, landed, now + nth * MICROSECOND, writer, Path(folder)))
            writer.flush()
        crashpoint("files_after_bronze")
        return outcomes

    def _land_one(self, listed: Listed, landed: set[str], at: datetime, writer: BronzeWriter, folder: Path) -> Outcome:
        if listed.size > MAX_BYTES:
            return _rejected(listed, "", [Difference("too_large", f"at most {MAX_BYTES} bytes", str(listed.size))])
        fetched = self.zone.fetch(listed, folder)
        if fetched is None:
            return _waiting(listed, "it was replaced or deleted while it was read")
        path, sha256 = fetched
        if sha256 in landed:
            return Outcome(listed.key, sha256, "duplicate")
        try:
            sheet, batches = self._parsed(path, listed)
        except ContractBreachError as breach:
            return _rejected(listed, sha256, breach.differences)
        self.zone.keep_raw(path, sha256)
        landed.add(sha256)
        count = writer.add(Envelope(sha256, listed.key, listed.site_id, sheet, at), batches)
        return Outcome(listed.key, sha256, "landed", row_count=count)

    def _parsed(self, path: Path, listed: Listed) -> tuple[str, Iterator[pa.Table]]:
        """Sheet name (empty for other files) and rows of a file that was checked whole, in batches.

        Raises:
            ContractBreachError: the file breaks its contract.
        """
        if not listed.site_id:
            raise ContractBreachError([Difference("key", f"{self.source}/<site_id>/<file>", listed.key)])
        if isinstance(self.contract, WorkbookContract):
            opened = workbook.opened(path, self.contract.profile(listed.site_id))
            return opened.sheet.name, opened.tables()
        readers.check(path, self.contract)
        return "", readers.batches(path, self.contract)

    def _conform(self, outcomes: Sequence[Outcome], now: datetime, branch: str) -> Conformed | None:
        files = [each.file_sha256 for each in outcomes if each.status == "landed"]
        if not files:
            return None
        conformed = conform(self.spark, self.contract, self.plant, files, branch)
        seq = next_seq(self.spark, FILE_COMMIT, branch)
        row = commit_row(conformed, seq, now, json.dumps({"source": self.source, "files": files}))
        append(self.spark.createDataFrame([row], struct_of(FILE_COMMIT)), FILE_COMMIT, branch)
        crashpoint("files_after_silver")
        return conformed

    def _record(self, ready: Sequence[Listed], outcomes: Sequence[Outcome], run_id: str, now: datetime, branch: str) -> int:
        """Write `ops.landing` and return the number of rows; an object that waits is not recorded."""
        named = {"source": self.source, "run_id": run_id}
        rows = [
            {**_recorded(listed, outcome), **named, "landed_at": now + nth * MICROSECOND}
            for nth, (listed, outcome) in enumerate(zip(ready, outcomes, strict=True))
            if outcome.status != "waiting"
        ]
        if rows:
            append(self.spark.createDataFrame(rows, struct_of(LANDING)).coalesce(1), LANDING, branch)
        return len(rows)


def _recorded(listed: Listed, outcome: Outcome) -> Mapping[str, Any]:
    own = {**asdict(outcome), "differences": list(outcome.differences)}
    return {**own, "etag": listed.etag, "site_id": listed.site_id, "byte_count": listed.size}


def _outcome_of(row: Row) -> Outcome:
    return Outcome(row["object_key"], row["file_sha256"], row["status"], row["code"], tuple(row["differences"]), row["row_count"])


def _waiting(listed: Listed, why: str) -> Outcome:
    return Outcome(listed.key, "", "waiting", differences=(why,))


def _rejected(listed: Listed, sha256: str, differences: Sequence[Difference]) -> Outcome:
    return Outcome(listed.key, sha256, "rejected", ContractError.code, tuple(each.text() for each in differences))
