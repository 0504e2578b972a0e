"""Where a simulation stands, as one JSON file: the machines at the last midnights of the plant, and how far all was told."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lakehouse.errors import SettingsError
from lakehouse.simulator.files import Row
from lakehouse.simulator.process import Injection
from lakehouse.simulator.rates import Rates
from lakehouse.simulator.timeline import Heat, MachineState, Plan, Stop

KEPT_DAYS = 3
VERSION = 1


@dataclass
class State:
    """All that a later run needs. Instants in microseconds.

    Attributes:
        since: start of the history.
        until: end of the history; everything about the time before it was sent then.
        sent_until: messages that arrive up to here were sent.
        told_until: windows that end up to here stand in the books.
        days: production date to the machines at its start, the last few.
        deferred: production date to the confirmations that the date before left to it, the last few.
        counts: topic to messages sent.
        injections: breakdowns put in by hand, the last few days'.
    """

    site_id: str
    seed: int
    since: int
    until: int
    sent_until: int
    told_until: int
    rates: Rates
    days: dict[dt.date, list[MachineState]] = field(default_factory=dict)
    deferred: dict[dt.date, list[Row]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    injections: list[Injection] = field(default_factory=list)

    def keep(self, date: dt.date, machines: list[MachineState], rows: list[Row]) -> None:
        """Remember how a production date begins; the oldest is forgotten."""
        self.days[date], self.deferred[date] = machines, rows
        for old in sorted(self.days)[:-KEPT_DAYS]:
            self.days.pop(old)
            self.deferred.pop(old, None)


def save(state: State, path: Path) -> None:
    """Write the state in one step: a reader sees the old or the new one."""
    plain = asdict(state)
    plain["days"] = {date.isoformat(): machines for date, machines in plain["days"].items()}
    plain["deferred"] = {date.isoformat(): rows for date, rows in plain["deferred"].items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump({"version": VERSION, **plain}, file, separators=(",", ":"), sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def load(path: Path) -> State:
    """Read a state.

    Raises:
        SettingsError: there is none, or it cannot be read.
    """
    history = "bin/lakehouse simulate history --days 30 --send"
    if not path.is_file():
        raise SettingsError(f"simulator state {path.name}", "there is none: no history was simulated", history)
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain.pop("version") != VERSION:
            raise SettingsError(f"simulator state {path.name}", "was written by another version", history)
        return _state(plain)
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"simulator state {path.name}", f"cannot be read: {error}", history) from error


def _state(plain: dict[str, Any]) -> State:
    rates = plain.pop("rates")
    rates["slow_from"] = tuple(rates["slow_from"])
    days = {dt.date.fromisoformat(date): [_machine(each) for each in machines] for date, machines in plain.pop("days").items()}
    deferred = {dt.date.fromisoformat(date): rows for date, rows in plain.pop("deferred").items()}
    injections = [Injection(**each) for each in plain.pop("injections")]
    return State(rates=Rates(**rates), days=days, deferred=deferred, injections=injections, **plain)


def _machine(plain: dict[str, Any]) -> MachineState:
    plain["stops"] = [Stop(**each) for each in plain["stops"]]
    plain["plans"] = [Plan(**each) for each in plain["plans"]]
    plain["heats"] = [Heat(*each) for each in plain["heats"]]
    plain["made"], plain["base"] = tuple(plain["made"]), tuple(plain["base"])
    return MachineState(**plain)
