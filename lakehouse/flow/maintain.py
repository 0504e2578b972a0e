"""Keep tables cheap to read: old snapshots leave their metadata, and the small files of closed partitions become few large ones.

A partition is closed when it ended two days ago or more; what is newer is never touched, nor is a table without a partition by time.
Files are written first, on a branch. When a writer of the table was faster, the finished rewrite is put on the newest main: that is
metadata only and fits between two commits of a writer. What a branch leaves behind stays in the store; history may refer to it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from lakehouse.errors import FencedError
from lakehouse.model import Table
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.sources.contracts import load_sources
from lakehouse.sources.tables import all_tables
from lakehouse.spark.maintenance import trim_snapshots
from lakehouse.spark.progress import loaded_table
from lakehouse.tables.ops import PUBLISHER

CLOSED_AFTER = dt.timedelta(days=2)
MANY_FILES = 20
"""Up to so many small files a table is left alone: a rewrite costs more than they do."""
TARGET_BYTES = 128 << 20
SMALL_BYTES = TARGET_BYTES // 4
LEAST_INPUT = 5
ATTEMPTS = 5
LEASE_WAIT_S = 120
BY_TIME = re.compile(r"(days|months)\((\w+)\)")
EPOCH_YEAR = 1970


@dataclass(frozen=True)
class Closed:
    """The closed partitions of a table: those of `column` before `before` (UTC midnight), which is the start of a day or month."""

    unit: Literal["days", "months"]
    column: str
    is_date: bool
    before: dt.date

    @property
    def rows(self) -> str:
        """SQL condition over the table's rows."""
        literal = f"DATE '{self.before}'" if self.is_date else f"TIMESTAMP '{self.before} 00:00:00'"
        return f"{self.column} < {literal}"

    @property
    def partitions(self) -> str:
        """SQL condition over the table's list of files."""
        if self.unit == "days":
            return f"partition.{self.column}_day < DATE '{self.before}'"
        return f"partition.{self.column}_month < {(self.before.year - EPOCH_YEAR) * 12 + self.before.month - 1}"


def closed_partitions(table: Table, today: dt.date) -> Closed | None:
    """Return which partitions of a table are closed on a day (UTC); None when it has no partition by time."""
    for partition in table.partition:
        found = BY_TIME.fullmatch(partition)
        if found:
            (kind,) = (column.type for column in table.columns if column.name == found[2])
            last = today - CLOSED_AFTER
            if found[1] == "days":
                return Closed("days", found[2], kind == "date", last)
            return Closed("months", found[2], kind == "date", last.replace(day=1))
    return None


def maintain(spark: SparkSession, nessie: Nessie, settings: Settings) -> list[str]:
    """Mend every table that needs it; return lines of what was done, the counts last.

    Raises:
        LeaseHeldError: somebody was publishing all the time; what was done before stays.
        CatalogUnreachableError, StoreUnreachableError: a service does not answer; what was done before stays.
    """
    today, lines, tables = dt.datetime.now(dt.UTC).date(), [], all_tables(load_sources())
    for table in tables:
        publishes = table.writer == PUBLISHER
        with nessie.lease("table_maintenance", settings.lease_ttl_s, LEASE_WAIT_S) if publishes else nullcontext():
            done = [each for each in (_trimmed(spark, nessie, table), compact(spark, nessie, table, today)) if each]
        if done:
            lines.append(f"{table.schema_name}: {'; '.join(done)}")
    return [*lines, f"{len(tables)} tables looked at, {len(lines)} with something to do"]


def _trimmed(spark: SparkSession, nessie: Nessie, table: Table) -> str:
    try:
        count = trim_snapshots(spark, nessie, table)
    except FencedError:
        return "was written meanwhile, its snapshots are trimmed next time"
    return f"{count} old snapshots left its metadata" if count else ""


def compact(spark: SparkSession, nessie: Nessie, table: Table, today: dt.date, many: int = MANY_FILES) -> str:
    """Make few files of the small ones in a table's closed partitions when there are more than `many`; return what was done, or nothing.

    The rows stay as they are, in number and content; readers see the old files or the new ones.
    """
    closed = closed_partitions(table, today)
    if closed is None:
        return ""
    count = small_files(spark, table, closed)
    if count <= many:
        return ""
    with nessie.work_branch("compact") as branch:
        before = loaded_table(spark, table.at(branch)).currentSnapshot().snapshotId()
        _rewrite(spark, table, closed, branch)
        rewritten = loaded_table(spark, table.at(branch))
        snapshot = rewritten.currentSnapshot()
        if snapshot.snapshotId() == before:
            return f"{count} small files could not be joined"
        removed, added = (list(_each(files)) for files in (snapshot.removedDataFiles(rewritten.io()), snapshot.addedDataFiles(rewritten.io())))
        told = f"{len(removed)} small files of partitions before {closed.before} became {len(added)}"
        message = f"compact {table.schema_name}: {told}"
        if _merged(nessie, branch, message) or _put_on_newest(spark, nessie, table, Rewrite(before, removed, added), message):
            return told
    return f"was written meanwhile, its {count} small files are joined next time"


def small_files(spark: SparkSession, table: Table, closed: Closed) -> int:
    """Return how many small files the closed partitions have that hold enough of them to be joined."""
    sql = (
        f"SELECT count(*) AS files FROM {table.on_main}.files"  # noqa: S608 - a declared table
        f" WHERE content = 0 AND file_size_in_bytes < {SMALL_BYTES} AND {closed.partitions} GROUP BY partition HAVING count(*) >= {LEAST_INPUT}"
    )
    return sum(int(row["files"]) for row in spark.sql(sql).collect())


def _rewrite(spark: SparkSession, table: Table, closed: Closed, branch: str) -> None:
    """Write the joined files, on a branch, in one commit."""
    options = {
        "target-file-size-bytes": TARGET_BYTES,
        "min-file-size-bytes": SMALL_BYTES,
        "min-input-files": LEAST_INPUT,
        "max-concurrent-file-group-rewrites": 1,
        "partial-progress.enabled": "false",
    }
    pairs = ", ".join(f"'{name}', '{value}'" for name, value in options.items())
    spark.sql(
        f"CALL lake.system.rewrite_data_files(table => '{table.at(branch)}', strategy => 'binpack', "
        f'where => "{closed.rows}", options => map({pairs}))'
    ).collect()


@dataclass(frozen=True)
class Rewrite:
    """A finished rewrite: the snapshot that it began from, and Iceberg's own objects of the files it replaces and has written."""

    base_id: int
    removed: list[Any]
    added: list[Any]


def _put_on_newest(spark: SparkSession, nessie: Nessie, table: Table, rewrite: Rewrite, message: str) -> bool:
    """Replace the same files on the newest main; False when one of them has gone, or a writer was faster each time."""
    for _ in range(ATTEMPTS):
        with nessie.work_branch("compact") as branch:
            commit = loaded_table(spark, table.at(branch)).newRewrite().validateFromSnapshot(rewrite.base_id)
            for file in rewrite.removed:
                commit.deleteFile(file)
            for file in rewrite.added:
                commit.addFile(file)
            try:
                commit.commit()
            except Py4JJavaError as error:
                if "ValidationException" not in str(error):
                    raise
                return False
            if _merged(nessie, branch, message):
                return True
    return False


def _merged(nessie: Nessie, branch: str, message: str) -> bool:
    try:
        nessie.merge(branch, message)
    except FencedError:
        return False
    return True


def _each(java_iterable: Any) -> Iterator[Any]:
    iterator = java_iterable.iterator()
    while iterator.hasNext():
        yield iterator.next()
