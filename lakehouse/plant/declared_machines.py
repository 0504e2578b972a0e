"""Where work is done: machines with what changes about them, and lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Literal, LiteralString, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from lakehouse.plant.base import LONGEST_S, Date, Declared, Loc, Mistake, Name, refuse

FIXED = ("machine_id", "changes")


class MachineChange(Declared):
    """Attributes of a machine that are others from midnight (plant time) of a date on; all that it does not name stay."""

    model_config = ConfigDict(extra="allow")

    valid_from: Date

    @property
    def attributes(self) -> dict[str, Any]:
        """What changes: attribute to value, as the file says it."""
        return dict(self.model_extra or {})


class Machine(Declared):
    """A work unit with everything that gold must know of it.

    Attributes:
        state_source: what says whether it runs: `state` (stops and heartbeat), `mes`, `confirmation_only` or `none`.
        quantity_source: the one source that counts pieces.
        speaks_orders: True when its source knows of orders; only then can time be `no_order` by itself.
        heartbeat_s: silence beyond this many seconds is unknown; None: no stop means running.
        lane_number: lane that it stands in.
        temperature_limits: sensor to upper limit in degrees Celsius.
        micro_stop_s: a stop shorter than this is a micro-stop. Seconds, at most a day.
        changes: what is different from which date on, in order of the dates.
    """

    machine_id: Name
    line_id: Name
    area_id: Name
    state_source: Literal["state", "mes", "confirmation_only", "none"]
    quantity_source: Literal["counter", "mes", "confirmation", "none"]
    speaks_orders: bool = False
    heartbeat_s: int | None = Field(None, gt=0)
    lane_number: int | None = None
    kind: str = ""
    temperature_limits: dict[str, float] = {}
    micro_stop_s: int = Field(300, ge=0, le=LONGEST_S)
    changes: tuple[MachineChange, ...] = ()

    def history(self) -> list[tuple[dt.date, Machine]]:
        """Return the states of the machine without `changes`, each with the date from which it holds; the first holds from the first day."""
        states: list[tuple[dt.date, Machine]] = [(dt.date.min, self.model_copy(update={"changes": ()}))]
        for change in self.changes:
            states.append((change.valid_from, _changed(states[-1][1], change)))
        return states

    @model_validator(mode="after")
    def _changes_hold(self) -> Self:
        errors = [_error("plant", what, loc, None) for loc, what in _misplaced(self.changes)]
        state: Machine = self.model_copy(update={"changes": ()})
        for number, change in enumerate(self.changes):
            try:
                state = _changed(state, change)
            except ValidationError as error:
                errors += [_error(each["type"], each["msg"], ("changes", number, *each["loc"]), each["input"]) for each in error.errors()]
        if errors:
            raise ValidationError.from_exception_data("plant model", errors)
        return self


def _changed(state: Machine, change: MachineChange) -> Machine:
    return Machine.model_validate({**state.model_dump(), **{name: value for name, value in change.attributes.items() if name not in FIXED}})


def _misplaced(changes: tuple[MachineChange, ...]) -> Iterator[Mistake]:
    for number, change in enumerate(changes):
        if number and change.valid_from <= changes[number - 1].valid_from:
            yield ("changes", number, "valid_from"), f"{change.valid_from} is not after {changes[number - 1].valid_from}, the change before"
        if not change.attributes:
            yield ("changes", number), "names no attribute that changes"
        for fixed in FIXED:
            if fixed in change.attributes:
                yield ("changes", number, fixed), f"{fixed} cannot change"


def _error(kind: LiteralString, what: str, loc: Loc, found: Any) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(kind, "{what}", {"what": what}), loc=loc, input=found)


class Line(Declared):
    """A production line, from midnight (plant time) of a date on until its next record.

    Attributes:
        flow: `serial`: each piece passes all machines; `parallel`: each machine makes whole pieces.
        first: machine that a piece enters; of a serial line only.
        constraint: machine that sets the pace; of a serial line only.
        exit: machine whose good pieces are the line's; of a serial line only.
    """

    line_id: Name
    name: str = ""
    flow: Literal["serial", "parallel"]
    first: Name | None = None
    constraint: Name | None = None
    exit: Name | None = None
    valid_from: Date = dt.date(2000, 1, 1)

    @property
    def named_machines(self) -> dict[str, str]:
        """The machines it names, by role: `first`, `constraint`, `exit`."""
        roles = {"first": self.first, "constraint": self.constraint, "exit": self.exit}
        return {role: machine_id for role, machine_id in roles.items() if machine_id is not None}

    @model_validator(mode="after")
    def _roles_fit_the_flow(self) -> Self:
        named = self.named_machines
        if self.flow == "serial":
            refuse([((), f"serial line {self.line_id} needs {role}") for role in ("first", "constraint", "exit") if role not in named])
        else:
            refuse([((role,), f"parallel line {self.line_id} has no {role}") for role in named])
        return self
