"""The truth of one machine in one window: each microsecond in exactly one category, and the pieces made.

Own arithmetic on whole microseconds, written from the definitions (design/kpi.md): a sweep over the instants at which anything
changes. Precedence: not scheduled, planned down time, set-up, unplanned stop, blocked or starved and no order, running, unknown;
of equals the one that began first, then the lower priority number, then the name.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from lakehouse.simulator.counters import Triple
from lakehouse.simulator.spec import Reason, SimMachine, Span, Window
from lakehouse.simulator.timeline import Stop, Trace

RANK = {"planned_down": 0, "setup": 1, "unplanned_stop": 2, "blocked_starved": 3, "no_order": 3}


class Segment(NamedTuple):
    """A stretch of one machine's window in one category; `ref` is the interruption, empty for none."""

    machine_id: str
    shift_date: dt.date
    shift_id: str
    start: int
    end: int
    category: str
    reason_code: str
    ref: str


class MachineShift(NamedTuple):
    """Times (microseconds) and quantities (pieces) of one machine in one window."""

    machine_id: str
    shift_date: dt.date
    shift_id: str
    start: int
    end: int
    pbt: int
    apt: int
    aust: int
    adet: int
    adot: int
    unknown: int
    planned_down: int
    pq: int
    gq: int
    rq: int
    sq: int


def silent_spans(readings: Sequence[int], heartbeat_us: int | None) -> list[Span]:
    """Return the spans in which a machine had not been heard for longer than its heartbeat: from the last reading plus heartbeat."""
    if heartbeat_us is None:
        return []
    return [(a + heartbeat_us, b) for a, b in pairwise(readings) if b - a > heartbeat_us]


def segments_of(machine: SimMachine, window: Window, trace: Trace, silent: Sequence[Span], reasons: dict[str, Reason]) -> list[Segment]:
    """Return the partition of a window, neighbours of equal cause joined."""
    stops = [stop for stop in trace.stops if stop.start < window.end and stop.end > window.start]
    ran = [] if window.is_scheduled else [(each.start, each.end) for each in trace.stretches]
    spans = [*window.breaks, *silent, *((stop.start, stop.end) for stop in stops), *ran]
    cuts = sorted({window.start, window.end, *(at for span in spans for at in span if window.start < at < window.end)})
    found: list[Segment] = []
    for start, end in pairwise(cuts):
        category, code, ref = _cause(window, start, stops, silent if window.is_scheduled else ran, reasons)
        if found and found[-1][5:] == (category, code, ref):
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(Segment(machine.machine_id, window.shift_date, window.shift_id, start, end, category, code, ref))
    return found


def _cause(window: Window, at: int, stops: Sequence[Stop], spans: Sequence[Span], reasons: dict[str, Reason]) -> tuple[str, str, str]:
    """Return category, reason and interruption at an instant; `spans` are silent in a shift, and ran outside one."""
    within = any(start <= at < end for start, end in spans)
    if not window.is_scheduled:
        return "unscheduled_run" if within else "not_scheduled", "", ""
    if any(start <= at < end for start, end in window.breaks):
        return "planned_down", "", ""
    active = [stop for stop in stops if stop.start <= at < stop.end]
    if active:
        stop = min(active, key=lambda each: _precedence(each, reasons[each.reason_code]))
        return reasons[stop.reason_code].category, stop.reason_code, stop.stop_id
    return "unknown" if within else "running", "", ""


def _precedence(stop: Stop, reason: Reason) -> tuple[int, int, int, str]:
    return RANK[reason.category], stop.start, reason.priority, stop.stop_id


def machine_shift_of(segments: Sequence[Segment], window: Window, made: Sequence[tuple[int, Triple]]) -> MachineShift:
    """Return the sums of one window; `made` are the counters since ever at instants that hold both edges of the window."""
    spent = dict.fromkeys(("planned_down", "setup", "unplanned_stop", "blocked_starved", "no_order", "running", "unknown"), 0)
    for each in segments:
        if each.category in spent:
            spent[each.category] += each.end - each.start
    pot = window.end - window.start if window.is_scheduled else 0
    instants = [at for at, _ in made]
    first, last = made[bisect_right(instants, window.start) - 1][1], made[bisect_right(instants, window.end) - 1][1]
    good, scrap, rework = (b - a for a, b in zip(first, last, strict=True))
    return MachineShift(
        machine_id=segments[0].machine_id,
        shift_date=window.shift_date,
        shift_id=window.shift_id,
        start=window.start,
        end=window.end,
        pbt=pot - spent["planned_down"],
        apt=spent["running"],
        aust=spent["setup"],
        adet=spent["unplanned_stop"] + spent["blocked_starved"],
        adot=spent["no_order"],
        unknown=spent["unknown"],
        planned_down=spent["planned_down"],
        pq=good + scrap + rework,
        gq=good,
        rq=rework,
        sq=scrap,
    )
