"""Temperatures: a slow swing, noise fixed by the instant, and heat that climbs before some failures."""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lakehouse.simulator.counters import grid
from lakehouse.simulator.instants import HOUR, MINUTE, SECOND
from lakehouse.simulator.spec import SimMachine, Span
from lakehouse.simulator.timeline import Heat

BELOW_LIMIT = 24.0
OVEN_CLIMB = 34.0
PRESS_CLIMB = 17.0
CLIMB = 30 * MINUTE
COOL_TAU = 12 * MINUTE
_SCALE = 1 << 32


class Every(NamedTuple):
    """Instants in `[start, end)`, every so many microseconds."""

    start: int
    end: int
    every: int


class Climbs(NamedTuple):
    """What disturbs the temperatures of a machine: episodes of heat, and spans for which nothing comes."""

    heats: Sequence[Heat]
    silences: Sequence[Span]


def readings(machine: SimMachine, sensor: str, limit: float, when: Every, climbs: Climbs) -> Iterator[tuple[int, float]]:
    """Yield (instant, degrees Celsius) of one sensor, none while the machine is silent."""
    heats, silences = climbs
    salt = zlib.crc32(f"{machine.machine_id}/{sensor}".encode())
    climb = OVEN_CLIMB if machine.is_oven else PRESS_CLIMB
    quiet = [start for start, _ in silences]
    for at in grid(f"{machine.machine_id}/{sensor}", when.every, when.start, when.end):
        number = bisect_right(quiet, at) - 1
        if number >= 0 and at < silences[number][1]:
            continue
        swing = 2.5 * math.sin(at / (2.6 * HOUR) + salt)
        hot = max((climb * _share(heat, at) for heat in heats), default=0.0)
        yield at, round(limit - BELOW_LIMIT + swing + hot + _noise(at // SECOND, salt), 1)


def _share(heat: Heat, at: int) -> float:
    if at <= heat.since:
        return 0.0
    if not heat.trip or at <= heat.trip:
        return min(1.0, (at - heat.since) / CLIMB)
    return min(1.0, (heat.trip - heat.since) / CLIMB) * math.exp(-(at - heat.trip) / COOL_TAU)


def _noise(second: int, salt: int) -> float:
    """Return a number of standard deviation about 0.6 that depends on instant and sensor only."""
    mixed = (second * 0x9E3779B97F4A7C15 + salt * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 30)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    mixed ^= mixed >> 31
    return (mixed % _SCALE + (mixed >> 32)) / _SCALE * 1.5 - 1.5
