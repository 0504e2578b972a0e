"""When a plant means to work: shifts, breaks, rotation, holidays, exceptions, planned stops. All of it on the plant's wall clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import Field, model_validator

from lakehouse.plant.base import DAY_MINUTES, Date, Declared, Mistake, Name, WallInstant, WallTime, minutes_of, refuse

WEEKDAYS = (1, 2, 3, 4, 5, 6, 7)
WEEK = dt.timedelta(weeks=1)


class Break(Declared):
    """A planned break: wall-clock start and length in minutes of elapsed time. It outranks every stop."""

    start: WallTime
    minutes: int = Field(gt=0, le=DAY_MINUTES)


def wall_minutes(start: str, end: str) -> int:
    """Return minutes on the wall clock from one time to the next time that reads `end`: 1 to 1440."""
    return (minutes_of(end) - minutes_of(start) - 1) % DAY_MINUTES + 1


def outside(breaks: Iterable[Break], start: str, end: str) -> list[int]:
    """Return the positions of the breaks that do not lie within a shift from `start` to `end`."""
    begins = ((minutes_of(each.start) - minutes_of(start)) % DAY_MINUTES + each.minutes for each in breaks)
    return [number for number, last in enumerate(begins) if last > wall_minutes(start, end)]


class Rotation(Declared):
    """A cycle of weeks, Monday to Sunday; it goes on in both directions of time.

    Attributes:
        weeks: length of the cycle in weeks.
        week: the week of the cycle, from 1, in which the shift holds.
        since: any date of a week that is week 1.
    """

    weeks: int = Field(ge=2, le=52)
    week: int = Field(ge=1)
    since: Date

    @model_validator(mode="after")
    def _within_the_cycle(self) -> Self:
        if self.week > self.weeks:
            refuse([(("week",), f"week {self.week} does not exist in a cycle of {self.weeks} weeks")])
        return self

    def holds_on(self, date: dt.date) -> bool:
        """Return whether a date lies in the week meant."""
        return (_monday(date) - _monday(self.since)) // WEEK % self.weeks + 1 == self.week


def _monday(date: dt.date) -> dt.date:
    return date - dt.timedelta(days=date.weekday())


class Shift(Declared):
    """A shift of the weekly pattern; an end at or before the start lies on the next day.

    Attributes:
        weekdays: ISO weekdays (1 is Monday) on which it starts.
        valid_from: first production date of this pattern, None for always.
        valid_to: first production date on which it holds no more.
        rotation: the weeks in which it holds, None for every week.
    """

    shift_id: Name
    start: WallTime
    end: WallTime
    breaks: tuple[Break, ...] = ()
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = WEEKDAYS
    valid_from: Date | None = None
    valid_to: Date | None = None
    rotation: Rotation | None = None

    @property
    def minutes(self) -> int:
        """Length on the wall clock in minutes."""
        return wall_minutes(self.start, self.end)

    def is_valid_on(self, date: dt.date) -> bool:
        """Return whether the record is in force on a date, whatever the weekday or week."""
        after = self.valid_from is None or date >= self.valid_from
        return after and (self.valid_to is None or date < self.valid_to)

    def starts_on(self, date: dt.date) -> bool:
        """Return whether the pattern has this shift on a production date."""
        return self.is_valid_on(date) and date.isoweekday() in self.weekdays and (self.rotation is None or self.rotation.holds_on(date))

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        late = outside(self.breaks, self.start, self.end)
        mistakes: list[Mistake] = [(("breaks", n), f"break at {self.breaks[n].start} does not lie within shift {self.shift_id}") for n in late]
        if self.shift_id.startswith("off"):
            mistakes.append((("shift_id",), "shift_id may not begin with 'off': that is the time between two shifts"))
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            mistakes.append((("valid_to",), "valid_to must lie after valid_from"))
        refuse(mistakes)
        return self


class Holiday(Declared):
    """A date without planned time; `shifts` empty means all shifts of that date."""

    date: Date
    name: str
    shifts: tuple[Name, ...] = ()


class HolidayCalendar(Declared):
    """The public holidays of a country, or of a part of it, as if they were listed.

    Attributes:
        country: ISO 3166-1 code of two letters, e.g. `DE`.
        subdivision: code of the part as in ISO 3166-2 without the country, e.g. `BW`; None: what holds in the whole country.
    """

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    subdivision: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,10}$")] | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            self.names(2000)
        except NotImplementedError as error:
            raise ValueError(f"{error} in the holiday calendars") from error
        return self

    def names(self, year: int) -> Mapping[dt.date, str]:
        """Return the holidays of a year: date to name."""
        return _public_holidays(self.country, self.subdivision, year)


@cache
def _public_holidays(country: str, subdivision: str | None, year: int) -> Mapping[dt.date, str]:
    import holidays  # only where a plant uses it: it takes its time to load

    return MappingProxyType(dict(sorted(holidays.country_holidays(country, subdiv=subdivision, years=year).items())))


class ShiftException(Declared):
    """What is different about one shift of one date. It outranks the weekly pattern and every holiday.

    Attributes:
        date: production date, the local date on which the shift starts.
        works: True: planned time, although a holiday or not in the pattern. False: the window stays, without planned time.
        start: wall-clock start instead of the pattern's, None: as in the pattern.
        end: wall-clock end instead of the pattern's, None: as in the pattern.
        breaks: instead of the pattern's; None: those of the pattern, cut to the shift.
    """

    date: Date
    shift_id: Name
    works: bool
    start: WallTime | None = None
    end: WallTime | None = None
    breaks: tuple[Break, ...] | None = None
    name: str = ""


class PlannedStop(Declared):
    """A planned stop of one machine, half-open, on the wall clock; planned down time within planned time."""

    machine_id: Name
    start: WallInstant
    end: WallInstant
    reason_code: Name
    name: str = ""

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.end <= self.start:
            refuse([(("end",), f"planned stop ends at {self.end}, which is not after its start {self.start}")])
        return self
