"""Shifts in which nothing was heard have rows, whichever way the data came: all at once, or late and in pieces."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from lakehouse.flow.silences import MICROSECOND, OUT_OF_USE, Known, beside, known_machines, published, silences
from lakehouse.flow.touched import Extent, machine_shifts
from lakehouse.plant import load_plant
from lakehouse.settings import HOME

PLANT = load_plant([HOME / "conf" / "plant"])
AS_OF = dt.datetime(2026, 11, 20, 20, tzinfo=dt.UTC)
SHIFT = "site_id string, machine_id string, shift_start_at timestamp, window_end_at timestamp, is_provisional boolean"


def heard(start: dt.datetime, hours: float = 1, machine: str = "M01", table: str = "machine_count") -> Extent:
    return Extent(table, "demo", machine, start, start + dt.timedelta(hours=hours))


def day(number: int, hour: int = 8) -> dt.datetime:
    return dt.datetime(2026, 9, 1, hour, tzinfo=dt.UTC) + dt.timedelta(days=number)


def gold_of(spark, shifts):
    rows = [(each.site_id, each.machine_id, each.window.start_at, min(each.window.end_at, AS_OF), each.window.end_at > AS_OF) for each in shifts]
    return spark.createDataFrame(rows, SHIFT)


def test_the_time_between_two_signs_of_life_is_known_to_be_silent():
    between = silences(PLANT, [heard(day(9)), heard(day(0)), heard(day(3)), heard(day(3), machine="M02")])
    told = [(each.machine_id, each.from_at - MICROSECOND, each.to_at + MICROSECOND) for each in between]
    assert told == [("M01", day(0, 9), day(3)), ("M01", day(3, 9), day(9))]


def test_a_machine_out_of_use_has_no_rows():
    first, long = heard(day(0)), heard(day(0, 9) + OUT_OF_USE + 3 * MICROSECOND)
    assert silences(PLANT, [first, long]) == []
    assert len(silences(PLANT, [first, heard(day(0, 9) + OUT_OF_USE)])) == 1


def test_what_says_nothing_of_a_machine_and_unknown_machines_bridge_nothing():
    readings = [heard(day(0), table="sensor_reading"), heard(day(2), table="sensor_reading")]
    assert silences(PLANT, [*readings, heard(day(0), machine="M99"), heard(day(2), machine="M99")]) == []


def test_stretches_of_gold_are_joined(spark):
    shifts = machine_shifts(PLANT, [heard(day(0), 30), heard(day(5), 2), heard(day(5), 2, "M02")], AS_OF)
    found = published(gold_of(spark, shifts), PLANT)
    by_machine = {name: sorted((each.from_at, each.to_at) for each in found if each.machine_id == name) for name in ("M01", "M02")}
    assert [len(by_machine["M01"]), len(by_machine["M02"])] == [2, 1]
    assert by_machine["M01"][0][0] <= day(0) < day(1, 14) <= by_machine["M01"][0][1]
    assert set(machine_shifts(PLANT, found, AS_OF)) == set(shifts), "what gold has is no more than it was made of"


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(each, marks=pytest.mark.campaign) for each in (2, 3))])
def test_piece_by_piece_gives_the_shifts_of_a_rebuild(spark, seed):
    chance = random.Random(seed)
    pieces = [heard(day(chance.randrange(75), chance.randrange(24)), chance.uniform(0, 40), chance.choice(["M01", "M02"])) for _ in range(10)]
    whole = set(machine_shifts(PLANT, [*pieces, *silences(PLANT, pieces)], AS_OF))
    made: set = set()
    for number, piece in enumerate(pieces):
        gold = gold_of(spark, made)
        known = known_machines(gold)
        assert all(not each.is_running for each in known.values())
        near = beside(gold, PLANT, [piece], known, AS_OF if number else None)
        made |= set(machine_shifts(PLANT, [piece, *silences(PLANT, [piece, *near])], AS_OF))
    assert made == whole


def test_what_the_clock_has_kept_is_not_asked_for(spark):
    known = {("demo", "M01"): Known(day(0), is_running=True)}
    nothing = gold_of(spark, machine_shifts(PLANT, [heard(day(0))], AS_OF))
    late = heard(AS_OF - dt.timedelta(hours=30))
    (kept,) = beside(nothing, PLANT, [late], known, AS_OF)
    assert (kept.from_at, kept.to_at) == (AS_OF - OUT_OF_USE, AS_OF)
    assert silences(PLANT, [late, kept]) == []
