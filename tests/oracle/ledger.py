"""The time ledger: claims on a window, the best claim for each span between two edges, equal neighbours joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from tests.oracle.calendar import Window
from tests.oracle.plant import NO_PRIORITY, Attributes, Plant, Row, micros

RANK = {
    "unscheduled_run": 0,
    "not_scheduled": 1,
    "planned_down": 2,
    "setup": 3,
    "unplanned_stop": 4,
    "blocked_starved": 5,
    "no_order": 5,
    "running": 6,
    "unknown": 7,
}
NOBODY = 9
"""Rank of what holds where nobody claims."""
CAUSES = frozenset({"planned_down", "setup", "unplanned_stop", "blocked_starved", "no_order"})
BEFORE_ALL = -(10**18)
"""Where a claim without an event stands among equals: before those that have one."""
INTERRUPTION, EVENT, COUNT = "silver.machine_interruption", "silver.production_event", "silver.machine_count"


@dataclass(slots=True)
class Claim:
    """What a source says about `[start, end)`, in microseconds."""

    start: int
    end: int
    category: str
    source_table: str
    source_key: str | None = None
    reason_code: str | None = None
    reason_text: str | None = None
    is_failure: bool = False
    priority: int = NO_PRIORITY
    order_no: str | None = None
    source_ref: str | None = None
    event_start: int | None = None
    event_end: int | None = None
    stop_class: str | None = None
    is_overrun: bool = False
    rank: int = -1

    @property
    def standing(self) -> tuple[object, ...]:
        """The lowest wins."""
        start = BEFORE_ALL if self.event_start is None else self.event_start
        return (RANK[self.category] if self.rank < 0 else self.rank, start, self.priority, self.source_key or "", self.source_table)

    @property
    def identity(self) -> tuple[object, ...]:
        """Neighbours that share it are one segment."""
        return (self.category, self.source_table, self.source_key, self.event_start, self.stop_class, self.is_overrun)

    @property
    def cause(self) -> str | None:
        """How a lost cause is written beside the winner."""
        if self.category not in CAUSES or self.source_key is None:
            return None
        return ":".join(each for each in (self.source_table.rpartition(".")[2], self.source_key, self.reason_code) if each is not None)


@dataclass(slots=True)
class Segment:
    """A stretch of a window that one claim won."""

    start: int
    end: int
    claim: Claim
    order_no: str | None
    also_active: set[str]
    is_event_start: bool = False

    @property
    def length(self) -> int:
        return self.end - self.start

    @property
    def is_open(self) -> bool:
        return self.claim.event_start is not None and self.claim.event_end is None


class Reading(NamedTuple):
    """One reading of the counters and what was made since the one before."""

    at: int
    before: int | None
    order_no: str | None
    part_no: str | None
    good: int
    rework: int
    scrap: int
    is_reset: bool

    @property
    def made(self) -> int:
        return self.good + self.rework + self.scrap


def readings_of(rows: Iterable[Row]) -> list[Reading]:
    """Readings of one machine in order; a value below the one before counts from zero, the first counts nothing."""
    in_order = sorted(rows, key=lambda row: (row["reading_at"], row["event_id"]))
    found: list[Reading] = []
    before: Row | None = None
    for row in in_order:
        made, fell = {}, False
        for name in ("good_count", "rework_count", "scrap_count"):
            value = row[name]
            last = value if before is None else before[name]
            made[name] = value if value < last else value - last
            fell |= value < last
        since = None if before is None else found[-1].at
        found.append(Reading(micros(row["reading_at"]), since, row["order_no"], row["part_no"], *made.values(), fell))
        before = row
    return found


class Speaker:
    """Everything that sources say about one machine with certain attributes, not yet cut at windows."""

    def __init__(
        self,
        plant: Plant,
        machine_id: str,
        attributes: Attributes,
        interruptions: list[Row],
        events: list[Row],
        readings: list[Reading],
        signs: list[int],
        as_of: int,
    ) -> None:
        self.plant, self.machine_id, self.attributes, self.as_of = plant, machine_id, attributes, as_of
        last_reading = max(signs, default=BEFORE_ALL)
        stops = [] if attributes.state_source == "none" else [self._stop(row, last_reading) for row in interruptions if row["status"] != "cancelled"]
        operations = [self._operation(row) for row in events] if attributes.state_source == "mes" else []
        spoken = [each for each in (*stops, *operations) if each.start < each.end]
        self._classify([each for each in spoken if each.category == "unplanned_stop"])
        self.in_shifts = [piece for each in spoken for piece in self._split(each)]
        self.production = [each for each in operations if each.category == "running" and each.start < each.end]
        self.beats = self._beats(readings) if attributes.state_source == "state" and attributes.heartbeat is not None else []
        self.evidence = self._evidence(readings) if attributes.state_source == "state" else []

    def _stop(self, row: Row, last_reading: int) -> Claim:
        """An interruption as one claim over its whole length."""
        start = micros(row["start_at"])
        end = None if row["end_at"] is None else micros(row["end_at"])
        heartbeat = self.attributes.heartbeat
        until = self.as_of
        if heartbeat is not None:
            until = min(until, max(last_reading, micros(row["sent_at"]), start) + heartbeat)
        reason = self.plant.reason(row["reason_code"])
        return Claim(
            start=start, end=until if end is None else end, category=reason.category, source_table=INTERRUPTION, source_key=row["interruption_id"],
            reason_code=row["reason_code"], reason_text=row["reason_text"] if reason.text is None else reason.text, is_failure=reason.is_failure,
            priority=reason.priority, source_ref=row["source_ref"], event_start=start, event_end=end,
        )  # fmt: skip

    def _operation(self, row: Row) -> Claim:
        """An MES operation as one claim; the reason of a set-up or breakdown is its type."""
        kind = row["event_type"]
        code = None if kind == "production" else kind
        reason = self.plant.reason(code)
        start, end = micros(row["start_at"]), micros(row["end_at"])
        return Claim(
            start=start, end=end, category={"production": "running", "setup": "setup", "breakdown": "unplanned_stop"}[kind], source_table=EVENT,
            source_key=row["event_key"], reason_code=code, reason_text=None if code is None else reason.text or row["activity"],
            is_failure=reason.is_failure, priority=reason.priority, order_no=row["order_no"], source_ref=row["source_ref"],
            event_start=start, event_end=end,
        )  # fmt: skip

    def _classify(self, stops: list[Claim]) -> None:
        """Unplanned stops that overlap or abut are one; its whole length decides for each of them."""
        together: list[list[Claim]] = []
        until = BEFORE_ALL
        for stop in sorted(stops, key=lambda each: each.start):
            if stop.start > until:
                together.append([])
            together[-1].append(stop)
            until = max(until, stop.end)
        for whole in together:
            start, end = whole[0].start, max(each.end for each in whole)
            shorter = end - start < self.plant.attributes(self.machine_id, start).micro_stop
            is_open = any(each.event_end is None for each in whole)
            for stop in whole:
                stop.stop_class = ("indeterminate" if is_open else "micro") if shorter else "long"

    def _split(self, claim: Claim) -> list[Claim]:
        """An interruption with a planned or set-up reason in two: up to its planned end and beyond."""
        planned_end = self._planned_end(claim)
        if planned_end is None or planned_end >= claim.end:
            return [claim]
        beyond = _part(claim, planned_end, claim.end, is_overrun=True)
        if claim.category == "planned_down":
            beyond.category, beyond.is_failure, beyond.stop_class = "unplanned_stop", False, "long"
        return [_part(claim, claim.start, planned_end), beyond]

    def _planned_end(self, claim: Claim) -> int | None:
        if claim.source_table != INTERRUPTION or claim.category not in ("planned_down", "setup"):
            return None
        stops = self.plant.planned_stops.get(self.machine_id, ())
        ends = [each.end for each in stops if each.reason_code == claim.reason_code and each.start < claim.end and each.end > claim.start]
        if ends:
            return max(ends)
        planned = self.plant.reason(claim.reason_code).planned
        return None if planned is None else claim.start + planned

    def _beats(self, readings: list[Reading]) -> list[Claim]:
        """A reading speaks until the next one, for at most the heartbeat."""
        found = []
        for number, each in enumerate(readings):
            end = each.at + self.attributes.heartbeat
            if number + 1 < len(readings):
                end = min(end, readings[number + 1].at)
            category = "no_order" if self.attributes.speaks_orders and each.order_no is None else "running"
            if each.at < end:
                found.append(Claim(each.at, end, category, COUNT, order_no=each.order_no))
        return found

    def _evidence(self, readings: list[Reading]) -> list[Claim]:
        """Stretches that ended in a counted piece, at most a heartbeat long."""
        found = []
        for each in readings:
            if each.before is not None and each.made > 0:
                start = each.before if self.attributes.heartbeat is None else max(each.before, each.at - self.attributes.heartbeat)
                if start < each.at:
                    found.append(Claim(start, each.at, "unscheduled_run", COUNT, order_no=each.order_no))
        return found

    def claims(self, window: Window, confirmed: Sequence[Row]) -> list[Claim]:
        """All claims on a window, cut at its counted end."""
        end = min(window.end, self.as_of)
        found = self._scheduled(window, end, confirmed) if window.is_scheduled else self._unscheduled(window, end)
        return [each for each in found if each.start < each.end]

    def _unscheduled(self, window: Window, end: int) -> list[Claim]:
        ran = [_part(each, max(each.start, window.start), min(each.end, end)) for each in (*self.production, *self.evidence) if _meets(each, window)]
        for each in ran:
            each.category = "unscheduled_run"
        return [Claim(window.start, end, "not_scheduled", "calendar", rank=NOBODY), *ran]

    def _scheduled(self, window: Window, end: int, confirmed: Sequence[Row]) -> list[Claim]:
        found = [Claim(window.start, end, self._where_nobody_speaks(), "none", rank=NOBODY)]
        for start, until in window.breaks:
            found.append(Claim(start, until, "planned_down", "calendar", reason_text="Planned break", priority=0, event_start=start, event_end=until))
        for stop in self.plant.planned_stops.get(self.machine_id, ()):
            reason = self.plant.reason(stop.reason_code)
            found.append(
                Claim(
                    stop.start,
                    stop.end,
                    "planned_down",
                    "calendar",
                    reason_code=stop.reason_code,
                    reason_text=stop.name or reason.text,
                    is_failure=reason.is_failure,
                    priority=reason.priority,
                    event_start=stop.start,
                    event_end=stop.end,
                )
            )
        if self.attributes.state_source == "confirmation_only" and confirmed:
            category = "no_order" if all(row["is_idle"] for row in confirmed) else "running"
            found.append(Claim(window.start, end, category, "silver.confirmation"))
        found += [each for each in (*self.in_shifts, *self.beats) if _meets(each, window)]
        return [_part(each, max(each.start, window.start), min(each.end, end)) for each in found]

    def _where_nobody_speaks(self) -> str:
        attributes = self.attributes
        if attributes.state_source == "state" and attributes.heartbeat is None:
            return "running"
        return "no_order" if attributes.state_source == "mes" and attributes.speaks_orders else "unknown"


def _meets(claim: Claim, window: Window) -> bool:
    return claim.start < window.end and claim.end > window.start


def _part(claim: Claim, start: int, end: int, is_overrun: bool | None = None) -> Claim:
    return Claim(
        start, end, claim.category, claim.source_table, claim.source_key, claim.reason_code, claim.reason_text, claim.is_failure, claim.priority,
        claim.order_no, claim.source_ref, claim.event_start, claim.event_end, claim.stop_class,
        claim.is_overrun if is_overrun is None else is_overrun, claim.rank,
    )  # fmt: skip


def segments(window: Window, claims: list[Claim], speaks_orders: bool) -> list[Segment]:
    """Each span between two edges goes to the claim that stands first; equal neighbours are one segment."""
    best_first = sorted(claims, key=lambda each: each.standing)
    edges = sorted({at for each in claims for at in (each.start, each.end)})
    found: list[Segment] = []
    for start, end in pairwise(edges):
        active = [each for each in best_first if each.start <= start < each.end]
        segment = _won(start, end, active, speaks_orders)
        if found and found[-1].claim.identity == segment.claim.identity and found[-1].order_no == segment.order_no:
            found[-1].end = end
            found[-1].also_active |= segment.also_active
        else:
            found.append(segment)
    _mark_event_starts(window, found)
    return found


def _won(start: int, end: int, active: list[Claim], speaks_orders: bool) -> Segment:
    winner, order_no = active[0], active[0].order_no
    if order_no is None and speaks_orders:
        order_no = min((each.order_no for each in active if each.order_no is not None), default=None)
    lost = {each.cause for each in active if (each.source_table, each.source_key) != (winner.source_table, winner.source_key)}
    return Segment(start, end, winner, order_no, lost - {None})


def _mark_event_starts(window: Window, found: list[Segment]) -> None:
    """An event is counted in its first segment, in the window that holds its start."""
    seen = set()
    for each in found:
        event = (each.claim.source_table, each.claim.source_key)
        if each.claim.source_key is not None and event not in seen and window.start <= each.claim.event_start < window.end:
            each.is_event_start = True
        seen.add(event)
