"""What gold must hold: the segments and machine-shifts of a plant, from its plain file and plain silver rows.

Nothing here is shared with the pipeline; the definitions are those of docs/kpi.md. Where they leave a choice, this is what is taken:

- a window is counted by the attributes that its machine has at the window's start; the threshold of a micro-stop by those at the stop's start
- among claims of one rank, one without an event (the counter's beat, a confirmed shift) stands before those with one
- counter readings are a sign of life of machines of which counters tell the state or the quantities
- a planned stop has the priority of its reason and no key, a break has priority 0
- an event is counted in its first segment within the window that holds its start; if it has none there, it is not counted
- an overrun does not make the unplanned stops it touches longer
- a contiguous stop is open if one of its events is
- of counters, a piece belongs to the reading after it, and in an earlier window to that window's last microsecond, when its cycle is chosen;
  a confirmation to the start of its window
- a window of an MES or of confirmations was reported if any row belongs to it, whatever its quantity
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.oracle import quantities
from tests.oracle.calendar import Window, windows
from tests.oracle.ledger import Reading, Segment, Speaker, readings_of, segments
from tests.oracle.plant import Attributes, Plant, Row, decimal, instant, micros, read_plant

REACH = 7 * 86_400_000_000
"""A counter reading further than this before or after what is asked for is not looked at."""
PRI_SUSPECT_ABOVE = Decimal("1.05")


@dataclass(frozen=True)
class Expected:
    """Rows as gold must hold them; columns that name the build (revision, as_of, versions) are left out."""

    segments: list[dict[str, Any]]
    machine_shifts: list[dict[str, Any]]


@dataclass(frozen=True)
class _Shift:
    """One machine in one window with all that was said about it."""

    plant: Plant
    machine_id: str
    window: Window
    counted_end: int
    attributes: Attributes
    segments: list[Segment]
    readings: list[Reading]
    events: list[Row]
    confirmed: list[Row]


def expected(
    plant: Mapping[str, Any], silver: Mapping[str, list[dict[str, Any]]], as_of: dt.datetime, from_at: dt.datetime, to_at: dt.datetime
) -> Expected:
    """Rows of all machines for all windows that overlap `[from_at, to_at)` and began before `as_of`.

    Args:
        plant: a plant file as YAML reads it.
        silver: table name to rows, as silver holds them.
        as_of: knowledge time; windows are counted up to it.
        from_at: start of what is asked for.
        to_at: its end.
    """
    site = read_plant(plant)
    shifts = [each for machine_id in site.machines for each in _machine(site, machine_id, silver, micros(as_of), micros(from_at), micros(to_at))]
    return Expected(
        segments=[row for shift in shifts for row in _segment_rows(shift)],
        machine_shifts=[_machine_shift_row(shift) for shift in shifts],
    )


def _machine(plant: Plant, machine_id: str, silver: Mapping[str, list[dict[str, Any]]], as_of: int, from_at: int, to_at: int) -> Iterable[_Shift]:
    begun = [each for each in windows(plant, from_at, to_at) if each.start < as_of]
    if not begun:
        return
    interruptions, counts, events, confirmations = (
        [row for row in silver.get(table, ()) if row["machine_id"] == machine_id and row["site_id"] == plant.site_id]
        for table in ("machine_interruption", "machine_count", "production_event", "confirmation")
    )
    first, last = begun[0].start - REACH, min(begun[-1].end + REACH, as_of)
    readings = readings_of(row for row in counts if first <= micros(row["reading_at"]) <= last)
    by_window = _by_posting(plant, confirmations)
    speakers: dict[Attributes, Speaker] = {}
    for window in begun:
        attributes = plant.attributes(machine_id, window.start)
        if attributes not in speakers:
            speaks = attributes.state_source == "state" or attributes.quantity_source == "counter"
            signs = [micros(row["reading_at"]) for row in counts if speaks and micros(row["reading_at"]) <= as_of]
            heard = readings if speaks else []
            speakers[attributes] = Speaker(plant, machine_id, attributes, interruptions, events, heard, signs, as_of)
        confirmed = by_window[window.shift_date, window.shift_id]
        claims = speakers[attributes].claims(window, confirmed)
        ended = [row for row in events if window.start <= quantities.last_instant(row) < window.end]
        found = segments(window, claims, attributes.speaks_orders)
        yield _Shift(plant, machine_id, window, min(window.end, as_of), attributes, found, readings, ended, confirmed)


def _by_posting(plant: Plant, confirmations: list[dict[str, Any]]) -> dict[tuple[dt.date, str | None], list[Row]]:
    """Confirmations that were not cancelled, by date and shift of production or of posting, as the policy says."""
    found: dict[tuple[dt.date, str | None], list[Row]] = defaultdict(list)
    for row in confirmations:
        if row["status"] == "cancelled":
            continue
        as_made = plant.rework_by_production_time if row["is_rework"] else plant.scrap_by_production_time
        late = as_made and row["produced_date"] is not None and row["produced_shift_id"] is not None
        key = (row["produced_date"], row["produced_shift_id"]) if late else (row["posting_date"], row["shift_id"])
        found[key].append(row)
    return found


def _key(shift: _Shift) -> dict[str, Any]:
    return {
        "site_id": shift.plant.site_id,
        "machine_id": shift.machine_id,
        "line_id": shift.attributes.line_id,
        "shift_date": shift.window.shift_date,
        "shift_id": shift.window.shift_id,
    }


def _local(shift: _Shift, at: int) -> dt.datetime:
    return instant(at).astimezone(shift.plant.zone).replace(tzinfo=None)


def _segment_rows(shift: _Shift) -> Iterable[dict[str, Any]]:
    for each in shift.segments:
        claim = each.claim
        yield {
            **_key(shift),
            "segment_start_at": instant(each.start),
            "segment_end_at": instant(each.end),
            "segment_start_local": _local(shift, each.start),
            "duration_s": decimal(each.length),
            "category": claim.category,
            "stop_class": claim.stop_class,
            "is_overrun": claim.is_overrun,
            "reason_code": claim.reason_code,
            "reason_text": claim.reason_text,
            "is_failure": claim.is_failure,
            "order_no": each.order_no,
            "source_table": claim.source_table,
            "source_key": claim.source_key,
            "source_ref": claim.source_ref,
            "event_start_at": None if claim.event_start is None else instant(claim.event_start),
            "event_end_at": None if claim.event_end is None else instant(claim.event_end),
            "is_event_start": each.is_event_start,
            "also_active": sorted(each.also_active),
        }


def _machine_shift_row(shift: _Shift) -> dict[str, Any]:
    window = shift.window
    times = _times(shift)
    pieces = quantities.elements(shift.plant, shift.machine_id, window, _made(shift))
    return {
        **_key(shift),
        "shift_start_at": instant(window.start),
        "shift_end_at": instant(window.end),
        "window_end_at": instant(shift.counted_end),
        "shift_start_local": _local(shift, window.start),
        **{name: decimal(value) for name, value in times.items()},
        **pieces,
        **_counts(shift.segments),
        "stop_by_reason": _lost(shift),
        "line_null_reason": _line_reason(shift, pieces),
        "quantity_source": shift.attributes.quantity_source,
        "is_provisional": shift.counted_end < window.end or any(each.is_open for each in shift.segments),
        "flags": _flags(shift, times, pieces),
    }


LOST = ("planned_down", "setup", "unplanned_stop", "blocked_starved", "no_order")


def _lost(shift: _Shift) -> dict[str, Decimal]:
    """Seconds of lost time by reason, by category where none was given; breaks are not lost."""
    found: dict[str, int] = defaultdict(int)
    for each in shift.segments:
        claim = each.claim
        if claim.category in LOST and not (claim.source_table == "calendar" and claim.reason_code is None):
            found[claim.reason_code or claim.category] += each.length
    return {name: decimal(micros_) for name, micros_ in found.items()}


def _line_reason(shift: _Shift, pieces: Mapping[str, Any]) -> str | None:
    if shift.plant.constraint_of_exit(shift.machine_id, shift.window.shift_date) is None:
        return "NOT_LINE_EXIT"
    return "MISSING_MASTER_DATA" if pieces["line_earned_good_s"] is None else None


def _made(shift: _Shift) -> list[quantities.Made]:
    source = shift.attributes.quantity_source
    if source == "counter":
        return quantities.of_counters(shift.readings, shift.window)
    if source == "mes":
        return quantities.of_events(shift.events)
    return quantities.of_confirmations(shift.plant, shift.confirmed, shift.window) if source == "confirmation" else []


def _times(shift: _Shift) -> dict[str, int]:
    """Section 4 of the definitions, line by line, in microseconds."""
    plant, speaks_orders = shift.plant, shift.attributes.speaks_orders

    def total(rule: Callable[[Segment], bool]) -> int:
        return sum(each.length for each in shift.segments if rule(each))

    def category(*names: str) -> Callable[[Segment], bool]:
        return lambda each: each.claim.category in names

    def without_order(each: Segment) -> bool:
        return speaks_orders and each.order_no is None

    def delay(each: Segment) -> bool:
        return each.claim.category in ("unplanned_stop", "blocked_starved") and not without_order(each)

    def idle(each: Segment) -> bool:
        return each.claim.category in ("unplanned_stop", "blocked_starved") and without_order(each)

    def stopped(stop_class: str) -> Callable[[Segment], bool]:
        return lambda each: delay(each) and each.claim.category == "unplanned_stop" and (each.claim.stop_class or "long") == stop_class

    def planned_down(each: Segment) -> bool:
        return each.claim.category == "planned_down" or (each.claim.category == "no_order" and plant.no_order_is_planned)

    def open_stop(each: Segment) -> bool:
        return shift.window.is_scheduled and not planned_down(each) and each.is_open

    def maintenance(kind: str) -> Callable[[Segment], bool]:
        return lambda each: each.claim.reason_code is not None and plant.reason(each.claim.reason_code).maintenance == kind

    pot = total(lambda _: True) if shift.window.is_scheduled else 0
    return {
        "window_s": shift.counted_end - shift.window.start,
        "pot_s": pot,
        "planned_down_s": total(planned_down),
        "pbt_s": pot - total(planned_down),
        "apt_s": total(category("running")),
        "aust_s": total(category("setup")),
        "adet_s": total(delay),
        "adot_s": total(idle) + (0 if plant.no_order_is_planned else total(category("no_order"))),
        "unknown_s": total(category("unknown")),
        "not_scheduled_s": total(category("not_scheduled")),
        "unscheduled_run_s": total(category("unscheduled_run")),
        "blocked_starved_s": total(lambda each: delay(each) and each.claim.category == "blocked_starved"),
        "long_stop_s": total(stopped("long")),
        "micro_stop_s": total(stopped("micro")),
        "indeterminate_s": total(stopped("indeterminate")),
        "setup_overrun_s": total(lambda each: each.claim.category == "setup" and each.claim.is_overrun),
        "planned_overrun_s": total(lambda each: each.claim.category == "unplanned_stop" and each.claim.is_overrun),
        "failure_s": total(lambda each: each.claim.is_failure),
        "cmt_s": total(maintenance("corrective")),
        "pmt_s": total(maintenance("preventive")),
        "open_stop_s": total(open_stop),
        "uncounted_s": _uncounted(shift, [each for each in shift.segments if each.claim.category in ("running", "unknown") or open_stop(each)]),
        "calendar_day_s": plant.day_length(shift.window.shift_date),
    }


def _uncounted(shift: _Shift, candidates: list[Segment]) -> int:
    """Time that may have made pieces nobody told of."""
    whole = sum(each.length for each in candidates)
    source = shift.attributes.quantity_source
    if source != "counter":
        reported = {"mes": shift.events, "confirmation": shift.confirmed}.get(source)
        return 0 if reported else whole
    between = [(each.before, each.at) for each in shift.readings if each.before is not None and not each.is_reset]
    near = [span for span in between if span[0] < shift.window.end and span[1] > shift.window.start]
    return whole - sum(max(0, min(end, each.end) - max(start, each.start)) for each in candidates for start, end in near)


def _counts(found: list[Segment]) -> dict[str, int]:
    counted = [each.claim for each in found if each.is_event_start]
    return {
        "stop_event_count": sum(claim.category == "unplanned_stop" for claim in counted),
        "failure_count": sum(claim.is_failure for claim in counted),
        "micro_stop_count": sum(claim.stop_class == "micro" for claim in counted),
    }


def _flags(shift: _Shift, times: dict[str, int], pieces: dict[str, Any]) -> list[str]:
    run = decimal(times["apt_s"] + (times["micro_stop_s"] if shift.plant.profile == "tpm" else 0))
    earned = pieces["earned_produced_s"]
    judged = earned is not None and times["pbt_s"] > 0 and run > 0
    said_not_running = times["pbt_s"] > 0 and times["apt_s"] == 0 and times["unknown_s"] < times["pbt_s"]
    rules = {
        "P_GT_1": judged and earned > run,
        "PRI_SUSPECT": judged and earned > run * PRI_SUSPECT_ABOVE,
        "RUN_TIME_ASSUMED": shift.attributes.state_source == "confirmation_only" and times["apt_s"] > 0,
        "COUNTER_RESET": pieces["counter_reset_count"] > 0,
        "CONTRACT_VIOLATION": shift.attributes.state_source == "state" and pieces["pq_count"] > 0 and said_not_running,
        "UNSCHEDULED_RUN": times["unscheduled_run_s"] > 0,
    }
    return [name for name, holds in rules.items() if holds]
