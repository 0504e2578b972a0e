"""The plant model: sites, machines, shifts and calendars, ideal cycles, reason codes. Read from conf/plant/*.yaml."""

from lakehouse.plant.calendar import ShiftWindow
from lakehouse.plant.declared import Category, IdealCycle, Machine, Reason, Shift, SiteFile
from lakehouse.plant.load import load_plant
from lakehouse.plant.model import PlantModel, Site

__all__ = [
    "Category",
    "IdealCycle",
    "Machine",
    "PlantModel",
    "Reason",
    "Shift",
    "ShiftWindow",
    "Site",
    "SiteFile",
    "load_plant",
]
