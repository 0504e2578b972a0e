"""What conforming a file needs to know of a site, as plain values, and the column expressions over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from lakehouse.tables.silver import ID_CHARSET


@dataclass(frozen=True)
class SiteTerms:
    """One site's zone and names.

    Attributes:
        zone: IANA zone of its wall clock.
        machines: known machine_ids; None when the site accepts any.
        shifts: shift_ids of its calendar.
    """

    zone: str
    machines: frozenset[str] | None
    shifts: frozenset[str]


Sites = Mapping[str, SiteTerms]


def _by_site(values: Mapping[str, Column]) -> Column:
    pairs = [part for name, value in sorted(values.items()) for part in (F.lit(name), value)]
    return F.try_element_at(F.create_map(*pairs), F.col("site_id"))


def zone_of(sites: Sites) -> Column:
    """Return the row's zone, by `site_id`."""
    return _by_site({name: F.lit(terms.zone) for name, terms in sites.items()})


def _names(names: frozenset[str]) -> Column:
    return F.array(*(F.lit(name) for name in sorted(names))).cast("array<string>")


def is_known_machine(machine_id: Column, sites: Sites) -> Column:
    """Return whether the row's site has this machine, or accepts any well-formed name; never NULL."""
    listed = {name: terms.machines for name, terms in sites.items() if terms.machines is not None}
    well_formed = F.coalesce(machine_id.rlike(ID_CHARSET), F.lit(False))
    if not listed:
        return well_formed
    among = _by_site({name: _names(machines) for name, machines in listed.items()})
    return well_formed & F.coalesce(F.array_contains(among, machine_id), F.lit(True))


def is_known_shift(shift_id: Column, sites: Sites) -> Column:
    """Return whether the row's site has this shift; a row without a shift counts as known; never NULL."""
    among = _by_site({name: _names(terms.shifts) for name, terms in sites.items()})
    return shift_id.isNull() | F.coalesce(F.array_contains(among, shift_id), F.lit(False))
