"""Compaction on a real catalog: the rows stay, closed partitions have few files, newer ones are untouched, and a faster writer loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from lakehouse.flow import maintain
from lakehouse.flow.maintain import compact
from lakehouse.model import Column, Table
from lakehouse.nessie import Nessie
from lakehouse.spark.ddl import ensure_tables
from lakehouse.spark.schema import struct_of
from lakehouse.spark.write import append

pytestmark = pytest.mark.stack

PROOF = Table(
    layer="silver",
    name="maintenance_proof",
    row="One number of a test.",
    key=("number",),
    columns=(Column("number", "bigint", "Number."), Column("reading_at", "timestamp", "When (UTC).")),
    write="append",
    writer="test",
    partition=("days(reading_at)",),
)
TODAY = date(2026, 11, 20)
OLD, RECENT = datetime(2026, 11, 10, 12, tzinfo=UTC), datetime(2026, 11, 18, 12, tzinfo=UTC)
MANY = 5


def write(spark: SparkSession, number: int, at: datetime) -> None:
    """One row in one file."""
    append(spark.createDataFrame([(number, at)], struct_of(PROOF)).coalesce(1), PROOF, "main")


def files(spark: SparkSession, at: datetime) -> set[str]:
    rows = spark.sql(f"SELECT file_path FROM {PROOF.on_main}.files WHERE partition.reading_at_day = DATE '{at:%Y-%m-%d}'").collect()
    return {row["file_path"] for row in rows}


def numbers(spark: SparkSession) -> list[int]:
    return sorted(row["number"] for row in spark.table(PROOF.on_main).collect())


@pytest.fixture
def proof(spark: SparkSession, nessie: Nessie) -> Iterator[None]:
    spark.sql(f"DROP TABLE IF EXISTS {PROOF.on_main}")
    ensure_tables(spark, [PROOF])
    for number in range(MANY + 1):
        write(spark, number, OLD)
    write(spark, 100, RECENT)
    write(spark, 101, RECENT)
    yield
    spark.sql(f"DROP TABLE IF EXISTS {PROOF.on_main}")


def test_small_files_of_closed_partitions_become_one_and_newer_ones_stay(proof: None, spark: SparkSession, nessie: Nessie) -> None:
    before, recent = numbers(spark), files(spark, RECENT)
    assert compact(spark, nessie, PROOF, TODAY - timedelta(days=9), MANY) == ""
    assert compact(spark, nessie, PROOF, TODAY, MANY + 1) == ""
    assert len(files(spark, OLD)) == MANY + 1
    assert compact(spark, nessie, PROOF, TODAY, MANY) == f"{MANY + 1} small files of partitions before 2026-11-18 became 1"
    assert len(files(spark, OLD)) == 1
    assert files(spark, RECENT) == recent
    assert numbers(spark) == before
    assert compact(spark, nessie, PROOF, TODAY, MANY) == ""
    assert nessie.names("work-compact") == []


@pytest.mark.parametrize("faster", [1, 3])
def test_a_writer_that_is_faster_loses_nothing_and_the_rewrite_is_put_on_its_commit(
    proof: None, spark: SparkSession, nessie: Nessie, monkeypatch: pytest.MonkeyPatch, faster: int
) -> None:
    merged, calls = maintain._merged, []

    def after_another(client: Nessie, branch: str, message: str) -> bool:
        calls.append(branch)
        if len(calls) <= faster:
            write(spark, 200 + len(calls), RECENT)
        return merged(client, branch, message)

    monkeypatch.setattr(maintain, "_merged", after_another)
    before = numbers(spark)
    assert " became 1" in compact(spark, nessie, PROOF, TODAY, MANY)
    assert len(calls) == faster + 1
    assert len(files(spark, OLD)) == 1
    assert numbers(spark) == sorted([*before, *(201 + n for n in range(faster))])


def test_when_its_files_have_gone_the_rewrite_is_given_up(
    proof: None, spark: SparkSession, nessie: Nessie, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged, calls = maintain._merged, []

    def after_a_delete(client: Nessie, branch: str, message: str) -> bool:
        calls.append(branch)
        if len(calls) == 1:
            spark.sql(f"DELETE FROM {PROOF.at('main')} WHERE number = 0")
        return merged(client, branch, message)

    monkeypatch.setattr(maintain, "_merged", after_a_delete)
    before = numbers(spark)
    assert compact(spark, nessie, PROOF, TODAY, MANY) == f"was written meanwhile, its {MANY + 1} small files are joined next time"
    assert numbers(spark) == [number for number in before if number != 0]
