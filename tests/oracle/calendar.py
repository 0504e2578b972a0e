"""The windows of a site from its plain plant file: shifts of each date, and the time between them."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from tests.oracle.plant import SECOND, Plant, Row, from_wall, instant, midnight, public_holidays

DAY = dt.timedelta(days=1)
MINUTE = 60 * SECOND
Span = tuple[int, int]


class Window(NamedTuple):
    """A shift of a date or the time between two shifts; `[start, end)` in microseconds."""

    shift_date: dt.date
    shift_id: str
    start: int
    end: int
    is_scheduled: bool
    breaks: tuple[Span, ...]


def windows(plant: Plant, from_at: int, to_at: int) -> list[Window]:
    """All windows that share time with `[from_at, to_at)`, in order; an empty span is one instant."""
    first, last = _date_of(plant, from_at) - DAY, _date_of(plant, to_at)
    dates = [first + DAY * number for number in range((last - first).days + 1)]
    shifts = {date: shifts_of(plant, date) for date in [first - DAY, *dates]}
    found = [each for date in dates for each in (*shifts[date], *_between(plant, date, [*shifts[date - DAY], *shifts[date]]))]
    until = max(to_at, from_at + 1)
    return sorted((each for each in found if each.start < until and each.end > from_at), key=lambda each: each.start)


def _date_of(plant: Plant, at: int) -> dt.date:
    return instant(at).astimezone(plant.zone).date()


def shifts_of(plant: Plant, date: dt.date) -> list[Window]:
    """The shifts that start on a date: pattern, holidays, exceptions."""
    raw = plant.raw
    found = {shift["shift_id"]: (shift, not _is_holiday(raw, date, shift["shift_id"])) for shift in raw["shifts"] if _holds(shift, date)}
    for exception in raw.get("exceptions") or ():
        if exception["date"] != date:
            continue
        name = exception["shift_id"]
        shift = found[name][0] if name in found else _declared(raw, name, date)
        if exception["works"]:
            found[name] = ({**shift, **{key: exception[key] for key in ("start", "end", "breaks") if exception.get(key) is not None}}, True)
        elif name in found:
            found[name] = (shift, False)
    return [_window(plant, shift, date, works) for shift, works in found.values()]


def _holds(shift: Row, date: dt.date) -> bool:
    return _is_valid(shift, date) and date.isoweekday() in (shift.get("weekdays") or range(1, 8)) and _is_its_week(shift.get("rotation"), date)


def _is_valid(shift: Row, date: dt.date) -> bool:
    return (shift.get("valid_from") or dt.date.min) <= date < (shift.get("valid_to") or dt.date.max)


def _is_its_week(rotation: Row | None, date: dt.date) -> bool:
    if not rotation:
        return True
    weeks = (_monday(date) - _monday(rotation["since"])).days // 7
    return weeks % rotation["weeks"] + 1 == rotation["week"]


def _monday(date: dt.date) -> dt.date:
    return date - DAY * (date.isoweekday() - 1)


def _declared(raw: Row, name: str, date: dt.date) -> Row:
    """The shift of a name although it does not hold on the date: the one valid then, else the last one declared."""
    named = [shift for shift in raw["shifts"] if shift["shift_id"] == name]
    return next((shift for shift in named if _is_valid(shift, date)), named[-1])


def _is_holiday(raw: Row, date: dt.date, shift_id: str) -> bool:
    listed = any(day["date"] == date and (not day.get("shifts") or shift_id in day["shifts"]) for day in raw.get("holidays") or ())
    public = raw.get("holiday_calendar")
    return listed or bool(public and date in public_holidays(public["country"], public.get("subdivision"), date.year))


def _window(plant: Plant, shift: Row, date: dt.date, works: bool) -> Window:
    def at(wall: str, day: dt.date) -> int:
        return from_wall(dt.datetime.combine(day, dt.time.fromisoformat(wall)), plant.zone)

    start, end = shift["start"], shift["end"]
    breaks = []
    for pause in (shift.get("breaks") or ()) if works else ():
        begin = at(pause["start"], date if pause["start"] >= start else date + DAY)
        breaks.append((begin, begin + pause["minutes"] * MINUTE))
    return Window(date, shift["shift_id"], at(start, date), at(end, date if end > start else date + DAY), works, tuple(breaks))


def _between(plant: Plant, date: dt.date, shifts: list[Window]) -> list[Window]:
    """What the shifts leave of a local day."""
    free = [(midnight(date, plant.zone), midnight(date + DAY, plant.zone))]
    for shift in shifts:
        free = [piece for span in free for piece in _without(span, (shift.start, shift.end))]
    names = ["off", *(f"off-{number}" for number in range(2, len(free) + 1))]
    return [Window(date, name, start, end, False, ()) for name, (start, end) in zip(names, free, strict=False)]


def _without(span: Span, taken: Span) -> list[Span]:
    before, after = (span[0], min(span[1], taken[0])), (max(span[0], taken[1]), span[1])
    return [piece for piece in (before, after) if piece[0] < piece[1]]
