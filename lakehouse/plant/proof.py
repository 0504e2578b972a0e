"""The calendar of a year, shift by shift, as the lakehouse will count it, and where what is declared gets in its own way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from lakehouse.plant.base import wall_of
from lakehouse.plant.calendar import ShiftWindow, Span, at_minute, wall_to_utc
from lakehouse.plant.days import DAY, Days, DayShift
from lakehouse.plant.declared import PlannedStop
from lakehouse.plant.model import Site, StopSpan
from lakehouse.plant.zones import zone_of

MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class ProvedShift:
    """One shift of one production date. Minutes are elapsed minutes but for `wall_min`.

    Attributes:
        start_local: start on the plant's wall clock, with its offset.
        end_local: end on the plant's wall clock, with its offset.
        wall_min: its length as the wall clock has it: 480 for a night from 22:00 to 06:00, whatever the clock does.
        pot_min: planned operation time; 0 when it is not scheduled.
        break_min: planned breaks within it.
        stop_min: planned stops of the machine asked for within it, beside its breaks; 0 when no machine was asked for.
        notes: what is special about it.
    """

    window: ShiftWindow
    start_local: dt.datetime
    end_local: dt.datetime
    wall_min: int
    pot_min: int
    break_min: int
    stop_min: int
    notes: tuple[str, ...]

    @property
    def net_min(self) -> int:
        """Planned operation time less breaks and planned stops."""
        return self.pot_min - self.break_min - self.stop_min


@dataclass(frozen=True)
class Proof:
    """A year of shifts by production date, and the clashes in what is declared for it, each in words."""

    shifts: tuple[ProvedShift, ...]
    clashes: tuple[str, ...]


def prove(site: Site, year: int, machine_id: str | None = None) -> Proof:
    """Return the calendar of a year; with a machine, its planned stops are taken off, without one, those of all machines are only noted."""
    zone, days = zone_of(site.zone), site.calendar.days
    first, after = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
    dates = [first + number * DAY for number in range((after - first).days)]
    found = site.calendar.windows(at_minute(first, 0, zone), at_minute(after, 0, zone))
    windows = {(each.shift_date, each.shift_id): each for each in found}
    machines = [machine_id] if machine_id is not None else sorted({stop.machine_id for stop in site.declared.planned_stops})
    meant = [(shift, windows.get((shift.date, shift.shift_id))) for date in dates for shift in days.shifts_of(date)]
    shifts = [_proved(site, shift, window, machines, zone, whole=machine_id is None) for shift, window in meant if window is not None]
    clashes = [*_cut(meant, zone), *_idle_exceptions(site, days, year), *_stop_clashes(site, machines, year, zone)]
    return Proof(tuple(shifts), tuple(clashes))


def _proved(site: Site, shift: DayShift, window: ShiftWindow, machines: Sequence[str], zone: ZoneInfo, *, whole: bool) -> ProvedShift:
    stops = [(machine, stop) for machine in machines for stop in site.planned_stops(machine, window.start_at, window.end_at)]
    planned = window.is_scheduled
    breaks = _minutes(window.breaks)
    taken = [] if whole or not planned else [(max(stop.start_at, window.start_at), min(stop.end_at, window.end_at)) for _, stop in stops]
    elapsed, wall = (window.end_at - window.start_at) // MINUTE, shift.end - shift.begin
    notes = [*_clock_note(elapsed, wall), *_day_note(shift), *(_stop_note(machine, stop, zone) for machine, stop in stops)]
    return ProvedShift(
        window, window.start_at.astimezone(zone), window.end_at.astimezone(zone), wall, elapsed if planned else 0,
        breaks, _minutes([*window.breaks, *taken]) - breaks, tuple(notes),
    )  # fmt: skip


def _minutes(spans: Iterable[Span]) -> int:
    """Minutes that at least one of the spans covers."""
    total, reached = dt.timedelta(), dt.datetime.min.replace(tzinfo=dt.UTC)
    for start, end in sorted(spans):
        total += max(dt.timedelta(), end - max(start, reached))
        reached = max(reached, end)
    return total // MINUTE


def _clock_note(elapsed: int, wall: int) -> list[str]:
    if elapsed == wall:
        return []
    return [f"clock set {'forward' if elapsed < wall else 'back'}: {elapsed} min instead of {wall}"]


def _day_note(shift: DayShift) -> list[str]:
    holiday = [] if shift.holiday is None else [f"holiday: {shift.holiday}"]
    if shift.exception is None:
        return holiday
    what = "works" if shift.exception.works else "does not work"
    return [*holiday, f"exception: {what}{', ' if shift.exception.name else ''}{shift.exception.name}"]


def _stop_note(machine_id: str, stop: StopSpan, zone: ZoneInfo) -> str:
    return f"planned stop: {machine_id} {stop.reason_code} {_local(stop, zone)}{' ' if stop.name else ''}{stop.name}"


def _local(stop: StopSpan, zone: ZoneInfo) -> str:
    start, end = stop.start_at.astimezone(zone), stop.end_at.astimezone(zone)
    return f"{start:%Y-%m-%d %H:%M} to {end:%H:%M}" if start.date() == end.date() else f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"


def _cut(meant: Iterable[tuple[DayShift, ShiftWindow | None]], zone: ZoneInfo) -> Iterator[str]:
    for shift, window in meant:
        what = f"{shift.date}: shift {shift.shift_id}"
        if window is None:
            yield f"{what} has no time: it lies in the hour that is missing"
            continue
        lost = (at_minute(shift.date, shift.end, zone) - window.end_at) // MINUTE
        if lost > 0:
            yield f"{what} loses {lost} min: an end in the missing hour lies behind the start of the next shift"
        if window.is_scheduled:
            yield from (f"{what}: {each}" for each in _cut_breaks(shift, window, zone))


def _cut_breaks(shift: DayShift, window: ShiftWindow, zone: ZoneInfo) -> Iterator[str]:
    for begin, end in shift.breaks:
        start_at = at_minute(shift.date, begin, zone)
        kept = (min(start_at + (end - begin) * MINUTE, window.end_at) - max(start_at, window.start_at)) // MINUTE
        if kept < end - begin:
            why = "the missing hour" if shift.exception is None else "the exception"
            yield f"break at {wall_of(begin)} is cut from {end - begin} to {max(0, kept)} min by {why}"
    lost = sum((end - start) // MINUTE for start, end in window.breaks) - _minutes(window.breaks)
    if lost:
        yield f"breaks overlap by {lost} min"


def _idle_exceptions(site: Site, days: Days, year: int) -> Iterator[str]:
    without = Days(site.declared.shifts, (), site.declared.holidays, site.declared.holiday_calendar)
    for each in site.declared.exceptions:
        made = days.exceptional(each) if each.date.year == year else None
        if made is None:
            continue
        usual = {shift.shift_id: shift for shift in without.shifts_of(each.date)}.get(each.shift_id)
        if usual is None and not made.is_scheduled:
            yield f"{each.date}: the exception takes shift {each.shift_id} away, which does not work on this date anyway"
        elif usual is not None and _counts(usual) == _counts(made):
            yield f"{each.date}: the exception of shift {each.shift_id} changes nothing"


def _counts(shift: DayShift) -> tuple[object, ...]:
    return shift.begin, shift.end, shift.is_scheduled, shift.breaks if shift.is_scheduled else ()


def _stop_clashes(site: Site, machines: Sequence[str], year: int, zone: ZoneInfo) -> Iterator[str]:
    for stop in site.declared.planned_stops:
        if stop.machine_id in machines and int(stop.start[:4]) <= year <= int(stop.end[:4]):
            yield from _clashes_of(site, stop, zone)


def _clashes_of(site: Site, declared: PlannedStop, zone: ZoneInfo) -> Iterator[str]:
    start_at, end_at = wall_to_utc(declared.start, zone), wall_to_utc(declared.end, zone)
    what = f"{declared.start[:10]}: planned stop {declared.reason_code} of {declared.machine_id}, {declared.start[11:]}"
    if end_at <= start_at:
        yield f"{what} to {declared.end[11:]}, has no time: it lies in the hour that is missing"
        return
    planned = [each for each in site.calendar.windows(start_at, end_at) if each.is_scheduled]
    within = _minutes((max(each.start_at, start_at), min(each.end_at, end_at)) for each in planned)
    length = (end_at - start_at) // MINUTE
    if within < length:
        yield f"{what}: {length - within} of its {length} min lie outside planned time"
    for other in site.planned_stops(declared.machine_id, start_at, end_at):
        if (other.start_at, other.end_at) > (start_at, end_at):
            yield f"{what}, overlaps that of {_local(other, zone)}"
