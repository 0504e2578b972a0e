"""Data files that are written past Spark's rows: whoever reads the table finds the rows, and nothing of an append that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from lakehouse.bronze.files import Envelope, enveloped
from lakehouse.model import Table
from lakehouse.nessie import Nessie
from lakehouse.settings import Settings
from lakehouse.sources.cell_batches import of_rows
from lakehouse.spark import data_files
from lakehouse.spark.data_files import appended_files
from lakehouse.spark.ddl import ensure_tables
from lakehouse.spark.progress import loaded_table
from lakehouse.spark.write import append
from lakehouse.tables.bronze import cell_table

pytestmark = pytest.mark.stack
Ask = Callable[..., list[Sequence[Any]]]
AT = datetime(2026, 11, 2, 6, 0, 0, 1, tzinfo=UTC)


@pytest.fixture(params=["by_site", "unpartitioned"])
def table(request: pytest.FixtureRequest, spark: SparkSession, core: Settings) -> Iterator[Table]:
    """A bronze table of this test alone."""
    made = cell_table(f"data_files_{request.param}", "a test")
    made = made if request.param == "by_site" else replace(made, partition=())
    ensure_tables(spark, [made])
    yield made
    spark.sql(f"DROP TABLE {made.on_main}")


def rows(site: str, first: int, count: int) -> pa.Table:
    cells = [(number, {"Größe": f"{number} µm", "empty": ""} if number % 2 else {}) for number in range(first, first + count)]
    return enveloped(of_rows(cells), Envelope("abc", f"test/{site}/a.csv", site, "", AT))


def stored(settings: Settings, spark: SparkSession, table: Table) -> list[str]:
    """Return the keys of all data files that lie in a table's place."""
    place = str(loaded_table(spark, table.on_main).location()).removeprefix("s3://").partition("/")
    keys = {"aws_access_key_id": "lakehouse-writer", "aws_secret_access_key": settings.secret("s3_writer_secret")}
    client = boto3.client("s3", endpoint_url=settings.s3_endpoint, region_name=settings.s3_region, **keys)
    return [each["Key"] for each in client.list_objects_v2(Bucket=place[0], Prefix=f"{place[2]}/data/").get("Contents", [])]


def test_rows_are_read_as_if_spark_had_written_them(
    spark: SparkSession, nessie: Nessie, ask: Ask, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "TARGET_BYTES", 1)
    first, second = pa.concat_tables([rows("a", 1, 3), rows("b's/ü", 1, 2)]), rows("a", 4, 3)
    with nessie.work_branch("test") as branch:
        with appended_files(spark, table, branch) as files:
            files.write(first)
            files.write(second)
        append(spark.createDataFrame(rows("spark", 1, 3)).coalesce(1), table, branch)
        nessie.merge(branch, "rows of a test")
    wanted = sorted(tuple(row.values()) for row in [*first.to_pylist(), *second.to_pylist(), *rows("spark", 1, 3).to_pylist()])
    found = [row.asDict() for row in spark.table(table.on_main).collect()]
    assert sorted(tuple({**row, "cells": list(row["cells"].items()), "landed_at": AT}.values()) for row in found) == wanted
    name = f"lake.bronze.{table.name}"
    assert ask(f"SELECT site_id, count(*), sum(row_no), max(element_at(cells, 'Größe')), max(landed_at) FROM {name} GROUP BY 1 ORDER BY 1") == [
        ("a", 6, 21, "5 µm", AT), ("b's/ü", 2, 3, "1 µm", AT), ("spark", 3, 6, "3 µm", AT),
    ]  # fmt: skip
    assert ask(f"SELECT count(*), sum(row_no) FROM {name} WHERE site_id = 'a' AND row_no BETWEEN 3 AND 4") == [(2, 7)]
    files = ask(f'SELECT record_count, cardinality(lower_bounds) > 0 FROM lake.bronze."{table.name}$files" ORDER BY 1')
    assert files == [(count, True) for count in ([2, 3, 3, 3] if table.partition else [3, 3, 5])]
    snapshots = ask(f'SELECT summary[\'added-records\'] FROM lake.bronze."{table.name}$snapshots" ORDER BY committed_at')
    assert snapshots == [("8",), ("3",)]


def test_of_an_append_that_fails_nothing_is_left(
    core: Settings, spark: SparkSession, nessie: Nessie, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "TARGET_BYTES", 1)

    def failing(branch: str) -> None:
        with appended_files(spark, table, branch) as files:
            files.write(rows("a", 1, 3))
            files.write(rows("b", 1, 3).drop_columns(["cells"]))

    with nessie.work_branch("test") as branch, pytest.raises(KeyError, match="cells"):
        failing(branch)
    assert stored(core, spark, table) == []
    assert spark.table(table.on_main).count() == 0


def test_nothing_written_makes_no_snapshot(spark: SparkSession, nessie: Nessie, table: Table) -> None:
    with nessie.work_branch("test") as branch:
        with appended_files(spark, table, branch):
            pass
        assert loaded_table(spark, table.at(branch)).currentSnapshot() is None
