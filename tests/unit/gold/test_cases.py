"""Every folder of tests/cases on Spark: the ledger, the elements, and the ratios of the elements."""

import datetime as dt
from decimal import Decimal

import pytest

from lakehouse.flow.summarise import SilverFrames, summarise
from lakehouse.plant import PlantModel
from lakehouse.spark.schema import struct_of
from lakehouse.spark.small_work import small_work
from lakehouse.tables import silver
from tests.cases.reader import CASES, RATIOS, Case, as_published, differences, key_of

TABLES = {
    "interruptions": silver.MACHINE_INTERRUPTION,
    "counts": silver.MACHINE_COUNT,
    "events": silver.PRODUCTION_EVENT,
    "confirmations": silver.CONFIRMATION,
    "readings": silver.SENSOR_READING,
}


def frames_of(spark, cases: list[Case]) -> SilverFrames:
    def frame(table):
        rows = [tuple(row[name] for name in table.column_names) for case in cases for row in case.rows(table.name)]
        return spark.createDataFrame(rows, struct_of(table))

    return SilverFrames(**{name: frame(table) for name, table in TABLES.items()})


def ratio(row, numerator, denominator):
    refused = "CONTRACT_VIOLATION" in row["flags"] and numerator.startswith("earned")
    if refused or not row["pbt_s"] or row[numerator] is None or not row[denominator]:
        return None
    return Decimal(row[numerator]) / Decimal(row[denominator])


def summarised(spark, cases: list[Case]):
    plant = PlantModel({site: model for case in cases for site, model in case.plant.sites.items()})
    shifts = [shift for case in cases for shift in case.machine_shifts()]
    return summarise(spark, plant, shifts, frames_of(spark, cases), max(case.as_of for case in cases), 1)


@pytest.fixture(scope="module")
def gold(spark):
    """Segments and machine-shifts of all cases, by site."""
    found = {case.site_id: ([], []) for case in CASES}
    with small_work(spark):
        for group in as_published(CASES):
            made = summarised(spark, group)
            ledger = made.time_segment.persist()
            for row in rows_of(ledger):
                found[row["site_id"]][0].append(row)
            for row in rows_of(made.machine_shift):
                found[row["site_id"]][1].append({**row, **{name: ratio(row, *parts) for name, parts in RATIOS.items()}})
            ledger.unpersist()
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(gold, case):
    ledger, shifts = gold[case.site_id]
    wrong = []
    for row in case.expected("machine_shift"):
        found = {key_of(each, row): each for each in shifts}
        wrong += [f"{key_of(row)} {each}" for each in differences(row, found[key_of(row)])]
    for row in case.expected("oee_by_shift"):
        found = {key_of(each, row): each for each in shifts}
        known = {name: text for name, text in row.items() if name in shifts[0]}
        wrong += [f"{key_of(row)} {each}" for each in differences(known, found[key_of(row)])]
    segments = {(row["machine_id"], row["segment_start_at"]): row for row in ledger}
    expected_segments = case.expected("time_segment")
    for row in expected_segments:
        wrong += [f"{row['segment_start_at']} {each}" for each in differences(row, segments.get((row["machine_id"], row["segment_start_at"]), {}))]
    assert not wrong
    assert case.expected("machine_shift")
    assert not expected_segments or len(expected_segments) == len(segments)


def rows_of(frame):
    return [{name: shown(value) for name, value in row.asDict(recursive=True).items()} for row in frame.collect()]


def shown(value):
    """Instants as the case files write them; seconds only where there are any."""
    if not isinstance(value, dt.datetime):
        return value
    rest = f":{value:%S}.{value:%f}" if value.microsecond else f":{value:%S}" if value.second else ""
    return f"{value:%Y-%m-%dT%H:%M}{rest}Z"


def test_a_fleet_is_sum_over_sum(gold):
    case = next(each for each in CASES if each.name == "K-08")
    rows = gold[case.site_id][1]
    (total,) = case.expected("oee_by_shift.total")
    summed = {name: sum(row[name] for row in rows) for name in ("pbt_s", "apt_s", "earned_good_s")}
    assert not differences(total, {**summed, "oee_ratio": summed["earned_good_s"] / summed["pbt_s"]})
