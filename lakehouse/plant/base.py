"""What all declarations share: names, dates, wall-clock times, and how a mistake says where it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Loc = tuple[int | str, ...]
"""Where something stands in a file: keys and list positions from the top."""
Mistake = tuple[Loc, str]

DAY_MINUTES = 24 * 60
LONGEST_S = 24 * 60 * 60

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/#&+-]{0,119}$", strict=True)]
Date = Annotated[dt.date, Field(ge=dt.date(1900, 1, 1), le=dt.date(2200, 12, 31))]
WallTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", strict=True, description='Wall-clock time in quotes, e.g. "06:00".')]


def _instant_of_the_wall(text: str) -> str:
    at = dt.datetime.fromisoformat(text)
    if not 1900 <= at.year <= 2200:
        raise ValueError("must lie between the years 1900 and 2200")
    return text


WallInstant = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$", strict=True, description='Date and wall-clock time in quotes, e.g. "2026-03-01T10:00".'),
    AfterValidator(_instant_of_the_wall),
]


class Declared(BaseModel):
    """A part of a plant file: immutable, and nothing may be said that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def minutes_of(wall: str) -> int:
    """Return minutes after midnight of `HH:MM`."""
    hours, minutes = wall.split(":")
    return int(hours) * 60 + int(minutes)


def wall_of(minute: int) -> str:
    """Return what the clock reads at a minute after midnight, of the next day from 1440 on: `HH:MM`."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Refuse what is being validated, if there are mistakes.

    Raises:
        ValidationError: with every mistake, each at its place below what is being validated.
    """
    errors = [InitErrorDetails(type=PydanticCustomError("plant", "{what}", {"what": what}), loc=loc, input=None) for loc, what in mistakes]
    if errors:
        raise ValidationError.from_exception_data("plant model", errors)
