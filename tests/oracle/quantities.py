"""The pieces of a window from the one source that its machine declares; micro-pieces throughout, so that nothing is rounded twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracle.calendar import Window
from tests.oracle.ledger import Reading
from tests.oracle.plant import SECOND, Cycle, Plant, Row, decimal, micros

COUNTS = ("gq", "rq", "sq", "rework_good", "rework_scrap", "startup")


@dataclass
class Made:
    """Pieces of one part at one instant, in micro-pieces."""

    event_at: int
    part_no: str | None
    order_no: str | None
    tool_no: str | None = None
    cavities: int | None = None
    gq: int = 0
    rq: int = 0
    sq: int = 0
    rework_good: int = 0
    rework_scrap: int = 0
    startup: int = 0
    resets: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)


@dataclass
class Line:
    """Pieces of one part, order, tool and cycle."""

    cycle: Fraction | None
    constraint_cycle: Fraction | None
    gq: int = 0
    rq: int = 0
    sq: int = 0
    startup: int = 0

    @property
    def pq(self) -> int:
        return self.gq + self.rq + self.sq


def pieces(quantity: Decimal) -> int:
    """A quantity in micro-pieces."""
    return int(quantity * SECOND)


def share(count: int, start: int, end: int, window: Window) -> int:
    """The part of `count` pieces made over `[start, end)` that lies in a window: the rounded sum up to its end less that up to its start."""
    if start >= window.start and end <= window.end:
        return count * SECOND

    def up_to(at: int) -> int:
        elapsed = min(max(at, start), end) - start
        return (2 * count * SECOND * elapsed + (end - start)) // (2 * (end - start))

    return up_to(window.end) - up_to(window.start)


def of_counters(readings: Iterable[Reading], window: Window) -> list[Made]:
    """What lies between two readings; a reset is told in the window that holds the end of its stretch."""
    found = []
    for each in readings:
        if each.before is None or not (each.made or each.is_reset):
            continue
        inside = window.start <= each.at < window.end if each.before == each.at else each.before < window.end and each.at > window.start
        if inside:
            good, rework, scrap = (share(count, each.before, each.at, window) for count in (each.good, each.rework, each.scrap))
            reset = int(each.is_reset and each.at <= window.end)
            found.append(Made(min(each.at, window.end - 1), each.part_no, each.order_no, gq=good, rq=rework, sq=scrap, resets=reset))
    return found


def last_instant(row: Row) -> int:
    """The last microsecond of an operation; an empty one is where it is."""
    start, end = micros(row["start_at"]), micros(row["end_at"])
    return end - 1 if end > start else end


def of_events(rows: Iterable[Row]) -> list[Made]:
    """Whole pieces of operations; those of rework are second pass."""
    found = []
    for row in rows:
        completed, rejected = pieces(row["completed_qty"]), pieces(row["rejected_qty"])
        made = Made(last_instant(row), row["part_no"], row["order_no"])
        if row["is_rework"]:
            made.rework_good, made.rework_scrap = completed, rejected
        else:
            made.gq, made.sq = completed, rejected
        found.append(made)
    return found


def of_confirmations(plant: Plant, rows: Iterable[Row], window: Window) -> list[Made]:
    """Whole pieces of confirmations; those of rework are second pass."""
    found = []
    for row in rows:
        made = Made(window.start, row["part_no"], row["order_no"], row["tool_no"], row["cavity_count"])
        if row["is_rework"]:
            made.rework_good, made.rework_scrap = pieces(row["good_qty"]), pieces(row["scrap_qty"])
        else:
            made.gq, made.rq, made.sq = (pieces(row[name]) for name in ("good_qty", "rework_qty", "scrap_qty"))
            made.by_reason = {reason: pieces(count) for reason, count in row["scrap_by_reason"].items() if count > 0}
            made.startup = sum(count for reason, count in made.by_reason.items() if reason in plant.startup_reasons)
        found.append(made)
    return found


def _per_piece(cycle: Cycle | None, made: Made) -> Fraction | None:
    return None if cycle is None else cycle.seconds / (cycle.cavities or made.cavities or 1)


def elements(plant: Plant, machine_id: str, window: Window, made: Sequence[Made]) -> dict[str, Any]:
    """The quantity columns of a machine-shift."""
    constraint = plant.constraint_of_exit(machine_id, window.shift_date)
    lines = _lines(plant, machine_id, constraint, made)
    total = {name: sum(getattr(each, name) for each in made) for name in COUNTS}
    missing = {part or "part not named" for (part, *_), line in lines.items() if line.pq and line.cycle is None}
    ratios = plant.scrap_ratios
    known = [line for line in lines.values() if line.cycle is not None]
    produced, good = _earned((line.pq, line.cycle) for line in known), _earned((line.gq, line.cycle) for line in known)
    return {
        "pq_count": decimal(total["gq"] + total["rq"] + total["sq"]),
        **{f"{name}_count": decimal(total[name]) for name in ("gq", "rq", "sq", "rework_good", "rework_scrap")},
        "psq_count": _earned((line.pq, ratios.get(part, Fraction(0))) for (part, *_), line in lines.items()),
        "startup_scrap_count": decimal(total["startup"]),
        "earned_produced_s": None if missing else produced,
        "earned_good_s": None if missing else good,
        "earned_known_produced_s": produced,
        "earned_known_good_s": good,
        "earned_rework_s": _earned((line.rq, line.cycle) for line in known),
        "earned_startup_s": _earned((line.startup, line.cycle) for line in known),
        "line_earned_good_s": None if constraint is None else _at_constraint(list(lines.values())),
        "quantity_by_part": [_by_part(key, line) for key, line in lines.items() if line.pq],
        "scrap_by_reason": _by_reason(made),
        "counter_reset_count": sum(each.resets for each in made),
        "missing_master_data": sorted(missing),
    }


def _lines(plant: Plant, machine_id: str, constraint: str | None, made: Sequence[Made]) -> dict[tuple[Any, ...], Line]:
    lines: dict[tuple[Any, ...], Line] = {}
    for each in made:
        cycle = _per_piece(plant.cycle(each.part_no, each.tool_no, machine_id, each.event_at), each)
        of_line = None if constraint is None else _per_piece(plant.cycle(each.part_no, each.tool_no, constraint, each.event_at), each)
        line = lines.setdefault((each.part_no, each.order_no, each.tool_no, cycle, of_line), Line(cycle, of_line))
        for name in ("gq", "rq", "sq", "startup"):
            setattr(line, name, getattr(line, name) + getattr(each, name))
    return lines


def _earned(terms: Iterable[tuple[int, Fraction]]) -> Decimal:
    """Sum of micro-pieces times factor, rounded once to twelve decimals."""
    total = sum((count * factor for count, factor in terms if count), Fraction(0))
    return Decimal((total.numerator * 2 * SECOND + total.denominator) // (2 * total.denominator)).scaleb(-12)


def _at_constraint(lines: list[Line]) -> Decimal | None:
    if any(line.pq and line.constraint_cycle is None for line in lines):
        return None
    return _earned((line.gq, line.constraint_cycle) for line in lines if line.constraint_cycle is not None)


def _by_part(key: tuple[Any, ...], line: Line) -> dict[str, Any]:
    part_no, order_no, tool_no, *_ = key
    counts = {f"{name}_count": decimal(getattr(line, name)) for name in ("pq", "gq", "rq", "sq")}
    cycle = None if line.cycle is None else Decimal(int(line.cycle * 10**9 * 2 + 1) // 2).scaleb(-9)
    return {"part_no": part_no, "order_no": order_no, "tool_no": tool_no, **counts, "ideal_cycle_s": cycle}


def _by_reason(made: Iterable[Made]) -> dict[str, Decimal]:
    total: dict[str, int] = defaultdict(int)
    for each in made:
        for reason, count in each.by_reason.items():
            total[reason] += count
    return {reason: decimal(count) for reason, count in sorted(total.items())}
