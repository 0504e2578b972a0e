"""Conform files again from bronze: after a rule, a contract or the plant model was mended. The rows are what a first landing would give.

What was refused before and now passes enters silver; what is refused now leaves it. The source's files are conformed one after
another in their order of landing, so that a later file still replaces an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.errors import SettingsError
from lakehouse.flow.conform_files import bronze_of, conform, silver_of
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
        chosen = [sha for sha in landed if not files or sha in files]
        if not chosen:
            return [f"replay of {source}: nothing was ever landed"]
        _forget(spark, contract, chosen, branch)
        conformed = conform(spark, contract, plant, chosen, branch)
        row = commit_row(conformed, next_seq(spark, FILE_COMMIT, branch), now, json.dumps({"source": source, "replayed": chosen}))
        append(spark.createDataFrame([row], struct_of(FILE_COMMIT)), FILE_COMMIT, branch)
        nessie.merge(branch, f"replay {source}: {len(chosen)} files")
    counts = " ".join(f"{name}={count}" for name, count in asdict(conformed.counts).items())
    return [f"replay of {source}: {len(chosen)} files again from bronze", f"conformed {conformed.silver_table.schema_name}: {counts}"]


def _landed(bronze: DataFrame) -> list[str]:
    """Return the files in bronze in their order of landing."""
    first = bronze.groupBy("file_sha256").agg(F.min("landed_at").alias("at"))
    return [row["file_sha256"] for row in first.orderBy("at", "file_sha256").collect()]


def _forget(spark: SparkSession, contract: AnyContract, files: Sequence[str], branch: str) -> None:
    """Take back the quarantine rows of the files: conforming judges them anew."""
    named = ", ".join(f"'{sha}'" for sha in files)
    table = quarantine_of(silver_of(contract))
    spark.sql(f"DELETE FROM {table.at(branch)} WHERE substring_index(origin, '/', 1) IN ({named})")  # noqa: S608 - declared table, hashes of ours
