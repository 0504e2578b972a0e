"""Whole microseconds since 1970 (UTC), and how they are written."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@lru_cache(maxsize=64)
def _date_text(day: int) -> str:
    return (_EPOCH + dt.timedelta(days=day)).date().isoformat()


def iso(at: int) -> str:
    """Return ISO 8601 in UTC with six decimals, e.g. `2026-11-20T05:00:00.000000Z`."""
    seconds, fraction = divmod(at, SECOND)
    day, second = divmod(seconds, 86_400)
    return f"{_date_text(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{fraction:06}Z"


def micros(instant: dt.datetime) -> int:
    """Return the microseconds of an aware instant."""
    return (instant - _EPOCH) // dt.timedelta(microseconds=1)


def instant(at: int) -> dt.datetime:
    """Return the aware UTC instant of microseconds."""
    return _EPOCH + dt.timedelta(microseconds=at)


def from_iso(text: str) -> int:
    """Return the microseconds of an ISO 8601 instant with a zone."""
    return micros(dt.datetime.fromisoformat(text))


def seconds_text(span: int) -> str:
    """Return a span as seconds with exactly six decimals."""
    return f"{span // SECOND}.{span % SECOND:06}"
