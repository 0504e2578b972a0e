"""What must hold between the entries of a plant file: names are known and said once, no two shifts share time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeVar

from pydantic import ValidationError

from lakehouse.plant.base import DAY_MINUTES, Declared, Loc, Mistake, minutes_of, wall_of
from lakehouse.plant.days import DAY, Days, DayShift
from lakehouse.plant.declared_calendar import Holiday, PlannedStop, Shift, ShiftException, outside
from lakehouse.plant.declared_machines import Line, Machine
from lakehouse.plant.declared_terms import IdealCycle, Part, Reason, ScrapReason

T = TypeVar("T", bound=Declared)

LISTS: dict[str, type[Declared]] = {
    "machines": Machine,
    "lines": Line,
    "shifts": Shift,
    "exceptions": ShiftException,
    "holidays": Holiday,
    "planned_stops": PlannedStop,
    "reasons": Reason,
    "scrap_reasons": ScrapReason,
    "parts": Part,
    "ideal_cycles": IdealCycle,
}
ONCE: dict[type[Declared], tuple[str, Callable[[Any], tuple[object, ...]]]] = {
    Machine: ("machine_id", lambda each: (each.machine_id,)),
    Line: ("line_id", lambda each: (each.line_id, each.valid_from)),
    ShiftException: ("exception", lambda each: (each.date, each.shift_id)),
    Reason: ("reason code", lambda each: (each.code,)),
    ScrapReason: ("scrap reason code", lambda each: (each.code,)),
    Part: ("part_no", lambda each: (each.part_no,)),
    IdealCycle: ("ideal cycle", lambda each: each.identity),
}
"""What may be declared once only: its name, and what it is known by."""
NAMES = {"machines": "machine_id", "shifts": "shift_id", "reasons": "code"}


@dataclass(frozen=True)
class Listed:
    """The entries of a file's lists, each with its place.

    Attributes:
        entries: those that could be read.
        names: what other entries may name, by list, also of entries that could not be read; None: anything.
    """

    entries: Sequence[tuple[Loc, Declared]]
    names: Mapping[str, frozenset[str] | None]

    @classmethod
    def of_all(cls, site: Declared) -> Listed:
        """Return the entries of a site that was read as a whole."""
        entries = [((field, number), each) for field in LISTS for number, each in enumerate(getattr(site, field))]
        names = {field: frozenset(str(getattr(each, key)) for each in getattr(site, field)) for field, key in NAMES.items()}
        return cls(entries, {**names, **({"machines": None} if getattr(site, "discover", False) else {})})

    @classmethod
    def of_the_sound(cls, raw: Mapping[str, Any]) -> Listed:
        """Return the entries that can be read of a file as it is, so that their mistakes can be told beside those of the others."""
        entries: list[tuple[Loc, Declared]] = []
        names: dict[str, frozenset[str] | None] = {}
        for field, kind in LISTS.items():
            found = raw.get(field, [])
            listed = found if isinstance(found, list) else []
            entries += [((field, number), sound) for number, each in enumerate(listed) if (sound := _sound(kind, each)) is not None]
            named = [each.get(NAMES.get(field, "")) for each in listed if isinstance(each, dict)]
            complete = isinstance(found, list) and len(named) == len(listed)
            names[field] = frozenset(str(each) for each in named) if complete else None
        return cls(entries, {**names, **({"machines": None} if raw.get("discover") else {})})

    def of(self, kind: type[T]) -> list[tuple[Loc, T]]:
        """Return the entries of one kind."""
        return [(loc, each) for loc, each in self.entries if isinstance(each, kind)]

    def knows(self, field: str, name: str) -> bool:
        """Return whether a list has an entry of that name, or may have any."""
        names = self.names[field]
        return names is None or name in names


def _sound(kind: type[T], raw: object) -> T | None:
    try:
        return kind.model_validate(raw)
    except ValidationError:
        return None


def mistakes(listed: Listed) -> list[Mistake]:
    """Return every mistake between entries."""
    return [each for check in CHECKS for each in check(listed)]


def _repeated(listed: Listed) -> Iterator[Mistake]:
    for kind, (what, identity) in ONCE.items():
        seen = set()
        for loc, each in listed.entries:
            if isinstance(each, kind):
                named = identity(each)
                if named in seen:
                    yield loc, f"{what} {' '.join(str(one) for one in named if one is not None)} is declared twice"
                seen.add(named)


def _references(listed: Listed) -> Iterator[Mistake]:
    for loc, day in listed.of(Holiday):
        for number, name in enumerate(day.shifts):
            if not listed.knows("shifts", name):
                yield (*loc, "shifts", number), f"holiday {day.date} names unknown shift {name}"
    for loc, exception in listed.of(ShiftException):
        if not listed.knows("shifts", exception.shift_id):
            yield (*loc, "shift_id"), f"exception of {exception.date} names unknown shift {exception.shift_id}"
    for loc, cycle in listed.of(IdealCycle):
        if cycle.machine_id is not None and not listed.knows("machines", cycle.machine_id):
            yield (*loc, "machine_id"), f"ideal cycle names unknown machine {cycle.machine_id}"


def _stops(listed: Listed) -> Iterator[Mistake]:
    reasons = {reason.code: reason for _, reason in listed.of(Reason)}
    for loc, stop in listed.of(PlannedStop):
        if not listed.knows("machines", stop.machine_id):
            yield (*loc, "machine_id"), f"planned stop names unknown machine {stop.machine_id}"
        if not listed.knows("reasons", stop.reason_code):
            yield (*loc, "reason_code"), f"planned stop names unknown reason {stop.reason_code}"
        reason = reasons.get(stop.reason_code)
        if reason is not None and reason.category != "planned_down":
            yield (*loc, "reason_code"), f"planned stop names reason {reason.code} of category {reason.category}; it must be planned_down"


def _lines(listed: Listed) -> Iterator[Mistake]:
    machines = {machine.machine_id: machine for _, machine in listed.of(Machine)}
    for loc, line in listed.of(Line):
        for role, machine_id in line.named_machines.items():
            machine = machines.get(machine_id)
            if not listed.knows("machines", machine_id):
                yield (*loc, role), f"line {line.line_id} names unknown machine {machine_id}"
            elif machine is not None:
                stands_in = [state.line_id for since, state in machine.history() if since <= line.valid_from][-1]
                if stands_in != line.line_id:
                    yield (*loc, role), f"machine {machine_id} does not stand in line {line.line_id} but in {stands_in} on {line.valid_from}"


def _overlapping_shifts(listed: Listed) -> Iterator[Mistake]:
    for (_, one), (loc, other) in combinations(listed.of(Shift), 2):
        for later in (-1, 0, 1):
            begin, then = minutes_of(one.start), minutes_of(other.start) + later * DAY_MINUTES
            shared = begin < then + other.minutes and then < begin + one.minutes
            twice = one.shift_id == other.shift_id and later == 0
            date = _first_together(one, other, later) if shared or twice else None
            if date is not None:
                what = f"shifts {one.shift_id} and {other.shift_id} overlap" if shared else f"shift {one.shift_id} starts twice on one date"
                yield loc, f"{what}, for instance on {date}"
                break


def _first_together(one: Shift, other: Shift, later: int) -> dt.date | None:
    """The first date on which one shift starts while the other starts `later` days after it; a whole cycle of weeks is looked at."""
    begins = [shift.valid_from for shift in (one, other) if shift.valid_from]
    rotations = [shift.rotation for shift in (one, other) if shift.rotation]
    first = max(begins or [each.since for each in rotations] or [dt.date(2001, 1, 1)]) - DAY
    days = 7 * math.lcm(*(each.weeks for each in rotations)) + 2
    dates = (first + number * DAY for number in range(days + 1))
    return next((date for date in dates if one.starts_on(date) and other.starts_on(date + later * DAY)), None)


def _exceptions(listed: Listed) -> Iterator[Mistake]:
    once: dict[tuple[dt.date, str], tuple[Loc, ShiftException]] = {}
    for loc, each in listed.of(ShiftException):
        once.setdefault((each.date, each.shift_id), (loc, each))
    shifts = [shift for _, shift in listed.of(Shift)]
    days = Days(shifts, [each for _, each in once.values()])
    for loc, each in once.values():
        made = days.exceptional(each)
        if made is not None:
            yield from _within_its_day(days, loc, each, made)
        elif any(shift.shift_id == each.shift_id for shift in shifts):
            yield loc, f"exception must say start and end: the pattern does not say when shift {each.shift_id} would be on {each.date}"


def _within_its_day(days: Days, loc: Loc, each: ShiftException, made: DayShift) -> Iterator[Mistake]:
    for number in outside(each.breaks or (), wall_of(made.begin), wall_of(made.end)):
        yield (*loc, "breaks", number), f"break does not lie within shift {each.shift_id} of {each.date}"
    for other in (shift for later in (-1, 0, 1) for shift in days.shifts_of(each.date + later * DAY)):
        told = other.exception is not None and (other.date, other.shift_id) < (each.date, each.shift_id)
        if other != made and made.overlaps(other) and not told:
            yield loc, f"exception makes shift {each.shift_id} of {each.date} overlap shift {other.shift_id} of {other.date}"


CHECKS: tuple[Callable[[Listed], Iterator[Mistake]], ...] = (_repeated, _references, _stops, _lines, _overlapping_shifts, _exceptions)
