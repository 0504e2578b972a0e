"""The simulator's own arithmetic on small cases with known answers (design cases K-12, K-13, K-15 and precedence)."""

import datetime as dt

import pytest

from lakehouse.simulator.instants import HOUR, MINUTE, from_iso
from lakehouse.simulator.ledger import machine_shift_of, segments_of, silent_spans
from lakehouse.simulator.spec import Site, Window
from lakehouse.simulator.timeline import Stop, Stretch, Trace

SIX = from_iso("2026-11-20T06:00:00Z")
BREAK = (SIX + 240 * MINUTE, SIX + 270 * MINUTE)


def _at(clock: str) -> int:
    hours, minutes = clock.split(":")
    return SIX + (int(hours) - 6) * HOUR + int(minutes) * MINUTE


def _window(start: str = "06:00", end: str = "14:00", breaks: tuple = (), scheduled: bool = True) -> Window:
    return Window(dt.date(2026, 11, 20), "early", _at(start), _at(end), scheduled, breaks)


def _stop(start: str, end: str, code: str = "B01") -> Stop:
    return Stop(f"I-{start}-{code}", "test", code, _at(start), _at(end))


def _spent(site: Site, window: Window, *stops: Stop, silent: tuple = (), stretches: tuple = ()) -> dict[str, int]:
    trace = Trace("M01", stops=list(stops), stretches=list(stretches))
    segments = segments_of(site.machines[0], window, trace, silent, site.reasons)
    assert sum(each.end - each.start for each in segments) == window.end - window.start
    found = machine_shift_of(segments, window, [(window.start, (0, 0, 0)), (window.end, (5, 1, 2))])
    assert (found.pq, found.gq, found.sq, found.rq) == (8, 5, 1, 2)
    names = ("pbt", "apt", "aust", "adet", "adot", "unknown", "planned_down")
    return {name: getattr(found, name) // MINUTE for name in names if getattr(found, name)}


def test_overlapping_stops_are_a_union(site: Site) -> None:
    assert _spent(site, _window("00:00", "16:18"), _stop("00:00", "15:00"), _stop("00:10", "14:00", "B02")) == {"pbt": 978, "adet": 900, "apt": 78}


def test_a_break_outranks_stops(site: Site) -> None:
    stops = (_stop("09:00", "10:10"), _stop("09:30", "09:50"), _stop("10:20", "10:50"))
    assert _spent(site, _window(breaks=(BREAK,)), *stops) == {"pbt": 450, "adet": 80, "apt": 370, "planned_down": 30}


def test_a_stop_over_the_edge_is_clipped_on_both_sides(site: Site) -> None:
    stop = _stop("13:40", "14:25")
    assert _spent(site, _window(), stop)["adet"] == 20
    assert _spent(site, _window("14:00", "22:00"), stop)["adet"] == 25


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("P01", "S01", {"planned_down": 60, "aust": 30}),
        ("S01", "P01", {"aust": 30, "planned_down": 60}),
        ("B01", "S01", {"adet": 30, "aust": 60}),
        ("W01", "B01", {"adet": 90}),
        ("N01", "B01", {"adot": 30, "adet": 60}),
    ],
)
def test_precedence(site: Site, first: str, second: str, expected: dict[str, int]) -> None:
    spent = _spent(site, _window(), _stop("07:00", "08:00", first), _stop("07:30", "08:30", second))
    assert {name: spent[name] for name in expected} == expected


def test_of_equals_the_one_that_began_first_is_the_cause(site: Site) -> None:
    trace = Trace("M01", stops=[_stop("07:30", "08:30", "B02"), _stop("07:00", "08:00", "M01")])
    causes = [(each.reason_code, each.end - each.start) for each in segments_of(site.machines[0], _window(), trace, (), site.reasons)]
    assert causes == [("", HOUR), ("M01", HOUR), ("B02", 30 * MINUTE), ("", 330 * MINUTE)]


def test_silence_is_unknown_but_a_stop_in_it_stays_a_stop(site: Site) -> None:
    silent = silent_spans([SIX, _at("07:00"), _at("08:00")], 5 * MINUTE)
    assert silent == [(_at("06:05"), _at("07:00")), (_at("07:05"), _at("08:00"))]
    spent = _spent(site, _window(), _stop("07:30", "07:40"), silent=tuple(silent))
    assert spent == {"pbt": 480, "unknown": 100, "adet": 10, "apt": 370}


def test_a_reading_exactly_a_heartbeat_later_leaves_nothing_unknown() -> None:
    assert silent_spans([0, 5 * MINUTE], 5 * MINUTE) == []
    assert silent_spans([0, 99 * HOUR], None) == []


def test_outside_shifts_nothing_is_planned(site: Site) -> None:
    assert _spent(site, _window(scheduled=False), _stop("07:00", "08:00")) == {}
    run = Stretch(_at("09:00"), _at("09:00"), _at("10:00"), MINUTE, 1)
    trace = Trace("M01", stretches=[run])
    found = segments_of(site.machines[0], _window(scheduled=False), trace, (), site.reasons)
    assert [each.category for each in found] == ["not_scheduled", "unscheduled_run", "not_scheduled"]


def test_shots_of_the_parts_of_a_stretch_add_up_to_the_whole() -> None:
    whole = Stretch(1_000, 1_000, 101_000, 7_001, 1)
    later = whole._replace(start=50_500)
    assert whole.shots(0, 200_000) == 14
    assert whole.shots(0, 50_500) + later.shots(50_500, 200_000) == 14
    assert sum(whole.shots(at, at + 13) for at in range(0, 102_000, 13)) == 14
    assert whole.shots(0, 8_001) == 1
    assert whole.shots(8_001, 8_002) == 0
