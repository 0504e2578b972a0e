"""What was true of one machine: stops, stretches of running, orders, heat. Plain data, written to the state file as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class Stop:
    """One reason why a machine does not run, `[start, end)`; several may overlap."""

    stop_id: str
    cause: str
    reason_code: str
    start: int
    end: int


@dataclass
class Plan:
    """A stop that is going to happen.

    Attributes:
        needs_run: it strikes a running machine only and waits for one.
        hot_from: since when the temperature climbs towards it, 0 for not at all.
    """

    at: int
    duration: int
    cause: str
    reason_code: str
    needs_run: bool
    hot_from: int = 0


class Stretch(NamedTuple):
    """Running without a stop in `[start, end)`; a shot ends at each `anchor + k * shot_us`, k >= 1."""

    anchor: int
    start: int
    end: int
    shot_us: int
    cavities: int

    def shots(self, after: int, upto: int) -> int:
        """Return the shots that ended in `(after, upto]`, both clipped to the stretch."""
        first, last = max(after, self.start), min(upto, self.end)
        return (last - self.anchor) // self.shot_us - (first - self.anchor) // self.shot_us if last > first else 0


class Heat(NamedTuple):
    """The temperature climbs from `since` on, until the machine tripped at `trip` (0: not yet), then falls."""

    since: int
    trip: int


@dataclass
class MachineState:
    """All that one machine carries from one production date to the next."""

    machine_id: str
    order_seq: int
    order_no: str | None
    product: int
    shots_left: int
    run_from: int | None = None
    shot_us: int = 0
    stops: list[Stop] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    heats: list[Heat] = field(default_factory=list)
    to_scrap: int = 0
    to_rework: int = 0
    made: tuple[int, int, int] = (0, 0, 0)
    base: tuple[int, int, int] = (0, 0, 0)


@dataclass
class Trace:
    """What one machine did on one production date.

    Attributes:
        stops: all that were active, those begun earlier included.
        begun: those that began on this date.
        stretches: in order.
        orders: (since, order or None, part) in order; the first holds from the start.
        states: (since, PackML state, speed in pieces a minute) in order.
        edges: instants at which the machine reports beside the minute grid.
        heats: episodes of heat that reach into the date.
    """

    machine_id: str
    stops: list[Stop] = field(default_factory=list)
    begun: list[Stop] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    orders: list[tuple[int, str | None, str]] = field(default_factory=list)
    states: list[tuple[int, str, float]] = field(default_factory=list)
    edges: set[int] = field(default_factory=set)
    heats: list[Heat] = field(default_factory=list)
