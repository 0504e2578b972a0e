"""Wall-clock shifts to UTC windows. A window belongs to the local date on which it starts; summer time makes nights of 7 or 9 hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from lakehouse.plant.base import DAY_MINUTES, wall_of
from lakehouse.plant.days import DAY, Days, DayShift
from lakehouse.plant.declared import SiteFile
from lakehouse.plant.zones import zone_of

Span = tuple[dt.datetime, dt.datetime]
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, order=True)
class ShiftWindow:
    """A shift of one date, or the time between two shifts (`off`, `off-2`, … by local day), half-open in UTC.

    Attributes:
        shift_date: production date, the local date on which it starts.
        start_at: aware UTC instant, included.
        end_at: aware UTC instant, excluded.
        is_scheduled: False outside shifts, and for the shifts of a holiday.
        breaks: planned breaks as UTC spans, within the window.
    """

    site_id: str
    shift_date: dt.date
    start_at: dt.datetime
    end_at: dt.datetime
    shift_id: str
    is_scheduled: bool
    breaks: tuple[Span, ...] = ()

    def overlaps(self, from_at: dt.datetime, to_at: dt.datetime) -> bool:
        """Return whether the window shares time with `[from_at, to_at)`; an empty span is one instant."""
        return shares((self.start_at, self.end_at), from_at, to_at)


def shares(span: Span, from_at: dt.datetime, to_at: dt.datetime) -> bool:
    """Return whether a span shares time with `[from_at, to_at)`; an empty `[from_at, to_at)` is one instant."""
    return span[0] < max(to_at, from_at + dt.timedelta(microseconds=1)) and span[1] > from_at


def to_utc(date: dt.date, wall: str, zone: ZoneInfo) -> dt.datetime:
    """Return the UTC instant of a wall-clock time.

    Of an hour that comes twice (clock set back), the first is meant. A time in an hour that is missing (clock set forward) is taken
    by the clock as it was before: 02:30 is the instant at which the clock, set forward at 02:00, reads 03:30.
    """
    return dt.datetime.combine(date, dt.time.fromisoformat(wall), zone).astimezone(dt.UTC)


def wall_to_utc(wall: str, zone: ZoneInfo) -> dt.datetime:
    """Return the UTC instant of a date with wall-clock time, `2026-03-01T10:00`, as `to_utc` does."""
    date, _, time = wall.partition("T")
    return to_utc(dt.date.fromisoformat(date), time, zone)


class Calendar:
    """A site's windows. What a date has is worked out once and kept."""

    def __init__(self, site: SiteFile) -> None:
        self._site_id, self._zone = site.site_id, zone_of(site.zone)
        self.days = Days(site.shifts, site.exceptions, site.holidays, site.holiday_calendar)
        self._shifts: dict[dt.date, tuple[ShiftWindow, ...]] = {}
        self._all: dict[dt.date, tuple[ShiftWindow, ...]] = {}

    def windows(self, from_at: dt.datetime, to_at: dt.datetime) -> list[ShiftWindow]:
        """Return all windows, shifts and time between, that overlap `[from_at, to_at)`, in order of start; instants must be aware.

        They cover time without gap or overlap. Where a missing hour puts the end of a shift behind the start of the next one, the shift
        ends where the next one starts; a shift that keeps no time is left out, and a break is cut to its shift.
        """
        first, last = from_at.astimezone(self._zone).date() - DAY, to_at.astimezone(self._zone).date()
        found = (each for number in range((last - first).days + 1) for each in self._windows_of(first + number * DAY))
        return sorted((each for each in found if each.overlaps(from_at, to_at)), key=lambda each: each.start_at)

    def _windows_of(self, date: dt.date) -> tuple[ShiftWindow, ...]:
        if date not in self._all:
            today = self._shifts_of(date)
            self._all[date] = (*today, *_between(self._site_id, date, self._zone, [*self._shifts_of(date - DAY), *today]))
        return self._all[date]

    def _shifts_of(self, date: dt.date) -> tuple[ShiftWindow, ...]:
        if date not in self._shifts:
            tomorrow = self.days.shifts_of(date + DAY)
            limit = min((at_minute(each.date, each.begin, self._zone) for each in tomorrow), default=NEVER)
            self._shifts[date] = tuple(_placed(self._site_id, self.days.shifts_of(date), self._zone, limit))
        return self._shifts[date]


def windows(site: SiteFile, from_at: dt.datetime, to_at: dt.datetime) -> list[ShiftWindow]:
    """Return all windows of a site that overlap `[from_at, to_at)`, as `Calendar.windows` does."""
    return Calendar(site).windows(from_at, to_at)


def at_minute(date: dt.date, minute: int, zone: ZoneInfo) -> dt.datetime:
    """Return the UTC instant of a minute after a date's midnight on the wall clock; from 1440 on it lies on the next day."""
    return to_utc(date + minute // DAY_MINUTES * DAY, wall_of(minute), zone)


def _placed(site_id: str, shifts: Sequence[DayShift], zone: ZoneInfo, limit: dt.datetime) -> list[ShiftWindow]:
    """Shifts in order of the wall clock to windows, each cut where the next one starts, the last at `limit`."""
    found: list[ShiftWindow] = []
    for shift in reversed(shifts):
        start_at, end_at = at_minute(shift.date, shift.begin, zone), min(at_minute(shift.date, shift.end, zone), limit)
        if start_at >= end_at:
            continue
        limit = start_at
        breaks = _breaks(shift, (start_at, end_at), zone) if shift.is_scheduled else ()
        found.append(ShiftWindow(site_id, shift.date, start_at, end_at, shift.shift_id, shift.is_scheduled, breaks))
    return found[::-1]


def _breaks(shift: DayShift, within: Span, zone: ZoneInfo) -> tuple[Span, ...]:
    spans = []
    for begin, end in shift.breaks:
        begin_at = at_minute(shift.date, begin, zone)
        spans.append((max(begin_at, within[0]), min(begin_at + dt.timedelta(minutes=end - begin), within[1])))
    return tuple(span for span in spans if span[0] < span[1])


def _between(site_id: str, date: dt.date, zone: ZoneInfo, shifts: list[ShiftWindow]) -> list[ShiftWindow]:
    cursor, end = to_utc(date, "00:00", zone), to_utc(date + DAY, "00:00", zone)
    gaps: list[Span] = []
    for shift in sorted(shifts, key=lambda each: each.start_at):
        if shift.start_at > cursor:
            gaps.append((cursor, min(shift.start_at, end)))
        cursor = max(cursor, shift.end_at)
    if cursor < end:
        gaps.append((cursor, end))
    names = ("off" if number == 1 else f"off-{number}" for number in range(1, len(gaps) + 1))
    return [ShiftWindow(site_id, date, a, b, name, is_scheduled=False) for (a, b), name in zip(gaps, names, strict=True)]
