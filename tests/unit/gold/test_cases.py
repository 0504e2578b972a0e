"""Every folder of tests/cases on Spark: the ledger, the elements, and the ratios of the elements."""

import datetime as dt
from decimal import Decimal

import pytest

from lakehouse.flow.summarise import SilverFrames, summarise
from lakehouse.spark.schema import struct_of
from lakehouse.tables import silver
from tests.cases.reader import CASES, RATIOS, Case, differences, key_of

TABLES = {
    "interruptions": silver.MACHINE_INTERRUPTION,
    "counts": silver.MACHINE_COUNT,
    "events": silver.PRODUCTION_EVENT,
    "confirmations": silver.CONFIRMATION,
    "readings": silver.SENSOR_READING,
}


def frames_of(spark, case: Case) -> SilverFrames:
    def frame(table):
        rows = [tuple(row[name] for name in table.column_names) for row in case.rows(table.name)]
        return spark.createDataFrame(rows, struct_of(table))

    return SilverFrames(**{name: frame(table) for name, table in TABLES.items()})


def ratio(row, numerator, denominator):
    if not row["pbt_s"] or row[numerator] is None or not row[denominator]:
        return None
    return Decimal(row[numerator]) / Decimal(row[denominator])


def summarised(spark, case):
    return summarise(spark, case.plant, case.machine_shifts(), frames_of(spark, case), case.as_of, 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(spark, case):
    gold = summarised(spark, case)
    ledger = gold.time_segment.persist()
    found = {key_of(row): {**row, **{name: ratio(row, *parts) for name, parts in RATIOS.items()}} for row in rows_of(gold.machine_shift)}
    segments = {(row["machine_id"], row["segment_start_at"]): row for row in rows_of(ledger)}
    ledger.unpersist()

    wrong = []
    for row in case.expected("machine_shift"):
        wrong += [f"{key_of(row)} {each}" for each in differences(row, found[key_of(row)])]
    for row in case.expected("oee_by_shift"):
        plain = {name: text for name, text in row.items() if not name.endswith("_reason")}
        wrong += [f"{key_of(row)} {each}" for each in differences(plain, found[key_of(row)])]
    expected_segments = case.expected("time_segment")
    for row in expected_segments:
        wrong += [f"{row['segment_start_at']} {each}" for each in differences(row, segments.get((row["machine_id"], row["segment_start_at"]), {}))]
    assert not wrong
    assert not expected_segments or len(expected_segments) == len(segments)


def rows_of(frame):
    return [{name: shown(value) for name, value in row.asDict(recursive=True).items()} for row in frame.collect()]


def shown(value):
    """Instants as the case files write them; seconds only where there are any."""
    if not isinstance(value, dt.datetime):
        return value
    rest = f":{value:%S}.{value:%f}" if value.microsecond else f":{value:%S}" if value.second else ""
    return f"{value:%Y-%m-%dT%H:%M}{rest}Z"


def test_a_fleet_is_sum_over_sum(spark):
    case = next(each for each in CASES if each.name == "K-08")
    rows = rows_of(summarised(spark, case).machine_shift)
    (total,) = case.expected("oee_by_shift.total")
    summed = {name: sum(row[name] for row in rows) for name in ("pbt_s", "apt_s", "earned_good_s")}
    assert not differences(total, {**summed, "oee_ratio": summed["earned_good_s"] / summed["pbt_s"]})
