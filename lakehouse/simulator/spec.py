"""What is simulated: the site of the plant model, in the simulator's own words (instants in microseconds)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from lakehouse.errors import PlantModelError
from lakehouse.plant import IdealCycle, Machine, PlantModel, ShiftWindow
from lakehouse.simulator.instants import SECOND, instant, micros

Span = tuple[int, int]
PRODUCTS_PER_MACHINE = 3


@dataclass(frozen=True)
class Product:
    """A part on one machine: its ideal shot in microseconds and the pieces of one shot."""

    part_no: str
    shot_us: int
    cavities: int


@dataclass(frozen=True)
class Reason:
    """A reason code with its category in the ledger and its rank among equals (lowest wins)."""

    code: str
    text: str
    category: str
    is_failure: bool
    priority: int


@dataclass(frozen=True)
class SimMachine:
    """One machine: `limits` are sensor to upper limit in degrees Celsius; `heartbeat_us` None: it never falls silent."""

    machine_id: str
    line_id: str
    is_oven: bool
    heartbeat_us: int | None
    limits: tuple[tuple[str, float], ...]
    products: tuple[Product, ...]


@dataclass(frozen=True)
class Window:
    """One shift of one production date, or the time between two; half-open."""

    shift_date: dt.date
    shift_id: str
    start: int
    end: int
    is_scheduled: bool
    breaks: tuple[Span, ...]


@dataclass(frozen=True)
class Site:
    """The simulated site."""

    site_id: str
    zone: ZoneInfo
    machines: tuple[SimMachine, ...]
    reasons: dict[str, Reason]
    model: PlantModel

    def codes(self, category: str, *, failure: bool | None = None) -> list[str]:
        """Return the reason codes of a category in order of the plant model, optionally only (non-)failures."""
        return [r.code for r in self.reasons.values() if r.category == category and failure in (None, r.is_failure)]

    def windows(self, start: int, end: int) -> list[Window]:
        """Return all windows that overlap `[start, end)` in order."""
        return [_window(each) for each in self.model.windows(self.site_id, instant(start), instant(end))]

    def day(self, date: dt.date) -> Span:
        """Return the span of a production date: from its first window's start to the next date's."""
        return self._day_start(date), self._day_start(date + dt.timedelta(days=1))

    def date_at(self, at: int) -> dt.date:
        """Return the production date that an instant belongs to."""
        date = instant(at).astimezone(self.zone).date()
        return date if self._day_start(date) <= at else date - dt.timedelta(days=1)

    def _day_start(self, date: dt.date) -> int:
        shifts = [shift for shift in self.model.site(self.site_id).declared.shifts if shift.starts_on(date)]
        wall = dt.time.fromisoformat(min(shift.start for shift in shifts)) if shifts else dt.time(0)
        return micros(dt.datetime.combine(date, wall, self.zone).astimezone(dt.UTC))


def _window(declared: ShiftWindow) -> Window:
    breaks = tuple((micros(a), micros(b)) for a, b in declared.breaks)
    return Window(declared.shift_date, declared.shift_id, micros(declared.start_at), micros(declared.end_at), declared.is_scheduled, breaks)


def site_of(model: PlantModel, site_id: str) -> Site:
    """Return what is simulated of a site.

    Raises:
        PlantModelError: the site lacks machines that count pieces and report stops, ideal cycles, or reasons for stops.
    """
    declared = model.site(site_id)
    reasons = {
        code: Reason(code, each.text, each.ledger_category, each.is_failure, each.priority)
        for code, each in declared.reasons.items() if code != "UNKNOWN"
    }
    spoken = [m for m in declared.machines.values() if m.state_source == "state" and m.quantity_source == "counter"]
    machines = tuple(_machine(number, machine, declared.ideal_cycles) for number, machine in enumerate(spoken))
    site = Site(site_id, ZoneInfo(declared.zone), machines, reasons, model)
    lacking = [c for c in ("unplanned_stop", "setup", "planned_down", "blocked_starved", "no_order") if not site.codes(c)]
    if not machines or lacking or not all(machine.products for machine in machines):
        what = f"reasons of {', '.join(lacking)}" if lacking else "machines that count pieces, or ideal cycles for them"
        raise PlantModelError(f"site {site_id}", f"cannot be simulated: it has no {what}", "mend conf/plant, or simulate the site demo")
    return site


def _machine(number: int, machine: Machine, cycles: Sequence[IdealCycle]) -> SimMachine:
    products = _products(machine.machine_id, cycles)
    first = 2 * number % max(1, len(products))
    mine = (products[first:] + products[:first])[:PRODUCTS_PER_MACHINE]
    return SimMachine(
        machine.machine_id,
        machine.line_id,
        machine.kind == "oven",
        machine.heartbeat_s * SECOND if machine.heartbeat_s else None,
        tuple(sorted(machine.temperature_limits.items())),
        tuple(mine),
    )


def _products(machine_id: str, cycles: Sequence[IdealCycle]) -> list[Product]:
    found: dict[str, IdealCycle] = {}
    for cycle in sorted(cycles, key=lambda each: (each.machine_id is not None, each.valid_from)):
        if cycle.part_no is not None and cycle.tool_no is None and cycle.machine_id in (None, machine_id):
            found[cycle.part_no] = cycle
    return [Product(part, int(cycle.cycle_s * SECOND), cycle.cavities or 1) for part, cycle in sorted(found.items())]
