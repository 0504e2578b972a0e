"""Wall-clock shifts to UTC windows. A window belongs to the local date on which it starts; summer time makes nights of 7 or 9 hours."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from lakehouse.plant.declared import Shift, SiteFile

Span = tuple[dt.datetime, dt.datetime]
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, order=True)
class ShiftWindow:
    """A shift of one date, or the time between two shifts (`off`, `off-2`, … by local day), half-open in UTC.

    Attributes:
        shift_date: production date, the local date on which it starts.
        start_at: aware UTC instant, included.
        end_at: aware UTC instant, excluded.
        is_scheduled: False outside shifts, and for the shifts of a holiday.
        breaks: planned breaks as UTC spans.
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
        return self.start_at < max(to_at, from_at + dt.timedelta(microseconds=1)) and self.end_at > from_at


def to_utc(date: dt.date, wall: str, zone: ZoneInfo) -> dt.datetime:
    """Return the UTC instant of a wall-clock time; the first of two when the clock is set back."""
    return dt.datetime.combine(date, dt.time.fromisoformat(wall), zone).astimezone(dt.UTC)


def windows(site: SiteFile, from_at: dt.datetime, to_at: dt.datetime) -> list[ShiftWindow]:
    """Return all windows of a site, shifts and time between, that overlap `[from_at, to_at)`, in order of start."""
    zone = ZoneInfo(site.zone)
    date, last = from_at.astimezone(zone).date() - DAY, to_at.astimezone(zone).date()
    found: list[ShiftWindow] = []
    yesterday = _shifts_of(site, date - DAY, zone)
    while date <= last:
        today = _shifts_of(site, date, zone)
        found += [*today, *_between(site, date, zone, [*yesterday, *today])]
        yesterday, date = today, date + DAY
    return sorted((each for each in found if each.overlaps(from_at, to_at)), key=lambda each: each.start_at)


def _shifts_of(site: SiteFile, date: dt.date, zone: ZoneInfo) -> list[ShiftWindow]:
    return [_window(site, shift, date, zone) for shift in site.shifts if shift.starts_on(date)]


def _window(site: SiteFile, shift: Shift, date: dt.date, zone: ZoneInfo) -> ShiftWindow:
    end_date = date if shift.end > shift.start else date + DAY
    scheduled = not any(day.date == date and (not day.shifts or shift.shift_id in day.shifts) for day in site.holidays)
    pauses = []
    for pause in shift.breaks:
        begin = to_utc(date if pause.start >= shift.start else date + DAY, pause.start, zone)
        pauses.append((begin, begin + dt.timedelta(minutes=pause.minutes)))
    start_at, end_at = to_utc(date, shift.start, zone), to_utc(end_date, shift.end, zone)
    return ShiftWindow(site.site_id, date, start_at, end_at, shift.shift_id, scheduled, tuple(pauses) if scheduled else ())


def _between(site: SiteFile, date: dt.date, zone: ZoneInfo, shifts: list[ShiftWindow]) -> list[ShiftWindow]:
    cursor, end = to_utc(date, "00:00", zone), to_utc(date + DAY, "00:00", zone)
    gaps: list[Span] = []
    for shift in sorted(shifts, key=lambda each: each.start_at):
        if shift.start_at > cursor:
            gaps.append((cursor, min(shift.start_at, end)))
        cursor = max(cursor, shift.end_at)
    if cursor < end:
        gaps.append((cursor, end))
    names = ("off" if number == 1 else f"off-{number}" for number in range(1, len(gaps) + 1))
    return [ShiftWindow(site.site_id, date, a, b, name, is_scheduled=False) for (a, b), name in zip(gaps, names, strict=True)]
