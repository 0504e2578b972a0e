"""Conform files again from bronze: after a rule, a contract or the plant model was mended. The rows are what a first landing would give.

What was refused before and now passes enters silver; what is refused now leaves it, and an older version of it counts again. Files
that were landed after the named ones are conformed with them, so that a later file still replaces an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.crashpoints import crashpoint
from lakehouse.errors import SettingsError
from lakehouse.flow.conform_files import bronze_of, conform, silver_of
from lakehouse.flow.conform_topics import Conformed
from lakehouse.flow.land_topics import commit_row, next_seq
from lakehouse.model import quarantine_of
from lakehouse.nessie import Nessie
from lakehouse.plant import PlantModel
from lakehouse.sources.contracts import AnyContract
from lakehouse.spark.schema import struct_of
from lakehouse.spark.write import append
from lakehouse.tables.ops import FILE_COMMIT


def replay(
    spark: SparkSession, nessie: Nessie, plant: PlantModel, source: str, contract: AnyContract, now: datetime, files: Sequence[str] = ()
) -> list[str]:
    """Conform a source's files again and merge the outcome in one commit; return lines for a person.

    Args:
        spark: the session.
        nessie: the catalog's client.
        plant: the plant model.
        source: name of the source.
        contract: its contract.
        now: when (UTC).
        files: SHA-256 of the files to conform again; all of the source when none are named.

    Raises:
        SettingsError: a named file was never landed.
        ConservationError: the rows do not add up; nothing was merged.
        FencedError: another writer was first; nothing was merged.
    """
    with nessie.work_branch("replay") as branch:
        landed = _landed(spark.table(bronze_of(contract).at(branch)))
        unknown = sorted(set(files) - set(landed))
        if unknown:
            raise SettingsError(f"file {unknown[0]}", f"bronze.{bronze_of(contract).name} has no row of it", "look it up in lake.ops.landing")
        if not landed:
            return [f"replay of {source}: nothing was ever landed"]
        chosen = landed[min(map(landed.index, files)) :] if files else landed
        lines = [f"replay of {source}: {len(chosen)} files again from bronze"]
        conformed = _again(spark, contract, plant, source, chosen, now, branch)
        lines.append(_counts(conformed))
        if conformed.withdrawn_count and chosen != landed:
            lines.append(f"{conformed.withdrawn_count} rows left silver: all {len(landed)} files again, for older versions of them")
            lines.append(_counts(_again(spark, contract, plant, source, landed, now, branch)))
        crashpoint("replay_before_merge")
        nessie.merge(branch, f"replay {source}: {len(chosen)} files")
    return lines


def _again(
    spark: SparkSession, contract: AnyContract, plant: PlantModel, source: str, files: Sequence[str], now: datetime, branch: str
) -> Conformed:
    """Conform files anew on a branch and record it."""
    _forget(spark, contract, files, branch)
    conformed = conform(spark, contract, plant, files, branch)
    row = commit_row(conformed, next_seq(spark, FILE_COMMIT, branch), now, json.dumps({"source": source, "replayed": list(files)}))
    append(spark.createDataFrame([row], struct_of(FILE_COMMIT)), FILE_COMMIT, branch)
    return conformed


def _counts(conformed: Conformed) -> str:
    counts = " ".join(f"{name}={count}" for name, count in asdict(conformed.counts).items())
    return f"conformed {conformed.silver_table.schema_name}: {counts} withdrawn={conformed.withdrawn_count}"


def _landed(bronze: DataFrame) -> list[str]:
    """Return the files in bronze in their order of landing."""
    first = bronze.groupBy("file_sha256").agg(F.min("landed_at").alias("at"))
    return [row["file_sha256"] for row in first.orderBy("at", "file_sha256").collect()]


def _forget(spark: SparkSession, contract: AnyContract, files: Sequence[str], branch: str) -> None:
    """Take back the quarantine rows of the files: conforming judges them anew."""
    named = ", ".join(f"'{sha}'" for sha in files)
    table = quarantine_of(silver_of(contract))
    spark.sql(f"DELETE FROM {table.at(branch)} WHERE substring_index(origin, '/', 1) IN ({named})")  # noqa: S608 - declared table, hashes of ours
