"""The plant as the rest of the lakehouse asks for it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from lakehouse.errors import PlantModelError
from lakehouse.plant.calendar import Calendar, ShiftWindow, shares, wall_to_utc
from lakehouse.plant.declared import IdealCycle, Line, Machine, Part, Reason, ScrapReason, SiteFile
from lakehouse.plant.zones import tzdata_version, zone_of

UNKNOWN_REASON = Reason(code="UNKNOWN", text="Reason not known", category="unplanned_stop", priority=999)
HASHED_YEARS = range(2000, 2050)
"""Years whose public holidays enter the version of a site that takes a country's calendar."""


class StopSpan(NamedTuple):
    """A planned stop of one machine in UTC, half-open."""

    start_at: dt.datetime
    end_at: dt.datetime
    reason_code: str
    name: str


@dataclass(frozen=True)
class Site:
    """One site: what its file declares, with look-ups."""

    declared: SiteFile

    @property
    def site_id(self) -> str:
        """Name of the site."""
        return self.declared.site_id

    @property
    def zone(self) -> str:
        """IANA zone of the plant's wall clock."""
        return self.declared.zone

    @property
    def tzdata_version(self) -> str:
        """Version of the time zone data by which wall-clock times become UTC, e.g. `2026.6`."""
        return tzdata_version()

    @cached_property
    def version(self) -> str:
        """Content hash of what its file declares (comments do not matter), the time zone data and the public holidays it takes."""
        return _hash({self.site_id: self.content})

    @property
    def content(self) -> dict[str, object]:
        """All that its numbers depend on, as JSON has it."""
        public = self.declared.holiday_calendar
        dates = [each.isoformat() for year in HASHED_YEARS for each in public.names(year)] if public else []
        return {"declared": self.declared.model_dump(mode="json"), "tzdata": self.tzdata_version, "public_holidays": dates}

    @cached_property
    def calendar(self) -> Calendar:
        """Its shifts as windows."""
        return Calendar(self.declared)

    @cached_property
    def machines(self) -> Mapping[str, Machine]:
        """Declared machines by id; a discovering site has those that it names."""
        return {machine.machine_id: machine for machine in self.declared.machines}

    @cached_property
    def reasons(self) -> Mapping[str, Reason]:
        """Reason codes, `UNKNOWN` always among them."""
        return {UNKNOWN_REASON.code: UNKNOWN_REASON, **{reason.code: reason for reason in self.declared.reasons}}

    @property
    def ideal_cycles(self) -> tuple[IdealCycle, ...]:
        """Ideal cycles as declared."""
        return self.declared.ideal_cycles

    @cached_property
    def scrap_reasons(self) -> Mapping[str, ScrapReason]:
        """Scrap reasons by code."""
        return {reason.code: reason for reason in self.declared.scrap_reasons}

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """Declared parts by part number."""
        return {part.part_no: part for part in self.declared.parts}

    def lines_on(self, date: dt.date) -> Mapping[str, Line]:
        """Return the lines in force on a local date, by id: of each the latest record that has begun."""
        begun = (line for line in self.declared.lines if line.valid_from <= date)
        return {line.line_id: line for line in sorted(begun, key=lambda each: each.valid_from)}

    def machine(self, machine_id: str, on: dt.date | None = None) -> Machine | None:
        """Return a machine with the attributes in force on a local date; None: as it was before its first change, with its `changes`.

        A discovering site accepts every id that its pattern allows.
        """
        known = self.machines.get(machine_id) or self._discovered(machine_id)
        if known is None or on is None or not known.changes:
            return known
        history = self._histories.get(machine_id) or known.history()
        return [state for since, state in history if since <= on][-1]

    def planned_stops(self, machine_id: str, from_at: dt.datetime, to_at: dt.datetime) -> list[StopSpan]:
        """Return the planned stops of a machine that overlap `[from_at, to_at)`, whole, in order of start; instants must be aware.

        Wall-clock times become UTC as those of shifts do; a stop that a missing hour leaves without length is left out.
        """
        return [stop for stop in self._stops.get(machine_id, ()) if shares((stop.start_at, stop.end_at), from_at, to_at)]

    @cached_property
    def _histories(self) -> Mapping[str, list[tuple[dt.date, Machine]]]:
        return {machine.machine_id: machine.history() for machine in self.declared.machines}

    @cached_property
    def _stops(self) -> Mapping[str, list[StopSpan]]:
        zone = zone_of(self.zone)
        found: dict[str, list[StopSpan]] = {}
        for stop in self.declared.planned_stops:
            span = StopSpan(wall_to_utc(stop.start, zone), wall_to_utc(stop.end, zone), stop.reason_code, stop.name)
            if span.start_at < span.end_at:
                found.setdefault(stop.machine_id, []).append(span)
        return {machine_id: sorted(spans) for machine_id, spans in found.items()}

    def _discovered(self, machine_id: str) -> Machine | None:
        if not self.declared.discover:
            return None
        try:
            return Machine.model_validate({**self.declared.machine_defaults, "machine_id": machine_id})
        except ValueError:
            return None


@dataclass(frozen=True)
class PlantModel:
    """All sites. Made by `load_plant`; immutable."""

    sites: Mapping[str, Site]

    @cached_property
    def version(self) -> str:
        """Content hash of all sites; comments and order of files do not matter."""
        return _hash({name: site.content for name, site in self.sites.items()})

    def site(self, site_id: str) -> Site:
        """Return a site.

        Raises:
            PlantModelError: no file declares it.
        """
        if site_id not in self.sites:
            known = ", ".join(sorted(self.sites)) or "none"
            raise PlantModelError(f"site {site_id}", f"no file of the plant model declares it (known: {known})", "ls conf/plant")
        return self.sites[site_id]

    def machine(self, site_id: str, machine_id: str, on: dt.date | None = None) -> Machine | None:
        """Return a machine as `Site.machine` does, or None when site or machine are unknown."""
        site = self.sites.get(site_id)
        return site.machine(machine_id, on) if site else None

    def windows(self, site_id: str, from_at: dt.datetime, to_at: dt.datetime) -> list[ShiftWindow]:
        """Return all windows of a site, shifts and `off`, that overlap `[from_at, to_at)`; instants must be aware."""
        return self.site(site_id).calendar.windows(from_at, to_at)


def _hash(declared: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:16]
