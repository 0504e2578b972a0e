"""What a file of conf/plant may say: one site. Validated as a whole; wall-clock times are quoted text (`"06:00"`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lakehouse.plant.base import Declared, refuse
from lakehouse.plant.checks import Listed, mistakes
from lakehouse.plant.declared_calendar import Break, Holiday, HolidayCalendar, PlannedStop, Rotation, Shift, ShiftException
from lakehouse.plant.declared_machines import Line, Machine, MachineChange
from lakehouse.plant.declared_terms import Category, IdealCycle, LedgerCategory, Part, Reason, ScrapReason
from lakehouse.plant.zones import zone_of

__all__ = [
    "Break",
    "Category",
    "Holiday",
    "HolidayCalendar",
    "IdealCycle",
    "LedgerCategory",
    "Line",
    "Machine",
    "MachineChange",
    "Part",
    "PlannedStop",
    "Policies",
    "Reason",
    "Rotation",
    "ScrapReason",
    "Shift",
    "ShiftException",
    "SiteFile",
]


def _known_zone(zone: str) -> str:
    zone_of(zone)
    return zone


def _at_least_one(shifts: tuple[Shift, ...]) -> tuple[Shift, ...]:
    # Not as min_length: that would complain of a list whose only shift has a mistake, too.
    if not shifts:
        raise ValueError("a site needs at least one shift")
    return shifts


class Policies(Declared):
    """Where plants differ in how they count.

    Attributes:
        no_order: time without an order counts against the machine (`counted`) or is planned down time (`planned`).
        late_scrap: scrap found later belongs to the time of production or to the time of its posting.
        rework: what a second pass saved or lost belongs to the time of production or to the time of its posting; it is never
            new output of the first pass, whatever the policy.
        reconciliation_ratio: by what share of the greatest quantity counter, MES and confirmations may differ, 0 to 1.
    """

    no_order: Literal["counted", "planned"] = "counted"
    late_scrap: Literal["production_time", "posting_time"] = "production_time"
    rework: Literal["production_time", "posting_time"] = "production_time"
    reconciliation_ratio: Decimal = Field(Decimal("0.01"), ge=0, le=1, max_digits=7, decimal_places=6)


def with_defaults(raw: object) -> object:
    """Return a file as read, with `machine_defaults` given to each machine that does not name them itself."""
    if not isinstance(raw, dict) or not isinstance(raw.get("machine_defaults", {}), dict):
        return raw
    defaults = raw.get("machine_defaults", {})
    machines = raw.get("machines", [])
    if not isinstance(machines, list):
        return raw
    return {**raw, "machines": [{**defaults, **each} if isinstance(each, dict) else each for each in machines]}


class SiteFile(Declared):
    """One file of conf/plant: one site.

    Attributes:
        zone: IANA zone of the plant's wall clock.
        profile: what the plain names availability and performance mean: `iso22400`, or `tpm` with micro-stops in performance.
        discover: accept any machine_id that appears, with the attributes of `machine_defaults`.
        machine_defaults: attributes of every machine that does not name them itself.
    """

    site_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$", strict=True)]
    name: str = ""
    zone: Annotated[str, AfterValidator(_known_zone)]
    profile: Literal["iso22400", "tpm"] = "iso22400"
    policies: Policies = Policies()
    discover: bool = False
    machine_defaults: dict[str, object] = {}
    machines: tuple[Machine, ...] = ()
    lines: tuple[Line, ...] = ()
    shifts: Annotated[tuple[Shift, ...], AfterValidator(_at_least_one)]
    exceptions: tuple[ShiftException, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    holiday_calendar: HolidayCalendar | None = None
    planned_stops: tuple[PlannedStop, ...] = ()
    reasons: tuple[Reason, ...] = ()
    scrap_reasons: tuple[ScrapReason, ...] = ()
    parts: tuple[Part, ...] = ()
    ideal_cycles: tuple[IdealCycle, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, raw: object) -> object:
        return with_defaults(raw)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        refuse(mistakes(Listed.of_all(self)))
        return self
