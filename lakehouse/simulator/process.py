"""The plant itself: simpy processes that stop and start machines. One production date at a time, from carried state.

Nothing before an instant depends on anything after it, so a date can be run again with an injected stop: all that was told until
then stays as it was.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from lakehouse.simulator.instants import HOUR, MINUTE, SECOND
from lakehouse.simulator.rates import Rates
from lakehouse.simulator.spec import Product, SimMachine, Site, Window
from lakehouse.simulator.timeline import Heat, MachineState, Plan, Stop, Stretch, Trace

Step = Generator[Any, Any, None]
HEAT_CODE = "B03"
PACKML = {"planned_down": "Stopped", "setup": "Stopped", "unplanned_stop": "Aborted", "blocked_starved": "Suspended", "no_order": "Idle"}
COOL = 90 * MINUTE


@dataclass(frozen=True)
class Injection:
    """A breakdown put in by hand: it stops the machine whatever else happens. Instants in microseconds."""

    machine_id: str
    start: int
    end: int
    reason_code: str


def stream(seed: int, *names: object) -> random.Random:
    """Return the random stream of a purpose; equal names give equal numbers in every process."""
    return random.Random("/".join(str(each) for each in (seed, *names)))


def run_day(
    site: Site, rates: Rates, seed: int, windows: Sequence[Window], states: Sequence[MachineState], *, injections: Sequence[Injection] = ()
) -> list[Trace]:
    """Run one production date and return what each machine did; the states are carried to the end of the date."""
    start, end = windows[0].start, windows[-1].end
    env = simpy.Environment(initial_time=start)
    machines: list[MachineRun] = []
    for machine, state in zip(site.machines, states, strict=True):
        chance = stream(seed, machine.machine_id, "events", windows[0].shift_date)
        machines.append(MachineRun(env, site, machine, rates, state=state, chance=chance))
    for machine_run in machines:
        same_line = [other for other in machines if other.machine.line_id == machine_run.machine.line_id]
        place = same_line.index(machine_run)
        machine_run.before = same_line[place - 1] if place else None
        machine_run.after = same_line[place + 1] if place + 1 < len(same_line) else None
        machine_run.begin_day(windows, [each for each in injections if each.machine_id == machine_run.machine.machine_id])
    env.run(until=end)
    return [machine_run.end_day(end) for machine_run in machines]


class MachineRun:
    """One machine during one date."""

    def __init__(
        self, env: simpy.Environment, site: Site, machine: SimMachine, rates: Rates, *, state: MachineState, chance: random.Random
    ) -> None:
        self.env, self.site, self.machine, self.rates, self.state, self.chance = env, site, machine, rates, state, chance
        self.before: MachineRun | None = None
        self.after: MachineRun | None = None
        self.trace = Trace(machine.machine_id)
        self.runs = env.event()
        self.holds = 0
        self.in_break = False
        self.start = int(env.now)

    @property
    def now(self) -> int:
        """The plant's instant in microseconds."""
        return int(self.env.now)

    # -- the date's edges ---------------------------------------------------------------------------------------------

    def begin_day(self, windows: Sequence[Window], injections: Sequence[Injection]) -> None:
        """Take up what was under way, and plan the date."""
        state = self.state
        self.trace.orders.append((self.start, state.order_no, self.product.part_no))
        self.holds = len(state.stops)
        self.trace.stops = list(state.stops)
        for stop in list(state.stops):
            self.env.process(self._until_end(stop))
        for plan in list(state.plans):
            self.env.process(self._await(plan))
        self._plan_day(windows)
        for injected in injections:
            if self.start <= injected.start < windows[-1].end:
                length = injected.end - injected.start
                self.plan(Plan(injected.start, length, "injected", injected.reason_code, needs_run=False))
        for window in windows:
            self.env.process(self._calendar(window))
        self._tell_state()
        if not self.holds:
            self._resume() if state.run_from is not None else self._start_running()

    def end_day(self, end: int) -> Trace:
        """Return what the machine did; its state stands at `end`."""
        state = self.state
        if state.run_from is not None:
            self._keep_stretch(end)
        pending = [Heat(plan.hot_from, 0) for plan in state.plans if plan.hot_from and plan.hot_from < end]
        self.trace.heats = [*state.heats, *pending]
        state.heats = [heat for heat in state.heats if heat.trip > end - COOL]
        return self.trace

    def _plan_day(self, windows: Sequence[Window]) -> None:
        chance, rates, causes = self.chance, self.rates, {plan.cause for plan in self.state.plans}
        if "breakdown" not in causes:
            self._plan_breakdown()
        if "micro" not in causes:
            self._plan_micro()
        scheduled = [window for window in windows if window.is_scheduled]
        number = self.site.machines.index(self.machine)
        if scheduled and (windows[0].shift_date.toordinal() + number) % 7 == 0:
            self._plan_maintenance(scheduled[0])
        nights = [window for window in scheduled if self._is_night(window)]
        if self.machine.is_oven and nights and chance.random() < rates.overheat_share:
            night = nights[0]
            at = chance.randint(night.start + 90 * MINUTE, max(night.start + 91 * MINUTE, night.end - 60 * MINUTE))
            lead = chance.randint(30 * MINUTE, 50 * MINUTE)
            code = HEAT_CODE if HEAT_CODE in self.site.reasons else self.site.codes("unplanned_stop")[0]
            self.plan(Plan(at, chance.randint(10 * MINUTE, 28 * MINUTE), "overheat", code, needs_run=True, hot_from=at - lead))

    def _is_night(self, window: Window) -> bool:
        return self.site.day(window.shift_date)[1] - window.end < HOUR

    def _plan_maintenance(self, window: Window) -> None:
        length = self.chance.randint(45, 90) * MINUTE
        start = window.start + self.chance.randint(30, 60) * MINUTE
        for pause_start, pause_end in window.breaks:
            if start < pause_end and pause_start < start + length:
                start = pause_end + 10 * MINUTE
        self.plan(Plan(start, length, "planned", self.chance.choice(self.site.codes("planned_down")), needs_run=False))

    def _calendar(self, window: Window) -> Step:
        yield self.env.timeout(window.start - self.now)
        self.trace.edges.add(self.now)
        if not window.is_scheduled:
            self._stop("no_work", self.site.codes("no_order")[0], window.end - window.start)
        for pause_start, pause_end in window.breaks:
            yield self.env.timeout(pause_start - self.now)
            self.in_break = True
            self._hold()
            yield self.env.timeout(pause_end - self.now)
            self.in_break = False
            self._release()

    # -- running and standing -----------------------------------------------------------------------------------------

    @property
    def product(self) -> Product:
        """What is on the machine."""
        return self.machine.products[self.state.product]

    def _start_running(self) -> None:
        if self.state.shots_left <= 0:
            self._finish_order()
            return
        slow = self.chance.uniform(*self.rates.slow_from)
        self.state.run_from, self.state.shot_us = self.now, int(self.product.shot_us * (1 + slow))
        self._resume()
        self._tell_state()
        ready, self.runs = self.runs, self.env.event()
        ready.succeed()

    def _resume(self) -> None:
        run_from = self.state.run_from or 0
        self.env.process(self._until_order_done(run_from, run_from + self.state.shots_left * self.state.shot_us))

    def _until_order_done(self, run_from: int, done_at: int) -> Step:
        yield self.env.timeout(done_at - self.now)
        if self.state.run_from == run_from:
            self._finish_order()

    def _keep_stretch(self, end: int) -> int:
        run_from, shot_us = self.state.run_from or 0, self.state.shot_us
        start = max(run_from, self.start)
        if end > start:
            self.trace.stretches.append(Stretch(run_from, start, end, shot_us, self.product.cavities))
        return (end - run_from) // shot_us

    def _hold(self) -> None:
        if self.state.run_from is not None:
            self.state.shots_left -= self._keep_stretch(self.now)
            self.state.run_from = None
        self.holds += 1
        self._tell_state()

    def _release(self) -> None:
        self.holds -= 1
        self._tell_state()
        if not self.holds:
            self._start_running()

    def _tell_state(self) -> None:
        running = self.state.run_from is not None
        category = self.site.reasons[self.state.stops[-1].reason_code].category if self.state.stops else ""
        label = "Execute" if running else "Held" if self.in_break else PACKML.get(category, "Idle")
        speed = round(60 * SECOND * self.product.cavities / self.state.shot_us, 2) if running else 0.0
        self.trace.edges.add(self.now)
        if self.trace.states and self.trace.states[-1][0] == self.now:
            self.trace.states.pop()
        self.trace.states.append((self.now, label, speed))

    # -- stops --------------------------------------------------------------------------------------------------------

    def plan(self, plan: Plan) -> None:
        """Let a stop happen later."""
        self.state.plans.append(plan)
        self.env.process(self._await(plan))

    def _await(self, plan: Plan) -> Step:
        yield self.env.timeout(max(0, plan.at - self.now))
        while plan.needs_run and self.state.run_from is None:
            yield self.runs
            plan.at = self.now + self.chance.randint(20 * SECOND, 240 * SECOND)
            yield self.env.timeout(plan.at - self.now)
        self.state.plans = [other for other in self.state.plans if other is not plan]
        idle = any(stop.cause in {"no_order", "no_work"} for stop in self.state.stops)
        if plan.cause in {"planned", "injected"} or not idle:
            self._stop(plan.cause, plan.reason_code, plan.duration)
            if plan.hot_from:
                self.state.heats.append(Heat(plan.hot_from, self.now))
            self._consequences(plan)

    def _stop(self, cause: str, reason_code: str, duration: int) -> None:
        stop = Stop(f"I-{self.site.site_id}-{self.machine.machine_id}-{self.now}", cause, reason_code, self.now, self.now + duration)
        if any(other.stop_id == stop.stop_id for other in self.trace.stops):
            stop.stop_id += f"-{cause}"
        self.state.stops.append(stop)
        self.trace.stops.append(stop)
        self.trace.begun.append(stop)
        self._hold()
        self.env.process(self._until_end(stop))

    def _until_end(self, stop: Stop) -> Step:
        yield self.env.timeout(max(0, stop.end - self.now))
        self.state.stops = [other for other in self.state.stops if other is not stop]
        if stop.cause == "no_order":
            self._set_up()
        elif stop.cause == "setup":
            self._begin_order()
        self._release()

    def _consequences(self, plan: Plan) -> None:
        chance, rates = self.chance, self.rates
        if plan.cause == "micro":
            self._plan_micro()
        if plan.cause == "breakdown":
            self._plan_breakdown()
        if plan.cause not in {"breakdown", "overheat", "injected"}:
            return
        if chance.random() < rates.second_cause_share:
            codes = self.site.codes("unplanned_stop", failure=False) or self.site.codes("unplanned_stop")
            begin = self.now + chance.randint(SECOND, max(2 * SECOND, plan.duration - SECOND))
            self.plan(Plan(begin, chance.randint(2 * MINUTE, 12 * MINUTE), "second", chance.choice(codes), needs_run=False))
        if plan.duration > 8 * MINUTE:
            self._disturb(self.after, rates.starve_share, plan.duration, 0)
            self._disturb(self.before, rates.block_share, plan.duration, -1)

    def _disturb(self, other: MachineRun | None, share: float, duration: int, code: int) -> None:
        if other is None or self.chance.random() >= share:
            return
        begin = self.now + self.chance.randint(3 * MINUTE, 6 * MINUTE)
        length = max(MINUTE, duration - self.chance.randint(0, 4 * MINUTE))
        other.plan(Plan(begin, length, "disturbed", self.site.codes("blocked_starved")[code], needs_run=False))

    def _plan_breakdown(self) -> None:
        chance, rates = self.chance, self.rates
        at = self.now + max(MINUTE, int(chance.expovariate(1 / rates.mtbf_h) * HOUR))
        duration = max(150 * SECOND, int(chance.expovariate(1 / rates.mttr_min) * MINUTE))
        code = chance.choice(self.site.codes("unplanned_stop", failure=True) or self.site.codes("unplanned_stop"))
        hot = max(self.now, at - chance.randint(20 * MINUTE, 40 * MINUTE)) if code == HEAT_CODE else 0
        self.plan(Plan(at, duration, "breakdown", code, True, hot))

    def _plan_micro(self) -> None:
        chance = self.chance
        at = self.now + max(20 * SECOND, int(chance.expovariate(self.rates.micro_per_h) * HOUR))
        codes = self.site.codes("unplanned_stop", failure=False) or self.site.codes("unplanned_stop")
        self.plan(Plan(at, chance.randint(15 * SECOND, 240 * SECOND), "micro", chance.choice(codes), needs_run=True))

    # -- orders -------------------------------------------------------------------------------------------------------

    def _finish_order(self) -> None:
        if self.chance.random() < self.rates.no_order_share:
            self.state.order_no = None
            # The reading at this very instant still belongs to the order that made the last piece.
            self.trace.orders.append((self.now + 1, None, self.product.part_no))
            self._stop("no_order", self.site.codes("no_order")[0], self.chance.randint(12 * MINUTE, 70 * MINUTE))
        else:
            self._set_up()

    def _set_up(self) -> None:
        self._stop("setup", self.chance.choice(self.site.codes("setup")), self.chance.randint(12 * MINUTE, 40 * MINUTE))

    def _begin_order(self) -> None:
        next_order(self.state, self.machine, self.rates, self.chance)
        self.trace.orders.append((self.now, self.state.order_no, self.product.part_no))


def next_order(state: MachineState, machine: SimMachine, rates: Rates, chance: random.Random) -> None:
    """Put the next order on a machine: another product, a quantity of some hours."""
    state.order_seq += 1
    state.order_no = f"O-{machine.machine_id}-{state.order_seq:05}"
    state.product = (state.product + 1) % len(machine.products)
    hours = max(1.0, chance.gauss(rates.order_h, rates.order_h / 3))
    state.shots_left = max(10, int(hours * HOUR) // machine.products[state.product].shot_us)


def first_states(site: Site, rates: Rates, seed: int) -> list[MachineState]:
    """Return the machines as they stand when the simulation begins: an order under way, counters somewhere."""
    found = []
    for machine in site.machines:
        chance = stream(seed, machine.machine_id, "first")
        state = MachineState(machine.machine_id, 1000, None, chance.randrange(len(machine.products)), 0)
        next_order(state, machine, rates, chance)
        state.shots_left = max(10, int(state.shots_left * chance.random()))
        state.made = (chance.randint(5_000, 60_000), chance.randint(80, 900), chance.randint(20, 200))
        state.to_scrap, state.to_rework = chance.randint(5, 100), chance.randint(50, 400)
        found.append(state)
    return found
