"""Row rules applied: each candidate row is kept, or refused under the name of the first rule that it broke.

Candidates carry the table's columns plus `early_rule` (a rule already broken while decoding, or NULL), `raw` (the
payload as text) and `origin` (where it came from).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.errors import ConservationError
from lakehouse.model import Table

BROKEN = "broken_rules"


def broken_rules(table: Table) -> Column:
    """Return the names of the rules that a candidate breaks, the early one first and alone, as array<string>."""
    judged = [F.when(~F.coalesce(F.expr(rule.holds), F.lit(False)), F.lit(rule.name)) for rule in table.rules]
    later = F.filter(F.array(*judged), lambda name: name.isNotNull()) if judged else F.array().cast("array<string>")
    return F.when(F.col("early_rule").isNotNull(), F.array("early_rule")).otherwise(later)


def judged(candidates: DataFrame, table: Table) -> DataFrame:
    """Return the candidates with `broken_rules array<string>`, empty for a good row."""
    return candidates.withColumn(BROKEN, broken_rules(table))


def kept(candidates: DataFrame) -> DataFrame:
    """Return the judged rows that broke nothing."""
    return candidates.where(F.size(BROKEN) == 0)


def refused(candidates: DataFrame) -> DataFrame:
    """Return the judged rows that broke something, in the shape of the quarantine table; rows of no machine have none there."""
    machine = F.col("machine_id") if "machine_id" in candidates.columns else F.lit(None).cast("string").alias("machine_id")
    return candidates.where(F.size(BROKEN) > 0).select(
        F.col(BROKEN)[0].alias("rule"),
        F.col(BROKEN),
        "site_id",
        machine,
        "raw",
        "origin",
        F.col("landed_at").alias("quarantined_at"),
    )


def split(candidates: DataFrame, table: Table) -> tuple[DataFrame, DataFrame]:
    """Return (kept, refused): kept has the candidates' columns, refused those of the quarantine table."""
    reviewed = judged(candidates, table)
    return kept(reviewed), refused(reviewed)


@dataclass(frozen=True)
class Counts:
    """Where the rows of one conform went. Unit: rows."""

    seen: int
    kept: int
    quarantined: int
    duplicate: int
    superseded: int

    def check(self, subject: str) -> Counts:
        """Return itself; ConservationError when a row is missing or counted twice."""
        if self.seen != self.kept + self.quarantined + self.duplicate + self.superseded:
            shown = ", ".join(f"{field.name} {getattr(self, field.name)}" for field in fields(self))
            raise ConservationError(subject, f"in = kept + quarantined + duplicate + superseded does not hold: {shown}", "bin/lakehouse status")
        return self


def settled(rows: DataFrame) -> DataFrame:
    """Return the rows as they are now, cut off from the tables that they were read from.

    A cached plan is computed anew once a table that it reads is written; what was judged against a table must not be
    judged again after its own rows have entered it.
    """
    return rows.localCheckpoint()


@contextmanager
def persisted(rows: DataFrame) -> Iterator[DataFrame]:
    """Keep rows in memory (or on disk) for the block."""
    held = rows.persist()
    try:
        yield held
    finally:
        held.unpersist()
