"""The plant's own words: reasons of stops and of scrap, parts, ideal cycles."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lakehouse.plant.base import Date, Declared, Name, refuse

Category = Literal["planned_down", "setup", "unplanned_stop", "blocked_starved", "blocked", "starved", "organisational", "no_order"]
LedgerCategory = Literal["planned_down", "setup", "unplanned_stop", "blocked_starved", "no_order"]
LEDGER: dict[Category, LedgerCategory] = {
    "planned_down": "planned_down",
    "setup": "setup",
    "unplanned_stop": "unplanned_stop",
    "organisational": "unplanned_stop",
    "blocked_starved": "blocked_starved",
    "blocked": "blocked_starved",
    "starved": "blocked_starved",
    "no_order": "no_order",
}
PartNo = Annotated[str, Field(min_length=1)]


class Reason(Declared):
    """A reason code of an interruption.

    Attributes:
        text: the plant's words for it.
        category: what kind of time it is; finer than the ledger's, see `ledger_category`.
        is_failure: whether it is a failure event, counted in MTBF and MTTR.
        priority: rank among reasons of one category that begin together; the lowest wins.
        planned_s: planned length in seconds, of planned and set-up reasons only; what lasts longer is an overrun.
        responsibility: who takes care of it.
        maintenance: `corrective` or `preventive` where the time is maintenance, None where it is not.
    """

    code: Name
    text: str
    category: Category
    is_failure: bool = False
    priority: int = 100
    planned_s: int | None = Field(None, gt=0)
    responsibility: str = ""
    maintenance: Literal["corrective", "preventive"] | None = None

    @property
    def ledger_category(self) -> LedgerCategory:
        """The time ledger's category of this reason."""
        return LEDGER[self.category]

    @model_validator(mode="after")
    def _planned_where_it_means_something(self) -> Self:
        if self.planned_s is not None and self.category not in ("planned_down", "setup"):
            refuse([(("planned_s",), f"planned_s has no meaning for a reason of category {self.category}, only for planned_down and setup")])
        return self


class ScrapReason(Declared):
    """A reason of scrap; pieces lost to one of kind `startup` are also counted as start-up losses."""

    code: Name
    text: str
    kind: Literal["process", "startup"] = "process"


class Part(Declared):
    """A part; `planned_scrap_ratio` is planned scrap by pieces made, 0 to 1."""

    part_no: PartNo
    name: str = ""
    planned_scrap_ratio: Decimal = Field(Decimal(0), ge=0, le=1, max_digits=18, decimal_places=9)


class IdealCycle(Declared):
    """An ideal cycle, valid from midnight (plant time) of a date. The most specific record wins, then the latest.

    Attributes:
        cycle_s: seconds of one cycle.
        cavities: pieces of one cycle; None: those that the quantity row names, else 1.
    """

    part_no: PartNo | None = None
    tool_no: str | None = None
    machine_id: Name | None = None
    valid_from: Date = dt.date(2000, 1, 1)
    cycle_s: Decimal = Field(gt=0, max_digits=18, decimal_places=9)
    cavities: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.part_no is None and self.tool_no is None:
            raise ValueError("an ideal cycle needs part_no or tool_no")
        return self

    @property
    def identity(self) -> tuple[object, ...]:
        """What may be declared once only."""
        return self.part_no, self.tool_no, self.machine_id, self.valid_from
