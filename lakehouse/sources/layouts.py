"""Dates and times of day that were typed as text, read by the layouts of a profile (Spark's pattern letters)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

LETTERS = {
    "yyyy": r"(?P<y>\d{4})", "yy": r"(?P<yy>\d\d)", "MM": r"(?P<M>\d\d)", "M": r"(?P<M>\d{1,2})", "dd": r"(?P<d>\d\d)", "d": r"(?P<d>\d{1,2})",
    "HH": r"(?P<H>\d\d)", "H": r"(?P<H>\d{1,3})", "mm": r"(?P<m>[0-5]\d)", "ss": r"(?P<s>[0-5]\d)",
    "SSSSSS": r"(?P<f>\d{1,6})", "XXX": r"(?:Z|[+-]\d\d:\d\d)",
}  # fmt: skip
TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[\[\]]|[^A-Za-z]")


@lru_cache(maxsize=256)
def pattern(layout: str) -> re.Pattern[str]:
    """Return a layout as a pattern with the groups y, yy, M, d, H, m, s and f.

    Raises:
        ValueError: the layout has a letter that is not read here.
    """
    made = ""
    for token in TOKEN.finditer(layout):
        text = token[0]
        if token[1] is not None:
            made += re.escape(token[1])
        elif text in "[]":
            made += "(?:" if text == "[" else ")?"
        elif text[0].isalpha():
            if text not in LETTERS:
                raise ValueError(f"layout {layout}: {text} is not read, only {', '.join(LETTERS)}")
            made += LETTERS[text]
        else:
            made += re.escape(text)
    return re.compile(made, re.ASCII)


def day_of(text: str, layouts: Sequence[str]) -> date | None:
    """Return the date of a text, by the first layout that reads it; None for what no layout reads or no calendar has."""
    for layout in layouts:
        found = pattern(layout).fullmatch(text)
        parts = found.groupdict() if found else {}
        year = parts.get("y") or (f"20{parts['yy']}" if parts.get("yy") else None)
        if year and parts.get("M") and parts.get("d"):
            try:
                return date(int(year), int(parts["M"]), int(parts["d"]))
            except ValueError:
                continue
    return None


def clock_of(text: str, layouts: Sequence[str]) -> timedelta | None:
    """Return the time since midnight, hours beyond 23 included; None for what no layout reads."""
    for layout in layouts:
        found = pattern(layout).fullmatch(text)
        parts = found.groupdict() if found else {}
        if parts.get("H"):
            fraction = (parts.get("f") or "0").ljust(6, "0")
            return timedelta(hours=int(parts["H"]), minutes=int(parts.get("m") or 0), seconds=int(parts.get("s") or 0), microseconds=int(fraction))
    return None
