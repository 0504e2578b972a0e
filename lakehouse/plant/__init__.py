"""The plant model: sites, lines, machines, shifts and calendars, parts, ideal cycles, reason codes. Read from conf/plant/*.yaml."""

from lakehouse.plant.calendar import ShiftWindow
from lakehouse.plant.declared import (
    Category,
    IdealCycle,
    LedgerCategory,
    Line,
    Machine,
    Part,
    Policies,
    Reason,
    ScrapReason,
    Shift,
    SiteFile,
)
from lakehouse.plant.load import load_plant
from lakehouse.plant.model import PlantModel, Site, StopSpan

__all__ = [
    "Category",
    "IdealCycle",
    "LedgerCategory",
    "Line",
    "Machine",
    "Part",
    "PlantModel",
    "Policies",
    "Reason",
    "ScrapReason",
    "Shift",
    "ShiftWindow",
    "Site",
    "SiteFile",
    "StopSpan",
    "load_plant",
]
