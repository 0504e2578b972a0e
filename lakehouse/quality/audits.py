"""Audits of gold before it is published: what must hold for every machine-shift, checked in one pass, and that keys are keys."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.model import Table

KEY = ("site_id", "machine_id", "shift_date", "shift_id")

AUDITS: dict[str, str] = {
    "machine_shift_key_unique": "shift_rows <= 1",
    "segment_without_machine_shift": "shift_rows IS NOT NULL",
    "machine_shift_without_segment": "segment_rows IS NOT NULL",
    "segment_key_unique": "repeated_starts = 0",
    "segments_neither_overlap_nor_gap": "broken_joins = 0",
    "segment_duration_is_its_length": "wrong_durations = 0",
    "segments_fill_the_window": "segments_start_at = shift_start_at AND segments_end_at = window_end_at AND segments_s = window_s",
    "elements_add_up": "pbt_s = apt_s + aust_s + adet_s + adot_s + unknown_s AND pot_s = pbt_s + planned_down_s"
    " AND window_s = pot_s + not_scheduled_s + unscheduled_run_s",
    "delays_add_up": "adet_s = long_stop_s + micro_stop_s + indeterminate_s + blocked_starved_s",
    "quantities_add_up": "pq_count = gq_count + rq_count + sq_count AND startup_scrap_count <= sq_count",
    "bounds_hold": "uncounted_s BETWEEN 0 AND pbt_s AND open_stop_s BETWEEN 0 AND pbt_s AND earned_known_good_s <= earned_known_produced_s",
    "one_revision": "first_revision = revision AND last_revision = revision",
}
"""Name to the condition that each machine-shift must meet; one that cannot be judged (NULL) is left to the audit that says why."""


@dataclass(frozen=True)
class AuditResult:
    """One audit: how many machine-shifts (or keys) break it, and the first of them."""

    audit: str
    violation_count: int
    example: str


def violations(time_segment: DataFrame, machine_shift: DataFrame) -> DataFrame:
    """Return one row for each broken audit of each machine-shift: audit, example.

    Args:
        time_segment: rows of gold.time_segment.
        machine_shift: rows of gold.machine_shift, of the same machine-shifts.
    """
    judged = _ledgers(time_segment).join(_shifts(machine_shift), list(KEY), "full")
    broken = [F.when(~F.coalesce(F.expr(holds), F.lit(True)), F.lit(name)) for name, holds in AUDITS.items()]
    rows = judged.select(F.concat_ws("/", *KEY).alias("example"), F.explode(F.array(*broken)).alias("audit"))
    return rows.where("audit IS NOT NULL").select("audit", "example")


def audited(time_segment: DataFrame, machine_shift: DataFrame) -> list[AuditResult]:
    """Run all audits in one action; return a result for each, zero violations where it holds."""
    rows = violations(time_segment, machine_shift).groupBy("audit").agg(F.count("*").alias("count"), F.min("example").alias("example")).collect()
    found = {row["audit"]: AuditResult(row["audit"], row["count"], row["example"]) for row in rows}
    return [found.get(name, AuditResult(name, 0, "")) for name in AUDITS]


def key_audit(rows: DataFrame, table: Table) -> AuditResult:
    """Return whether each row has a key of its own."""
    twice = rows.groupBy(*table.key).count().where("count > 1").select(F.concat_ws("/", *table.key).alias("example"))
    found = twice.agg(F.count("*").alias("count"), F.min("example").alias("example")).collect()[0]
    return AuditResult(f"{table.name}_key_unique", found["count"], found["example"] or "")


def _ledgers(segments: DataFrame) -> DataFrame:
    """One row a machine-shift: what its segments say together."""
    in_order = Window.partitionBy(*KEY).orderBy("segment_start_at", "segment_end_at")
    micros = F.expr("unix_micros(segment_end_at) - unix_micros(segment_start_at)")
    exact = (micros.cast("decimal(20,0)") * F.expr("0.000001BD")).cast("decimal(18,6)")
    neighbours = segments.withColumn("next_start_at", F.lead("segment_start_at").over(in_order)).withColumn("length_s", exact)
    return neighbours.groupBy(*KEY).agg(
        F.count("*").alias("segment_rows"),
        F.min("segment_start_at").alias("segments_start_at"),
        F.max("segment_end_at").alias("segments_end_at"),
        F.sum("duration_s").alias("segments_s"),
        _count_of("next_start_at = segment_start_at", "repeated_starts"),
        _count_of("next_start_at != segment_end_at OR length_s <= 0", "broken_joins"),
        _count_of("duration_s != length_s", "wrong_durations"),
        F.min("revision").alias("first_revision"),
        F.max("revision").alias("last_revision"),
    )


def _count_of(rule: str, name: str) -> Column:
    return F.count_if(F.coalesce(F.expr(rule), F.lit(False))).alias(name)


def _shifts(machine_shift: DataFrame) -> DataFrame:
    return machine_shift.withColumn("shift_rows", F.count("*").over(Window.partitionBy(*KEY)))
