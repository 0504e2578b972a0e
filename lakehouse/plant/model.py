"""The plant as the rest of the lakehouse asks for it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from lakehouse.errors import PlantModelError
from lakehouse.plant import calendar
from lakehouse.plant.calendar import ShiftWindow
from lakehouse.plant.declared import IdealCycle, Machine, Reason, SiteFile

UNKNOWN_REASON = Reason(code="UNKNOWN", text="Reason not known", category="unplanned_stop", priority=999)


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

    @cached_property
    def version(self) -> str:
        """Content hash of what its file declares; comments do not matter."""
        return _hash({self.site_id: self.declared.model_dump(mode="json")})

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

    def machine(self, machine_id: str) -> Machine | None:
        """Return a machine; a discovering site accepts every id that its pattern allows."""
        known = self.machines.get(machine_id)
        if known is not None or not self.declared.discover:
            return known
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
        """Content hash of everything declared; comments and order of files do not matter."""
        return _hash({name: site.declared.model_dump(mode="json") for name, site in self.sites.items()})

    def site(self, site_id: str) -> Site:
        """Return a site.

        Raises:
            PlantModelError: no file declares it.
        """
        if site_id not in self.sites:
            known = ", ".join(sorted(self.sites)) or "none"
            raise PlantModelError(f"site {site_id}", f"no file of the plant model declares it (known: {known})", "ls conf/plant")
        return self.sites[site_id]

    def machine(self, site_id: str, machine_id: str) -> Machine | None:
        """Return a machine, or None when site or machine are unknown."""
        site = self.sites.get(site_id)
        return site.machine(machine_id) if site else None

    def windows(self, site_id: str, from_at: dt.datetime, to_at: dt.datetime) -> list[ShiftWindow]:
        """Return all windows of a site, shifts and `off`, that overlap `[from_at, to_at)`; instants must be aware."""
        return calendar.windows(self.site(site_id).declared, from_at, to_at)


def _hash(declared: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:16]
