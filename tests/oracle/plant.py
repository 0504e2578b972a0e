"""A plant file as plain Python reads it: attributes in force, reasons, planned stops, cycles. Instants are whole microseconds since 1970 UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SECOND = 1_000_000
"""Microseconds of a second; also micro-pieces of a piece."""
LEDGER_CATEGORY = {"blocked": "blocked_starved", "starved": "blocked_starved", "organisational": "unplanned_stop"}
"""Categories of the catalogue that have another name in the ledger."""
NO_PRIORITY = 999
Row = Mapping[str, Any]


class Reason(NamedTuple):
    """A reason of the catalogue, in words of the ledger."""

    text: str | None
    category: str
    is_failure: bool
    priority: int
    planned: int | None
    maintenance: str | None


UNKNOWN_REASON = Reason("Reason not known", "unplanned_stop", False, NO_PRIORITY, None, None)
NOT_IN_CATALOGUE = Reason(None, "unplanned_stop", False, NO_PRIORITY, None, None)


class PlannedStop(NamedTuple):
    """A planned stop of the calendar in UTC."""

    start: int
    end: int
    reason_code: str | None
    name: str | None


class Cycle(NamedTuple):
    """An ideal cycle in force from an instant on; seconds of one cycle."""

    part_no: str | None
    tool_no: str | None
    machine_id: str | None
    valid_from: int
    seconds: Fraction
    cavities: int | None


@dataclass(frozen=True)
class Attributes:
    """What holds for a machine at one time."""

    line_id: str
    state_source: str
    quantity_source: str
    speaks_orders: bool
    heartbeat: int | None
    micro_stop: int


@dataclass(frozen=True)
class Plant:
    """One site, ready for questions."""

    raw: Row
    site_id: str
    zone: ZoneInfo
    profile: str
    no_order_is_planned: bool
    scrap_by_production_time: bool
    rework_by_production_time: bool
    reasons: Mapping[str, Reason]
    startup_reasons: frozenset[str]
    scrap_ratios: Mapping[str, Fraction]
    cycles: tuple[Cycle, ...]
    planned_stops: Mapping[str, tuple[PlannedStop, ...]]
    versions: Mapping[str, list[tuple[int, Attributes]]]
    lengths: dict[dt.date, int] = field(default_factory=dict)

    @property
    def machines(self) -> list[str]:
        return sorted(self.versions)

    def attributes(self, machine_id: str, at: int) -> Attributes:
        """What is in force for a machine at an instant."""
        return [attributes for since, attributes in self.versions[machine_id] if since <= at][-1]

    def reason(self, code: str | None) -> Reason:
        """A reason; codes that the catalogue has not are unplanned stops."""
        return self.reasons.get(code, NOT_IN_CATALOGUE)

    def cycle(self, part_no: str | None, tool_no: str | None, machine_id: str, at: int) -> Cycle | None:
        """The most specific record in force, then the latest; of equally specific ones part before tool before machine."""
        fitting = [
            each
            for each in self.cycles
            if each.part_no in (None, part_no) and each.tool_no in (None, tool_no) and each.machine_id in (None, machine_id) and each.valid_from <= at
        ]
        return max(fitting, key=lambda each: (_named(each), each.valid_from), default=None)

    def constraint_of_exit(self, machine_id: str, date: dt.date) -> str | None:
        """The constraint of the serial line whose exit a machine is on a date."""
        in_force: dict[str, Row] = {}
        for line in sorted(self.raw.get("lines") or (), key=lambda each: each.get("valid_from") or dt.date.min):
            if (line.get("valid_from") or dt.date.min) <= date:
                in_force[line["line_id"]] = line
        return next((line["constraint"] for line in in_force.values() if line["flow"] == "serial" and line["exit"] == machine_id), None)

    def day_length(self, date: dt.date) -> int:
        """Length of a local day."""
        if date not in self.lengths:
            self.lengths[date] = midnight(date + dt.timedelta(days=1), self.zone) - midnight(date, self.zone)
        return self.lengths[date]


def _named(cycle: Cycle) -> tuple[int, bool, bool, bool]:
    named = (cycle.part_no is not None, cycle.tool_no is not None, cycle.machine_id is not None)
    return (sum(named), *named)


def micros(at: dt.datetime) -> int:
    """An aware instant as microseconds."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def instant(at: int) -> dt.datetime:
    """Microseconds as an aware UTC instant."""
    return EPOCH + dt.timedelta(microseconds=at)


def decimal(millionths: int) -> Decimal:
    """Microseconds as exact seconds, micro-pieces as exact pieces."""
    return Decimal(millionths).scaleb(-6)


def from_wall(wall: dt.datetime, zone: ZoneInfo) -> int:
    """A wall-clock time in UTC; of an hour that comes twice, the first."""
    return micros(wall.replace(tzinfo=zone, fold=0))


def midnight(date: dt.date, zone: ZoneInfo) -> int:
    """The instant at which a local date begins."""
    return from_wall(dt.datetime.combine(date, dt.time()), zone)


def exact(number: object) -> Fraction:
    """A number of a plant file, as it is written."""
    return Fraction(str(number))


@lru_cache(maxsize=64)
def public_holidays(country: str, subdivision: str | None, year: int) -> frozenset[dt.date]:
    """Dates of a holiday calendar."""
    import holidays

    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))


def read_plant(raw: Row) -> Plant:
    """Read the plain dictionary of a plant file."""
    zone = ZoneInfo(raw["zone"])
    policies = raw.get("policies") or {}
    return Plant(
        raw=raw,
        site_id=raw["site_id"],
        zone=zone,
        profile=raw.get("profile", "iso22400"),
        no_order_is_planned=policies.get("no_order", "counted") == "planned",
        scrap_by_production_time=policies.get("late_scrap", "production_time") == "production_time",
        rework_by_production_time=policies.get("rework", "production_time") == "production_time",
        reasons={"UNKNOWN": UNKNOWN_REASON, **{each["code"]: _reason(each) for each in raw.get("reasons") or ()}},
        startup_reasons=frozenset(each["code"] for each in raw.get("scrap_reasons") or () if each["kind"] == "startup"),
        scrap_ratios={each["part_no"]: exact(each.get("planned_scrap_ratio") or 0) for each in raw.get("parts") or ()},
        cycles=tuple(_cycle(each, zone) for each in raw.get("ideal_cycles") or ()),
        planned_stops={each["machine_id"]: _planned_stops(raw, each["machine_id"], zone) for each in raw["machines"]},
        versions={each["machine_id"]: _versions({**(raw.get("machine_defaults") or {}), **each}, zone) for each in raw["machines"]},
    )


def _reason(raw: Row) -> Reason:
    planned_s = raw.get("planned_s")
    return Reason(
        text=raw["text"],
        category=LEDGER_CATEGORY.get(raw["category"], raw["category"]),
        is_failure=raw.get("is_failure", False),
        priority=raw.get("priority", 100),
        planned=None if planned_s is None else planned_s * SECOND,
        maintenance=raw.get("maintenance"),
    )


def _cycle(raw: Row, zone: ZoneInfo) -> Cycle:
    since = midnight(raw.get("valid_from") or dt.date(2000, 1, 1), zone)
    return Cycle(raw.get("part_no"), raw.get("tool_no"), raw.get("machine_id"), since, exact(raw["cycle_s"]), raw.get("cavities"))


def _planned_stops(raw: Row, machine_id: str, zone: ZoneInfo) -> tuple[PlannedStop, ...]:
    def at(text: str) -> int:
        return from_wall(dt.datetime.fromisoformat(text), zone)

    mine = (each for each in raw.get("planned_stops") or () if each["machine_id"] == machine_id)
    return tuple(PlannedStop(at(each["start"]), at(each["end"]), each.get("reason_code"), each.get("name")) for each in mine)


def _versions(raw: Row, zone: ZoneInfo) -> list[tuple[int, Attributes]]:
    """Attributes by the instant from which they hold; a change keeps what it does not name."""
    now = dict(raw)
    found = [(micros(EPOCH) - 10**18, _attributes(now))]
    for change in sorted(raw.get("changes") or (), key=lambda each: each["valid_from"]):
        now.update(change)
        found.append((midnight(change["valid_from"], zone), _attributes(now)))
    return found


def _attributes(raw: Row) -> Attributes:
    heartbeat_s = raw.get("heartbeat_s")
    return Attributes(
        line_id=raw["line_id"],
        state_source=raw["state_source"],
        quantity_source=raw["quantity_source"],
        speaks_orders=raw.get("speaks_orders", False),
        heartbeat=None if heartbeat_s is None else heartbeat_s * SECOND,
        micro_stop=raw.get("micro_stop_s", 300) * SECOND,
    )
