"""One production date of the simulated site: its messages, its files' rows, and the truth for the books."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from lakehouse.simulator import heat
from lakehouse.simulator.bad_inputs import BadInput, bad_input
from lakehouse.simulator.counters import Counted, count
from lakehouse.simulator.instants import DAY, MINUTE
from lakehouse.simulator.interruptions import Reporter
from lakehouse.simulator.ledger import MachineShift, Segment, machine_shift_of, segments_of, silent_spans
from lakehouse.simulator.messages import COUNT, TEMPERATURE, Incident, Message, Post, count_value, temperature_value
from lakehouse.simulator.process import Injection, run_day, stream
from lakehouse.simulator.rates import Rates
from lakehouse.simulator.spec import SimMachine, Site, Window
from lakehouse.simulator.timeline import MachineState, Trace


@dataclass(frozen=True)
class Plan:
    """What every date of one simulation shares.

    Attributes:
        until: end of the history; nothing told about the time before carries a later instant. Microseconds.
        temperature_every: microseconds between two temperatures of a sensor.
    """

    site: Site
    rates: Rates
    seed: int
    until: int
    temperature_every: int = MINUTE


@dataclass
class MachineDay:
    """One machine's date: what it did, what its counters read, what was true."""

    machine: SimMachine
    trace: Trace
    counted: Counted
    segments: list[Segment]
    shifts: list[MachineShift]


@dataclass
class Day:
    """One production date of the site. `messages` are not sorted."""

    date: dt.date
    windows: list[Window]
    machines: list[MachineDay] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    bad_inputs: list[BadInput] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)


def windows_of(site: Site, date: dt.date) -> list[Window]:
    """Return the windows of a production date in order; they follow one another without a gap."""
    start, end = site.day(date)
    return [each for each in site.windows(start, end) if start <= each.start < end]


def live_day(plan: Plan, date: dt.date, states: Sequence[MachineState], injections: Sequence[Injection] = ()) -> tuple[Day, list[MachineState]]:
    """Run one production date from the states at its start; return it and the states at its end."""
    carried = deepcopy(list(states))
    day = Day(date, windows_of(plan.site, date))
    traces = run_day(plan.site, plan.rates, plan.seed, day.windows, carried, injections=injections)
    for machine, trace, state in zip(plan.site.machines, traces, carried, strict=True):
        _machine_day(plan, day, machine, trace, state)
    return day, carried


def _machine_day(plan: Plan, day: Day, machine: SimMachine, trace: Trace, state: MachineState) -> None:
    site, rates, name = plan.site, plan.rates, machine.machine_id
    counted = count(
        site, rates, machine, day.windows, trace=trace, state=state, chance=stream(plan.seed, name, "counters", day.date)
    )
    silent = silent_spans([reading.at for reading in counted.readings] + [day.windows[-1].end], machine.heartbeat_us)
    truth = MachineDay(machine, trace, counted, [], [])
    for window in day.windows:
        segments = segments_of(machine, window, trace, silent, site.reasons)
        truth.segments += segments
        truth.shifts.append(machine_shift_of(segments, window, counted.made))
    day.machines.append(truth)
    _tell(plan, day, truth)


def _tell(plan: Plan, day: Day, truth: MachineDay) -> None:
    site, name = plan.site, truth.machine.machine_id
    posts = {what: Post(plan.rates, stream(plan.seed, name, what, day.date), name) for what in ("count", "temperature", "interruption")}
    for reading in truth.counted.readings:
        posts["count"].send(COUNT, count_value(site.site_id, name, reading), reading.at)
    _tell_stops(plan, day, truth, posts["interruption"])
    _tell_temperatures(plan, day, truth, posts["temperature"])
    for post in posts.values():
        day.messages += post.messages
        day.incidents += post.incidents
    day.incidents += [Incident("silence", name, a, b, "", b, "no message") for a, b in truth.counted.silences]
    day.incidents += [Incident("reset", name, at, at, "", at, "counters begin again at 0") for at in truth.counted.resets]
    by_hand = [stop for stop in truth.trace.begun if stop.cause == "injected"]
    day.incidents += [Incident("injected", name, stop.start, stop.end, stop.stop_id, stop.start, stop.reason_code) for stop in by_hand]
    _tell_nonsense(plan, day, name)


def _tell_stops(plan: Plan, day: Day, truth: MachineDay, post: Post) -> None:
    name = truth.machine.machine_id
    chance = stream(plan.seed, name, "reporter", day.date)
    reporter = Reporter(plan.site, plan.rates, name, day.windows, post=post, chance=chance, until=plan.until)
    for stop in truth.trace.begun:
        reporter.tell(stop)
    false = stream(plan.seed, name, "false reports", day.date)
    if false.random() < plan.rates.cancelled_per_day:
        Reporter(plan.site, plan.rates, name, day.windows, post=post, chance=false, until=plan.until).tell_false_report()


def _tell_temperatures(plan: Plan, day: Day, truth: MachineDay, post: Post) -> None:
    machine, span = truth.machine, (day.windows[0].start, day.windows[-1].end)
    site_id, name = plan.site.site_id, machine.machine_id
    when, climbs = heat.Every(*span, plan.temperature_every), heat.Climbs(truth.trace.heats, truth.counted.silences)
    for sensor, limit in machine.limits:
        for at, celsius in heat.readings(machine, sensor, limit, when, climbs):
            post.send(TEMPERATURE, temperature_value(site_id, name, sensor, at, celsius), at)


def _tell_nonsense(plan: Plan, day: Day, name: str) -> None:
    chance = stream(plan.seed, name, "nonsense", day.date)
    start, end = day.windows[0].start, day.windows[-1].end
    expected = plan.rates.bad_per_day * (end - start) / DAY
    times = sorted(chance.randrange(start, end) for _ in range(int(expected) + (chance.random() < expected % 1)))
    for at in times:
        bad, message = bad_input(plan.site.site_id, name, at, chance)
        day.bad_inputs.append(bad)
        day.messages.append(message)
