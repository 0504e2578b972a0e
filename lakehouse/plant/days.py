"""What is meant for a date: weekly pattern, holidays and exceptions together, still on the wall clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lakehouse.plant.base import DAY_MINUTES, minutes_of
from lakehouse.plant.declared_calendar import Break, Holiday, HolidayCalendar, Shift, ShiftException, wall_minutes

DAY = dt.timedelta(days=1)
Minutes = tuple[int, int]
"""A stretch in minutes after midnight of a production date on the wall clock, half-open."""


@dataclass(frozen=True)
class DayShift:
    """One shift of one production date. Minutes count from its midnight on the wall clock, beyond 1440 on the next day.

    Attributes:
        breaks: as declared, not cut to the shift.
        is_scheduled: whether it is planned time.
        is_patterned: whether the weekly pattern has it on this date.
        holiday: name of the holiday that it falls on.
        exception: what changed it.
    """

    date: dt.date
    shift_id: str
    begin: int
    end: int
    breaks: tuple[Minutes, ...]
    is_scheduled: bool
    is_patterned: bool
    holiday: str | None = None
    exception: ShiftException | None = None

    def overlaps(self, other: DayShift) -> bool:
        """Return whether two shifts share time on the wall clock."""
        later = (other.date - self.date).days * DAY_MINUTES
        return self.begin < other.end + later and other.begin + later < self.end


class Days:
    """Answers for each date which shifts start on it."""

    def __init__(
        self,
        shifts: Iterable[Shift],
        exceptions: Iterable[ShiftException] = (),
        holidays: Iterable[Holiday] = (),
        holiday_calendar: HolidayCalendar | None = None,
    ) -> None:
        self._shifts = tuple(shifts)
        self._exceptions: dict[dt.date, dict[str, ShiftException]] = {}
        for each in exceptions:
            self._exceptions.setdefault(each.date, {})[each.shift_id] = each
        self._holidays: dict[dt.date, list[Holiday]] = {}
        for day in holidays:
            self._holidays.setdefault(day.date, []).append(day)
        self._holiday_calendar = holiday_calendar

    def shifts_of(self, date: dt.date) -> list[DayShift]:
        """Return the shifts that start on a date, in order of the wall clock.

        An exception without a start or an end is left out; so is one that takes away a shift which the pattern does not have that day.
        """
        exceptions = self._exceptions.get(date, {})
        found = [self._patterned(shift, date) for shift in self._shifts if shift.starts_on(date) and shift.shift_id not in exceptions]
        made = (self.exceptional(each) for each in exceptions.values())
        found += [each for each in made if each is not None and (each.is_scheduled or each.is_patterned)]
        return sorted(found, key=lambda each: (each.begin, each.end))

    def exceptional(self, exception: ShiftException) -> DayShift | None:
        """Return the shift that an exception makes, None when neither it nor the pattern says when it starts and ends."""
        base = base_of(self._shifts, exception.date, exception.shift_id)
        start = exception.start or (base.start if base else None)
        end = exception.end or (base.end if base else None)
        if start is None or end is None:
            return None
        if exception.breaks is not None or base is None:
            breaks = _break_minutes(exception.breaks or (), start)
        else:
            breaks = _break_minutes(base.breaks, base.start)
        begin = minutes_of(start)
        return DayShift(
            exception.date, exception.shift_id, begin, begin + wall_minutes(start, end), breaks, exception.works,
            base is not None and base.starts_on(exception.date), self.holiday(exception.date, exception.shift_id), exception,
        )  # fmt: skip

    def holiday(self, date: dt.date, shift_id: str) -> str | None:
        """Return the name of the holiday that takes the planned time of a shift, None when there is none."""
        named = next((day.name for day in self._holidays.get(date, ()) if not day.shifts or shift_id in day.shifts), None)
        if named is not None or self._holiday_calendar is None:
            return named
        return self._holiday_calendar.names(date.year).get(date)

    def _patterned(self, shift: Shift, date: dt.date) -> DayShift:
        begin, holiday = minutes_of(shift.start), self.holiday(date, shift.shift_id)
        breaks = _break_minutes(shift.breaks, shift.start)
        return DayShift(date, shift.shift_id, begin, begin + shift.minutes, breaks, holiday is None, is_patterned=True, holiday=holiday)


def base_of(shifts: Sequence[Shift], date: dt.date, shift_id: str) -> Shift | None:
    """Return the record that an exception starts from: the one that the pattern has on that date, else the only one in force."""
    in_force = [shift for shift in shifts if shift.shift_id == shift_id and shift.is_valid_on(date)]
    patterned = next((shift for shift in in_force if shift.starts_on(date)), None)
    return patterned or (in_force[0] if len(in_force) == 1 else None)


def _break_minutes(breaks: Iterable[Break], start: str) -> tuple[Minutes, ...]:
    begin = minutes_of(start)
    begins = ((begin + (minutes_of(each.start) - begin) % DAY_MINUTES, each.minutes) for each in breaks)
    return tuple((at, at + minutes) for at, minutes in begins)
