"""Durations as people write them, read exactly or not at all.

Accepted, white space around it ignored (d: digits):

    14   14.5   14.25          decimal hours, point only, at most six decimals
    41h45   41 h 45   41h      hours and two digits of minutes below 60, or hours alone
    9:45                       hours and two digits of minutes below 60
    13 heures 30 min           also heure, hours, hour, minutes, minute, and either part alone
    45 min                     minutes alone, any number

Anything else is none: `33.0.25` could be 33.25 or 33 h 0 min 25 s, `1,5` could be one and a half or two numbers, `9:75` is no time.
"""

from __future__ import annotations

import re
from decimal import Decimal

HOURS_SCALE = Decimal("0.000000001")
SECONDS_PER_HOUR = 3600
_DECIMAL = re.compile(r"\d{1,7}(?:\.\d{1,6})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,7})\s?(?:h|H|:)\s?(\d\d)", re.ASCII)
_WHOLE = re.compile(r"(\d{1,7})\s?(?:h|H|heures?|hours?)", re.ASCII)
_WORDS = re.compile(r"(?:(\d{1,7})\s?(?:heures?|hours?)\s)?(\d{1,7})\s?(?:min|minutes?)", re.ASCII)


def seconds(text: str | None) -> Decimal | None:
    """Return the exact seconds of a duration, None when it is absent or not exactly one."""
    words = (text or "").strip()
    if _DECIMAL.fullmatch(words):
        return Decimal(words) * SECONDS_PER_HOUR
    if whole := _WHOLE.fullmatch(words):
        return Decimal(int(whole[1]) * SECONDS_PER_HOUR)
    if clock := _CLOCK.fullmatch(words):
        return _of(int(clock[1]), int(clock[2]), below=60)
    if spelled := _WORDS.fullmatch(words):
        return _of(int(spelled[1] or 0), int(spelled[2]), below=60 if spelled[1] else None)
    return None


def hours(text: str | None) -> Decimal | None:
    """Return the hours of a duration, None when it is absent or not exactly one.

    The value is exact where nine decimals can say it, which is so for all decimal hours and for minutes divisible by 3; other
    minutes (10 min = 0.166666667 h) are rounded half to even at the ninth decimal, less than two microseconds.
    """
    found = seconds(text)
    return None if found is None else (found / SECONDS_PER_HOUR).quantize(HOURS_SCALE)


def _of(hour: int, minute: int, *, below: int | None) -> Decimal | None:
    if below is not None and minute >= below:
        return None
    return Decimal(hour * SECONDS_PER_HOUR + minute * 60)
