"""Rebuilding only what was touched gives the rows of a full rebuild, after late, corrected, cancelled and removed input."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from lakehouse.flow.extents import shift_span
from lakehouse.flow.summarise import summarise
from lakehouse.flow.touched import Extent, machine_shifts, with_neighbours
from lakehouse.spark.small_work import small_work
from tests.oracle.build import plant, readings, stops
from tests.oracle.generate import Generated, seeded
from tests.oracle.spark import INSTANTS, asked, frames, sound

STARTS = {"machine_interruption": ("start_at", "end_at"), "machine_count": ("reading_at", "reading_at"), "production_event": ("start_at", "end_at")}
STAMPS = ("revision", "as_of")


def changed(case, chance):
    """The same plant as it was known earlier: some rows had not come, some said something else, some stops were still open."""
    silver = {}
    for table, rows in case.silver.items():
        known = []
        for row in rows:
            fate = chance.random()
            if fate >= 0.15:
                known.append({**row, **(earlier(row, fate) if table == "machine_interruption" else {})})
        silver[table] = known
    return type(case)(case.plant, silver, case.as_of, case.from_at, case.to_at)


def earlier(row, fate):
    """What an interruption said before it was closed, corrected or confirmed."""
    if fate < 0.25:
        return {"end_at": None, "status": "open"}
    if fate < 0.3:
        return {"start_at": row["start_at"] - dt.timedelta(minutes=7)}
    return {"status": "cancelled"} if fate < 0.35 else {}


def extents(model, before, after):
    """Old and new extents of every row that differs, as conforming records them."""
    for table in after.silver:
        old, new = ({repr(sorted(row.items(), key=str)): row for row in case.silver[table]} for case in (before, after))
        for key in old.keys() ^ new.keys():
            row = {**old, **new}[key]
            if table == "confirmation":
                spans = [(row["posting_date"], row["shift_id"])]
                spans += [(row["produced_date"], row["produced_shift_id"])] if row["produced_date"] else []
                for date, shift_id in spans:
                    yield Extent(table, after.site_id, row["machine_id"], *shift_span(model, after.site_id, date, shift_id))
            elif table in STARTS:
                start, end = (row[name] for name in STARTS[table])
                yield Extent(table, after.site_id, row["machine_id"], start, end or max(start, after.as_of))


def rows(frame):
    return {(row["site_id"], row["machine_id"], row["shift_date"], row["shift_id"], *start(row)): plain(row) for row in frame.collect()}


def start(row):
    return (row["segment_start_at"],) if "segment_start_at" in row else ()


def plain(row):
    return {name: value for name, value in row.asDict(recursive=True).items() if name not in STAMPS}


def made(spark, model, shifts, silver, as_of):
    with small_work(spark):
        gold = summarise(spark, model, shifts, silver, as_of, 1)
        ledger = gold.time_segment.persist()
        found = rows(ledger), rows(gold.machine_shift)
        ledger.unpersist()
    return found


@pytest.mark.parametrize("seed", [200, pytest.param(204, marks=pytest.mark.campaign)])
def test_touched_only_is_a_full_rebuild(spark, seed):
    after = sound(seeded(seed, 40, as_of=INSTANTS[seed % len(INSTANTS)]))
    chance = random.Random(seed)
    before = [changed(each, chance) for each in after]
    model, every = asked(after)
    as_of = after[0].as_of
    silver = frames(spark, after)
    touched = [extent for old, new in zip(before, after, strict=True) for extent in extents(model, old, new)]
    known = frames(spark, before)
    wide = with_neighbours(spark, touched, silver.counts.unionByName(known.counts).distinct(), silver.interruptions)
    again = [shift for shift in machine_shifts(model, wide, as_of) if shift in set(every)]
    assert 0 < len(again) < len([each for each in every if each.window.start_at < as_of])

    full = made(spark, model, every, silver, as_of)
    kept = made(spark, model, every, known, as_of)
    anew = made(spark, model, again, silver, as_of)
    keys = {(each.site_id, each.machine_id, each.window.shift_date, each.window.shift_id) for each in again}
    for whole, old, new in zip(full, kept, anew, strict=True):
        combined = {key: row for key, row in old.items() if key[:4] not in keys} | new
        assert {key: row for key, row in combined.items() if whole.get(key) != row} == {}
        assert combined.keys() == whole.keys()


def test_an_open_stop_is_carried_through_weeks_of_silence(spark):
    """Heard again after more than any reach: the silence belongs to the stop, in what was published long before, too."""
    case = long_silence()
    unheard = type(case)(case.plant, {**case.silver, "machine_count": case.silver["machine_count"][:1]}, case.as_of, case.from_at, case.to_at)
    model, every = asked([case])
    silver, known = frames(spark, [case]), frames(spark, [unheard])
    heard = case.silver["machine_count"][1]["reading_at"]
    wide = with_neighbours(spark, [Extent("machine_count", case.site_id, "M1", heard, heard)], silver.counts, silver.interruptions)
    again = machine_shifts(model, wide, case.as_of)
    full, kept, anew = (made(spark, model, shifts, given, case.as_of) for shifts, given in ((every, silver), (every, known), (again, silver)))
    keys = {(each.site_id, each.machine_id, each.window.shift_date, each.window.shift_id) for each in again}
    for whole, old, new in zip(full, kept, anew, strict=True):
        assert {key: row for key, row in old.items() if key[:4] not in keys} | new == whole
    silent = [row for row in full[1].values() if row["shift_date"] == dt.date(2025, 6, 9)]
    assert sum(row["unknown_s"] for row in silent) == 0
    assert sum(row["adet_s"] for row in silent) > 0


def long_silence():
    """A machine that stops on 2 June, says so once, and is next heard on 20 June."""
    site = plant({"heartbeat_s": 900})
    silver = {
        "machine_interruption": stops(("2025-06-02T07:00", None, "B01")),
        "machine_count": readings(("2025-06-02T06:50", 10), ("2025-06-20T07:00", 10)),
        "production_event": [],
        "confirmation": [],
    }
    first, noon = dt.datetime(2025, 6, 1, tzinfo=dt.UTC), dt.datetime(2025, 6, 20, 12, tzinfo=dt.UTC)
    return Generated(site, silver, as_of=noon, from_at=first, to_at=noon)
