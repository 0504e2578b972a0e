"""What the counters of one machine read, on the minute and at every edge, and which readings never come."""

from __future__ import annotations

import math
import random
import zlib
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from lakehouse.simulator.instants import MINUTE, SECOND
from lakehouse.simulator.rates import Rates
from lakehouse.simulator.spec import SimMachine, Site, Span, Window
from lakehouse.simulator.timeline import MachineState, Stop, Trace

Triple = tuple[int, int, int]
READ_EVERY = MINUTE
_MARGIN = 3 * MINUTE


class Reading(NamedTuple):
    """What a machine tells at one instant; `shown` are the counters since their last reset, `made` those since ever."""

    at: int
    made: Triple
    shown: Triple
    state: str
    speed: float
    order_no: str | None
    part_no: str


@dataclass
class Counted:
    """The counters of one machine on one production date.

    Attributes:
        readings: those that are sent, in order.
        made: (instant, good, scrap and rework since ever) at every instant read, those included that never come.
        pieces: (order, part, window number) to good, scrap and rework, with the first and last instant.
        silences: spans for which nothing came, longer than one lost reading.
        resets: instants after which the counters began again at 0.
    """

    readings: list[Reading] = field(default_factory=list)
    made: list[tuple[int, Triple]] = field(default_factory=list)
    pieces: dict[tuple[str | None, str, int], tuple[Triple, int, int]] = field(default_factory=dict)
    silences: list[Span] = field(default_factory=list)
    resets: list[int] = field(default_factory=list)


def offset_of(name: str, every: int) -> int:
    """Return the microseconds after each full interval at which a sender speaks: whole seconds, fixed by its name."""
    return zlib.crc32(name.encode()) % max(1, every // SECOND) * SECOND


def grid(name: str, every: int, start: int, end: int) -> range:
    """Return the instants in `[start, end)` at which a sender speaks."""
    first = start + (offset_of(name, every) - start) % every
    return range(first, end, every)


def count(
    site: Site, rates: Rates, machine: SimMachine, windows: list[Window], *, trace: Trace, state: MachineState, chance: random.Random
) -> Counted:
    """Read the counters of one date; scrap, rework and counters are carried in `state`."""
    start, end = windows[0].start, windows[-1].end
    counted = Counted()
    edges = {at for at in trace.edges if start <= at < end}
    instants = sorted(edges | set(grid(machine.machine_id, READ_EVERY, start, end)))
    counted.silences = _silences(site, rates, machine, windows, stops=trace.stops, chance=chance)
    counting = _Counting(rates, windows, trace, state=state, chance=chance, counted=counted)
    counting.may_reset = _reset_chances(site, trace.begun)
    counting.read(instants, edges, end)
    return counted


def _silences(
    site: Site, rates: Rates, machine: SimMachine, windows: list[Window], *, stops: Iterable[Stop], chance: random.Random
) -> list[Span]:
    """Spans of silence inside one window and outside set-ups; one that meets a set-up ends where that begins."""
    found: list[Span] = []
    for window in windows:
        if not window.is_scheduled or chance.random() >= rates.silences_per_day / 3:
            continue
        start = chance.randint(window.start + _MARGIN, window.end - 30 * MINUTE)
        length = chance.randint(MINUTE, 20 * MINUTE) + (machine.heartbeat_us or 0) // 2
        end = min(start + length, window.end - _MARGIN)
        changes = [stop for stop in stops if site.reasons[stop.reason_code].category in {"setup", "no_order"}]
        if any(stop.start <= start < stop.end for stop in changes):
            continue
        found.append((start, min([end, *(stop.start for stop in changes if start < stop.start < end)])))
    return found


def _reset_chances(site: Site, begun: Iterable[Stop]) -> set[int]:
    """Instants at which a controller may begin its counters again: where a set-up or a failure stops the machine."""
    return {stop.start for stop in begun if stop.cause == "setup" or site.reasons[stop.reason_code].is_failure}


class _Counting:
    """One walk over the instants of a date."""

    def __init__(
        self, rates: Rates, windows: list[Window], trace: Trace, *, state: MachineState, chance: random.Random, counted: Counted
    ) -> None:
        self.rates, self.windows, self.trace, self.state, self.chance, self.counted = rates, windows, trace, state, chance, counted
        self.may_reset: set[int] = set()
        self.starts = [window.start for window in windows]
        self.changes = [at for at, _, _ in trace.orders]
        self.states = [at for at, _, _ in trace.states]
        self.stretch = 0
        self.restarted: Reading | None = None

    def read(self, instants: list[int], edges: set[int], end: int) -> None:
        silent = iter([*self.counted.silences, (end, end)])
        quiet = next(silent)
        before = instants[0] if instants else end
        for at in instants:
            self._make(before, at)
            before = at
            while at >= quiet[1] and quiet[1] < end:
                quiet = next(silent)
            if quiet[0] <= at < quiet[1]:
                continue
            if at not in edges and self.restarted is None and self.chance.random() < self.rates.lost_share:
                continue
            self._tell(at, stands=at in self.may_reset and not quiet[0] - 2 * MINUTE < at < quiet[0])
        self._make(before, end)

    def _make(self, after: int, upto: int) -> None:
        """Make the pieces of `(after, upto]`; they belong to the order and the window of `after`."""
        made = self._judge(self._pieces(after, upto)) if upto > after else (0, 0, 0)
        total = self.state.made
        self.state.made = (total[0] + made[0], total[1] + made[1], total[2] + made[2])
        self.counted.made.append((upto, self.state.made))
        if sum(made):
            _, order_no, part_no = self.trace.orders[bisect_right(self.changes, after) - 1]
            key = (order_no, part_no, bisect_right(self.starts, after) - 1)
            known, first, _ = self.counted.pieces.get(key, ((0, 0, 0), after, upto))
            self.counted.pieces[key] = ((known[0] + made[0], known[1] + made[1], known[2] + made[2]), first, upto)

    def _pieces(self, after: int, upto: int) -> int:
        stretches, found = self.trace.stretches, 0
        while self.stretch < len(stretches) and stretches[self.stretch].end <= after:
            self.stretch += 1
        number = self.stretch
        while number < len(stretches) and stretches[number].start < upto:
            found += stretches[number].shots(after, upto) * stretches[number].cavities
            number += 1
        return found

    def _judge(self, pieces: int) -> Triple:
        state = self.state
        scrap, state.to_scrap = _hits(pieces, state.to_scrap, self.rates.scrap_share, self.chance)
        rework, state.to_rework = _hits(pieces, state.to_rework, self.rates.rework_share, self.chance)
        rework = min(rework, pieces - scrap)
        return pieces - scrap - rework, scrap, rework

    def _tell(self, at: int, *, stands: bool) -> None:
        made = self.state.made
        if self.restarted is not None:
            self._restart(self.restarted, made, at)
        shown = _minus(made, self.state.base)
        _, order_no, part_no = self.trace.orders[bisect_right(self.changes, at) - 1]
        _, label, speed = self.trace.states[bisect_right(self.states, at) - 1]
        reading = Reading(at, made, shown, label, speed, order_no, part_no)
        self.counted.readings.append(reading)
        if stands and self.chance.random() < self.rates.reset_share:
            # The machine stands and has just been read: no piece is lost with the old counters.
            self.state.base = made
            self.counted.resets.append(at)
        elif label == "Execute" and self.chance.random() < self.rates.running_reset_share:
            self.restarted = reading

    def _restart(self, last: Reading, made: Triple, at: int) -> None:
        """Let the counters have begun again right after `last`, if their values give it away and nothing is lost."""
        since = _minus(made, last.made)
        if at - last.at <= READ_EVERY and all(new == 0 or new < old for new, old in zip(since, last.shown, strict=True)):
            self.state.base = last.made
            self.counted.resets.append(last.at)
        self.restarted = None


def _minus(left: Triple, right: Triple) -> Triple:
    return left[0] - right[0], left[1] - right[1], left[2] - right[2]


def _hits(pieces: int, wait: int, share: float, chance: random.Random) -> tuple[int, int]:
    """Return how many of the next pieces are hit, and the pieces to go until the next hit."""
    found = 0
    while wait < pieces:
        found += 1
        wait += 1 + int(math.log(1 - chance.random()) / math.log(1 - share)) if share > 0 else pieces
    return found, wait - pieces
