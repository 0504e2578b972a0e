"""Differences from the oracle are named, and a plant becomes a worked case."""

import datetime as dt
from decimal import Decimal

from tests.cases.reader import Case
from tests.oracle.build import at, confirmations, plant, readings, stops
from tests.oracle.compare import as_case, differences
from tests.oracle.generate import seeded
from tests.oracle.rows import expected


def test_differences_names_row_and_column():
    (case,) = seeded(7, 1)
    answer = expected(case.plant, case.silver, case.as_of, case.from_at, case.to_at)
    assert differences(answer, answer.segments, answer.machine_shifts) == []
    naive = [
        {name: value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value for name, value in row.items()} for row in answer.segments
    ]
    assert differences(answer, naive, answer.machine_shifts) == []
    other = {**answer.machine_shifts[0], "apt_s": Decimal(-1)}
    (line,) = differences(answer, answer.segments, [other, *answer.machine_shifts[1:]])
    assert "apt_s: expected" in line
    assert "found -1" in line
    (line,) = differences(answer, answer.segments[1:], answer.machine_shifts)
    assert "missing" in line


def test_a_plant_as_a_case(tmp_path):
    site = plant({"quantity_source": "confirmation"}, site_id="k-1", reasons=[{"code": "B01", "text": "Breakdown", "category": "unplanned_stop"}])
    silver = {
        "machine_interruption": stops(("10:00:00.000001", "10:20", "B01"), ("13:00", None, "B01")),
        "machine_count": readings(("06:00", 5)),
        "confirmation": confirmations({"good_qty": Decimal("1.500"), "scrap_qty": Decimal(1), "scrap_by_reason": {"R1": Decimal(1)}}),
    }
    silver = {table: [{**row, "site_id": "k-1"} for row in found] for table, found in silver.items()}
    as_case(site, silver, at("13:30"), at("06:00"), at("14:00"), tmp_path / "K-gen")
    case = Case(tmp_path / "K-gen")
    assert case.as_of == at("13:30")
    assert case.site_id == "k-1"
    assert [window.window.shift_id for window in case.machine_shifts()] == ["early"]
    for table, found in silver.items():
        without = ("source_ref", "landed_at")
        read = [{name: value for name, value in row.items() if name not in without} for row in case.rows(table)]
        assert read == [{name: value for name, value in row.items() if name not in without} for row in found]
    (row,) = case.expected("machine_shift")
    assert (row["window_s"], row["earned_good_s"], row["is_provisional"]) == ("27000.000000", "45/1", "true")
    assert [each["segment_start_at"][11:] for each in case.expected("time_segment")] == ["06:00Z", "10:00:00.000001Z", "10:20Z", "13:00Z"]
