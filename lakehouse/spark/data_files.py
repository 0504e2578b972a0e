"""Rows in Arrow to data files of an Iceberg table, past Spark's rows, which cost ten times as much for cells in maps.

The files are Parquet with the table's own field ids; its own IO puts them where its own location provider says, and Iceberg commits them
to the branch in one snapshot with metrics from their footers. Whoever reads the table cannot tell them from files that Spark wrote.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyspark.sql import SparkSession

from lakehouse.model import Table
from lakehouse.spark.progress import loaded_table

TARGET_BYTES = 256 << 20
"""A file of this size is closed and another begun."""

Partition = tuple[str, ...]


@contextmanager
def appended_files(spark: SparkSession, table: Table, branch: str) -> Iterator[DataFiles]:
    """Take rows, and append them in one snapshot when the block ends without an exception; until then nothing lies in the store.

    Args:
        spark: the session whose catalog the table is in.
        table: a table without partitions, or partitioned by columns of text themselves.
        branch: Nessie branch.
    """
    with TemporaryDirectory(prefix="lakehouse-data-files-") as folder, ThreadPoolExecutor(1) as encoder:
        files = DataFiles(spark, table, branch, Path(folder), encoder)
        yield files
        files.commit()


@dataclass(frozen=True)
class _File:
    """The file of one partition that is being written."""

    path: Path
    partition: Partition
    sink: pa.NativeFile
    writer: pq.ParquetWriter

    def close(self) -> None:
        self.writer.close()
        self.sink.close()


@dataclass
class DataFiles:
    """The data files of one append; made by `appended_files`."""

    spark: SparkSession
    table: Table
    branch: str
    folder: Path
    encoder: ThreadPoolExecutor
    _open: dict[Partition, _File] = field(default_factory=dict)
    _closed: list[_File] = field(default_factory=list)
    _running: Future[None] | None = None

    def __post_init__(self) -> None:
        self._iceberg = loaded_table(self.spark, self.table.at(self.branch))
        self._java: Any = self.spark._jvm
        as_json = self._java.org.apache.iceberg.SchemaParser.toJson(self._iceberg.schema())
        self._schema = pa.schema([_small(each) for each in schema_to_pyarrow(Schema.model_validate_json(as_json))])

    def write(self, rows: pa.Table) -> None:
        """Take rows; they are encoded while the caller goes on, one such table at a time.

        Args:
            rows: the table's columns, in any order.

        Raises:
            KeyError: a column of the rows before was missing.
            pyarrow.ArrowInvalid: one of them could not be cast to the type of the table's.
        """
        self._settle()
        self._running = self.encoder.submit(self._encode, rows)

    def commit(self) -> None:
        """Put the files into the store and append them in one snapshot; none is made when there were no rows."""
        self._settle()
        for partition in list(self._open):
            self._close(partition)
        if self._closed:
            append = self._iceberg.newAppend()
            for each in self._closed:
                append.appendFile(self._placed(each))
            append.commit()

    def _settle(self) -> None:
        if self._running is not None:
            running, self._running = self._running, None
            running.result()

    def _encode(self, rows: pa.Table) -> None:
        typed = rows.select(self._schema.names).cast(self._schema)
        for partition, part in _by_partition(typed, self.table.partition):
            opened = self._open.get(partition) or self._begin(partition)
            opened.writer.write_table(part)
            if opened.sink.tell() >= TARGET_BYTES:
                self._close(partition)

    def _begin(self, partition: Partition) -> _File:
        path = self.folder / f"{uuid.uuid4()}.parquet"
        sink = pa.OSFile(str(path), "wb")
        flat = [each.name for each in self._schema if not pa.types.is_nested(each.type)]  # bounds of what is in maps help nobody, and cost a quarter
        writer = pq.ParquetWriter(sink, self._schema, compression="zstd", store_schema=False, write_statistics=flat)
        self._open[partition] = _File(path, partition, sink, writer)
        return self._open[partition]

    def _close(self, partition: Partition) -> None:
        closed = self._open.pop(partition)
        closed.close()
        self._closed.append(closed)

    def _placed(self, closed: _File) -> Any:
        """Put a file into the store, and return the entry that Iceberg's manifest has of it."""
        iceberg, files = self._java.org.apache.iceberg, self._java.java.nio.file.Files
        spec, io = self._iceberg.spec(), self._iceberg.io()
        values = iceberg.PartitionData(spec.partitionType())
        for position, value in enumerate(closed.partition):
            values.set(position, value)
        place = (spec, values, closed.path.name) if closed.partition else (closed.path.name,)
        location = self._iceberg.locationProvider().newDataLocation(*place)
        stream = io.newOutputFile(location).create()
        try:
            files.copy(self._java.java.io.File(str(closed.path)).toPath(), stream)
        finally:
            stream.close()
        metrics = iceberg.parquet.ParquetUtil.fileMetrics(io.newInputFile(location), iceberg.MetricsConfig.forTable(self._iceberg))
        entry = iceberg.DataFiles.builder(spec).withPartition(values).withFormat("PARQUET").withPath(location)
        return entry.withFileSizeInBytes(closed.path.stat().st_size).withMetrics(metrics).build()


def _small(column: pa.Field) -> pa.Field:
    """A column with texts as rows have them: they are no larger in Parquet, and need not be copied on the way."""
    if pa.types.is_map(column.type):
        return column.with_type(pa.map_(_small(column.type.key_field), _small(column.type.item_field)))
    return column.with_type(pa.string()) if pa.types.is_large_string(column.type) else column


def _by_partition(rows: pa.Table, columns: tuple[str, ...]) -> Iterator[tuple[Partition, pa.Table]]:
    """Split rows by the values of some columns of text."""
    if not columns:
        yield (), rows
        return
    found = rows.select(columns).group_by(list(columns)).aggregate([]).to_pylist()
    for each in found:
        same = reduce(pc.and_, (pc.equal(rows.column(name), value) for name, value in each.items()))
        yield tuple(each.values()), rows if len(found) == 1 else rows.filter(same)
