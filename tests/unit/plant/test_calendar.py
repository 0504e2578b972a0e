"""Wall clock to UTC: K-16, holidays, the time between shifts."""

import datetime as dt
from itertools import pairwise
from pathlib import Path

import pytest

from lakehouse.plant import SiteFile
from lakehouse.plant.calendar import windows

UTC = dt.UTC
NIGHTS = {"shift_id": "night", "start": "22:00", "end": "06:00"}
EARLY = {"shift_id": "early", "start": "06:00", "end": "14:00", "breaks": [{"start": "10:00", "minutes": 30}]}


def site(zone="Europe/Berlin", shifts=(NIGHTS,), **more):
    return SiteFile.model_validate({"site_id": "t", "zone": zone, "shifts": list(shifts), **more})


@pytest.mark.parametrize(
    ("zone", "date", "minutes"),
    [
        ("Europe/Berlin", dt.date(2025, 3, 29), 420),
        ("Europe/Berlin", dt.date(2025, 10, 25), 540),
        ("Europe/Berlin", dt.date(2025, 6, 25), 480),
        ("America/New_York", dt.date(2025, 3, 8), 420),
        ("America/New_York", dt.date(2025, 11, 1), 540),
    ],
)
def test_k16_a_night_over_the_change_of_clocks(zone, date, minutes):
    noon = dt.datetime.combine(date, dt.time(12), UTC)
    night = next(w for w in windows(site(zone), noon, noon + dt.timedelta(days=1)) if w.shift_date == date and w.shift_id == "night")
    assert (night.end_at - night.start_at).total_seconds() / 60 == minutes


def test_the_night_belongs_to_the_date_on_which_it_starts():
    at = dt.datetime(2025, 6, 26, 23, 30, tzinfo=UTC)  # 01:30 on the 27th in Berlin
    (night,) = windows(site(), at, at)
    assert (night.shift_date, night.shift_id) == (dt.date(2025, 6, 26), "night")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata"])
def test_windows_cover_a_year_without_gap_or_overlap(zone):
    from_at, to_at = dt.datetime(2025, 1, 1, tzinfo=UTC), dt.datetime(2026, 1, 1, tzinfo=UTC)
    found = windows(site(zone, (NIGHTS, {**EARLY, "weekdays": [1, 2, 3, 4, 5]})), from_at, to_at)
    assert all(a.end_at == b.start_at for a, b in pairwise(found))
    assert found[0].start_at <= from_at
    assert found[-1].end_at >= to_at
    assert len({(w.shift_date, w.shift_id) for w in found}) == len(found)


def test_windows_do_not_depend_on_the_span_asked_for():
    calendar = site(shifts=(EARLY,))
    day = dt.datetime(2025, 6, 2, tzinfo=UTC)
    month = windows(calendar, day - dt.timedelta(days=10), day + dt.timedelta(days=20))
    for hour in range(48):
        at = day + dt.timedelta(hours=hour)
        assert set(windows(calendar, at, at + dt.timedelta(minutes=1))) <= set(month)


def test_a_holiday_keeps_its_shifts_without_planned_time():
    calendar = site(shifts=(EARLY, NIGHTS), holidays=[{"date": dt.date(2025, 12, 25), "name": "Christmas"}])
    at = dt.datetime(2025, 12, 25, 9, tzinfo=UTC)
    (early,) = windows(calendar, at, at)
    assert (early.shift_id, early.is_scheduled, early.breaks) == ("early", False, ())


def test_breaks_are_utc_spans_and_a_night_break_lies_on_the_next_date():
    calendar = site(shifts=({**NIGHTS, "breaks": [{"start": "01:00", "minutes": 30}]},))
    at = dt.datetime(2025, 6, 25, 21, tzinfo=UTC)
    (night,) = windows(calendar, at, at)
    begin = dt.datetime(2025, 6, 25, 23, tzinfo=UTC)
    assert night.breaks == ((begin, begin + dt.timedelta(minutes=30)),)


def test_the_demo_plant_covers_the_day():
    from lakehouse.plant import load_plant

    plant = load_plant([Path("conf/plant")])
    day = dt.datetime(2026, 11, 20, tzinfo=UTC)
    assert [w.shift_id for w in plant.windows("demo", day, day + dt.timedelta(days=1))] == ["night", "early", "late", "night"]
