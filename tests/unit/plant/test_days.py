"""Rotation, exceptions, public holidays, the hour that is missing, and that windows always cover time once."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.plant import SiteFile
from lakehouse.plant.calendar import to_utc, windows
from lakehouse.plant.zones import tzdata_version, zone_of

UTC = dt.UTC
DAY = dt.timedelta(days=1)
EARLY = {"shift_id": "early", "start": "06:00", "end": "14:00", "breaks": [{"start": "10:00", "minutes": 30}]}
LATE = {"shift_id": "late", "start": "14:00", "end": "22:00"}
NIGHT = {"shift_id": "night", "start": "22:00", "end": "06:00"}
WEEKDAYS = [1, 2, 3, 4, 5]


def site(*shifts, zone="UTC", **more):
    return SiteFile.model_validate({"site_id": "t", "zone": zone, "shifts": list(shifts), **more})


def shifts_of(declared, date):
    """Windows of the shifts of one production date, by shift."""
    zone = zone_of(declared.zone)
    found = windows(declared, to_utc(date, "00:00", zone), to_utc(date + DAY, "00:00", zone))
    return {each.shift_id: each for each in found if each.shift_date == date and not each.shift_id.startswith("off")}


def utc(*parts):
    return dt.datetime(*parts, tzinfo=UTC)


def minutes(window):
    return (window.end_at - window.start_at) // dt.timedelta(minutes=1)


def test_a_rotating_shift_holds_in_its_week_only_and_before_its_cycle_was_declared_too():
    every = {"weeks": 3, "since": dt.date(2026, 3, 11)}  # a Wednesday: the week of Monday 9 March is week 1
    rotating = site({**EARLY, "rotation": {**every, "week": 1}}, {**LATE, "rotation": {**every, "week": 2}})
    held = {date: set(shifts_of(rotating, date)) for date in (dt.date(2026, 2, 15) + number * DAY for number in range(45))}
    assert held[dt.date(2026, 3, 8)] == set()
    assert held[dt.date(2026, 3, 9)] == held[dt.date(2026, 3, 15)] == {"early"}
    assert held[dt.date(2026, 3, 16)] == held[dt.date(2026, 3, 22)] == {"late"}
    assert held[dt.date(2026, 3, 23)] == set()
    assert held[dt.date(2026, 3, 30)] == {"early"}
    assert held[dt.date(2026, 2, 16)] == {"early"}
    assert held[dt.date(2026, 2, 15)] == set()


def test_the_night_of_a_rotation_belongs_to_the_week_in_which_it_starts():
    declared = site({**NIGHT, "rotation": {"weeks": 2, "week": 1, "since": dt.date(2026, 3, 9)}})
    sunday, monday = shifts_of(declared, dt.date(2026, 3, 15)), shifts_of(declared, dt.date(2026, 3, 16))
    assert sunday["night"].end_at == utc(2026, 3, 16, 6)
    assert monday == {}


HOLIDAY = dt.date(2026, 5, 1)


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        ({"works": True}, (True, 6, 14, [10.0])),
        ({"works": False}, (False, 6, 14, [])),
        ({"works": True, "end": "12:00"}, (True, 6, 12, [10.0])),
        ({"works": True, "end": "10:00"}, (True, 6, 10, [])),
        ({"works": True, "start": "10:15"}, (True, 10.25, 14, [10.25])),
        ({"works": True, "breaks": []}, (True, 6, 14, [])),
        ({"works": True, "breaks": [{"start": "08:00", "minutes": 15}]}, (True, 6, 14, [8.0])),
        ({"works": False, "start": "05:00"}, (False, 5, 14, [])),
    ],
)
def test_an_exception_outranks_holiday_and_pattern(exception, expected):
    declared = site(
        EARLY, LATE, holidays=[{"date": HOLIDAY, "name": "Labour Day"}], exceptions=[{"date": HOLIDAY, "shift_id": "early", **exception}]
    )
    found = shifts_of(declared, HOLIDAY)
    hour = lambda at: at.hour + at.minute / 60  # noqa: E731
    early = found["early"]
    assert (early.is_scheduled, hour(early.start_at), hour(early.end_at), [hour(a) for a, _ in early.breaks]) == expected
    assert not found["late"].is_scheduled
    assert shifts_of(declared, HOLIDAY + DAY)["early"].is_scheduled


def test_a_break_that_an_exception_cuts_ends_with_the_shift():
    declared = site(EARLY, exceptions=[{"date": HOLIDAY, "shift_id": "early", "works": True, "end": "10:10"}])
    assert shifts_of(declared, HOLIDAY)["early"].breaks == ((utc(2026, 5, 1, 10), utc(2026, 5, 1, 10, 10)),)


def test_an_exception_adds_a_shift_that_the_pattern_has_not():
    saturday = dt.date(2026, 5, 9)
    declared = site({**EARLY, "weekdays": WEEKDAYS}, exceptions=[{"date": saturday, "shift_id": "early", "works": True}])
    assert shifts_of(declared, saturday)["early"].is_scheduled
    assert shifts_of(declared, saturday)["early"].breaks
    assert shifts_of(declared, saturday + 7 * DAY) == {}


def test_an_exception_of_a_night_counts_its_breaks_into_the_next_date():
    extra = {"date": HOLIDAY, "shift_id": "night", "works": True, "start": "20:00", "breaks": [{"start": "00:30", "minutes": 30}]}
    (night,) = shifts_of(site(NIGHT, exceptions=[extra]), HOLIDAY).values()
    assert (night.start_at, night.breaks) == (utc(2026, 5, 1, 20), ((utc(2026, 5, 2, 0, 30), utc(2026, 5, 2, 1)),))


def test_a_holiday_of_some_shifts_leaves_the_others():
    found = shifts_of(site(EARLY, LATE, holidays=[{"date": HOLIDAY, "name": "Eve", "shifts": ["late"]}]), HOLIDAY)
    assert {name: each.is_scheduled for name, each in found.items()} == {"early": True, "late": False}


def test_a_night_that_ends_in_the_missing_hour_is_cut_where_the_shift_of_the_next_date_starts():
    found = site({**NIGHT, "end": "02:30"}, {"shift_id": "morning", "start": "03:00", "end": "08:00"}, zone="Europe/Berlin")
    assert shifts_of(found, SPRING)["night"].end_at == shifts_of(found, SPRING + DAY)["morning"].start_at == utc(2025, 3, 30, 1)


def test_public_holidays_take_planned_time_as_listed_ones_do():
    declared = site(EARLY, holiday_calendar={"country": "DE", "subdivision": "BW"})
    whole = site(EARLY, holiday_calendar={"country": "DE"})
    epiphany, unity = dt.date(2026, 1, 6), dt.date(2026, 10, 3)
    assert not shifts_of(declared, epiphany)["early"].is_scheduled
    assert shifts_of(whole, epiphany)["early"].is_scheduled
    assert not shifts_of(declared, unity)["early"].is_scheduled
    assert not shifts_of(whole, unity)["early"].is_scheduled
    worked = site(EARLY, holiday_calendar={"country": "DE"}, exceptions=[{"date": unity, "shift_id": "early", "works": True}])
    assert shifts_of(worked, unity)["early"].is_scheduled


@pytest.mark.parametrize(
    ("zone", "spring", "autumn"),
    [("Europe/Berlin", dt.date(2025, 3, 29), dt.date(2025, 10, 25)), ("America/New_York", dt.date(2025, 3, 8), dt.date(2025, 11, 1))],
)
def test_k16_the_night_is_420_and_540_minutes_and_its_neighbours_480(zone, spring, autumn):
    declared = site(EARLY, LATE, NIGHT, zone=zone)
    for date, night in ((spring, 420), (autumn, 540), (spring - DAY, 480), (autumn + DAY, 480)):
        found = shifts_of(declared, date)
        assert {name: minutes(each) for name, each in found.items()} == {"early": 480, "late": 480, "night": night}


SPRING, AUTUMN = dt.date(2025, 3, 29), dt.date(2025, 10, 25)


def test_a_break_in_the_missing_hour_keeps_its_length_and_one_in_the_doubled_hour_is_the_first():
    night = {**NIGHT, "breaks": [{"start": "02:30", "minutes": 30}]}
    declared = site(night, zone="Europe/Berlin")
    assert shifts_of(declared, SPRING)["night"].breaks == ((utc(2025, 3, 30, 1, 30), utc(2025, 3, 30, 2)),)
    assert shifts_of(declared, AUTUMN)["night"].breaks == ((utc(2025, 10, 26, 0, 30), utc(2025, 10, 26, 1)),)


def test_a_break_in_the_missing_hour_is_cut_to_a_shift_that_ends_with_it():
    declared = site({"shift_id": "a", "start": "20:00", "end": "03:00", "breaks": [{"start": "01:45", "minutes": 60}]}, zone="Europe/Berlin")
    (a,) = shifts_of(declared, SPRING).values()
    assert a.end_at == utc(2025, 3, 30, 1)
    assert a.breaks == ((utc(2025, 3, 30, 0, 45), utc(2025, 3, 30, 1)),)


def test_shifts_that_meet_in_the_missing_hour_neither_overlap_nor_run_backwards():
    hours = [("a", "20:00", "02:30"), ("b", "02:30", "03:00"), ("c", "03:00", "08:00")]
    declared = site(*({"shift_id": name, "start": start, "end": end} for name, start, end in hours), zone="Europe/Berlin")
    found = windows(declared, utc(2025, 3, 29, 19), utc(2025, 3, 30, 6))
    assert [(each.shift_id, each.start_at, each.end_at) for each in found] == [
        ("a", utc(2025, 3, 29, 19), utc(2025, 3, 30, 1)),
        ("c", utc(2025, 3, 30, 1), utc(2025, 3, 30, 6)),
    ]


def test_zones_come_from_the_package_whose_version_is_recorded():
    import tzdata

    assert tzdata_version() == tzdata.__version__
    assert dt.datetime(2025, 7, 1, tzinfo=zone_of("Europe/Berlin")).utcoffset() == dt.timedelta(hours=2)
    for wrong in ("Europe", "../zoneinfo/UTC", "", "europe/", "Europe/Berlim", "/etc"):
        with pytest.raises(ValueError, match="no IANA time zone"):
            zone_of(wrong)


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Beirut", "America/Sao_Paulo")
TURNS = [
    dt.date(*each)
    for each in (
        (2017, 10, 14), (2018, 2, 17), (2025, 3, 8), (2025, 3, 29), (2025, 4, 5), (2025, 4, 24), (2025, 10, 4), (2025, 10, 25), (2025, 10, 30),
        (2025, 11, 1),
    )
]  # fmt: skip
"""Eves of changes of the clock in these zones."""


@st.composite
def calendars(draw):
    """Any shifts that do not overlap, some rotating, some of some weekdays, with breaks, a holiday and an exception."""
    edges = sorted(draw(st.lists(st.integers(0, 95), min_size=2, max_size=8, unique=True)))
    wall = [f"{edge // 4:02}:{edge % 4 * 15:02}" for edge in edges]
    shifts = []
    for number, (start, end) in enumerate([*pairwise(wall), (wall[-1], wall[0])]):
        if draw(st.booleans()):
            shift = {"shift_id": f"s{number}", "start": start, "end": end, "breaks": [{"start": start, "minutes": 15}]}
            shift["weekdays"] = draw(st.sampled_from([[1, 2, 3, 4, 5, 6, 7], WEEKDAYS, [6, 7]]))
            if draw(st.booleans()):
                shift["rotation"] = {"weeks": 2, "week": draw(st.integers(1, 2)), "since": dt.date(2025, 3, 3)}
            shifts.append(shift)
    if not shifts:
        shifts = [{"shift_id": "s", "start": wall[0], "end": wall[0]}]
    date = draw(st.sampled_from(TURNS)) + draw(st.integers(-1, 1)) * DAY
    shift = draw(st.sampled_from(shifts))
    exception = {"date": date, "shift_id": shift["shift_id"], "works": draw(st.booleans())}
    holiday = {"date": date + DAY, "name": "H"}
    return date, site(*shifts, zone=draw(st.sampled_from(ZONES)), exceptions=[exception], holidays=[holiday])


@settings(max_examples=300, deadline=None)
@given(calendars())
def test_windows_cover_time_once_whatever_the_calendar(drawn):
    date, declared = drawn
    from_at = dt.datetime.combine(date - 4 * DAY, dt.time(7, 31), UTC)
    to_at = from_at + 8 * DAY
    found = windows(declared, from_at, to_at)
    assert found[0].start_at <= from_at
    assert found[-1].end_at >= to_at
    assert all(a.end_at == b.start_at for a, b in pairwise(found))
    assert all(each.start_at < each.end_at for each in found)
    assert len({(each.shift_date, each.shift_id) for each in found}) == len(found)
    zone = zone_of(declared.zone)
    for each in found:
        assert each.start_at.astimezone(zone).date() == each.shift_date or each.start_at == to_utc(each.shift_date, "00:00", zone)
        assert all(each.start_at <= a < b <= each.end_at for a, b in each.breaks)
        assert each.is_scheduled or not each.breaks
    middle = from_at + 4 * DAY
    assert set(windows(declared, middle, middle + DAY)) == {each for each in found if each.overlaps(middle, middle + DAY)}
