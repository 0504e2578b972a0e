"""What a file of conf/plant may say: one site. Validated as a whole; wall-clock times are quoted text (`"06:00"`)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Category = Literal["planned_down", "setup", "unplanned_stop", "blocked_starved", "no_order"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/#&+-]{0,119}$", strict=True)]
WallTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", strict=True, description='Wall-clock time in quotes, e.g. "06:00".')]
DAY_MINUTES = 24 * 60
WEEKDAYS = (1, 2, 3, 4, 5, 6, 7)


def _known_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{zone!r} is no IANA time zone") from error
    return zone


def minutes_of(wall: str) -> int:
    """Return minutes after midnight of `HH:MM`."""
    hours, minutes = wall.split(":")
    return int(hours) * 60 + int(minutes)


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Break(_Declared):
    """A planned break: wall-clock start and length in minutes. It outranks every stop."""

    start: WallTime
    minutes: int = Field(gt=0, le=DAY_MINUTES)


class Shift(_Declared):
    """A shift of the weekly pattern; an end at or before the start lies on the next day.

    Attributes:
        weekdays: ISO weekdays (1 is Monday) on which it starts.
        valid_from: first production date of this pattern, None for always.
        valid_to: first production date on which it holds no more.
    """

    shift_id: Name
    start: WallTime
    end: WallTime
    breaks: tuple[Break, ...] = ()
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = WEEKDAYS
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None

    @property
    def minutes(self) -> int:
        """Length on the wall clock in minutes."""
        return (minutes_of(self.end) - minutes_of(self.start) - 1) % DAY_MINUTES + 1

    def starts_on(self, date: dt.date) -> bool:
        """Return whether the pattern has this shift on a production date."""
        after = self.valid_from is None or date >= self.valid_from
        before = self.valid_to is None or date < self.valid_to
        return after and before and date.isoweekday() in self.weekdays

    @model_validator(mode="after")
    def _breaks_inside(self) -> Self:
        for pause in self.breaks:
            begin = (minutes_of(pause.start) - minutes_of(self.start)) % DAY_MINUTES
            if begin + pause.minutes > self.minutes:
                raise ValueError(f"break at {pause.start} does not lie within shift {self.shift_id}")
        if self.shift_id.startswith("off"):
            raise ValueError("shift_id may not begin with 'off': that is the time between two shifts")
        return self


class Holiday(_Declared):
    """A date without planned time; `shifts` empty means all shifts of that date."""

    date: dt.date
    name: str
    shifts: tuple[Name, ...] = ()


class Machine(_Declared):
    """A work unit with everything that gold must know of it.

    Attributes:
        state_source: what says whether it runs: `state` (stops and heartbeat), `mes`, `confirmation_only` or `none`.
        quantity_source: the one source that counts pieces.
        speaks_orders: True when its source knows of orders; only then can time be `no_order` by itself.
        heartbeat_s: silence beyond this many seconds is unknown; None: no stop means running.
        lane_number: lane that it stands in.
        temperature_limits: sensor to upper limit in degrees Celsius.
        micro_stop_s: a stop shorter than this is a micro-stop. Seconds.
    """

    machine_id: Name
    line_id: Name
    area_id: Name
    state_source: Literal["state", "mes", "confirmation_only", "none"]
    quantity_source: Literal["counter", "mes", "confirmation", "none"]
    speaks_orders: bool = False
    heartbeat_s: int | None = Field(None, gt=0)
    lane_number: int | None = None
    kind: str = ""
    temperature_limits: dict[str, float] = {}
    micro_stop_s: int = Field(300, ge=0)


class Reason(_Declared):
    """A reason code: the plant's words, its category, whether it is a failure, and its rank among equals (lowest wins)."""

    code: Name
    text: str
    category: Category
    is_failure: bool = False
    priority: int = 100


class IdealCycle(_Declared):
    """An ideal cycle, valid from midnight (plant time) of a date. The most specific record wins, then the latest.

    Attributes:
        cycle_s: seconds of one cycle.
        cavities: pieces of one cycle; None: those that the quantity row names, else 1.
    """

    part_no: str | None = None
    tool_no: str | None = None
    machine_id: Name | None = None
    valid_from: dt.date = dt.date(2000, 1, 1)
    cycle_s: Decimal = Field(gt=0, max_digits=18, decimal_places=9)
    cavities: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.part_no is None and self.tool_no is None:
            raise ValueError("an ideal cycle needs part_no or tool_no")
        return self

    @property
    def identity(self) -> tuple[object, ...]:
        """What may be declared once only."""
        return self.part_no, self.tool_no, self.machine_id, self.valid_from


class SiteFile(_Declared):
    """One file of conf/plant: one site.

    Attributes:
        discover: accept any machine_id that appears, with the attributes of `machine_defaults`.
    """

    site_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$", strict=True)]
    name: str = ""
    zone: Annotated[str, AfterValidator(_known_zone)]
    profile: Literal["iso22400"] = "iso22400"
    discover: bool = False
    machine_defaults: dict[str, object] = {}
    machines: tuple[Machine, ...] = ()
    shifts: tuple[Shift, ...] = Field(min_length=1)
    holidays: tuple[Holiday, ...] = ()
    reasons: tuple[Reason, ...] = ()
    ideal_cycles: tuple[IdealCycle, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, raw: object) -> object:
        if not isinstance(raw, dict) or not isinstance(raw.get("machine_defaults", {}), dict):
            return raw
        defaults = raw.get("machine_defaults", {})
        machines = raw.get("machines", [])
        if not isinstance(machines, list):
            return raw
        return {**raw, "machines": [{**defaults, **each} if isinstance(each, dict) else each for each in machines]}

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        problems = [*_repeated(self), *_unknown_names(self), *_overlapping(self.shifts)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _repeated(site: SiteFile) -> list[str]:
    lists: dict[str, list[object]] = {
        "machine_id": [machine.machine_id for machine in site.machines],
        "reason code": [reason.code for reason in site.reasons],
        "ideal cycle": [cycle.identity for cycle in site.ideal_cycles],
    }
    twice = ((what, sorted({str(each) for each in found if found.count(each) > 1})) for what, found in lists.items())
    return [f"{what} {each} is declared twice" for what, repeated in twice for each in repeated]


def _unknown_names(site: SiteFile) -> list[str]:
    shifts = {shift.shift_id for shift in site.shifts}
    problems = [f"holiday {day.date} names unknown shift {name}" for day in site.holidays for name in day.shifts if name not in shifts]
    if site.discover:
        return problems
    machines = {machine.machine_id for machine in site.machines}
    named = {cycle.machine_id for cycle in site.ideal_cycles if cycle.machine_id is not None}
    return [*problems, *(f"ideal cycle names unknown machine {name}" for name in sorted(named - machines))]


def _overlapping(shifts: tuple[Shift, ...]) -> list[str]:
    week = 7 * DAY_MINUTES
    changes = {shift.valid_from for shift in shifts if shift.valid_from} | {dt.date.min}
    problems = set()
    for since in changes:
        valid = [s for s in shifts if (s.valid_from or dt.date.min) <= since < (s.valid_to or dt.date.max)]
        begins = sorted((((day - 1) * DAY_MINUTES + minutes_of(s.start), s) for s in valid for day in s.weekdays), key=lambda each: each[0])
        around = [*begins, *((minute + week, s) for minute, s in begins[:1])]
        problems |= {f"shifts {a.shift_id} and {b.shift_id} overlap" for (at, a), (then, b) in pairwise(around) if at + a.minutes > then}
    return sorted(problems)
