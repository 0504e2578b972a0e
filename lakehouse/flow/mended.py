"""Quarantine rows that a later file has mended: the row with the same key came again and passed the rules. Bronze keeps them as they came."""

from __future__ import annotations

import uuid

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.model import Table, quarantine_of
from lakehouse.silver import cells, confirmation
from lakehouse.sources import tables
from lakehouse.sources.contracts import Profile
from lakehouse.sources.formats import Contract

ORDINAL = r"/[0-9]+$"
CELLS = "map<string,string>"


def clear_confirmations(passed: DataFrame, profile: Profile, table: Table, branch: str) -> None:
    """Take the quarantine rows away that confirmations of one layout have mended.

    Args:
        passed: rows that passed the rules now, of sites with this layout.
        profile: the layout.
        table: silver.confirmation.
        branch: Nessie branch.
    """
    key = F.regexp_replace("confirmation_key", ORDINAL, "") if profile.key_repeats else F.col("confirmation_key")
    _clear(passed.select("site_id", "landed_at", key.alias("key")), confirmation.key_parts(profile), table, branch)


def clear_typed(passed: DataFrame, contract: Contract, table: Table, branch: str) -> None:
    """Take the quarantine rows away that rows typed by `fields` have mended; a table without a key of its source keeps them.

    Args:
        passed: rows that passed the rules now.
        contract: contract of their source.
        table: the silver table.
        branch: Nessie branch.
    """
    readings = tables.readings(contract)
    named = [(name, readings[name].column) for name in table.key if name in readings and readings[name].column is not None]
    if not named:
        return
    key = F.concat_ws("/", *(F.col(name).cast("string") for name, _ in named))
    sent = F.concat_ws("/", *(F.coalesce(cells.text(str(column)), F.lit("")) for _, column in named))
    _clear(passed.select("site_id", "landed_at", key.alias("key")), sent, table, branch)


def _clear(passed: DataFrame, sent_key: Column, table: Table, branch: str) -> None:
    quarantine = quarantine_of(table)
    session = passed.sparkSession
    refused = session.table(quarantine.at(branch)).withColumn("cells", F.from_json("raw", CELLS))
    keyed = refused.select("site_id", "origin", "quarantined_at", sent_key.alias("key"))
    mended = keyed.join(passed, ["site_id", "key"]).where("quarantined_at < landed_at").select("origin").distinct().localCheckpoint()
    if mended.isEmpty():
        return
    view = f"mended_{uuid.uuid4().hex[:12]}"
    mended.createOrReplaceTempView(view)
    session.sql(f"DELETE FROM {quarantine.at(branch)} t WHERE t.origin IN (SELECT origin FROM {view})")  # noqa: S608 - a declared table, a view of ours
    session.catalog.dropTempView(view)
