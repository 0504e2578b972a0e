"""Single cells of a sheet, from what the workbook stores to what the profile declares. Pure.

Excel's day numbers count in the workbook's own calendar: from 1900, with a 29 February 1900 that never was, or from 1904.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from lakehouse.sources.layouts import clock_of, day_of, pattern

EPOCHS = {1900: datetime(1899, 12, 30), 1904: datetime(1904, 1, 1)}
CLOCK_ZERO = {1900: datetime(1899, 12, 31), 1904: datetime(1904, 1, 1)}
LEAP_DAY_THAT_NEVER_WAS = 60
LAST_DAY = {1900: 2_958_466, 1904: 2_957_004}
DAY_MS = 86_400_000
LONGEST_CLOCK = timedelta(hours=48)
EXACT_DIGITS = 15
NUMBER = re.compile(r"-?\d{1,7}(?:[.,]\d{1,17})?", re.ASCII)
SHOWN_SHORT = re.compile(r"(\d)[.,](\d+)[eE]\+(\d{2,3})", re.ASCII)
ERRORS = frozenset(("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!"))
ODS_ERROR = re.compile(r"Err:5\d\d", re.ASCII)
ISO_DAY = ("yyyy-MM-dd", "yyyy-MM-dd'T00:00:00'")
ISO_CLOCK = ("HH:mm:ss[.SSSSSS]",)


def is_error(text: str) -> bool:
    """Return whether a cell shows an error instead of a value."""
    return text in ERRORS or ODS_ERROR.fullmatch(text) is not None


def serial(text: str) -> float | None:
    """Return a cell as Excel's day number, None when it is none."""
    return float(text.replace(",", ".")) if NUMBER.fullmatch(text) else None


def wall_of(number: float, epoch: int) -> datetime | None:
    """Return the wall clock of a day number to the millisecond; None before the calendar begins, on its false leap day and before, and after 9999."""
    if number >= LAST_DAY[epoch] or number < (0 if epoch == 1904 else LEAP_DAY_THAT_NEVER_WAS + 1):
        return None
    return EPOCHS[epoch] + timedelta(milliseconds=round(number * DAY_MS))


def day_text(text: str, epoch: int, layouts: Sequence[str]) -> str | None:
    """Return the cell of a date or date-time column with day numbers as ISO text; None for a number that is no day."""
    number = serial(text)
    if number is None or any(pattern(layout).fullmatch(text) for layout in layouts):
        return text
    wall = wall_of(number, epoch)
    if wall is None:
        return None
    return wall.date().isoformat() if wall.time() == time() else wall.isoformat()


def instant_text(text: str, epoch: int, layouts: Sequence[str]) -> str | None:
    """Return the cell of a column of instants with day numbers as ISO text; None for a number that is no day."""
    found = day_text(text, epoch, layouts)
    return f"{found}T00:00:00" if found is not None and found != text and len(found) == len("2026-11-20") else found


def clock(text: str, epoch: int, layouts: Sequence[str]) -> timedelta | datetime | None:
    """Return what a cell of a time column says.

    A number is a part of a day, a date-time in the calendar's first days is a time beyond 24 hours (Excel stores 25:05 so).

    Returns:
        The time since midnight; the instant when the cell has a date of its own; None for what cannot be read or is 48 hours or longer.
    """
    number = serial(text)
    found = timedelta(milliseconds=round(number * DAY_MS)) if number is not None and number >= 0 else clock_of(text, (*ISO_CLOCK, *layouts))
    if found is None:
        try:
            stored = datetime.fromisoformat(text)
        except ValueError:
            return None
        found = stored - CLOCK_ZERO[epoch]
        if found >= LONGEST_CLOCK:
            return stored.replace(tzinfo=None)
    return found if timedelta(0) <= found < LONGEST_CLOCK else None


def clock_text(span: timedelta) -> str:
    """Return a time since midnight as h:mm:ss, hours beyond 23 included."""
    seconds, micros = divmod(span // timedelta(microseconds=1), 1_000_000)
    tail = f".{micros:06d}" if micros else ""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{tail}"


def day(text: str, layouts: Sequence[str]) -> date | None:
    """Return the date of a cell, None for what cannot be read."""
    return day_of(text, (*ISO_DAY, *layouts))


def code_text(text: str) -> str | None:
    """Return a code; one that Excel wrote as a short number (`9.915740199E+09`) in full, None when digits of it are lost."""
    short = SHOWN_SHORT.fullmatch(text)
    if short is None:
        return text
    lead, decimals, power = short[1], short[2], int(short[3])
    if power > len(decimals) or power >= EXACT_DIGITS or decimals[power:].strip("0"):
        return None
    return lead + decimals[:power]
