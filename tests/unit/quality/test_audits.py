"""Each audit of gold sees the one thing that it is there for, in a ledger that holds otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.errors import ConservationError
from lakehouse.flow.summarise import summarise
from lakehouse.quality.audits import AUDITS, audited, key_audit
from lakehouse.quality.rules import Counts
from lakehouse.spark.small_work import small_work
from lakehouse.tables import gold
from tests.cases.reader import CASES
from tests.unit.gold.test_cases import frames_of

Broken = Callable[[DataFrame, DataFrame], tuple[DataFrame, DataFrame]]


@pytest.fixture(scope="module")
def ledger(spark) -> tuple[DataFrame, DataFrame]:
    """Segments and machine-shifts of a worked case with two shifts."""
    case = next(each for each in CASES if each.name == "K-15")
    with small_work(spark):
        made = summarise(spark, case.plant, case.machine_shifts(), frames_of(spark, [case]), case.as_of, 1)
        return made.time_segment.localCheckpoint(), made.machine_shift.localCheckpoint()


def first(rows: DataFrame, at: str) -> Column:
    """True for the first row of all, by the instant in column `at`."""
    return F.col(at) == F.lit(rows.agg(F.min(at)).collect()[0][0])


def shifts_with(column: str, value: str) -> Broken:
    return lambda segments, shifts: (segments, shifts.withColumn(column, F.expr(value).cast(shifts.schema[column].dataType)))


def first_segment_with(column: str, value: str) -> Broken:
    def broken(segments: DataFrame, shifts: DataFrame) -> tuple[DataFrame, DataFrame]:
        changed = F.when(first(segments, "segment_start_at"), F.expr(value)).otherwise(F.col(column))
        return segments.withColumn(column, changed.cast(segments.schema[column].dataType)), shifts

    return broken


WAYS: dict[str, Broken] = {
    "machine_shift_key_unique": lambda segments, shifts: (segments, shifts.unionByName(shifts)),
    "segment_without_machine_shift": lambda segments, shifts: (segments, shifts.where(~first(shifts, "shift_start_at"))),
    "machine_shift_without_segment": lambda segments, shifts: (segments.where("shift_id != 'early'"), shifts),
    "segment_key_unique": lambda segments, shifts: (segments.unionByName(segments.where(first(segments, "segment_start_at"))), shifts),
    "segments_neither_overlap_nor_gap": first_segment_with("segment_end_at", "segment_end_at + interval 1 second"),
    "segment_duration_is_its_length": first_segment_with("duration_s", "duration_s + 1"),
    "segments_fill_the_window": lambda segments, shifts: (segments.where(~first(segments, "segment_start_at")), shifts),
    "elements_add_up": shifts_with("apt_s", "apt_s + 1"),
    "delays_add_up": shifts_with("micro_stop_s", "micro_stop_s + 1"),
    "quantities_add_up": shifts_with("sq_count", "sq_count + 1"),
    "bounds_hold": shifts_with("open_stop_s", "pbt_s + 1"),
    "one_revision": first_segment_with("revision", "revision + 1"),
}


def found(segments: DataFrame, shifts: DataFrame) -> set[str]:
    return {each.audit for each in audited(segments, shifts) if each.violation_count}


def test_a_ledger_that_holds_breaks_no_audit(ledger):
    assert found(*ledger) == set()
    assert {each.audit for each in audited(*ledger)} == set(AUDITS)


@pytest.mark.parametrize("audit", AUDITS)
def test_each_audit_sees_what_it_is_for(ledger, audit):
    assert audit in found(*WAYS[audit](*ledger))


def test_a_key_that_comes_twice_is_named(ledger):
    _, shifts = ledger
    assert key_audit(shifts, gold.MACHINE_SHIFT).violation_count == 0
    twice = key_audit(shifts.unionByName(shifts), gold.MACHINE_SHIFT)
    assert (twice.violation_count, twice.example.split("/")[0]) == (shifts.count(), shifts.collect()[0]["site_id"])


def test_counts_that_do_not_add_up_are_refused_with_all_of_them():
    assert Counts(5, 2, 1, 1, 1).check("silver.x").seen == 5
    with pytest.raises(ConservationError, match=r"E_CONSERVATION silver.x: .* does not hold: seen 2, kept 1, quarantined 0, duplicate 0, supers"):
        Counts(2, 1, 0, 0, 0).check("silver.x")
