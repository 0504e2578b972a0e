"""The calendar proof: planned minutes of each shift of a year, and what gets in its own way."""

import csv
import datetime as dt
import io

import pytest
from typer.testing import CliRunner

from lakehouse.cli.app import app
from lakehouse.errors import SettingsError
from lakehouse.plant import Site, SiteFile
from lakehouse.plant.proof import prove

SITE = {
    "site_id": "t",
    "zone": "Europe/Berlin",
    "shifts": [
        {"shift_id": "early", "start": "06:00", "end": "14:00", "breaks": [{"start": "10:00", "minutes": 30}]},
        {"shift_id": "night", "start": "22:00", "end": "06:00", "weekdays": [1, 2, 3, 4, 5, 6]},
    ],
    "machine_defaults": {"line_id": "L", "area_id": "A", "state_source": "state", "quantity_source": "counter"},
    "machines": [{"machine_id": "M1"}, {"machine_id": "M2"}],
    "holidays": [{"date": dt.date(2026, 5, 1), "name": "Labour Day"}],
    "reasons": [{"code": "P01", "text": "Maintenance", "category": "planned_down"}],
}


def proof(year=2026, machine=None, **more):
    return prove(Site(SiteFile.model_validate({**SITE, **more})), year, machine)


def shift(proved, date, shift_id):
    (found,) = [each for each in proved.shifts if (each.window.shift_date, each.window.shift_id) == (date, shift_id)]
    return found


def stop(start, end, machine="M1"):
    return {"machine_id": machine, "start": start, "end": end, "reason_code": "P01"}


def exception(**more):
    return {"date": dt.date(2026, 3, 3), "shift_id": "early", "works": True, **more}


def test_a_year_has_the_shifts_that_start_in_it():
    proved = proof()
    assert len([each for each in proved.shifts if each.window.shift_id == "early"]) == 365
    assert proved.shifts[0].window.shift_date == dt.date(2026, 1, 1)
    assert proved.shifts[-1].window.shift_date == dt.date(2026, 12, 31)
    assert proved.shifts[-1].end_local.isoformat() == "2027-01-01T06:00:00+01:00"
    assert proved.clashes == ()


@pytest.mark.parametrize(
    ("date", "shift_id", "pot", "net", "notes"),
    [
        (dt.date(2026, 3, 27), "early", 480, 450, ()),
        (dt.date(2026, 3, 28), "night", 420, 420, ("clock set forward: 420 min instead of 480",)),
        (dt.date(2026, 10, 24), "night", 540, 540, ("clock set back: 540 min instead of 480",)),
        (dt.date(2026, 5, 1), "early", 0, 0, ("holiday: Labour Day",)),
    ],
)
def test_planned_minutes_and_notes(date, shift_id, pot, net, notes):
    found = shift(proof(), date, shift_id)
    assert (found.wall_min, found.pot_min, found.net_min, found.notes) == (480, pot, net, notes)


def test_planned_stops_of_the_machine_asked_for_are_taken_off_once():
    stops = {"planned_stops": [stop("2026-03-03T09:00", "2026-03-03T10:15"), stop("2026-03-03T13:00", "2026-03-03T14:00", "M2")]}
    date, note = dt.date(2026, 3, 3), "planned stop: M1 P01 2026-03-03 09:00 to 10:15"
    mine, other, all_of_them = (shift(proof(machine=machine, **stops), date, "early") for machine in ("M1", "M2", None))
    assert (mine.pot_min, mine.break_min, mine.stop_min, mine.net_min, mine.notes) == (480, 30, 60, 390, (note,))
    assert (other.stop_min, other.net_min) == (60, 390)
    assert (all_of_them.stop_min, all_of_them.net_min, len(all_of_them.notes)) == (0, 450, 2)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"planned_stops": [stop("2026-03-03T13:00", "2026-03-03T15:00")]}, "2026-03-03: planned stop P01 of M1, 13:00: 60 of its 120 min lie"),
        ({"planned_stops": [stop("2026-05-01T09:00", "2026-05-01T10:00")]}, "2026-05-01: planned stop P01 of M1, 09:00: 60 of its 60 min lie"),
        (
            {"planned_stops": [stop("2026-03-03T08:00", "2026-03-03T09:00"), stop("2026-03-03T08:30", "2026-03-03T09:30")]},
            "2026-03-03: planned stop P01 of M1, 08:00, overlaps that of 2026-03-03 08:30 to 09:30",
        ),
        ({"planned_stops": [stop("2026-03-29T02:30", "2026-03-29T03:15")]}, "planned stop P01 of M1, 02:30 to 03:15, has no time"),
        ({"exceptions": [exception(end="10:10")]}, "2026-03-03: shift early: break at 10:00 is cut from 30 to 10 min by the exception"),
        ({"exceptions": [exception(end="09:00")]}, "2026-03-03: shift early: break at 10:00 is cut from 30 to 0 min by the exception"),
        ({"exceptions": [exception()]}, "2026-03-03: the exception of shift early changes nothing"),
        ({"exceptions": [exception(date=dt.date(2026, 5, 1), works=False)]}, "2026-05-01: the exception of shift early changes nothing"),
        ({"exceptions": [exception(date=dt.date(2026, 3, 1), shift_id="night", works=False)]}, "which does not work on this date anyway"),
        (
            {"shifts": [{"shift_id": "a", "start": "20:00", "end": "02:30"}, {"shift_id": "b", "start": "03:00", "end": "06:00"}]},
            "2026-03-28: shift a loses 30 min: an end in the missing hour",
        ),
        ({"shifts": [{"shift_id": "a", "start": "02:00", "end": "03:00"}]}, "2026-03-29: shift a has no time"),
        (
            {"shifts": [{"shift_id": "a", "start": "20:00", "end": "03:00", "breaks": [{"start": "02:30", "minutes": 30}]}]},
            "2026-03-28: shift a: break at 02:30 is cut from 30 to 0 min by the missing hour",
        ),
        (
            {"exceptions": [exception(breaks=[{"start": "10:00", "minutes": 30}, {"start": "10:20", "minutes": 30}])]},
            "2026-03-03: shift early: breaks overlap by 10 min",
        ),
    ],
)
def test_clashes_are_named(more, expected):
    (found,) = proof(**more).clashes
    assert expected in found


def test_an_exception_that_works_on_a_holiday_is_a_note_and_no_clash():
    proved = proof(exceptions=[exception(date=dt.date(2026, 5, 1), name="Rush order")])
    assert shift(proved, dt.date(2026, 5, 1), "early").notes == ("holiday: Labour Day", "exception: works, Rush order")
    assert shift(proved, dt.date(2026, 5, 1), "early").pot_min == 480
    assert proved.clashes == ()


def calendar(*arguments):
    return CliRunner().invoke(app, ["calendar", *arguments])


def test_the_command_prints_months_year_and_clashes_in_a_hundred_columns():
    told = calendar("demo", "--year", "2026", "--machine", "M03").stdout
    lines = told.splitlines()
    assert max(len(line) for line in lines) <= 100
    assert "Sat 2026-03-28 night 22:00 06:00+    420   390  clock set forward: 420 min instead of 480" in lines
    assert "May: 90 of 93 shifts planned, POT 43200 min (720.0 h), NET 40500 min (675.0 h)" in lines
    assert "2026: 1083 of 1095 shifts planned, POT 519840 min (8664.0 h), NET 487350 min (8122.5 h)" in lines
    assert lines[-1] == "Clashes: none"


def test_long_notes_are_wrapped(tmp_path, monkeypatch):
    text = """\
site_id: t
zone: UTC
shifts: [{shift_id: a shift with quite a long name indeed, start: "06:00", end: "14:00"}]
holidays: [{date: 2026-05-01, name: "%s"}]
exceptions: [{date: 2026-05-01, shift_id: a shift with quite a long name indeed, works: false}]
""" % ("A long holiday, " * 12)
    (tmp_path / "t.yaml").write_text(text)
    monkeypatch.setenv("LAKEHOUSE_PLANT_DIRS", f'["{tmp_path}"]')
    told = calendar("t", "--year", "2026").stdout
    assert max(len(line) for line in told.splitlines()) <= 100
    assert told.count("A long") == 12
    assert told.rstrip().endswith("- 2026-05-01: the exception of shift a shift with quite a long name indeed changes nothing")


def test_csv_is_one_line_per_shift():
    rows = list(csv.DictReader(io.StringIO(calendar("demo", "--year", "2026", "--csv").stdout)))
    assert len(rows) == 1095
    night = next(row for row in rows if (row["shift_date"], row["shift_id"]) == ("2026-10-24", "night"))
    assert (night["start_local"], night["end_local"]) == ("2026-10-24T22:00+02:00", "2026-10-25T06:00+01:00")
    assert (night["wall_min"], night["pot_min"], night["break_min"], night["net_min"]) == ("480", "540", "30", "510")


def test_an_unknown_machine_is_refused():
    with pytest.raises(SettingsError, match="M99"):
        raise calendar("demo", "--machine", "M99").exception
