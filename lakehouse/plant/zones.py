"""Time zones from the tzdata package, not from the machine: the version in the books is the one that was used."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from zoneinfo import ZoneInfo

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


@cache
def zone_of(name: str) -> ZoneInfo:
    """Return a zone by its IANA name.

    Raises:
        ValueError: tzdata has no such zone.
    """
    place = files("tzdata").joinpath("zoneinfo", *name.split("/"))
    if not _KEY.fullmatch(name) or not place.is_file():
        raise ValueError(f"{name!r} is no IANA time zone")
    with place.open("rb") as compiled:
        return ZoneInfo.from_file(compiled, key=name)


@cache
def tzdata_version() -> str:
    """Return the version of the tzdata package, e.g. `2026.6`."""
    return version("tzdata")
